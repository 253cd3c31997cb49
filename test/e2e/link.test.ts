/** Linking two profiles on one machine, by the real window and the embedded log: what one shows, the other reads. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import type { Bridge, Link, OwnDevice } from '../../preload/api.ts'
import {
  accept, confirmWords, launch, nameComputer, openConversation, say, seeMessage, setUp, showInvite, startChat,
  temporaryData, timeline, until,
} from './harness.ts'
import { emptyPng } from './qr-pictures.ts'
import type { Running, Screen } from './harness.ts'

declare const coppice: Bridge

const press = (page: Page, name: string | RegExp): Promise<void> =>
  page.getByRole('button', { name, exact: typeof name === 'string' }).click()

async function open(t: TestContext, data: string, profile: string, screen?: Screen): Promise<Running> {
  const running = await launch(data, profile, screen)
  t.after(() => running.quit())
  return running
}

/** A computer without an account, at the page that asks which of the two shows a code. */
async function fresh(t: TestContext, data: string, name: string): Promise<Running> {
  const running = await open(t, data, name)
  const { page } = running
  await press(page, 'I use Coppice on another computer already')
  await nameComputer(page, 'Work laptop')
  return running
}

async function linkDialog(page: Page): Promise<void> {
  await press(page, 'Settings')
  await press(page, 'Show… (the devices)')
  await press(page, 'Link a device')
}

/** As a person who has a picture on the clipboard. */
const pastePicture = (page: Page, image: Buffer): Promise<void> => page.evaluate((bytes) => {
  const clipboardData = new DataTransfer()
  clipboardData.items.add(new File([Uint8Array.from(bytes)], 'image.png', { type: 'image/png' }))
  document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
}, [...image])

const codeOn = (page: Page): Promise<string> => page.getByRole('textbox', { name: 'Linking code' }).inputValue()

/** From the digits to the chats, on both. */
async function finish(elder: Page, other: Page): Promise<void> {
  const shown = elder.locator('p.digits')
  await shown.waitFor()
  await other.getByLabel('Ten digits').fill(await shown.innerText())
  await other.keyboard.press('Enter')
  await elder.getByRole('dialog', { name: 'Link “Work laptop”?' }).waitFor()
  await press(elder, 'Link Work laptop')
  await other.getByRole('heading', { name: 'Is this you?' }).waitFor()
  await other.getByText('Anna', { exact: true }).waitFor()
  const number = await elder.evaluate(async () => {
    const answer = await coppice.call('devices.number', {})
    return answer.ok ? answer.value : ''
  })
  assert.match(number, /^\d{5}(?: ?\d{5}){5}$/)
  assert.equal((await other.locator('.number').innerText()).replace(/\D/g, ''), number.replace(/\D/g, ''))
  await press(other, 'This is me')
  await elder.getByRole('dialog', { name: '“Work laptop” is linked' }).waitFor()
  await other.getByRole('dialog', { name: 'You are here too' }).waitFor()
  await press(other, 'Open my chats')
}

const devicesOf = async (page: Page): Promise<readonly OwnDevice[]> => page.evaluate(async () => {
  const answer = await coppice.call('devices.list', {})
  return answer.ok ? answer.value : []
})
const linkOf = (page: Page): Promise<Link | undefined> => page.evaluate(async () => {
  const answer = await coppice.call('app.open', {})
  return answer.ok ? answer.value.link : undefined
})

