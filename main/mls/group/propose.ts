import { toHex } from '../codec.ts'
import { impossible } from '../error.ts'
import { proposalRef } from '../labelled.ts'
import { check } from '../rules.ts'
import type { Secret } from '../secret.ts'
import { encryptionKeyPair, signLeaf } from '../tree/leaf.ts'
import { leafAt } from '../tree/ratchet-tree.ts'
import { allSupportProposal } from '../tree/validate.ts'
import type { AuthenticatedContent, MLSMessage } from '../wire/framing.ts'
import type { LeafNode } from '../wire/node.ts'
import type { Proposal } from '../wire/proposal.ts'
import { send, sign } from './framing.ts'
import type { LeafTemplate } from '../tree/path.ts'
import { checkProposal } from './proposals.ts'
import { trusting } from './authentication.ts'
import type { FramingOptions, Group, LeafChange, OwnProposal, PendingProposal, UpdateKeys } from './state.ts'

/** A proposal that was made. Store `group`, then send `message`. */
export type Proposed = {
  readonly group: Group
  readonly message: MLSMessage
  /** The ProposalRef by which a commit names it (RFC 9420 §5.2). */
  readonly reference: Uint8Array
  readonly wipe: readonly Secret[]
}

/**
 * Proposes a change to the group (RFC 9420 §12.1); any member may commit it, except that nobody commits the removal
 * of himself. Throws `refused` when it is invalid, `misuse` where the group is over for this member.
 */
export function propose(group: Group, proposal: OwnProposal, options: FramingOptions = {}): Proposed {
  // RFC 9420 §12.2 lets members lack it who are removed in the same commit; nobody can count on that.
  check('12.2.unsupported-type',
    proposal.type !== 'custom' || allSupportProposal(group.tree, proposal.tag, new Set()))
  return sendProposal(group, proposal, options)
}

/**
 * Proposes a fresh leaf of one's own, for another member to commit (RFC 9420 §12.1.2). Store `group`: it holds the new
 * private keys. Throws `refused` when the changed leaf is invalid, `misuse` where the group is over for this member.
 */
export function proposeUpdate(group: Group, options: FramingOptions & LeafChange = {}): Proposed {
  const { suite, ownLeaf, context: { groupId } } = group
  const { signatureKeyPair } = options
  const encryption = encryptionKeyPair(suite)
  const leafNode = signLeaf(suite, {
    leafNode: {
      ...changedLeaf(ownLeafNode(group), options),
      encryptionKey: encryption.publicKey,
      leafNodeSource: { type: 'update' },
    },
    place: { groupId, leafIndex: ownLeaf },
    signaturePrivateKey: signatureKeyPair?.privateKey ?? group.signaturePrivateKey,
  })
  return sendProposal(group, { type: 'update', leafNode }, options, {
    encryption, signature: signatureKeyPair?.privateKey,
  })
}

/** The own leaf of a member. */
export const ownLeafNode = ({ tree, ownLeaf }: Group): LeafNode =>
  leafAt(tree, ownLeaf) ?? impossible('a member without a leaf')

/** What a leaf says of its owner, with the changes made. */
export const changedLeaf = (leafNode: LeafNode, change: LeafChange): LeafTemplate => ({
  signatureKey: change.signatureKeyPair?.publicKey ?? leafNode.signatureKey,
  credential: change.credential ?? leafNode.credential,
  capabilities: change.capabilities ?? leafNode.capabilities,
  extensions: change.leafExtensions ?? leafNode.extensions,
})

/** Signs and protects a proposal, and keeps it as one that waits. `ownKeys`: of an Update. */
export function sendProposal(
  group: Group, proposal: Proposal, options: FramingOptions, ownKeys?: UpdateKeys,
): Proposed {
  const signed = sign(group, { type: 'proposal', proposal }, options)
  const { wireFormat, content: { sender } } = signed
  checkProposal(group, { proposal, sender, wireFormat, authentication: trusting })
  const { group: sent, message, authenticated, wipe } = send(group, signed, { padding: options.padding })
  const pending = pendingProposal(group, authenticated, { proposal, refused: undefined, ownKeys })
  return { group: withProposal(sent, pending), message, reference: pending.reference, wipe }
}

/** A proposal under the reference of its message (RFC 9420 §5.2). */
export const pendingProposal = (
  group: Group, authenticated: AuthenticatedContent,
  rest: Pick<PendingProposal, 'proposal' | 'refused' | 'ownKeys'>,
): PendingProposal =>
  ({ reference: proposalRef(group.suite, authenticated), sender: authenticated.content.sender, ...rest })

/** RFC 9420 §12.1: "cached in such a way that it can be retrieved by hash". */
export const withProposal = (group: Group, pending: PendingProposal): Group =>
  ({ ...group, proposals: new Map([...group.proposals, [toHex(pending.reference), pending]]) })
