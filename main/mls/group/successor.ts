import { MlsError } from '../error.ts'
import type { Suite, SuiteOf } from '../suite.ts'
import { leavesOf } from '../tree/ratchet-tree.ts'
import type { MLSMessage } from '../wire/framing.ts'
import { mls10, type KeyPackage } from '../wire/key-package.ts'
import type { PreSharedKeyID } from '../wire/proposal.ts'
import type { Authentication, Valid } from './authentication.ts'
import { commitListed, ownProposals } from './commit.ts'
import { createGroup, type CreateOptions } from './create.ts'
import { droppedSecrets } from './epoch.ts'
import { demandActive } from './framing.ts'
import { checkMembers, type Link } from './link.ts'
import type { Listed } from './proposal-list.ts'
import { checkExtensions } from './proposals.ts'
import { newPskId } from './psk.ts'
import type { Group } from './state.ts'

/** The maker's own leaf, and who else goes along. */
export type SuccessorOptions = Omit<CreateOptions, 'groupId' | 'extensions'> & {
  /** One of each other member, made for the new group's cipher suite. */
  readonly keyPackages: readonly Valid<KeyPackage>[]
  readonly authentication: Authentication
  /** A path, which the initial commit does not need (RFC 9420 §12.4). */
  readonly forcePath?: boolean
  /** The ratchet tree inside the Welcome, the default; else the others get `nodesOf(group.tree)` (§12.4.3.3). */
  readonly ratchetTree?: boolean
}

/** As for a successor, with the new group's id and extensions. */
export type BranchOptions = SuccessorOptions & Pick<CreateOptions, 'groupId' | 'extensions'>

/** A group that continues another one. */
export type Successor = {
  /** The new group at epoch 1; nobody else has to accept the commit that made it. */
  readonly group: Group
  /** For all other members; `undefined` if there are none. */
  readonly welcome: MLSMessage | undefined
}

/**
 * The group that follows a ReInit (RFC 9420 §11.2), with the same members and the parameters of the ReInit. Any member
 * may make it, but one Welcome alone should reach the others. Throws `misuse` before the ReInit was committed,
 * `refused` when a member is missing, `unsupported` for a version or cipher suite that is not there.
 */
export function reinitialize(old: Group, options: SuccessorOptions & { readonly suiteOf: SuiteOf }): Successor {
  const { status, context: { groupId: pskGroupId, epoch: pskEpoch } } = old
  if (status.type !== 'reinitialized') throw new MlsError('misuse', 'no ReInit was committed: commit one first')
  const { groupId, version, cipherSuite, extensions } = status.reInit
  const suite = options.suiteOf(cipherSuite)
  if (suite === undefined) throw new MlsError('unsupported', `cipher suite ${cipherSuite} is not there`)
  if (version !== mls10) throw new MlsError('unsupported', `protocol version ${version} is not there`)
  if (options.keyPackages.length >= leavesOf(old.tree).length) {
    throw new MlsError('misuse', 'a successor has the members of its group and nobody else: add others later')
  }
  const link: Link = { usage: 'reinit', pskGroupId, pskEpoch }
  return continueGroup(old, suite, { ...options, link, groupId, extensions })
}

/**
 * A new group of some of this group's members, with its cipher suite (RFC 9420 §11.3). Throws `refused` when somebody
 * is not a member of the old one, `misuse` where the old one is over for this member.
 */
export function branch(old: Group, options: BranchOptions): Successor {
  demandActive(old)
  const link: Link = { usage: 'branch', pskGroupId: old.context.groupId, pskEpoch: old.context.epoch }
  return continueGroup(old, old.suite, { ...options, link })
}

/** The initial commit of RFC 9420 §11.2, §11.3: adds everybody, with the old group's resumption PSK. */
function continueGroup(old: Group, suite: Suite, { link, keyPackages, ...options }: BranchOptions & {
  readonly link: Link
}): Successor {
  const { authentication, credential, signatureKeyPair: { publicKey: signatureKey }, extensions = [] } = options
  const members = [{ credential, signatureKey }, ...keyPackages.map(({ leafNode }) => leafNode)]
  checkMembers(link, { old, members, authentication })
  checkExtensions(extensions, authentication)
  const first = createGroup(suite, options)
  const proposals = keyPackages.map((keyPackage) => ({ type: 'add', keyPackage }) as const)
  // RFC 9420 §12.1.4: this PSK is valid in this commit alone, so it is not judged as a proposal by itself.
  const psk: PreSharedKeyID = newPskId(suite, { type: 'resumption', ...link })
  const linking: Listed = {
    proposal: { type: 'preSharedKey', psk }, sender: { type: 'member', leafIndex: first.ownLeaf }, pending: undefined,
  }
  const { forcePath = false, ratchetTree = true } = options
  const listed = [...ownProposals(first, { proposals, authentication }), linking]
  const { group, pending, welcome } = commitListed(first, listed, {
    psks: () => old.secrets.resumptionPsk, authentication, forcePath, ratchetTree,
  })
  // Epoch 0 had nobody to hear from.
  const next: Group = { ...pending, past: [] }
  for (const secret of droppedSecrets(group, next)) secret.wipe()
  return { group: next, welcome }
}
