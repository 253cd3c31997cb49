import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { entriesName, segmentOf, type BackupEntry } from '../../main/chat/backup.ts'
import { filesOf, lists, message, written } from '../archive/samples.ts'
import { ended } from './backups.ts'
import { mountDisk } from './disk.ts'
import { people, Person } from './world.ts'

const conversations = ['0a', '0b', '0c'].map((two) => two.repeat(16))
const each = 2_000
const seal = { type: 'passphrase', passphrase: 'correct horse' } as const

const entries: readonly BackupEntry[] = conversations.flatMap((conversation) =>
  Array.from({ length: each }, (_, at) => message(at + 1, { conversation, id: `${conversation}${String(at).padStart(32, '0')}` })))

/** Mara, who has nothing, and a backup of hers with three chats. */
async function beginning(t: TestContext): Promise<{ readonly mara: Person, readonly token: string }> {
  const { all: [mara], end } = await people(['Mara'])
  t.after(end)
  const { phase } = await mara.call('app.open', {})
  assert.ok(phase.at === 'ready')
  const token = path.join(mara.folder, 'mara.age')
  const files = filesOf(entries, {
    account: { ...lists.account, accountId: phase.me.accountId },
    conversations: conversations.map((id) => ({ ...lists.conversations[0], id })),
  })
  assert.ok(files.some(({ name }) => name === entriesName(conversations[2] ?? '', segmentOf(each))))
  await written({ token, path: token }, files, seal)
  return { mara, token }
}

function child(person: Person, token: string): ChildProcess {
  const key = Buffer.from(person.key).toString('hex')
  return spawn(process.execPath, [path.join(import.meta.dirname, 'restorer.ts'), person.folder, person.name, key, token],
    { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Waits until the process says so; says what else it said. */
async function reached(running: ChildProcess, line: string): Promise<string> {
  let heard = ''
  for await (const chunk of running.stdout ?? []) {
    heard += String(chunk)
    if (heard.split('\n').includes(line)) break
  }
  return heard
}

/** All of a conversation, page by page. */
async function timeline(person: Person, conversation: string): Promise<readonly string[]> {
  const found: string[] = []
  for (let before = 0; ;) {
    const page = await person.call('entries.page', { conversation, before, limit: 500 })
    found.unshift(...page.entries.map(({ id }) => id))
    if (!page.more) return found
    before = page.entries[0]?.order ?? 0
  }
}

test('SIGKILL while a backup is taken in, again and again: it goes on by itself, and all is there once, in its order', async (t) => {
  const { mara, token } = await beginning(t)
  await mara.stop()
  for (let kill = 0; kill < 3; kill++) {
    const running = child(mara, kill === 0 ? token : '')
    const gone = once(running, 'exit')
    await reached(running, 'begun')
    // At first as soon as it is told that it has begun.
    if (kill > 0) await new Promise((resolve) => { setTimeout(resolve, Math.random() * 600) })
    running.kill('SIGKILL')
    await gone
  }
  await mara.start()
  const restored = await ended(mara)
  // Where it was done before the last kill, nothing is left to say.
  if (restored.at !== 'none') assert.equal(restored.at === 'restored' && restored.added, 3 * each)
  for (const conversation of conversations) {
    assert.deepEqual(await timeline(mara, conversation), entries.filter((one) => one.conversation === conversation).map(({ id }) => id))
  }
  assert.equal(mara.store?.document('restore', 'own'), undefined)
  const found = await mara.call('search', { text: 'message 1999', limit: 10 })
  assert.equal(found.found.length, 3)
  assert.deepEqual(mara.bugs, [])
})

test('A disk that fills in the middle: told, what was here stays, and with room it is done', async (t) => {
  const { mara, token } = await beginning(t)
  const conversation = (await mara.call('conversation.group', { name: 'Alone', people: [], invites: [] })).conversation
  await mara.say(conversation, 'mine')
  await mara.stop()
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-small-'))
  mkdirSync(path.join(folder, mara.name))
  const disk = mountDisk(t, path.join(folder, mara.name), 2_048)
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  if (disk === undefined) return
  cpSync(path.join(mara.folder, mara.name), path.join(folder, mara.name), { recursive: true })
  const small = new Person(mara.name, folder, mara.key)
  await small.start()
  t.after(() => small.stop())
  await small.call('restore.start', { token, typed: seal.passphrase })
  const failed = await ended(small)
  assert.equal(failed.at === 'failed' && failed.code, 'store-full')
  assert.deepEqual(await small.texts(conversation), ['mine'])
  await small.call('restore.rehearse', { token, typed: seal.passphrase })
  const again = await ended(small)
  assert.equal(again.at === 'failed' && again.code, 'store-full')
  assert.deepEqual(readdirSync(path.join(folder, mara.name)).filter((name) => name.startsWith('scratch-')), [])
  disk.remount('size=64m')
  await small.call('restore.start', { token, typed: seal.passphrase })
  const restored = await ended(small)
  assert.equal(restored.at, 'restored')
  assert.equal((await timeline(small, conversations[0] ?? '')).length, each)
  assert.deepEqual(await small.texts(conversation), ['mine'])
})
