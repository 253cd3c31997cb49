import { concat } from './codec.ts'
import { MlsError } from './error.ts'
import {
  aeadForms, agreementForms, hashLengths, signatureForms, type AeadForm, type AeadPrimitive, type AgreementForm,
  type AgreementPrimitive, type Primitives, type SignatureForm, type SignaturePrimitive,
} from './primitives.ts'
import { check } from './rules.ts'
import { Secret } from './secret.ts'

/** A public key and its private key, in the formats of RFC 9420 §5.1.1 and RFC 9180 §7.1.2. */
export type KeyPair = { readonly publicKey: Uint8Array, readonly privateKey: Secret }

/**
 * What a cipher suite gives (RFC 9420 §5.1): HPKE's KEM, KDF and AEAD, hash, MAC and signatures. All of it is
 * synchronous; nothing changes its arguments. Private keys: seeds for Ed25519 (32 bytes) and Ed448 (57 bytes), scalars
 * for the other curves.
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
  /** Whether KEM.Encap takes this public key: the same answer in every implementation. */
  isEncryptionKey(publicKey: Uint8Array): boolean
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
  {
    id: 4, name: 'MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448', kem: 0x0021, kdf: 0x0003, aead: 0x0002,
    agreement: 'x448', cipher: 'aes256gcm', hash: 'sha512', signature: 'ed448',
  },
  {
    id: 5, name: 'MLS_256_DHKEMP521_AES256GCM_SHA512_P521', kem: 0x0012, kdf: 0x0003, aead: 0x0002,
    agreement: 'p521', cipher: 'aes256gcm', hash: 'sha512', signature: 'p521',
  },
  {
    id: 6, name: 'MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448', kem: 0x0021, kdf: 0x0003, aead: 0x0003,
    agreement: 'x448', cipher: 'chacha20poly1305', hash: 'sha512', signature: 'ed448',
  },
  {
    id: 7, name: 'MLS_256_DHKEMP384_AES256GCM_SHA384_P384', kem: 0x0011, kdf: 0x0002, aead: 0x0002,
    agreement: 'p384', cipher: 'aes256gcm', hash: 'sha384', signature: 'p384',
  },
]

/** The suites that these primitives make. */
export function composeSuites(primitives: Primitives, random: Random): SuiteOf {
  const suites = new Map(suiteTable.map((row) => [row.id, composeSuite(row, primitives, random)]))
  return (id) => suites.get(id)
}

function composeSuite(row: SuiteRow, primitives: Primitives, random: Random): Suite {
  const { hash, mac } = primitives.hashes[row.hash]
  const hashLength = hashLengths[row.hash]
  const kdf = hkdf(mac, hashLength)
  return {
    id: row.id, name: row.name, kem: row.kem, kdf: row.kdf, aead: row.aead,
    hashLength, hash, mac, ...kdf,
    ...aead(aeadForms[row.cipher], primitives.aeads[row.cipher]),
    ...signature(signatureForms[row.signature], primitives.signatures[row.signature], random),
    ...dhkem({
      kem: row.kem, kdf, hashLength, form: agreementForms[row.agreement],
      primitive: primitives.agreements[row.agreement], random,
    }),
    random,
  }
}

/** What a primitive gives; undefined where it throws in order to refuse. */
function orUndefined<T>(compute: () => T): T | undefined {
  try {
    return compute()
  } catch {
    return undefined
  }
}

/** An AEAD whose lengths are checked (RFC 9180 §7.3). */
function aead(form: AeadForm, primitive: AeadPrimitive): AeadForm & Pick<Suite, 'seal' | 'open'> {
  const { keyLength, nonceLength, tagLength } = form
  const checkLengths = (key: Uint8Array, nonce: Uint8Array): void => {
    if (key.length === keyLength && nonce.length === nonceLength) return
    throw new MlsError('misuse', `this cipher takes a key of ${keyLength} and a nonce of ${nonceLength} bytes`)
  }
  return {
    ...form,
    seal: (key, nonce, aad, plaintext) => {
      checkLengths(key, nonce)
      return primitive.seal(key, nonce, aad, plaintext)
    },
    open: (key, nonce, aad, ciphertext) => {
      checkLengths(key, nonce)
      if (ciphertext.length < tagLength) return undefined
      return orUndefined(() => primitive.open(key, nonce, aad, ciphertext))
    },
  }
}

