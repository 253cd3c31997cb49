import { concat, decode, encode, equal, Writer } from '../codec.ts'
import { MlsError } from '../error.ts'
import { expandWithLabel, signWithLabel, verifyWithLabel } from '../labelled.ts'
import { check } from '../rules.ts'
import { keyFor, nextKey, type RatchetKind, type SecretTree } from '../schedule/secret-tree.ts'
import type { Secret } from '../secret.ts'
import type { Suite } from '../suite.ts'
import {
  framedContentAuthData, PrivateContentAAD, privateMessageContent, SenderData, SenderDataAAD, writeFramedContentTBS,
  type AuthenticatedContent, type ContentType, type ContentWireFormat, type FramedContent, type PrivateMessage,
  type PublicMessage,
} from '../wire/framing.ts'
import type { GroupContext } from '../wire/group-context.ts'
import { mls10 } from '../wire/key-package.ts'
import { limits } from '../wire/limits.ts'
import type { LeafIndex } from '../wire/node.ts'

// Message framing (RFC 9420 §6): from content to AuthenticatedContent by signing, from there to PublicMessage or
// PrivateMessage by protecting, and back. The group's rules about what may be said are elsewhere.

type Unsigned = {
  readonly wireFormat: ContentWireFormat
  readonly content: FramedContent
  /** Undefined is for the senders that do not sign it: `external` and `newMemberProposal` (RFC 9420 §6.1). */
  readonly context: GroupContext | undefined
}

/** RFC 9420 §6.1: the bytes of `FramedContentTBS`. */
function contentTBS({ wireFormat, content, context }: Unsigned): Uint8Array {
  const writer = new Writer()
  writeFramedContentTBS(writer, { version: mls10, wireFormat, content, context })
  return writer.finish()
}

const contentLabel = 'FramedContentTBS'

/** The signature of `FramedContentAuthData` (RFC 9420 §6.1). For a commit it goes into the confirmation tag. */
export function signContent(suite: Suite, unsigned: Unsigned & { readonly signaturePrivateKey: Secret }): Uint8Array {
  return signWithLabel(suite, unsigned.signaturePrivateKey, contentLabel, contentTBS(unsigned))
}

/** RFC 9420 §6.1: which content each sender may send, as far as the message alone shows it. */
function checkSender({ sender, content }: FramedContent): void {
  switch (sender.type) {
    case 'member': break
    case 'external': check('6.1.external-content', content.type === 'proposal'); break
    case 'newMemberCommit': check('6.1.new-member-commit', content.type === 'commit'); break
    case 'newMemberProposal':
      check('6.1.new-member-proposal', content.type === 'proposal' && content.proposal.type === 'add')
      break
  }
}

/** A message is read with the state of its own group and epoch (RFC 9420 §6, §12.4.2). */
function checkPlace(message: { readonly groupId: Uint8Array, readonly epoch: bigint }, context: GroupContext): void {
  check('6.group', equal(message.groupId, context.groupId))
  check('6.epoch', message.epoch === context.epoch)
}

/** RFC 9420 §6.2: `membership_tag`, the MAC of AuthenticatedContentTBM. */
function membershipTag(
  suite: Suite, membershipKey: Secret, tbs: Uint8Array, { content, auth }: Pick<PublicMessage, 'content' | 'auth'>,
): Uint8Array {
  return suite.mac(membershipKey.unwrap(), concat(tbs, encode(framedContentAuthData(content.content.type), auth)))
}

/**
 * RFC 9420 §6.2: a PublicMessage of signed content. Throws `MlsError('misuse')` for application data and for content
 * that was signed for a PrivateMessage.
 */
export function protectPublic(suite: Suite, { authenticated, context, membershipKey }: {
  readonly authenticated: AuthenticatedContent
  readonly context: GroupContext
  /** Needed where the sender is a member. */
  readonly membershipKey: Secret | undefined
}): PublicMessage {
  const { wireFormat, content, auth } = authenticated
  // RFC 9420 §6: "Applications MUST use PrivateMessage to encrypt application messages".
  if (content.content.type === 'application') throw new MlsError('misuse', 'application data go into a PrivateMessage')
  if (wireFormat !== 'publicMessage') throw new MlsError('misuse', 'this content was signed for a PrivateMessage')
  if (content.sender.type !== 'member') return { content, auth, membershipTag: undefined }
  if (membershipKey === undefined) throw new MlsError('misuse', 'a member needs the membership key')
  const tbs = contentTBS({ wireFormat, content, context })
  return { content, auth, membershipTag: membershipTag(suite, membershipKey, tbs, { content, auth }) }
}

