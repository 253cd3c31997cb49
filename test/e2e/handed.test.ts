/** Backups that the system hands over because their file was opened: chosen on the page that fits, and nothing else. */
import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { readHanded } from '../../main/shell/handed.ts'
import { fixture, passphrase } from '../archive/fixture.ts'
import { findBrowser } from '../standin/browser.ts'
import { createStandin } from '../standin/electron.ts'
import { openBackups, saveFile } from './backing-up.ts'
import { builtStart, invoke, launch, setUp, temporaryData, testPassphrase, type Running } from './harness.ts'

describe('an argument', () => {
  test('that names a backup on this computer is that file, however the system writes it', () => {
    for (const [argument, file] of [
      ['/papers/mine.coppice-backup', '/papers/mine.coppice-backup'], ['mine.coppice-backup', '/shelf/mine.coppice-backup'],
      ['../Mine.COPPICE-BACKUP', '/Mine.COPPICE-BACKUP'], ['file:///papers/b%20c.coppice-backup', '/papers/b c.coppice-backup'],
      ['/papers/caf\u00e9 \u{1f9a6}.coppice-backup', '/papers/caf\u00e9 \u{1f9a6}.coppice-backup'],
    ] as const) assert.equal(readHanded(argument, '/shelf'), file, argument)
  })

  test('that is anything else is none', () => {
    for (const argument of [
      '', 'coppice', '/papers/mine.age', '/papers/coppice-backup', '--data=/papers/x.coppice-backup', '-x.coppice-backup',
      'https://example.org/x.coppice-backup', 'coppice:x.coppice-backup', 'smb://server/x.coppice-backup',
      'file://server/share/x.coppice-backup', 'file:///a%2fb.coppice-backup', 'file:///a%00.coppice-backup', '/a\0.coppice-backup',
      `/${'a'.repeat(40_000)}.coppice-backup`, '/papers/mine.coppice-backup.part',
    ]) assert.equal(readHanded(argument, '/shelf'), undefined, argument.slice(0, 60))
  })
})

const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()
const emit = ({ standin }: Running, args: readonly string[], folder = '/'): void => {
  standin.app.emit('second-instance', {}, ['coppice', ...args], folder)
}

/** The window knows the file's name and a token, and not where it lies. */
async function demandNoPath(page: Page, folder: string): Promise<void> {
  assert.ok(!(await page.content()).includes(folder))
}

test('A file opens the app of somebody new on the page to restore it, chosen already', async (t: TestContext) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const folder = path.dirname(data)
  const file = path.join(folder, 'of Anna.coppice-backup')
  copyFileSync(fixture('v1-passphrase.coppice-backup').path, file)
  const standin = createStandin({ browser: await findBrowser(), appData: folder })
  // As a desktop of Linux hands it over.
  const started = (await builtStart())(standin.electron, { args: ['--data', data, pathToFileURL(file).href] })
  const page = await Promise.race([standin.page(), started.then(() => standin.page())])
  t.after(async () => {
    standin.electron.app.quit()
    await standin.exited
  })
  page.setDefaultTimeout(20_000)
  await page.getByRole('heading', { name: 'Restore a backup' }).waitFor()
  await page.getByText('of Anna.coppice-backup').waitFor()
  await page.getByLabel('Passphrase of the backup').fill(passphrase)
  await demandNoPath(page, folder)
  // Another one takes its place.
  const newer = path.join(folder, 'newer.coppice-backup')
  copyFileSync(fixture('newer.coppice-backup').path, newer)
  standin.app.emit('second-instance', {}, ['coppice', 'newer.coppice-backup'], folder)
  await page.getByText('newer.coppice-backup').waitFor()
  await page.getByLabel('Passphrase of the backup').fill(passphrase)
  await page.getByLabel('The 24 words of the account').fill(`${'abandon '.repeat(23)}art`)
  await page.getByLabel('Passphrase', { exact: true }).fill(testPassphrase)
  await page.getByLabel('Repeat passphrase', { exact: true }).fill(testPassphrase)
  await press(page, 'Restore it')
  await page.getByText('This backup was made by a newer Coppice.').waitFor()
  await press(page, 'Back')
  await page.getByRole('textbox', { name: 'Your name' }).waitFor()
  // It was for that page alone.
  await press(page, 'I have a backup')
  await page.getByRole('button', { name: 'Choose a file…' }).waitFor()
  assert.equal(await page.getByText('newer.coppice-backup').count(), 0)
  assert.deepEqual(standin.complaints, [])
})

test('In a profile it opens the page of backups: to check, try out or take in; locked, after unlocking; nothing by itself', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const folder = path.dirname(data)
  const anna = await launch(data, 'anna')
  t.after(() => anna.quit())
  const { page, standin } = anna
  await setUp(page, 'Anna')
  await invoke(page, 'conversation.group', { name: 'Alone', people: [], invites: [] })
  const file = path.join(folder, 'mine.coppice-backup')
  await openBackups(page)
  // Settings made place for that page: what is behind is out of reach.
  assert.equal(await page.locator('.all').evaluate((element: HTMLElement) => element.inert), true)
  await saveFile(anna, file, 'correct horse battery')
  await page.keyboard.press('Escape')
  const dialog = page.getByRole('dialog', { name: 'Backups' })
  await dialog.waitFor({ state: 'detached' })

  emit(anna, ['--allow-file-access', 'mine.coppice-backup'], folder)
  await dialog.getByText('mine.coppice-backup').waitFor()
  assert.ok(await dialog.getByText('mine.coppice-backup').isVisible())
  await demandNoPath(page, folder)
  await dialog.getByLabel('Passphrase of the backup').fill('correct horse battery')
  await press(page, 'Check it')
  await dialog.getByText('This backup is whole.').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  assert.deepEqual(await invoke(page, 'restore.handed', {}), { ok: true, value: undefined })

  // macOS hands it over by an event; a locked app shows nothing of it until it is unlocked.
  await invoke(page, 'lock.now', {})
  await page.getByRole('heading', { name: 'Locked', exact: true }).waitFor()
  let prevented = 0
  standin.app.emit('open-file', { preventDefault: () => { prevented += 1 } }, file)
  assert.equal(prevented, 1)
  assert.deepEqual(await invoke(page, 'restore.handed', {}), { ok: false, code: 'not-ready' })
  assert.ok(!(await page.content()).includes('mine.coppice-backup'))
  await page.getByLabel('Passphrase', { exact: true }).fill(testPassphrase)
  await press(page, 'Unlock')
  await dialog.getByText('mine.coppice-backup').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })

  // What is no backup, and what is gone, is said; the page stays closed.
  writeFileSync(path.join(folder, 'other.coppice-backup'), 'hello')
  for (const [name, said] of [
    ['other.coppice-backup', 'This is no whole backup of Coppice'], ['nowhere.coppice-backup', 'This place cannot be used'],
  ] as const) {
    emit(anna, [name], folder)
    await page.getByText(said).first().waitFor()
    assert.equal(await dialog.count(), 0)
  }
  assert.deepEqual(standin.complaints, [])
})
