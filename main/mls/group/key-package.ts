import { opaque, secret, struct, type Infer } from '../codec.ts'
import { MlsError } from '../error.ts'
import type { KeyPair, Suite } from '../suite.ts'
import type { Credential } from '../wire/credential.ts'
import type { Extensions } from '../wire/extension.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import { limits } from '../wire/limits.ts'
import type { Capabilities, Lifetime } from '../wire/node.ts'
import type { Authentication, Valid } from './authentication.ts'

/** The private halves of a KeyPackage; for storage only. The signature key stays with the application. */
export const KeyPackagePrivate = struct({
  initPublicKey: opaque(limits.key),
  initPrivateKey: secret(limits.key),
  encryptionPublicKey: opaque(limits.key),
  encryptionPrivateKey: secret(limits.key),
})
export type KeyPackagePrivate = Infer<typeof KeyPackagePrivate>

/** Makes a KeyPackage and its private keys (RFC 9420 §10). Keep both until a Welcome used it, then wipe the latter. */
export function generateKeyPackage(suite: Suite, options: {
  readonly credential: Credential
  readonly signatureKeyPair: KeyPair
  readonly capabilities: Capabilities
  readonly lifetime: Lifetime
  readonly leafExtensions?: Extensions
  readonly extensions?: Extensions
}): { readonly keyPackage: Valid<KeyPackage>, readonly privateKeys: KeyPackagePrivate } {
  void suite; void options
  throw new MlsError('unsupported', 'not written yet')
}

/**
 * The KeyPackage, when it is valid (RFC 9420 §10.1, §7.3). `now` in seconds since 1970: give it before you add the
 * client (§7.3 then demands that the lifetime has begun and not ended). Throws `MlsError('refused')` with the rule.
 */
export function validateKeyPackage(suite: Suite, keyPackage: KeyPackage, options: {
  readonly authentication: Authentication
  readonly now?: bigint
}): Valid<KeyPackage> {
  void suite; void keyPackage; void options
  throw new MlsError('unsupported', 'not written yet')
}
