import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { gcm } from '@noble/ciphers/aes.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { concat, equal } from './codec.ts'
import { MlsError } from './error.ts'
import { check } from './rules.ts'
import { Secret } from './secret.ts'

/** A public key and its private key, in the formats of RFC 9420 §5.1.1 and RFC 9180 §7.1.2. */
export type KeyPair = { readonly publicKey: Uint8Array, readonly privateKey: Secret }

/**
 * What a cipher suite gives (RFC 9420 §5.1): HPKE's KEM, KDF and AEAD, hash, MAC and signatures. All of it is
 * synchronous; nothing changes its arguments. Private keys: 32-byte seeds for Ed25519, scalars for the other curves.
 */
export interface Suite {
  /** The code point and the name in RFC 9420 §17.1. */
  readonly id: number
  readonly name: string
  /** AEAD.Nk, AEAD.Nn and the length of the tag, in bytes. */
  readonly keyLength: number
  readonly nonceLength: number
  readonly tagLength: number
  /** KDF.Nh in bytes. */
  readonly hashLength: number
  /** Code points of HPKE (RFC 9180 §7). */
  readonly kem: number
  readonly kdf: number
  readonly aead: number
  hash(data: Uint8Array): Uint8Array
  /** HMAC of `hashLength` bytes (RFC 9420 §17.1). */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array
  /** KDF.Extract: HKDF (RFC 5869 §2.2). */
  extract(salt: Uint8Array, inputKey: Uint8Array): Uint8Array
  /** KDF.Expand: HKDF (RFC 5869 §2.3). Throws `MlsError('misuse')` beyond 255 hashes. */
  expand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array
  /** The ciphertext with its tag. Throws `MlsError('misuse')` for a key or nonce of the wrong length. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** The plaintext, or undefined when key, nonce, additional data and ciphertext do not belong together. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined
  /** A fresh key pair of the suite's signature scheme. */
  signatureKeyPair(): KeyPair
  /** The key pair of a private key that was derived elsewhere. Throws `MlsError('misuse')` for bytes that are none. */
  signatureKeyPairFrom(privateKey: Uint8Array): KeyPair
  /** Throws `MlsError('misuse')` for bytes that are no private key. */
  sign(privateKey: Secret, message: Uint8Array): Uint8Array
  /** The same verdict in every implementation; false for every malformed key or signature. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** KEM.DeriveKeyPair (RFC 9180 §7.1.3). */
  deriveKeyPair(inputKey: Uint8Array): KeyPair
  /** KEM.Encap (RFC 9180 §4.1). Throws `MlsError('refused')` for an invalid public key. */
  encapsulate(publicKey: Uint8Array): { readonly sharedSecret: Secret, readonly kemOutput: Uint8Array }
  /** KEM.Decap (RFC 9180 §4.1). Throws `MlsError('refused')` for an invalid KEM output. */
  decapsulate(kemOutput: Uint8Array, key: KeyPair): Secret
  random(length: number): Uint8Array
}

/** The suite of a code point, or undefined where this implementation does not have it. */
export type SuiteOf = (id: number) => Suite | undefined

/** Fills fresh bytes from a cryptographic generator. */
export type Random = (length: number) => Uint8Array

// The primitives of which suites are composed. An implementation may replace each one by a faster one of the same
// verdict on every input.

export interface HashPrimitive {
  /** Nh in bytes. */
  readonly length: number
  hash(data: Uint8Array): Uint8Array
  mac(key: Uint8Array, data: Uint8Array): Uint8Array
}

export interface AeadPrimitive {
  readonly keyLength: number
  readonly nonceLength: number
  readonly tagLength: number
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined
}

