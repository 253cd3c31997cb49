import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { x25519 } from '@noble/curves/ed25519.js'
import { x448 } from '@noble/curves/ed448.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { toHex } from '../../main/mls/codec.ts'
import { points } from '../../main/mls/points.ts'

// `points` says before any library does which public keys are usable: here it is compared with one.

const succeeds = (compute: () => unknown): boolean => {
  try {
    compute()
    return true
  } catch {
    return false
  }
}
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

for (const [name, curve, length, prime] of [
  ['x25519', x25519, 32, 2n ** 255n - 19n], ['x448', x448, 56, 2n ** 448n - 2n ** 224n - 1n],
] as const) describe(`${name} public keys`, () => {
  const privateKey = curve.utils.randomSecretKey()
  const agrees = (publicKey: Uint8Array): boolean => {
    const usable = succeeds(() => curve.getSharedSecret(privateKey, publicKey))
    assert.equal(points[name](publicKey), usable, toHex(publicKey))
    return usable
  }
  const encoded = (u: bigint): Uint8Array =>
    Uint8Array.from({ length }, (_, at) => Number((u >> BigInt(8 * at)) & 0xffn))
  const high = (publicKey: Uint8Array): Uint8Array => publicKey.with(length - 1, (publicKey[length - 1] ?? 0) | 0x80)

  test('are usable unless their secret is zero, reduced or not', () => {
    const near = [0n, prime].flatMap((base) => Array.from({ length: 19 }, (_, at) => base + BigInt(at)))
    const below = Array.from({ length: 20 }, (_, at) => prime - 1n - BigInt(at))
    // 0, 1, p - 1, p and p + 1.
    assert.equal([...near, ...below].filter((u) => !agrees(encoded(u))).length, 5)
    for (const u of [...near, ...below]) agrees(high(encoded(u)))
  })

  test('at random are usable', () => {
    for (let round = 0; round < 20; round++) assert.ok(agrees(random(length)))
    assert.ok(agrees(curve.getPublicKey(privateKey)))
  })
})

test('x25519 public keys of order 8 are not usable, whatever their highest bit', () => {
  for (const last of [0x00, 0x80]) for (const order8 of [
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  ]) {
    const publicKey = new Uint8Array(Buffer.from(order8, 'hex'))
    const masked = publicKey.with(31, (publicKey[31] ?? 0) | last)
    assert.ok(!points.x25519(masked))
    assert.ok(!succeeds(() => x25519.getSharedSecret(x25519.utils.randomSecretKey(), masked)))
  }
})

for (const [name, curve] of [['p256', p256], ['p384', p384], ['p521', p521]] as const) {
  describe(`${name} public keys`, () => {
    const { Point } = curve
    const agrees = (publicKey: Uint8Array): boolean => {
      const usable = succeeds(() => { Point.fromBytes(publicKey).assertValidity() })
      assert.equal(points[name](publicKey), usable, toHex(publicKey))
      return usable
    }
    const width = Point.Fp.BYTES
    const encoded = (x: bigint, y: bigint): Uint8Array =>
      Uint8Array.of(4, ...Buffer.from([x, y].map((each) => each.toString(16).padStart(2 * width, '0')).join(''), 'hex'))

    test('are usable on the curve and nowhere else', () => {
      for (let round = 0; round < 10; round++) {
        const publicKey = curve.getPublicKey(curve.utils.randomSecretKey(), false)
        assert.ok(agrees(publicKey))
        const at = 1 + round % (publicKey.length - 1)
        assert.ok(!agrees(publicKey.with(at, (publicKey[at] ?? 0) ^ 1)))
        assert.ok(!agrees(Uint8Array.of(4, ...random(2 * width))))
      }
      assert.ok(!agrees(encoded(0n, 0n)))
    })

    test('have coordinates below the prime', () => {
      const { ORDER: prime } = Point.Fp
      // A point whose x is small enough to have a second encoding, where the octets have room for one.
      for (let x = 0n; x < 40n; x++) {
        const { b } = Point.CURVE()
        const square = Point.Fp.create(x ** 3n - 3n * x + b)
        if (!succeeds(() => Point.Fp.sqrt(square))) continue
        const y = Point.Fp.sqrt(square)
        assert.ok(agrees(encoded(x, y)))
        assert.ok(!agrees(encoded(x, prime - y + 1n)))
        if ((prime + x).toString(16).length <= 2 * width) assert.ok(!agrees(encoded(prime + x, y)))
      }
    })
  })
}
