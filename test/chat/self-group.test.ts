import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { inWords, isLater, ownBody, wordIn, type Register } from '../../main/chat/self-group.ts'
import { registerOf, taken } from '../../main/app/registers.ts'
import { fromHex } from '../../main/mls/index.ts'

const devices = ['aa', 'bb', 'cc'].map((two) => two.repeat(16))
const wordOf = (register: Register) =>
  ({ key: 'k', value: register.value, time: register.time, deviceId: fromHex(register.deviceId) })

describe('A register', () => {
  test('is the same on all devices, in whatever order its values come, however often', () => {
    const value = fc.record({ time: fc.integer({ min: 0, max: 5 }), device: fc.constantFrom(...devices), value: fc.string() })
    fc.assert(fc.property(fc.uniqueArray(value, { selector: ({ time, device }) => `${time} ${device}`, maxLength: 12 }),
      fc.array(fc.nat(), { minLength: 12, maxLength: 12 }), (values, dice) => {
        const after = (order: readonly (typeof values)[number][]): Register | undefined => {
          let known: Register | undefined
          for (const { time, device, value: text } of order) {
            known = taken(known, { key: 'k', value: text, time, deviceId: fromHex(device) }) ?? known
          }
          return known
        }
        const other = values.map((one, index) => ({ one, at: dice[index] ?? 0 })).sort((a, b) => a.at - b.at).map(({ one }) => one)
        assert.deepEqual(after(values), after([...other, ...values]))
      }))
  })

  test('is written later than what its device knew: a clock a year ahead wins nothing from who comes after it', () => {
    const now = Date.UTC(2026, 10, 25)
    const ahead = registerOf(undefined, '"ahead"', { now: now + 365 * 24 * 60 * 60 * 1000, deviceId: devices[2] ?? '' })
    const later = registerOf(ahead, '"later"', { now, deviceId: devices[0] ?? '' })
    assert.ok(isLater(later, ahead))
    assert.equal(taken(ahead, wordOf(later))?.value, '"later"')
    assert.equal(taken(later, wordOf(ahead)), undefined)
  })
})

describe('A word to the own devices', () => {
  test('of a later version means nothing, and hurts nobody', () => {
    assert.deepEqual(wordIn(new Uint8Array([0xff])), [])
    assert.equal(wordIn(new Uint8Array([0, 99, 1, 7]))[0]?.type, 'custom')
    const body = ownBody({ type: 'again' })
    assert.deepEqual(body.type === 'own' ? wordIn(body.word) : [], [{ type: 'again' }])
  })

  test('is never much longer than what waits for its epoch', () => {
    const sizes = [10_000, 10_000, 10_000, 30_000, 5, 23_990, 5]
    assert.deepEqual(inWords(sizes, (size) => size), [[10_000, 10_000], [10_000], [30_000], [5, 23_990, 5]])
  })
})
