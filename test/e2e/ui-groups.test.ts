import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { decodeQR } from 'qr/decode.js'
import { ScriptedBridge } from './ui-bridge.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const start = stage.show

const press = (within: Page | Locator, name: string): Promise<void> =>
  within.getByRole('button', { name, exact: true }).click()
const row = (page: Page, title: string): Locator =>
  page.getByRole('navigation', { name: 'Conversations' }).getByRole('button', { name: new RegExp(`^${title}`) })
const panel = (page: Page): Locator => page.getByRole('complementary', { name: 'About this chat' })
const log = (page: Page): Locator => page.getByRole('log', { name: 'Messages' })
/** Waits for the focus: it follows what was drawn. */
const focused = async (locator: Locator): Promise<boolean> => {
  const isFocused = (): Promise<boolean> => locator.evaluate((element) => element === document.activeElement)
  for (let tries = 0; tries < 20 && !await isFocused(); tries++) {
    await new Promise((resolve) => { setTimeout(resolve, 25) })
  }
  return isFocused()
}
const outOfReach = (locator: Locator): Promise<boolean> =>
  locator.evaluate((element) => element.closest('[inert]') !== null)

describe('meeting somebody', () => {
  test('starts with a pasted invite, whose owner is shown first', async () => {
    const { page, bridge } = await start()
    await press(page, 'New chat')
    const dialog = page.getByRole('dialog', { name: 'New chat' })
    assert.equal(await dialog.getByRole('button', { name: 'Start chat' }).isDisabled(), true)
    await dialog.getByLabel('Paste an invite').fill('hello')
    await dialog.getByText('This is not a whole invite.').waitFor()
    await dialog.getByLabel('Paste an invite').fill(' coppice1\n nora ')
    await dialog.getByText('Nora', { exact: true }).waitFor()
    await dialog.getByText('Invite good until 25 Mar 2026').waitFor()
    await press(dialog, 'Start chat')
    await page.getByRole('heading', { name: 'Nora' }).waitFor()
    assert.deepEqual(bridge.argumentsOf('conversation.direct'), [{ invite: 'coppice1nora' }])
    await log(page).getByText('You started this chat.').waitFor()
    assert.equal(await focused(page.getByRole('textbox', { name: 'Message' })), true)
  })

  test('leads to the chat that exists already', async () => {
    const bridge = new ScriptedBridge()
    bridge.invites.set('coppice1jonas', {
      accountId: samples.idOf('Jonas'), name: 'Jonas', expiresAt: samples.now + samples.dayMs,
      conversation: samples.jonas.id,
    })
    bridge.answers['conversation.direct'] = () => ({ ok: true, value: { conversation: samples.jonas.id } })
    const { page } = await start(bridge)
    await press(page, 'New chat')
    await page.getByLabel('Paste an invite').fill('coppice1jonas')
    await page.getByText('You already have a chat with Jonas.').waitFor()
    await press(page, 'Open chat')
    await log(page).getByText('Saturday works').waitFor()
  })

  test('says why an invite leads nowhere, and starts nothing', async () => {
    const { page, bridge } = await start()
    await press(page, 'New chat')
    for (const [code, words] of [
      ['invite-expired', 'This invite is too old. Ask for a new one.'], ['invite-own', 'This is your own invite.'],
      ['invite-newer', 'This invite was made by a newer Coppice.'],
    ] as const) {
      bridge.answers['invite.read'] = () => ({ ok: false, code })
      await page.getByLabel('Paste an invite').fill(code)
      await page.getByText(words).waitFor()
    }
    delete bridge.answers['invite.read']
    bridge.answers['conversation.direct'] = () => ({ ok: false, code: 'invite-no-device' })
    await page.getByLabel('Paste an invite').fill('coppice1nora')
    await press(page, 'Start chat')
    await page.getByText('No device of this person can be found yet.').waitFor()
  })

  test('shows the own invite as a code that reads back and as text to copy', async () => {
    const { page } = await start()
    await press(page, 'Show my invite')
    const dialog = page.getByRole('dialog', { name: 'Your invite' })
    const invite = await dialog.getByRole('textbox', { name: 'Invite' }).inputValue()
    assert.match(invite, /^coppice1[0-9a-f]{128}$/)
    await dialog.getByText('Good until 25 Mar 2026 12:06.').waitFor()
    const picture = await dialog.getByRole('img', { name: 'QR code' }).evaluate(async (svg) => {
      const size = 4 * Number(svg.getAttribute('viewBox')?.split(' ')[2])
      const canvas = Object.assign(document.createElement('canvas'), { width: size, height: size })
      const context = canvas.getContext('2d')
      if (context === null) throw new Error('no canvas')
      context.fillStyle = '#ffffff'
      context.fillRect(0, 0, size, size)
      context.scale(4, 4)
      context.fillStyle = '#000000'
      context.fill(new Path2D(svg.querySelector('path')?.getAttribute('d') ?? ''))
      return { size, data: [...context.getImageData(0, 0, size, size).data] }
    })
    const { size, data } = picture
    assert.equal(decodeQR({ width: size, height: size, data: new Uint8ClampedArray(data) }), invite)
    await press(dialog, 'Copy')
    await dialog.getByRole('status').getByText('Copied').waitFor({ state: 'attached' })
  })

  test('asks before a stranger gets in: accept opens the chat', async () => {
    const { page, bridge } = await start()
    await row(page, 'Lena Hartmann').click()
    await page.getByRole('heading', { name: 'Lena Hartmann wants to talk with you' }).waitFor()
    await page.getByText('Lena Hartmann holds an invite of yours.').waitFor()
    assert.equal(await page.getByRole('textbox', { name: 'Message' }).count(), 0)
    assert.deepEqual(bridge.argumentsOf('entries.page'), [], 'nothing of it is fetched before that')
    await press(page, 'Accept')
    await log(page).getByText('You accepted.').waitFor()
    await page.getByRole('textbox', { name: 'Message' }).waitFor()
  })

  test('asks before a stranger gets in: decline leaves nothing', async () => {
    const { page, bridge } = await start()
    await row(page, 'Book club').click()
    await page.getByRole('heading', { name: 'Oda invites you to Book club' }).waitFor()
    await page.getByText('Oda holds no invite of yours. Accept only if you know who this is.').waitFor()
    await press(page, 'Decline')
    await row(page, 'Book club').waitFor({ state: 'detached' })
    assert.equal(bridge.argumentsOf('conversation.accept').length, 0)
  })
})

