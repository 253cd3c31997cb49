/** Linking on both sides, own devices, and how chats are kept, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { decodeQR } from 'qr/decode.js'
import type { Link, LinkFailure } from '../../preload/api.ts'
import { devicesPage } from './ui-device-scenes.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const start = stage.show
const noChats = { conversations: [], entries: [] }
const { links } = samples

const press = (within: Page | Locator, name: string): Promise<void> =>
  within.getByRole('button', { name, exact: true }).click()
const row = (page: Page, title: string): Locator =>
  page.getByRole('navigation', { name: 'Conversations' }).getByRole('button', { name: new RegExp(`^${title}`) })
const title = (page: Page, name: string): Promise<void> => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
/** Waits for the focus: it follows what was drawn. */
const focused = async (locator: Locator): Promise<boolean> => {
  const isFocused = (): Promise<boolean> => locator.evaluate((element) => element === document.activeElement)
  for (let tries = 0; tries < 20 && !await isFocused(); tries++) {
    await new Promise((resolve) => { setTimeout(resolve, 25) })
  }
  return isFocused()
}
const linkDialog = async (page: Page): Promise<Locator> => {
  await devicesPage(page)
  await press(page, 'Link a device')
  await page.getByRole('dialog', { name: 'Link a device' }).waitFor()
  return page.getByRole('dialog')
}

