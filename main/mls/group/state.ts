import type { SecretTree } from '../schedule/secret-tree.ts'
import type { Secret } from '../secret.ts'
import type { KeyPair, Suite } from '../suite.ts'
import type { PrivateTree } from '../tree/path.ts'
import type { RatchetTree } from '../tree/ratchet-tree.ts'
import type { Credential } from '../wire/credential.ts'
import type { Extensions } from '../wire/extension.ts'
import type { MLSMessage, Sender } from '../wire/framing.ts'
import type { GroupContext } from '../wire/group-context.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import type { Capabilities, LeafIndex, LeafNode } from '../wire/node.ts'
import type { PreSharedKeyID, Proposal, ReInit } from '../wire/proposal.ts'
import type { Valid } from './authentication.ts'

/**
 * How many past epochs keep their message keys at most (RFC 9420 §15.3 asks for a policy); `forgetPast` shortens it.
 */
export const pastEpochLimit = 5

/**
 * One member's view of a group in one epoch: a value. Every transition returns a new one and leaves this one as it
 * was; both share what did not change. Hold it, store it (`changedParts`), but never change it.
 */
export type Group = {
  readonly status: GroupStatus
  readonly suite: Suite
  readonly context: GroupContext
  readonly tree: RatchetTree
  readonly ownLeaf: LeafIndex
  /** The private keys of the own leaf and of the parents above it that this member knows. */
  readonly keys: PrivateTree
  /** Belongs to the application, which may use it in several groups: the engine never lists it for wiping. */
  readonly signaturePrivateKey: Secret
  readonly secrets: HeldSecrets
  readonly secretTree: SecretTree
  readonly confirmationTag: Uint8Array
  readonly interimTranscriptHash: Uint8Array
  /** What was proposed in this epoch, in the order it came, by the hexadecimal ProposalRef (RFC 9420 §5.2). */
  readonly proposals: ReadonlyMap<string, PendingProposal>
  /** Newest first, at most `pastEpochLimit`. */
  readonly past: readonly PastEpoch[]
}

/**
 * Whether the group goes on (RFC 9420 §12.4.2). Only an `active` one sends messages and follows commits.
 *
 * - `removed`: this was the last epoch that this member can read;
 * - `reinitialized`: the commit that started this epoch shut the group down; `reinitialize` makes its successor with
 *   these parameters, or `join` enters the one that another member made (§11.2).
 */
export type GroupStatus =
  | { readonly type: 'active' }
  | { readonly type: 'removed' }
  | { readonly type: 'reinitialized', readonly reInit: ReInit }

/**
 * The secrets of RFC 9420 §8 that are held while their epoch lasts. The others (joiner, welcome, epoch, encryption
 * and confirmation) die as soon as the epoch is set up, as §9.2 asks.
 */
export type HeldSecrets = {
  readonly senderDataSecret: Secret
  readonly exporterSecret: Secret
  readonly externalSecret: Secret
  readonly membershipKey: Secret
  readonly resumptionPsk: Secret
  readonly epochAuthenticator: Secret
  readonly initSecret: Secret
}

/** A proposal that waits for a commit of its epoch (RFC 9420 §12.1). */
export type PendingProposal = {
  readonly reference: Uint8Array
  readonly proposal: Proposal
  readonly sender: Sender
  /** The rule that it breaks: it is authentic but invalid, so a commit that refers to it is refused by everybody. */
  readonly refused: string | undefined
  /** For an Update of our own: the keys that take effect with the commit that applies it. */
  readonly ownKeys: UpdateKeys | undefined
}

/** The private halves of an Update of our own. */
export type UpdateKeys = { readonly encryption: KeyPair, readonly signature: Secret | undefined }

/** What is kept of an epoch that is over, to read messages that come late (RFC 9420 §15.3). */
export type PastEpoch = {
  readonly context: GroupContext
  readonly senderDataSecret: Secret
  readonly resumptionPsk: Secret
  readonly secretTree: SecretTree
  /** The leaves that the next epoch changed, as they were in this one (`undefined`: blank). */
  readonly replaced: ReadonlyMap<LeafIndex, LeafNode | undefined>
}