/**
 * RFC 9420 §6.2: the content of a PublicMessage whose membership tag and signature verify. The confirmation tag of a
 * commit is for the caller, who knows the next epoch (§6.1). Throws `MlsError('refused')`.
 */
export function unprotectPublic(suite: Suite, { message, context, membershipKey, signatureKeyOf }: {
  readonly message: PublicMessage
  readonly context: GroupContext
  /** `undefined`: one who is no member yet cannot verify the tag. */
  readonly membershipKey: Secret | undefined
  /** The sender's public key as §6.1 lists it by the type of the sender, which may send such content. */
  readonly signatureKeyOf: (content: FramedContent) => Uint8Array
}): AuthenticatedContent {
  const { content, auth } = message
  const wireFormat = 'publicMessage'
  checkPlace(content, context)
  check('6.application-private', content.content.type !== 'application')
  checkSender(content)
  const tbs = contentTBS({ wireFormat, content, context })
  if (content.sender.type === 'member' && membershipKey !== undefined) {
    const expected = membershipTag(suite, membershipKey, tbs, message)
    check('6.2.membership-tag', message.membershipTag !== undefined && equal(message.membershipTag, expected))
  }
  check('6.1.signature', verifyWithLabel(suite, signatureKeyOf(content), contentLabel, tbs, auth.signature))
  return { wireFormat, content, auth }
}

/** RFC 9420 §6.3.2: the key and the nonce of the sender data, from a sample of the message's ciphertext. */
export function senderDataKey(suite: Suite, senderDataSecret: Secret, ciphertext: Uint8Array): {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
} {
  const sample = ciphertext.subarray(0, suite.hashLength)
  return {
    key: expandWithLabel(suite, senderDataSecret.unwrap(), 'key', sample, suite.keyLength),
    nonce: expandWithLabel(suite, senderDataSecret.unwrap(), 'nonce', sample, suite.nonceLength),
  }
}

/** RFC 9420 §6.3.1: handshake messages and application messages have a ratchet each. */
const ratchetOf = (contentType: ContentType): RatchetKind => contentType === 'application' ? 'application' : 'handshake'

/** RFC 9420 §6.3.1: the nonce with the reuse guard XORed into its first four octets. */
function guardedNonce(nonce: Secret, reuseGuard: number): Uint8Array {
  const guarded = nonce.unwrap().slice()
  for (let at = 0; at < 4; at++) guarded[at] = (guarded[at] ?? 0) ^ ((reuseGuard >>> (24 - 8 * at)) & 0xff)
  return guarded
}

/**
 * RFC 9420 §6.3: a PrivateMessage of signed content, under the sender's next key. Store `secretTree` before the message
 * leaves: a key MUST NOT encrypt two messages (§9.1).
 */
export function protectPrivate(suite: Suite, { authenticated, senderDataSecret, secretTree, padding }: {
  readonly authenticated: AuthenticatedContent
  readonly senderDataSecret: Secret
  readonly secretTree: SecretTree
  /** How many zero octets to append (§6.3.1). */
  readonly padding: number
}): {
  readonly message: PrivateMessage
  readonly generation: number
  readonly secretTree: SecretTree
  readonly wipe: readonly Secret[]
} {
  const { wireFormat, content, auth } = authenticated
  if (wireFormat !== 'privateMessage') throw new MlsError('misuse', 'this content was signed for a PublicMessage')
  if (!Number.isInteger(padding) || padding < 0 || padding > limits.message) {
    throw new MlsError('misuse', `a padding is a number of octets, at most ${limits.message}`)
  }
  // RFC 9420 §6.3.2: "the sender MUST verify Sender.sender_type is `member`".
  if (content.sender.type !== 'member') throw new MlsError('misuse', 'only members send PrivateMessages')
  const { groupId, epoch, authenticatedData } = content
  const contentType = content.content.type
  const { leafIndex } = content.sender

  const { tree, generation, key, nonce, wipe } = nextKey(suite, secretTree, leafIndex, ratchetOf(contentType))
  const reuseGuard = suite.random(4).reduce((value, octet) => value * 256 + octet, 0)
  const plaintext = encode(privateMessageContent(contentType), { content: content.content, auth, padding })
  // What is not sent must not use a key up.
  if (plaintext.length + suite.tagLength > limits.message) {
    throw new MlsError('misuse', `content and padding have at most ${limits.message - suite.tagLength} bytes together`)
  }
  const aad = encode(PrivateContentAAD, { groupId, epoch, contentType, authenticatedData })
  const ciphertext = suite.seal(key.unwrap(), guardedNonce(nonce, reuseGuard), aad, plaintext)

  const sender = senderDataKey(suite, senderDataSecret, ciphertext)
  const encryptedSenderData = suite.seal(
    sender.key, sender.nonce, encode(SenderDataAAD, { groupId, epoch, contentType }),
    encode(SenderData, { leafIndex, generation, reuseGuard }),
  )
  const message = { groupId, epoch, contentType, authenticatedData, encryptedSenderData, ciphertext }
  return { message, generation, secretTree: tree, wipe }
}