export interface SignaturePrimitive {
  keyPair(random: Random): KeyPair
  sign(privateKey: Secret, message: Uint8Array): Uint8Array
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

/** A Diffie-Hellman group as DHKEM uses it (RFC 9180 §4.1 and §7.1). */
export interface AgreementPrimitive {
  /** Nsk in bytes; shared values of `agree` have the curve's coordinate size. */
  readonly privateKeyLength: number
  /** RFC 9180 §7.1.3: the mask of a candidate's first octet for the NIST curves; undefined where any bytes will do. */
  readonly candidateMask: number | undefined
  /** pk(skX), or undefined when the private key is not in range. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array | undefined
  /** DH(skX, pkY), or undefined when the public key or the result is invalid (RFC 9180 §7.1.4). */
  agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined
}

/** One implementation of every primitive that the table of suites names. */
export interface Primitives {
  readonly hashes: { readonly sha256: HashPrimitive }
  readonly aeads: { readonly aes128gcm: AeadPrimitive, readonly chacha20poly1305: AeadPrimitive }
  readonly signatures: { readonly ed25519: SignaturePrimitive, readonly p256: SignaturePrimitive }
  readonly agreements: { readonly x25519: AgreementPrimitive, readonly p256: AgreementPrimitive }
}

type SuiteRow = {
  readonly id: number
  readonly name: string
  readonly kem: number
  readonly kdf: number
  readonly aead: number
  readonly agreement: keyof Primitives['agreements']
  readonly cipher: keyof Primitives['aeads']
  readonly hash: keyof Primitives['hashes']
  readonly signature: keyof Primitives['signatures']
}

/**
 * RFC 9420 §17.1: the cipher suites and their HPKE code points. In each of them the hash of the KEM, of the KDF and
 * of MLS itself is the same one, so that a row names it once.
 */
const suiteTable: readonly SuiteRow[] = [
  {
    id: 1, name: 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519', kem: 0x0020, kdf: 0x0001, aead: 0x0001,
    agreement: 'x25519', cipher: 'aes128gcm', hash: 'sha256', signature: 'ed25519',
  },
  {
    id: 2, name: 'MLS_128_DHKEMP256_AES128GCM_SHA256_P256', kem: 0x0010, kdf: 0x0001, aead: 0x0001,
    agreement: 'p256', cipher: 'aes128gcm', hash: 'sha256', signature: 'p256',
  },
  {
    id: 3, name: 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519', kem: 0x0020, kdf: 0x0001, aead: 0x0003,
    agreement: 'x25519', cipher: 'chacha20poly1305', hash: 'sha256', signature: 'ed25519',
  },
]

/** The suites that these primitives make. */
export function composeSuites(primitives: Primitives, random: Random): SuiteOf {
  const suites = new Map(suiteTable.map((row) => [row.id, composeSuite(row, primitives, random)]))
  return (id) => suites.get(id)
}

/** The portable implementation: every suite on noble's curves, hashes and ciphers. */
export function portableSuites(random: Random): SuiteOf {
  return composeSuites(portablePrimitives, random)
}

function composeSuite(row: SuiteRow, primitives: Primitives, random: Random): Suite {
  const hash = primitives.hashes[row.hash]
  const cipher = primitives.aeads[row.cipher]
  const signature = primitives.signatures[row.signature]
  const kdf = hkdf(hash)
  return {
    id: row.id, name: row.name, kem: row.kem, kdf: row.kdf, aead: row.aead,
    keyLength: cipher.keyLength, nonceLength: cipher.nonceLength, tagLength: cipher.tagLength,
    hashLength: hash.length,
    hash: hash.hash,
    mac: hash.mac,
    ...kdf,
    seal: (key, nonce, aad, plaintext) => {
      checkCipherLengths(cipher, key, nonce)
      return cipher.seal(key, nonce, aad, plaintext)
    },
    open: (key, nonce, aad, ciphertext) => {
      checkCipherLengths(cipher, key, nonce)
      return ciphertext.length < cipher.tagLength ? undefined : cipher.open(key, nonce, aad, ciphertext)
    },
    signatureKeyPair: () => signature.keyPair(random),
    signatureKeyPairFrom: (privateKey) => signature.keyPair(once(privateKey)),
    sign: signature.sign,
    verify: signature.verify,
    ...dhkem({ kem: row.kem, kdf, hashLength: hash.length, agreement: primitives.agreements[row.agreement], random }),
    random,
  }
}

/** A generator that gives a copy of these bytes when exactly so many are asked for, and only once. */
function once(bytes: Uint8Array): Random {
  let used = false
  return (length) => {
    if (used || length !== bytes.length) throw new MlsError('misuse', 'not a private key of this signature scheme')
    used = true
    return bytes.slice()
  }
}

function checkCipherLengths(cipher: AeadPrimitive, key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== cipher.keyLength || nonce.length !== cipher.nonceLength) {
    throw new MlsError('misuse', `this cipher takes ${cipher.keyLength} and ${cipher.nonceLength} bytes`)
  }
}

