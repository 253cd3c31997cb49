import { decode, equal } from '../codec.ts'
import { MlsError } from '../error.ts'
import { check } from '../rules.ts'
import { leafAt } from '../tree/ratchet-tree.ts'
import { allSupportProposal, checkUniqueExtensions, requiredBy, validateLeaf } from '../tree/validate.ts'
import { ExternalSenders, extensionType, type ExternalSender, type Extensions } from '../wire/extension.ts'
import type { ContentWireFormat, Sender } from '../wire/framing.ts'
import type { LeafIndex, LeafNode } from '../wire/node.ts'
import { proposalType, traitsOf, type CustomProposals, type PreSharedKeyID, type Proposal } from '../wire/proposal.ts'
import { checkVerdict, type Authentication } from './authentication.ts'
import { validateKeyPackage } from './key-package.ts'
import type { Group } from './state.ts'

// What makes one proposal invalid whatever stands beside it (RFC 9420 §12.1). proposal-list.ts judges lists.

/** What proposals are judged against and applied to. */
export type View = Pick<Group, 'suite' | 'context' | 'tree'>

/** A proposal whose sender is authenticated. */
export type Proposing = {
  readonly proposal: Proposal
  readonly sender: Sender
  /** How its own message came; `undefined`: it stands in a commit, by value. */
  readonly wireFormat?: ContentWireFormat
  readonly authentication: Authentication
  readonly customProposals?: CustomProposals | undefined
}

/** Refuses a proposal that is invalid by itself (RFC 9420 §12.1). */
export function checkProposal(view: View, proposing: Proposing): void {
  const { proposal, sender, authentication } = proposing
  // RFC 9420 §12.1.8: "Proposals of some types cannot be sent by an `external` sender."
  check('12.1.8.type', sender.type !== 'external' || traitsOf(proposal, proposing.customProposals).external)
  switch (proposal.type) {
    // RFC 9420 §12.1.1: "invalid if the KeyPackage is invalid".
    case 'add': validateKeyPackage(view.suite, proposal.keyPackage, { authentication }); return
    case 'update':
      // From a new member's commit, the list refuses it (RFC 9420 §12.2).
      if (sender.type !== 'member') return
      checkReplacement(view, { ...proposal, source: 'update', leafIndex: sender.leafIndex, authentication })
      return
    // RFC 9420 §12.1.3: "invalid if the `removed` field does not identify a non-blank leaf node".
    case 'remove': check('12.1.3.removed', leafAt(view.tree, proposal.removed) !== undefined); return
    case 'preSharedKey': checkPsk(view, proposal.psk); return
    case 'reInit':
      // RFC 9420 §12.1.5: "invalid if the `version` field is less than the version for the current group".
      check('12.1.5.version', proposal.version >= view.context.version)
      checkUniqueExtensions(proposal.extensions)
      return
    case 'groupContextExtensions': checkExtensions(proposal.extensions, authentication); return
    // RFC 9420 §12.1.6: "This proposal can only be used in that context", an external commit.
    case 'externalInit': check('12.2.external-init', sender.type === 'newMemberCommit'); return
    case 'selfRemove': checkSelfRemove(view, proposing); return
    case 'custom': return // Whether it may be there is a matter of the list.
  }
}

/** The rule that a proposal breaks by itself, or `undefined`: every member comes to the same. */
export function refusalOf(view: View, proposing: Proposing): string | undefined {
  try {
    checkProposal(view, proposing)
    return undefined
  } catch (error) {
    if (error instanceof MlsError && error.rule !== undefined) return error.rule
    throw error
  }
}

