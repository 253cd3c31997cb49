/** What a person does with the words and with backups, through the window. */
import assert from 'node:assert/strict'
import path from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { conversationsOf, testPassphrase, until, type Running } from './harness.ts'

const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()
const heading = (page: Page, name: string): Promise<void> => page.getByRole('heading', { name, exact: true }).waitFor()

/** Set-up with the words put on paper at once; gives what is on the paper. */
export async function setUpOnPaper(page: Page, name: string): Promise<string> {
  await page.getByRole('textbox', { name: 'Your name', exact: true }).fill(name)
  await newPassphrase(page)
  await press(page, 'Create account')
  const card = page.getByRole('list', { name: 'The 24 words' })
  await until('the words are shown', async () => await card.locator('.word').count() === 24)
  const words = await card.locator('.word').allInnerTexts()
  await press(page, 'I wrote them down')
  const fields = page.getByLabel(/^Word \d+$/)
  for (const field of await fields.all()) {
    const position = /\d+/.exec(await field.evaluate((input: HTMLInputElement) => input.labels?.[0]?.textContent ?? ''))?.[0]
    await field.fill(words[Number(position) - 1] ?? '')
  }
  await press(page, 'Confirm')
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
  return words.join(' ')
}

async function newPassphrase(page: Page): Promise<void> {
  const passphrase = page.getByLabel('Passphrase', { exact: true })
  if (!await passphrase.isVisible()) return
  await passphrase.fill(testPassphrase)
  await page.getByLabel('Repeat passphrase', { exact: true }).fill(testPassphrase)
}

export async function openBackups(page: Page): Promise<void> {
  await press(page, 'Settings')
  await press(page, 'Show… (the backups)')
  await page.getByRole('dialog', { name: 'Backups' }).waitFor()
}

/** On the page of backups: one file, which the 24 words open, or a passphrase. */
export async function saveFile({ page, standin }: Running, file: string, passphrase?: string): Promise<void> {
  await press(page, 'Save a backup…')
  if (passphrase !== undefined) {
    await page.getByText('A passphrase', { exact: true }).click()
    await page.getByLabel('Passphrase', { exact: true }).fill(passphrase)
    await page.getByLabel('Repeat passphrase', { exact: true }).fill(passphrase)
  }
  standin.saveTo = file
  await press(page, 'Save a backup…')
  await page.getByText(/^Saved: /).waitFor()
}

/** On the page of backups: a folder, which the 24 words open, and into which nothing goes by itself. */
export async function keepFolder({ page, standin }: Running, folder: string): Promise<void> {
  standin.chosen = folder
  await press(page, 'Choose a folder…')
  await page.getByText('Off', { exact: true }).click()
  await press(page, 'Use this folder')
  await page.getByRole('button', { name: 'Back up now' }).waitFor()
}

export async function backUpNow({ page }: Running): Promise<void> {
  const told = page.getByText(/^Backed up: /)
  const before = await told.count()
  await press(page, 'Back up now')
  await until('it is told what was new', async () => await told.count() > before)
}

export type Restored = {
  /** `opened`: it is chosen already, because it was opened outside. */
  readonly kind: 'file' | 'folder' | 'opened'
  readonly place: string
  readonly words: string
  /** Where a passphrase opens it. */
  readonly passphrase?: string
  /** Before it begins. */
  readonly filled?: () => Promise<void>
}

/** On the page “Restore a backup”: until the conversations are there, and all that is in it has come back. */
export async function restoreBackup({ page, standin }: Running, { kind, place, words, passphrase, filled }: Restored): Promise<void> {
  await heading(page, 'Restore a backup')
  standin.chosen = place
  if (kind === 'opened') await page.getByText(path.basename(place)).waitFor()
  else await press(page, kind === 'file' ? 'Choose a file…' : 'A folder of backups…')
  if (passphrase !== undefined) await page.getByLabel('Passphrase of the backup', { exact: true }).fill(passphrase)
  await page.getByLabel(passphrase === undefined ? 'The 24 words' : 'The 24 words of the account', { exact: true }).fill(words)
  await page.getByLabel('What this computer is called').fill('New laptop')
  await newPassphrase(page)
  await filled?.()
  await press(page, 'Restore it')
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor()
  await page.getByText(/ came back\.$/).waitFor()
}

/** In how many of its conversations a computer is that has come back. */
export async function isBackIn(page: Page): Promise<readonly [number, number]> {
  const open = (await conversationsOf(page)).filter(({ state }) => state === 'active')
  assert.ok(open.length > 0, 'there are conversations')
  return [open.filter(({ recovering }) => recovering === undefined).length, open.length]
}

const looking = (page: Page): Locator =>
  page.getByRole('dialog', { name: 'Backups' }).locator('section').filter({ hasText: 'Is a backup good?' })

/** On the page of backups: restores a folder beside what is here, and compares; nothing differs. */
export async function tryOut({ page, standin }: Running, folder: string, words: string): Promise<void> {
  const section = looking(page)
  standin.chosen = folder
  await section.getByRole('button', { name: 'A folder of backups…' }).click()
  await section.getByLabel('The 24 words').fill(words)
  await section.getByRole('button', { name: 'Try it out' }).click()
  await section.getByText('It has nothing that is not here.').waitFor()
  await section.getByText('Nothing that is here is missing in it.').waitFor()
}

/** On the page of backups: reads all of one and says what it holds. */
export async function checkBackup({ page, standin }: Running, file: string, passphrase: string): Promise<void> {
  const section = looking(page)
  standin.chosen = file
  await section.getByRole('button', { name: 'Choose a file…' }).click()
  await section.getByLabel('Passphrase of the backup').fill(passphrase)
  await section.getByRole('button', { name: 'Check it' }).click()
  await section.getByText('This backup is whole.').waitFor()
}
