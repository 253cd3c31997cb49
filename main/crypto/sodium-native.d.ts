/**
 * The part of sodium-native 5.1 that this program uses; the package has no types of its own. Results go into the first
 * argument. Every function throws for a buffer of the wrong length.
 */
declare module 'sodium-native' {
  const sodium: {
    /** `secretKey` of 64 bytes: the seed, then the public key. */
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
    /** Takes signatures that are longer than 64 bytes, and looks at the beginning only. */
    crypto_sign_verify_detached(
      signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array,
    ): boolean

    crypto_scalarmult_base(publicKey: Uint8Array, privateKey: Uint8Array): void
    /** Throws for a public key of small order. */
    crypto_scalarmult(shared: Uint8Array, privateKey: Uint8Array, publicKey: Uint8Array): void

    crypto_aead_chacha20poly1305_ietf_encrypt(
      ciphertext: Uint8Array, message: Uint8Array, aad: Uint8Array, none: null, nonce: Uint8Array, key: Uint8Array,
    ): number
    /** Throws when the ciphertext does not verify. */
    crypto_aead_chacha20poly1305_ietf_decrypt(
      message: Uint8Array, none: null, ciphertext: Uint8Array, aad: Uint8Array, nonce: Uint8Array, key: Uint8Array,
    ): number
  }
  export = sodium
}