/** HKDF's two halves. */
export type Kdf = Pick<Suite, 'extract' | 'expand'>

/** HKDF (RFC 5869 §2). */
function hkdf(hash: HashPrimitive): Kdf {
  const zeros = new Uint8Array(hash.length)
  return {
    // RFC 5869 §2.2: a salt that is not provided is a string of HashLen zeros.
    extract: (salt, inputKey) => hash.mac(salt.length === 0 ? zeros : salt, inputKey),
    expand: (key, info, length) => {
      // RFC 5869 §2.3: L is at most 255 * HashLen.
      if (length > 255 * hash.length) throw new MlsError('misuse', 'KDF.Expand gives at most 255 hashes')
      const result = new Uint8Array(length)
      let block: Uint8Array = new Uint8Array(0)
      for (let done = 0, counter = 1; done < length; done += hash.length, counter++) {
        block = hash.mac(key, concat(block, info, Uint8Array.of(counter)))
        result.set(block.subarray(0, length - done), done)
      }
      return result
    },
  }
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const uint16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)
const none = new Uint8Array(0)
const hpkeVersion = ascii('HPKE-v1')

/** LabeledExtract and LabeledExpand for one `suite_id` (RFC 9180 §4). */
export function labelledKdf(kdf: Kdf, suiteId: Uint8Array) {
  return {
    extract: (salt: Uint8Array, label: string, inputKey: Uint8Array): Uint8Array =>
      kdf.extract(salt, concat(hpkeVersion, suiteId, ascii(label), inputKey)),
    expand: (key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array =>
      kdf.expand(key, concat(uint16(length), hpkeVersion, suiteId, ascii(label), info), length),
  }
}

type Dhkem = Pick<Suite, 'deriveKeyPair' | 'encapsulate' | 'decapsulate'>

/** DHKEM (RFC 9180 §4.1) on a Diffie-Hellman group. */
function dhkem({ kem, kdf, hashLength, agreement, random }: {
  readonly kem: number
  readonly kdf: Kdf
  readonly hashLength: number
  readonly agreement: AgreementPrimitive
  readonly random: Random
}): Dhkem {
  const labelled = labelledKdf(kdf, concat(ascii('KEM'), uint16(kem)))

  /** ExtractAndExpand(dh, kem_context); Nsecret is the hash's length for every DHKEM of RFC 9180 §7.1. */
  const sharedSecret = (shared: Uint8Array, context: Uint8Array): Secret => {
    const prk = labelled.extract(none, 'eae_prk', shared)
    const secret = new Secret(labelled.expand(prk, 'shared_secret', context, hashLength))
    shared.fill(0)
    prk.fill(0)
    return secret
  }

  const agree = (privateKey: Secret, publicKey: Uint8Array): Uint8Array => {
    if (privateKey.length !== agreement.privateKeyLength) {
      throw new MlsError('misuse', `a private key of this KEM has ${agreement.privateKeyLength} bytes`)
    }
    const shared = agreement.agree(privateKey.unwrap(), publicKey)
    // RFC 9180 §7.1.4: a public key is validated, and for X25519 and X448 an all-zero shared secret aborts.
    check('5.1.3.public-key', shared !== undefined)
    return shared
  }

  const deriveKeyPair = (inputKey: Uint8Array): KeyPair => {
    // RFC 9180 §7.1.3, both variants: the NIST curves try candidates, the others take the bytes as they are.
    const prk = labelled.extract(none, 'dkp_prk', inputKey)
    const mask = agreement.candidateMask
    for (let counter = 0; counter < 256; counter++) {
      const candidate = mask === undefined
        ? labelled.expand(prk, 'sk', none, agreement.privateKeyLength)
        : labelled.expand(prk, 'candidate', Uint8Array.of(counter), agreement.privateKeyLength)
      if (mask !== undefined) candidate[0] = (candidate[0] ?? 0) & mask
      const publicKey = agreement.publicKeyOf(candidate)
      if (publicKey === undefined) continue
      prk.fill(0)
      return { publicKey, privateKey: new Secret(candidate) }
    }
    throw new MlsError('misuse', 'no key pair can be derived from this input (RFC 9180 §7.1.3 DeriveKeyPairError)')
  }

  return {
    deriveKeyPair,
    encapsulate: (publicKey) => {
      // RFC 9180 §7.1.3: a fresh pair may be derived from Nsk random bytes.
      const seed = random(agreement.privateKeyLength)
      const ephemeral = deriveKeyPair(seed)
      seed.fill(0)
      const shared = agree(ephemeral.privateKey, publicKey)
      ephemeral.privateKey.wipe()
      const kemOutput = ephemeral.publicKey
      return { sharedSecret: sharedSecret(shared, concat(kemOutput, publicKey)), kemOutput }
    },
    decapsulate: (kemOutput, key) =>
      sharedSecret(agree(key.privateKey, kemOutput), concat(kemOutput, key.publicKey)),
  }
}

// The portable primitives. noble throws for malformed input: here that becomes `undefined` or `false`.

function orUndefined<T>(compute: () => T): T | undefined {
  try {
    return compute()
  } catch {
    return undefined
  }
}

const portableSha256: HashPrimitive = { length: 32, hash: sha256, mac: (key, data) => hmac(sha256, key, data) }

const portableAes128Gcm: AeadPrimitive = {
  keyLength: 16,
  nonceLength: 12,
  tagLength: 16,
  seal: (key, nonce, aad, plaintext) => gcm(key, nonce, aad).encrypt(plaintext),
  open: (key, nonce, aad, ciphertext) => orUndefined(() => gcm(key, nonce, aad).decrypt(ciphertext)),
}

const portableChaCha20Poly1305: AeadPrimitive = {
  keyLength: 32,
  nonceLength: 12,
  tagLength: 16,
  seal: (key, nonce, aad, plaintext) => chacha20poly1305(key, nonce, aad).encrypt(plaintext),
  open: (key, nonce, aad, ciphertext) => orUndefined(() => chacha20poly1305(key, nonce, aad).decrypt(ciphertext)),
}

/** Little-endian, as RFC 8032 §5.1.2 encodes integers. */
function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0)
  return value
}