describe('a group', () => {
  test('is made of known people and of pasted invites', async () => {
    const { page, bridge } = await start()
    await press(page, 'New chat')
    await press(page, 'New group')
    const dialog = page.getByRole('dialog', { name: 'New group' })
    await press(dialog, 'Create group')
    await dialog.getByText('A group needs a name.').waitFor()
    await dialog.getByLabel('Group name').fill('Rowing')
    await press(dialog, 'Create group')
    await dialog.getByText('Pick at least one person, or paste an invite.').waitFor()
    await dialog.getByRole('checkbox', { name: 'Mara' }).check()
    await dialog.getByLabel('Paste an invite').fill('coppice1nora')
    await dialog.getByText('2 people picked').waitFor()
    await dialog.getByLabel('Paste an invite').fill('coppice1nora')
    await dialog.getByText('This invite is already on the list.').waitFor()
    await press(dialog, 'Create group')
    await page.getByRole('heading', { name: 'Rowing' }).waitFor()
    assert.deepEqual(bridge.argumentsOf('conversation.group'),
      [{ name: 'Rowing', people: [samples.idOf('Mara')], invites: ['coppice1nora'] }])
  })

  test('tells who can read it, its code, its tree of keys and its people', async () => {
    const { page } = await start()
    await row(page, 'River garden').click()
    await panel(page).getByText('5 people on 9 devices').waitFor()
    await panel(page).getByText('Nobody else, not even the server. Since today 09:12.').waitFor()
    const code = await panel(page).locator('.number').innerText()
    assert.equal(code.replace(/\s+/g, ' ').trim(), '48210 77364 90155 13902 66481 52037')
    const tree = 'Tree of keys over 9 devices, 7 places empty. Your path is lit.'
    await panel(page).getByRole('img', { name: tree }).waitFor()
    await panel(page).getByText('Last renewed by Mara 2 h ago.').waitFor()
    const people = await panel(page).getByRole('listitem').allInnerTexts()
    assert.deepEqual(people.map((person) => person.replace(/\s+/g, ' ').trim()), [
      'Jonas 2 devices · healed 3 days ago verified', 'Kim 1 device · new not compared',
      'Mara admin 3 devices · healed 2 h ago verified', 'Oda 1 device · healed 2 h ago not compared',
      'Robin you admin 2 devices · healed 2 h ago',
    ])
  })

  test('takes in more people, and those in it already are not offered', async () => {
    const { page, bridge } = await start()
    await row(page, 'River garden').click()
    await press(panel(page), 'Add people')
    const dialog = page.getByRole('dialog', { name: 'Add people to River garden' })
    await dialog.getByRole('checkbox', { name: 'Ana' }).check()
    const offered = dialog.locator('label').filter({ has: page.getByRole('checkbox') })
    assert.deepEqual(await offered.allInnerTexts(), ['Ana', 'Leo', 'Sam'])
    await press(dialog, 'Add')
    await log(page).getByText('You added Ana. 10 devices can read from here on.').waitFor()
    await panel(page).getByText('6 people on 10 devices').waitFor()
    assert.deepEqual(bridge.argumentsOf('conversation.add'),
      [{ conversation: samples.river.id, people: [samples.idOf('Ana')], invites: [] }])
    assert.equal(bridge.argumentsOf('conversation.details').length, 2, 'a new epoch has a new code')
  })

  test('removes a person only after the question', async () => {
    const { page, bridge } = await start()
    await row(page, 'River garden').click()
    await press(panel(page), 'Remove Kim')
    const question = page.getByRole('alertdialog', { name: 'Remove Kim?' })
    assert.equal(await focused(question.getByRole('button', { name: 'Cancel' })), true)
    await press(question, 'Cancel')
    await question.waitFor({ state: 'detached' })
    assert.equal(bridge.argumentsOf('conversation.remove').length, 0)
    assert.equal(await focused(panel(page).getByRole('button', { name: 'Remove Kim' })), true, 'focus comes back')
    await press(panel(page), 'Remove Kim')
    await press(question, 'Remove')
    await log(page).getByText('You removed Kim. 8 devices can read from here on.').waitFor()
    assert.equal(await panel(page).getByRole('listitem').filter({ hasText: 'Kim' }).count(), 0)
    const near = await panel(page).evaluate((element) => element.contains(document.activeElement))
    assert.equal(near, true, 'the focus stays near')
  })

  test('is renamed and left', async () => {
    const { page, bridge } = await start()
    await row(page, 'River garden').click()
    await press(panel(page), 'Rename')
    await page.getByLabel('Group name').fill('Lake garden')
    await page.keyboard.press('Enter')
    await row(page, 'Lake garden').waitFor()
    await press(panel(page), 'Leave group')
    const question = page.getByRole('alertdialog', { name: 'Leave Lake garden?' })
    bridge.answers['conversation.leave'] = () => ({ ok: false, code: 'store-full' })
    await press(question, 'Leave')
    await question.getByText('The disk is full.').waitFor()
    delete bridge.answers['conversation.leave']
    await press(question, 'Leave')
    await page.getByText('You left this group. What was said until then stays here.').waitFor()
    assert.equal(await panel(page).getByRole('button', { name: 'Leave group' }).count(), 0)
  })

  test('offers nothing that this person may not do', async () => {
    const { page } = await start()
    await row(page, 'Works council').click()
    await panel(page).getByText('3 people on 3 devices').waitFor()
    // To close it, to compare with the two others, to leave.
    assert.deepEqual(await panel(page).getByRole('button').allInnerTexts(),
      ['', 'not compared', 'not compared', 'Leave group'])
  })
})