test('the code of the account’s computer, pasted on the new one: both talk, the line shows, one click undoes it', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const [anna, ben] = [await open(t, data, 'anna'), await open(t, data, 'ben')]
  await setUp(anna.page, 'Anna')
  await setUp(ben.page, 'Ben')
  await startChat(ben.page, await showInvite(anna.page))
  await accept(anna.page, 'Ben')
  await say(anna.page, 'From the old computer.')
  await seeMessage(ben.page, 'From the old computer.')

  await linkDialog(anna.page)
  await anna.page.getByText('First put your 24 recovery words on paper').waitFor()
  await confirmWords(anna.page)
  await press(anna.page, /^Show a code here/)
  const code = await codeOn(anna.page)
  // A window that is loaded again shows where it stands.
  assert.equal((await linkOf(anna.page))?.at, 'showing')
  const laptop = await fresh(t, data, 'laptop')
  await press(laptop.page, 'Read the code of the other one')
  await laptop.page.getByLabel('Or paste its text').fill(`${code.slice(0, 50)}\n${code.slice(50)}`)
  await press(laptop.page, 'Go on')
  await finish(anna.page, laptop.page)
  await press(anna.page, 'Done')

  await openConversation(laptop.page, 'Ben')
  await say(laptop.page, 'From the new computer.')
  await seeMessage(ben.page, 'From the new computer.')
  await seeMessage(anna.page, 'From the new computer.')
  await timeline(ben.page).getByText('Anna linked “Work laptop”.').waitFor()
  await timeline(anna.page).getByText('You linked “Work laptop”.').waitFor()
  const devices = await devicesOf(anna.page)
  assert.deepEqual(devices.map(({ name, trusted, revoked }) => ({ name, trusted, revoked })).slice(1),
    [{ name: 'Work laptop', trusted: false, revoked: false }])

  await timeline(anna.page).getByRole('button', { name: 'Undo: remove this device' }).click()
  await laptop.page.getByRole('region', { name: 'This computer was removed from your account' }).waitFor()
  await until('the device is still in a chat', async () =>
    (await devicesOf(anna.page)).some(({ name, revoked, groups }) => name === 'Work laptop' && revoked && groups === 0))
  await timeline(ben.page).getByText(/Anna removed “Work laptop”/).waitFor()
  await say(ben.page, 'Only for the old one.')
  await seeMessage(anna.page, 'Only for the old one.')
  assert.equal(await timeline(laptop.page).getByText('Only for the old one.').count(), 0)
  for (const { complaints } of [anna, ben, laptop]) assert.deepEqual(complaints, [])
})

test('the new computer shows, the other reads a file, a pasted picture, the screen: wrong digits end it, and the next code works', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  // Anna's screen has the window of the other computer on it, as in a call where somebody shows theirs.
  let shown: Page | undefined
  const anna = await open(t, data, 'anna', () => shown?.screenshot() ?? Promise.resolve(emptyPng()))
  await setUp(anna.page, 'Anna')
  await confirmWords(anna.page)
  const laptop = await fresh(t, data, 'laptop')
  const showCode = async (): Promise<string> => {
    await press(laptop.page, 'Show a code here')
    await laptop.page.getByRole('heading', { name: 'Read this with the other computer' }).waitFor()
    return codeOn(laptop.page)
  }
  /** Both are told, and begin anew. */
  const typeWrongly = async (): Promise<void> => {
    await anna.page.locator('p.digits').waitFor()
    await laptop.page.getByLabel('Ten digits').fill('0000000000')
    await laptop.page.keyboard.press('Enter')
    for (const { page } of [anna, laptop]) await page.getByText('The digits were different.').waitFor()
    await press(laptop.page, 'Start again')
    await laptop.page.getByRole('heading', { name: 'Link this computer' }).waitFor()
    await nameComputer(laptop.page, 'Work laptop')
  }
  const codes = [await showCode()]
  const screenOf = (page: Page): Promise<string> => page.evaluate(() => navigator.mediaDevices.getDisplayMedia().then(
    () => 'lent', (error: unknown) => (error as DOMException).name))
  const isStandin = process.env['COPPICE_E2E'] !== 'electron'
  if (isStandin) assert.equal(await screenOf(anna.page), 'NotAllowedError', 'no screen is lent where no reader is')
  await linkDialog(anna.page)
  await press(anna.page, /^Read the code of the other one/)
  // A picture of the whole window, as a person takes it.
  const picture = await laptop.page.screenshot()
  await anna.page.locator('input[type=file]').setInputFiles({ name: 'code.png', mimeType: 'image/png', buffer: picture })
  await typeWrongly()

  codes.push(await showCode())
  await press(anna.page, 'Start again')
  await pastePicture(anna.page, await laptop.page.screenshot())
  if (isStandin) {
    await typeWrongly()
    codes.push(await showCode())
    await press(anna.page, 'Start again')
    await press(anna.page, 'Look on the screen')
    shown = laptop.page
  } else t.diagnostic('what is on a real screen is not known to this test: the code was read from a pasted picture')
  assert.equal(new Set(codes).size, codes.length)
  await finish(anna.page, laptop.page)
  assert.equal((await devicesOf(anna.page)).length, 2)
})
