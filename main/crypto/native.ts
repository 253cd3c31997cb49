import {
  createCipheriv, createDecipheriv, createECDH, createPrivateKey, createPublicKey, hash, randomBytes, sign, verify,
} from 'node:crypto'
import {
  composeSuites, concat, equal, fromHex, portablePrimitives, type AeadPrimitive, type AgreementPrimitive,
  type HashPrimitive, type Primitives, type Random, type SignaturePrimitive, type SuiteOf,
} from '../mls/index.ts'

// The suites on sodium-native and node:crypto, 3 to 40 times as fast as the portable ones. Each primitive is tried at
// start, and replaced by the portable one where the host lacks it or judges differently: what the members of a group
// accept must not depend on their computers. The libraries throw for malformed input; that ends here.

/** libsodium, or undefined where its binary does not load. */
const loadedSodium = await import('sodium-native').then((module) => module.default, () => undefined)

/** Fresh bytes of the operating system's generator. */
export const systemRandom: Random = (length) => plain(randomBytes(length))

/** The suites of RFC 9420 §17.1 on the fastest primitives that this host has and that agree with the portable ones. */
export function nativeSuites(random: Random): SuiteOf {
  return composeSuites(nativePrimitives(), random)
}

/** The primitives of `nativeSuites`; one that failed its probe is the same object as in `portablePrimitives`. */
export function nativePrimitives(sodium: Sodium | undefined = loadedSodium): Primitives {
  const portable = portablePrimitives
  return {
    hashes: { sha256: choose(nodeSha256, portable.hashes.sha256, hashAgrees) },
    aeads: {
      aes128gcm: choose(nodeAes128Gcm, portable.aeads.aes128gcm, aeadAgrees(16)),
      chacha20poly1305: choose(
        sodium && sodiumChaCha20Poly1305(sodium), portable.aeads.chacha20poly1305, aeadAgrees(32),
      ),
    },
    signatures: {
      ed25519: choose(sodium && sodiumEd25519(sodium), portable.signatures.ed25519, ed25519Agrees),
      p256: choose(nodeP256Signature, portable.signatures.p256, p256SignatureAgrees),
    },
    agreements: {
      x25519: choose(sodium && sodiumX25519(sodium), portable.agreements.x25519, agreementAgrees),
      p256: choose(nodeP256Agreement, portable.agreements.p256, agreementAgrees),
    },
  }
}

/** A Buffer's bytes as the plain Uint8Array that the engine works with: `slice` of a Buffer does not copy. */
const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)

function orUndefined<T>(compute: () => T): T | undefined {
  try {
    return compute()
  } catch {
    return undefined
  }
}

// node:crypto

const sha256 = (data: Uint8Array): Uint8Array => plain(hash('sha256', data, 'buffer'))
const blockLength = 64

/** HMAC (RFC 2104 §2) of two one-shot hashes: three times as fast as an Hmac object. */
function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  const short = key.length > blockLength ? sha256(key) : key
  const inner = new Uint8Array(blockLength + data.length).fill(0x36, 0, blockLength)
  const outer = new Uint8Array(blockLength + 32).fill(0x5c, 0, blockLength)
  for (const [at, octet] of short.entries()) {
    inner[at] = octet ^ 0x36
    outer[at] = octet ^ 0x5c
  }
  inner.set(data, blockLength)
  outer.set(sha256(inner), blockLength)
  const mac = sha256(outer)
  inner.fill(0)
  outer.fill(0)
  return mac
}

const nodeSha256: HashPrimitive = { hash: sha256, mac: hmacSha256 }

const nodeAes128Gcm: AeadPrimitive = {
  seal: (key, nonce, aad, plaintext) => {
    const cipher = createCipheriv('aes-128-gcm', key, nonce)
    cipher.setAAD(aad)
    return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
  },
  open: (key, nonce, aad, ciphertext) => orUndefined(() => {
    const end = ciphertext.length - 16
    const decipher = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: 16 })
    decipher.setAAD(aad)
    decipher.setAuthTag(ciphertext.subarray(end))
    return concat(decipher.update(ciphertext.subarray(0, end)), decipher.final())
  }),
}

