import { equal } from '../codec.ts'
import { impossible, MlsError } from '../error.ts'
import { check } from '../rules.ts'
import type { Secret } from '../secret.ts'
import { leafAt } from '../tree/ratchet-tree.ts'
import type {
  AuthenticatedContent, Content, FramedContent, FramedContentAuthData, MLSMessage, PrivateMessage, PublicMessage,
  SenderData,
} from '../wire/framing.ts'
import { mls10 } from '../wire/key-package.ts'
import type { LeafIndex, LeafNode } from '../wire/node.ts'
import { pastLeaf } from './epoch.ts'
import { externalSendersOf } from './proposals.ts'
import { openSenderData, protectPrivate, protectPublic, signContent, unprotectPrivate, unprotectPublic } from './protect.ts'
import type { FramingOptions, Group, PastEpoch } from './state.ts'

// A group's messages, composed of the framing functions of protect.ts and the group's own keys (RFC 9420 §6).

/** Content that is signed by this member and not yet protected; a commit still lacks its confirmation tag. */
export type Signed = Pick<AuthenticatedContent, 'wireFormat' | 'content'> & { readonly signature: Uint8Array }

/** RFC 9420 §12.4.2: a member that was removed, and any member of a group that was reinitialized, sends nothing. */
export function demandActive({ status }: Group): void {
  switch (status.type) {
    case 'active': return
    case 'removed': throw new MlsError('misuse', 'this client was removed from the group: it neither sends nor follows')
    case 'reinitialized': throw new MlsError('misuse', 'this group was reinitialized: go on in its successor')
  }
}

/** Signs content as this member, in this epoch (RFC 9420 §6.1). */
export function sign(group: Group, content: Content, options: FramingOptions): Signed {
  demandActive(group)
  const { suite, context, signaturePrivateKey } = group
  const { authenticatedData = new Uint8Array(0), wireFormat = 'publicMessage' } = options
  const framed: FramedContent = {
    groupId: context.groupId,
    epoch: context.epoch,
    sender: { type: 'member', leafIndex: group.ownLeaf },
    authenticatedData,
    content,
  }
  const signature = signContent(suite, { wireFormat, content: framed, context, signaturePrivateKey })
  return { wireFormat, content: framed, signature }
}

/** A message on its way out, and the group whose ratchet has moved if the message is private. */
export type Sent = {
  readonly group: Group
  readonly message: MLSMessage
  readonly authenticated: AuthenticatedContent
  /** Of the key that was used; 0 for a PublicMessage. */
  readonly generation: number
  readonly wipe: readonly Secret[]
}

/** Protects signed content (RFC 9420 §6.2, §6.3). `confirmationTag`: for commits, and only for them. */
export function send(group: Group, signed: Signed, { confirmationTag, padding = 0 }: {
  readonly confirmationTag?: Uint8Array
  readonly padding?: number | undefined
} = {}): Sent {
  const { suite, context, secrets, secretTree } = group
  const { wireFormat, content } = signed
  const auth: FramedContentAuthData = { signature: signed.signature, confirmationTag }
  const authenticated: AuthenticatedContent = { wireFormat, content, auth }
  switch (wireFormat) {
    case 'publicMessage': {
      const publicMessage = protectPublic(suite, { authenticated, context, membershipKey: secrets.membershipKey })
      const message: MLSMessage = { version: mls10, body: { type: 'publicMessage', publicMessage } }
      return { group, message, authenticated, generation: 0, wipe: [] }
    }
    case 'privateMessage': {
      const { senderDataSecret } = secrets
      const sealed = protectPrivate(suite, { authenticated, senderDataSecret, secretTree, padding })
      const message: MLSMessage = { version: mls10, body: { type: 'privateMessage', privateMessage: sealed.message } }
      const { generation, wipe } = sealed
      return { group: { ...group, secretTree: sealed.secretTree }, message, authenticated, generation, wipe }
    }
  }
}

/** A message that was read, and the group without the key that it used. */
export type Opened = {
  readonly group: Group
  readonly authenticated: AuthenticatedContent
  readonly generation: number
  /** The sender's leaf in the message's epoch, where the sender is a member. */
  readonly leafNode: LeafNode | undefined
  readonly wipe: readonly Secret[]
}

