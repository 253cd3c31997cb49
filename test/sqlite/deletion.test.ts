import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreWrite } from '../../main/ports.ts'
import { openDatabase } from '../../main/sqlite/open.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { prepareWrite } from '../../main/sqlite/write.ts'
import { dice, folderFor, freshKey, message } from './samples.ts'

const group = 'a'.repeat(64)

/** One random change: a value of any size and kind is put, replaced or deleted. */
function randomWrite(roll: (bound: number) => number): StoreWrite {
  const number = roll(300)
  const value = roll(3) === 0 ? undefined : new Uint8Array(roll(10) === 0 ? roll(9000) : roll(400)).fill(46)
  switch (roll(6)) {
    case 5: return value === undefined ? {} : { groups: [{ group, parts: { head: value, nodes: [], ratchets: [] } }] }
    case 4: return value === undefined ? { removedAttachments: [`${number % 9}`] }
      : { pieces: [{ hash: `${number % 9}`, piece: 0, bytes: value, size: value.length }] }
    case 0: return { documents: [{ kind: 'seals', key: `${number}`, bytes: value }] }
    case 1: return { groups: [{ group, parts: { head: undefined, nodes: [[number, value]], ratchets: [] } }] }
    case 2: return { groups: [{ group, parts: { head: undefined, nodes: [], ratchets: [[`${number}`, value]] } }] }
    default: return value === undefined
      ? { removedEntries: [message(number).id] }
      : { entries: [message(number, { text: 'x'.repeat(value.length) + (value.length % 2 === 0 ? ' beech' : ' birch') })] }
  }
}

/** Which of these pieces, 32 bytes each in hexadecimal, stand anywhere in the bytes. */
function piecesIn(bytes: Buffer, pieces: Iterable<string>): readonly string[] {
  const byPrefix = new Map<number, string>()
  for (const piece of pieces) byPrefix.set(Buffer.from(piece, 'hex').readUInt32LE(0), piece)
  const found: string[] = []
  for (let at = 0; at + 32 <= bytes.length; at += 1) {
    const piece = byPrefix.get(bytes.readUInt32LE(at))
    if (piece !== undefined && bytes.toString('hex', at, at + 32) === piece) found.push(piece)
  }
  return found
}

test('after thousands of random changes, the decrypted pages hold the key of no value that is gone', (t) => {
  const database = openDatabase(path.join(folderFor(t), 'profile.sqlite'), freshKey())
  t.after(() => { database.close() })
  const write = prepareWrite(database)
  const keysInUse = database.prepare<[], string>('SELECT lower(hex(key)) FROM keys WHERE used = 1').pluck()
  const tables = ['documents', 'groups', 'nodes', 'ratchets', 'entries', 'words', 'blobs']
  const spareKeys = database.prepare('SELECT count(*) FROM keys WHERE used = 0 AND key <> zeroblob(32)').pluck()
  const sealedValues = database.prepare<[], string>(tables.map((table) =>
    `SELECT lower(hex(substr(sealed, 1, 32))) FROM ${table} WHERE length(sealed) >= 32`).join(' UNION ALL ')).pluck()
  const roll = dice(7)
  const keys = new Set<string>()
  const values = new Set<string>()
  const changeOften = database.transaction(() => {
    for (let change = 0; change < 10; change += 1) {
      write(randomWrite(roll))
      assert.equal(spareKeys.get(), 0, 'a key that is not used is zero at once')
      for (const key of keysInUse.all()) keys.add(key)
      for (const value of sealedValues.all()) values.add(value)
    }
  })
  write({ groups: [{ group, parts: { head: randomBytes(900), nodes: [], ratchets: [] } }] })
  for (let round = 0; round < 300; round += 1) changeOften()

  const aliveKeys = new Set(keysInUse.all())
  const count = tables.map((table) => `(SELECT count(*) FROM ${table})`).join(' + ')
  assert.equal(aliveKeys.size, database.prepare(`SELECT ${count}`).pluck().get(), 'one key for each value, none spare')
  assert.ok(keys.size - aliveKeys.size > 1000, 'the scenario must replace and delete a lot')
  const pages = database.serialize()
  assert.deepEqual(new Set(piecesIn(pages, keys)), aliveKeys)

  // Why values have keys: secure_delete alone leaves values behind. If this fails, SQLite has learned to clean up.
  const aliveValues = new Set(sealedValues.all())
  const leftBehind = piecesIn(pages, values).filter((value) => !aliveValues.has(value))
  assert.ok(leftBehind.length > 0, 'SQLite leaves no copies any more: the table of keys could go')
})

