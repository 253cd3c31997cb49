/** Backups of an app that is killed while it makes them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { pieceBytes, type StoredEntry } from '../../main/ports.ts'
import { hashOf } from './attach.ts'
import { ended } from './backups.ts'
import { people, until, type Person } from './world.ts'

const messages = 6_000
const pictures = 6

/** Mara, who has said much in one chat, with some attachments. */
async function talker(t: TestContext): Promise<{ readonly mara: Person, readonly conversation: string }> {
  const { all: [mara], end } = await people(['Mara'])
  t.after(end)
  const { conversation } = await mara.call('conversation.group', { name: 'Alone', people: [], invites: [] })
  say(mara, conversation, { from: 1_000, count: messages, files: pictures })
  return { mara, conversation }
}

/** Puts that into the store, past all Calls. */
function say(person: Person, conversation: string, { from, count, files }: {
  readonly from: number, readonly count: number, readonly files: number
}): void {
  const entry = (order: number, more: object): StoredEntry => ({
    id: order.toString(16).padStart(64, '0'), conversation, order, at: 1_750_000_000_000 + order, kind: 'message',
    from: 'ab'.repeat(32), own: false, text: `message ${order}`, state: 'received', deliveredTo: 0, people: 2, devices: 2, ...more,
  })
  person.store?.commit({ entries: Array.from({ length: count - files }, (_, at) => entry(from + at, {})) })
  for (let at = 0; at < files; at += 1) {
    const bytes = new Uint8Array(randomBytes(1_500_000))
    const hash = hashOf(bytes)
    for (let piece = 0; piece * pieceBytes < bytes.length; piece += 1) {
      person.store?.commit({ pieces: [{ hash, piece, size: bytes.length, bytes: bytes.slice(piece * pieceBytes, (piece + 1) * pieceBytes) }] })
    }
    person.store?.commit({ entries: [entry(from + count - files + at, {
      attachments: [{ hash, name: 'a.bin', mediaType: 'application/octet-stream', size: bytes.length, state: 'here' }],
    })] })
  }
}

/** Starts it in a process, and kills that so many milliseconds after the first was written. False: it was done before. */
async function killed(person: Person, role: 'file' | 'plain' | 'folder', place: string, afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [
    path.join(import.meta.dirname, 'shelver.ts'), person.folder, person.name, Buffer.from(person.key).toString('hex'), role, place,
  ], { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  let heard = ''
  for await (const chunk of child.stdout) {
    heard += String(chunk)
    if (/begun|done/.test(heard)) break
  }
  await new Promise((resolve) => { setTimeout(resolve, afterMs) })
  child.kill('SIGKILL')
  const [, signal] = await gone as [number | null, string | null]
  assert.equal(signal, 'SIGKILL')
  return !heard.includes('done')
}

const filesIn = (folder: string): readonly string[] => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((one) => one.isFile()).map((one) => one.name)

async function messagesIn(person: Person, token: string, typed: string): Promise<number> {
  await person.call('restore.verify', { token, typed })
  const checked = await ended(person)
  return checked.at === 'checked' ? checked.holds.messages : assert.fail(JSON.stringify(checked))
}

test('SIGKILL while a file is written, sealed or not: nothing under its name, and the next start sweeps what is left', async (t) => {
  const { mara } = await talker(t)
  const words = (await mara.call('recovery.words', {})).join(' ')
  const shelf = path.join(mara.folder, 'shelf')
  mkdirSync(shelf)
  const place = path.join(shelf, 'mine.coppice-backup')
  for (const role of ['file', 'plain'] as const) {
    let interrupted = 0
    for (let run = 0; run < 8 && interrupted < 2; run += 1) {
      await mara.stop()
      const wasKilled = await killed(mara, role, place, 15 * interrupted)
      const isThere = existsSync(place)
      if (wasKilled && !isThere) interrupted += 1
      await mara.start()
      await until('what was left is gone', () => Promise.resolve(readdirSync(shelf).every((name) => name === path.basename(place))))
      await until('and nobody looks for it', () => Promise.resolve(mara.places.kept('file').length === 0))
      // A half one is never there.
      assert.equal(existsSync(place), isThere)
      if (isThere && role === 'file') assert.equal(await messagesIn(mara, place, words), messages)
      rmSync(place, { force: true })
    }
    assert.equal(interrupted, 2, role)
  }
  mara.places.chosen = place
  await mara.call('backup.export', { passphrase: '' })
  assert.deepEqual(readdirSync(shelf), [path.basename(place)])
  assert.equal(await messagesIn(mara, place, words), messages)
  assert.deepEqual(mara.bugs, [])
})

test('SIGKILL while a folder grows, again and again: it stays whole, the next backup completes it, nothing is left over', async (t) => {
  const { mara, conversation } = await talker(t)
  const words = (await mara.call('recovery.words', {})).join(' ')
  const shelf = path.join(mara.folder, 'shelf')
  mkdirSync(shelf)
  await mara.call('backup.keep', { token: shelf, by: 'words', key: '', rhythm: 'off' })
  await mara.call('backup.now', {})
  let interrupted = 0
  let before = messages
  for (let kill = 0; kill < 4; kill += 1) {
    say(mara, conversation, { from: 10_000 * (kill + 1), count: 3_000, files: 3 })
    await mara.stop()
    if (await killed(mara, 'folder', shelf, 12 * kill)) interrupted += 1
    await mara.start()
    // What is there is whole: an earlier backup, or all of it.
    const held = await messagesIn(mara, shelf, words)
    assert.ok(held === before || held === messages + 3_000 * (kill + 1), String(held))
    before = held
  }
  assert.ok(interrupted >= 2, String(interrupted))
  const { bytes } = await mara.call('backup.now', {})
  assert.ok(bytes > 0)
  assert.equal(await messagesIn(mara, shelf, words), messages + 4 * 3_000)
  const left = filesIn(shelf)
  assert.deepEqual(left.filter((name) => !/^(?:key\.age|\d{6}-[\w-]+\.tar\.age|[0-9a-f]{64}\.age)$/.test(name)), [])
  // Each attachment once.
  assert.equal(left.filter((name) => /^[0-9a-f]{64}\.age$/.test(name)).length, pictures + 4 * 3)
  assert.deepEqual(mara.bugs, [])
})
