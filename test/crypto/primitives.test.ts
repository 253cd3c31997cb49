import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { nativePrimitives, thisHost, type Host } from '../../main/crypto/native.ts'
import { agreementAgrees, ecdsaAgrees, ed25519Agrees } from '../../main/crypto/probes.ts'
import { portablePrimitives } from '../../main/mls/portable.ts'
import type { Primitives } from '../../main/mls/primitives.ts'
import { pairs } from './suites.ts'

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 31 + length) & 0xff)
const lengths = [0, 1, 31, 32, 63, 64, 65, 127, 128, 129, 1_000, 70_000]

/** The names of the primitives that are not native. */
function fallbacks(primitives: Primitives): readonly string[] {
  const all = (of: Primitives) => Object.entries(of).flatMap(([kind, group]) =>
    Object.entries(group as object).map(([name, primitive]) => [`${kind}.${name}`, primitive as unknown] as const))
  const portable = new Map(all(portablePrimitives))
  return all(primitives).filter(([name, primitive]) => portable.get(name) === primitive).map(([name]) => name).sort()
}

type Call = (...words: readonly unknown[]) => unknown

/** A library, some of whose functions do something else; `undefined`: what they always do. */
function altered<T extends object>(library: T, change: (name: string, words: readonly unknown[]) => unknown): T {
  return new Proxy(library, {
    get: (target, name) => (...words: readonly unknown[]): unknown =>
      change(String(name), words) ?? (Reflect.get(target, name) as Call)(...words),
  })
}

/** A library without what the words of a call name: OpenSSL's names, or those of functions. */
const without = <T extends object>(library: T, ...missing: readonly string[]): T =>
  altered(library, (name, words) => {
    if ([name, ...words].some((word) => missing.includes(word as string))) throw new Error(`${name}: not here`)
  })

describe('a native primitive is used only where its probe holds', () => {
  const { sodium, node } = thisHost
  assert.ok(sodium !== undefined, 'libsodium loads on the hosts of tests')
  const noNative = ['agreements.x448', 'signatures.ed448']
  const fallbacksOf = (host: Partial<Host>): readonly string[] =>
    fallbacks(nativePrimitives({ ...thisHost, ...host })).filter((name) => !noNative.includes(name))

  test('which is so for all of them on this host, but for X448 and Ed448, which have no native candidate', () => {
    assert.deepEqual(fallbacks(nativePrimitives()), noNative)
    assert.equal(fallbacks(portablePrimitives).length, 16)
  })

  for (const [what, host, expected] of [
    ['libsodium', { sodium: undefined },
      ['aeads.chacha20poly1305', 'agreements.x25519', 'signatures.ed25519']],
    ['signing in libsodium', { sodium: without(sodium, 'crypto_sign_detached') }, ['signatures.ed25519']],
    ['X25519 in libsodium', { sodium: without(sodium, 'crypto_scalarmult') }, ['agreements.x25519']],
    ['ChaCha20-Poly1305 in libsodium',
      { sodium: without(sodium, 'crypto_aead_chacha20poly1305_ietf_encrypt') }, ['aeads.chacha20poly1305']],
    ['SHA-256', { node: without(node, 'sha256') }, ['hashes.sha256', 'signatures.p256']],
    ['SHA-384', { node: without(node, 'sha384') }, ['hashes.sha384', 'signatures.p384']],
    ['SHA-512', { node: without(node, 'sha512') }, ['hashes.sha512', 'signatures.p521']],
    ['one-shot hashes', { node: without(node, 'hash') }, ['hashes.sha256', 'hashes.sha384', 'hashes.sha512']],
    ['AES-128-GCM', { node: without(node, 'aes-128-gcm') }, ['aeads.aes128gcm']],
    ['AES-256-GCM', { node: without(node, 'aes-256-gcm') }, ['aeads.aes256gcm']],
    ['P-256', { node: without(node, 'prime256v1') }, ['agreements.p256', 'signatures.p256']],
    ['P-384', { node: without(node, 'secp384r1') }, ['agreements.p384', 'signatures.p384']],
    ['P-521', { node: without(node, 'secp521r1') }, ['agreements.p521', 'signatures.p521']],
    ['ECDSA', { node: without(node, 'sign') }, ['signatures.p256', 'signatures.p384', 'signatures.p521']],
    ['everything', { sodium: without(sodium, ...Object.keys(sodium)), node: without(node, ...Object.keys(node)) },
      fallbacks(portablePrimitives).filter((name) => !noNative.includes(name))],
  ] as const) {
    test(`and the portable one stands in on a host without ${what}`, () => {
      assert.deepEqual(fallbacksOf(host), expected)
    })
  }

  test('and where libsodium judges differently from the others', () => {
    const lax = { ...sodium, crypto_sign_verify_detached: () => true }
    assert.deepEqual(fallbacksOf({ sodium: lax }), ['signatures.ed25519'])
    const cofactored = {
      ...sodium,
      crypto_sign_verify_detached: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) =>
        ed25519.verify(signature, message, publicKey, { zip215: false }),
    }
    assert.deepEqual(fallbacksOf({ sodium: cofactored }), ['signatures.ed25519'])
    const unchecked = { ...sodium, crypto_scalarmult: (shared: Uint8Array) => { shared.fill(0) } }
    assert.deepEqual(fallbacksOf({ sodium: unchecked }), ['agreements.x25519'])
  })

  test('and where node:crypto judges differently from the others', () => {
    const ecdsa = ['signatures.p256', 'signatures.p384', 'signatures.p521']
    const lax = altered(node, (name) => name === 'verify' ? true : undefined)
    assert.deepEqual(fallbacksOf({ node: lax }), ecdsa)
    const curves = { sha256: p256, sha384: p384, sha512: p521 }
    const lowOnly = altered(node, (name, [hash, , , signature]) => {
      const isHigh = name === 'verify'
        && curves[hash as keyof typeof curves].Signature.fromBytes(signature as Uint8Array, 'der').hasHighS()
      return isHigh ? false : undefined
    })
    assert.deepEqual(fallbacksOf({ node: lowOnly }), ecdsa)
    // A curve that is not the one of its name, and ciphers and hashes that are others.
    const swapped = altered(node, (name, [which, ...words]) => {
      const other: Readonly<Record<string, string>> = { secp384r1: 'secp256k1', sha384: 'sha3-384' }
      const instead = other[String(which)]
      return instead === undefined ? undefined : (Reflect.get(node, name) as Call)(instead, ...words)
    })
    assert.deepEqual(fallbacksOf({ node: swapped }), ['agreements.p384', 'hashes.sha384', 'signatures.p384'])
    const tagless = altered(node, (name, words) => {
      if (name !== 'createDecipheriv' || words[0] !== 'aes-256-gcm') return undefined
      const decipher = (node.createDecipheriv as Call)(...words) as object
      return altered(decipher, (method) => method === 'final' ? new Uint8Array(0) : undefined)
    })
    assert.deepEqual(fallbacksOf({ node: tagless }), ['aeads.aes256gcm'])
  })

  test('whose written answers are those of the portable primitives', () => {
    const { signatures, agreements } = portablePrimitives
    assert.ok(ed25519Agrees(signatures.ed25519))
    for (const curve of ['p256', 'p384', 'p521'] as const) {
      assert.ok(ecdsaAgrees(curve)(signatures[curve]), curve)
      assert.ok(agreementAgrees(curve)(agreements[curve]), curve)
    }
    assert.ok(agreementAgrees('x25519')(agreements.x25519))
  })
})