/** RFC 5480 §2: what stands before the point in a SubjectPublicKeyInfo of P-256. */
const spkiPrefix = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200')
/** RFC 5958 §2: what stands before the scalar in a PrivateKeyInfo of P-256 without the public key. */
const pkcs8Prefix = fromHex('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420')

/** ECDH with a private key; setting it computes its public key as well. */
function p256Ecdh(privateKey: Uint8Array) {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(privateKey)
  return ecdh
}

const nodeP256Signature: SignaturePrimitive = {
  publicKeyOf: (privateKey) => plain(p256Ecdh(privateKey).getPublicKey()),
  sign: (privateKey, message) => {
    const der = concat(pkcs8Prefix, privateKey)
    // RFC 9420 §5.1.2: ECDSA signatures are DER encoded, which is node:crypto's own default.
    const key = createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' })
    der.fill(0)
    return plain(sign('sha256', message, key))
  },
  verify: (publicKey, message, signature) => orUndefined(() => {
    const spki = Buffer.from(concat(spkiPrefix, publicKey).buffer)
    return verify('sha256', message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature)
  }) ?? false,
}

const nodeP256Agreement: AgreementPrimitive = {
  publicKeyOf: (privateKey) => plain(p256Ecdh(privateKey).getPublicKey()),
  agree: (privateKey, publicKey) => orUndefined(() => plain(p256Ecdh(privateKey).computeSecret(publicKey))),
}

// sodium-native

type Sodium = NonNullable<typeof loadedSodium>

function sodiumEd25519(sodium: Sodium): SignaturePrimitive {
  /** libsodium signs with seed and public key together; only the public half is remembered. */
  const publicKeys = new WeakMap<Uint8Array, Uint8Array>()

  const publicKeyOf = (privateKey: Uint8Array): Uint8Array => {
    const publicKey = new Uint8Array(32)
    const secretKey = new Uint8Array(64)
    sodium.crypto_sign_seed_keypair(publicKey, secretKey, privateKey)
    secretKey.fill(0)
    return publicKey
  }

  return {
    publicKeyOf,
    sign: (privateKey, message) => {
      const publicKey = publicKeys.get(privateKey) ?? publicKeyOf(privateKey)
      publicKeys.set(privateKey, publicKey)
      const secretKey = concat(privateKey, publicKey)
      const signature = new Uint8Array(64)
      sodium.crypto_sign_detached(signature, message, secretKey)
      secretKey.fill(0)
      return signature
    },
    verify: (publicKey, message, signature) =>
      orUndefined(() => sodium.crypto_sign_verify_detached(signature, message, publicKey)) ?? false,
  }
}

function sodiumX25519(sodium: Sodium): AgreementPrimitive {
  return {
    publicKeyOf: (privateKey) => {
      const publicKey = new Uint8Array(32)
      sodium.crypto_scalarmult_base(publicKey, privateKey)
      return publicKey
    },
    agree: (privateKey, publicKey) => orUndefined(() => {
      const shared = new Uint8Array(32)
      sodium.crypto_scalarmult(shared, privateKey, publicKey)
      return shared
    }),
  }
}

function sodiumChaCha20Poly1305(sodium: Sodium): AeadPrimitive {
  return {
    seal: (key, nonce, aad, plaintext) => {
      const ciphertext = new Uint8Array(plaintext.length + 16)
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(ciphertext, plaintext, aad, null, nonce, key)
      return ciphertext
    },
    open: (key, nonce, aad, ciphertext) => orUndefined(() => {
      const plaintext = new Uint8Array(ciphertext.length - 16)
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, null, ciphertext, aad, nonce, key)
      return plaintext
    }),
  }
}

// Probes: a few inputs on which the candidate and the portable primitive must agree. About 15 ms for all of them.

function choose<T>(candidate: T | undefined, portable: T, agrees: (candidate: T, portable: T) => boolean): T {
  if (candidate === undefined) return portable
  return orUndefined(() => agrees(candidate, portable)) === true ? candidate : portable
}

const sample = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7 + 1) & 0xff)

/** A private key of every curve that has keys of 32 bytes. */
const privateKey = sample(32)

