import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { concat, fromHex, toHex } from '../../main/mls/codec.ts'
import { agreementForms, signatureForms } from '../../main/mls/primitives.ts'
import { Secret } from '../../main/mls/secret.ts'
import { seededRandom } from '../mls/group-world.ts'
import { pairOf } from './suites.ts'

// NIST_SEED repeats a run.
const seed = process.env['NIST_SEED'] ?? String(randomInt(2 ** 32))

/** Big-endian, at least so many bytes long. */
const bigEndian = (value: bigint, length = 0): Uint8Array => {
  const digits = value.toString(16)
  return fromHex(digits.padStart(Math.max(2 * length, digits.length + digits.length % 2), '0'))
}

// DER (X.690), of the test's own: a tag, the shortest length, the content.
const der = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const body = concat(...parts)
  return concat(Uint8Array.of(tag, ...(body.length > 0x7f ? [0x81] : []), body.length), body)
}
const positive = (value: bigint): Uint8Array => {
  const bytes = bigEndian(value)
  return (bytes[0] ?? 0) > 0x7f ? concat(Uint8Array.of(0), bytes) : bytes
}
const integer = (value: bigint): Uint8Array => der(2, positive(value))
const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(0x30, ...parts)

for (const { name, id, form, curve } of [
  { name: 'P-256', id: 2, form: 'p256', curve: p256 },
  { name: 'P-384', id: 7, form: 'p384', curve: p384 },
  { name: 'P-521', id: 5, form: 'p521', curve: p521 },
] as const) {
  const { native, portable } = pairOf(id)
  const order = curve.Point.Fn.ORDER
  const prime = curve.Point.Fp.ORDER
  const { privateKeyLength } = agreementForms[form]
  const scalarOf = (value: bigint): Uint8Array => bigEndian(value, privateKeyLength)

  describe(`a ${name} signature gets one verdict`, () => {
    const { publicKey, privateKey } = native.signatureKeyPair()
    const message = new TextEncoder().encode('one verdict')
    const signature = portable.sign(privateKey, message)
    const { r, s } = curve.Signature.fromBytes(signature, 'der')

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
      const padded = (value: bigint): Uint8Array => der(2, zero, positive(value))
      const negative = der(2, bigEndian(s | (1n << BigInt(8 * privateKeyLength - 1))))
      const body = concat(integer(r), integer(s))
      const isLong = body.length > 0x7f
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
        'a long form of a short length': isLong ? concat(Uint8Array.of(0x30, 0x82, 0, body.length), body)
          : concat(Uint8Array.of(0x30, 0x81, body.length), body),
        'a short form of a long length': isLong ? concat(Uint8Array.of(0x30, body.length), body)
          : concat(Uint8Array.of(0x30, body.length | 0x80), body),
        'a long form of the length of R': sequence(concat(Uint8Array.of(2, 0x81), integer(r).slice(1)), integer(s)),
        'an indefinite length': concat(Uint8Array.of(0x30, 0x80), body, zero, zero),
        'a set': concat(Uint8Array.of(0x31), signature.slice(1)),
        'a bit string for R': sequence(concat(Uint8Array.of(3), integer(r).slice(1)), integer(s)),
        'the last octet missing': signature.slice(0, -1),
        'a length that ends too early': signature.map((octet, at) => at === (isLong ? 2 : 1) ? octet - 1 : octet),
        'two raw scalars': concat(scalarOf(r), scalarOf(s)),
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

    test('refused by both for another message, and where bits are turned over', () => {
      assert.ok(!verdict(publicKey, native.sign(privateKey, new Uint8Array(3)), 'a signature over something else'))
      const turned = (bytes: Uint8Array, bit: number): Uint8Array =>
        bytes.map((octet, at) => at === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet)
      for (let bit = 0; bit < 8 * signature.length; bit += 13) {
        assert.ok(!verdict(publicKey, turned(signature, bit), `bit ${bit}`), `bit ${bit} of the signature`)
      }
      for (let bit = 0; bit < 8 * publicKey.length; bit += 29) {
        assert.ok(!verdict(turned(publicKey, bit), signature, `bit ${bit}`), `bit ${bit} of the key`)
      }
    })

    test(`read as noble reads it, whatever the octets (NIST_SEED=${seed})`, () => {
      // What has the form of a signature is decided before either implementation: by octets that were changed anywhere,
      // and by short scalars, whose lengths are written differently.
      const random = seededRandom(`${name} ${seed}`)
      const below = (limit: number): number => new DataView(random(4).buffer).getUint32(0) % limit
      let read = 0
      for (let round = 0; round < 3_000; round++) {
        const [one, other] = [below(privateKeyLength + 2), below(privateKeyLength + 2)]
          .map((length) => BigInt(`0x00${toHex(random(length))}`)) as [bigint, bigint]
        const bytes = sequence(integer(one), integer(other))
        for (let changes = below(3); changes > 0; changes--) bytes[below(below(2) === 0 ? 8 : bytes.length)] = below(256)
        const isRead = signatureForms[form].isSignature(bytes)
        assert.equal(isRead, parses(bytes), toHex(bytes))
        if (isRead) read++
      }
      assert.ok(read > 500 && read < 2_500, `${read} of 3000 had the form of a signature`)
    })

    const parses = (bytes: Uint8Array): boolean => {
      try {
        return curve.Signature.fromBytes(bytes, 'der').r > 0n
      } catch {
        return false
      }
    }
  })

  /** What RFC 8446 §4.2.8.2 and RFC 9180 §7.1.4 refuse, made from a good key. */
  const badPublicKeys = (good: Uint8Array): Readonly<Record<string, Uint8Array>> => {
    const x = good.subarray(1, 1 + privateKeyLength)
    const y = good.subarray(1 + privateKeyLength)
    const odd = (good.at(-1) ?? 0) & 1
    const small = smallPoint()
    return {
      'nothing': new Uint8Array(0),
      'the point at infinity': Uint8Array.of(0),
      'infinity in the room of a point': new Uint8Array(good.length),
      'zero coordinates': concat(Uint8Array.of(4), new Uint8Array(good.length - 1)),
      'a compressed point': concat(Uint8Array.of(2 + odd), x),
      'a hybrid point': concat(Uint8Array.of(6 + odd), x, y),
      'a point beside the curve': good.map((octet, at) => at === good.length - 1 ? octet ^ 1 : octet),
      'an octet too few': good.slice(0, -1),
      'an octet too many': concat(good, Uint8Array.of(0)),
      'a coordinate beyond the prime': concat(Uint8Array.of(4), scalarOf(small.x + prime), scalarOf(small.y)),
      'coordinates of ones': concat(Uint8Array.of(4), new Uint8Array(good.length - 1).fill(0xff)),
    }
  }

  /** The point of the smallest X, which has a second, unreduced encoding in as many octets. */
  const smallPoint = (): { readonly x: bigint, readonly y: bigint } => {
    for (let x = 0n; ; x++) {
      try {
        return curve.Point.fromBytes(concat(Uint8Array.of(2), scalarOf(x))).toAffine()
      } catch {
        continue // There is no point with this X.
      }
    }
  }

  describe(`the ${name} KEM`, () => {
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
      // One shared X in 256 begins with a zero octet (of P-521 one in 512 with two); an implementation that trims it
      // would derive another secret.
      const zeros = name === 'P-521' ? 2 : 1
      const other = portable.deriveKeyPair(Uint8Array.of(9))
      const base = curve.Point.fromBytes(other.publicKey)
      let point = base
      let scalar = 1n
      while (point.toBytes(true).subarray(1, 1 + zeros).some((octet) => octet !== 0)) {
        point = point.add(base)
        scalar++
      }
      const bytes = scalarOf(scalar)
      const shared = curve.getSharedSecret(bytes, other.publicKey, true).slice(1)
      assert.ok(shared.subarray(0, zeros).every((octet) => octet === 0))
      const short = { publicKey: curve.getPublicKey(bytes, false), privateKey: new Secret(bytes) }
      const secrets = [native, portable].map((suite) => toHex(suite.decapsulate(other.publicKey, short).unwrap()))
      assert.equal(secrets[0], secrets[1])
    })

    test('refuses private keys that are no scalars', () => {
      const wrong = [
        ...[0n, order, order + 1n, (1n << BigInt(8 * privateKeyLength)) - 1n].map(scalarOf),
        scalarOf(1n).slice(1), concat(Uint8Array.of(0), scalarOf(1n)), new Uint8Array(0),
      ]
      const misuse = { name: 'MlsError', code: 'misuse' }
      for (const suite of [native, portable]) {
        for (const privateKey of wrong.map((bytes) => new Secret(bytes))) {
          assert.throws(() => suite.decapsulate(key.publicKey, { publicKey: key.publicKey, privateKey }), misuse)
          assert.throws(() => suite.sign(privateKey, new Uint8Array(1)), misuse)
          assert.throws(() => suite.signatureKeyPairFrom(privateKey.unwrap()), misuse)
        }
      }
    })

    test('takes every scalar in range', () => {
      for (const scalar of [1n, 2n, order - 1n]) {
        const [one, two] = [native, portable].map((suite) => suite.signatureKeyPairFrom(scalarOf(scalar)).publicKey)
        assert.deepEqual(one, two)
      }
    })
  })
}
