import { equal } from '../codec.ts'
import { MlsError } from '../error.ts'
import type { Secret } from '../secret.ts'
import type { KeyPair } from '../suite.ts'
import type { Content, FramedContent, MLSMessage, Sender } from '../wire/framing.ts'
import { mls10, type KeyPackage } from '../wire/key-package.ts'
import type { CustomProposals } from '../wire/proposal.ts'
import { trusting, type Valid } from './authentication.ts'
import { validateKeyPackage } from './key-package.ts'
import { checkProposal, externalSendersOf, type View } from './proposals.ts'
import { protectPublic, signContent } from './protect.ts'
import type { FramingOptions, OwnProposal } from './state.ts'

// Proposals of those who are no members (RFC 9420 §12.1.8): always PublicMessages, for want of the group's keys.

/** A group as it is seen from outside: by `observe`, or by its GroupContext alone. */
export type Observed = Pick<View, 'suite' | 'context'> & Partial<Pick<View, 'tree'>>

/** RFC 9420 §12.1.8: what an external sender may propose; a custom type, if it states so. */
export type ExternalProposal = Extract<OwnProposal, {
  readonly type: 'add' | 'remove' | 'preSharedKey' | 'reInit' | 'groupContextExtensions' | 'custom'
}>

/**
 * Proposes a change to the group as one of its external senders (RFC 9420 §12.1.8.1), for a member to commit in this
 * epoch. Throws `refused` for a proposal that is invalid, as far as that can be told: without the tree nothing is.
 */
export function proposeAsExternalSender(observed: Observed, proposal: ExternalProposal, options: {
  /** Which entry of the group's `external_senders` one is. */
  readonly senderIndex: number
  readonly signatureKeyPair: KeyPair
  /** What the application states of its own proposal types. */
  readonly customProposals?: CustomProposals
} & Pick<FramingOptions, 'authenticatedData'>): MLSMessage {
  const { suite, context, tree } = observed
  const { senderIndex, signatureKeyPair: { publicKey, privateKey: signaturePrivateKey }, customProposals } = options
  const entry = externalSendersOf(context.extensions)[senderIndex]
  if (entry === undefined || !equal(entry.signatureKey, publicKey)) {
    throw new MlsError('misuse', `the group has no external sender ${senderIndex} with this key`)
  }
  const sender = { type: 'external', senderIndex } as const
  if (tree !== undefined) {
    checkProposal({ suite, context, tree }, { proposal, sender, authentication: trusting, customProposals })
  }
  return sendFromOutside(observed, { type: 'proposal', proposal }, { ...options, sender, signaturePrivateKey })
}

/**
 * Asks to be added (RFC 9420 §12.1.8, `new_member_proposal`). Whether the members grant it is for the application to
 * decide; the Welcome comes when one of them commits it in this epoch. Throws `refused` for a KeyPackage of another
 * suite.
 */
export function proposeAsNewMember(observed: Observed, keyPackage: Valid<KeyPackage>, options: {
  /** Of the KeyPackage's leaf. */
  readonly signaturePrivateKey: Secret
} & Pick<FramingOptions, 'authenticatedData'>): MLSMessage {
  validateKeyPackage(observed.suite, keyPackage, { authentication: trusting })
  const content: Content = { type: 'proposal', proposal: { type: 'add', keyPackage } }
  return sendFromOutside(observed, content, { ...options, sender: { type: 'newMemberProposal' } })
}

function sendFromOutside({ suite, context }: Observed, content: Content, options: {
  readonly sender: Sender
  readonly signaturePrivateKey: Secret
} & Pick<FramingOptions, 'authenticatedData'>): MLSMessage {
  const { sender, signaturePrivateKey, authenticatedData = new Uint8Array(0) } = options
  const { groupId, epoch } = context
  const framed: FramedContent = { groupId, epoch, sender, authenticatedData, content }
  const wireFormat = 'publicMessage'
  const signature = signContent(suite, { wireFormat, content: framed, context, signaturePrivateKey })
  const authenticated = { wireFormat, content: framed, auth: { signature, confirmationTag: undefined } } as const
  const publicMessage = protectPublic(suite, { authenticated, context, membershipKey: undefined })
  return { version: mls10, body: { type: 'publicMessage', publicMessage } }
}
