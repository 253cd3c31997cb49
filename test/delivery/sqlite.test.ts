import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { SqliteDeliveryOptions } from '../../main/delivery/sqlite.ts'
import type { Delivery } from '../../main/ports.ts'
import { conformance } from './conformance.ts'

conformance('embedded log', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'coppice-test-'))
  const folder = path.join(root, 'data')
  const file = path.join(folder, 'delivery.sqlite')
  return Promise.resolve({
    open: () => Promise.resolve(openSqliteDelivery({ file })),
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
    remove: () => {
      rmSync(root, { recursive: true, force: true })
      return Promise.resolve()
    },
  })
})

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
