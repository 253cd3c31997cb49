import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { ed25519 } from '@noble/curves/ed25519.js'
import sodium from 'sodium-native'
import { nativePrimitives } from '../../main/crypto/native.ts'
import { portablePrimitives, type Primitives } from '../../main/mls/suite.ts'
import { pairs } from './suites.ts'

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 31 + length) & 0xff)
const lengths = [0, 1, 31, 32, 63, 64, 65, 127, 128, 1_000, 70_000]

/** The names of the primitives that are not native. */
function fallbacks(primitives: Primitives): readonly string[] {
  const all = (of: Primitives) => Object.entries(of).flatMap(([kind, group]) =>
    Object.entries(group as object).map(([name, primitive]) => [`${kind}.${name}`, primitive as unknown] as const))
  const portable = new Map(all(portablePrimitives))
  return all(primitives).filter(([name, primitive]) => portable.get(name) === primitive).map(([name]) => name)
}

describe('a native primitive is used only where its probe holds', () => {
  const ofSodium = ['aeads.chacha20poly1305', 'signatures.ed25519', 'agreements.x25519']

  test('which is so for all of them on this host', () => {
    assert.deepEqual(fallbacks(nativePrimitives()), [])
    assert.equal(fallbacks(portablePrimitives).length, 7)
  })

  test('and portable ones stand in where one is not there', () => {
    const nothing = new Proxy(sodium, { get: () => () => { throw new Error('no such function') } })
    assert.deepEqual(fallbacks(nativePrimitives(nothing)), ofSodium)
  })

  test('and where one judges differently from the others', () => {
    const lax = { ...sodium, crypto_sign_verify_detached: () => true }
    assert.deepEqual(fallbacks(nativePrimitives(lax)), ['signatures.ed25519'])
    const cofactored = {
      ...sodium,
      crypto_sign_verify_detached: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) =>
        ed25519.verify(signature, message, publicKey, { zip215: false }),
    }
    assert.deepEqual(fallbacks(nativePrimitives(cofactored)), ['signatures.ed25519'])
    const unchecked = { ...sodium, crypto_scalarmult: (shared: Uint8Array) => { shared.fill(0) } }
    assert.deepEqual(fallbacks(nativePrimitives(unchecked)), ['agreements.x25519'])
  })
})

for (const { native, portable } of pairs) {
  describe(`both implementations of suite ${native.id} agree`, () => {
    test('on what they are', () => {
      const facts = ({ id, name, keyLength, nonceLength, tagLength, hashLength, kem, kdf, aead }: typeof native) =>
        ({ id, name, keyLength, nonceLength, tagLength, hashLength, kem, kdf, aead })
      assert.deepEqual(facts(native), facts(portable))
    })

    test('on hashes and MACs of every length, and with node:crypto', () => {
      for (const length of lengths) {
        const data = bytes(length)
        assert.deepEqual(native.hash(data), portable.hash(data))
        for (const keyLength of [0, 20, 32, 64, 65, 200]) {
          const key = bytes(keyLength)
          const expected = new Uint8Array(createHmac('sha256', key).update(data).digest())
          assert.deepEqual(native.mac(key, data), expected)
          assert.deepEqual(portable.mac(key, data), expected)
        }
      }
    })

    test('on HKDF, and with node:crypto', () => {
      for (const length of [1, 31, 32, 33, 64, 200, 255 * 32]) {
        const expected = new Uint8Array(hkdfSync('sha256', bytes(50), bytes(32), bytes(10), length))
        for (const suite of [native, portable]) {
          assert.deepEqual(suite.expand(suite.extract(bytes(32), bytes(50)), bytes(10), length), expected)
        }
      }
      for (const suite of [native, portable]) {
        assert.deepEqual(suite.extract(new Uint8Array(0), bytes(5)), suite.extract(new Uint8Array(32), bytes(5)))
        assert.throws(() => suite.expand(bytes(32), bytes(0), 255 * 32 + 1), { name: 'MlsError', code: 'misuse' })
      }
    })

    test('on sealed messages of every length, and on those that do not open', () => {
      const key = bytes(native.keyLength)
      const nonce = bytes(native.nonceLength)
      for (const length of lengths) {
        const [plaintext, aad] = [bytes(length), bytes(length % 40)]
        const sealed = native.seal(key, nonce, aad, plaintext)
        assert.deepEqual(sealed, portable.seal(key, nonce, aad, plaintext))
        assert.equal(sealed.length, length + native.tagLength)
        for (const suite of [native, portable]) {
          assert.deepEqual(suite.open(key, nonce, aad, sealed), plaintext)
          assert.equal(suite.open(key, nonce, bytes(41), sealed), undefined)
          assert.equal(suite.open(key, nonce, aad, sealed.slice(0, -1)), undefined)
          assert.equal(suite.open(key, nonce, aad, sealed.slice(0, 15)), undefined)
          const changed = sealed.map((octet, at) => at === length ? octet ^ 1 : octet)
          assert.equal(suite.open(key, nonce, aad, changed), undefined)
        }
      }
    })

    test('on keys and nonces of wrong lengths, which are a misuse', () => {
      const misuse = { name: 'MlsError', code: 'misuse' }
      for (const suite of [native, portable]) {
        for (const [keyLength, nonceLength] of [[0, 12], [15, 12], [24, 12], [33, 12]] as const) {
          assert.throws(() => suite.seal(bytes(keyLength), bytes(nonceLength), bytes(0), bytes(1)), misuse)
          assert.throws(() => suite.open(bytes(keyLength), bytes(nonceLength), bytes(0), bytes(20)), misuse)
        }
        assert.throws(() => suite.seal(bytes(suite.keyLength), bytes(11), bytes(0), bytes(1)), misuse)
        assert.throws(() => suite.open(bytes(suite.keyLength), bytes(16), bytes(0), bytes(20)), misuse)
      }
    })

    test('on derived key pairs and shared secrets', () => {
      for (let round = 0; round < 5; round++) {
        const pair = native.deriveKeyPair(bytes(round))
        const other = portable.deriveKeyPair(bytes(round))
        assert.deepEqual(pair.publicKey, other.publicKey)
        assert.deepEqual(pair.privateKey.unwrap(), other.privateKey.unwrap())
        const { sharedSecret, kemOutput } = native.encapsulate(pair.publicKey)
        assert.deepEqual(portable.decapsulate(kemOutput, pair).unwrap(), sharedSecret.unwrap())
      }
    })

    test('and give plain byte arrays that share no memory with what they were given', () => {
      for (const suite of [native, portable]) {
        const data = bytes(100)
        const before = data.slice()
        const { publicKey, privateKey } = suite.signatureKeyPair()
        const results = [
          suite.hash(data), suite.mac(data, data), suite.random(7), publicKey, privateKey.unwrap(),
          suite.sign(privateKey, data), suite.seal(data.slice(0, suite.keyLength), data.slice(0, 12), data, data),
          suite.deriveKeyPair(data).publicKey,
        ]
        for (const result of results) {
          assert.equal(Object.getPrototypeOf(result), Uint8Array.prototype)
          result.fill(0)
        }
        assert.deepEqual(data, before)
      }
    })
  })
}
