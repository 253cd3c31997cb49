import {
  choice, empty, mapped, opaque, optional, struct, uint8, uint16, uint32, uint64, vector, type Codec, type Infer,
} from '../codec.ts'
import { Credential } from './credential.ts'
import { Extensions } from './extension.ts'
import { limits } from './limits.ts'

declare const leafIndex: unique symbol
declare const nodeIndex: unique symbol
/** The position of a leaf, counted over leaves only (RFC 9420 §7.1). */
export type LeafIndex = number & { readonly [leafIndex]: true }
/** The position of a node in the array of Appendix C, where leaf i is node 2i. */
export type NodeIndex = number & { readonly [nodeIndex]: true }

/** `uint32 leaf_index`. */
export const LeafIndex: Codec<LeafIndex> = mapped(uint32, (value) => value as LeafIndex, (value) => value)

/** `HPKEPublicKey`, `SignaturePublicKey` and their kin (RFC 9420 §5.1.1, §5.1.2). */
export const PublicKey = opaque(limits.key)
export const Signature = opaque(limits.signature)
export const Hash = opaque(limits.hash)

/** RFC 9420 §7.2: `Capabilities`. */
export const Capabilities = struct({
  versions: vector(uint16, limits.codes),
  cipherSuites: vector(uint16, limits.codes),
  extensions: vector(uint16, limits.codes),
  proposals: vector(uint16, limits.codes),
  credentials: vector(uint16, limits.codes),
})
export type Capabilities = Infer<typeof Capabilities>

/** RFC 9420 §7.2: `Lifetime`, in seconds since 1970. */
export const Lifetime = struct({ notBefore: uint64, notAfter: uint64 })
export type Lifetime = Infer<typeof Lifetime>

/** RFC 9420 §7.2: `LeafNodeSource` and the field that it selects. */
export const LeafNodeSource = choice(uint8, {
  keyPackage: [1, struct({ lifetime: Lifetime })],
  update: [2, empty],
  commit: [3, struct({ parentHash: Hash })],
})
export type LeafNodeSource = Infer<typeof LeafNodeSource>

const unsignedLeafNode = {
  encryptionKey: PublicKey,
  signatureKey: PublicKey,
  credential: Credential,
  capabilities: Capabilities,
  leafNodeSource: LeafNodeSource,
  extensions: Extensions,
} as const

/** RFC 9420 §7.2: `LeafNode` without its signature: the beginning of `LeafNodeTBS`. */
export const UnsignedLeafNode = struct(unsignedLeafNode)
export type UnsignedLeafNode = Infer<typeof UnsignedLeafNode>

/** RFC 9420 §7.2: `LeafNode`. */
export const LeafNode = struct({ ...unsignedLeafNode, signature: Signature })
export type LeafNode = Infer<typeof LeafNode>

/** What `LeafNodeTBS` adds for leaves that are made for one place in one group. */
export const LeafNodePlace = struct({ groupId: opaque(limits.identifier), leafIndex: LeafIndex })
export type LeafNodePlace = Infer<typeof LeafNodePlace>

/** RFC 9420 §7.2: `LeafNodeTBS`; `place` is present for the sources `update` and `commit`, and only there. */
export const LeafNodeTBS: Codec<{ readonly leafNode: UnsignedLeafNode, readonly place: LeafNodePlace | undefined }> = {
  write: (writer, value) => {
    UnsignedLeafNode.write(writer, value.leafNode)
    if (value.place !== undefined) LeafNodePlace.write(writer, value.place)
  },
  read: (reader) => {
    const leafNode = UnsignedLeafNode.read(reader)
    const place = leafNode.leafNodeSource.type === 'keyPackage' ? undefined : LeafNodePlace.read(reader)
    return { leafNode, place }
  },
}

/** RFC 9420 §7.1: `ParentNode`. */
export const ParentNode = struct({
  encryptionKey: PublicKey,
  parentHash: Hash,
  unmergedLeaves: vector(LeafIndex, limits.group),
})
export type ParentNode = Infer<typeof ParentNode>

/** RFC 9420 §12.4.3.3: `Node`. */
export const Node = choice(uint8, {
  leaf: [1, struct({ leafNode: LeafNode })],
  parent: [2, struct({ parentNode: ParentNode })],
})
export type Node = Infer<typeof Node>

/** RFC 9420 §12.4.3.3: the `ratchet_tree` extension's data, `optional<Node> ratchet_tree<V>`. */
export const RatchetTreeNodes = vector(optional(Node), limits.group)

/** RFC 9420 §7.8: `TreeHashInput`. */
export const TreeHashInput = choice(uint8, {
  leaf: [1, struct({ leafIndex: LeafIndex, leafNode: optional(LeafNode) })],
  parent: [2, struct({ parentNode: optional(ParentNode), leftHash: Hash, rightHash: Hash })],
})

/** RFC 9420 §7.9: `ParentHashInput`. */
export const ParentHashInput = struct({
  encryptionKey: PublicKey,
  parentHash: Hash,
  originalSiblingTreeHash: Hash,
})

/** RFC 9420 §7.6: `HPKECiphertext`. */
export const HPKECiphertext = struct({ kemOutput: opaque(limits.key), ciphertext: opaque(limits.message) })
export type HPKECiphertext = Infer<typeof HPKECiphertext>

/** RFC 9420 §7.6: `UpdatePathNode`. */
export const UpdatePathNode = struct({
  encryptionKey: PublicKey,
  encryptedPathSecret: vector(HPKECiphertext, limits.group),
})
export type UpdatePathNode = Infer<typeof UpdatePathNode>

/** RFC 9420 §7.6: `UpdatePath`. */
export const UpdatePath = struct({ leafNode: LeafNode, nodes: vector(UpdatePathNode, limits.group) })
export type UpdatePath = Infer<typeof UpdatePath>