test('SQLite zeroes what it frees, writes no temporary file, flushes each commit, and shares the file with nobody', (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const database = openDatabase(file, freshKey())
  t.after(() => { database.close() })
  prepareWrite(database)({ entries: [message(1)] })
  const settings = ['secure_delete', 'temp_store', 'synchronous', 'journal_mode', 'locking_mode', 'foreign_keys']
  // ON, MEMORY and FULL in SQLite's numbers.
  assert.deepEqual(settings.map((name) => database.pragma(name, { simple: true })), [1, 2, 2, 'wal', 'exclusive', 1])
  assert.deepEqual(readdirSync(path.dirname(file)).sort(), ['profile.sqlite', 'profile.sqlite-wal'])
})

test('what was deleted is in no page of the decrypted file, and what is sealed shows nothing without its key', (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const key = freshKey()
  const store = openStore({ file, key })
  store.commit({
    documents: [{ kind: 'outbox', key: 'one', bytes: Buffer.from('plaintext waiting to be sent') }],
    entries: [message(1, { text: 'a secret meeting under the oak' }), message(2, { text: 'a word that stays' })],
  })
  store.commit({
    documents: [{ kind: 'outbox', key: 'one', bytes: undefined }], removedEntries: [message(1).id],
  })
  store.close()

  // A copy, because closing any other descriptor of an open store would drop its lock.
  copyFileSync(file, `${file}.copy`)
  const copy = openDatabase(`${file}.copy`, key)
  t.after(() => { copy.close() })
  const pages = copy.serialize()
  assert.ok(pages.includes('SQLite format 3'), 'these are the decrypted pages')
  assert.ok(pages.includes(message(2).id), 'identifiers stand in the tables')
  for (const text of ['plaintext waiting', 'secret', 'meeting', 'oak ', message(1).id, 'a word that stays', 'stays']) {
    assert.ok(!pages.includes(text), text)
  }
})

test('the WAL with the old pages is empty soon after a commit, and gone after closing', async (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const store = openStore({ file, key: freshKey() })
  store.commit({ entries: [message(1)] })
  assert.ok(statSync(`${file}-wal`).size > 0)
  for (let tries = 0; tries < 50 && statSync(`${file}-wal`).size > 0; tries += 1) await sleep(20)
  assert.equal(statSync(`${file}-wal`).size, 0)
  store.commit({ removedEntries: [message(1).id] })
  store.close()
  assert.equal(existsSync(`${file}-wal`), false)
})

test('a removed group and a cleared conversation take every key of theirs along', (t) => {
  const database = openDatabase(path.join(folderFor(t), 'profile.sqlite'), freshKey())
  t.after(() => { database.close() })
  const write = prepareWrite(database)
  const nodes = Array.from({ length: 40 }, (_, node) => [node, randomBytes(200)] as const)
  write({
    groups: [{ group, parts: { head: randomBytes(10), nodes, ratchets: [['3/application', randomBytes(64)]] } }],
    entries: [message(1), message(2), message(1, { conversation: 'elms' })],
  })
  write({ groups: [{ group, parts: undefined }], clearedConversations: ['oaks'] })
  const count = (sql: string): unknown => database.prepare(sql).pluck().get()
  // The other conversation's message, and its words.
  assert.equal(count('SELECT count(*) FROM keys WHERE used = 1'), 2)
  assert.equal(count('SELECT count(*) FROM keys WHERE used = 0 AND key = zeroblob(32)'), 45)
  assert.equal(count('SELECT count(*) FROM nodes'), 0)
  assert.equal(count('SELECT count(*) FROM ratchets'), 0)
})
