import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  decode, empty, encode, fixed, openChoice, opaque, toHex, uint16, uint64, uint8, utf8, vector, type Codec,
} from '../../main/mls/codec.ts'
import { MlsError } from '../../main/mls/error.ts'
import { formats } from './codecs.ts'
import { Dice } from './dice.ts'
import { dream } from './dream.ts'
import { mutate } from './mutate.ts'

// The properties that every format of the project has, on values and bytes that fast-check chooses.

/** Refused as bytes are refused, or read so that writing it again gives the same bytes. */
function assertStrict(codec: Codec<unknown>, bytes: Uint8Array): void {
  let value: unknown
  try {
    value = decode(codec, bytes)
  } catch (error) {
    assert.ok(error instanceof MlsError, String(error))
    assert.ok(error.code === 'malformed' || error.code === 'unsupported', `${error.code}: ${error.message}`)
    return
  }
  assert.equal(toHex(encode(codec, value)), toHex(bytes))
}

const name = fc.integer().map(String)

describe('every format', () => {
  test('is there', () => {
    const names = formats.map((format) => format.name.split(' ')[1])
    for (const expected of ['MLSMessage', 'Commit', 'GroupSecrets', 'KeyPackagePrivate', 'SecretTreePart', 'uint64']) {
      assert.ok(names.includes(expected), expected)
    }
  })

  for (const { name: format, codec } of formats) {
    test(`${format} gives a value back as it was`, () => {
      fc.assert(fc.property(name, (seed) => {
        const dreamt = dream(codec, new Dice(seed))
        fc.pre(dreamt !== undefined)
        const bytes = encode(codec, dreamt.value)
        const read = decode(codec, bytes)
        assert.deepEqual(read, dreamt.value)
        assert.equal(toHex(encode(codec, read)), toHex(bytes))
      }))
    })

    test(`${format} reads bytes strictly`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), name, (bytes, seed) => {
        assertStrict(codec, bytes)
        const dice = new Dice(seed)
        const dreamt = dream(codec, dice)
        if (dreamt !== undefined) assertStrict(codec, mutate(encode(codec, dreamt.value), dice, [bytes]))
      }))
    })
  }
})

test('what no reader would accept is not written', () => {
  const refuses = <T>(codec: Codec<T>, value: T): void => {
    assert.throws(() => encode(codec, value), (error) => error instanceof MlsError && error.code === 'misuse')
  }
  refuses(opaque(3), new Uint8Array(4))
  refuses(vector(uint16, 3), [1, 2])
  refuses(utf8(3), 'four')
  refuses(fixed(3), new Uint8Array(2))
  refuses(uint8, 256)
  refuses(uint16, 1.5)
  refuses(uint64, -1n)
  refuses(openChoice(uint8, { known: [1, empty] }, 9), { type: 'custom', tag: 1, data: new Uint8Array(0) })
})
