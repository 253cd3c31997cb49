import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { pieceBytes, piecesOf, type Store, type StoreWrite } from '../../main/ports.ts'
import { openDatabase } from '../../main/sqlite/open.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { prepareWrite } from '../../main/sqlite/write.ts'
import { backTo, folderFor, freshKey, message } from './samples.ts'

const hashOf = (digit: string): string => digit.repeat(64)
const [acorn, birch, cedar] = [hashOf('a'), hashOf('b'), hashOf('c')]

const opened = (t: TestContext): Store => {
  const store = openStore({ file: path.join(folderFor(t), 'profile.sqlite'), key: freshKey() })
  t.after(() => { store.close() })
  return store
}

/** A whole attachment, in its pieces. */
const whole = (hash: string, bytes: Uint8Array): NonNullable<StoreWrite['pieces']> =>
  Array.from({ length: piecesOf(bytes.length) }, (_, piece) => ({
    hash, piece, bytes: bytes.slice(piece * pieceBytes, (piece + 1) * pieceBytes), size: bytes.length,
  }))

test('an attachment is there when all its pieces are, in whatever order they came', (t) => {
  const store = opened(t)
  const bytes = new Uint8Array(randomBytes(2 * pieceBytes + 5))
  const [first, second, third] = whole(acorn, bytes)
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  assert.equal(store.attachment(acorn), undefined)
  assert.equal(store.heldPieces(acorn), 0)
  store.commit({ pieces: [third] })
  store.commit({ pieces: [first] })
  assert.equal(store.attachment(acorn), undefined)
  assert.equal(store.heldPieces(acorn), 2)
  assert.equal(store.piece(acorn, 1), undefined)
  store.commit({ pieces: [second, second] })
  assert.deepEqual(store.attachment(acorn), { size: bytes.length, pieces: 3 })
  assert.deepEqual(Buffer.concat([0, 1, 2].map((piece) => store.piece(acorn, piece) ?? new Uint8Array(0))), Buffer.from(bytes))
  assert.equal(store.piece(acorn, 3), undefined)
  store.commit({ pieces: whole(birch, new Uint8Array(0)) })
  assert.deepEqual(store.attachment(birch), { size: 0, pieces: 1 })
  store.commit({ removedAttachments: [birch] })
  assert.equal(store.attachment(birch), undefined)
})

test('it goes with the last entry that names it, whichever way that one goes', (t) => {
  const store = opened(t)
  const write = (hash: string): void => { store.commit({ pieces: whole(hash, new Uint8Array(randomBytes(100))) }) }
  const isHere = (hash: string): boolean => store.attachment(hash) !== undefined
  for (const hash of [acorn, birch, cedar]) write(hash)
  const elm = { conversation: 'elms' }
  store.commit({ entries: [
    message(1, { files: { [acorn]: 'a' } }), message(2, { files: { [acorn]: 'a', [birch]: 'b' } }), message(3),
    message(1, { ...elm, files: { [cedar]: 'c', [birch]: 'b' } }),
  ] })
  assert.deepEqual(store.entriesNaming(acorn), ['oaks-1', 'oaks-2'])
  store.commit({ removedEntries: ['oaks-1'] })
  assert.ok(isHere(acorn), 'another entry names it')
  store.commit({ entries: [message(2, { files: { [birch]: 'b' } })] })
  assert.equal(isHere(acorn), false, 'an entry that names it no more is as good as gone')
  store.commit({ clearedConversations: ['oaks'] })
  assert.deepEqual([isHere(birch), isHere(cedar)], [true, true])
  // Under another order, and in another conversation, it is the same entry.
  store.commit({ entries: [{ ...message(1, { ...elm, files: { [cedar]: 'c' } }), conversation: 'oaks', order: 9 }] })
  assert.deepEqual([isHere(birch), isHere(cedar)], [false, true])
  store.commit({ clearedConversations: ['elms'] })
  assert.ok(isHere(cedar))
  store.commit({ clearedConversations: ['oaks'] })
  assert.equal(isHere(cedar), false)
  assert.deepEqual(store.unnamedAttachments(), [])
})

test('what no entry has named stays, and is told; a name of its own becomes its hash', (t) => {
  const store = opened(t)
  const bytes = new Uint8Array(randomBytes(pieceBytes + 1))
  store.commit({ pieces: whole(birch, bytes) })
  assert.deepEqual(store.unnamedAttachments(), [birch])
  store.commit({ renamedAttachments: [{ from: birch, to: acorn }], entries: [message(1, { files: { [acorn]: 'a' } })] })
  assert.equal(store.attachment(birch), undefined)
  assert.deepEqual(store.piece(acorn, 1), bytes.slice(pieceBytes))
  // It is there already.
  store.commit({ pieces: whole(birch, bytes) })
  store.commit({ renamedAttachments: [{ from: birch, to: acorn }] })
  assert.deepEqual([store.heldPieces(birch), store.heldPieces(acorn)], [0, 2])
  assert.deepEqual(store.unnamedAttachments(), [])
})

test('of an attachment that is gone no key is left, and without it nothing of what it held', (t) => {
  const database = openDatabase(path.join(folderFor(t), 'profile.sqlite'), freshKey())
  t.after(() => { database.close() })
  const write = prepareWrite(database)
  const count = (sql: string): unknown => database.prepare(sql).pluck().get()
  const words = 'an acorn below the oak, '
  const bytes = new TextEncoder().encode(words.repeat(30_000))
  write({ pieces: whole(acorn, bytes), entries: [message(1, { text: 'x', files: { [acorn]: 'oak.txt' } })] })
  const keys = database.prepare<[], Uint8Array>('SELECT key FROM keys JOIN blobs ON number = key_number').pluck().all()
  assert.equal(keys.length, 3)
  const before = database.serialize()
  assert.ok(keys.every((key) => before.includes(Buffer.from(key))) && before.includes(acorn))
  assert.equal(before.includes(words), false)
  write({ removedEntries: [message(1).id] })
  const after = database.serialize()
  assert.deepEqual(keys.map((key) => after.includes(Buffer.from(key))), [false, false, false])
  assert.equal(after.includes(acorn), false)
  for (const table of ['attachments', 'blobs', 'named', 'words']) assert.equal(count(`SELECT count(*) FROM ${table}`), 0)
  assert.equal(count('SELECT count(*) FROM keys WHERE used = 1'), 0)
})

test('a profile of the version before has attachments from then on, and its files are found by name', (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const key = freshKey()
  const old = openDatabase(file, key)
  backTo(2, old)
  old.close()
  const store = openStore({ file, key })
  t.after(() => { store.close() })
  store.commit({ pieces: whole(acorn, new Uint8Array(3)), entries: [message(1, { files: { [acorn]: 'Harvest plan.pdf' } })] })
  assert.deepEqual(store.attachment(acorn), { size: 3, pieces: 1 })
  assert.deepEqual(store.search({ text: 'harvest', limit: 5 }).map(({ id }) => id), [message(1).id])
})
