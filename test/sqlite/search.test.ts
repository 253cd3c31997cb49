import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Store, StoredEntry } from '../../main/ports.ts'
import { openDatabase } from '../../main/sqlite/open.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { isMatch, marksIn, wordsOf } from '../../main/words.ts'
import { backTo, dice, folderFor, freshKey, message } from './samples.ts'

const opened = (t: TestContext) => {
  const options = { file: path.join(folderFor(t), 'profile.sqlite'), key: freshKey() }
  const store = openStore(options)
  t.after(() => { store.close() })
  return { ...options, store }
}
const found = (store: Store, text: string, limit = 100): readonly string[] =>
  store.search({ text, limit }).map(({ id }) => id)

describe('the words of a text', () => {
  test('are runs of letters and digits without case and accents, and nothing that is an operator elsewhere', () => {
    assert.deepEqual(wordsOf('Zoë’s CAFFÈ, "at" 10:30 -not OR (a*b) NEAR/2'),
      ['zoe', 's', 'caffe', 'at', '10', '30', 'not', 'or', 'a', 'b', 'near', '2'])
    assert.deepEqual(wordsOf('東京タワー 🌱 bin'), ['東', '京', 'タ', 'ワ', 'ー', '🌱', 'bin'])
    assert.deepEqual(wordsOf('* "" \t ...'), [])
  })

  test('are marked where they begin with what was looked for', () => {
    const text = 'Straßenfest im Café, 東京'
    const marked = (wanted: string): readonly string[] => marksIn(text, wordsOf(wanted)).map(([from, to]) =>
      text.slice(from, to))
    assert.deepEqual(marked('STRA cafe 京'), ['Stra', 'Café', '京'])
    assert.deepEqual(marked('fest'), [])
    // The e and its accent as two characters.
    assert.deepEqual(marksIn('Cafe\u0301s', wordsOf('CAFÉ')), [[0, 5]])
  })
})

