/** The built app, unchanged, on real files: locking, the folder, damage and a place where nothing may be written. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, truncateSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { mountDisk } from '../scenario/disk.ts'
import { conversationsOf, invoke, launch, setUp, temporaryData, testPassphrase, unlock } from './harness.ts'
import type { Running } from './harness.ts'

const title = (page: Page, name: string): Promise<void> => page.getByRole('heading', { name, exact: true }).waitFor()
const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()

const rowing = (page: Page): Locator => page.getByRole('button', { name: /^Rowing/ }).first()

async function dataFor(
  t: TestContext, prepare: (data: string) => void = () => undefined,
): Promise<{ readonly data: string, readonly folder: string }> {
  const { data, remove } = await temporaryData()
  // A disk is unmounted before what it lies in is deleted.
  prepare(data)
  t.after(remove)
  return { data, folder: path.join(data, 'profiles', 'anna') }
}

/** The app, which also ends when the test fails. */
async function open(t: TestContext, data: string, profile?: string): Promise<Running> {
  const running = await launch(data, profile)
  t.after(() => running.quit())
  return running
}

/** Anna with some groups of her own, so that there is something to read. */
async function begin(t: TestContext, data: string): Promise<Running> {
  const running = await open(t, data, 'anna')
  await setUp(running.page, 'Anna')
  for (let count = 1; count <= 12; count++) {
    await invoke(running.page, 'conversation.group', { name: `Rowing ${count}`, people: [], invites: [] })
  }
  await rowing(running.page).waitFor()
  return running
}

/** Types the passphrase of a profile that does not open into its conversations. */
async function unlockTo(page: Page, heading: string): Promise<void> {
  await page.getByLabel('Passphrase').fill(testPassphrase)
  await press(page, 'Unlock')
  await title(page, heading)
}

test('Ctrl Alt L locks; only the passphrase leads back', async (t) => {
  const { data } = await dataFor(t)
  const { page, complaints, quit } = await begin(t, data)
  await page.keyboard.press('Control+Alt+l')
  await title(page, 'Locked')
  assert.deepEqual(await conversationsOf(page), [])
  await page.reload()
  await title(page, 'Locked')
  await page.getByLabel('Passphrase').fill('eight oaks by the mill')
  await press(page, 'Unlock')
  await page.getByText('This passphrase does not open the profile.').waitFor()
  await unlock(page)
  await rowing(page).waitFor()
  assert.deepEqual(complaints, [])
  await quit()
})

test('a truncated file: the reason, the folder, and what is left to read', async (t) => {
  const { data, folder } = await dataFor(t)
  await (await begin(t, data)).quit()
  const file = path.join(folder, 'profile.sqlite')
  truncateSync(file, readFileSync(file).length - 6_000)
  const before = readFileSync(file)
  const { page, standin, quit } = await open(t, data, 'anna')
  await unlockTo(page, 'The history cannot be opened')
  await press(page, 'Show the folder')
  await page.waitForTimeout(100)
  assert.deepEqual(standin.opened, [folder])
  assert.deepEqual(await invoke(page, 'profile.folder', {}), { ok: true, value: undefined }, 'no path crosses')
  await press(page, 'Open for reading')
  await page.getByText('Open for reading only: the file is damaged.').waitFor()
  await rowing(page).click()
  await page.getByText('This can only be read now.').waitFor()
  await quit()
  assert.deepEqual(readFileSync(file), before)
})

test('a profile whose store is lost is not taken for a new one, not even without its name', async (t) => {
  const { data, folder } = await dataFor(t)
  await (await begin(t, data)).quit()
  truncateSync(path.join(folder, 'profile.sqlite'), 0)
  for (const profile of ['anna', undefined]) {
    const { page, quit } = await open(t, data, profile)
    await title(page, 'The history cannot be opened')
    assert.equal(await page.getByLabel('Your name').count(), 0)
    await quit()
  }
  assert.deepEqual(readdirSync(path.join(data, 'profiles')), ['anna'])
})

test('where nothing may be written the window opens all the same, and the history can be read', async (t) => {
  let disk: ReturnType<typeof mountDisk>
  const { data } = await dataFor(t, (folder) => {
    mkdirSync(folder)
    disk = mountDisk(t, folder, 32_000)
  })
  if (disk === undefined) return
  await (await begin(t, data)).quit()
  disk.remount('ro')
  const { page, quit } = await open(t, data, 'anna')
  await unlockTo(page, 'The folder cannot be written')
  await press(page, 'Open for reading')
  await page.getByText('Open for reading only: the folder cannot be written.').waitFor()
  await rowing(page).waitFor()
  await quit()
})
