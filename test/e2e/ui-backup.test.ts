/** The page of backups, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { strengthOf } from '../../renderer/i18n/backup.ts'
import { backupsPage, folder } from './ui-backup-scenes.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const press = (within: Page | Locator, name: string): Promise<void> =>
  within.getByRole('button', { name, exact: true }).click()
const told = (page: Page, text: string): Promise<void> => page.getByText(text).first().waitFor()

describe('backups', () => {
  test('go into a folder that was chosen, by the 24 words, as often as one wants; and no more', async () => {
    const { page, bridge } = await stage.show()
    await backupsPage(page)
    await press(page, 'Choose a folder…')
    await told(page, 'Folder “On the disk”')
    await page.getByText('Every week').click()
    await press(page, 'Use this folder')
    await told(page, 'No backup yet.')
    assert.deepEqual(bridge.argumentsOf('backup.keep'), [{ token: 'disk', by: 'words', key: '', rhythm: 'weekly' }])
    await press(page, 'Back up now')
    await told(page, 'were new')
    await page.getByText('Off', { exact: true }).click()
    await page.getByRole('radio', { name: 'Off' }).and(page.locator(':checked')).waitFor({ state: 'attached' })
    assert.deepEqual(bridge.argumentsOf('backup.rhythm'), [{ rhythm: 'off' }])
    await press(page, 'Stop using it')
    await press(page.getByRole('alertdialog'), 'Stop using it')
    await page.getByRole('button', { name: 'Choose a folder…' }).waitFor()
    assert.equal(bridge.argumentsOf('backup.forget').length, 1)
  })

  test('in a folder that holds some, ask for what opens them, and say when it does not', async () => {
    const { page, bridge } = await stage.show()
    bridge.answers['backup.choose'] = () => ({ ok: true, value: { token: 'disk', name: 'Attic', holds: 'passphrase' } })
    bridge.answers['backup.keep'] = () => ({ ok: false, code: 'backup-key' })
    await backupsPage(page)
    await press(page, 'Choose a folder…')
    await press(page, 'Use this folder')
    await told(page, 'A passphrase is needed here.')
    await page.getByLabel('Passphrase', { exact: true }).fill('four words only chance')
    await press(page, 'Use this folder')
    await told(page, 'This does not open the backup.')
    assert.deepEqual(bridge.argumentsOf('backup.keep'),
      [{ token: 'disk', by: 'passphrase', key: 'four words only chance', rhythm: 'daily' }])
  })

  test('as one file are sealed to a passphrase that is typed twice and weighed; closing the dialogue changes nothing', async () => {
    const { page, bridge } = await stage.show()
    await backupsPage(page)
    await press(page, 'Save a backup…')
    await page.getByText('A passphrase', { exact: true }).click()
    await page.getByLabel('Passphrase', { exact: true }).fill('maple anvil dust orbit quiet')
    await told(page, 'This is hard to guess.')
    await page.getByLabel('Repeat passphrase').fill('maple anvil dust orbit')
    await press(page, 'Save a backup…')
    await told(page, 'The two passphrases are different.')
    assert.equal(bridge.argumentsOf('backup.export').length, 0)
    await page.getByLabel('Repeat passphrase').fill('maple anvil dust orbit quiet')
    bridge.answers['backup.export'] = () => ({ ok: true, value: undefined })
    await press(page, 'Save a backup…')
    assert.equal(await page.getByLabel('Repeat passphrase').count(), 1)
    delete bridge.answers['backup.export']
    await press(page, 'Save a backup…')
    await told(page, 'Saved: 12 MB')
    assert.deepEqual(bridge.argumentsOf('backup.export').at(-1), { passphrase: 'maple anvil dust orbit quiet' })
  })

  test('ask once for the 24 words where this computer does not know what seals to them', async () => {
    const { page, bridge } = await stage.show({ backup: { words: false } })
    await backupsPage(page)
    const form = page.getByRole('form', { name: 'Your 24 words' })
    await press(form, 'Remember for backups')
    await told(page, 'All 24 words are needed.')
    bridge.answers['backup.words'] = () => ({ ok: false, code: 'words-foreign' })
    await form.getByLabel('Your 24 words').fill('abandon')
    await press(form, 'Remember for backups')
    await told(page, 'These are the words of another account.')
    delete bridge.answers['backup.words']
    await form.getByLabel('Your 24 words').fill(samples.recoveryWords.join(' '))
    await press(form, 'Remember for backups')
    await form.waitFor({ state: 'detached' })
  })

  test('show how far one is, and can be cancelled', async () => {
    const running = { kind: 'file', done: 50, of: 200, leftMs: 40_000 } as const
    const { page, bridge } = await stage.show({ backup: { words: true, running } })
    await backupsPage(page)
    const bar = page.getByRole('progressbar', { name: 'Saving a backup' })
    assert.equal(await bar.getAttribute('aria-valuetext'), '25 %')
    await told(page, 'about 40 seconds left')
    assert.equal(await page.getByRole('button', { name: 'Save a backup…' }).isDisabled(), true)
    await press(page, 'Stop')
    assert.equal(bridge.argumentsOf('backup.cancel').length, 1)
    bridge.push({ backup: { words: true } })
    await bar.waitFor({ state: 'detached' })
  })

  test('of which the last one failed, or is overdue, are brought to mind beside the chats', async () => {
    const { page, bridge } = await stage.show({ backup: { words: true, folder: { ...folder, failed: 'backup-space', overdue: true } } })
    const banner = page.getByRole('complementary', { name: 'Backups' })
    await banner.getByText('There is not enough room').waitFor()
    await press(banner, 'Backups…')
    await page.getByRole('dialog', { name: 'Backups' }).getByText('There is not enough room').waitFor()
    bridge.push({ backup: { words: true, folder } })
    await banner.waitFor({ state: 'detached' })
  })

  test('are not what a plain export is: that comes after a warning', async () => {
    const { page, bridge } = await stage.show()
    await backupsPage(page)
    await page.getByLabel('What', { exact: true }).selectOption({ label: 'River garden' })
    await page.getByLabel('As', { exact: true }).selectOption({ label: 'JSON Lines' })
    await press(page, 'Export…')
    const warning = page.getByRole('alertdialog')
    await warning.getByText('Whoever gets this file reads everything in it').waitFor()
    assert.equal(bridge.argumentsOf('backup.plain').length, 0)
    await press(warning, 'Export')
    await told(page, 'Anybody who gets this file can read it.')
    assert.deepEqual(bridge.argumentsOf('backup.plain'), [{ conversation: samples.river.id, format: 'jsonl' }])
  })
})

test('a passphrase is weighed by what it takes to guess it', () => {
  for (const weak of ['', 'hunter2', 'password', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa', '12345678', 'the the the the the']) assert.equal(strengthOf(weak), 'weak', weak)
  for (const strong of ['maple anvil dust orbit quiet', 'x7#Kp2!mQz9&Lw4^Tb6*Vn']) assert.equal(strengthOf(strong), 'strong', strong)
})
