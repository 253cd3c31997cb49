import { encode, equal, secret, struct, type Infer } from '../codec.ts'
import { MlsError } from '../error.ts'
import { signWithLabel, verifyWithLabel } from '../labelled.ts'
import { check } from '../rules.ts'
import type { Suite } from '../suite.ts'
import { encryptionKeyPair, newLeaf, type NewLeaf } from '../tree/leaf.ts'
import { checkUniqueExtensions, listsExtensions, validateLeaf } from '../tree/validate.ts'
import type { Extensions } from '../wire/extension.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import { KeyPackageTBS, mls10 } from '../wire/key-package.ts'
import { limits } from '../wire/limits.ts'
import { checkLifetime, checkVerdict, markValid, trusting, type Authentication, type Valid } from './authentication.ts'
import { lastResortMark } from './last-resort.ts'

const label = 'KeyPackageTBS'

/** The private halves of a KeyPackage; for storage only. The signature key stays with the application. */
export const KeyPackagePrivate = struct({
  initPrivateKey: secret(limits.key),
  encryptionPrivateKey: secret(limits.key),
})
export type KeyPackagePrivate = Infer<typeof KeyPackagePrivate>

/**
 * Makes a KeyPackage and its private keys (RFC 9420 §10). Keep both until a Welcome used it, then wipe the latter; one
 * of last resort until it expires. Throws `misuse` when the capabilities do not list its extensions.
 */
export function generateKeyPackage(suite: Suite, options: NewLeaf & {
  /** Of the KeyPackage, which are not the leaf's. */
  readonly extensions?: Extensions
  /** Marks it as one that may be used more than once (RFC 9420 §16.8), by an extension that must be listed. */
  readonly lastResort?: boolean
}): { readonly keyPackage: Valid<KeyPackage>, readonly privateKeys: KeyPackagePrivate } {
  const { signatureKeyPair, capabilities, lastResort = false } = options
  const extensions = [...options.extensions ?? [], ...lastResort ? [lastResortMark] : []]
  // RFC 9420 §10: extensions of the KeyPackage "MUST be included in the `leaf_node.capabilities` field".
  if (!listsExtensions(capabilities, extensions)) {
    throw new MlsError('misuse', 'the capabilities do not list an extension of the KeyPackage: add it to them')
  }
  // RFC 9420 §10: the init key is unique among this client's KeyPackages, and (§10.1) not the encryption key.
  const init = encryptionKeyPair(suite)
  const { leafNode, encryption } = newLeaf(suite, options)
  const unsigned = { version: mls10, cipherSuite: suite.id, initKey: init.publicKey, leafNode, extensions }
  const signature = signWithLabel(suite, signatureKeyPair.privateKey, label, encode(KeyPackageTBS, unsigned))
  return {
    // What the application says of itself is judged by its own service elsewhere; the rest must be right.
    keyPackage: validateKeyPackage(suite, { ...unsigned, signature }, { authentication: trusting }),
    privateKeys: { initPrivateKey: init.privateKey, encryptionPrivateKey: encryption.privateKey },
  }
}

/**
 * The KeyPackage, when it is valid (RFC 9420 §10.1, §7.3). `now` in seconds since 1970: give it before you add the
 * client (§7.3 then demands that the lifetime has begun and not ended). Throws `refused` with the rule.
 */
export function validateKeyPackage(suite: Suite, keyPackage: KeyPackage, { authentication, now }: {
  readonly authentication: Authentication
  readonly now?: bigint
}): Valid<KeyPackage> {
  const { leafNode, extensions, signature, ...rest } = keyPackage
  // RFC 9420 §10.1: version and cipher suite; there is one version, and `suite` is the group's.
  check('10.1.version', keyPackage.version === mls10)
  check('10.1.cipher-suite', keyPackage.cipherSuite === suite.id)
  validateLeaf(suite, { leafNode, source: 'keyPackage', now })
  // RFC 9420 §10: `init_key` "MUST be a public key for the asymmetric encryption scheme defined by `cipher_suite`".
  check('10.init-key', suite.isEncryptionKey(keyPackage.initKey))
  checkUniqueExtensions(extensions)
  // RFC 9420 §10: "unknown extensions in `KeyPackage.extensions` MUST be ignored". That its maker lists them in the leaf's
  // capabilities is no step of §10.1, and others do not list their GREASE (§13.5 asks for it in leaves alone).
  // RFC 9420 §10.1: "the value of `leaf_node.encryption_key` is different from the value of the `init_key` field".
  check('10.1.init-key', !equal(leafNode.encryptionKey, keyPackage.initKey))
  const signed = encode(KeyPackageTBS, { ...rest, leafNode, extensions })
  check('10.1.signature', verifyWithLabel(suite, leafNode.signatureKey, label, signed, signature))
  checkVerdict('5.3.1.credential', authentication.validate(leafNode.credential, leafNode.signatureKey))
  checkLifetime(leafNode, authentication)
  return markValid(keyPackage)
}
