import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concat } from '../../main/mls/codec.ts'
import { Secret } from '../../main/mls/secret.ts'
import { craft, encoded, opensslSigns, opensslVerifies, schemes, type Recipe, type Scheme } from './eddsa.ts'

// Libraries disagree about crafted EdDSA signatures. In a group, one that some members accept and others refuse is a
// fork made by an attacker, so that both implementations must give the verdict that stands in main/mls/portable.ts.
// For Ed448 both are the portable one; there OpenSSL is the other judge.

const refused = { native: false, portable: false }
const accepted = { native: true, portable: true }

for (const scheme of schemes) {
  const { name, curve, native, portable, keyLength } = scheme
  const { Point } = curve
  const order = Point.Fn.ORDER
  const prime = Point.Fp.ORDER
  const honest = { a: 5n, r: 9n, torsionA: Point.ZERO, torsionR: Point.ZERO }

  const verdicts = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => ({
    native: native.verify(publicKey, message, signature),
    portable: portable.verify(publicKey, message, signature),
  })

  describe(`a crafted ${name} signature gets one verdict`, () => {
    test('with keys and points R of small and of mixed order', () => {
      let valid = 0
      let validForNoble = 0
      for (const [recipe, what] of recipes(scheme)) {
        const crafted = craft(scheme, recipe)
        const { publicKey } = crafted
        const signature = concat(crafted.encodedR, encoded(crafted.s, keyLength))
        assert.deepEqual(verdicts(publicKey, recipe.message, signature), crafted.valid ? accepted : refused, what)
        if (crafted.valid) valid++
        if (curve.verify(signature, recipe.message, publicKey, { zip215: false })) validForNoble++
        // OpenSSL's Ed448 is cofactored: every recipe whose points are not of small order is valid there. Nothing can
        // be done about it here; the other implementations of MLS that use it differ from this one in that.
        const isMixed = recipe.a !== 0n && recipe.r !== 0n
        assert.equal(opensslVerifies(scheme, publicKey, recipe.message, signature),
          name === 'Ed448' ? isMixed : crafted.valid, `OpenSSL, ${what}`)
      }
      assert.ok(valid > 0, 'among them are valid ones')
      assert.ok(validForNoble > valid, 'the cofactored check accepts more: the cases tell them apart')
    })

    test('with S beyond the group order', () => {
      const message = Uint8Array.of(1)
      const { publicKey, encodedR, s } = craft(scheme, { ...honest, message })
      for (const [added, expected] of [
        [0n, accepted], [order, refused], [order * 2n, refused], [order * 7n, refused],
      ] as const) {
        const signature = concat(encodedR, encoded(s + added, keyLength))
        assert.deepEqual(verdicts(publicKey, message, signature), expected, `S + ${added}`)
      }
      assert.deepEqual(verdicts(publicKey, message, concat(encodedR, encoded(order, keyLength))), refused)
    })

    test('with encodings of points that are not canonical', () => {
      const message = Uint8Array.of(2)
      const { publicKey, encodedR, s } = craft(scheme, { ...honest, message })
      const top = BigInt(8 * keyLength - 1)
      const wrong = [
        // y that is not reduced, and the sign bit of a point with x = 0 (RFC 8032 §5.1.3, §5.2.3).
        ...Array.from({ length: 19 }, (_, y) => [prime + BigInt(y), prime + BigInt(y) + (1n << top)]).flat(),
        1n + (1n << top), prime - 1n + (1n << top),
      ].map((value) => encoded(value, keyLength))
      // RFC 8032 §5.2.2: of the last octet of Ed448 only the highest bit is used.
      const unused = name === 'Ed448' ? [1, 2, 4, 8, 16, 32, 64] : []
      for (const scalar of [0n, s].map((value) => encoded(value, keyLength))) {
        for (const point of [...wrong, ...unused.map((bit) => withBit(publicKey, bit))]) {
          assert.deepEqual(verdicts(point, message, concat(encodedR, scalar)), refused)
        }
        for (const point of [...wrong, ...unused.map((bit) => withBit(encodedR, bit))]) {
          assert.deepEqual(verdicts(publicKey, message, concat(point, scalar)), refused)
        }
      }
    })

    test('with single bits turned over, and with wrong lengths', () => {
      const { publicKey, privateKey } = native.signatureKeyPair()
      const message = new TextEncoder().encode('hello')
      const signature = native.sign(privateKey, message)
      assert.deepEqual(verdicts(publicKey, message, signature), accepted)
      const turned = (bytes: Uint8Array, bit: number): Uint8Array =>
        bytes.map((octet, at) => at === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet)
      for (let bit = 0; bit < 16 * keyLength; bit += 5) {
        assert.deepEqual(verdicts(publicKey, message, turned(signature, bit)), refused, `bit ${bit} of the signature`)
      }
      for (let bit = 0; bit < 8 * keyLength; bit += 5) {
        assert.deepEqual(verdicts(turned(publicKey, bit), message, signature), refused, `bit ${bit} of the key`)
      }
      for (const wrong of [new Uint8Array(0), signature.slice(0, -1), concat(signature, Uint8Array.of(0))]) {
        assert.deepEqual(verdicts(publicKey, message, wrong), refused)
      }
      for (const wrong of [new Uint8Array(0), publicKey.slice(0, -1), concat(publicKey, Uint8Array.of(0))]) {
        assert.deepEqual(verdicts(wrong, message, signature), refused)
      }
    })
  })

  test(`both implementations and OpenSSL make the same ${name} keys and signatures, of empty messages too`, () => {
    const seed = Uint8Array.from({ length: keyLength }, (_, at) => at)
    const pair = native.signatureKeyPairFrom(seed)
    assert.deepEqual(pair.publicKey, portable.signatureKeyPairFrom(seed).publicKey)
    for (const message of [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(10_000).fill(7)]) {
      const signature = native.sign(pair.privateKey, message)
      assert.deepEqual(signature, portable.sign(pair.privateKey, message))
      assert.deepEqual(signature, opensslSigns(scheme, seed, message))
      assert.deepEqual(verdicts(pair.publicKey, message, signature), accepted)
      assert.ok(opensslVerifies(scheme, pair.publicKey, message, signature))
    }
    assert.deepEqual(seed, Uint8Array.from({ length: keyLength }, (_, at) => at), 'the seed is not taken over')
  })

  test(`an ${name} private key of another length is a misuse, and says so`, () => {
    for (const suite of [native, portable]) {
      for (const length of [0, keyLength - 1, keyLength + 1, 2 * keyLength]) {
        const wrong = new Secret(new Uint8Array(length))
        assert.throws(() => suite.sign(wrong, new Uint8Array(1)), { name: 'MlsError', code: 'misuse' })
        assert.throws(() => suite.signatureKeyPairFrom(wrong.unwrap()), { name: 'MlsError', code: 'misuse' })
      }
    }
  })

  /** Every pair of points of small order, alone and added to others; several messages, since k decides what cancels. */
  function* recipes({ torsion, cofactor }: Scheme): Generator<readonly [Recipe, string]> {
    for (const [indexA, torsionA] of torsion.entries()) {
      for (const [indexR, torsionR] of torsion.entries()) {
        for (const [a, r] of [[0n, 0n], [0n, 5n], [3n, 0n], [7n, 11n]] as const) {
          for (let round = 0; round < Number(8n / cofactor); round++) {
            const message = Uint8Array.of(indexA, indexR, round)
            const recipe = { a, r: r === 0n ? r : r + BigInt(indexR), torsionA, torsionR, message }
            yield [recipe, `torsion ${indexA} and ${indexR}, a = ${recipe.a}, r = ${recipe.r}, message ${round}`]
          }
        }
      }
    }
  }
}

const withBit = (point: Uint8Array, bit: number): Uint8Array =>
  point.map((octet, at) => at === point.length - 1 ? octet | bit : octet)
