import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { describe, test } from 'node:test'
import { concat, fromHex, toHex } from '../../main/mls/codec.ts'
import { portablePrimitives } from '../../main/mls/portable.ts'
import type { AgreementPrimitive } from '../../main/mls/primitives.ts'
import { encoded } from './eddsa.ts'
import { pairOf } from './suites.ts'

type Curve = {
  readonly name: 'X25519' | 'X448'
  readonly id: number
  readonly keyLength: number
  readonly prime: bigint
  /** The u-coordinates of small order, reduced. */
  readonly small: readonly bigint[]
  readonly agreement: AgreementPrimitive
  /** What stands before a key in a SubjectPublicKeyInfo and in a PrivateKeyInfo (RFC 8410 §4, §7). */
  readonly spkiPrefix: string
  readonly pkcs8Prefix: string
}

const curves: readonly Curve[] = [
  {
    name: 'X25519', id: 1, keyLength: 32, prime: 2n ** 255n - 19n,
    // https://cr.yp.to/ecdh.html#validate
    small: [0n, 1n, 2n ** 255n - 20n,
      0xb8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0n,
      0x57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5fn],
    agreement: portablePrimitives.agreements.x25519,
    spkiPrefix: '302a300506032b656e032100', pkcs8Prefix: '302e020100300506032b656e04220420',
  },
  {
    name: 'X448', id: 4, keyLength: 56, prime: 2n ** 448n - 2n ** 224n - 1n,
    // The cofactor is 4: u = 0 is of order 2, and u = 1 and u = -1 are of order 4.
    small: [0n, 1n, 2n ** 448n - 2n ** 224n - 2n],
    agreement: portablePrimitives.agreements.x448,
    spkiPrefix: '3042300506032b656f033900', pkcs8Prefix: '3046020100300506032b656f043a0438',
  },
]

for (const { name, id, keyLength, prime, small, agreement, spkiPrefix, pkcs8Prefix } of curves) {
  const { native, portable } = pairOf(id)
  const key = portable.deriveKeyPair(Uint8Array.of(1))
  const refused = '5.1.3.public-key'

  /** The shared secret of each implementation, or the rule that refuses it. */
  const outcomes = (publicKey: Uint8Array): readonly string[] => [native, portable].map((suite) => {
    try {
      return toHex(suite.decapsulate(publicKey, key).unwrap())
    } catch (error) {
      assert.ok(error instanceof Error && error.name === 'MlsError' && 'rule' in error, String(error))
      return String(error.rule)
    }
  })

  /** What OpenSSL agrees on with a public key, or undefined where it refuses. */
  const openssl = (privateKey: Uint8Array, publicKey: Uint8Array): string | undefined => {
    const der = (prefix: string, bytes: Uint8Array): Buffer => Buffer.from(concat(fromHex(prefix), bytes))
    const ownKey = createPrivateKey({ key: der(pkcs8Prefix, privateKey), format: 'der', type: 'pkcs8' })
    const theirKey = createPublicKey({ key: der(spkiPrefix, publicKey), format: 'der', type: 'spki' })
    try {
      return diffieHellman({ privateKey: ownKey, publicKey: theirKey }).toString('hex')
    } catch {
      return undefined
    }
  }

  describe(`${name} judges a public key the same way on both implementations`, () => {
    test('and refuses those whose shared secret is all zero, in every encoding', () => {
      const unreduced = small.map((u) => u + prime).filter((u) => u < 2n ** (name === 'X25519' ? 255n : 448n))
      const encodings = [...small, ...unreduced].map((u) => encoded(u, keyLength))
      // RFC 7748 §5: of X25519 the highest bit is ignored.
      const masked = name === 'X448' ? []
        : encodings.map((bytes) => bytes.map((octet, at) => at === 31 ? octet | 0x80 : octet))
      for (const publicKey of [...encodings, ...masked]) {
        assert.deepEqual(outcomes(publicKey), [refused, refused], toHex(publicKey))
        assert.equal(openssl(key.privateKey.unwrap(), publicKey), undefined, toHex(publicKey))
        for (const suite of [native, portable]) {
          assert.throws(() => suite.encapsulate(publicKey), { name: 'MlsError', code: 'refused' })
        }
      }
    })

    test('and agrees about those that are not reduced, as OpenSSL does', () => {
      for (let u = 2n; u < 19n; u++) {
        for (const high of [0n, 1n << 255n]) {
          const publicKey = encoded(prime + u + (name === 'X448' ? 0n : high), keyLength)
          const [one, other] = outcomes(publicKey)
          assert.equal(one, other, `u = p + ${u}`)
          const shared = agreement.agree(key.privateKey.unwrap(), publicKey)
          assert.equal(shared && toHex(shared), openssl(key.privateKey.unwrap(), publicKey))
        }
      }
    })

    test('and refuses those of another length', () => {
      for (const wrong of [new Uint8Array(0), key.publicKey.slice(1), concat(key.publicKey, Uint8Array.of(0))]) {
        assert.deepEqual(outcomes(wrong), [refused, refused])
      }
    })

    test('and agrees about random ones, as OpenSSL does', () => {
      for (let round = 0; round < 40; round++) {
        const publicKey = native.random(keyLength)
        const [one, other] = outcomes(publicKey)
        assert.equal(one, other)
        const privateKey = native.random(keyLength)
        const shared = agreement.agree(privateKey, publicKey)
        assert.equal(shared && toHex(shared), openssl(privateKey, publicKey))
      }
    })
  })
}