/** Refuses a leaf that may not replace another one: in an Update or in a commit's path (RFC 9420 §7.3, §5.3.1). */
export function checkReplacement({ suite, context, tree }: View, { leafNode, source, leafIndex, authentication }: {
  readonly leafNode: LeafNode
  readonly source: 'update' | 'commit'
  readonly leafIndex: LeafIndex
  readonly authentication: Authentication
}): void {
  validateLeaf(suite, { leafNode, source, place: { groupId: context.groupId, leafIndex } })
  const before = leafAt(tree, leafIndex)
  if (before === undefined) throw new MlsError('misuse', `leaf ${leafIndex} is blank: there is nothing to replace`)
  checkSuccessor(before, leafNode, authentication)
}

/** Refuses the leaf of a new member who commits its own addition (RFC 9420 §12.4.2, §12.4.3.2). */
export function checkNewcomer({ suite, context }: View, { leafNode, leafIndex, replaced, authentication }: {
  readonly leafNode: LeafNode
  readonly leafIndex: LeafIndex
  /** The old leaf of the same client, which the commit removes, if there is one. */
  readonly replaced: readonly { readonly leafNode: LeafNode }[]
  readonly authentication: Authentication
}): void {
  validateLeaf(suite, { leafNode, source: 'commit', place: { groupId: context.groupId, leafIndex } })
  checkVerdict('5.3.1.credential', authentication.validate(leafNode.credential, leafNode.signatureKey))
  // RFC 9420 §12.2: the leaf "MUST meet the same criteria as would the LeafNode in an Update for the removed leaf".
  for (const { leafNode: before } of replaced) checkSuccessor(before, leafNode, authentication)
}

/** RFC 9420 §5.3.1 and the uniqueness of keys, for a leaf of the same client in place of an older one. */
function checkSuccessor(before: LeafNode, after: LeafNode, authentication: Authentication): void {
  // RFC 9420 §7.3 for Updates; §12.4.2 for paths: "different from the committer's current leaf node".
  const rule = after.leafNodeSource.type === 'commit' ? '12.4.2.leaf-key' : '7.3.update-key'
  check(rule, !equal(before.encryptionKey, after.encryptionKey))
  checkVerdict('5.3.1.credential', authentication.validate(after.credential, after.signatureKey))
  checkVerdict('5.3.1.successor', authentication.validateSuccessor(before.credential, after.credential))
}

/** RFC 9420 §12.1.4. */
function checkPsk({ suite }: View, { psk, pskNonce }: PreSharedKeyID): void {
  if (psk.type === 'resumption') check('12.1.4.usage', psk.usage === 'application')
  check('12.1.4.nonce', pskNonce.length === suite.hashLength)
}

/** draft-ietf-mls-extensions, SelfRemove. Framing has seen to it that its sender is a member. */
function checkSelfRemove({ tree }: View, { wireFormat }: Proposing): void {
  // "SelfRemove proposals are only allowed in a Commit by reference."
  check('self-remove.by-reference', wireFormat !== undefined)
  // "these proposals MUST be sent in an MLS PublicMessage", so that outsiders who join can read them.
  check('self-remove.public-message', wireFormat === 'publicMessage')
  // It "only applies if all the members of a group support this proposal in their capabilities".
  check('self-remove.supported', allSupportProposal(tree, proposalType.selfRemove, new Set()))
}

/** RFC 9420 §12.1.7, §13.4; whether the members support them is a matter of the list. */
export function checkExtensions(extensions: Extensions, authentication: Authentication): void {
  checkUniqueExtensions(extensions)
  requiredBy(extensions) // Refuses an extension that is not one.
  // RFC 9420 §5.3.1: credentials are validated "when an external_senders extension is added to the group" or updated.
  for (const { credential, signatureKey } of externalSendersOf(extensions)) {
    checkVerdict('5.3.1.external-sender', authentication.validate(credential, signatureKey))
  }
}

/** RFC 9420 §12.1.8.1: who may propose from outside. Throws `malformed` for an extension that is not one. */
export function externalSendersOf(extensions: Extensions): readonly ExternalSender[] {
  const extension = extensions.find((each) => each.extensionType === extensionType.externalSenders)
  return extension === undefined ? [] : decode(ExternalSenders, extension.extensionData)
}