describe('linking, on the new computer', () => {
  test('is offered beside making an account, and asks for a name first', async () => {
    const { page, bridge } = await start({ ...noChats, phase: { at: 'new', keychain: 'ok' } })
    await press(page, 'I use Coppice on another computer already')
    await title(page, 'Link this computer')
    assert.equal(await focused(page.getByLabel('Name of this computer')), true)
    await press(page, 'Show a code here')
    await page.getByText('A name is needed, to know it apart.').waitFor()
    await press(page, 'Read the code of the other one')
    assert.deepEqual(bridge.argumentsOf('setup.link'), [])
    await press(page, 'Make a new account instead')
    await title(page, 'Welcome to Coppice')
  })

  test('shows its own code as a QR and as text, with the time that is left, and goes on by itself', async () => {
    const { page, bridge } = await start({ ...noChats, phase: { at: 'new', keychain: 'ok' } })
    await press(page, 'I use Coppice on another computer already')
    await page.getByLabel('Name of this computer').fill(' Work laptop ')
    await page.keyboard.press('Enter')
    await title(page, 'Read this with the other computer')
    assert.deepEqual(bridge.argumentsOf('setup.link'), [{ name: 'Work laptop', code: '', passphrase: '' }])
    assert.equal(await page.getByRole('textbox', { name: 'Linking code' }).inputValue(), samples.linkingCode)
    const picture = await page.getByRole('img', { name: 'Linking code as a QR code' }).evaluate((svg) => {
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
    assert.equal(decodeQR({ width: size, height: size, data: new Uint8ClampedArray(data) }), samples.linkingCode)
    await page.getByRole('timer').getByText(/^Good for (?:5:00|4:5\d)$/).waitFor()
    await page.clock.fastForward('05:01')
    await page.getByRole('status').getByText('This code is over.').waitFor()
    assert.equal(await page.getByRole('textbox', { name: 'Linking code' }).count(), 0)
    // A new one: from the beginning, with the name still there.
    await press(page, 'New code')
    await title(page, 'Link this computer')
    assert.equal(await page.getByLabel('Name of this computer').inputValue(), ' Work laptop ')
    assert.equal(bridge.argumentsOf('link.cancel').length, 1)
    await press(page, 'Show a code here')
    bridge.step({ at: 'connecting', role: 'new' })
    await title(page, 'Finding each other')
  })

  test('reads the code of the other one, pasted with broken lines', async () => {
    const { page, bridge } = await start({ ...noChats, phase: { at: 'new', keychain: 'ok' } })
    await press(page, 'I use Coppice on another computer already')
    await page.getByLabel('Name of this computer').fill('Work laptop')
    await press(page, 'Read the code of the other one')
    await press(page, 'Go on')
    await page.getByText('Paste the code first.').waitFor()
    await page.getByLabel('Or paste its text').fill(`  ${samples.linkingCode.slice(0, 40)}\n ${samples.linkingCode.slice(40)}\n`)
    await press(page, 'Go on')
    await title(page, 'Finding each other')
    assert.equal(bridge.argumentsOf('setup.link')[0]?.code, samples.linkingCode)
  })

  test('asks for a passphrase where there is no keychain, or where it is gone', async () => {
    const { page, bridge } = await start({ ...noChats, phase: { at: 'new', keychain: 'ok' } })
    bridge.answers['setup.link'] = () => ({ ok: false, code: 'keychain-absent' })
    await press(page, 'I use Coppice on another computer already')
    await page.getByLabel('Name of this computer').fill('Work laptop')
    await press(page, 'Show a code here')
    await page.getByText('Choose a passphrase instead.').waitFor()
    await page.getByLabel('Passphrase', { exact: true }).fill('seven oaks')
    await page.getByLabel('Repeat passphrase').fill('seven oak')
    await press(page, 'Show a code here')
    await page.getByText('The two passphrases are different.').waitFor()
    delete bridge.answers['setup.link']
    await page.getByLabel('Repeat passphrase').fill('seven oaks')
    await press(page, 'Show a code here')
    await title(page, 'Read this with the other computer')
    assert.equal(bridge.argumentsOf('setup.link').at(-1)?.passphrase, 'seven oaks')
  })

  test('takes ten digits, typed or pasted, and says before that there is one attempt', async () => {
    const { page, bridge } = await start({ ...noChats, phase: { at: 'linking', link: links.typing } })
    const field = page.getByLabel('Ten digits')
    assert.equal(await focused(field), true)
    await page.getByText('Wrong digits end it, and you start again with a new code.').waitFor()
    await page.keyboard.type('482107')
    assert.equal(await field.inputValue(), '48210 7')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('All ten digits are needed.').waitFor()
    assert.deepEqual(bridge.argumentsOf('link.digits'), [])
    await field.fill('digits: 48210-77364 99')
    assert.equal(await field.inputValue(), '48210 77364')
    await page.keyboard.press('Enter')
    await title(page, 'Look at the other computer')
    assert.deepEqual(bridge.argumentsOf('link.digits'), [{ digits: '4821077364' }])
  })

  test('keeps the caret behind the digit that was typed in the middle', async () => {
    const { page } = await start({ ...noChats, phase: { at: 'linking', link: links.typing } })
    const field = page.getByLabel('Ten digits')
    await field.fill('48210 7364')
    for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowLeft')
    await page.keyboard.type('7')
    assert.equal(await field.inputValue(), '48210 77364')
    assert.equal(await field.evaluate((input) => (input as HTMLInputElement).selectionStart), 8)
  })

  test('asks "Is this you?" with all that can be compared, before anything is taken', async () => {
    const { page, bridge } = await start({ ...noChats, phase: { at: 'linking', link: links.recognise } })
    await title(page, 'Is this you?')
    await page.getByText('90371 23330 53384 71864 67618 90855').waitFor()
    await page.getByText('Devices of this account: ThinkPad and Desk at home').waitFor()
    assert.equal(await focused(page.getByText('Robin', { exact: true })), true)
    await press(page, 'This is me')
    await title(page, 'Getting your chats')
    assert.equal(bridge.argumentsOf('link.recognise').length, 1)
    const chats = page.getByRole('progressbar', { name: 'Chats' })
    assert.equal(await chats.getAttribute('aria-valuetext'), '5 of 14')
    assert.equal(await page.getByRole('progressbar', { name: 'History' }).getAttribute('aria-valuetext'),
      '1,800 of 18,204, about 4 minutes left')
    bridge.step(links.done('new'))
    await title(page, 'You are here too')
    await press(page, 'Open my chats')
    await title(page, 'Coppice')
  })

  test('"This is not me" ends it', async () => {
    const { page, bridge } = await start({ ...noChats, phase: { at: 'linking', link: links.recognise } })
    await press(page, 'This is not me')
    await title(page, 'Welcome to Coppice')
    assert.equal(bridge.argumentsOf('link.cancel').length, 1)
    assert.equal(bridge.argumentsOf('link.recognise').length, 0)
  })
})

describe('linking, on the computer that has the account', () => {
  test('goes from the code over the digits to a yes that names the device', async () => {
    const { page, bridge } = await start()
    const dialog = await linkDialog(page)
    await dialog.getByRole('button', { name: /^Show a code here/ }).click()
    await page.getByRole('dialog', { name: 'Read this with the new computer' }).waitFor()
    assert.deepEqual(bridge.argumentsOf('link.start'), [{ code: '' }])
    bridge.step({ at: 'connecting', role: 'elder' })
    bridge.step(links.digits)
    await page.getByRole('dialog', { name: 'Type these on the new computer' }).waitFor()
    assert.equal((await dialog.locator('p.digits').innerText()).trim().replace(/\s+/g, ' '), '48210 77364')
    assert.equal(await focused(dialog.locator('p.digits')), true)
    bridge.step(links.confirm)
    await page.getByRole('dialog', { name: 'Link “Work laptop”?' }).waitFor()
    await dialog.getByText('Did somebody ask you to do this? Then stop.').waitFor()
    await dialog.getByText('read everything that is said from now on, in all your chats').waitFor()
    await dialog.getByText('but not link or remove devices, until you give it that right').waitFor()
    assert.equal(await dialog.getByRole('radio', { name: 'Nothing' }).isChecked(), true, 'nothing is given unasked')
    await dialog.getByRole('radio', { name: 'The last 30 days' }).check()
    await press(dialog, 'Link Work laptop')
    await page.getByRole('dialog', { name: '“Work laptop” is coming in' }).waitFor()
    assert.deepEqual(bridge.argumentsOf('link.confirm'), [{ history: 'month' }])
    // It goes on without the dialog, and says so in the list.
    await press(dialog, 'Close, it goes on')
    assert.equal(bridge.argumentsOf('link.cancel').length, 0)
    await page.getByText('Linking goes on: 5 of 14 chats').waitFor()
    bridge.step(links.done('elder'))
    await page.getByText('“Work laptop” is linked').waitFor()
    await press(page, 'Show')
    await dialog.getByText('In 14 of 14 chats.').waitFor()
    await press(dialog, 'Done')
    await dialog.waitFor({ state: 'detached' })
    assert.equal(bridge.argumentsOf('devices.revoke').length, 0)
    assert.equal(await page.getByText('is linked').count(), 0)
  })

  test('takes it back with one click', async () => {
    const { page, bridge } = await start({ link: links.done('elder') })
    await press(page, 'Show')
    await press(page, 'That was not me: remove it')
    await page.getByText('“Work laptop” is being removed from all chats.').waitFor()
    assert.deepEqual(bridge.argumentsOf('devices.revoke'), [{ deviceId: samples.deviceId('Work laptop') }])
  })

  test('reads the other code, and says what is wrong with it', async () => {
    const { page, bridge } = await start()
    const dialog = await linkDialog(page)
    await dialog.getByRole('button', { name: /^Read the code of the other one/ }).click()
    await dialog.getByLabel('Or paste its text').fill('coppice1nora')
    await press(dialog, 'Go on')
    await dialog.getByText('This is not a whole linking code.').waitFor()
    // Back to where the code is read.
    await press(dialog, 'Start again')
    await dialog.getByLabel('Or paste its text').fill(samples.linkingCode)
    await press(dialog, 'Go on')
    await page.getByRole('dialog', { name: 'Finding each other' }).waitFor()
    assert.equal(bridge.argumentsOf('link.start').at(-1)?.code, samples.linkingCode)
  })

  test('is not closed by a click beside it; Escape cancels, and nothing is left', async () => {
    const { page, bridge } = await start({ link: links.digits })
    await press(page, 'Show')
    const dialog = page.getByRole('dialog')
    await page.mouse.click(20, 700)
    await dialog.getByText('48210').waitFor()
    assert.equal(bridge.argumentsOf('link.cancel').length, 0)
    await page.keyboard.press('Escape')
    await page.getByText('Linking was cancelled. Nothing is left of it.').waitFor()
    assert.equal(bridge.argumentsOf('link.cancel').length, 1)
    assert.equal(await dialog.count(), 0)
  })

  test('wants the recovery words on paper first', async () => {
    const { page, bridge } = await start({ phase: { at: 'ready', me: { ...samples.me, recovery: 'later' } } })
    const dialog = await linkDialog(page)
    await dialog.getByText('First put your 24 recovery words on paper').waitFor()
    await press(dialog, 'Write them down')
    await title(page, 'Your recovery key')
    assert.equal(bridge.argumentsOf('link.start').length, 0)
  })

  const failures: readonly (readonly [LinkFailure, RegExp])[] = [
    ['expired', /shown for too long/], ['malformed', /not a whole linking code/], ['newer', /Update this app/],
    ['invite', /It links nothing/], ['used', /Somebody else has read this code/], ['role', /has an account too/],
    ['tampered', /something in between changed it/], ['digits', /one attempt only/], ['refused', /not their account/],
    ['gone', /No answer from the new computer/], ['no-right', /may not link others yet/],
    ['chain', /does not hold together/], ['revoked', /was removed from your account/], ['elsewhere', /in another place/],
  ]
  test('says in plain words why it ended, and what to do next, without a technical name', async () => {
    const { page, bridge } = await start({ link: { at: 'failed', role: 'elder', why: 'expired' } })
    await press(page, 'Show')
    const dialog = page.getByRole('dialog', { name: 'It was not linked' })
    const told = new Set<string>()
    for (const [why, text] of failures) {
      const link: Link = { at: 'failed', role: 'elder', why }
      bridge.step(link)
      await dialog.getByRole('alert').getByText(text).waitFor()
      const words = await dialog.innerText()
      assert.doesNotMatch(words, /\b(?:error|unknown|failed|psk|hpke)\b/i)
      told.add(words)
    }
    assert.equal(told.size, failures.length, 'each has words of its own')
    await dialog.getByText('Close', { exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
  })
})

describe('the devices page', () => {
  const card = (page: Page, name: string): Locator => page.getByRole('list', { name: 'Devices' })
    .getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) })

  test('says of each what it is, where it is and what it may do', async () => {
    const { page } = await start()
    await devicesPage(page)
    const cards = await page.getByRole('list', { name: 'Devices' }).getByRole('listitem').allInnerTexts()
    assert.deepEqual(cards.map((each) => each.replace(/\s+/g, ' ').trim()), [
      'ThinkPad this one Linux · Made the account last year Last seen in use now Keys healed 2 h ago ' +
        'Chats in 14 of 14 chats May link and remove devices. New key… Remove…',
      'Work laptop Windows · Linked today by ThinkPad Last seen 5 min ago Keys healed not yet Chats in 5 of 14 chats ' +
        'The rest follows by itself. May not link or remove devices. You can give it that right from 18 Mar 2026 on. Remove…',
      'Desk at home macOS · Linked 31 days ago by ThinkPad Last seen 2 days ago Keys healed 2 h ago ' +
        'Chats in 14 of 14 chats May not link or remove devices. Give it that right Remove…',
    ])
    const joining = card(page, 'Work laptop').getByRole('progressbar')
    assert.equal(await joining.getAttribute('aria-valuetext'), 'in 5 of 14 chats')
    await page.getByText('24 words on paper. They can remove every device').waitFor()
    await page.getByText('90371 23330 53384 71864 67618 90855').waitFor()
    await page.getByText('2 removed devices').click()
    await page.getByText('A device without a name').waitFor()
  })

  test('renames in place; Escape leaves the field and not the page', async () => {
    const { page, bridge } = await start()
    await devicesPage(page)
    await press(page, 'Rename Desk at home')
    const field = page.getByLabel('Name of the device')
    assert.equal(await focused(field), true)
    await page.keyboard.press('Escape')
    assert.equal(await focused(page.getByRole('button', { name: 'Rename Desk at home' })), true)
    await page.keyboard.press('Enter')
    await field.fill(' ')
    await page.keyboard.press('Enter')
    await page.getByText('A name is needed.').waitFor()
    await field.fill(' Attic ')
    await page.keyboard.press('Enter')
    await card(page, 'Attic').waitFor()
    assert.deepEqual(bridge.argumentsOf('devices.rename'), [{ deviceId: samples.deviceId('Desk at home'), name: 'Attic' }])
    assert.equal(await focused(page.getByRole('button', { name: 'Rename Attic' })), true)
  })

  test('removes after saying what that does and what not, and shows how far it is', async () => {
    const { page, bridge } = await start()
    await devicesPage(page)
    await press(page, 'Remove Work laptop')
    const question = page.getByRole('alertdialog', { name: 'Remove “Work laptop”?' })
    await question.getByText('nobody can delete that from here').waitFor()
    assert.equal(await focused(question.getByRole('button', { name: 'Cancel' })), true)
    await press(question, 'Cancel')
    assert.deepEqual(bridge.argumentsOf('devices.revoke'), [])
    assert.equal(await focused(page.getByRole('button', { name: 'Remove Work laptop' })), true)
    await page.keyboard.press('Enter')
    await press(question, 'Remove')
    await question.waitFor({ state: 'detached' })
    const going = page.getByRole('progressbar', { name: 'Work laptop' })
    await going.waitFor()
    assert.equal(await going.getAttribute('aria-valuetext'), 'Removed from 9 of 14 chats')
    bridge.push({ devices: bridge.devices.map((each) => each.name === 'Work laptop' ? { ...each, groups: 0 } : each) })
    await page.getByText('3 removed devices').click()
    await page.getByText('Removed from 14 of 14 chats.').first().waitFor()
  })

  test('asks before it gives a right away, and offers linking only where it may', async () => {
    const { page, bridge } = await start()
    await devicesPage(page)
    await press(page, 'Give it that right: Desk at home')
    const question = page.getByRole('alertdialog', { name: 'Let “Desk at home” link and remove devices?' })
    await press(question, 'Give the right')
    await card(page, 'Desk at home').getByText('May link and remove devices.').waitFor()
    assert.deepEqual(bridge.argumentsOf('devices.grant'), [{ deviceId: samples.deviceId('Desk at home') }])
    bridge.push({ devices: bridge.devices.map((each) => each.isThis ? { ...each, trusted: false } : each) })
    await page.getByText('This computer may not link others yet.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Link a device' }).count(), 0)
  })

  test('gives this computer a new key, and replaces the recovery key by its present words', async () => {
    const { page, bridge } = await start()
    await devicesPage(page)
    await press(page, 'New key… for ThinkPad')
    await press(page, 'Make a new key')
    await page.getByText('This computer signs with a new key from now on.').waitFor()
    assert.deepEqual(bridge.argumentsOf('devices.renew'), [{ words: '' }])
    await devicesPage(page)
    await press(page, 'Replace… (the recovery key)')
    const dialog = page.getByRole('dialog', { name: 'Replace the recovery key' })
    await dialog.getByText('nothing is sent to you before they have looked at it').waitFor()
    await press(dialog, 'Replace them')
    await dialog.getByText('All 24 words are needed.').waitFor()
    await dialog.getByLabel('Your 24 words').fill('abandon')
    await press(dialog, 'Replace them')
    await dialog.getByText('These are the words of another account.').waitFor()
    await dialog.getByLabel('Your 24 words').fill(samples.recoveryWords.join(' '))
    await press(dialog, 'Replace them')
    await title(page, 'Your recovery key')
  })

  test('of a device that was itself taken back shows that across the window, and what can be done', async () => {
    const { page, bridge } = await start({ phase: { at: 'ready', me: samples.me, readOnly: 'device-revoked' } })
    const told = page.getByRole('region', { name: 'This computer was removed from your account' })
    await told.getByText('What was said until then stays here to read.').waitFor()
    const box = await told.boundingBox()
    assert.equal(box?.width, 1400)
    await row(page, 'Jonas').click()
    await page.getByText('Saturday works').last().waitFor()
    assert.equal(await page.getByRole('textbox', { name: 'Message' }).count(), 0)
    await devicesPage(page)
    assert.equal(await page.getByRole('dialog').getByRole('button', { name: /^(?:Remove|Rename|Link|Give)/ }).count(), 0)
    await page.keyboard.press('Escape')
    await press(told, 'Remove this profile…')
    await page.getByLabel('Type “Robin” to go on').fill('Robin')
    await press(page, 'Remove for good')
    await title(page, 'Welcome to Coppice')
    assert.deepEqual(bridge.argumentsOf('profile.remove'), [{ name: 'Robin' }])
  })
})

