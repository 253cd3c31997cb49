import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import { ED448_TORSION_SUBGROUP, ed448 } from '@noble/curves/ed448.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { shake256 } from '@noble/hashes/sha3.js'
import { concat, fromHex } from '../../main/mls/codec.ts'
import { pairOf, type Pair } from './suites.ts'

// Crafted EdDSA signatures: what somebody can make who knows discrete logarithms and adds points of small order.

export type EdPoint = InstanceType<typeof ed25519.Point>

export type Scheme = Pair & {
  readonly name: 'Ed25519' | 'Ed448'
  readonly curve: typeof ed25519
  /** In bytes. */
  readonly keyLength: number
  readonly cofactor: bigint
  /** The points whose order divides the cofactor. */
  readonly torsion: readonly EdPoint[]
  /** The hash that gives k (RFC 8032 §5.1.7, §5.2.7). */
  readonly challenge: (...parts: readonly Uint8Array[]) => Uint8Array
  /** What stands before a key in a SubjectPublicKeyInfo and in a PrivateKeyInfo (RFC 8410 §4, §7). */
  readonly spkiPrefix: string
  readonly pkcs8Prefix: string
}

const dom4 = concat(new TextEncoder().encode('SigEd448'), Uint8Array.of(0, 0))

export const schemes: readonly Scheme[] = [
  {
    ...pairOf(1), name: 'Ed25519', curve: ed25519, keyLength: 32, cofactor: 8n,
    torsion: ED25519_TORSION_SUBGROUP.map((hex) => ed25519.Point.fromHex(hex, true)),
    challenge: (...parts) => sha512(concat(...parts)),
    spkiPrefix: '302a300506032b6570032100', pkcs8Prefix: '302e020100300506032b657004220420',
  },
  {
    ...pairOf(4), name: 'Ed448', curve: ed448, keyLength: 57, cofactor: 4n,
    torsion: ED448_TORSION_SUBGROUP.map((hex) => ed448.Point.fromHex(hex, true)),
    challenge: (...parts) => shake256(concat(dom4, ...parts), { dkLen: 114 }),
    spkiPrefix: '3043300506032b6571033a00', pkcs8Prefix: '3047020100300506032b6571043b0439',
  },
]

export const integerOf = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, octet) => (value << 8n) | BigInt(octet), 0n)
/** Little-endian (RFC 8032 §5.1.2, §5.2.2); what does not fit is cut off. */
export const encoded = (value: bigint, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))

/** What goes into a crafted signature: the discrete logarithms of A and R, and what is added to both. */
export type Recipe = {
  readonly a: bigint
  readonly r: bigint
  readonly torsionA: EdPoint
  readonly torsionR: EdPoint
  readonly message: Uint8Array
}

/** The signature of a recipe, and whether it is valid: cofactorless, and with no point of small order. */
export function craft({ curve, cofactor, challenge }: Scheme, { a, r, torsionA, torsionR, message }: Recipe) {
  const { Point } = curve
  const order = Point.Fn.ORDER
  const times = (scalar: bigint): EdPoint => scalar === 0n ? Point.ZERO : Point.BASE.multiply(scalar)
  const publicKey = times(a).add(torsionA).toBytes()
  const encodedR = times(r).add(torsionR).toBytes()
  const k = integerOf(challenge(encodedR, publicKey, message)) % order
  // S·B = R + k·A holds exactly when the parts of small order cancel.
  const cancels = torsionR.add(torsionA.multiplyUnsafe(k % cofactor)).is0()
  return { publicKey, encodedR, s: (r + k * a) % order, valid: cancels && a !== 0n && r !== 0n }
}

/** The verdict of OpenSSL, which shares no code with the two implementations. */
export function opensslVerifies(
  { spkiPrefix }: Scheme, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array,
): boolean {
  try {
    const spki = Buffer.from(concat(fromHex(spkiPrefix), publicKey))
    return verify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature)
  } catch {
    return false
  }
}

export function opensslSigns({ pkcs8Prefix }: Scheme, privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  const pkcs8 = Buffer.from(concat(fromHex(pkcs8Prefix), privateKey))
  return new Uint8Array(sign(null, message, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })))
}