/** Unprotects a PublicMessage of the current epoch and verifies who sent it (RFC 9420 §6.2). */
export function openPublic(group: Group, message: PublicMessage): Opened {
  const { suite, context, secrets: { membershipKey } } = group
  const authenticated = unprotectPublic(suite, {
    message, context, membershipKey, signatureKeyOf: (content) => signatureKeyOf(group, content),
  })
  const { sender } = message.content
  const leafNode = sender.type === 'member' ? leafAt(group.tree, sender.leafIndex) : undefined
  return { group, authenticated, generation: 0, leafNode, wipe: [] }
}

/** RFC 9420 §6.1: the key that each type of sender signs with, for content that such a sender may send. */
export function signatureKeyOf(
  { context, tree }: Pick<Group, 'context' | 'tree'>, { sender, content }: FramedContent,
): Uint8Array {
  switch (sender.type) {
    case 'member': {
      const leafNode = leafAt(tree, sender.leafIndex)
      check('6.1.sender', leafNode !== undefined)
      return leafNode.signatureKey
    }
    case 'external': {
      const external = externalSendersOf(context.extensions)[sender.senderIndex]
      check('6.1.sender', external !== undefined)
      return external.signatureKey
    }
    case 'newMemberProposal':
      if (content.type !== 'proposal' || content.proposal.type !== 'add') return impossible('another proposal')
      return content.proposal.keyPackage.leafNode.signatureKey
    case 'newMemberCommit':
      if (content.type !== 'commit') return impossible('a new member who sends no commit')
      // RFC 9420 §12.4.3.2: "External Commits MUST contain a `path` field".
      check('12.4.3.2.path', content.commit.path !== undefined)
      return content.commit.path.leafNode.signatureKey
  }
}

/** Unprotects a PrivateMessage of the current epoch, or application data of a past one (RFC 9420 §6.3, §15.3). */
export function openPrivate(group: Group, message: PrivateMessage): Opened {
  if (message.epoch === group.context.epoch) {
    const { context, secretTree, secrets: { senderDataSecret } } = group
    const leafOf = (leaf: LeafIndex): LeafNode | undefined => leafAt(group.tree, leaf)
    const opened = openWith(group, message, { context, secretTree, senderDataSecret, leafOf })
    return { ...opened, group: { ...group, secretTree: opened.secretTree } }
  }
  const past = group.past.find(({ context }) => context.epoch === message.epoch)
  if (past === undefined) throw new MlsError('gone', `epoch ${message.epoch} is not kept any more`, '9.2.deleted')
  const opened = openWith(group, message, { ...past, leafOf: (leaf) => pastLeaf(group, past, leaf) })
  const read: PastEpoch = { ...past, secretTree: opened.secretTree }
  return { ...opened, group: { ...group, past: group.past.map((each) => each === past ? read : each) } }
}

/**
 * Who a PrivateMessage of the current epoch says it is from, and the generation of its key: a claim that nobody has
 * proven (RFC 9420 §6.3.2). `undefined` for other messages. Throws `refused` where the sender data do not open.
 */
export function claimedSender(group: Group, { body }: MLSMessage): Pick<SenderData, 'leafIndex' | 'generation'> | undefined {
  if (body.type !== 'privateMessage' || body.privateMessage.epoch !== group.context.epoch) return undefined
  const { leafIndex, generation } = openSenderData(group.suite, body.privateMessage, group.secrets.senderDataSecret)
  return { leafIndex, generation }
}

/**
 * The member who proved by signature and membership tag to have sent a PublicMessage of the current epoch (RFC 9420
 * §6.1, §6.2), whatever it says; `undefined`: nobody did. Never throws. The confirmation tag of a commit is not signed:
 * any member may have put it there.
 */
export function provenSender(group: Group, { body }: MLSMessage): LeafIndex | undefined {
  if (body.type !== 'publicMessage') return undefined
  const { groupId, epoch, sender } = body.publicMessage.content
  if (sender.type !== 'member' || epoch !== group.context.epoch || !equal(groupId, group.context.groupId)) return undefined
  try {
    openPublic(group, body.publicMessage)
    return sender.leafIndex
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

function openWith(group: Group, message: PrivateMessage, { leafOf, ...keys }: {
  readonly context: Group['context']
  readonly secretTree: Group['secretTree']
  readonly senderDataSecret: Secret
  readonly leafOf: (leaf: LeafIndex) => LeafNode | undefined
}) {
  const { authenticated, sender, generation, secretTree, wipe } = unprotectPrivate(group.suite, {
    message, ...keys, signatureKeyOf: (leaf) => leafOf(leaf)?.signatureKey,
  })
  return { authenticated, generation, secretTree, wipe, leafNode: leafOf(sender) }
}