/**
 * A proposal that this member may make itself. An Update is made by `proposeUpdate` or by a commit's path, a
 * SelfRemove by `proposeSelfRemove`.
 */
export type OwnProposal =
  | { readonly type: 'add', readonly keyPackage: Valid<KeyPackage> }
  | Exclude<Proposal, { readonly type: 'add' | 'update' | 'selfRemove' }>

/** What the own leaf is to become; what is absent stays as it is. The encryption key is fresh in any case. */
export type LeafChange = {
  readonly credential?: Credential
  readonly signatureKeyPair?: KeyPair
  readonly capabilities?: Capabilities
  /** RFC 9420 §7.2: replaces all extensions of the leaf. */
  readonly leafExtensions?: Extensions
}

/** How a handshake message travels (RFC 9420 §6.2, §6.3); `publicMessage` by default. */
export type FramingOptions = {
  readonly authenticatedData?: Uint8Array
  readonly wireFormat?: 'publicMessage' | 'privateMessage'
  /** How many zero octets to append inside the encryption of a `privateMessage` (RFC 9420 §6.3.1). */
  readonly padding?: number
}

/** The secret of a PreSharedKeyID, or `undefined` when it is not held (RFC 9420 §8.4). */
export type PskLookup = (id: PreSharedKeyID) => Secret | undefined

/** What a commit did, for the application's policy and for the people in the group. */
export type AppliedCommit = {
  readonly committer: LeafIndex
  /** As it is after the commit. */
  readonly committerLeaf: LeafNode
  /** The committer was no member before: an external commit (RFC 9420 §12.4.3.2). */
  readonly external: boolean
  readonly authenticatedData: Uint8Array
  readonly proposals: readonly AppliedProposal[]
  readonly added: readonly { readonly index: LeafIndex, readonly leafNode: LeafNode }[]
  readonly removed: readonly { readonly index: LeafIndex, readonly leafNode: LeafNode }[]
  /** Updates, and the committer itself if there is a path and it was a member before. */
  readonly updated: readonly { readonly index: LeafIndex, readonly before: LeafNode, readonly after: LeafNode }[]
  readonly extensionsChanged: boolean
  readonly selfRemoved: boolean
}

/** One proposal of a commit, in the commit's order. */
export type AppliedProposal = { readonly proposal: Proposal, readonly sender: Sender, readonly byReference: boolean }

/** What a message that was read turned out to be. Secrets in `wipe` are dead once `group` is stored. */
export type Received =
  | {
    readonly type: 'application'
    readonly group: Group
    readonly sender: LeafIndex
    /** As it was in the message's epoch. */
    readonly senderLeaf: LeafNode
    readonly epoch: bigint
    readonly generation: number
    readonly data: Uint8Array
    readonly authenticatedData: Uint8Array
    readonly wipe: readonly Secret[]
  }
  | {
    readonly type: 'proposal'
    readonly group: Group
    readonly reference: Uint8Array
    readonly proposal: Proposal
    readonly sender: Sender
    readonly authenticatedData: Uint8Array
    /** The rule that it breaks, if it is authentic but cannot be committed. */
    readonly refused: string | undefined
    readonly wipe: readonly Secret[]
  }
  | { readonly type: 'commit', readonly group: Group, readonly applied: AppliedCommit, readonly wipe: readonly Secret[] }

/**
 * A commit that was made and is not yet accepted by the delivery service (RFC 9420 §14).
 *
 * - `group` is the current epoch still: the input, except that a private message spent a key of it. Keep using it.
 * - `pending` is the next epoch. When the commit is accepted: `merge(group, pending)`. When another one won: process
 *   that one with `receive(group, …)` and wipe `droppedSecrets(pending, group)`.
 */
export type Committed = {
  readonly group: Group
  readonly pending: Group
  readonly message: MLSMessage
  /** One Welcome for all who were added; to be sent after the commit was accepted, never before (RFC 9420 §14). */
  readonly welcome: MLSMessage | undefined
  readonly applied: AppliedCommit
  readonly wipe: readonly Secret[]
}
