import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { p256 } from '@noble/curves/nist.js'
import { concat, fromHex, toHex } from '../../main/mls/codec.ts'
import { Secret } from '../../main/mls/secret.ts'
import { pairOf } from './suites.ts'

const { native, portable } = pairOf(2)
const order = p256.Point.Fn.ORDER
const prime = p256.Point.Fp.ORDER
const hex32 = (value: bigint): string => value.toString(16).padStart(64, '0')

/** DER of an INTEGER (X.690 §8.3): the fewest octets, the first bit clear. */
function integer(value: bigint): Uint8Array {
  const digits = value.toString(16)
  const bytes = fromHex(digits.length % 2 === 0 ? digits : `0${digits}`)
  const padded = (bytes[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), bytes) : bytes
  return concat(Uint8Array.of(2, padded.length), padded)
}
const sequence = (...parts: readonly Uint8Array[]): Uint8Array => {
  const body = concat(...parts)
  return concat(Uint8Array.of(0x30, body.length), body)
}

describe('a P-256 signature gets one verdict', () => {
  const { publicKey, privateKey } = native.signatureKeyPair()
  const message = new TextEncoder().encode('one verdict')
  const signature = portable.sign(privateKey, message)
  const { r, s } = p256.Signature.fromBytes(signature, 'der')

  const verdict = (key: Uint8Array, bytes: Uint8Array, what: string): boolean => {
    const [one, other] = [native.verify(key, message, bytes), portable.verify(key, message, bytes)]
    assert.equal(one, other, `native and portable differ about ${what}`)
    return one
  }

  test('accepted by both, whoever made it, and with S in either half', () => {
    assert.ok(verdict(publicKey, signature, 'a portable signature'))
    assert.ok(verdict(publicKey, native.sign(privateKey, message), 'a native signature'))
    assert.ok(verdict(publicKey, sequence(integer(r), integer(s)), 'the test\'s own encoding'))
    assert.ok(verdict(publicKey, sequence(integer(r), integer(order - s)), 'the other half'))
  })

  test('refused by both in every encoding but the one of DER', () => {
    const zero = Uint8Array.of(0)
    const padded = (value: bigint): Uint8Array => {
      const [, , ...bytes] = integer(value)
      return Uint8Array.of(2, bytes.length + 1, 0, ...bytes)
    }
    const negative = Uint8Array.of(2, 32, ...fromHex(hex32(s | (1n << 255n))))
    const body = concat(integer(r), integer(s))
    const wrong: Readonly<Record<string, Uint8Array>> = {
      'nothing': new Uint8Array(0),
      'an octet after it': concat(signature, zero),
      'an octet inside, after S': sequence(integer(r), integer(s), zero),
      'a third integer': sequence(integer(r), integer(s), integer(1n)),
      'S alone': sequence(integer(s)),
      'a padded R': sequence(padded(r), integer(s)),
      'a padded S': sequence(integer(r), padded(s)),
      'a negative S': sequence(integer(r), negative),
      'an empty S': sequence(integer(r), Uint8Array.of(2, 0)),
      'a long form of the length': concat(Uint8Array.of(0x30, 0x81, body.length), body),
      'an indefinite length': concat(Uint8Array.of(0x30, 0x80), body, zero, zero),
      'a set': concat(Uint8Array.of(0x31, body.length), body),
      'a bit string for R': concat(Uint8Array.of(0x30, body.length, 3), body.slice(1)),
      'the last octet missing': signature.slice(0, -1),
      'two raw scalars': fromHex(hex32(r) + hex32(s)),
    }
    for (const [what, bytes] of Object.entries(wrong)) assert.ok(!verdict(publicKey, bytes, what), what)
  })

  test('refused by both with scalars out of range', () => {
    for (const [one, other] of [[0n, s], [r, 0n], [order, s], [r, order], [r + order, s], [r, s + order]] as const) {
      assert.ok(!verdict(publicKey, sequence(integer(one), integer(other)), `r = ${one}, s = ${other}`))
    }
  })

  test('refused by both with keys that are not uncompressed points of the curve', () => {
    for (const [what, key] of Object.entries(badPublicKeys(publicKey))) {
      assert.ok(!verdict(key, signature, what), what)
    }
  })

  test('refused by both for another message', () => {
    const forged = native.sign(privateKey, new Uint8Array(3))
    assert.ok(!verdict(publicKey, forged, 'a signature over something else'))
  })
})