describe('the lines of devices in a chat', () => {
  const linked = samples.fact(samples.river, samples.now, { fact: 'linked', who: samples.me.accountId, device: 'Work laptop' })

  test('offer to take an own device back, while that can be done', async () => {
    const { page, bridge } = await start({ entries: [...samples.sampleEntries, linked,
      samples.fact(samples.river, samples.now, { fact: 'linked', who: samples.idOf('Mara'), device: 'Tablet' })] })
    await row(page, 'River garden').click()
    await page.getByText('Mara linked “Tablet”.').waitFor()
    await page.getByText('You linked “Work laptop”.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Undo: remove this device' }).count(), 1)
    await press(page, 'Undo: remove this device')
    await page.getByRole('button', { name: 'Undo: remove this device' }).waitFor({ state: 'detached' })
    await page.getByText('“Work laptop” is being removed from all chats.').waitFor()
    assert.deepEqual(bridge.argumentsOf('devices.revoke'), [{ deviceId: samples.deviceId('Work laptop') }])
  })

  test('say who took a device back and who put that into effect', async () => {
    const line = (by: string, who: string, device: string) =>
      samples.fact(samples.river, samples.now, { fact: 'revoked', by: samples.idOf(by), who: samples.idOf(who), device })
    const { page } = await start({ entries: [...samples.sampleEntries,
      line('Robin', 'Robin', 'Old tower'), line('Mara', 'Robin', 'Netbook'), line('Robin', 'Jonas', ''), line('Kim', 'Kim', 'Pad'),
    ] })
    await row(page, 'River garden').click()
    for (const words of [
      'You removed “Old tower”, one of your devices.', 'Your device “Netbook” was taken back, and Mara removed it here.',
      'Jonas’s device was taken back, and you removed it here.', 'Kim removed “Pad”, one of their devices.',
    ]) await page.getByText(words).waitFor()
  })
})

