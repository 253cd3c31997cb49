import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hear, sizeOf, type Heard } from '../../main/chat/heard.ts'

const place = { conversation: 'c', deviceId: 'd', epoch: '1', numbering: '0', base: undefined }
const text = (counter: number) => ({ ...place, counter, counted: true })
const other = (counter: number) => ({ ...place, counter, counted: false })

const missingOf = (heard: Heard | undefined): readonly number[] =>
  heard?.missing.flatMap((range) => Array.from({ length: sizeOf(range) }, (_, at) => range.from + at)) ?? []

describe('What was heard of a device', () => {
  test('begins with the first content that arrives: what was said before it was not for this device', () => {
    assert.deepEqual(hear(undefined, text(8)).opened, undefined)
    assert.deepEqual(missingOf(hear(undefined, text(8)).heard), [])
    assert.equal(hear(undefined, other(7)).heard.upTo, 7)
  })

  test('begins with the first message of a device that came later, and anew when it has lost count', () => {
    const later = { ...place, base: 0 }
    const { heard, opened } = hear(undefined, { ...later, counter: 3, counted: true })
    assert.deepEqual(opened, { gap: 1, from: 1, to: 2 })
    const again = hear(heard, { ...later, numbering: '9', counter: 2, counted: true })
    assert.deepEqual([again.opened, missingOf(again.heard)], [{ gap: 1, from: 1, to: 1 }, [1]])
  })

  test('shows a hole exactly, and closes it when the messages come after all', () => {
    const first = hear(undefined, text(1)).heard
    const { heard, opened } = hear(first, text(5))
    assert.deepEqual(opened, { gap: 2, from: 2, to: 4 })
    const third = hear(heard, text(3))
    assert.deepEqual([missingOf(third.heard), third.filled], [[2, 4], { gap: 2, left: 2 }])
    const fourth = hear(third.heard, text(4))
    assert.deepEqual([missingOf(fourth.heard), fourth.filled], [[2], { gap: 2, left: 1 }])
    const second = hear(fourth.heard, text(2))
    assert.deepEqual([missingOf(second.heard), second.filled], [[], { gap: 2, left: 0 }])
  })

  test('learns of a lost end from anything that comes after it', () => {
    const { heard, opened } = hear(hear(undefined, text(1)).heard, other(3))
    assert.deepEqual(opened, { gap: 2, from: 2, to: 3 })
    assert.deepEqual(hear(heard, other(3)).opened, undefined)
  })

  test('knows after any order, losses and doubles exactly which messages are missing', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 80 }), (counters) => {
      let heard: Heard | undefined
      let told = 0
      for (const counter of counters) {
        const hearing = hear(heard, text(counter))
        heard = hearing.heard
        if (hearing.opened !== undefined) told += sizeOf(hearing.opened)
        if (hearing.filled !== undefined) told -= 1
      }
      const [first = 0] = counters
      const came = new Set(counters)
      const expected = Array.from({ length: 61 }, (_, at) => at)
        .filter((number) => number > first && number < Math.max(...counters) && !came.has(number))
      assert.deepEqual(missingOf(heard), expected)
      assert.equal(told, expected.length)
    }))
  })
})
