import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Database from 'better-sqlite3'
import { Connection } from '../../main/delivery/connection.ts'
import { Housekeeping } from '../../main/delivery/housekeeping.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { SqliteDeliveryOptions } from '../../main/delivery/sqlite.ts'
import type { Delivery } from '../../main/ports.ts'
import { conformance } from './conformance.ts'

conformance('embedded log', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'coppice-test-'))
  const folder = path.join(root, 'data')
  const file = path.join(folder, 'delivery.sqlite')
  let now = Date.now()
  return Promise.resolve({
    open: () => Promise.resolve(openSqliteDelivery({ file, now: () => now })),
    opener: {
      module: new URL('../../main/delivery/sqlite.ts', import.meta.url), name: 'openSqliteDelivery', argument: { file },
    },
    vanish: () => {
      renameSync(folder, `${folder}-away`)
      // What stands where the medium was: something that is no folder.
      writeFileSync(folder, '')
      return Promise.resolve()
    },
    comeBack: () => {
      rmSync(folder)
      renameSync(`${folder}-away`, folder)
      return Promise.resolve()
    },
    pass: async (passedMs) => {
      // As on a computer that is used every few days.
      const looks = Math.ceil(passedMs / (6 * dayMs))
      for (let number = 0; number < looks; number += 1) {
        now += Math.ceil(passedMs / looks)
        await look(file, now)
      }
    },
    remove: () => {
      rmSync(root, { recursive: true, force: true })
      return Promise.resolve()
    },
  })
})

const dayMs = 24 * 60 * 60 * 1000

/** What a process that has the file open does when it looks at a time. */
async function look(file: string, now: number): Promise<void> {
  const connection = new Connection({ file, now: () => now })
  await new Housekeeping({ connect: () => connection.get(), now: () => now }).run()
  connection.close()
}

type Sample = { readonly file: string, readonly open: (options?: Partial<SqliteDeliveryOptions>) => Delivery }

function sampleFor(t: TestContext): Sample {
  const root = mkdtempSync(path.join(tmpdir(), 'coppice-test-'))
  const file = path.join(root, 'data', 'delivery.sqlite')
  const clients: Delivery[] = []
  t.after(async () => {
    for (const client of clients) await client.close()
    rmSync(root, { recursive: true, force: true })
  })
  return {
    file,
    open: (options) => {
      const client = openSqliteDelivery({ file, ...options })
      clients.push(client)
      return client
    },
  }
}

const code = (expected: string) => (error: unknown): boolean =>
  error instanceof Error && error.name === 'PortError' && 'code' in error && error.code === expected

test('a full disk refuses the record, and one that fits is still taken', async (t) => {
  const { open } = sampleFor(t)
  const client = open({ maxPages: 60 })
  await client.append('m.oaks', randomBytes(1000))
  await assert.rejects(client.append('m.oaks', randomBytes(300_000), 'a'), code('store-full'))
  assert.equal(await client.slot('m.oaks', 'a'), undefined)
  assert.equal((await client.append('m.oaks', randomBytes(1000), 'a')).type, 'accepted')
  assert.equal((await client.read('m.oaks', 0, 10)).length, 2)
})

test('file and folder are closed to others', { skip: process.platform === 'win32' }, async (t) => {
  const { file, open } = sampleFor(t)
  await open().append('m.oaks', randomBytes(10))
  assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700)
  for (const name of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(name).mode & 0o777, 0o600, name)
})

test('a log that was lost and made anew goes on above the old numbers, so that no reader sleeps', async (t) => {
  const { file, open } = sampleFor(t)
  const first = open()
  for (let number = 0; number < 5; number += 1) await first.append('m.oaks', randomBytes(10))
  const last = (await first.read('m.oaks', 0, 10)).at(-1)?.seq ?? 0
  await first.close()
  rmSync(file)
  await new Promise((resolve) => setTimeout(resolve, 10))
  const second = open()
  await second.append('m.oaks', randomBytes(10))
  assert.equal((await second.read('m.oaks', last, 10)).length, 1)
})

