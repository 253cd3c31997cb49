import { equal } from '../codec.ts'
import { MlsError } from '../error.ts'
import { rules, type RuleId } from '../rules.ts'
import type { Credential } from '../wire/credential.ts'
import type { LeafNode, Lifetime } from '../wire/node.ts'

/**
 * The application's authentication service (RFC 9420 §5.3.1). Its verdicts must follow from bytes that every member
 * has: members who judge differently fork the group. None of its functions may throw.
 *
 * The engine carries credentials of every type and looks into none. One that takes X.509 (§5.3) must itself check that
 * `certificates[0]` is the end entity's, that its `subjectPublicKeyInfo` holds exactly `signatureKey` (an Ed25519, Ed448
 * or ECDSA key of the suite's curve; for ECDSA the uncompressed point), that each certificate is signed by the next one
 * (those may be left out that members have anyway) up to an anchor that all members trust, with the constraints of
 * RFC 5280 (CA flag, path length, key usage, names), and that the names in it are those that the application expects.
 * Whether a certificate had expired is for the moment to say at which the member came, not for today (§5.3.2).
 */
export interface Authentication {
  /** `undefined` when the credential is valid for that signature key, else the reason in a few words. */
  validate(credential: Credential, signatureKey: Uint8Array): string | undefined
  /**
   * `undefined` when a leaf may have that lifetime, else the reason. RFC 9420 §7.2: "Applications MUST define a maximum
   * total lifetime that is acceptable for a LeafNode". Without this function, every lifetime is.
   */
  validateLifetime?(lifetime: Lifetime): string | undefined
  /** Whether `after` may replace `before` in the same leaf (updates, commits, external resync), else the reason. */
  validateSuccessor(before: Credential, after: Credential): string | undefined
  /** Whether both present the same client, which may be in a group only once (RFC 9420 §12.2). */
  sameClient(a: Credential, b: Credential): boolean
}

/** Accepts every credential and tells clients apart by their signature keys alone: for test vectors and tests. */
export const trusting: Authentication = {
  validate: () => undefined,
  validateSuccessor: () => undefined,
  sameClient: () => false,
}

declare const valid: unique symbol
/** A value whose validation succeeded; only validation gives this type. */
export type Valid<T> = T & { readonly [valid]: true }

/** Marks what was just validated. For the functions that validate, and for nobody else. */
export const markValid = <T>(value: T): Valid<T> => value as Valid<T>

/** Refuses with the reason that the authentication service gave, if it gave one. */
export function checkVerdict(rule: RuleId, reason: string | undefined): void {
  if (reason !== undefined) throw new MlsError('refused', `${rules[rule].sentence} (${reason})`, rule)
}

/** RFC 9420 §7.2: refuses a leaf from a KeyPackage whose lifetime the application does not accept. */
export function checkLifetime({ leafNodeSource: source }: LeafNode, authentication: Authentication): void {
  if (source.type === 'keyPackage') checkVerdict('7.2.lifetime', authentication.validateLifetime?.(source.lifetime))
}

/** Whether two leaves are of one client, as RFC 9420 §12.2 means it: the same signature key, or by the application. */
export const isSameClient = (
  authentication: Authentication,
  a: { readonly credential: Credential, readonly signatureKey: Uint8Array },
  b: { readonly credential: Credential, readonly signatureKey: Uint8Array },
): boolean => equal(a.signatureKey, b.signatureKey) || authentication.sameClient(a.credential, b.credential)
