/**
 * Runs the app for tests: temporary data folders, app instances on the stand-in, and what a person does in the window,
 * by the names that a screen reader says.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { _electron } from 'playwright-core'
import type { Locator, Page } from 'playwright-core'
import type { Bridge, CallName, Conversation, Entry } from '../../preload/api.ts'
import type { Electron } from '../../main/electron.ts'
import { findBrowser, findElectron } from '../standin/browser.ts'
import { createStandin } from '../standin/electron.ts'
import type { Standin } from '../standin/electron.ts'

declare const coppice: Bridge

// Tests use a passphrase, never the keychain of whoever runs them (the tests of the keychain bring their own).
process.env['DBUS_SESSION_BUS_ADDRESS'] = 'unix:path=/nonexistent'

export const root = path.resolve(import.meta.dirname, '..', '..')
export const built = path.join(root, 'dist')

// ---------------------------------------------------------------- running the app

/** The window of a running app, and its end. */
export type Running = {
  readonly page: Page
  /** Script errors of the page and refusals of its policy. */
  readonly complaints: readonly string[]
  /** Throws where the app runs on real Electron. */
  readonly standin: Standin
  /** Quits as a person does, and waits until everything is saved. Gives the exit code. */
  readonly quit: () => Promise<number>
}

export type Start = (electron: Electron, options: { readonly args: readonly string[] }) => Promise<void>

/** The `start` of the built app, dist/main/index.js. */
export async function builtStart(): Promise<Start> {
  const bundle = await import(pathToFileURL(path.join(built, 'main', 'index.js')).href) as { readonly start: Start }
  return bundle.start
}

/** A fresh data folder. Delete it with `remove` in the test's `after`. */
export async function temporaryData(): Promise<{ readonly data: string, readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'coppice-test-'))
  return {
    data: path.join(folder, 'data'),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}

/** What is on the screen of a computer, a PNG. */
export type Screen = () => Promise<Buffer>

/** A stand-in of its own: one app instance, without an app yet. */
export async function newStandin(appData: string, screen?: Screen): Promise<Standin> {
  return createStandin({ browser: await findBrowser(), appData, screen })
}

/** Starts the built app, unchanged, on the stand-in, or on Electron for `npm run e2e -- --electron`, which has a screen. */
export async function launch(data: string, profile?: string, screen?: Screen): Promise<Running> {
  const args = ['--data', data, ...profile === undefined ? [] : ['--profile', profile]]
  if (process.env['COPPICE_E2E'] === 'electron') return launchElectron(args)
  return launchWith(await builtStart(), data, profile, screen)
}

/** Electron's own binary with this folder as its app; Chromium refuses to run as root with its sandbox. */
async function launchElectron(args: readonly string[]): Promise<Running> {
  const executablePath = findElectron()
  if (executablePath === undefined) throw new Error('the binary of Electron is not here')
  const unsandboxed = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const app = await _electron.launch({ executablePath, args: [...unsandboxed, root, ...args] })
  const page = await app.firstWindow()
  const complaints: string[] = []
  page.on('pageerror', (error) => { complaints.push(error.message) })
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()) })
  page.setDefaultTimeout(20_000)
  const child = app.process()
  const exited = new Promise<number>((resolve) => { child.once('exit', (code) => { resolve(code ?? -1) }) })
  return {
    page, complaints,
    get standin(): never { throw new Error('this is seen on the stand-in alone') },
    quit: async () => {
      // The answer may be lost with the process that gives it.
      await app.evaluate((electron) => { electron.app.quit() }).catch(() => undefined)
      return exited
    },
  }
}

/** The same with another `start`. */
export async function launchWith(start: Start, data: string, profile?: string, screen?: Screen): Promise<Running> {
  const standin = await newStandin(path.dirname(data), screen)
  const args = ['--data', data, ...profile === undefined ? [] : ['--profile', profile]]
  // A start that fails must fail the test at once, not only when the page does not come.
  const page = await Promise.race([standin.page(), start(standin.electron, { args }).then(() => standin.page())])
  page.setDefaultTimeout(20_000)
  return { page, standin, complaints: standin.complaints, quit: () => { standin.electron.app.quit(); return standin.exited } }
}

/** Makes a Call from the page, with whatever argument. */
export const invoke = (page: Page, name: CallName, argument: object): Promise<unknown> =>
  page.evaluate(([name, argument]) => coppice.call(name, argument as never), [name, argument] as const)

export const wait = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

