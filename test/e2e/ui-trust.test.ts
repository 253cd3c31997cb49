/** Whom one talks with: the page of a safety number, the badges, what stands in the way after a change, and invites. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, afterEach, before, describe, test, type TestContext } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import type { Person, Safety } from '../../preload/api.ts'
import { findBrowser } from '../standin/browser.ts'
import { createStandin } from '../standin/electron.ts'
import {
  accept, builtStart, conversationsOf, invoke, launch, openConversation, setUp, showInvite, startChat, temporaryData, unlock,
} from './harness.ts'
import { pngOf, writeVideo } from './qr-pictures.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const button = (page: Page | Locator, name: string | RegExp): Locator => page.getByRole('button', { name })
const composer = (page: Page): Locator => page.getByRole('textbox', { name: 'Message' })
const safety = (page: Page): Locator => page.getByRole('dialog', { name: 'Safety number with' })
const header = (page: Page): Locator => page.getByRole('main').getByRole('button', { name: /^Safety number with/ })
const choose = (page: Page, buffer: Buffer): Promise<void> =>
  page.getByRole('dialog').locator('input[type=file]').setInputFiles({ name: 'code.png', mimeType: 'image/png', buffer })

const stage = newStage()
before(() => stage.open())
after(() => stage.close())

/** The chats, with one person as this one trusts them. */
const trusting = (name: string, to: Pick<Person, 'trust' | 'why'>): ScriptedBridge => new ScriptedBridge({
  conversations: samples.sampleConversations.map((each) => ({
    ...each, people: each.people.map((one) => one.name === name ? { ...one, ...to } : one),
  })),
})
const open = async (bridge: ScriptedBridge, title: string): Promise<Page> => {
  const { page } = await stage.show(bridge)
  await page.getByRole('navigation').getByRole('button', { name: new RegExp(`^${title}`) }).click()
  return page
}

describe('the safety number of a person', () => {
  afterEach(() => stage.check())

  test('is reached by keyboard from the header, shown in twelve groups, marked, and the mark taken back', async () => {
    const bridge = trusting('Jonas', { trust: 'new' })
    const page = await open(bridge, 'Jonas')
    await header(page).focus()
    assert.equal(await header(page).getAttribute('aria-label'), 'Safety number with Jonas: not compared')
    await page.keyboard.press('Enter')
    const groups = safety(page).getByRole('list', { name: 'The safety number of you and Jonas' }).getByRole('listitem')
    assert.deepEqual(await groups.allInnerTexts(), samples.digits.split(' '))
    await button(safety(page), 'They are the same').focus()
    await page.keyboard.press('Enter')
    await safety(page).getByText('You marked Jonas as verified').waitFor()
    await button(safety(page), 'Take the mark back').click()
    await button(safety(page), 'They are the same').waitFor()
    assert.deepEqual(bridge.argumentsOf('person.trust').map(({ trust }) => trust), ['verified', 'new'])
    await page.keyboard.press('Escape')
    await safety(page).waitFor({ state: 'hidden' })
    assert.equal(await header(page).evaluate((element) => element === document.activeElement), true)
  })

  test('is compared by a picture of the other screen: a match marks, anything else says what it is', async () => {
    const bridge = trusting('Jonas', { trust: 'new' })
    const page = await open(bridge, 'Jonas')
    await header(page).click()
    await choose(page, pngOf('code of Kim'))
    await safety(page).getByRole('alert').getByText('The codes do not match').waitFor()
    await choose(page, pngOf('coppice1nora'))
    await safety(page).getByRole('alert').getByText('not the code of a safety number').waitFor()
    await choose(page, pngOf('coppicelink1-aaaa'))
    await safety(page).getByRole('alert').getByText('a code that links a device to your account').waitFor()
    await button(safety(page), 'They are the same').waitFor()
    await choose(page, pngOf('code of Jonas'))
    await safety(page).getByRole('alert').getByText('The codes match').waitFor()
    await button(safety(page), 'Take the mark back').waitFor()
    assert.deepEqual(bridge.argumentsOf('person.trust'), [])
  })

  test('says that one met by an invite, and lets a person say that this replaces an account that is known', async () => {
    const bridge = trusting('Ana', { trust: 'new' })
    const page = await open(bridge, 'Ana')
    await header(page).click()
    await safety(page).getByText('only the name says that this is Ana').waitFor()
    await safety(page).getByText('Is this a new account').click()
    await safety(page).getByRole('combobox').selectOption({ label: 'Leo' })
    await button(safety(page), 'It replaces that account').click()
    await safety(page).getByText('Something changed about Ana').waitFor()
    assert.deepEqual(bridge.argumentsOf('person.replaces'),
      [{ accountId: samples.idOf('Ana'), replaced: samples.idOf('Leo') }])
  })
})

