/** A profile that cannot be opened is set aside, whole, and a backup takes its place. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { finishAside, profilesIn, setAside } from '../../main/profiles.ts'
import { openBackups, restoreBackup, saveFile, setUpOnPaper } from './backing-up.ts'
import { invoke, launch, temporaryData, testPassphrase, type Running } from './harness.ts'

const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()
const title = (page: Page, name: string): Promise<void> => page.getByRole('heading', { name, exact: true }).waitFor()

async function open(t: TestContext, data: string, profile?: string): Promise<Running> {
  const running = await launch(data, profile)
  t.after(() => running.quit())
  return running
}

async function unlockTo(page: Page, heading: string): Promise<void> {
  await page.getByLabel('Passphrase').fill(testPassphrase)
  await press(page, 'Unlock')
  await title(page, heading)
}

test('a damaged profile gives its place to a backup, and can still be read', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const first = await open(t, data, 'anna')
  const words = await setUpOnPaper(first.page, 'Anna')
  await invoke(first.page, 'conversation.group', { name: 'Rowing', people: [], invites: [] })
  await first.page.getByRole('button', { name: /^Rowing/ }).click()
  await first.page.getByRole('textbox', { name: 'Message' }).fill('before the backup')
  await first.page.keyboard.press('Enter')
  await first.page.getByRole('log', { name: 'Messages' }).getByText('before the backup').waitFor()
  await openBackups(first.page)
  const backup = path.join(path.dirname(data), 'Anna.coppice-backup')
  await saveFile(first, backup)
  assert.deepEqual(await invoke(first.page, 'shell.setAside', {}), { ok: false, code: 'not-ready' }, 'a healthy one stays')
  await first.quit()

  const folder = path.join(data, 'profiles', 'anna')
  const store = path.join(folder, 'profile.sqlite')
  truncateSync(store, readFileSync(store).length - 6_000)
  const before = readFileSync(store)
  const broken = await open(t, data)
  assert.deepEqual(await invoke(broken.page, 'shell.setAside', {}), { ok: false, code: 'not-ready' }, 'a locked one stays')
  await unlockTo(broken.page, 'The history cannot be opened')
  // A backup that is opened now is what the page to restore it begins with.
  broken.standin.app.emit('second-instance', {}, ['coppice', backup], '/')
  await press(broken.page, 'Restore a backup…')
  await press(broken.page, 'Cancel')
  assert.deepEqual(readdirSync(path.join(data, 'profiles')), ['anna'])
  // Also after a look at what is left.
  await press(broken.page, 'Open for reading')
  await broken.page.getByText('Open for reading only: the file is damaged.').waitFor()
  await press(broken.page, 'Restore a backup…')
  await press(broken.page, 'Go on')
  await broken.page.getByText('What was here before is kept as “anna set aside”.').waitFor()
  const aside = path.join(data, 'profiles', 'anna set aside')
  assert.deepEqual(readFileSync(path.join(aside, 'profile.sqlite')), before)
  await restoreBackup(broken, { kind: 'opened', place: backup, words })
  await broken.page.getByRole('button', { name: /^Rowing/ }).click()
  await broken.page.getByText('before the backup').first().waitFor()
  assert.deepEqual(broken.complaints, [])
  await broken.quit()

  assert.deepEqual(profilesIn(data), ['anna'], 'nobody is asked which one')
  const old = await open(t, data, 'anna set aside')
  await unlockTo(old.page, 'The history cannot be opened')
  await press(old.page, 'Open for reading')
  await old.page.getByText('Open for reading only: the file is damaged.').waitFor()
  await old.quit()
  assert.deepEqual(readFileSync(path.join(aside, 'profile.sqlite')), before)
})

describe('setting aside', () => {
  const files = ['profile.sqlite', 'profile.sqlite-wal', 'slots.json', 'slots.spare.json', 'places.json']

  async function begin(t: TestContext): Promise<{ readonly data: string, readonly folder: string }> {
    const { data, remove } = await temporaryData()
    t.after(remove)
    const folder = path.join(data, 'profiles', 'anna')
    mkdirSync(folder, { recursive: true })
    for (const file of [...files, 'shell.json', 'log.jsonl']) writeFileSync(path.join(folder, file), `this is ${file}`)
    return { data, folder }
  }

  const check = (data: string, name: string): void => {
    const profiles = path.join(data, 'profiles')
    for (const file of [...files, 'shell.json']) assert.equal(readFileSync(path.join(profiles, name, file), 'utf8'), `this is ${file}`)
    assert.deepEqual(readdirSync(path.join(profiles, 'anna')).sort(), ['log.jsonl', 'shell.json'])
  }

  test('goes on after it was cut off anywhere, with all files in one place', async (t) => {
    for (let moved = 0; moved <= files.length; moved++) {
      const { data, folder } = await begin(t)
      mkdirSync(path.join(folder, 'aside'))
      for (const file of files.slice(0, moved)) renameSync(path.join(folder, file), path.join(folder, 'aside', file))
      assert.equal(finishAside(data, 'anna'), 'anna set aside')
      check(data, 'anna set aside')
      assert.equal(finishAside(data, 'anna'), undefined)
    }
  })

  test('takes a name that is free, also of a long one; what was set aside is not opened by itself', async (t) => {
    const { data, folder } = await begin(t)
    assert.equal(setAside(data, 'anna'), 'anna set aside')
    assert.deepEqual(profilesIn(data), [])
    for (const file of files) writeFileSync(path.join(folder, file), `this is ${file}`)
    assert.deepEqual(profilesIn(data), ['anna'])
    assert.equal(setAside(data, 'anna'), 'anna set aside 2')
    check(data, 'anna set aside 2')
    const long = 'ä'.repeat(40)
    mkdirSync(path.join(data, 'profiles', long))
    writeFileSync(path.join(data, 'profiles', long, 'slots.json'), '')
    const name = setAside(data, long)
    assert.equal(name, `${'ä'.repeat(24)} set aside`)
    // One that was set aside and is taken up again stands where it did.
    writeFileSync(path.join(data, 'profiles', name, 'profile.sqlite'), '')
    assert.equal(setAside(data, name), `${'ä'.repeat(24)} set aside 2`)
    writeFileSync(path.join(data, 'profiles', name, 'profile.sqlite'), '')
    assert.deepEqual(profilesIn(data), [name])
  })
})
