import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pieceBytes, type StoredEntry } from '../../main/ports.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { Person } from '../scenario/world.ts'

// `node test/bench/backup-memory.ts MESSAGES MEGABYTES`: the greatest memory of a process that opens a profile with so
// many messages and attachments and makes a backup of it, in one file and in a folder; beside that of one that only opens
// it. Profile and backups lie in the temporary folder, and are gone afterwards.

const key = new Uint8Array(32).fill(7)
const [messages = '10000', megabytes = '0', folder, what] = process.argv.slice(2)

if (folder === undefined) await prepare()
else await run(folder)

async function prepare(): Promise<void> {
  const made = mkdtempSync(path.join(tmpdir(), 'coppice-memory-'))
  try {
    const person = new Person('talker', made, key)
    await person.start()
    await person.call('setup.create', { name: 'Talker', passphrase: '' })
    const { conversation } = await person.call('conversation.group', { name: 'Alone', people: [], invites: [] })
    await person.stop()
    fill(path.join(made, 'talker', 'profile.sqlite'), conversation)
    for (const each of ['nothing', 'file', 'folder']) {
      const { stdout, status, stderr } = spawnSync(process.execPath, [import.meta.filename, messages, megabytes, made, each], { encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
      process.stdout.write(`${messages} messages, ${megabytes} MB: ${stdout}`)
    }
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

function fill(file: string, conversation: string): void {
  const store = openStore({ file, key })
  const first = store.lastOrder(conversation) + 1
  const count = Number(messages)
  const attachments = Number(megabytes) / 4
  for (let at = 0; at < count; at += 5_000) {
    store.commit({ entries: Array.from({ length: Math.min(5_000, count - at) }, (_, of): StoredEntry => {
      const order = first + at + of
      return {
        id: createHash('sha256').update(String(order)).digest('hex'), conversation, order, at: 1_750_000_000_000 + order,
        kind: 'message', from: 'ab'.repeat(32), own: false, text: `message ${String(order)} ${'word '.repeat(order % 20)}`,
        state: 'received', deliveredTo: 0, people: 2, devices: 2,
      }
    }) })
  }
  for (let at = 0; at < attachments; at += 1) {
    const bytes = new Uint8Array(randomBytes(4 * 1024 * 1024))
    const hash = createHash('sha256').update(bytes).digest('hex')
    for (let piece = 0; piece * pieceBytes < bytes.length; piece += 1) {
      store.commit({ pieces: [{ hash, piece, size: bytes.length, bytes: bytes.slice(piece * pieceBytes, (piece + 1) * pieceBytes) }] })
    }
    const order = first + count + at
    store.commit({ entries: [{
      id: hash, conversation, order, at: 1_750_000_000_000, kind: 'message', from: 'ab'.repeat(32), own: false, text: '',
      state: 'received', deliveredTo: 0, people: 2, devices: 2,
      attachments: [{ hash, name: 'a.bin', mediaType: 'application/octet-stream', size: bytes.length, state: 'here' }],
    }] })
  }
  store.close()
}

async function run(made: string): Promise<void> {
  const person = new Person('talker', made, key)
  await person.start()
  const [start, before] = [Date.now(), process.cpuUsage()]
  let bytes = 0
  if (what === 'file') {
    person.places.chosen = path.join(made, 'one.age')
    bytes = (await person.call('backup.export', { passphrase: '' }))?.bytes ?? 0
  } else if (what === 'folder') {
    const token = path.join(made, 'folder')
    mkdirSync(token)
    await person.call('backup.keep', { token, by: 'words', key: '', rhythm: 'off' })
    bytes = (await person.call('backup.now', {})).bytes
    const again = Date.now()
    await person.call('backup.now', {})
    process.stdout.write(`second ${String(Date.now() - again)} ms, `)
  }
  const { user, system } = process.cpuUsage(before)
  process.stdout.write(`${what ?? ''} ${String(Date.now() - start)} ms, CPU ${String(Math.round((user + system) / 1000))} ms, ${(bytes / 1e6).toFixed(0)} MB written, ` +
    `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most\n`)
  await person.stop()
}
