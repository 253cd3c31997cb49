/** A backup and its passphrase, and not the 24 words: a new account, and all that was said is there to be read. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import type { BackupEntry } from '../../main/chat/backup.ts'
import type { BackupSeal } from '../../main/ports.ts'
import type { ErrorCode } from '../../preload/api.ts'
import { filesOf, lists, message, written } from '../archive/samples.ts'
import { wordsOf } from './backup.ts'
import { backupOf, ended } from './backups.ts'
import { directBetween, groupOf, hears, unbroken, village } from './household.ts'
import { people, Person, Refused, until } from './world.ts'

const seal = { type: 'passphrase', passphrase: 'correct horse' } as const
const toWords: BackupSeal = { type: 'recipient', recipient: '' }

const refused = (work: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(work, (error) => error instanceof Refused && error.code === code, code)

async function fresh(t: TestContext, like: Person, name = 'reader'): Promise<Person> {
  const person = new Person(name, like.folder)
  await person.start()
  t.after(() => person.stop())
  return person
}

const read = (person: Person, token: string, more: { readonly typed?: string, readonly words?: string } = {}): Promise<undefined> =>
  person.call('setup.restoreBackup', { token, typed: seal.passphrase, words: '', name: 'Reading computer', passphrase: '', ...more })

async function life(t: TestContext, by: BackupSeal = seal) {
  const { all: [mara, jonas] } = await village(t, ['Mara', 'Jonas'])
  const direct = await directBetween(mara, jonas)
  const group = await groupOf(mara, jonas)
  await mara.say(direct, 'one of mine')
  await hears(jonas, direct, 'one of mine')
  await jonas.say(direct, 'one of his')
  await hears(mara, direct, 'one of his')
  await jonas.say(group, 'in the group')
  await hears(mara, group, 'in the group')
  const them = (await mara.conversation(direct))?.people.find(({ own }) => !own)?.accountId ?? ''
  await mara.call('person.trust', { accountId: them, trust: 'verified' })
  return { mara, jonas, direct, group, them, backup: await backupOf(mara, by), words: await wordsOf(mara) }
}

test('Without the words: a new account reads it all, is nobody whom the others know, and writes in none of it', async (t) => {
  const { mara, jonas, direct, group, them, backup } = await life(t)
  const before = (await mara.call('app.open', {})).phase
  await mara.stop()
  const reader = await fresh(t, mara)
  await read(reader, backup)
  assert.equal((await ended(reader)).at, 'restored')
  const { phase } = await reader.call('app.open', {})
  assert.ok(phase.at === 'ready' && before.at === 'ready')
  assert.deepEqual([phase.me.name, phase.me.deviceName, phase.me.recovery], ['Mara', 'Reading computer', 'waiting'])
  assert.notEqual(phase.me.accountId, before.me.accountId)
  await reader.restart()
  const chats = await reader.conversations()
  assert.deepEqual(new Map(chats.map(({ id, title, state, origin }) => [id, [title, state, origin].join()])),
    new Map([[direct, 'Jonas,left,backup'], [group, 'Coppice,left,backup']]))
  assert.deepEqual(await reader.texts(direct), ['one of mine', 'one of his'])
  assert.deepEqual(await reader.texts(group), ['in the group'])
  assert.equal((await reader.call('search', { text: 'one of his', limit: 5 })).found.length, 1)
  // They are themselves in it, and what was compared with another account counts for nothing.
  const seen = chats.find(({ id }) => id === direct)?.people ?? []
  assert.deepEqual(new Set(seen.map(({ accountId, trust }) => `${accountId} ${trust}`)), new Set([`${phase.me.accountId} new`, `${them} new`]))
  assert.deepEqual((await reader.call('people.known', {})).map(({ name }) => name), ['Jonas'])
  const [said] = await reader.entries(direct)
  const { names } = await reader.call('entries.page', { conversation: direct, before: 0, limit: 500 })
  assert.ok(said !== undefined && names[before.me.accountId] === 'Mara')
  await refused(reader.say(direct, 'hello?'), 'conversation-closed')
  // Nobody else has noticed anything.
  for (const one of await jonas.conversations()) assert.deepEqual([one.devices, one.people.length, one.asking], [2, 2, undefined])
  unbroken(jonas, reader)
})

test('What follows: people are met anew, a group whose member adds them goes on, and the same backup can be taken in again', async (t) => {
  const { mara, jonas, direct, group, backup, words } = await life(t, toWords)
  await mara.stop()
  const reader = await fresh(t, mara)
  // They open it, and bring nothing else back.
  await read(reader, backup, { typed: words })
  await ended(reader)
  const anew = await directBetween(reader, jonas)
  assert.notEqual(anew, direct)
  await jonas.call('conversation.add', { conversation: group, people: [], invites: [await reader.invite()] })
  assert.equal(await reader.accept(), group)
  await reader.say(group, 'here again')
  await hears(jonas, group, 'here again')
  assert.deepEqual(await reader.texts(group), ['in the group', 'here again'])
  const [, after] = [await reader.conversation(direct), await reader.conversation(group)]
  assert.deepEqual([after?.state, after?.origin], ['active', undefined])
  await reader.call('restore.start', { token: backup, typed: words })
  const again = await ended(reader)
  assert.equal(again.at === 'restored' && again.added, 0)
  const other = await backupOf(jonas, toWords)
  reader.places.chosen = undefined
  await reader.call('restore.start', { token: other, typed: await wordsOf(jonas) })
  const foreign = await ended(reader)
  assert.equal(foreign.at === 'failed' && foreign.code, 'backup-other')
  unbroken(jonas, reader)
})

test('Bad input leaves nothing on the computer: a wrong passphrase, half of the words, half of a file', async (t) => {
  const { mara, backup } = await life(t)
  await mara.stop()
  const reader = await fresh(t, mara)
  const half = `${backup}.half`
  writeFileSync(half, readFileSync(backup).subarray(0, 200))
  await refused(read(reader, backup, { typed: 'incorrect horse' }), 'backup-key')
  // Words that are wrong are no word that there are none.
  await refused(read(reader, backup, { words: 'abandon abandon' }), 'words-count')
  await refused(read(reader, half), 'backup-malformed')
  assert.equal((await reader.call('app.open', {})).phase.at, 'new')
  assert.equal(existsSync(path.join(reader.folder, reader.name, 'profile.sqlite')), false)
  await read(reader, backup)
  assert.equal((await ended(reader)).at, 'restored')
})

test('SIGKILL while it is taken in, again and again: it goes on in the same new account, and all is there once', async (t) => {
  const { all: [mara], end } = await people(['Mara'])
  t.after(end)
  const conversations = ['0a', '0b'].map((two) => two.repeat(16))
  const each = 3_000
  const entries: readonly BackupEntry[] = conversations.flatMap((conversation) => Array.from({ length: each }, (_, at) =>
    message(at + 1, { conversation, id: `${conversation}${String(at).padStart(32, '0')}` })))
  const token = path.join(mara.folder, 'lost.age')
  await written({ token, path: token }, filesOf(entries, {
    account: { ...lists.account, accountId: '77'.repeat(32) },
    conversations: conversations.map((id) => ({ ...lists.conversations[0], id })),
  }), seal)
  const reader = new Person('reader', mara.folder)
  t.after(() => reader.stop())
  const key = Buffer.from(reader.key).toString('hex')
  for (let kill = 0; kill < 3; kill++) {
    const running = spawn(process.execPath, [
      path.join(import.meta.dirname, 'restorer.ts'), reader.folder, reader.name, key, kill === 0 ? token : '', 'anew',
    ], { stdio: ['pipe', 'pipe', 'inherit'] })
    const gone = once(running, 'exit')
    for await (const chunk of running.stdout) if (String(chunk).includes('begun')) break
    if (kill > 0) await new Promise((resolve) => { setTimeout(resolve, Math.random() * 500) })
    running.kill('SIGKILL')
    await gone
  }
  await reader.start()
  const { phase } = await reader.call('app.open', {})
  assert.equal(phase.at === 'ready' && phase.me.name, lists.account.name)
  await until('it is done', async () => (await ended(reader)).at !== 'failed')
  for (const conversation of conversations) {
    const ids: string[] = []
    for (let before = 0; ;) {
      const page = await reader.call('entries.page', { conversation, before, limit: 500 })
      ids.unshift(...page.entries.map(({ id }) => id))
      if (!page.more) break
      before = page.entries[0]?.order ?? 0
    }
    assert.deepEqual(ids, entries.filter((one) => one.conversation === conversation).map(({ id }) => id))
  }
  assert.equal(reader.store?.document('restore', 'own'), undefined)
  unbroken(reader)
})