/**
 * Ed25519 (RFC 8032 §5.1.7) with one verdict: cofactorless, S below the group order, A and R canonical and not of
 * small order. noble's own `verify` is cofactored even with `zip215: false` and accepts signatures that libsodium
 * and OpenSSL refuse; in a group that would be a fork made by an attacker.
 */
function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  const { Point } = ed25519
  const order = Point.Fn.ORDER
  const encodedR = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  if (s >= order) return false
  return orUndefined(() => {
    const a = Point.fromBytes(publicKey, false)
    if (a.isSmallOrder() || Point.fromBytes(encodedR, false).isSmallOrder()) return false
    const k = littleEndian(sha512(concat(encodedR, publicKey, message))) % order
    return equal(Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes(), encodedR)
  }) ?? false
}

const portableEd25519: SignaturePrimitive = {
  keyPair: (random) => {
    const seed = random(32)
    return { publicKey: ed25519.getPublicKey(seed), privateKey: new Secret(seed) }
  },
  sign: (privateKey, message) => {
    if (privateKey.length !== 32) throw new MlsError('misuse', 'an Ed25519 private key has 32 bytes')
    return ed25519.sign(message, privateKey.unwrap())
  },
  verify: verifyEd25519,
}

/** RFC 8446 §4.2.8.2: an UncompressedPointRepresentation of P-256 is the octet 4 and two coordinates. */
export const isUncompressedP256 = (publicKey: Uint8Array): boolean => publicKey.length === 65 && publicKey[0] === 4

