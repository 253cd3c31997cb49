import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { concat, fromHex } from '../../main/mls/codec.ts'
import { seededRandom } from '../mls/group-world.ts'
import { craft, encoded, integerOf, opensslVerifies, schemes, type EdPoint, type Scheme } from './eddsa.ts'
import { pairOf } from './suites.ts'

/**
 * The edge cases of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), table 5, as published in
 * github.com/novifinancial/ed25519-speccheck: message, public key, signature. What each of them is about stands there;
 * of the libraries that they tried, libsodium and the strict check of dalek accept number 3 alone.
 */
const published: readonly (readonly [message: string, publicKey: string, signature: string])[] = [
  [
    '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'
    + '0000000000000000000000000000000000000000000000000000000000000000',
  ],
  [
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43'
    + 'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ],
  [
    'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'
    + '8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
  ],
  [
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f'
    + '87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
  ],
  [
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512'
    + '5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
  ],
  [
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7'
    + 'e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
  ],
  [
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e'
    + '547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
  ],
  [
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942'
    + '7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
  ],
  [
    '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'
    + '03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f',
  ],
  [
    '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'
    + 'ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908',
  ],
  [
    'e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc'
    + 'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ],
  [
    '39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc'
    + 'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ],
]

describe('the published edge cases of Ed25519', () => {
  const { native, portable } = pairOf(1)
  for (const [number, [message, publicKey, signature]] of published.entries()) {
    const expected = number === 3
    test(`number ${number} is ${expected ? 'accepted' : 'refused'} by both implementations`, () => {
      for (const suite of [native, portable]) {
        assert.equal(suite.verify(fromHex(publicKey), fromHex(message), fromHex(signature)), expected)
      }
    })
  }
})

// EDDSA_SEED repeats a run, EDDSA_CASES makes it longer.
const seed = process.env['EDDSA_SEED'] ?? String(randomInt(2 ** 32))
const wanted = process.env['EDDSA_CASES']

type Case = {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  /** Where it follows from how the case was made. */
  readonly valid?: boolean
}

/** Signatures of all kinds, in an order that a seed decides. */
class Cases {
  readonly #scheme: Scheme
  readonly #random: (length: number) => Uint8Array
  readonly #scalars: readonly bigint[]
  readonly #points: readonly Uint8Array[]

  constructor(scheme: Scheme) {
    this.#scheme = scheme
    this.#random = seededRandom(`${scheme.name} ${seed}`)
    const { Point } = scheme.curve
    const [order, prime] = [Point.Fn.ORDER, Point.Fp.ORDER]
    this.#scalars = [0n, 1n, 2n, order - 1n, order, order + 1n, 2n * order, prime]
    const top = 1n << BigInt(8 * scheme.keyLength - 1)
    this.#points = [
      ...[0n, 1n, 2n, 3n, prime - 1n, prime, prime + 1n, prime + 3n, top - 1n, 2n * top - 1n]
        .flatMap((y) => [encoded(y, scheme.keyLength), encoded(y + top, scheme.keyLength)]),
      ...[Point.BASE, ...scheme.torsion, ...scheme.torsion.map((point) => point.add(Point.BASE))]
        .map((point) => point.toBytes()),
    ]
  }

  #below(limit: number): number {
    return Number(integerOf(this.#random(4)) % BigInt(limit))
  }

  #of<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] ?? assert.fail('nothing to choose from')
  }

  #scalar(): bigint {
    return this.#below(4) === 0 ? this.#of(this.#scalars) : integerOf(this.#random(this.#scheme.keyLength + 8))
  }

  next(): Case {
    switch (this.#below(5)) {
      case 0: return this.#honest()
      case 1: return this.#turned(this.#honest())
      case 2: return this.#turned(this.#crafted())
      case 3: return this.#extreme()
      default: return this.#crafted()
    }
  }

  #honest(): Case {
    const { portable, keyLength } = this.#scheme
    const pair = portable.signatureKeyPairFrom(this.#random(keyLength))
    const message = this.#random(this.#below(100))
    const signature = portable.sign(pair.privateKey, message)
    return { publicKey: pair.publicKey, message, signature, valid: true }
  }

  /** One bit turned over. */
  #turned({ publicKey, message, signature }: Case): Case {
    const turn = (bytes: Uint8Array): Uint8Array => {
      const bit = this.#below(8 * bytes.length || 1)
      return bytes.map((octet, at) => at === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet)
    }
    const which = this.#below(8)
    if (which === 0) return { publicKey, message: turn(message), signature }
    return which < 3 ? { publicKey: turn(publicKey), message, signature }
      : { publicKey, message, signature: turn(signature) }
  }

  /** Points with parts of small order; S as it should be, or some orders more. */
  #crafted(): Case {
    const { curve, torsion, keyLength } = this.#scheme
    const order = curve.Point.Fn.ORDER
    const part = (): EdPoint => this.#below(2) === 0 ? curve.Point.ZERO : this.#of(torsion)
    const message = this.#random(8)
    const [a, r] = [this.#scalar() % order, this.#scalar() % order]
    const crafted = craft(this.#scheme, { a, r, torsionA: part(), torsionR: part(), message })
    const excess = this.#below(4) === 0 ? BigInt(this.#below(8)) : 0n
    const signature = concat(crafted.encodedR, encoded(crafted.s + excess * order, keyLength))
    return { publicKey: crafted.publicKey, message, signature, valid: crafted.valid && excess === 0n }
  }

  /** Points and scalars at the edges of what can be encoded. */
  #extreme(): Case {
    const { keyLength } = this.#scheme
    const signature = concat(this.#of(this.#points), encoded(this.#scalar(), keyLength))
    return { publicKey: this.#of(this.#points), message: this.#random(4), signature }
  }
}

/** Whether the bytes, read as leniently as can be, are a point with a part of small order. */
function hasTorsion({ curve }: Scheme, bytes: Uint8Array): boolean {
  try {
    return !curve.Point.fromBytes(bytes, true).isTorsionFree()
  } catch {
    return false
  }
}

for (const scheme of schemes) {
  const { name, native, portable, keyLength } = scheme
  const count = Number(wanted ?? (name === 'Ed25519' ? 2_000 : 400))

  test(`${count} ${name} signatures of all kinds from EDDSA_SEED=${seed} get one verdict`, () => {
    const cases = new Cases(scheme)
    let accepted = 0
    for (let at = 0; at < count; at++) {
      const { publicKey, message, signature, valid } = cases.next()
      const verdict = portable.verify(publicKey, message, signature)
      assert.equal(verdict, valid ?? verdict, `case ${at} was made to be ${valid === true ? '' : 'in'}valid`)
      assert.equal(native.verify(publicKey, message, signature), verdict, `case ${at}: native and portable differ`)
      const openssl = opensslVerifies(scheme, publicKey, message, signature)
      // OpenSSL's Ed448 is cofactored, which shows where a point has a part of small order and nowhere else.
      const mayDiffer = name === 'Ed448' && openssl
        && (hasTorsion(scheme, publicKey) || hasTorsion(scheme, signature.subarray(0, keyLength)))
      assert.ok(openssl === verdict || mayDiffer, `case ${at}: OpenSSL says ${String(openssl)}`)
      if (verdict) accepted++
    }
    assert.ok(accepted > count / 10 && accepted < count * 0.9, `${accepted} of ${count} were accepted`)
  })
}
