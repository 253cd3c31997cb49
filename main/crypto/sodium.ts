import type sodiumNative from 'sodium-native'
import { concat, type AeadPrimitive, type AgreementPrimitive, type SignaturePrimitive } from '../mls/index.ts'

// The primitives of sodium-native: libsodium, with its own binary beside the host's.

export type Sodium = typeof sodiumNative

export function sodiumEd25519(sodium: Sodium): SignaturePrimitive {
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
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
  }
}

export function sodiumX25519(sodium: Sodium): AgreementPrimitive {
  return {
    publicKeyOf: (privateKey) => {
      const publicKey = new Uint8Array(32)
      sodium.crypto_scalarmult_base(publicKey, privateKey)
      return publicKey
    },
    agree: (privateKey, publicKey) => {
      const shared = new Uint8Array(32)
      sodium.crypto_scalarmult(shared, privateKey, publicKey)
      return shared
    },
  }
}

export function sodiumChaCha20Poly1305(sodium: Sodium): AeadPrimitive {
  return {
    seal: (key, nonce, aad, plaintext) => {
      const ciphertext = new Uint8Array(plaintext.length + 16)
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(ciphertext, plaintext, aad, null, nonce, key)
      return ciphertext
    },
    open: (key, nonce, aad, ciphertext) => {
      const plaintext = new Uint8Array(ciphertext.length - 16)
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, null, ciphertext, aad, nonce, key)
      return plaintext
    },
  }
}