/** A signature scheme whose encodings are checked (RFC 9420 §5.1.1 and §5.1.2). */
function signature(
  form: SignatureForm, primitive: SignaturePrimitive, random: Random,
): Pick<Suite, 'signatureKeyPair' | 'signatureKeyPairFrom' | 'sign' | 'verify'> {
  const checkPrivateKey = (privateKey: Uint8Array): void => {
    if (form.isPrivateKey(privateKey)) return
    throw new MlsError('misuse', `a private key of this scheme has ${form.privateKeyLength} bytes, in range`)
  }
  const pair = (privateKey: Uint8Array): KeyPair =>
    ({ publicKey: primitive.publicKeyOf(privateKey), privateKey: new Secret(privateKey) })
  return {
    signatureKeyPair: () => {
      let privateKey = random(form.privateKeyLength)
      while (!form.isPrivateKey(privateKey)) privateKey = random(form.privateKeyLength)
      return pair(privateKey)
    },
    signatureKeyPairFrom: (privateKey) => {
      checkPrivateKey(privateKey)
      return pair(privateKey.slice())
    },
    sign: (privateKey, message) => {
      checkPrivateKey(privateKey.unwrap())
      return primitive.sign(privateKey.unwrap(), message)
    },
    verify: (publicKey, message, signature) =>
      form.isPublicKey(publicKey) && form.isSignature(signature)
      && orUndefined(() => primitive.verify(publicKey, message, signature)) === true,
  }
}

/** HKDF's two halves. */
export type Kdf = Pick<Suite, 'extract' | 'expand'>

/** HKDF (RFC 5869 §2). */
function hkdf(mac: Suite['mac'], hashLength: number): Kdf {
  const zeros = new Uint8Array(hashLength)
  return {
    // RFC 5869 §2.2: a salt that is not provided is a string of HashLen zeros.
    extract: (salt, inputKey) => mac(salt.length === 0 ? zeros : salt, inputKey),
    expand: (key, info, length) => {
      // RFC 5869 §2.3: L is at most 255 * HashLen.
      if (length > 255 * hashLength) throw new MlsError('misuse', 'KDF.Expand gives at most 255 hashes')
      const result = new Uint8Array(length)
      let block: Uint8Array = new Uint8Array(0)
      for (let done = 0, counter = 1; done < length; done += hashLength, counter++) {
        block = mac(key, concat(block, info, Uint8Array.of(counter)))
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

type Dhkem = Pick<Suite, 'isEncryptionKey' | 'deriveKeyPair' | 'encapsulate' | 'decapsulate'>

/** DHKEM (RFC 9180 §4.1) on a Diffie-Hellman group. */
function dhkem({ kem, kdf, hashLength, form, primitive, random }: {
  readonly kem: number
  readonly kdf: Kdf
  readonly hashLength: number
  readonly form: AgreementForm
  readonly primitive: AgreementPrimitive
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
    if (!form.isPrivateKey(privateKey.unwrap())) {
      throw new MlsError('misuse', `a private key of this KEM has ${form.privateKeyLength} bytes, in range`)
    }
    const shared = form.isPublicKey(publicKey)
      ? orUndefined(() => primitive.agree(privateKey.unwrap(), publicKey))
      : undefined
    // RFC 9180 §7.1.4: a public key is validated, and for X25519 and X448 an all-zero shared secret aborts.
    check('5.1.3.public-key', shared !== undefined)
    return shared
  }

  const deriveKeyPair = (inputKey: Uint8Array): KeyPair => {
    // RFC 9180 §7.1.3, both variants: the NIST curves try candidates, the others take the bytes as they are.
    const prk = labelled.extract(none, 'dkp_prk', inputKey)
    const mask = form.candidateMask
    for (let counter = 0; counter < 256; counter++) {
      const candidate = mask === undefined
        ? labelled.expand(prk, 'sk', none, form.privateKeyLength)
        : labelled.expand(prk, 'candidate', Uint8Array.of(counter), form.privateKeyLength)
      if (mask !== undefined) candidate[0] = (candidate[0] ?? 0) & mask
      if (!form.isPrivateKey(candidate)) continue
      prk.fill(0)
      return { publicKey: primitive.publicKeyOf(candidate), privateKey: new Secret(candidate) }
    }
    throw new MlsError('misuse', 'no key pair can be derived from this input (RFC 9180 §7.1.3 DeriveKeyPairError)')
  }

  return {
    isEncryptionKey: form.isPublicKey,
    deriveKeyPair,
    encapsulate: (publicKey) => {
      // RFC 9180 §7.1.3: a fresh pair may be derived from Nsk random bytes.
      const seed = random(form.privateKeyLength)
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
