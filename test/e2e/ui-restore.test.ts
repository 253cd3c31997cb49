/** Reading backups, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import type { Conversation } from '../../preload/api.ts'
import { backupsPage } from './ui-backup-scenes.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import { until } from './harness.ts'
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
    bridge.answers[name] = () => ({ ok: true, value: undefined })
    await press(section, button)
    assert.deepEqual(bridge.argumentsOf(name).at(-1), { token: chosen.token, typed: 'correct horse' })
  }
  // Nothing more is asked with it.
  const field = section.getByLabel('Passphrase of the backup')
  await until('it is forgotten', async () => await field.inputValue() === '')
  bridge.push({ restore: { at: 'checking', done: 25, of: 100, leftMs: 60_000 } })
  await section.getByRole('progressbar', { name: 'Checking the backup' }).waitFor()
  await press(section, 'Stop')
  assert.equal(bridge.argumentsOf('restore.cancel').length, 1)
  bridge.push({ restore: { at: 'checked', holds } })
  await section.getByText('This backup is whole.').waitFor()
  await section.getByText('20,481 messages in 14 chats').waitFor()
  bridge.push({ restore: { at: 'failed', code: 'backup-malformed' } })
  await section.getByText('This is no whole backup of Coppice').waitFor()
  await field.fill('correct horse')
  await press(section, 'Put away')
  bridge.push({ restore: { at: 'none' } })
  await until('it is forgotten', async () => await field.inputValue() === '')
})

test('a computer that comes back says in how many chats it is, and what hinders each, until it is in all of them', async () => {
  const [first, second, third] = samples.sampleConversations.filter(({ state }) => state === 'active')
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  const away = (each: Conversation, asked: number, since = samples.now - samples.hourMs) =>
    ({ ...each, origin: 'card' as const, recovering: { reason: 'restored' as const, since, asked } })
  // One is back; a fourth was begun here and does not count.
  const bridge = new ScriptedBridge({
    conversations: [
      away(first, 1), away(second, 0), { ...third, origin: 'card' },
      ...samples.sampleConversations.filter((each) => ![first, second, third].includes(each)),
    ],
    devices: samples.ownDevices.filter(({ isThis, revoked }) => isThis || revoked),
  })
  const { page } = await stage.show(bridge)
  await page.getByText('Back in 1 of 3 chats.').waitFor()
  await press(page, 'What is it waiting for?')
  const list = page.getByRole('listitem')
  await list.filter({ hasText: 'Nobody who can let it in has been there yet. Asked once so far.' }).getByText(first.title).waitFor()
  await list.filter({ hasText: 'Nobody could be asked yet.' }).getByText(second.title).waitFor()
  // An older device may object.
  bridge.push({ devices: samples.ownDevices })
  await list.filter({ hasText: /The others wait until tomorrow at .*because an older device of yours may say/ }).getByText(first.title).waitFor()
  bridge.push({ conversations: [away(first, 20, samples.now - 9 * samples.dayMs)] })
  await list.filter({ hasText: 'Ask somebody in it to invite you.' }).getByText(first.title).waitFor()
  await page.getByRole('button', { name: new RegExp(`^${second.title}`) }).click()
  await page.getByText('This computer is new in this chat. Nobody could be asked yet. What is said before it is let in').waitFor()
  // Nothing is claimed that is known only to who is in.
  const about = page.getByRole('complementary', { name: 'About this chat' })
  await about.getByText('is known when this computer is let in.').waitFor()
  for (const heading of ['Group code', 'Chat code', 'Disappearing messages']) assert.equal(await about.getByText(heading).count(), 0, heading)
  await page.getByText('not let in yet').waitFor()
  bridge.push({ conversations: [{ ...first, origin: 'card' }] })
  await page.getByText('Back in 2 of 3 chats.').waitFor()
  bridge.push({ conversations: [{ ...second, origin: 'card' }] })
  await page.getByText('Back in all 3 chats.').waitFor()
  await page.getByText('Back in 2 of 3 chats.').waitFor({ state: 'detached' })
  assert.equal(await page.getByText('What is it waiting for?').count(), 0)
})

test('a backup without the words: says plainly what does not come back, and asks for no words', async () => {
  const bridge = new ScriptedBridge({ phase: { at: 'new', keychain: 'ok' } })
  const { page } = await stage.show(bridge)
  choosing(bridge, 'passphrase')
  await restorePage(page)
  await press(page, 'Choose a file…')
  await page.getByLabel('Passphrase of the backup').fill('correct horse')
  await page.getByLabel('The 24 words of the account').waitFor()
  await page.getByRole('switch', { name: 'I do not have the 24 words' }).check()
  await page.getByLabel('The 24 words of the account').waitFor({ state: 'detached' })
  await page.getByText('To the people you talk with you are somebody new').waitFor()
  await page.getByText('Groups do not come back by themselves').waitFor()
  bridge.answers['setup.restoreBackup'] = () => ({ ok: false, code: 'backup-key' })
  await press(page, 'Read it with a new account')
  await page.getByText('This does not open the backup.').waitFor()
  assert.deepEqual(bridge.argumentsOf('setup.restoreBackup').at(-1), {
    token: chosen.token, typed: 'correct horse', words: '', name: 'My computer', passphrase: '',
  })
})

test('words that were replaced still read their backup', async () => {
  const bridge = new ScriptedBridge({ phase: { at: 'new', keychain: 'ok' } })
  const { page } = await stage.show(bridge)
  choosing(bridge, 'words')
  await restorePage(page)
  await press(page, 'Choose a file…')
  const words = samples.recoveryWords.join(' ')
  await page.getByLabel('The 24 words', { exact: true }).fill(words)
  await page.getByRole('switch', { name: 'Only read what was said' }).check()
  await press(page, 'Read it with a new account')
  assert.deepEqual(bridge.argumentsOf('setup.restoreBackup').map(({ typed, words: account }) => [typed, account]), [[words, '']])
})
