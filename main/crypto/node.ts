import type nodeCrypto from 'node:crypto'
import {
  concat, fromHex, type AeadPrimitive, type AgreementPrimitive, type HashPrimitive, type SignaturePrimitive,
} from '../mls/index.ts'

// The primitives of node:crypto: OpenSSL's in Node, BoringSSL's in Electron.

/** What is used of node:crypto: a parameter, so that a test can play a host that lacks a part of it. */
export type NodeCrypto = Pick<
  typeof nodeCrypto,
  | 'hash' | 'createCipheriv' | 'createDecipheriv' | 'createECDH' | 'createPrivateKey' | 'createPublicKey'
  | 'createSecretKey' | 'sign' | 'verify'
>

/** A Buffer's bytes as the plain Uint8Array that the engine works with: `slice` of a Buffer does not copy. */
export const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)

/** FIPS 180-4 §1: the length of a block and of the hash, in bytes. */
const hashForms = {
  sha256: { blockLength: 64, hashLength: 32 },
  sha384: { blockLength: 128, hashLength: 48 },
  sha512: { blockLength: 128, hashLength: 64 },
} as const

export function nodeHash(node: NodeCrypto, name: keyof typeof hashForms): HashPrimitive {
  const { blockLength, hashLength } = hashForms[name]
  const hash = (data: Uint8Array): Uint8Array => plain(node.hash(name, data, 'buffer'))

  /** HMAC (RFC 2104 §2) of two one-shot hashes: three times as fast as an Hmac object. */
  const mac = (key: Uint8Array, data: Uint8Array): Uint8Array => {
    const short = key.length > blockLength ? hash(key) : key
    const inner = new Uint8Array(blockLength + data.length).fill(0x36, 0, blockLength)
    const outer = new Uint8Array(blockLength + hashLength).fill(0x5c, 0, blockLength)
    for (const [at, octet] of short.entries()) {
      inner[at] = octet ^ 0x36
      outer[at] = octet ^ 0x5c
    }
    inner.set(data, blockLength)
    outer.set(hash(inner), blockLength)
    const result = hash(outer)
    inner.fill(0)
    outer.fill(0)
    return result
  }

  return { hash, mac }
}

// Given bytes in place of a key object, Node looks long whether they are another kind of key: three times the cost.
export const nodeGcm = (node: NodeCrypto, name: 'aes-128-gcm' | 'aes-256-gcm'): AeadPrimitive => ({
  seal: (key, nonce, aad, plaintext) => {
    const cipher = node.createCipheriv(name, node.createSecretKey(key), nonce)
    cipher.setAAD(aad)
    return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
  },
  open: (key, nonce, aad, ciphertext) => {
    const end = ciphertext.length - 16
    const decipher = node.createDecipheriv(name, node.createSecretKey(key), nonce, { authTagLength: 16 })
    decipher.setAAD(aad)
    decipher.setAuthTag(ciphertext.subarray(end))
    return concat(decipher.update(ciphertext.subarray(0, end)), decipher.final())
  },
})

/**
 * The NIST curves in node:crypto: OpenSSL's name, the hash that RFC 9420 §17.1 signs with, and what stands before the
 * point in a SubjectPublicKeyInfo (RFC 5480 §2) and before the scalar in a PrivateKeyInfo without the public key
 * (RFC 5958 §2, RFC 5915 §3).
 */
const nistCurves = {
  p256: {
    name: 'prime256v1', hash: 'sha256',
    spkiPrefix: fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
    pkcs8Prefix: fromHex('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'),
  },
  p384: {
    name: 'secp384r1', hash: 'sha384',
    spkiPrefix: fromHex('3076301006072a8648ce3d020106052b81040022036200'),
    pkcs8Prefix: fromHex('304e020100301006072a8648ce3d020106052b81040022043730350201010430'),
  },
  p521: {
    name: 'secp521r1', hash: 'sha512',
    spkiPrefix: fromHex('30819b301006072a8648ce3d020106052b8104002303818600'),
    pkcs8Prefix: fromHex('3060020100301006072a8648ce3d020106052b81040023044930470201010442'),
  },
} as const

/** ECDH with a private key; setting it computes its public key as well. */
function ecdhOf(node: NodeCrypto, name: string, privateKey: Uint8Array) {
  const ecdh = node.createECDH(name)
  ecdh.setPrivateKey(privateKey)
  return ecdh
}

export function nodeEcdsa(node: NodeCrypto, curve: keyof typeof nistCurves): SignaturePrimitive {
  const { name, hash, spkiPrefix, pkcs8Prefix } = nistCurves[curve]
  return {
    publicKeyOf: (privateKey) => plain(ecdhOf(node, name, privateKey).getPublicKey()),
    sign: (privateKey, message) => {
      const der = concat(pkcs8Prefix, privateKey)
      // RFC 9420 §5.1.2: ECDSA signatures are DER encoded, which is node:crypto's own default.
      const key = node.createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' })
      der.fill(0)
      return plain(node.sign(hash, message, key))
    },
    verify: (publicKey, message, signature) => {
      const spki = Buffer.from(concat(spkiPrefix, publicKey).buffer)
      return node.verify(hash, message, node.createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature)
    },
  }
}

export function nodeEcdh(node: NodeCrypto, curve: keyof typeof nistCurves): AgreementPrimitive {
  const { name } = nistCurves[curve]
  return {
    publicKeyOf: (privateKey) => plain(ecdhOf(node, name, privateKey).getPublicKey()),
    agree: (privateKey, publicKey) => plain(ecdhOf(node, name, privateKey).computeSecret(publicKey)),
  }
}
