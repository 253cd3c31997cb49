import {
  choice, empty, malformed, names, opaque, struct, uint8, uint16, uint32, uint64, type Codec, type Infer, type Reader,
  type Writer,
} from '../codec.ts'
import { MlsError } from '../error.ts'
import { Commit } from './commit.ts'
import { GroupContext } from './group-context.ts'
import { KeyPackage, mls10 } from './key-package.ts'
import { limits } from './limits.ts'
import { Hash, LeafIndex, Signature } from './node.ts'
import { Proposal } from './proposal.ts'
import { GroupInfo, SenderIndex, Welcome } from './welcome.ts'

/** RFC 9420 §6: `ContentType`. */
export const ContentType = names(uint8, { application: 1, proposal: 2, commit: 3 })
export type ContentType = Infer<typeof ContentType>

/** RFC 9420 §17.2: wire formats. */
export const wireFormat = { publicMessage: 1, privateMessage: 2, welcome: 3, groupInfo: 4, keyPackage: 5 } as const
/** The formats that carry an AuthenticatedContent. */
export const ContentWireFormat = names(uint16, { publicMessage: 1, privateMessage: 2 })
export type ContentWireFormat = Infer<typeof ContentWireFormat>

/** RFC 9420 §6: `Sender`. */
export const Sender = choice(uint8, {
  member: [1, struct({ leafIndex: LeafIndex })],
  external: [2, struct({ senderIndex: SenderIndex })],
  newMemberProposal: [3, empty],
  newMemberCommit: [4, empty],
})
export type Sender = Infer<typeof Sender>

const applicationContent = struct({ applicationData: opaque(limits.message) })
const proposalContent = struct({ proposal: Proposal })
const commitContent = struct({ commit: Commit })

/** What `content_type` selects in `FramedContent` and `PrivateMessageContent`. */
export const Content = choice(uint8, {
  application: [1, applicationContent],
  proposal: [2, proposalContent],
  commit: [3, commitContent],
})
export type Content = Infer<typeof Content>

/** The selected field without its tag, as `PrivateMessageContent` has it (RFC 9420 §6.3.1). */
export const contentBody = (type: ContentType): Codec<Content> => ({
  write: (writer, value) => {
    switch (value.type) {
      case 'application': applicationContent.write(writer, value); break
      case 'proposal': proposalContent.write(writer, value); break
      case 'commit': commitContent.write(writer, value); break
    }
  },
  read: (reader): Content => {
    switch (type) {
      case 'application': return { type, ...applicationContent.read(reader) }
      case 'proposal': return { type, ...proposalContent.read(reader) }
      case 'commit': return { type, ...commitContent.read(reader) }
    }
  },
})

/** RFC 9420 §6: `FramedContent`. */
export const FramedContent = struct({
  groupId: opaque(limits.identifier),
  epoch: uint64,
  sender: Sender,
  authenticatedData: opaque(limits.message),
  content: Content,
})
export type FramedContent = Infer<typeof FramedContent>

/** RFC 9420 §6.1: `FramedContentAuthData`; the tag is there for commits, and only for them. */
export type FramedContentAuthData = { readonly signature: Uint8Array, readonly confirmationTag: Uint8Array | undefined }
export const framedContentAuthData = (type: ContentType): Codec<FramedContentAuthData> => ({
  write: (writer, value) => {
    Signature.write(writer, value.signature)
    if ((value.confirmationTag !== undefined) !== (type === 'commit')) {
      throw new MlsError('misuse', 'a confirmation tag belongs to commits, and only to them')
    }
    if (value.confirmationTag !== undefined) Hash.write(writer, value.confirmationTag)
  },
  read: (reader) => ({
    signature: Signature.read(reader),
    confirmationTag: type === 'commit' ? Hash.read(reader) : undefined,
  }),
})

/** RFC 9420 §6: `AuthenticatedContent`. */
export type AuthenticatedContent = {
  readonly wireFormat: ContentWireFormat
  readonly content: FramedContent
  readonly auth: FramedContentAuthData
}
export const AuthenticatedContent: Codec<AuthenticatedContent> = {
  write: (writer, value) => {
    ContentWireFormat.write(writer, value.wireFormat)
    FramedContent.write(writer, value.content)
    framedContentAuthData(value.content.content.type).write(writer, value.auth)
  },
  read: (reader) => {
    const format = ContentWireFormat.read(reader)
    const content = FramedContent.read(reader)
    return { wireFormat: format, content, auth: framedContentAuthData(content.content.type).read(reader) }
  },
}

/**
 * RFC 9420 §6.1: `FramedContentTBS`. The context is present for senders `member` and `new_member_commit`, and only
 * for them. Written, never read.
 */
