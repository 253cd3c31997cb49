import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { ed448, x448 } from '@noble/curves/ed448.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { bytesToNumberLE } from '@noble/curves/utils.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { shake256 } from '@noble/hashes/sha3.js'
import { concat, equal } from './codec.ts'
import type {
  AeadPrimitive, AgreementPrimitive, HashPrimitive, Primitives, SignaturePrimitive,
} from './primitives.ts'
import { composeSuites, type Random, type SuiteOf } from './suite.ts'

/** The portable implementation: every suite on noble's curves, hashes and ciphers. */
export function portableSuites(random: Random): SuiteOf {
  return composeSuites(portablePrimitives, random)
}

const sha2 = (hash: typeof sha256 | typeof sha512): HashPrimitive =>
  ({ hash, mac: (key, data) => hmac(hash, key, data) })

const aead = (cipher: typeof gcm | typeof chacha20poly1305): AeadPrimitive => ({
  seal: (key, nonce, aad, plaintext) => cipher(key, nonce, aad).encrypt(plaintext),
  open: (key, nonce, aad, ciphertext) => cipher(key, nonce, aad).decrypt(ciphertext),
})

/**
 * EdDSA (RFC 8032 §5.1.7, §5.2.7) with one verdict: cofactorless, S below the group order, A and R canonical and not of
 * small order. noble's own `verify` is cofactored even with `zip215: false` and accepts signatures that libsodium and
 * OpenSSL refuse; in a group that would be a fork made by an attacker. `challenge` is the hash whose value is k.
 */
function eddsa(curve: typeof ed25519, challenge: (...parts: readonly Uint8Array[]) => Uint8Array): SignaturePrimitive {
  const { Point } = curve
  return {
    publicKeyOf: (privateKey) => curve.getPublicKey(privateKey),
    sign: (privateKey, message) => curve.sign(message, privateKey),
    verify: (publicKey, message, signature) => {
      const encodedR = signature.subarray(0, signature.length / 2)
      const s = bytesToNumberLE(signature.subarray(signature.length / 2))
      const a = Point.fromBytes(publicKey, false)
      if (s >= Point.Fn.ORDER || a.isSmallOrder()) return false
      const k = Point.Fn.create(bytesToNumberLE(challenge(encodedR, publicKey, message)))
      const r = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k))
      // What `toBytes` gives is canonical: so is an R that equals it.
      return equal(r.toBytes(), encodedR) && !r.isSmallOrder()
    },
  }
}

/** RFC 8032 §5.2: dom4(0, C) with the empty context that MLS signs with. */
const dom4 = concat(new TextEncoder().encode('SigEd448'), Uint8Array.of(0, 0))

/** FIPS 186-5 §6.4.2 accepts S of either half; so do OpenSSL and BoringSSL. The curve brings its hash (RFC 9420 §17.1). */
const ecdsa = (curve: typeof p256): SignaturePrimitive => ({
  publicKeyOf: (privateKey) => curve.getPublicKey(privateKey, false),
  sign: (privateKey, message) => curve.sign(message, privateKey, { format: 'der' }),
  verify: (publicKey, message, signature) =>
    curve.verify(signature, message, publicKey, { format: 'der', lowS: false }),
})

/** X25519 and X448 (RFC 7748 §6); noble refuses what would give an all-zero result. */
const montgomery = (curve: typeof x25519): AgreementPrimitive => ({
  publicKeyOf: (privateKey) => curve.getPublicKey(privateKey),
  agree: (privateKey, publicKey) => curve.getSharedSecret(privateKey, publicKey),
})

const ecdh = (curve: typeof p256): AgreementPrimitive => ({
  publicKeyOf: (privateKey) => curve.getPublicKey(privateKey, false),
  // RFC 9180 §4.1: the shared value is the X coordinate alone; noble puts one octet before it.
  agree: (privateKey, publicKey) => curve.getSharedSecret(privateKey, publicKey, true).slice(1),
})

/** Every primitive on noble: what others must agree with. */
export const portablePrimitives: Primitives = {
  hashes: { sha256: sha2(sha256), sha384: sha2(sha384), sha512: sha2(sha512) },
  aeads: { aes128gcm: aead(gcm), aes256gcm: aead(gcm), chacha20poly1305: aead(chacha20poly1305) },
  signatures: {
    ed25519: eddsa(ed25519, (...parts) => sha512(concat(...parts))),
    ed448: eddsa(ed448, (...parts) => shake256(concat(dom4, ...parts), { dkLen: 114 })),
    p256: ecdsa(p256), p384: ecdsa(p384), p521: ecdsa(p521),
  },
  agreements: {
    x25519: montgomery(x25519), x448: montgomery(x448), p256: ecdh(p256), p384: ecdh(p384), p521: ecdh(p521),
  },
}