test('the file of a client at work that vanishes is not replaced by an empty one', async (t) => {
  const { file, open } = sampleFor(t)
  const client = open()
  await client.append('m.oaks', randomBytes(10))
  rmSync(file)
  await assert.rejects(client.append('m.oaks', randomBytes(10)), code('delivery-unreachable'))
  await assert.rejects(client.read('m.oaks', 0, 1), code('delivery-unreachable'))
})

test('a foreign file in its place is out of reach, not overwritten', async (t) => {
  const { file, open } = sampleFor(t)
  const client = open()
  writeFileSync(file, 'the notes of somebody else\n'.repeat(100))
  await assert.rejects(client.append('m.oaks', randomBytes(10)), code('delivery-unreachable'))
  assert.equal(statSync(file).size, 2700)
})

test('a file that may not be written says so', async (t) => {
  const { file, open } = sampleFor(t)
  const first = open()
  await first.append('m.oaks', randomBytes(10))
  await first.close()
  const { geteuid, seteuid } = process
  if (geteuid === undefined || seteuid === undefined) {
    t.skip('no permissions of this kind here')
    return
  }
  // Root may write everywhere: give the right up for the length of the test.
  const asRoot = geteuid.call(process) === 0
  const folder = path.dirname(file)
  for (const name of [path.dirname(folder), folder]) chmodSync(name, 0o555)
  chmodSync(file, 0o444)
  if (asRoot) seteuid.call(process, 65_534)
  try {
    await assert.rejects(open().append('m.oaks', randomBytes(10)), code('store-read-only'))
  } finally {
    if (asRoot) seteuid.call(process, 0)
    for (const name of [path.dirname(folder), folder]) chmodSync(name, 0o755)
  }
})

test('one answer stays within 32 MiB, and reading on gives the rest', async (t) => {
  const client = sampleFor(t).open()
  for (let number = 0; number < 9; number += 1) await client.append('b.blob', randomBytes(4 * 1024 * 1024))
  const first = await client.read('b.blob', 0, 100)
  assert.equal(first.length, 8)
  assert.equal((await client.read('b.blob', first.at(-1)?.seq ?? 0, 100)).length, 1)
})

/** Opens a log at a moment that the test moves on. */
function agingSample(t: TestContext) {
  const { file, open } = sampleFor(t)
  const start = Date.now()
  const clock = { now: start }
  const client = open({ now: () => clock.now })
  return {
    file, client, clock, start,
    kept: async () => (await client.read('m.oaks', 0, 10_000)).length,
    /** Somebody looks, so many days after the start. */
    look: async (days: number) => { await look(file, start + Math.round(days * dayMs)) },
  }
}

test('a look that follows no other closely only notes the time: clocks are wrong, and computers are off', async (t) => {
  const { client, look: lookOn, kept } = agingSample(t)
  await client.append('m.oaks', randomBytes(10))
  // Five years ahead by mistake, and right again.
  for (const day of [1830, 1, 2, 3]) await lookOn(day)
  assert.equal(await kept(), 1)
  // Off for months: whoever starts now reads first.
  await lookOn(100)
  assert.equal(await kept(), 1)
  await lookOn(100.9)
  assert.equal(await kept(), 1)
  await lookOn(101.1)
  assert.equal(await kept(), 0)
})

test('a computer that is hardly ever on is tidied all the same', async (t) => {
  const { client, look: lookOn, kept } = agingSample(t)
  await client.append('m.oaks', randomBytes(10))
  await lookOn(100)
  assert.equal(await kept(), 1)
  await lookOn(130)
  assert.equal(await kept(), 0)
})

