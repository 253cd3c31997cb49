import { encode, struct, secret, type Infer } from '../codec.ts'
import { deriveSecret, expandWithLabel } from '../labelled.ts'
import { Secret } from '../secret.ts'
import type { KeyPair, Suite } from '../suite.ts'
import { GroupContext } from '../wire/group-context.ts'
import { limits } from '../wire/limits.ts'

const hashSecret = secret(limits.hash)

/**
 * The secrets of one epoch (RFC 9420 §8, Table 4), and a codec to store them. The caller hands `encryptionSecret` to
 * the secret tree and `confirmationKey` to the confirmation tag, and keeps neither (§9.2).
 */
export const EpochSecrets = struct({
  senderDataSecret: hashSecret,
  encryptionSecret: hashSecret,
  exporterSecret: hashSecret,
  externalSecret: hashSecret,
  confirmationKey: hashSecret,
  membershipKey: hashSecret,
  resumptionPsk: hashSecret,
  epochAuthenticator: hashSecret,
  initSecret: hashSecret,
})
export type EpochSecrets = Infer<typeof EpochSecrets>

/** RFC 9420 §8: `joiner_secret` of the epoch whose provisional or new context this is. */
export function joinerSecret(suite: Suite, { initSecret, commitSecret, context }: {
  readonly initSecret: Secret
  /** All zero, of `hashLength` bytes, for a commit without a path (§12.4.2). */
  readonly commitSecret: Secret
  readonly context: GroupContext
}): Secret {
  const extracted = suite.extract(initSecret.unwrap(), commitSecret.unwrap())
  const joiner = expandWithLabel(suite, extracted, 'joiner', encode(GroupContext, context), suite.hashLength)
  extracted.fill(0)
  return new Secret(joiner)
}

/** KDF.Extract of joiner_secret and psk_secret, from which both the welcome and the epoch secret come (§8). */
const memberSecret = (suite: Suite, joiner: Secret, pskSecret: Secret): Uint8Array =>
  suite.extract(joiner.unwrap(), pskSecret.unwrap())

/** RFC 9420 §8: `welcome_secret`. */
export function welcomeSecret(suite: Suite, { joinerSecret, pskSecret }: {
  readonly joinerSecret: Secret
  readonly pskSecret: Secret
}): Secret {
  const member = memberSecret(suite, joinerSecret, pskSecret)
  const welcome = deriveSecret(suite, member, 'welcome')
  member.fill(0)
  return new Secret(welcome)
}

/** RFC 9420 §12.4.3.1: the key and the nonce that encrypt the GroupInfo of a Welcome. */
export function welcomeKey(suite: Suite, welcomeSecret: Secret): { readonly key: Secret, readonly nonce: Uint8Array } {
  const none = new Uint8Array(0)
  return {
    nonce: expandWithLabel(suite, welcomeSecret.unwrap(), 'nonce', none, suite.nonceLength),
    key: new Secret(expandWithLabel(suite, welcomeSecret.unwrap(), 'key', none, suite.keyLength)),
  }
}

/** RFC 9420 §8: everything that derives from `epoch_secret`, which itself does not leave this function. */
export function epochSecrets(suite: Suite, { joinerSecret, pskSecret, context }: {
  readonly joinerSecret: Secret
  /** `pskSecret` of psk.ts; all zero without PSKs (§8.4). */
  readonly pskSecret: Secret
  readonly context: GroupContext
}): EpochSecrets {
  const member = memberSecret(suite, joinerSecret, pskSecret)
  const epoch = expandWithLabel(suite, member, 'epoch', encode(GroupContext, context), suite.hashLength)
  const secrets = epochSecretsOf(suite, new Secret(epoch))
  member.fill(0)
  epoch.fill(0)
  return secrets
}

/** RFC 9420 §8, Table 4. For epoch 0, `epochSecret` is fresh and random (§11); it is not wiped here. */
export function epochSecretsOf(suite: Suite, epochSecret: Secret): EpochSecrets {
  const derive = (label: string): Secret => new Secret(deriveSecret(suite, epochSecret.unwrap(), label))
  return {
    senderDataSecret: derive('sender data'),
    encryptionSecret: derive('encryption'),
    exporterSecret: derive('exporter'),
    externalSecret: derive('external'),
    confirmationKey: derive('confirm'),
    membershipKey: derive('membership'),
    resumptionPsk: derive('resumption'),
    epochAuthenticator: derive('authentication'),
    initSecret: derive('init'),
  }
}

/** MLS-Exporter (RFC 9420 §8.5): `length` bytes, at most 255 hashes. */
export function exporter(
  suite: Suite, secrets: Pick<EpochSecrets, 'exporterSecret'>, label: string, context: Uint8Array, length: number,
): Secret {
  const derived = deriveSecret(suite, secrets.exporterSecret.unwrap(), label)
  const exported = expandWithLabel(suite, derived, 'exported', suite.hash(context), length)
  derived.fill(0)
  return new Secret(exported)
}

/** RFC 9420 §8: the key pair that the whole group holds for external commits. */
export function externalKeyPair(suite: Suite, secrets: Pick<EpochSecrets, 'externalSecret'>): KeyPair {
  return suite.deriveKeyPair(secrets.externalSecret.unwrap())
}
