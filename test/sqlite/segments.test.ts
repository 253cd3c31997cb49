import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import type { Store } from '../../main/ports.ts'
import { openDatabase } from '../../main/sqlite/open.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { backTo, folderFor, freshKey, message } from './samples.ts'

const stampsOf = (store: Store): Readonly<Record<string, string>> =>
  Object.fromEntries(store.segments().map(({ conversation, segment, stamp }) => [`${conversation} ${String(segment)}`, stamp]))

/** The segments whose stamp is another one, or that came or went. */
function changed(store: Store, work: () => void): readonly string[] {
  const before = stampsOf(store)
  work()
  const after = stampsOf(store)
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => before[name] !== after[name]).sort()
}

test('a segment has another stamp after each change of its entries, and goes with the last of them', (t) => {
  const store = openStore({ file: path.join(folderFor(t), 'profile.sqlite'), key: freshKey() })
  t.after(() => { store.close() })
  assert.deepEqual(store.segments(), [])
  const write = (...entries: readonly ReturnType<typeof message>[]) => () => { store.commit({ entries }) }
  assert.deepEqual(changed(store, write(message(1), message(999), message(1_000), message(5, { conversation: 'elms' }))),
    ['elms 0', 'oaks 0', 'oaks 1'])
  assert.deepEqual(store.entriesIn('oaks', 0).map(({ order }) => order), [1, 999])
  assert.deepEqual(store.entriesIn('oaks', 1).map(({ order }) => order), [1_000])
  assert.deepEqual(changed(store, write(message(1))), ['oaks 0'], 'the same again is a change too')
  const sizes = store.segments().map(({ size }) => size)
  assert.ok(sizes.every((size) => size > 0))
  assert.deepEqual(changed(store, write(message(2_000_000_001))), ['oaks 2000000'])
  assert.deepEqual(changed(store, () => { store.commit({ removedEntries: [message(999).id] }) }), ['oaks 0'])
  assert.deepEqual(changed(store, () => { store.commit({ removedEntries: [message(1).id] }) }), ['oaks 0'])
  assert.deepEqual(store.segments().map(({ conversation, segment }) => `${conversation} ${String(segment)}`),
    ['elms 0', 'oaks 1', 'oaks 2000000'])
  assert.deepEqual(changed(store, () => { store.commit({ clearedConversations: ['oaks'] }) }), ['oaks 1', 'oaks 2000000'])
  // An entry that moves to another place changes both.
  write(message(7), message(8))()
  assert.deepEqual(changed(store, write({ ...message(7), order: 3_000 })), ['oaks 0', 'oaks 3'])
  assert.deepEqual(changed(store, () => { store.commit({ documents: [] }) }), [])
})

test('a store of an earlier version gets its segments when it is opened', (t) => {
  const [file, key] = [path.join(folderFor(t), 'profile.sqlite'), freshKey()]
  const before = openStore({ file, key })
  before.commit({ entries: [message(1), message(2), message(1_500), message(3, { conversation: 'elms' })] })
  const known = before.segments().map(({ stamp: _, ...rest }) => rest)
  before.close()
  const database = openDatabase(file, key)
  backTo(3, database)
  database.close()
  const after = openStore({ file, key })
  assert.deepEqual(after.segments().map(({ stamp: _, ...rest }) => rest), known)
  after.close()
})
