import { equal, fromHex, toHex } from './codec.ts'

// Which octets are public keys that one can agree on a secret with (RFC 9180 §7.1.4), for the KEMs of RFC 9420 §17.1.
// It is judged here, before any library is asked: a key in a ratchet tree that some members can encrypt to and others
// cannot would part them. It costs microseconds.

/** Whether these octets, of the right form already, are a usable public key. */
export type IsPoint = (publicKey: Uint8Array) => boolean

const bigEndian = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`)

/**
 * Points of y² = x³ - 3x + b (SP 800-186 §3.2.1), uncompressed. The orders of these curves are primes, so that every
 * point on one will do (SP 800-56A §5.6.2.3.4).
 */
const nistPoints = (prime: bigint, b: string): IsPoint => {
  const constant = bigEndian(fromHex(b))
  return (publicKey) => {
    const middle = 1 + (publicKey.length - 1) / 2
    const x = bigEndian(publicKey.subarray(1, middle))
    const y = bigEndian(publicKey.subarray(middle))
    return x < prime && y < prime && (y * y - (x * x - 3n) * x - constant) % prime === 0n
  }
}

/**
 * u-coordinates of RFC 7748 §5, little-endian, of which bits beyond `bits` are ignored. On curve and twist all will do
 * but those of small order, whose secret is all zero with every private key (§6): `small`, in every encoding.
 */
const montgomeryPoints = (bits: number, small: readonly bigint[]): IsPoint => {
  const length = Math.ceil(bits / 8)
  const unused = 0xff >> (8 * length - bits)
  const encodings = small.map((u) => fromHex(u.toString(16).padStart(2 * length, '0')).reverse())
  return (publicKey) => {
    const masked = publicKey.with(length - 1, (publicKey[length - 1] ?? 0) & unused)
    return !encodings.some((encoding) => equal(encoding, masked))
  }
}

/** Of order 1, 2 and 4, reduced and not. */
const ofSmallOrder = (prime: bigint): readonly bigint[] => [0n, 1n, prime - 1n, prime, prime + 1n]

export const points = {
  x25519: montgomeryPoints(255, [
    ...ofSmallOrder(2n ** 255n - 19n),
    // Of order 8.
    0x00b8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0n,
    0x57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5fn,
  ]),
  x448: montgomeryPoints(448, ofSmallOrder(2n ** 448n - 2n ** 224n - 1n)),
  p256: nistPoints(2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    '5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b'),
  p384: nistPoints(2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    'b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef'),
  p521: nistPoints(2n ** 521n - 1n,
    '0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df88'
    + '3d2c34f1ef451fd46b503f00'),
} as const satisfies Readonly<Record<string, IsPoint>>