function hashAgrees(candidate: HashPrimitive, portable: HashPrimitive): boolean {
  return [0, 1, 64, 200].every((length) => {
    const data = sample(length)
    return equal(candidate.hash(data), portable.hash(data))
      && equal(candidate.mac(data, data), portable.mac(data, data))
  })
}

const aeadAgrees = (keyLength: number) => (candidate: AeadPrimitive, portable: AeadPrimitive): boolean => {
  const key = sample(keyLength)
  const nonce = sample(12)
  return [0, 1, 100].every((length) => {
    const data = sample(length)
    const sealed = portable.seal(key, nonce, data, data)
    const opened = candidate.open(key, nonce, data, sealed)
    const changed = sealed.map((octet, at) => at === 0 ? octet ^ 1 : octet)
    return equal(candidate.seal(key, nonce, data, data), sealed) && opened !== undefined && equal(opened, data)
      && candidate.open(key, nonce, data, changed) === undefined
  })
}

function agreementAgrees(candidate: AgreementPrimitive, portable: AgreementPrimitive): boolean {
  const publicKey = portable.publicKeyOf(privateKey)
  const shared = portable.agree(privateKey, publicKey)
  const candidateShared = candidate.agree(privateKey, publicKey)
  return equal(publicKey, candidate.publicKeyOf(privateKey))
    && shared !== undefined && candidateShared !== undefined && equal(shared, candidateShared)
    && candidate.agree(privateKey, publicKey.map((_, at) => publicKey.length > 32 && at === 0 ? 4 : 0)) === undefined
}

/**
 * Signatures over "coppice": an honest one, and five on which Ed25519 libraries disagree: a mixed-order A, a mixed-order
 * R, a small-order A, a small-order R, and S + L. noble's own `verify` accepts the first two of them and the fourth;
 * here all five are refused.
 */
const honestKey = '17ffad8068dc0de9935d36636f3ad1b5de6de3413b12388e453b05f2a4c1d3db'
const honestR = '7db0dc9222f3c183457ddde4c708de8e5ea6bf3d5c4404cca14b32729a05c32a'
const ed25519Cases: readonly (readonly [key: string, signature: string, valid: boolean])[] = [
  [honestKey, `${honestR}d7a01f2b40c9eaf0a72c14dc030dfbcbf814d53557c598fb431337844cb45401`, true],
  ['d63c01223147541df4e170763e9e2788a8bf5971f52a93c5829dbe6f5ff6bba9',
    `${honestR}d5a745edca3be3665fc2b3332255e17fb7e1aef4533ae0c4283f5782b98a3a0f`, false],
  [honestKey, '6999d5cb5126005c325892f1c6eab824b310708befff12fbaf45dda050cb12f0'
    + '5d708eafc45d523716da6c4b234d81e566287916794475d6d00be3e03894dc02', false],
  ['c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    `${honestR}b168de3a00000000000000000000000000000000000000000000000000000000`, false],
  [honestKey, 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'
    + '0b0fc4e6cbcc45d4e11528cdd41ae46923c9368e95edcd11c20621480db05105', false],
  [honestKey, `${honestR}c47415885a2cfd487ec90b7fe206dae0f814d53557c598fb431337844cb45411`, false],
]

function ed25519Agrees(candidate: SignaturePrimitive, portable: SignaturePrimitive): boolean {
  const message = new TextEncoder().encode('coppice')
  const publicKey = candidate.publicKeyOf(privateKey)
  const signature = candidate.sign(privateKey, message)
  return equal(publicKey, portable.publicKeyOf(privateKey)) && equal(signature, portable.sign(privateKey, message))
    && candidate.verify(publicKey, message, signature)
    && ed25519Cases.every(([key, crafted, valid]) =>
      candidate.verify(fromHex(key), message, fromHex(crafted)) === valid)
}

function p256SignatureAgrees(candidate: SignaturePrimitive, portable: SignaturePrimitive): boolean {
  const message = sample(20)
  const publicKey = candidate.publicKeyOf(privateKey)
  const signature = candidate.sign(privateKey, message)
  return equal(publicKey, portable.publicKeyOf(privateKey)) && portable.verify(publicKey, message, signature)
    && candidate.verify(publicKey, message, portable.sign(privateKey, message))
    && !candidate.verify(publicKey, sample(21), signature)
}