describe('room', () => {
  test('under 1,000 px lets the panel slide over, holds the focus in it, and Escape closes it', async () => {
    const { page } = await start({}, { width: 900 })
    await row(page, 'River garden').click()
    await log(page).getByText('compost').waitFor()
    assert.equal(await panel(page).count(), 0)
    await press(page, 'About this chat')
    assert.equal(await focused(panel(page).getByRole('button', { name: 'Close' })), true)
    assert.equal(await outOfReach(page.getByRole('textbox', { name: 'Message' })), true)
    await page.keyboard.press('Escape')
    await panel(page).waitFor({ state: 'detached' })
    assert.equal(await focused(page.getByRole('button', { name: 'About this chat' })), true)
  })

  test('under 640 px shows one column at a time, with a way back', async () => {
    const { page } = await start({}, { width: 420 })
    await row(page, 'River garden').click()
    await log(page).getByText('compost').waitFor()
    assert.equal(await page.getByRole('navigation', { name: 'Conversations' }).isVisible(), false)
    await press(page, 'Back')
    await row(page, 'River garden').waitFor()
    await row(page, 'Jonas').click()
    await page.getByRole('heading', { name: 'Jonas' }).waitFor()
    await page.keyboard.press('Control+k')
    assert.equal(await focused(page.getByRole('textbox', { name: 'Find chats and what was said' })), true)
  })

  test('keeps the focus inside a dialog and gives it back', async () => {
    const { page } = await start()
    await page.getByRole('button', { name: 'Settings' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Settings' })
    await dialog.waitFor()
    for (let turn = 0; turn < 12; turn++) {
      await page.keyboard.press('Tab')
      assert.equal(await dialog.evaluate((element) => element.contains(document.activeElement)), true)
    }
    assert.equal(await outOfReach(page.getByRole('button', { name: 'New chat' })), true)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal(await focused(page.getByRole('button', { name: 'Settings' })), true)
  })
})

describe('a device that was silent for long', () => {
  test('is offered for removal, with a reason, and goes after a question', async () => {
    const deviceId = samples.idOf('laptop').slice(0, 32)
    const { page, bridge } = await start({ idle: [{ accountId: samples.idOf('Kim'), deviceId, since: samples.now - 94 * samples.dayMs }] })
    await row(page, 'River garden').click()
    if (!await panel(page).isVisible()) await press(page, 'About this chat')
    const offer = panel(page).getByRole('button', { name: /^Remove it: Kim.s device has been silent for \d+ days\.$/ })
    await panel(page).getByText('The keys of a silent device do not heal: if somebody took it, they can read on.').waitFor()
    await offer.click()
    const dialog = page.getByRole('alertdialog', { name: 'Remove this silent device?' })
    await dialog.getByText('Kim still belongs to this group and comes back by using the device again.').waitFor()
    assert.deepEqual(bridge.argumentsOf('conversation.drop'), [])
    await press(dialog, 'Remove')
    await offer.waitFor({ state: 'detached' })
    assert.deepEqual(bridge.argumentsOf('conversation.drop'), [{ conversation: samples.river.id, deviceId }])
  })
})

describe('settings', () => {
  test('say what messages on their way take, and nothing where they are kept elsewhere', async () => {
    const { page, bridge } = await start()
    const usage = page.getByRole('dialog', { name: 'Settings' }).getByText('Messages on their way take')
    await press(page, 'Settings')
    assert.equal(await usage.innerText(), 'Messages on their way take 12 MB on this computer. Kept 60 days.')
    await page.keyboard.press('Escape')
    bridge.answers['delivery.usage'] = () => ({ ok: true, value: undefined })
    await press(page, 'Settings')
    await page.getByRole('dialog', { name: 'Settings' }).getByLabel('Your name').waitFor()
    assert.equal(bridge.argumentsOf('delivery.usage').length, 2)
    assert.equal(await usage.count(), 0)
  })

  test('change the name', async () => {
    const { page, bridge } = await start()
    await press(page, 'Settings')
    const dialog = page.getByRole('dialog', { name: 'Settings' })
    await dialog.getByLabel('Your name').fill('Robin M.')
    await press(dialog, 'Save')
    await dialog.getByText('Saved').waitFor()
    assert.deepEqual(bridge.argumentsOf('profile.rename'), [{ name: 'Robin M.' }])
  })

  test('keep the theme that was chosen, whatever the system says', async () => {
    const { page } = await start()
    const paper = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    assert.equal(await paper(), 'rgb(246, 245, 240)')
    await page.emulateMedia({ colorScheme: 'dark' })
    assert.equal(await paper(), 'rgb(14, 20, 17)')
    await press(page, 'Settings')
    await page.getByText('Light', { exact: true }).click()
    assert.equal(await paper(), 'rgb(246, 245, 240)')
    await page.reload()
    await row(page, 'Jonas').waitFor()
    assert.equal(await paper(), 'rgb(246, 245, 240)')
    await press(page, 'Settings')
    await page.getByText('System', { exact: true }).click()
    assert.equal(await paper(), 'rgb(14, 20, 17)')
  })

  test('remove the profile only for who types its name', async () => {
    const { page, bridge } = await start({ phase: { at: 'ready', me: { ...samples.me, recovery: 'later' } } })
    await press(page, 'Settings')
    await press(page, 'Remove…')
    const dialog = page.getByRole('dialog', { name: 'Remove this profile from this computer?' })
    await dialog.getByText('Without it this account cannot come back.').waitFor()
    assert.equal(await dialog.getByRole('button', { name: 'Remove for good' }).isDisabled(), true)
    await dialog.getByLabel('Type “Robin” to go on').fill('Robin')
    await press(dialog, 'Remove for good')
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
    assert.deepEqual(bridge.argumentsOf('profile.remove'), [{ name: 'Robin' }])
  })
})