describe('keeping chats', () => {
  const titles = (page: Page): Promise<readonly string[]> =>
    page.locator('[data-conversation] .title').allTextContents()

  test('pins, mutes and archives by the menu of the right button', async () => {
    const { page, bridge } = await start()
    const pick = async (chat: string, what: string): Promise<void> => {
      await row(page, chat).click({ button: 'right' })
      await page.getByRole('menuitem', { name: what, exact: true }).click()
    }
    await pick('Bike repair', 'Pin to the top')
    assert.equal((await titles(page))[0], 'Bike repair')
    assert.equal(await page.title(), '(15) Coppice')
    await pick('Works council', 'Mute')
    await page.waitForFunction(() => document.title === '(3) Coppice')
    assert.match(await row(page, 'Works council').innerText(), /muted/)
    await pick('Choir', 'Archive')
    await page.getByRole('button', { name: 'Archived (1)' }).waitFor()
    assert.equal((await titles(page)).includes('Choir'), false)
    await press(page, 'Archived (1)')
    assert.equal((await titles(page)).at(-1), 'Choir')
    await pick('Choir', 'Take out of the archive')
    await page.getByRole('button', { name: 'Archived (1)' }).waitFor({ state: 'detached' })
    await pick('Bike repair', 'Unpin')
    assert.equal((await titles(page))[0], 'River garden')
    assert.deepEqual(bridge.argumentsOf('conversation.keep')[1],
      { conversation: samples.council.id, muted: true, pinned: false, archived: false })
  })

  test('by the keyboard: the menu key, and a letter on the row; the focus stays in the list', async () => {
    const { page, bridge } = await start()
    await row(page, 'Family').waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    assert.equal(await focused(row(page, 'Family')), true)
    await page.keyboard.press('p')
    await page.waitForFunction(() => document.querySelector('[data-conversation] .title')?.textContent === 'Family')
    assert.equal(await focused(row(page, 'Family')), true)
    await page.keyboard.press('a')
    await page.getByRole('button', { name: 'Archived (1)' }).waitFor()
    assert.deepEqual(bridge.argumentsOf('conversation.keep').at(-1),
      { conversation: samples.family.id, muted: false, pinned: false, archived: true })
    assert.equal(await focused(row(page, 'River garden')), true, 'the row that took its place')
    await row(page, 'River garden').dispatchEvent('contextmenu', { clientX: 150, clientY: 120 })
    await page.getByRole('menuitem', { name: 'Mute' }).waitFor()
    await page.keyboard.press('Escape')
    assert.equal(await focused(row(page, 'River garden')), true)
    assert.equal(bridge.argumentsOf('conversation.keep').length, 2)
  })

  test('finds what is archived, and has no menu for a request', async () => {
    const conversations = samples.sampleConversations.map((each) =>
      each.id === samples.choir.id ? { ...each, archived: true } : each)
    const { page } = await start({ conversations })
    await row(page, 'Family').waitFor()
    assert.equal(await row(page, 'Choir').count(), 0)
    await page.getByLabel('Find chats and what was said').fill('choir')
    await row(page, 'Choir').click()
    await page.getByText('You left this group.').waitFor()
    await page.getByLabel('Find chats and what was said').fill('')
    await row(page, 'Lena Hartmann').click({ button: 'right' })
    await page.keyboard.press('m')
    assert.equal(await page.getByRole('menuitem').count(), 0)
  })
})