describe('somebody about whom something changed', () => {
  afterEach(() => stage.check())

  test('stands in the way of writing, loudly, until it was looked at; what waited is said to wait', async () => {
    const bridge = trusting('Jonas', { trust: 'changed', why: 'recovery' })
    bridge.entries.push(samples.message(samples.jonas, 'Robin', 'Until then!', { state: 'sending', deliveredTo: 0 }))
    const page = await open(bridge, 'Jonas')
    const bar = page.getByRole('main').getByRole('alert').filter({ hasText: 'Jonas replaced the recovery key' })
    await bar.waitFor()
    assert.equal(await composer(page).count(), 0)
    assert.match(await page.getByRole('article').filter({ hasText: 'Until then!' }).innerText(), /waiting/)
    await button(bar, 'Look at it: Jonas').focus()
    await page.keyboard.press('Enter')
    await safety(page).getByText('Ask Jonas, not in this chat').waitFor()
    // The number is made of the accounts alone: that it matches does not say who replaced the key.
    await choose(page, pngOf('code of Jonas'))
    await safety(page).getByRole('alert').getByText('The codes match').waitFor()
    await button(safety(page), 'I am sure: mark as verified').waitFor()
    await button(safety(page), 'Go on without comparing').click()
    await safety(page).getByText('Not compared yet').waitFor()
    await page.keyboard.press('Escape')
    await composer(page).waitFor()
    await bar.waitFor({ state: 'hidden' })
  })

  test('shows in the list, in the header, and among the people of a group', async () => {
    const bridge = trusting('Kim', { trust: 'changed', why: 'split' })
    const page = await open(bridge, 'River garden')
    const rows = page.getByRole('navigation').getByRole('listitem')
    const marked = await rows.filter({ has: page.getByText('changed', { exact: true }) }).locator('.title').allInnerTexts()
    assert.deepEqual(marked, ['River garden', 'Works council'])
    await page.getByRole('main').getByText('changed', { exact: true }).waitFor()
    const about = page.getByRole('complementary', { name: 'About this chat' })
    await button(about, 'Safety number with Mara: verified').waitFor()
    await button(about, 'Safety number with Oda: not compared').waitFor()
    await button(about, 'Safety number with Kim: changed').click()
    await safety(page).getByText('tell of different histories').waitFor()
  })
})

describe('a request of somebody who is called like somebody known', () => {
  afterEach(() => stage.check())

  test('says so, and leads to the safety number; a stranger of another name does not', async () => {
    const known = [{ accountId: samples.idOf('another Lena'), name: 'lena  hartmann' }]
    const page = await open(new ScriptedBridge({ known }), 'Lena Hartmann')
    await page.getByText('You know a Lena Hartmann by another account').waitFor()
    await button(page.getByRole('main'), 'Safety number with Lena Hartmann').click()
    await safety(page).waitFor()
    const other = await open(new ScriptedBridge({ known: known.map((one) => ({ ...one, name: 'Lena' })) }), 'Lena Hartmann')
    await button(other, 'Accept').waitFor()
    assert.equal(await other.getByText('by another account').count(), 0)
  })
})

test('an invite of somebody who is called like somebody known says so before the chat is started', async () => {
  const { page } = await stage.show(new ScriptedBridge({ known: [{ accountId: samples.idOf('other'), name: 'NORA' }] }))
  await button(page, 'New chat').click()
  await page.getByRole('textbox', { name: 'Paste an invite' }).fill('coppice1nora')
  await page.getByRole('alert').getByText('You know a Nora by another account').waitFor()
  await stage.check()
})

