import { fromHex } from './codec.ts'
import { points, type IsPoint } from './points.ts'

// The primitives of which cipher suites are composed. An implementation may replace each one by a faster one that
// gives the same verdict on every input. What can be judged at little cost (lengths, encodings, ranges, points) is judged
// before them, by the forms below, so that no two implementations can differ in it. To refuse (an `open`, a `verify`, an
// `agree`), a primitive may throw whatever its library throws: a suite takes that for the refusal.

/** A hash function and its HMAC. */
export interface HashPrimitive {
  hash(data: Uint8Array): Uint8Array
  /** HMAC (RFC 2104). */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array
}

/** An AEAD (RFC 5116). Keys and nonces have the right lengths. */
export interface AeadPrimitive {
  /** The ciphertext with its tag at the end. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** The plaintext, or undefined when the tag does not fit. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined
}

/** Private keys are valid ones; of `verify` the key and the signature have the right form. */
export interface SignaturePrimitive {
  publicKeyOf(privateKey: Uint8Array): Uint8Array
  sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

/** A Diffie-Hellman group (RFC 9180 §4.1). Private keys are valid ones; public keys have the right form. */
export interface AgreementPrimitive {
  /** pk(skX). */
  publicKeyOf(privateKey: Uint8Array): Uint8Array
  /** DH(skX, pkY), or undefined when the public key is not on the curve or the result is invalid (RFC 9180 §7.1.4). */
  agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined
}

/** One implementation of every primitive that the table of suites names. */
export interface Primitives {
  readonly hashes: Readonly<Record<'sha256' | 'sha384' | 'sha512', HashPrimitive>>
  readonly aeads: Readonly<Record<'aes128gcm' | 'aes256gcm' | 'chacha20poly1305', AeadPrimitive>>
  readonly signatures: Readonly<Record<'ed25519' | 'ed448' | 'p256' | 'p384' | 'p521', SignaturePrimitive>>
  readonly agreements: Readonly<Record<'x25519' | 'x448' | 'p256' | 'p384' | 'p521', AgreementPrimitive>>
}

/** Nh in bytes (RFC 9180 §7.2). */
export const hashLengths: Readonly<Record<keyof Primitives['hashes'], number>> = { sha256: 32, sha384: 48, sha512: 64 }

/** Nk, Nn and the length of the tag, in bytes (RFC 9180 §7.3). */
export type AeadForm = { readonly keyLength: number, readonly nonceLength: number, readonly tagLength: number }
export const aeadForms: Readonly<Record<keyof Primitives['aeads'], AeadForm>> = {
  aes128gcm: { keyLength: 16, nonceLength: 12, tagLength: 16 },
  aes256gcm: { keyLength: 32, nonceLength: 12, tagLength: 16 },
  chacha20poly1305: { keyLength: 32, nonceLength: 12, tagLength: 16 },
}

/** What the private and the public keys of a scheme look like. */
type KeyForm = {
  /** In bytes; Nsk of a KEM. */
  readonly privateKeyLength: number
  readonly isPrivateKey: (privateKey: Uint8Array) => boolean
  readonly isPublicKey: (publicKey: Uint8Array) => boolean
}
export type SignatureForm = KeyForm & { readonly isSignature: (signature: Uint8Array) => boolean }
export type AgreementForm = KeyForm & {
  /** RFC 9180 §7.1.3: the mask of a candidate's first octet for the NIST curves; undefined where any bytes will do. */
  readonly candidateMask: number | undefined
}

/** Keys of the curves of RFC 7748 and RFC 8032 §5: any octets of one length are a private key, and may be a public one. */
const plainKeys = (length: number): KeyForm => ({
  privateKeyLength: length,
  isPrivateKey: (privateKey) => privateKey.length === length,
  isPublicKey: (publicKey) => publicKey.length === length,
})

/** Keys of a NIST curve: scalars as long as the order, points as RFC 8446 §4.2.8.2 writes them. */
const nistKeys = (order: Uint8Array): KeyForm => ({
  privateKeyLength: order.length,
  // RFC 9180 §7.1.2: a scalar from 1 to order - 1, as long as the order.
  isPrivateKey: (privateKey) => privateKey.length === order.length && isScalar(privateKey, order),
  // An UncompressedPointRepresentation is the octet 4 and two coordinates; on these curves they are as long as a scalar.
  isPublicKey: (publicKey) => publicKey.length === 1 + 2 * order.length && publicKey[0] === 4,
})

/** Keys of which a public one is a point that one can agree on a secret with as well. */
const usable = (form: KeyForm, isPoint: IsPoint): KeyForm =>
  ({ ...form, isPublicKey: (publicKey) => form.isPublicKey(publicKey) && isPoint(publicKey) })

/** The orders of the NIST curves (SP 800-186 §3.2.1). */
const p256Order = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const p384Order = fromHex('ffffffffffffffffffffffffffffffffffffffffffffffff'
  + 'c7634d81f4372ddf581a0db248b0a77aecec196accc52973')
const p521Order = fromHex('01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa'
  + '51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409')

/** RFC 8032 §5.1.6, §5.2.6: a signature is R and S, each as long as a key. */
const eddsa = (keyLength: number): SignatureForm =>
  ({ ...plainKeys(keyLength), isSignature: (signature) => signature.length === 2 * keyLength })
const ecdsa = (order: Uint8Array): SignatureForm =>
  ({ ...nistKeys(order), isSignature: (signature) => isEcdsaSignature(signature, order) })

export const signatureForms: Readonly<Record<keyof Primitives['signatures'], SignatureForm>> = {
  ed25519: eddsa(32),
  ed448: eddsa(57),
  p256: ecdsa(p256Order),
  p384: ecdsa(p384Order),
  p521: ecdsa(p521Order),
}

export const agreementForms: Readonly<Record<keyof Primitives['agreements'], AgreementForm>> = {
  x25519: { ...usable(plainKeys(32), points.x25519), candidateMask: undefined },
  x448: { ...usable(plainKeys(56), points.x448), candidateMask: undefined },
  p256: { ...usable(nistKeys(p256Order), points.p256), candidateMask: 0xff },
  p384: { ...usable(nistKeys(p384Order), points.p384), candidateMask: 0xff },
  p521: { ...usable(nistKeys(p521Order), points.p521), candidateMask: 0x01 },
}

/** Whether a big-endian integer, at most as long as the order, is from 1 to order - 1. */
function isScalar(bytes: Uint8Array, order: Uint8Array): boolean {
  if (bytes.every((octet) => octet === 0)) return false
  if (bytes.length < order.length) return true
  const at = order.findIndex((octet, index) => octet !== bytes[index])
  return at >= 0 && (bytes[at] ?? 0) < (order[at] ?? 0)
}

/**
 * RFC 9420 §5.1.2: ECDSA signatures are DER encoded: a SEQUENCE of the INTEGERs r and s (RFC 3279 §2.2.3), which
 * FIPS 186-5 §6.4.2 wants from 1 to order - 1. Libraries differ in how much of BER they let pass; here it is nothing.
 */
function isEcdsaSignature(bytes: Uint8Array, order: Uint8Array): boolean {
  // X.690 §10.1: a length has its shortest form. No signature of these curves is longer than one octet can say.
  const isLong = bytes[1] === 0x81
  const start = isLong ? 3 : 2
  const length = bytes[start - 1] ?? 0
  if (bytes[0] !== 0x30 || isLong !== length > 0x7f || bytes.length !== start + length) return false
  const middle = scalarEnd(bytes, start, order)
  return middle !== undefined && scalarEnd(bytes, middle, order) === bytes.length
}

/** The end of the DER INTEGER that begins at `start`; undefined when there is none from 1 to order - 1. */
function scalarEnd(bytes: Uint8Array, start: number, order: Uint8Array): number | undefined {
  const end = start + 2 + (bytes[start + 1] ?? 0)
  const content = bytes.subarray(start + 2, end)
  // X.690 §8.3: the first bit is the sign, and the first nine bits are not all equal.
  const isPadded = content[0] === 0
  const magnitude = content.subarray(isPadded ? 1 : 0)
  const isInteger = bytes[start] === 2 && end <= bytes.length && (magnitude[0] ?? 0) > 0x7f === isPadded
  return isInteger && magnitude.length <= order.length && isScalar(magnitude, order) ? end : undefined
}