export const writeFramedContentTBS = (writer: Writer, value: {
  readonly version: number
  readonly wireFormat: ContentWireFormat
  readonly content: FramedContent
  readonly context: GroupContext | undefined
}): void => {
  uint16.write(writer, value.version)
  ContentWireFormat.write(writer, value.wireFormat)
  FramedContent.write(writer, value.content)
  const type = value.content.sender.type
  const needed = type === 'member' || type === 'newMemberCommit'
  if (!needed) return
  if (value.context === undefined) throw new MlsError('misuse', 'this sender signs the group context too')
  GroupContext.write(writer, value.context)
}

/** RFC 9420 §6.2: `PublicMessage`; the membership tag is there for the sender `member`, and only for it. */
export type PublicMessage = {
  readonly content: FramedContent
  readonly auth: FramedContentAuthData
  readonly membershipTag: Uint8Array | undefined
}
export const PublicMessage: Codec<PublicMessage> = {
  write: (writer, value) => {
    FramedContent.write(writer, value.content)
    framedContentAuthData(value.content.content.type).write(writer, value.auth)
    if ((value.membershipTag !== undefined) !== (value.content.sender.type === 'member')) {
      throw new MlsError('misuse', 'a membership tag belongs to members, and only to them')
    }
    if (value.membershipTag !== undefined) Hash.write(writer, value.membershipTag)
  },
  read: (reader) => {
    const content = FramedContent.read(reader)
    const auth = framedContentAuthData(content.content.type).read(reader)
    return { content, auth, membershipTag: content.sender.type === 'member' ? Hash.read(reader) : undefined }
  },
}

/** RFC 9420 §6.3: `PrivateMessage`. */
export const PrivateMessage = struct({
  groupId: opaque(limits.identifier),
  epoch: uint64,
  contentType: ContentType,
  authenticatedData: opaque(limits.message),
  encryptedSenderData: opaque(limits.hash),
  ciphertext: opaque(limits.message),
})
export type PrivateMessage = Infer<typeof PrivateMessage>

/** RFC 9420 §6.3.1: `PrivateContentAAD`. */
export const PrivateContentAAD = struct({
  groupId: opaque(limits.identifier),
  epoch: uint64,
  contentType: ContentType,
  authenticatedData: opaque(limits.message),
})

/** RFC 9420 §6.3.2: `SenderData`; the reuse guard has four octets. */
export const SenderData = struct({ leafIndex: LeafIndex, generation: uint32, reuseGuard: uint32 })
export type SenderData = Infer<typeof SenderData>

/** RFC 9420 §6.3.2: `SenderDataAAD`. */
export const SenderDataAAD = struct({ groupId: opaque(limits.identifier), epoch: uint64, contentType: ContentType })

/** RFC 9420 §6.3.1: `PrivateMessageContent`. */
export type PrivateMessageContent = {
  readonly content: Content
  readonly auth: FramedContentAuthData
  /** How many zero octets follow. */
  readonly padding: number
}
export const privateMessageContent = (type: ContentType): Codec<PrivateMessageContent> => ({
  write: (writer, value) => {
    contentBody(type).write(writer, value.content)
    framedContentAuthData(type).write(writer, value.auth)
    writer.bytes(new Uint8Array(value.padding))
  },
  read: (reader) => {
    const content = contentBody(type).read(reader)
    const auth = framedContentAuthData(type).read(reader)
    return { content, auth, padding: readPadding(reader) }
  },
})

function readPadding(reader: Reader): number {
  const padding = reader.bytes(reader.left)
  // RFC 9420 §6.3.1: "the receiver MUST verify that there are no non-zero bytes in the padding field".
  if (padding.some((octet) => octet !== 0)) malformed('6.3.1.padding')
  return padding.length
}

/** RFC 9420 §6: `MLSMessage` without its version. */
const MLSMessageBody = choice(uint16, {
  publicMessage: [wireFormat.publicMessage, struct({ publicMessage: PublicMessage })],
  privateMessage: [wireFormat.privateMessage, struct({ privateMessage: PrivateMessage })],
  welcome: [wireFormat.welcome, struct({ welcome: Welcome })],
  groupInfo: [wireFormat.groupInfo, struct({ groupInfo: GroupInfo })],
  keyPackage: [wireFormat.keyPackage, struct({ keyPackage: KeyPackage })],
})

/** RFC 9420 §6: `ProtocolVersion version = mls10`. What a message of another version holds is not known here. */
const Version: Codec<typeof mls10> = {
  write: (writer, value) => { uint16.write(writer, value) },
  read: (reader) => uint16.read(reader) === mls10 ? mls10 : malformed('6.version'),
}

const VersionedBody = struct({ version: Version, body: MLSMessageBody })

/** RFC 9420 §6: `MLSMessage`. */
export type MLSMessage = Infer<typeof VersionedBody>
export const MLSMessage: Codec<MLSMessage> = {
  write: (writer, value) => { VersionedBody.write(writer, value) },
  read: (reader) => {
    const message = VersionedBody.read(reader)
    const { version, body } = message
    // RFC 9420 §10: "it MUST verify that the `version` field of the KeyPackage has the same value".
    return body.type === 'keyPackage' && body.keyPackage.version !== version ? malformed('10.version') : message
  },
}
