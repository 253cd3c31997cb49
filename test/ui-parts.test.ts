/** The window's pure parts: rings, trees, rows of a timeline, times and words. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { words } from '../renderer/i18n/en.ts'
import { count } from '../renderer/i18n/grammar.ts'
import { ago, dayName, listTime, moment } from '../renderer/i18n/time.ts'
import { piecesOf } from '../renderer/parts/pieces.ts'
import { ringsOf } from '../renderer/parts/rings.ts'
import { pictureOf } from '../renderer/parts/tree.ts'
import { freshFrom, merged, rowsOf } from '../renderer/timeline.ts'
import { errorCodes } from '../preload/api.ts'
import type { Entry, GapReason, MessageState } from '../preload/api.ts'
import { idOf, treeOf } from './e2e/ui-samples.ts'

describe('growth rings', () => {
  const ids = Array.from({ length: 500 }, (_, at) => idOf(`account ${String(at)}`))

  test('are the same for the same id', () => {
    for (const id of ids.slice(0, 20)) assert.deepEqual(ringsOf(id), ringsOf(id))
    // A picture that changed would make every friend look like a stranger.
    const known = ringsOf('00112233445566778899aabbccddeeff')
    assert.deepEqual([known.hue, known.arcs.length], [137, 4])
    assert.equal(known.arcs[0]?.path, 'M80.4 78.0A41.3 41.3 0 1 1 65.5 11.7')
  })

  test('differ between ids, down to one digit', () => {
    assert.equal(new Set(ids.map((id) => JSON.stringify(ringsOf(id)))).size, ids.length)
    const [id = ''] = ids
    for (let at = 0; at < id.length; at++) {
      const digit = id[at] === '0' ? '1' : '0'
      assert.notDeepEqual(ringsOf(id.slice(0, at) + digit + id.slice(at + 1)), ringsOf(id))
    }
  })

  test('are four or five, broken, between leaf green and water', () => {
    for (const id of ids) {
      const { hue, arcs, pith } = ringsOf(id)
      const radii = new Set(arcs.map(({ path }) => /A([\d.]+) /.exec(path)?.[1]))
      assert(radii.size === 4 || radii.size === 5, `${String(radii.size)} rings`)
      for (const each of [hue, pith.hue, ...arcs.map((arc) => arc.hue)]) assert(each >= 90 && each <= 200)
      for (const { path } of arcs) assert.doesNotMatch(path, /NaN|-/, 'inside the picture')
    }
  })
})

describe('the text of a message', () => {
  const addressesIn = (text: string): readonly string[] =>
    piecesOf(text).flatMap((piece) => piece.kind === 'address' ? [piece.text] : [])

  test('shows addresses of the web, without what ends the sentence', () => {
    for (const [text, ...found] of [
      ['see https://example.org/a?b=c#d, or http://localhost:8080.', 'https://example.org/a?b=c#d', 'http://localhost:8080'],
      ['(https://example.org/wiki/Coppice_(wood))', 'https://example.org/wiki/Coppice_(wood)'],
      ['HTTPS://EXAMPLE.ORG!', 'HTTPS://EXAMPLE.ORG'],
      ['“https://bücher.example/ä”', 'https://bücher.example/ä'],
    ] as const) assert.deepEqual(addressesIn(text), found)
  })

  test('shows no other scheme, nothing without a host, and nothing between backticks', () => {
    for (const text of ['javascript:alert(1)', 'file:///etc/passwd', 'data:text/html,x', 'https://', 'xhttps://example.org', 'coppice:x',
      '`https://example.org`', 'https://\u202eexample.org', 'https://[']) assert.deepEqual(addressesIn(text), [], text)
  })

  test('keeps every character', () => {
    for (const text of ['a `b` https://c.example. `d', 'a https://b.example/ c\nhttps://d.example', '', '`']) {
      assert.equal(piecesOf(text).map((piece) => piece.text).join(''), text)
    }
    assert.deepEqual(piecesOf('a `b` c').map(({ kind }) => kind), ['plain', 'code', 'plain'])
  })
})

describe('the picture of a tree', () => {
  test('puts the root in the middle and every node above the middle of its children', () => {
    const { spots } = pictureOf(treeOf(8, { lit: 2, blank: 7 }))
    const at = (index: number): { x: number, y: number } => spots.find((spot) => spot.index === index) ?? assert.fail()
    assert.equal(spots.length, 15)
    assert.equal(at(7).x, 140)
    for (const [parent, left, right] of [[7, 3, 11], [3, 1, 5], [1, 0, 2], [13, 12, 14]] as const) {
      assert(Math.abs(at(parent).x - (at(left).x + at(right).x) / 2) < 0.2)
      assert(at(parent).y < at(left).y && at(left).y === at(right).y)
    }
  })

  test('lights the curves between lit nodes, and no other', () => {
    const { spots } = pictureOf(treeOf(8, { lit: 2, blank: 8 }))
    assert.deepEqual(spots.filter(({ up }) => up?.lit).map(({ index }) => index), [3, 4, 5])
  })

  test('draws the blank parents that the array leaves out, so that every line ends at a node', () => {
    for (const length of [3, 5, 9, 11, 17, 19, 63]) {
      const { spots } = pictureOf(treeOf(32, { lit: 2, blank: 64 }).slice(0, length))
      const ends = new Set(spots.map(({ x, y }) => `${String(x)} ${String(y)}`))
      const paths = spots.flatMap(({ up }) => up === undefined ? [] : [up.path])
      assert.equal(paths.length, spots.length - 1)
      for (const line of paths) assert(ends.has(line.split(' ').slice(-2).join(' ')), `${String(length)}: ${line}`)
      assert(spots.filter(({ index }) => index >= length).every(({ node }) => node.state === 'blank'))
    }
  })

  test('draws a group of one, and of a large group the top', () => {
    const alone = pictureOf([{ state: 'filled', lit: true }])
    assert.deepEqual(alone.spots.map(({ leaf, up }) => [leaf, up]), [[true, undefined]])
    const large = pictureOf(treeOf(1_000, { lit: 3, blank: 1_000 }))
    assert.equal(large.spots.length, 63)
    assert.equal(large.cut, true)
    assert(large.spots.every(({ leaf }) => !leaf))
  })
})

const minuteMs = 60_000
const noon = new Date(2026, 2, 11, 12, 0).getTime()
const entry = (order: number, from: string, minutes: number): Entry => ({
  id: `id${String(order)}`, conversation: 'c', order, at: noon + minutes * minuteMs, kind: 'message', from,
  own: from === 'me', text: '', state: 'received', deliveredTo: 0, people: 2, devices: 2,
})
const fact = (order: number, minutes: number): Entry => ({
  id: `id${String(order)}`, conversation: 'c', order, at: noon + minutes * minuteMs, kind: 'fact', devices: 2,
  fact: { fact: 'left', who: 'a' },
})

describe('the rows of a timeline', () => {
  test('begin a run with another sender, a pause, a fact, a day, or the line of what is new', () => {
    const entries = [
      entry(1, 'a', 0), entry(2, 'a', 1), entry(3, 'b', 2), entry(4, 'b', 20), fact(5, 21), entry(6, 'b', 21),
      entry(7, 'b', 22), entry(8, 'b', 24 * 60),
    ]
    const rows = rowsOf(entries, { order: 7, count: 2 })
    assert.deepEqual(rows.map(({ first }) => first), [true, false, true, true, true, true, true, true])
    assert.deepEqual(rows.map(({ last }) => last), [false, true, true, true, true, true, true, true])
    assert.deepEqual(rows.map(({ day }) => day), [true, false, false, false, false, false, false, true])
    assert.deepEqual(rows.map(({ fresh }) => fresh), [0, 0, 0, 0, 0, 0, 2, 0])
  })

  test('take new versions in place, keep the order, and leave the input alone', () => {
    const held = Object.freeze([entry(1, 'a', 0), entry(2, 'a', 1), entry(4, 'a', 2)])
    const orders = (entries: readonly Entry[]): readonly number[] => entries.map(({ order }) => order)
    assert.deepEqual(orders(merged(held, [entry(5, 'a', 3)])), [1, 2, 4, 5])
    assert.deepEqual(orders(merged(held, [entry(3, 'a', 2), entry(2, 'b', 9)])), [1, 2, 3, 4])
    assert.equal(merged(held, [entry(2, 'b', 9)])[1]?.at, noon + 9 * minuteMs)
    assert.deepEqual(orders(merged(held, [entry(0, 'a', 0)], ['id2'])), [0, 1, 4])
  })

  test('count what is new from the end, received messages only', () => {
    const entries = [entry(1, 'a', 0), entry(2, 'me', 1), entry(3, 'a', 2), fact(4, 3), entry(5, 'a', 4)]
    assert.deepEqual(freshFrom(entries, 2), { order: 3, count: 2 })
    assert.deepEqual(freshFrom(entries, 9), { order: 1, count: 9 })
    assert.equal(freshFrom(entries, 0), undefined)
    assert.equal(freshFrom([entry(2, 'me', 1)], 1), undefined)
  })
})

describe('times', () => {
  const at = (day: number, hour: number, minute = 0): number => new Date(2026, 2, day, hour, minute).getTime()

  test('in the list are a clock today, then Yesterday, a weekday, a date', () => {
    assert.equal(listTime(at(11, 9, 5), noon), '09:05')
    assert.equal(listTime(at(11, 0), noon), '00:00')
    assert.equal(listTime(at(10, 23, 59), noon), 'Yesterday')
    assert.equal(listTime(at(9, 12), noon), 'Mon')
    assert.equal(listTime(at(5, 12), noon), 'Thu')
    assert.equal(listTime(at(4, 12), noon), '4 Mar')
    assert.equal(listTime(new Date(2024, 2, 4).getTime(), noon), '4 Mar 2024')
    assert.equal(listTime(at(11, 12, 3), noon), '12:03', 'a clock that runs ahead')
  })

  test('between days are names, then dates', () => {
    assert.deepEqual([at(11, 1), at(10, 1), at(9, 1), at(1, 1)].map((each) => dayName(each, noon)),
      ['Today', 'Yesterday', 'Monday', 'Sunday 1 March'])
  })

  test('in sentences say how long ago', () => {
    assert.deepEqual([0, 5, 125, 60 * 24, 60 * 24 * 3].map((minutes) => ago(noon - minutes * minuteMs, noon)),
      ['just now', '5 min ago', '2 h ago', 'yesterday', '3 days ago'])
    assert.equal(moment(at(11, 9, 12), noon), 'today 09:12')
    assert.equal(moment(at(10, 9, 12), noon), 'yesterday 09:12')
  })
})

describe('words', () => {
  const naming = { own: 'me', nameOf: (accountId: string) => accountId.toUpperCase() }
  /** What LOOK rules out. */
  const jargon = /\berror|fail|decrypt|unknown|invalid|exception|undefined\b/i

  test('say every code without jargon, and end like a sentence', () => {
    for (const code of errorCodes) {
      for (const text of [words.code(code), words.stopped.title(code)]) assert.doesNotMatch(text, jargon, code)
      assert.match(words.code(code), /\.$/, code)
    }
  })

  test('count right', () => {
    assert.deepEqual([0, 1, 2, 1_000].map((many) => count(many, 'device')),
      ['0 devices', '1 device', '2 devices', '1,000 devices'])
  })

  test('tell facts with who did it and who can read', () => {
    const told = [
      words.fact({ fact: 'created', by: 'me' }, 1, naming),
      words.fact({ fact: 'joined', by: 'm' }, 4, naming),
      words.fact({ fact: 'added', by: 'm', who: ['k'] }, 9, naming),
      words.fact({ fact: 'added', by: 'm', who: ['me', 'k'] }, 9, naming),
      words.fact({ fact: 'removed', by: 'me', who: ['a', 'b', 'c', 'd', 'e'] }, 9, naming),
      words.fact({ fact: 'left', who: 'me' }, 0, naming),
      words.fact({ fact: 'renamed', by: 'm', name: 'Lake' }, 9, naming),
      words.fact({ fact: 'accepted', who: 'k' }, 2, naming),
    ]
    assert.deepEqual(told, [
      'You started this chat. 1 device can read from here on.',
      'M let you in. 4 devices can read from here on.',
      'M added K. 9 devices can read from here on.',
      'M added you and K. 9 devices can read from here on.',
      'You removed A, B, and 3 people. 9 devices can read from here on.',
      'You left.',
      'M named this group “Lake”.',
      'K accepted. You can talk now.',
    ])
  })

  test('tell gaps with what is missing, whether it is lost, and what comes next', () => {
    const gap = (reason: GapReason, many: number, from?: string): string => words.gap({
      id: 'x', conversation: 'c', order: 1, at: noon, kind: 'gap', reason, count: many,
      ...from === undefined ? {} : { from },
    }, naming)
    assert.equal(gap('lost', 2, 'j'), '2 messages from J did not arrive. Ask J to send them again.')
    assert.equal(gap('lost', 1, 'j'), '1 message from J did not arrive. Ask J to send it again.')
    assert.equal(gap('epoch-too-old', 1),
      '1 message came too late: the keys are already deleted. Ask the sender to send it again.')
    for (const reason of ['before-joined', 'epoch-too-old', 'lost', 'malformed', 'undecided'] as const) {
      for (const many of [1, 3]) {
        assert.doesNotMatch(gap(reason, many, 'j'), jargon)
        assert.match(gap(reason, many, 'j'), many === 1 ? /^1 message from J / : /^3 messages from J /)
      }
    }
  })

  test('tell how far an own message got', () => {
    const told = (state: MessageState, to: number, others: number): string => words.state(state, to, others)
    assert.deepEqual(
      [
        told('sending', 0, 1), told('sent', 0, 1), told('sent', 2, 4), told('delivered', 4, 4), told('delivered', 1, 1),
        told('failed', 0, 1),
      ],
      ['sending', 'sent', 'delivered to 2 of 4', 'delivered', 'delivered', 'not sent'])
  })
})
