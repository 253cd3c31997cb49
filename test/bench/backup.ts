import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { StoreKeeper } from '../../main/app/keepers.ts'
import { readableRoom } from '../../main/chat/restored.ts'
import { withRoom } from '../../main/chat/room.ts'
import type { StoredEntry } from '../../main/ports.ts'
import type { Restore } from '../../preload/api.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { lists, message } from '../archive/samples.ts'
import { Person } from '../scenario/world.ts'
import { Table } from './table.ts'

const roomCount = 20
const vocabulary = Array.from({ length: 3_000 }, (_, at) =>
  createHash('sha256').update(String(at)).digest('base64').replace(/[^a-z]/gi, '').slice(0, 3 + at % 8))

type Cost = { readonly clockMs: number, readonly processorMs: number }
const seconds = ({ clockMs, processorMs }: Cost): readonly string[] => [clockMs, processorMs].map((ms) => (ms / 1000).toFixed(ms < 1_000 ? 2 : 1))

async function timed(work: () => Promise<unknown>): Promise<Cost> {
  const [start, before] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(before)
  return { clockMs: performance.now() - start, processorMs: (user + system) / 1000 }
}

/** Words of everyday length, the same in every run. */
function textOf(at: number): string {
  const count = 4 + at % 14
  return Array.from({ length: count }, (_, word) => vocabulary[(at * 31 + word * 977) % vocabulary.length]).join(' ')
}

const roomId = (room: number): string => createHash('sha256').update(`room ${String(room)}`).digest('hex').slice(0, 32)

/** A person with so many messages in their store, put there past all Calls. */
async function talker(folder: string, messages: number): Promise<Person> {
  const person = new Person('talker', folder)
  await person.start()
  await person.call('setup.create', { name: 'Talker', passphrase: '' })
  await person.stop()
  const store = openStore({ file: path.join(folder, person.name, 'profile.sqlite'), key: person.key })
  const keeper = new StoreKeeper(store, () => Date.now())
  const each = messages / roomCount
  for (let room = 0; room < roomCount; room++) {
    const id = roomId(room)
    const base = readableRoom({ ...lists.conversations[0], id }, Date.now())
    for (let first = 1; first <= each; first += 1_000) {
      const entries = Array.from({ length: Math.min(1_000, each - first + 1) }, (_, at) => {
        const order = first + at
        return { ...message(order), id: createHash('sha256').update(`${id} ${String(order)}`).digest('hex'), conversation: id,
          text: textOf(order * roomCount + room) } as StoredEntry
      })
      keeper.keep({ entries })
    }
    keeper.keep({ room: withRoom(base, { nextOrder: each + 1, firstOrder: 1 }) })
  }
  store.close()
  await person.start()
  return person
}

async function ended(person: Person): Promise<Restore> {
  for (;;) {
    const { restore } = await person.call('app.open', {})
    if (restore?.at === 'failed') throw new Error(restore.code)
    if (restore !== undefined && !('done' in restore)) return restore
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
}

/** A profile like that one, with nothing in it: its account, its key, and another file. */
async function empty(person: Person, folder: string): Promise<Person> {
  const account = person.store?.document('account', 'own')
  const log = person.store?.documents('device-log') ?? []
  if (account === undefined) throw new Error('no account')
  await person.stop()
  const anew = new Person('anew', folder)
  await anew.start()
  await anew.call('setup.create', { name: 'Talker', passphrase: '' })
  await anew.stop()
  const store = openStore({ file: path.join(folder, anew.name, 'profile.sqlite'), key: anew.key })
  store.commit({ documents: [
    { kind: 'account', key: 'own', bytes: account }, ...log.map((one) => ({ kind: 'device-log' as const, ...one })),
  ] })
  store.close()
  await anew.start()
  return anew
}

/** The second backup wrote what was new, and little else, and the folder now holds it. */
async function demandSecond(
  person: Person, { shelf, typed, bytes, messages }: { readonly shelf: string, readonly typed: string, readonly bytes: number, readonly messages: number },
): Promise<void> {
  await person.call('restore.verify', { token: shelf, typed })
  const checked = await ended(person)
  const held = checked.at === 'checked' ? checked.holds : undefined
  if (held?.messages !== messages || bytes === 0 || bytes > Math.max(1_000_000, held.bytes / 10)) {
    throw new Error(`the second backup wrote ${String(bytes)} of ${String(held?.bytes)} bytes, with ${String(held?.messages)} messages`)
  }
}

/** What backups cost, through the Calls: one file, its check, taking it in on another computer, and the folder's second. */
export async function backupTables(quick: boolean, sizes = quick ? [1_000, 10_000] : [10_000, 100_000, 1_000_000]): Promise<string> {
  const table = new Table('backups: clock and CPU, s', 'make', 'CPU', 'verify', 'CPU', 'restore', 'CPU', 'second', 'CPU', 'MB', 'RSS, MB')
  const typed = 'a passphrase for a bench'
  for (const size of sizes) {
    const folder = mkdtempSync(path.join(tmpdir(), 'coppice-bench-'))
    try {
      let person = await talker(folder, size)
      const token = path.join(folder, 'all.age')
      person.places.chosen = token
      const make = await timed(() => person.call('backup.export', { passphrase: typed }))
      const verify = await timed(async () => {
        await person.call('restore.verify', { token, typed })
        await ended(person)
      })
      const shelf = mkdtempSync(path.join(folder, 'shelf-'))
      await person.call('backup.keep', { token: shelf, by: 'passphrase', key: typed, rhythm: 'off' })
      await person.call('backup.now', {})
      // One more message, as a day brings some.
      const order = size / roomCount + 1
      person.store?.commit({ entries: [{ ...message(order), id: 'f'.repeat(64), conversation: roomId(0) } as StoredEntry] })
      let bytes = 0
      const second = await timed(async () => { bytes = (await person.call('backup.now', {})).bytes })
      await demandSecond(person, { shelf, typed, bytes, messages: size + 1 })
      person = await empty(person, folder)
      const restore = await timed(async () => {
        await person.call('restore.start', { token, typed })
        await ended(person)
      })
      const { restore: came } = await person.call('app.open', {})
      if (came?.at !== 'restored' || came.added !== size) throw new Error(`not all came back: ${JSON.stringify(came)}`)
      await person.stop()
      const weight = [(statSync(token).size / 1e6).toFixed(0), (process.memoryUsage().rss / 1e6).toFixed(0)]
      table.add(`${String(size)} messages`, ...[make, verify, restore, second].flatMap(seconds), ...weight)
      process.stderr.write(`${String(size)}: ${[make, verify, restore, second].flatMap(seconds).join(' ')}\n`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return table.toString()
}
