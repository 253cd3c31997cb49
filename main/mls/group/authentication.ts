import { MlsError } from '../error.ts'
import { rules, type RuleId } from '../rules.ts'
import { KeySet } from '../tree/distinct-keys.ts'
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
  /**
   * The client that a credential presents, in a text of your own: the same for all its credentials, and for no others.
   * A client may be in a group only once (RFC 9420 §12.2). `undefined`: no client that you know.
   */
  clientOf(credential: Credential): string | undefined
}

/** Accepts every credential and tells clients apart by their signature keys alone: for test vectors and tests. */
export const trusting: Authentication = {
  validate: () => undefined,
  validateSuccessor: () => undefined,
  clientOf: () => undefined,
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

/** What shows of a client in its leaf. */
export type Client = Pick<LeafNode, 'credential' | 'signatureKey'>

/**
 * Clients, told apart as RFC 9420 §12.2 means it: by the signature key, and by the application. A look-up costs the
 * same however many there are.
 */
export class ClientSet {
  readonly #authentication: Authentication
  readonly #keys = new KeySet()
  readonly #names = new Set<string>()

  constructor(authentication: Authentication, clients: Iterable<Client> = []) {
    this.#authentication = authentication
    for (const client of clients) this.add(client)
  }

  add({ credential, signatureKey }: Client): void {
    this.#keys.add(signatureKey)
    const name = this.#authentication.clientOf(credential)
    if (name !== undefined) this.#names.add(name)
  }

  has({ credential, signatureKey }: Client): boolean {
    if (this.#keys.has(signatureKey)) return true
    if (this.#names.size === 0) return false
    const name = this.#authentication.clientOf(credential)
    return name !== undefined && this.#names.has(name)
  }
}
