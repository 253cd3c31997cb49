import { MlsError } from '../error.ts'
import type { Secret } from '../secret.ts'
import type { SuiteOf } from '../suite.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import type { LeafIndex, Node } from '../wire/node.ts'
import type { Welcome } from '../wire/welcome.ts'
import type { Authentication } from './authentication.ts'
import type { KeyPackagePrivate } from './key-package.ts'
import type { Group, PskLookup } from './state.ts'

export type Joined = {
  readonly group: Group
  /** Who made the Welcome (RFC 9420 §12.4.3). */
  readonly groupInfoSigner: LeafIndex
  /** The init key among them: a KeyPackage is used once, unless it is one of last resort. */
  readonly wipe: readonly Secret[]
}

/**
 * Joins by a Welcome (RFC 9420 §12.4.3.1). Throws `undecided` when a PSK or the ratchet tree is missing, `refused`
 * with the rule when the Welcome or the group's tree is invalid or not for this KeyPackage.
 */
export function join(options: {
  readonly suiteOf: SuiteOf
  readonly welcome: Welcome
  readonly keyPackage: KeyPackage
  readonly privateKeys: KeyPackagePrivate
  readonly signaturePrivateKey: Secret
  /** Where the GroupInfo carries none (RFC 9420 §12.4.3.3). */
  readonly ratchetTree?: readonly (Node | undefined)[]
  readonly psks?: PskLookup
  readonly authentication: Authentication
  /** Whether this client is in a group of that id already (RFC 9420 §12.4.3.1 refuses a second one). */
  readonly isKnownGroup?: (groupId: Uint8Array) => boolean
}): Joined {
  void options
  throw new MlsError('unsupported', 'not written yet')
}