/**
 * The two scalars of a DER-encoded ECDSA signature (RFC 9420 §5.1.2), 32 bytes each, or undefined unless the encoding
 * is the one that DER allows and both are in range. Every implementation judges signatures by this one parser.
 */
export const p256Scalars = (signature: Uint8Array): Uint8Array | undefined =>
  orUndefined(() => p256.Signature.fromBytes(signature, 'der').toBytes('compact'))

/** Random bytes that are a scalar from 1 to the order of P-256 less 1. */
export function randomP256Scalar(random: Random): Uint8Array {
  for (;;) {
    const scalar = random(32)
    if (p256.utils.isValidSecretKey(scalar)) return scalar
  }
}

/** Throws `MlsError('misuse')` unless the bytes are a private key of P-256: 32 bytes, in range. */
export function checkP256PrivateKey(privateKey: Secret): void {
  if (!p256.utils.isValidSecretKey(privateKey.unwrap())) {
    throw new MlsError('misuse', 'a P-256 private key is a scalar of 32 bytes from 1 to the order less 1')
  }
}

const portableP256Signature: SignaturePrimitive = {
  keyPair: (random) => {
    const scalar = randomP256Scalar(random)
    return { publicKey: p256.getPublicKey(scalar, false), privateKey: new Secret(scalar) }
  },
  sign: (privateKey, message) => {
    checkP256PrivateKey(privateKey)
    return p256.sign(message, privateKey.unwrap(), { format: 'der' })
  },
  verify: (publicKey, message, signature) => {
    const scalars = isUncompressedP256(publicKey) ? p256Scalars(signature) : undefined
    if (scalars === undefined) return false
    // FIPS 186-5 §6.4.2 accepts S of either half; so do OpenSSL and BoringSSL.
    return orUndefined(() => p256.verify(scalars, message, publicKey, { lowS: false })) ?? false
  },
}

const portableX25519: AgreementPrimitive = {
  privateKeyLength: 32,
  candidateMask: undefined,
  publicKeyOf: (privateKey) => x25519.getPublicKey(privateKey),
  agree: (privateKey, publicKey) => orUndefined(() => x25519.getSharedSecret(privateKey, publicKey)),
}

const portableP256Agreement: AgreementPrimitive = {
  privateKeyLength: 32,
  candidateMask: 0xff,
  publicKeyOf: (privateKey) => orUndefined(() => p256.getPublicKey(privateKey, false)),
  agree: (privateKey, publicKey) => {
    if (!isUncompressedP256(publicKey)) return undefined
    // RFC 9180 §4.1: the shared value is the X coordinate alone; noble puts one octet before it.
    return orUndefined(() => p256.getSharedSecret(privateKey, publicKey, true).slice(1))
  },
}

export const portablePrimitives: Primitives = {
  hashes: { sha256: portableSha256 },
  aeads: { aes128gcm: portableAes128Gcm, chacha20poly1305: portableChaCha20Poly1305 },
  signatures: { ed25519: portableEd25519, p256: portableP256Signature },
  agreements: { x25519: portableX25519, p256: portableP256Agreement },
}
