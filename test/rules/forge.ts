import assert from 'node:assert/strict'
import { encode } from '../../main/mls/codec.ts'
import { protectPublic, signContent } from '../../main/mls/group/protect.ts'
import {
  receive, trusting, type Authentication, type Group, type KeyPair, type MLSMessage, type Proposal,
  type RuleId, type Secret,
} from '../../main/mls/index.ts'
import { signWithLabel } from '../../main/mls/labelled.ts'
import { signLeaf } from '../../main/mls/tree/leaf.ts'
import type { Content, Sender } from '../../main/mls/wire/framing.ts'
import { KeyPackageTBS, mls10, type KeyPackage } from '../../main/mls/wire/key-package.ts'
import type { LeafNode, LeafNodePlace, UpdatePath } from '../../main/mls/wire/node.ts'
import type { ProposalOrRef, ResumptionPSKUsage } from '../../main/mls/wire/proposal.ts'
import { implementations, snapshot, travelled, World, type Guest, type Member } from '../mls/group-world.ts'
import { refused } from './refusals.ts'

// What an honest client never makes: messages that break exactly one rule, signed and tagged as they should be.

const native = implementations[0]
assert.ok(native !== undefined)
export const world = new World(native.suites('rules'), 1)
export const { suite } = world

/** Demands that a member refuses a message by exactly this rule, and is as before. */
export function refusedBy(member: Member, rule: RuleId, message: MLSMessage, authentication = trusting): void {
  const before = snapshot(member.group)
  refused(rule, () => receive(member.group, travelled(message), { authentication }))
  assert.deepEqual(snapshot(member.group), before)
}

export type Forged = {
  readonly sender?: Sender
  readonly signaturePrivateKey?: Secret
  readonly groupId?: Uint8Array
  readonly epoch?: bigint
  readonly confirmationTag?: Uint8Array
}

/** A PublicMessage with any content, signed and tagged like an honest one. */
export function forge(group: Group, content: Content, change: Forged = {}): MLSMessage {
  const { suite, context, secrets: { membershipKey } } = group
  const framed = {
    groupId: change.groupId ?? context.groupId,
    epoch: change.epoch ?? context.epoch,
    sender: change.sender ?? { type: 'member', leafIndex: group.ownLeaf } as const,
    authenticatedData: new Uint8Array(0),
    content,
  }
  const wireFormat = 'publicMessage'
  const signaturePrivateKey = change.signaturePrivateKey ?? group.signaturePrivateKey
  const signature = signContent(suite, { wireFormat, content: framed, context, signaturePrivateKey })
  const confirmationTag = content.type === 'commit' ? change.confirmationTag ?? new Uint8Array(32) : undefined
  const auth = { signature, confirmationTag }
  if (content.type === 'application') {
    // The engine does not even protect it.
    const publicMessage = { content: framed, auth, membershipTag: new Uint8Array(32) }
    return { version: mls10, body: { type: 'publicMessage', publicMessage } }
  }
  const authenticated = { wireFormat, content: framed, auth } as const
  const publicMessage = protectPublic(suite, { authenticated, context, membershipKey })
  return { version: mls10, body: { type: 'publicMessage', publicMessage } }
}

export const forgeProposal = (group: Group, proposal: Proposal, change: Forged = {}): MLSMessage =>
  forge(group, { type: 'proposal', proposal }, change)

export const byValue = (...proposals: readonly Proposal[]): readonly ProposalOrRef[] =>
  proposals.map((proposal) => ({ type: 'proposal', proposal }))

/** A commit whose proposals are judged before its path and its tag, which are not those of an honest one. */
export const forgeCommit = (
  group: Group, proposals: readonly ProposalOrRef[], change: Forged & { readonly path?: UpdatePath } = {},
): MLSMessage => forge(group, { type: 'commit', commit: { proposals, path: change.path } }, change)

/** A leaf with changes, signed again. */
export function resignedLeaf(leafNode: LeafNode, { place, signaturePrivateKey, ...change }: Partial<LeafNode> & {
  readonly place?: LeafNodePlace
  readonly signaturePrivateKey: Secret
}): LeafNode {
  const unsigned = { ...leafNode, ...change }
  return signLeaf(suite, { leafNode: unsigned, signaturePrivateKey, ...(place === undefined ? {} : { place }) })
}

/** A KeyPackage with changes to itself and its leaf, both signed again. */
export function resignedPackage(
  guest: Guest, { leaf = {}, ...change }: Partial<KeyPackage> & { readonly leaf?: Partial<LeafNode> } = {},
): KeyPackage {
  const { privateKey: signaturePrivateKey } = guest.person.signatureKeyPair
  const { signature: _, ...unsigned } = {
    ...guest.keyPackage,
    leafNode: resignedLeaf(guest.keyPackage.leafNode, { signaturePrivateKey, ...leaf }),
    ...change,
  }
  const signature = signWithLabel(suite, signaturePrivateKey, 'KeyPackageTBS', encode(KeyPackageTBS, unsigned))
  return { ...unsigned, signature }
}

/** An Update of a member, with changes, signed by `signaturePrivateKey` or the member's own key. */
export function forgeUpdate(member: Member, change: Partial<LeafNode> & { readonly keys?: KeyPair } = {}): Proposal {
  const { keys, ...rest } = change
  const { group } = member
  const { privateKey: signaturePrivateKey, publicKey: signatureKey } = keys ?? member.person.signatureKeyPair
  const leafNode = world.guest(member.name).keyPackage.leafNode
  return {
    type: 'update',
    leafNode: resignedLeaf({ ...leafNode, leafNodeSource: { type: 'update' }, signatureKey }, {
      place: { groupId: group.context.groupId, leafIndex: group.ownLeaf }, signaturePrivateKey, ...rest,
    }),
  }
}

/** An authentication service that refuses one thing. */
export const distrusting = (change: Partial<Authentication>): Authentication => ({ ...trusting, ...change })

export const pskProposal = (change: {
  readonly pskNonce?: Uint8Array
  readonly usage?: ResumptionPSKUsage
} = {}): Proposal => ({
  type: 'preSharedKey',
  psk: {
    psk: change.usage === undefined ? { type: 'external', pskId: Uint8Array.of(1) }
      : { type: 'resumption', usage: change.usage, pskGroupId: Uint8Array.of(2), pskEpoch: 0n },
    pskNonce: change.pskNonce ?? new Uint8Array(suite.hashLength),
  },
})