/** RFC 9420 §6.3.2: who sent a PrivateMessage, as its sender data say; nothing of it is authenticated yet. */
export function openSenderData(suite: Suite, message: PrivateMessage, senderDataSecret: Secret): SenderData {
  const { groupId, epoch, contentType } = message
  const { key, nonce } = senderDataKey(suite, senderDataSecret, message.ciphertext)
  const aad = encode(SenderDataAAD, { groupId, epoch, contentType })
  const plaintext = suite.open(key, nonce, aad, message.encryptedSenderData)
  check('6.3.2.sender-data', plaintext !== undefined)
  return decode(SenderData, plaintext)
}

/**
 * RFC 9420 §6.3: the content of a PrivateMessage that decrypts and whose signature verifies. The confirmation tag of a
 * commit is for the caller (§6.1). Throws `MlsError`: `refused` or `malformed` for a bad message, `gone` for one whose
 * key was used or dropped.
 */
export function unprotectPrivate(suite: Suite, { message, context, senderDataSecret, secretTree, signatureKeyOf }: {
  readonly message: PrivateMessage
  /** Of the message's epoch, which may be a past one. */
  readonly context: GroupContext
  readonly senderDataSecret: Secret
  readonly secretTree: SecretTree
  /** The signature key of a leaf in the message's epoch, or undefined for a blank leaf or none. */
  readonly signatureKeyOf: (leaf: LeafIndex) => Uint8Array | undefined
}): {
  readonly authenticated: AuthenticatedContent
  readonly sender: LeafIndex
  readonly generation: number
  readonly secretTree: SecretTree
  readonly wipe: readonly Secret[]
} {
  checkPlace(message, context)
  const { groupId, epoch, contentType, authenticatedData } = message
  const { leafIndex, generation, reuseGuard } = openSenderData(suite, message, senderDataSecret)
  const signatureKey = signatureKeyOf(leafIndex)
  // RFC 9420 §6.3.2: "the recipient MUST verify that the leaf index ... identifies a non-blank node".
  check('6.3.2.sender-leaf', signatureKey !== undefined && leafIndex < secretTree.leafCount)

  const { tree, key, nonce, wipe } = keyFor(suite, secretTree, leafIndex, ratchetOf(contentType), generation)
  const aad = encode(PrivateContentAAD, { groupId, epoch, contentType, authenticatedData })
  const plaintext = suite.open(key.unwrap(), guardedNonce(nonce, reuseGuard), aad, message.ciphertext)
  check('6.3.1.ciphertext', plaintext !== undefined)
  const { content: body, auth } = decode(privateMessageContent(contentType), plaintext)

  const sender = { type: 'member', leafIndex } as const
  const content: FramedContent = { groupId, epoch, sender, authenticatedData, content: body }
  const wireFormat = 'privateMessage'
  const tbs = contentTBS({ wireFormat, content, context })
  check('6.1.signature', verifyWithLabel(suite, signatureKey, contentLabel, tbs, auth.signature))
  return { authenticated: { wireFormat, content, auth }, sender: leafIndex, generation, secretTree: tree, wipe }
}