/** What RFC 8446 §4.2.8.2 and RFC 9180 §7.1.4 refuse, made from a good key. */
function badPublicKeys(good: Uint8Array): Readonly<Record<string, Uint8Array>> {
  const x = toHex(good.subarray(1, 33))
  const y = toHex(good.subarray(33))
  const odd = (good[64] ?? 0) & 1
  const small = smallPoint()
  return {
    'nothing': new Uint8Array(0),
    'the point at infinity': Uint8Array.of(0),
    'infinity in the room of a point': new Uint8Array(65),
    'zero coordinates': concat(Uint8Array.of(4), new Uint8Array(64)),
    'a compressed point': fromHex(`0${2 + odd}${x}`),
    'a hybrid point': fromHex(`0${6 + odd}${x}${y}`),
    'a point beside the curve': good.map((octet, at) => at === 64 ? octet ^ 1 : octet),
    'an octet too few': good.slice(0, 64),
    'an octet too many': concat(good, Uint8Array.of(0)),
    'a coordinate beyond the prime': fromHex(`04${hex32(small.x + prime)}${hex32(small.y)}`),
    'coordinates of ones': concat(Uint8Array.of(4), new Uint8Array(64).fill(0xff)),
  }
}

/** The point of the smallest X, which has a second, unreduced encoding in 32 octets. */
function smallPoint(): { readonly x: bigint, readonly y: bigint } {
  for (let x = 0n; ; x++) {
    try {
      return p256.Point.fromBytes(fromHex(`02${hex32(x)}`)).toAffine()
    } catch {
      continue // There is no point with this X.
    }
  }
}

describe('the P-256 KEM', () => {
  const key = portable.deriveKeyPair(Uint8Array.of(1, 2, 3))

  test('refuses the same public keys and KEM outputs on both implementations', () => {
    for (const suite of [native, portable]) {
      for (const [what, bad] of Object.entries(badPublicKeys(key.publicKey))) {
        const refused = { name: 'MlsError', code: 'refused', rule: '5.1.3.public-key' }
        assert.throws(() => suite.encapsulate(bad), refused, what)
        assert.throws(() => suite.decapsulate(bad, key), refused, what)
      }
    }
  })

  test('keeps the zeros in front of a shared coordinate', () => {
    // One shared X in 256 begins with a zero octet; an implementation that trims it would derive another secret.
    const other = portable.deriveKeyPair(Uint8Array.of(9))
    const coordinate = (scalar: bigint): Uint8Array =>
      p256.getSharedSecret(fromHex(hex32(scalar)), other.publicKey, true).slice(1)
    let point = p256.Point.fromBytes(other.publicKey)
    const base = point
    let scalar = 1n
    while (point.toBytes(true)[1] !== 0) {
      point = point.add(base)
      scalar++
    }
    assert.equal(coordinate(scalar)[0], 0)
    const bytes = fromHex(hex32(scalar))
    const short = { publicKey: p256.getPublicKey(bytes, false), privateKey: new Secret(bytes) }
    const secrets = [native, portable].map((suite) => toHex(suite.decapsulate(other.publicKey, short).unwrap()))
    assert.equal(secrets[0], secrets[1])
  })

  test('refuses private keys that are no scalars', () => {
    for (const suite of [native, portable]) {
      for (const scalar of [0n, order, order + 1n, (1n << 256n) - 1n]) {
        const privateKey = new Secret(fromHex(hex32(scalar)))
        const misuse = { name: 'MlsError', code: 'misuse' }
        assert.throws(() => suite.decapsulate(key.publicKey, { publicKey: key.publicKey, privateKey }), misuse)
        assert.throws(() => suite.sign(privateKey, new Uint8Array(1)), misuse)
        assert.throws(() => suite.signatureKeyPairFrom(privateKey.unwrap()), misuse)
      }
    }
  })
})
