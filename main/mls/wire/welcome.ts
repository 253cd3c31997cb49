import { opaque, optional, struct, uint16, uint32, vector, type Infer } from '../codec.ts'
import { Extensions } from './extension.ts'
import { GroupContext } from './group-context.ts'
import { limits } from './limits.ts'
import { Hash, HPKECiphertext, LeafIndex, Signature } from './node.ts'
import { PreSharedKeyID } from './proposal.ts'

const unsignedGroupInfo = {
  groupContext: GroupContext,
  extensions: Extensions,
  confirmationTag: Hash,
  signer: LeafIndex,
} as const

/** RFC 9420 §12.4.3: `GroupInfoTBS`. */
export const GroupInfoTBS = struct(unsignedGroupInfo)

/** RFC 9420 §12.4.3: `GroupInfo`. */
export const GroupInfo = struct({ ...unsignedGroupInfo, signature: Signature })
export type GroupInfo = Infer<typeof GroupInfo>

/** RFC 9420 §12.4.3.1: `PathSecret`. */
export const PathSecret = struct({ pathSecret: opaque(limits.hash) })

/** RFC 9420 §12.4.3.1: `GroupSecrets`. */
export const GroupSecrets = struct({
  joinerSecret: opaque(limits.hash),
  pathSecret: optional(PathSecret),
  psks: vector(PreSharedKeyID, limits.extensions),
})
export type GroupSecrets = Infer<typeof GroupSecrets>

/** RFC 9420 §12.4.3.1: `EncryptedGroupSecrets`; `newMember` is a KeyPackageRef (§5.2). */
export const EncryptedGroupSecrets = struct({ newMember: Hash, encryptedGroupSecrets: HPKECiphertext })
export type EncryptedGroupSecrets = Infer<typeof EncryptedGroupSecrets>

/** RFC 9420 §12.4.3.1: `Welcome`. */
export const Welcome = struct({
  cipherSuite: uint16,
  secrets: vector(EncryptedGroupSecrets, limits.group),
  encryptedGroupInfo: opaque(limits.group),
})
export type Welcome = Infer<typeof Welcome>

/** The index of a sender in the `external_senders` extension (RFC 9420 §6). */
export const SenderIndex = uint32