test('of all processes that look, one tidies up, once a day', async (t) => {
  const { client, clock, look: lookOn, kept } = agingSample(t)
  for (const day of [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]) await lookOn(day)
  clock.now -= 3 * dayMs
  await client.append('m.oaks', randomBytes(10))
  clock.now += 0.5 * dayMs
  await client.append('m.oaks', randomBytes(10))
  await lookOn(57.1)
  assert.equal(await kept(), 1)
  await lookOn(58)
  assert.equal(await kept(), 1, 'the other one is too old now, but somebody has looked today')
  await lookOn(58.2)
  assert.equal(await kept(), 0)
})

test('old records leave in small steps, between which others write, and their space goes back to the disk', async (t) => {
  const { file, client, clock, start, look: lookOn, kept } = agingSample(t)
  await client.append('u.anna', randomBytes(100))
  const database = new Database(file)
  const insert = database.prepare('INSERT INTO records (log, slot, at, hash, bytes) VALUES (?, NULL, ?, ?, ?)')
  database.transaction(() => {
    for (let number = 0; number < 4000; number += 1) insert.run('m.oaks', start, randomBytes(32), randomBytes(10_000))
    for (let number = 0; number < 4; number += 1) insert.run('b.blob', start, randomBytes(32), randomBytes(4_000_000))
  })()
  database.close()
  const full = (await client.usage?.())?.bytes ?? 0
  assert.ok(full > 50_000_000, `${full} bytes`)
  for (let day = 6; day < 60; day += 6) await lookOn(day)
  clock.now = start + 61 * dayMs
  let longestMs = 0
  let written = 0
  const writing = { on: true }
  const writer = (async () => {
    while (writing.on) {
      const before = performance.now()
      await client.append('m.elms', randomBytes(100))
      // Time that passes for whoever waits for this thread or for the file.
      await new Promise((resolve) => { setImmediate(resolve) })
      longestMs = Math.max(longestMs, performance.now() - before)
      written += 1
      await new Promise((resolve) => { setTimeout(resolve, 5) })
    }
  })()
  await lookOn(61)
  writing.on = false
  await writer
  t.diagnostic(`${written} appends meanwhile, the slowest took ${longestMs.toFixed(0)} ms`)
  assert.equal(await kept(), 0)
  assert.equal((await client.read('m.elms', 0, 10_000)).length, written)
  assert.equal((await client.read('u.anna', 0, 10)).length, 1)
  assert.ok(written > 20, `${written} appends`)
  assert.ok(longestMs < 500, `${longestMs} ms`)
  await client.close()
  assert.ok(statSync(file).size < 1_000_000, `${statSync(file).size} bytes`)
})

test('a log of the first format is taken over, and then gives space back too', async (t) => {
  const { file, open } = sampleFor(t)
  mkdirSync(path.dirname(file), { recursive: true })
  const old = new Database(file)
  old.exec(`
    CREATE TABLE records (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL, slot TEXT, at INTEGER NOT NULL,
      hash BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL, UNIQUE (log, slot)
    ) STRICT;
    CREATE INDEX records_by_log ON records (log, seq);
    INSERT INTO sqlite_sequence (name, seq) VALUES ('records', 1000);
    PRAGMA user_version = 1;`)
  const insert = old.prepare('INSERT INTO records (log, slot, at, hash, bytes) VALUES (?, NULL, ?, ?, ?)')
  for (let number = 0; number < 100; number += 1) insert.run('m.oaks', 0, randomBytes(32), randomBytes(10_000))
  insert.run('u.anna', 0, randomBytes(32), randomBytes(10))
  old.close()
  const client = open()
  assert.equal((await client.read('m.oaks', 0, 1000)).length, 100)
  await look(file, Date.now() + dayMs)
  assert.deepEqual(await client.read('m.oaks', 0, 1000), [])
  assert.deepEqual((await client.read('u.anna', 0, 10)).map(({ seq }) => seq), [1101])
  const next = await client.append('u.anna', randomBytes(10))
  assert.deepEqual(next, { type: 'accepted', seq: 1102 })
  await client.close()
  assert.ok(statSync(file).size < 200_000, `${statSync(file).size} bytes`)
})