for (const { native, portable } of pairs) {
  describe(`both implementations of suite ${native.id} agree`, () => {
    test('on what they are', () => {
      const facts = ({ id, name, keyLength, nonceLength, tagLength, hashLength, kem, kdf, aead }: typeof native) =>
        ({ id, name, keyLength, nonceLength, tagLength, hashLength, kem, kdf, aead })
      assert.deepEqual(facts(native), facts(portable))
    })

    const hashName = `sha${8 * native.hashLength}`
    const { hashLength } = native

    test('on hashes and MACs of every length, and with node:crypto', () => {
      for (const length of lengths) {
        const data = bytes(length)
        assert.deepEqual(native.hash(data), portable.hash(data))
        for (const keyLength of [0, 20, 32, 64, 65, 128, 129, 200]) {
          const key = bytes(keyLength)
          const expected = new Uint8Array(createHmac(hashName, key).update(data).digest())
          assert.deepEqual(native.mac(key, data), expected)
          assert.deepEqual(portable.mac(key, data), expected)
        }
      }
    })

    test('on HKDF, and with node:crypto', () => {
      for (const length of [1, 31, 32, 33, 64, 200, 255 * hashLength]) {
        const expected = new Uint8Array(hkdfSync(hashName, bytes(50), bytes(32), bytes(10), length))
        for (const suite of [native, portable]) {
          assert.deepEqual(suite.expand(suite.extract(bytes(32), bytes(50)), bytes(10), length), expected)
        }
      }
      for (const suite of [native, portable]) {
        assert.deepEqual(suite.extract(new Uint8Array(0), bytes(5)), suite.extract(new Uint8Array(hashLength), bytes(5)))
        assert.throws(() => suite.expand(bytes(32), bytes(0), 255 * hashLength + 1), { name: 'MlsError', code: 'misuse' })
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