describe('searching the store', () => {
  test('finds messages by words and their beginnings, all of them, the newest first, in every conversation', (t) => {
    const { store } = opened(t)
    store.commit({ entries: [
      message(1, { text: 'The garden gate is open' }), message(2, { text: 'gate?' }),
      message(3, { conversation: 'elms', text: 'A new GATE for the gardener' }), message(4, { text: 'nothing of it' }),
    ] })
    assert.deepEqual(found(store, 'gate'), ['elms-3', 'oaks-2', 'oaks-1'])
    assert.deepEqual(found(store, 'gate', 2), ['elms-3', 'oaks-2'])
    assert.deepEqual(found(store, ' Gard  GATE '), ['elms-3', 'oaks-1'])
    assert.deepEqual(found(store, 'arden'), [])
    assert.deepEqual(store.search({ text: 'gate', limit: 2, except: new Set(['elms']) }).map(({ id }) => id),
      ['oaks-2', 'oaks-1'])
    assert.deepEqual(found(store, '"gate" OR -open*'), [])
    assert.deepEqual(found(store, ''), [])
    assert.deepEqual(store.search({ text: 'nothing', limit: 1 }), [message(4, { text: 'nothing of it' })])
  })

  test('finds neither digits of positions and times nor words of facts and gaps', (t) => {
    const { store } = opened(t)
    const head = { conversation: 'oaks', at: 1 }
    store.commit({ entries: [
      message(1, { text: 'one' }),
      { ...head, id: 'f', order: 2, kind: 'fact', fact: { fact: 'renamed', by: 'ben', name: 'one' }, devices: 2 },
      { ...head, id: 'g', order: 3, kind: 'gap', reason: 'lost', count: 1 },
    ] })
    assert.deepEqual(found(store, 'one'), ['oaks-1'])
    for (const text of ['1', '17', 'lost', 'ben']) assert.deepEqual(found(store, text), [], text)
  })

  test('agrees with a look at each message, whatever was added, changed, moved and deleted', (t) => {
    const { store } = opened(t)
    const roll = dice(11)
    const trees = ['oak', 'oaken', 'elm', 'ash', 'ashen', 'yew', 'beech', 'birch', 'alder', 'hazel', 'larch', 'pine']
    const pick = (): string => trees[roll(trees.length)] ?? ''
    const kept = new Map<string, StoredEntry>()
    for (let round = 0; round < 300; round += 1) {
      const entries = Array.from({ length: roll(12) }, () => {
        // Mostly at the end, sometimes far before it: what other devices bring may be older.
        const order = roll(4) === 0 ? 1 + roll(900) : round * 12 + 1000 + roll(12)
        const text = Array.from({ length: roll(30) }, pick).join(roll(2) === 0 ? ' ' : ', ')
        return message(order, { conversation: roll(3) === 0 ? 'elms' : 'oaks', text })
      })
      const removedEntries = roll(3) === 0 ? [...kept.keys()].filter(() => roll(60) === 0) : []
      const clearedConversations = roll(100) === 0 ? ['elms'] : []
      store.commit({ entries, removedEntries, clearedConversations })
      for (const entry of entries) kept.set(entry.id, entry)
      for (const id of removedEntries) kept.delete(id)
      for (const [id, { conversation }] of kept) if (clearedConversations.includes(conversation)) kept.delete(id)
    }
    const newest = [...kept.values()].sort((a, b) => b.at - a.at)
    assert.ok(newest.length > 300)
    for (const text of [...trees, 'as', 'oak yew', 'beech birch larch', 'b h']) {
      const all = newest.filter((entry) => entry.kind === 'message' && isMatch(entry.text, wordsOf(text)))
      const times = (entries: readonly StoredEntry[]) => entries.map(({ at }) => at)
      assert.deepEqual(new Set(found(store, text, 10_000)), new Set(all.map(({ id }) => id)), text)
      assert.deepEqual(times(store.search({ text, limit: 20 })), times(all.slice(0, 20)), text)
    }
  })

  test('no longer finds what was replaced, deleted or rolled back', (t) => {
    const { store } = opened(t)
    store.commit({ entries: [message(1, { text: 'walnut tree' }), message(2, { text: 'walnut bark' })] })
    store.commit({ entries: [message(1, { text: 'cherry tree' })] })
    assert.deepEqual(found(store, 'walnut'), ['oaks-2'])
    assert.throws(() => { store.commit({ entries: [message(3, { text: 'walnut' }), { ...message(1), id: 'x' }] }) })
    assert.deepEqual(found(store, 'walnut'), ['oaks-2'])
    store.commit({ removedEntries: ['oaks-2'] })
    assert.deepEqual(found(store, 'walnut'), [])
    store.commit({ clearedConversations: ['oaks'] })
    assert.deepEqual(found(store, 'cherry'), [])
  })

  test('words that were replaced or deleted are in no page of the decrypted file', (t) => {
    const { store, file, key } = opened(t)
    const secrets = ['rendezvous', 'marmalade', 'thunderstorm']
    store.commit({ entries: secrets.map((text, at) => message(at + 1, { text })) })
    store.commit({ entries: [message(1, { text: 'later' })] })
    store.commit({ removedEntries: [message(2).id] })
    store.commit({ clearedConversations: ['oaks'] })
    store.close()
    copyFileSync(file, `${file}.copy`)
    const copy = openDatabase(`${file}.copy`, key)
    t.after(() => { copy.close() })
    const pages = copy.serialize()
    assert.ok(pages.includes('SQLite format 3'))
    for (const text of [...secrets, 'later']) assert.ok(!pages.includes(text), text)
  })

  test('a store of the version before gets its index when it is opened', (t) => {
    const { store, file, key } = opened(t)
    const entries = Array.from({ length: 1200 }, (_, at) =>
      message(at + 1, { text: `leaf ${at + 1}`, conversation: at % 3 === 0 ? 'elms' : 'oaks' }))
    store.commit({ entries })
    store.close()
    const before = openDatabase(file, key)
    backTo(1, before)
    before.close()
    const after = openStore({ file, key })
    t.after(() => { after.close() })
    assert.equal(found(after, 'leaf', 5000).length, 1200)
    assert.deepEqual(found(after, '1200'), ['oaks-1200'])
  })
})