/** Waits until something is so; fails with the sentence when it does not come. */
export async function until(sentence: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await check()) return
    await wait(50)
  }
  assert.fail(sentence)
}

// ---------------------------------------------------------------- what a person does

/** Used wherever the machine has no keychain and the app asks for a passphrase. */
export const testPassphrase = 'seven oaks by the mill'

const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true })
const field = (page: Page, name: string): Locator => page.getByRole('textbox', { name, exact: true })
const list = (page: Page): Locator => page.getByRole('navigation', { name: 'Conversations' })
export const timeline = (page: Page): Locator => page.getByRole('log', { name: 'Messages' })

/** From the first page to the list of conversations; the recovery words are left for later. */
export async function setUp(page: Page, name: string): Promise<void> {
  await field(page, 'Your name').fill(name)
  const passphrase = page.getByLabel('Passphrase', { exact: true })
  if (await passphrase.isVisible()) {
    await passphrase.fill(testPassphrase)
    await page.getByLabel('Repeat passphrase', { exact: true }).fill(testPassphrase)
  }
  await button(page, 'Create account').click()
  await button(page, 'Later').click()
  await list(page).waitFor()
}

/** The recovery words are on paper: without that no device is linked. */
export async function confirmWords(page: Page): Promise<void> {
  const words = await page.evaluate(async () => {
    const answer = await coppice.call('recovery.words', {})
    return answer.ok ? answer.value : []
  })
  const given = [1, 8, 24].map((position) => ({ position, word: words[position - 1] ?? '' }))
  assert.deepEqual(await invoke(page, 'recovery.confirm', { words: given }), { ok: true, value: undefined })
}

/** What the page for linking this computer asks for, before either of the two shows a code. */
export async function nameComputer(page: Page, name: string): Promise<void> {
  await field(page, 'Name of this computer').fill(name)
  const passphrase = page.getByLabel('Passphrase', { exact: true })
  if (!await passphrase.isVisible()) return
  await passphrase.fill(testPassphrase)
  await page.getByLabel('Repeat passphrase', { exact: true }).fill(testPassphrase)
}

/** Opens a profile that was set up before: by its passphrase, unless the keychain opened it already. */
export async function unlock(page: Page): Promise<void> {
  const passphrase = page.getByLabel('Passphrase', { exact: true })
  await passphrase.or(list(page)).first().waitFor()
  if (await passphrase.isVisible()) {
    await passphrase.fill(testPassphrase)
    await button(page, 'Unlock').click()
  }
  await list(page).waitFor()
}

/** Gives the text of the own invite. */
export async function showInvite(page: Page): Promise<string> {
  await button(page, 'Show my invite').first().click()
  const invite = await field(page, 'Invite').inputValue()
  await page.keyboard.press('Escape')
  await field(page, 'Invite').waitFor({ state: 'hidden' })
  return invite
}

/** Starts a direct chat with whoever made the invite. */
export async function startChat(page: Page, invite: string): Promise<void> {
  await button(page, 'New chat').first().click()
  await field(page, 'Paste an invite').fill(invite)
  await button(page, 'Start chat').click()
  await field(page, 'Message').waitFor()
}

/** Opens a conversation from the list, once it is there. */
export async function openConversation(page: Page, title: string): Promise<void> {
  await list(page).getByRole('button', { name: title }).click()
}

/** Answers a request with yes. */
export async function accept(page: Page, title: string): Promise<void> {
  await openConversation(page, title)
  await button(page, 'Accept').click()
  await field(page, 'Message').waitFor()
}

/** Writes a message and sends it with Enter. */
export async function say(page: Page, text: string): Promise<void> {
  await field(page, 'Message').fill(text)
  await field(page, 'Message').press('Enter')
}

/** Waits until a message stands in the open timeline. */
export async function seeMessage(page: Page, text: string): Promise<void> {
  await timeline(page).getByText(text, { exact: true }).waitFor()
}

/** The conversations as the window was told them. */
export async function conversationsOf(page: Page): Promise<readonly Conversation[]> {
  const answer = await page.evaluate(() => coppice.call('app.open', {}))
  if (!answer.ok) throw new Error(`app.open answered ${answer.code}`)
  return answer.value.conversations
}

/** The last 500 entries of a conversation as the window was told them. */
export async function entriesOf(page: Page, conversation: string): Promise<readonly Entry[]> {
  const answer = await page.evaluate((conversation) =>
    coppice.call('entries.page', { conversation, before: 0, limit: 500 }), conversation)
  if (!answer.ok) throw new Error(`entries.page answered ${answer.code}`)
  return answer.value.entries
}
