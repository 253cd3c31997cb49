import { encode, opaque, struct, uint16, utf8 } from './codec.ts'
import { hpkeOpen, hpkeSealer } from './hpke.ts'
import type { Secret } from './secret.ts'
import type { KeyPair, Suite } from './suite.ts'
import { AuthenticatedContent } from './wire/framing.ts'
import { KeyPackage } from './wire/key-package.ts'
import { limits } from './wire/limits.ts'
import type { HPKECiphertext } from './wire/node.ts'

// Every signature, encryption, derivation and hash reference of MLS carries a label of its own (RFC 9420 §5.1, §5.2,
// §8), so that a value made for one purpose is worth nothing for another.

const Label = utf8(limits.hash)
const prefixed = (label: string): string => `MLS 1.0 ${label}`
const none = new Uint8Array(0)

/** RFC 9420 §5.1.2: `SignContent`. */
const SignContent = struct({ label: Label, content: opaque(limits.group) })

/** RFC 9420 §5.1.3: `EncryptContext`. */
const EncryptContext = struct({ label: Label, context: opaque(limits.group) })

/** RFC 9420 §5.2: `RefHashInput`. */
const RefHashInput = struct({ label: Label, value: opaque(limits.group) })

/** RFC 9420 §8: `KDFLabel`. */
const KDFLabel = struct({ length: uint16, label: Label, context: opaque(limits.group) })

/** SignWithLabel (RFC 9420 §5.1.2). Throws `misuse` for bytes that are no private key. */
export function signWithLabel(suite: Suite, privateKey: Secret, label: string, content: Uint8Array): Uint8Array {
  return suite.sign(privateKey, encode(SignContent, { label: prefixed(label), content }))
}

/** VerifyWithLabel (RFC 9420 §5.1.2): false for every malformed key or signature. */
export function verifyWithLabel(
  suite: Suite, publicKey: Uint8Array, label: string, content: Uint8Array, signature: Uint8Array,
): boolean {
  return suite.verify(publicKey, encode(SignContent, { label: prefixed(label), content }), signature)
}

/** EncryptWithLabel (RFC 9420 §5.1.3) to one public key; throws `MlsError('refused')` for an invalid one. */
export type EncryptWithLabel = (publicKey: Uint8Array, plaintext: Uint8Array) => HPKECiphertext

/** EncryptWithLabel (RFC 9420 §5.1.3) for any number of recipients; the context is hashed once. */
export function encryptorWithLabel(suite: Suite, label: string, context: Uint8Array): EncryptWithLabel {
  const seal = hpkeSealer(suite, encode(EncryptContext, { label: prefixed(label), context }))
  return (publicKey, plaintext) => seal(publicKey, none, plaintext)
}

/** EncryptWithLabel (RFC 9420 §5.1.3). Throws `MlsError('refused')` for an invalid public key. */
export function encryptWithLabel(
  suite: Suite, publicKey: Uint8Array, label: string, context: Uint8Array, plaintext: Uint8Array,
): HPKECiphertext {
  return encryptorWithLabel(suite, label, context)(publicKey, plaintext)
}

/** DecryptWithLabel (RFC 9420 §5.1.3). Throws `MlsError('refused')` when the ciphertext does not open. */
export function decryptWithLabel(
  suite: Suite, key: KeyPair, label: string, context: Uint8Array, sealed: HPKECiphertext,
): Uint8Array {
  return hpkeOpen(suite, key, encode(EncryptContext, { label: prefixed(label), context }), none, sealed)
}

/** ExpandWithLabel (RFC 9420 §8): `length` bytes. Throws `misuse` beyond 255 hashes. */
export function expandWithLabel(
  suite: Suite, secret: Uint8Array, label: string, context: Uint8Array, length: number,
): Uint8Array {
  return suite.expand(secret, encode(KDFLabel, { length, label: prefixed(label), context }), length)
}

/** DeriveSecret (RFC 9420 §8): KDF.Nh bytes. */
export function deriveSecret(suite: Suite, secret: Uint8Array, label: string): Uint8Array {
  return expandWithLabel(suite, secret, label, none, suite.hashLength)
}

/** DeriveTreeSecret (RFC 9420 §9.1): the generation is the context, as four octets. */
export function deriveTreeSecret(
  suite: Suite, secret: Uint8Array, label: string, generation: number, length: number,
): Uint8Array {
  const context = Uint8Array.of(generation >>> 24, generation >>> 16, generation >>> 8, generation)
  return expandWithLabel(suite, secret, label, context, length)
}

/** RefHash (RFC 9420 §5.2), `KDF.Nh` bytes; its labels carry no prefix of their own. */
export function refHash(suite: Suite, label: string, value: Uint8Array): Uint8Array {
  return suite.hash(encode(RefHashInput, { label, value }))
}

/** MakeKeyPackageRef (RFC 9420 §5.2), `KDF.Nh` bytes. */
export function keyPackageRef(suite: Suite, keyPackage: KeyPackage): Uint8Array {
  return refHash(suite, 'MLS 1.0 KeyPackage Reference', encode(KeyPackage, keyPackage))
}

/** MakeProposalRef (RFC 9420 §5.2): of the AuthenticatedContent that carries the proposal. */
export function proposalRef(suite: Suite, proposal: AuthenticatedContent): Uint8Array {
  return refHash(suite, 'MLS 1.0 Proposal Reference', encode(AuthenticatedContent, proposal))
}
