/** What can still be read of a store that cannot be opened. Every damage is done to a real file. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, existsSync, readFileSync, readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { PortError } from '../../main/ports.ts'
import type { Reading, StoredEntry } from '../../main/ports.ts'
import { openDatabase } from '../../main/sqlite/open.ts'
import { openReading } from '../../main/sqlite/reading.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { asNobody, folderFor, freshKey, message } from './samples.ts'

const pageBytes = 4096
const many = 400

const portError = (code: string) => (error: unknown): boolean => {
  assert.ok(error instanceof PortError, String(error))
  assert.equal(error.code, code, error.message)
  return true
}

type Sample = { readonly file: string, readonly key: Uint8Array, readonly entries: readonly StoredEntry[] }

/** A closed store with a history of so many messages and a few documents. */
function sampleFor(t: TestContext, length = many): Sample {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const key = freshKey()
  const entries = Array.from({ length }, (_, index) =>
    message(index + 1, { text: `${index} `.repeat(index % 90) }))
  const store = openStore({ file, key })
  store.commit({
    entries,
    documents: ['a', 'b', 'c'].map((name) => ({ kind: 'room', key: name, bytes: Buffer.from(`room ${name}`) })),
  })
  store.close()
  return { file, key, entries }
}

const copiesIn = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('coppice-reading-'))

/** What a reading gives, and that it leaves nothing behind. */
async function readAll(sample: Sample): Promise<{ readonly entries: readonly StoredEntry[], readonly rooms: number }> {
  const before = copiesIn()
  const reading: Reading = await openReading(sample)
  const entries = reading.entriesBefore('oaks', 0, 10_000)
  const rooms = reading.documents('room').length
  reading.close()
  assert.deepEqual(copiesIn().filter((name) => !before.includes(name)), [])
  return { entries, rooms }
}

test('an undamaged store is read whole, with what only its WAL holds', async (t) => {
  const sample = sampleFor(t)
  assert.deepEqual(await readAll(sample), { entries: sample.entries, rooms: 3 })
  const store = openStore(sample)
  store.commit({ entries: [message(many + 1)] })
  // As a kill leaves it.
  const killed = { ...sample, file: path.join(folderFor(t), 'profile.sqlite') }
  for (const ending of ['', '-wal']) copyFileSync(sample.file + ending, killed.file + ending)
  store.close()
  assert.deepEqual((await readAll(killed)).entries.at(-1), message(many + 1))
  assert.ok(existsSync(`${killed.file}-wal`), 'the original is as the kill left it')
})

test('with a bit flipped in any page, what is read is right, the rest is a gap, the file stays as it is', async (t) => {
  const sample = sampleFor(t)
  const whole = readFileSync(sample.file)
  const right = new Map(sample.entries.map((entry) => [entry.order, entry]))
  let refused = 0
  let readable = 0
  let gaps = 0
  for (let page = 0; page < whole.length / pageBytes; page++) {
    const flipped = Buffer.from(whole)
    const at = page * pageBytes + 100 + (page * 37) % 3_000
    flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
    writeFileSync(sample.file, flipped)
    let found: Awaited<ReturnType<typeof readAll>>
    try {
      found = await readAll(sample)
    } catch (error) {
      portError('store-damaged')(error)
      refused++
      continue
    } finally {
      assert.deepEqual(readFileSync(sample.file), flipped)
    }
    readable++
    for (const entry of found.entries) {
      if (entry.kind === 'gap') gaps++
      else assert.deepEqual(entry, right.get(entry.order), `page ${page}`)
    }
    const isWhole = found.entries.every((entry) => entry.kind !== 'gap' || entry.count === 1)
    if (isWhole) assert.equal(found.entries.length, many, `page ${page} hides entries`)
    assert.ok(found.rooms <= 3)
  }
  t.diagnostic(`${readable} of ${readable + refused} pages may be damaged and something is read; ${gaps} gaps`)
  assert.ok(refused >= 1 && refused < readable / 4, 'only the first page and the schema are needed for everything')
  assert.ok(gaps > 10)
})

test('of a file that was cut off, what is left is read', async (t) => {
  // So many that most of the file is messages, and not the first page of each table.
  const many = 3_000
  const sample = sampleFor(t, many)
  const whole = readFileSync(sample.file)
  for (const part of [0.98, 0.7, 0.4]) {
    writeFileSync(sample.file, whole)
    truncateSync(sample.file, Math.floor(whole.length * part))
    assert.throws(() => {
      const store = openStore(sample)
      try {
        store.entriesBefore('oaks', 0, many)
      } finally {
        store.close()
      }
    }, portError('store-damaged'))
    const { entries } = await readAll(sample)
    const read = entries.filter(({ kind }) => kind === 'message')
    t.diagnostic(`${read.length} of ${many} messages are left in ${part * 100} % of the file`)
    for (const entry of read) assert.deepEqual(entry, sample.entries[entry.order - 1])
    assert.ok(entries.length > read.length, 'what is missing is said')
    assert.ok(read.length > many * part / 2)
  }
})

/** What this process has open; what is deleted already counts too. */
const openFiles = (): readonly string[] => readdirSync('/proc/self/fd').flatMap((name) => {
  try {
    return [readlinkSync(`/proc/self/fd/${name}`)]
  } catch {
    return []
  }
})

test('nothing is read of a foreign file, of another key, of an empty file and of a newer store', async (t) => {
  const sample = sampleFor(t)
  await assert.rejects(openReading({ ...sample, key: freshKey() }), portError('store-damaged'))
  const file = `${sample.file}.changed`
  copyFileSync(sample.file, file)
  const database = openDatabase(sample.file, sample.key)
  database.pragma('user_version = 9999')
  database.close()
  await assert.rejects(openReading(sample), portError('store-newer'))
  const changed = openDatabase(file, sample.key)
  changed.exec('DROP TABLE entries; CREATE TABLE entries (id TEXT)')
  changed.close()
  await assert.rejects(openReading({ ...sample, file }), /no such column/)
  // An open one would hold the key.
  if (process.platform === 'linux') assert.deepEqual(openFiles().filter((name) => name.includes('coppice-reading-')), [])
  writeFileSync(sample.file, 'these are the notes of somebody else\n'.repeat(300))
  await assert.rejects(openReading(sample), portError('store-damaged'))
})

test('a store in a folder where nothing may be written is read whole', async (t) => {
  const sample = sampleFor(t)
  const folder = path.dirname(sample.file)
  const names = readdirSync(folder)
  for (const name of names) chmodSync(path.join(folder, name), 0o444)
  chmodSync(folder, 0o555)
  const found = await asNobody(async () => {
    assert.throws(() => openStore(sample), portError('store-read-only'))
    return readAll(sample)
  })
  chmodSync(folder, 0o755)
  if (found === undefined) t.skip('no permissions of this kind here')
  else assert.deepEqual(found, { entries: sample.entries, rooms: 3 })
  assert.deepEqual(readdirSync(folder), names)
})

test('what is read cannot be changed, and a store that is open elsewhere is not copied', async (t) => {
  const sample = sampleFor(t)
  const store = openStore(sample)
  await assert.rejects(openReading(sample), portError('profile-busy'))
  store.close()
  const reading = await openReading(sample)
  // Nobody waits for a reading: the store can be opened beside it.
  openStore(sample).close()
  assert.equal(reading.entriesBefore('oaks', 0, 1).length, 1)
  reading.close()
})