describe('the own invites', () => {
  afterEach(() => stage.check())

  test('are listed with what each can do, shown again, and withdrawn after a question', async () => {
    const bridge = new ScriptedBridge()
    const { page } = await stage.show(bridge)
    await button(page, 'Show my invite').click()
    await button(page, 'All your invites').click()
    const list = page.getByRole('dialog', { name: 'Your invites' })
    const cards = list.getByRole('listitem')
    assert.deepEqual((await cards.allInnerTexts()).map((card) => card.split('\n').filter((line) => line !== '').slice(1, 2)), [
      ['2 chats came by it. Good until 8 Apr 2026 12:06.'],
      ['1 chat came by it. Withdrawn: nobody can come by it any more.'],
      ['Nobody has come by it. Over since 7 Mar 2026.'],
    ])
    assert.equal(await button(list, /^Withdraw/).count(), 1)
    await button(list, /^Show/).click()
    assert.equal(await list.getByRole('textbox', { name: 'Invite' }).inputValue(), samples.madeInvites[0]?.text)
    await button(list, /^Withdraw/).click()
    await button(page.getByRole('alertdialog'), 'Cancel').click()
    assert.deepEqual(bridge.argumentsOf('invite.withdraw'), [])
    await button(list, /^Withdraw/).click()
    await button(page.getByRole('alertdialog'), 'Withdraw').click()
    await list.waitFor()
    assert.equal(await button(list, /^Withdraw/).count(), 0)
    assert.deepEqual(bridge.argumentsOf('invite.withdraw'), [{ invite: samples.madeInvites[0]?.id }])
    await button(list, 'Make another').click()
    await list.getByRole('img', { name: 'Your invite as a QR code' }).waitFor()
    assert.equal(await cards.count(), 4)
  })
})

/** What the open page's QR code says. */
const codeOn = async (page: Page): Promise<string> => {
  const [chat] = await conversationsOf(page)
  const accountId = chat?.people.find(({ own }) => !own)?.accountId
  const answer = await invoke(page, 'person.safety', { accountId }) as { readonly value: Safety }
  return answer.value.code
}

/** Ana's app again, with a camera before which Ben's screen is held. */
async function byCamera(t: TestContext, data: string, code: string): Promise<void> {
  const video = path.join(path.dirname(data), 'camera.y4m')
  await writeVideo(video, code)
  const standin = createStandin({
    browser: await findBrowser(), appData: path.dirname(data),
    browserArguments: [
      '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${video}`,
    ],
  })
  await (await builtStart())(standin.electron, { args: ['--data', data, '--profile', 'ana'] })
  const page = await standin.page()
  await unlock(page)
  await openConversation(page, 'Ben')
  await header(page).click()
  await button(safety(page), 'Use the camera').click()
  const match = safety(page).getByRole('alert').getByText('The codes match')
  await match.or(safety(page).getByText('No camera can be found')).waitFor()
  if (await match.isVisible()) await button(safety(page), 'Take the mark back').waitFor()
  else t.diagnostic('SKIPPED: this browser has no camera that plays a file')
  standin.electron.app.quit()
  await standin.exited
}

test('in the running app two people compare by pictures of the other’s screen, and by a camera', async (t) => {
  const folder = await temporaryData()
  const ana = await launch(folder.data, 'ana')
  const ben = await launch(folder.data, 'ben')
  try {
    await setUp(ana.page, 'Ana')
    await setUp(ben.page, 'Ben')
    await startChat(ben.page, await showInvite(ana.page))
    await accept(ana.page, 'Ben')
    for (const [one, other] of [[ana, 'Ben'], [ben, 'Ana']] as const) {
      await openConversation(one.page, other)
      await header(one.page).click()
      await safety(one.page).getByRole('img', { name: 'Code of the safety number' }).waitFor()
    }
    const numberOf = (page: Page): Promise<readonly string[]> =>
      safety(page).getByRole('list').getByRole('listitem').allInnerTexts()
    assert.equal((await numberOf(ana.page)).length, 12)
    assert.deepEqual(await numberOf(ana.page), await numberOf(ben.page))
    await safety(ben.page).getByText('You met by an invite of Ana').waitFor()
    const photographed = await safety(ana.page).getByRole('img', { name: 'Code of the safety number' }).screenshot()
    await choose(ana.page, photographed)
    await safety(ana.page).getByRole('alert').getByText('the code on your own screen').waitFor()
    await choose(ben.page, photographed)
    await safety(ben.page).getByRole('alert').getByText('The codes match').waitFor()
    await ben.page.keyboard.press('Escape')
    assert.equal(await header(ben.page).getAttribute('aria-label'), 'Safety number with Ana: verified')
    await ana.page.keyboard.press('Escape')
    assert.equal(await header(ana.page).getAttribute('aria-label'), 'Safety number with Ben: not compared')
    assert.deepEqual([...ana.standin.complaints, ...ben.standin.complaints], [])
    await ana.quit()
    await byCamera(t, folder.data, await codeOn(ben.page))
  } finally {
    await ana.quit()
    await ben.quit()
    await folder.remove()
  }
})
