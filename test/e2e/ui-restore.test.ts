/** Reading backups, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { backupsPage } from './ui-backup-scenes.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import { chosen, holds, restorePage } from './ui-restore-scenes.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const press = (within: Page | Locator, name: string): Promise<void> =>
  within.getByRole('button', { name, exact: true }).click()

const choosing = (bridge: ScriptedBridge, sealed: 'words' | 'passphrase'): void => {
  bridge.answers['restore.choose'] = () => ({ ok: true, value: { ...chosen, sealed } })
}

test('restores a backup on a new computer: its passphrase, and the words of the account', async () => {
  const bridge = new ScriptedBridge({ phase: { at: 'new', keychain: 'ok' } })
  const { page } = await stage.show(bridge)
  choosing(bridge, 'passphrase')
  await restorePage(page)
  await press(page, 'Restore it')
  await page.getByText('Choose a backup first.').waitFor()
  await press(page, 'Choose a file…')
  await page.getByLabel('Passphrase of the backup').fill('correct horse')
  await press(page, 'Restore it')
  await page.getByText('All 24 words are needed.').waitFor()
  const words = samples.recoveryWords.join(' ')
  await page.getByLabel('The 24 words of the account').fill(words)
  bridge.answers['setup.restoreBackup'] = () => ({ ok: false, code: 'backup-key' })
  await press(page, 'Restore it')
  await page.getByText('This does not open the backup.').waitFor()
  delete bridge.answers['setup.restoreBackup']
  await press(page, 'Restore it')
  await page.waitForFunction(() => true)
  assert.deepEqual(bridge.argumentsOf('setup.restoreBackup').at(-1), {
    token: chosen.token, typed: 'correct horse', words, name: 'My computer', passphrase: '',
  })
})

test('a backup that is sealed to the words asks for them once', async () => {
  const bridge = new ScriptedBridge({ phase: { at: 'new', keychain: 'ok' } })
  const { page } = await stage.show(bridge)
  choosing(bridge, 'words')
  await restorePage(page)
  await press(page, 'Choose a file…')
  const words = samples.recoveryWords.join(' ')
  await page.getByLabel('The 24 words', { exact: true }).fill(words)
  await press(page, 'Restore it')
  assert.deepEqual(bridge.argumentsOf('setup.restoreBackup').map(({ typed, words: account }) => [typed, account]), [[words, words]])
})

test('checks, tries out and takes in a backup, and says what it came to', async () => {
  const { page, bridge } = await stage.show()
  choosing(bridge, 'passphrase')
  await backupsPage(page)
  const dialog = page.getByRole('dialog', { name: 'Backups' })
  const section = dialog.locator('section').filter({ hasText: 'Is a backup good?' })
  await press(section, 'Choose a file…')
  await press(section, 'Check it')
  await section.getByText('The passphrase is missing.').waitFor()
  await section.getByLabel('Passphrase of the backup').fill('correct horse')
  for (const [button, name] of [
    ['Check it', 'restore.verify'], ['Try it out', 'restore.rehearse'], ['Take it in', 'restore.start'],
  ] as const) {
    await press(section, button)
    assert.deepEqual(bridge.argumentsOf(name).at(-1), { token: chosen.token, typed: 'correct horse' })
  }
  bridge.push({ restore: { at: 'checking', done: 25, of: 100, leftMs: 60_000 } })
  await section.getByRole('progressbar', { name: 'Checking the backup' }).waitFor()
  await press(section, 'Stop')
  assert.equal(bridge.argumentsOf('restore.cancel').length, 1)
  bridge.push({ restore: { at: 'checked', holds } })
  await section.getByText('This backup is whole.').waitFor()
  await section.getByText('20,481 messages in 14 chats').waitFor()
  bridge.push({ restore: { at: 'failed', code: 'backup-malformed' } })
  await section.getByText('This is no whole backup of Coppice').waitFor()
})

test('a computer that comes back says in how many chats it is', async () => {
  const away = samples.sampleConversations.map((each, at) => at === 0
    ? { ...each, state: 'active' as const, recovering: { reason: 'restored' as const, since: samples.now, asked: 1 } } : each)
  const bridge = new ScriptedBridge({ conversations: away })
  const { page } = await stage.show(bridge)
  const open = away.filter(({ state }) => state === 'active').length
  await page.getByText(`Back in ${String(open - 1)} of ${String(open)} chats.`).waitFor()
  const { recovering: _, ...back } = away[0] ?? samples.sampleConversations[0] ?? assert.fail()
  bridge.push({ conversations: [back] })
  await page.getByText('Back in').waitFor({ state: 'detached' })
})
