import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concat, fromHex, toHex } from '../../main/mls/codec.ts'
import { pairOf } from './suites.ts'

const { native, portable } = pairOf(1)
const key = portable.deriveKeyPair(Uint8Array.of(1))
const prime = 2n ** 255n - 19n
const encoded = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))

/** The shared secret, or the rule that refuses it. */
function outcomes(publicKey: Uint8Array): readonly string[] {
  return [native, portable].map((suite) => {
    try {
      return toHex(suite.decapsulate(publicKey, key).unwrap())
    } catch (error) {
      assert.ok(error instanceof Error && error.name === 'MlsError' && 'rule' in error, String(error))
      return String(error.rule)
    }
  })
}

describe('X25519 judges a public key the same way on both implementations', () => {
  test('and refuses those whose shared secret is all zero, in every encoding', () => {
    // https://cr.yp.to/ecdh.html#validate: the u-coordinates of small order.
    const eight = [
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    ].map(fromHex)
    const small = [...[0n, 1n, prime - 1n, prime, prime + 1n].map(encoded), ...eight]
    // RFC 7748 §5: the highest bit is ignored.
    const masked = small.map((bytes) => bytes.map((octet, at) => at === 31 ? octet | 0x80 : octet))
    for (const publicKey of [...small, ...masked]) {
      assert.deepEqual(outcomes(publicKey), ['5.1.3.public-key', '5.1.3.public-key'], toHex(publicKey))
      for (const suite of [native, portable]) {
        assert.throws(() => suite.encapsulate(publicKey), { name: 'MlsError', code: 'refused' })
      }
    }
  })

  test('and agrees about those that are not reduced', () => {
    for (let u = 2n; u < 19n; u++) {
      for (const high of [0n, 1n << 255n]) {
        const [one, other] = outcomes(encoded(prime + u + high))
        assert.equal(one, other, `u = p + ${u}`)
      }
    }
  })

  test('and refuses those of another length', () => {
    for (const wrong of [new Uint8Array(0), key.publicKey.slice(1), concat(key.publicKey, Uint8Array.of(0))]) {
      assert.deepEqual(outcomes(wrong), ['5.1.3.public-key', '5.1.3.public-key'])
    }
  })

  test('and agrees about random ones', () => {
    for (let round = 0; round < 40; round++) {
      const [one, other] = outcomes(native.random(32))
      assert.equal(one, other)
    }
  })
})
