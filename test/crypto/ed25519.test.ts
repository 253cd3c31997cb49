import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concat, fromHex } from '../../main/mls/codec.ts'
import { Secret } from '../../main/mls/secret.ts'
import { pairOf } from './suites.ts'

// Libraries disagree about crafted Ed25519 signatures. In a group, one that some members accept and others refuse is a
// fork made by an attacker, so that both implementations must give the verdict that stands in main/mls/suite.ts.

const { native, portable } = pairOf(1)
const { Point } = ed25519
type EdPoint = InstanceType<typeof Point>
const order = Point.Fn.ORDER

const integerOf = (bytes: Uint8Array): bigint => bytes.reduceRight((value, octet) => (value << 8n) | BigInt(octet), 0n)
const encoded = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))
const times = (scalar: bigint): EdPoint => scalar === 0n ? Point.ZERO : Point.BASE.multiply(scalar)

/** A signature by someone who knows both discrete logarithms, over a key and an R with parts of small order. */
function craft({ a, r, torsionA, torsionR, message }: {
  readonly a: bigint
  readonly r: bigint
  readonly torsionA: EdPoint
  readonly torsionR: EdPoint
  readonly message: Uint8Array
}) {
  const publicKey = times(a).add(torsionA).toBytes()
  const encodedR = times(r).add(torsionR).toBytes()
  const k = integerOf(sha512(concat(encodedR, publicKey, message))) % order
  const s = (r + k * a) % order
  // S·B = R + k·A holds exactly when the parts of small order cancel.
  const cancels = torsionR.add(torsionA.multiplyUnsafe(k % 8n)).is0()
  return { publicKey, message, encodedR, s, valid: cancels && a !== 0n && r !== 0n }
}

const verdicts = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => ({
  native: native.verify(publicKey, message, signature),
  portable: portable.verify(publicKey, message, signature),
})

describe('a crafted Ed25519 signature gets one verdict', () => {
  const torsion = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromBytes(fromHex(hex), true))

  test('with keys and points R of small and of mixed order', () => {
    let accepted = 0
    let acceptedByNoble = 0
    for (const [indexA, torsionA] of torsion.entries()) {
      for (const [indexR, torsionR] of torsion.entries()) {
        for (const [a, r] of [[0n, 0n], [0n, 5n], [3n, 0n], [7n, 11n]] as const) {
          const message = Uint8Array.of(indexA, indexR)
          const crafted = craft({ a, r: r === 0n ? r : r + BigInt(indexR), torsionA, torsionR, message })
          const signature = concat(crafted.encodedR, encoded(crafted.s))
          const { valid, publicKey } = crafted
          assert.deepEqual(verdicts(publicKey, message, signature), { native: valid, portable: valid },
            `torsion ${indexA} and ${indexR}, a = ${a}, r = ${r}`)
          if (valid) accepted++
          if (ed25519.verify(signature, message, publicKey, { zip215: false })) acceptedByNoble++
        }
      }
    }
    assert.ok(accepted > 0, 'among them are valid ones')
    assert.ok(acceptedByNoble > accepted, 'the cofactored check accepts more: the cases tell them apart')
  })

  test('with S beyond the group order', () => {
    const message = Uint8Array.of(1)
    const zero = Point.ZERO
    const { publicKey, encodedR, s } = craft({ a: 5n, r: 9n, torsionA: zero, torsionR: zero, message })
    for (const [added, valid] of [[0n, true], [order, false], [order * 2n, false], [order * 7n, false]] as const) {
      const signature = concat(encodedR, encoded(s + added))
      assert.deepEqual(verdicts(publicKey, message, signature), { native: valid, portable: valid }, `S + ${added}`)
    }
    assert.deepEqual(verdicts(publicKey, message, concat(encodedR, encoded(order))), { native: false, portable: false })
  })

  test('with encodings of points that are not canonical', () => {
    const prime = 2n ** 255n - 19n
    const message = Uint8Array.of(2)
    const honest = craft({ a: 5n, r: 9n, torsionA: Point.ZERO, torsionR: Point.ZERO, message })
    for (let y = 0n; y < 19n; y++) {
      for (const sign of [0n, 1n << 255n]) {
        const point = encoded(prime + y + sign)
        for (const s of [0n, honest.s]) {
          const asKey = verdicts(point, message, concat(honest.encodedR, encoded(s)))
          assert.deepEqual(asKey, { native: false, portable: false }, `A with y = p + ${y}`)
          const asR = verdicts(honest.publicKey, message, concat(point, encoded(s)))
          assert.deepEqual(asR, { native: false, portable: false }, `R with y = p + ${y}`)
        }
      }
    }
  })

  test('with single bits turned over, and with wrong lengths', () => {
    const { publicKey, privateKey } = native.signatureKeyPair()
    const message = new TextEncoder().encode('hello')
    const signature = native.sign(privateKey, message)
    assert.deepEqual(verdicts(publicKey, message, signature), { native: true, portable: true })
    const turned = (bytes: Uint8Array, bit: number): Uint8Array =>
      bytes.map((octet, at) => at === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet)
    for (let bit = 0; bit < 512; bit += 5) {
      const { native: one, portable: other } = verdicts(publicKey, message, turned(signature, bit))
      assert.deepEqual([one, other], [false, false], `bit ${bit} of the signature`)
    }
    for (let bit = 0; bit < 256; bit += 5) {
      const { native: one, portable: other } = verdicts(turned(publicKey, bit), message, signature)
      assert.deepEqual([one, other], [false, false], `bit ${bit} of the key`)
    }
    const refused = { native: false, portable: false }
    for (const wrong of [new Uint8Array(0), signature.slice(0, 63), concat(signature, Uint8Array.of(0))]) {
      assert.deepEqual(verdicts(publicKey, message, wrong), refused)
    }
    for (const wrong of [new Uint8Array(0), publicKey.slice(0, 31), concat(publicKey, Uint8Array.of(0))]) {
      assert.deepEqual(verdicts(wrong, message, signature), refused)
    }
  })
})

test('both implementations make the same Ed25519 keys and signatures, of empty messages too', () => {
  const seed = Uint8Array.from({ length: 32 }, (_, at) => at)
  const pair = native.signatureKeyPairFrom(seed)
  assert.deepEqual(pair.publicKey, portable.signatureKeyPairFrom(seed).publicKey)
  for (const message of [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(10_000).fill(7)]) {
    const signature = native.sign(pair.privateKey, message)
    assert.deepEqual(signature, portable.sign(pair.privateKey, message))
    assert.deepEqual(verdicts(pair.publicKey, message, signature), { native: true, portable: true })
  }
  assert.deepEqual(seed, Uint8Array.from({ length: 32 }, (_, at) => at), 'the seed is not taken over')
})

test('a private key of another length is a misuse, and says so', () => {
  for (const suite of [native, portable]) {
    for (const length of [0, 31, 33, 64]) {
      const wrong = new Secret(new Uint8Array(length))
      assert.throws(() => suite.sign(wrong, new Uint8Array(1)), { name: 'MlsError', code: 'misuse' })
      assert.throws(() => suite.signatureKeyPairFrom(wrong.unwrap()), { name: 'MlsError', code: 'misuse' })
    }
  }
})
