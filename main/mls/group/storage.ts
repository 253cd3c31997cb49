import {
  choice, decode, empty, encode, opaque, optional, secret, struct, toHex, uint16, uint32, uint8, utf8, vector,
  type Codec, type Infer,
} from '../codec.ts'
import { MlsError } from '../error.ts'
import { changedSecretParts, SecretTreePart, secretTreeFromParts, type SecretTree } from '../schedule/secret-tree.ts'
import type { KeyPair, SuiteOf } from '../suite.ts'
import { nodeWidth } from '../tree/math.ts'
import {
  changedNodes, leafAt, leafCount, leafLimit, nodesOf, treeOf, type RatchetTree,
} from '../tree/ratchet-tree.ts'
import { Sender } from '../wire/framing.ts'
import { GroupContext } from '../wire/group-context.ts'
import { limits } from '../wire/limits.ts'
import { Hash, LeafIndex, LeafNode, Node, type NodeIndex } from '../wire/node.ts'
import { Proposal, ReInit } from '../wire/proposal.ts'
import { pastOfNext } from './epoch.ts'
import type { Group, PastEpoch, PendingProposal } from './state.ts'

/**
 * A group as parts that a store keeps under separate keys, so that a message writes its ratchet and a commit the
 * nodes that it touched. Every part begins with its format's version.
 */
export type GroupParts = {
  /** The state of the epoch; `undefined`: unchanged. */
  readonly head: Uint8Array | undefined
  /** By node index (RFC 9420 Appendix C); `undefined`: delete. */
  readonly nodes: readonly (readonly [number, Uint8Array | undefined])[]
  /** Ratchets, past epochs and pending proposals, by `<epoch>/<part>`; `undefined`: delete. */
  readonly ratchets: readonly (readonly [string, Uint8Array | undefined])[]
}

const version = 1
const versioned = <T>(of: Codec<T>): Codec<T> => ({
  write: (writer, value) => { uint8.write(writer, version); of.write(writer, value) },
  read: (reader) => {
    if (uint8.read(reader) !== version) throw new MlsError('unsupported', 'a group stored in another format')
    return of.read(reader)
  },
})

const key = secret(limits.key)
const KeyPairCodec: Codec<KeyPair> = struct({ publicKey: opaque(limits.key), privateKey: key })
const held = secret(limits.hash)

const Head = versioned(struct({
  suite: uint16,
  status: choice(uint8, { active: [1, empty], removed: [2, empty], reinitialized: [3, struct({ reInit: ReInit })] }),
  context: GroupContext,
  ownLeaf: LeafIndex,
  keys: vector(struct({ node: uint32, pair: KeyPairCodec }), limits.group),
  signaturePrivateKey: key,
  secrets: struct({
    senderDataSecret: held, exporterSecret: held, externalSecret: held, membershipKey: held, resumptionPsk: held,
    epochAuthenticator: held, initSecret: held,
  }),
  confirmationTag: Hash,
  interimTranscriptHash: Hash,
}))

const StoredNode = versioned(struct({ node: Node }))
const StoredSecret = versioned(struct({ part: SecretTreePart }))
const StoredPast = versioned(struct({
  context: GroupContext, senderDataSecret: held, resumptionPsk: held, secretTreeLeaves: uint32,
  replaced: vector(struct({ leaf: LeafIndex, leafNode: optional(LeafNode) }), limits.group),
}))
const StoredProposal = versioned(struct({
  /** The order in which they came. */
  position: uint32,
  reference: Hash,
  proposal: Proposal,
  sender: Sender,
  refused: utf8(255),
  ownKeys: optional(struct({ encryption: KeyPairCodec, signature: optional(key) })),
}))

// ---------------------------------------------------------------- writing

/**
 * What to write, in one transaction, so that the store, which holds `before`, holds `group`; everything when `before`
 * is `undefined`. All of it is secret. A message changes one ratchet, a commit the path that it touched.
 */
export function changedParts(group: Group, before: Group | undefined): GroupParts {
  return {
    head: before !== undefined && sameHead(group, before) ? undefined : encodeHead(group),
    nodes: changedNodes(before?.tree, group.tree).map(([index, node]) =>
      [index, node === undefined ? undefined : encode(StoredNode, { node })] as const),
    ratchets: [...changedRatchets(group, before)],
  }
}

const sameHead = (a: Group, b: Group): boolean =>
  a.context === b.context && a.keys === b.keys && a.secrets === b.secrets && a.status === b.status
  && a.ownLeaf === b.ownLeaf && a.signaturePrivateKey === b.signaturePrivateKey && a.suite.id === b.suite.id
  && a.confirmationTag === b.confirmationTag && a.interimTranscriptHash === b.interimTranscriptHash

const encodeHead = (group: Group): Uint8Array => encode(Head, {
  suite: group.suite.id, status: group.status, context: group.context, ownLeaf: group.ownLeaf,
  keys: [...group.keys].map(([node, pair]) => ({ node, pair })),
  signaturePrivateKey: group.signaturePrivateKey, secrets: group.secrets,
  confirmationTag: group.confirmationTag, interimTranscriptHash: group.interimTranscriptHash,
})

type Ratchets = Map<string, Uint8Array | undefined>

/** The secret trees of the epochs, what is kept of those that are over, and the proposals: only what differs. */
function changedRatchets(group: Group, before: Group | undefined): Ratchets {
  const changed: Ratchets = new Map()
  const now = epochsOf(group)
  const then = before === undefined ? new Map<string, EpochPart>() : epochsOf(before)
  for (const [epoch, part] of then) {
    const after = now.get(epoch)
    // An epoch that is forgotten takes all of its secrets with it (RFC 9420 §9.2).
    if (after?.tree.leafCount !== part.tree.leafCount) {
      for (const name of secretParts(part.tree).keys()) changed.set(`${epoch}/${name}`, undefined)
    }
    if (part.past !== undefined && after?.past === undefined) changed.set(`${epoch}/past`, undefined)
  }
  for (const [epoch, part] of now) {
    const was = then.get(epoch)
    // Trees of two widths are of two groups: one was left, and the other joined under the same id.
    const basis = was?.tree.leafCount === part.tree.leafCount ? was.tree : undefined
    for (const [name, value] of changedSecretParts(part.tree, basis)) {
      changed.set(`${epoch}/${name}`, value === undefined ? undefined : encode(StoredSecret, { part: value }))
    }
    if (part.past !== undefined && !samePast(part.past, was?.past)) changed.set(`${epoch}/past`, encodePast(part.past))
  }
  changedProposals(group, before, changed)
  return changed
}

type EpochPart = { readonly tree: SecretTree, readonly past: PastEpoch | undefined }

const epochsOf = (group: Group): ReadonlyMap<string, EpochPart> => new Map<string, EpochPart>([
  [String(group.context.epoch), { tree: group.secretTree, past: undefined }] as const,
  ...group.past.map((past) => [String(past.context.epoch), { tree: past.secretTree, past }] as const),
])

/** The secret tree is stored part by part; the rest of a past epoch never changes. */
const samePast = (a: PastEpoch, b: PastEpoch | undefined): boolean =>
  a.context === b?.context && a.senderDataSecret === b.senderDataSecret && a.replaced === b.replaced

const encodePast = (past: PastEpoch): Uint8Array => encode(StoredPast, {
  context: past.context, senderDataSecret: past.senderDataSecret, resumptionPsk: past.resumptionPsk,
  secretTreeLeaves: past.secretTree.leafCount,
  replaced: [...past.replaced].map(([leaf, leafNode]) => ({ leaf, leafNode })),
})

const proposalKey = (epoch: bigint, reference: string): string => `${epoch}/p${reference}`

function changedProposals(group: Group, before: Group | undefined, changed: Ratchets): void {
  for (const reference of before?.proposals.keys() ?? []) {
    const stays = before?.context.epoch === group.context.epoch && group.proposals.has(reference)
    if (before !== undefined && !stays) changed.set(proposalKey(before.context.epoch, reference), undefined)
  }
  let position = 0
  for (const [reference, pending] of group.proposals) {
    if (before?.proposals.get(reference) !== pending) {
      changed.set(proposalKey(group.context.epoch, reference), encodeProposal(pending, position))
    }
    position += 1
  }
}

const encodeProposal = (pending: PendingProposal, position: number): Uint8Array => encode(StoredProposal, {
  position, reference: pending.reference, proposal: pending.proposal, sender: pending.sender,
  refused: pending.refused ?? '', ownKeys: pending.ownKeys,
})

// ---------------------------------------------------------------- reading

type StoredParts = {
  readonly head: Uint8Array
  readonly nodes: ReadonlyMap<number, Uint8Array>
  readonly ratchets: ReadonlyMap<string, Uint8Array>
}

/**
 * The group of its stored parts. Nobody else may have written them: what was verified when it came is not verified
 * again. Throws `malformed` or `refused` for damaged ones, `unsupported` for a suite or a format that is not there.
 */
export function groupFromParts(suiteOf: SuiteOf, parts: StoredParts): Group {
  const tree = treeFrom([], Array.from(parts.nodes, ([index, bytes]) => ({ index, ...decode(StoredNode, bytes) })))
  const head = readHead(suiteOf, parts.head, tree)
  const ratchets = readRatchets(parts.ratchets, head.context.epoch)
  const secrets = ratchets.secrets.get(String(head.context.epoch)) ?? new Map<string, SecretTreePart>()
  return {
    ...head,
    tree,
    secretTree: secretTreeFromParts(leafCount(tree), secrets),
    proposals: readProposals(ratchets.proposals),
    past: readPast(ratchets),
  }
}

function treeFrom(
  before: readonly (Node | undefined)[],
  changed: readonly { readonly index: number, readonly node: Node | undefined }[],
): RatchetTree {
  const nodes = [...before]
  for (const { index, node } of changed) {
    if (!(Number.isInteger(index) && index >= 0 && index < nodeWidth(leafLimit))) {
      throw new MlsError('malformed', `a stored group has a node ${index}`)
    }
    nodes[index] = node
  }
  while (nodes.length > 0 && nodes[nodes.length - 1] === undefined) nodes.pop()
  return treeOf(Array.from(nodes)) // Without holes.
}

/** What the head holds of a group, whose own leaf the tree has. */
function readHead(
  suiteOf: SuiteOf, bytes: Uint8Array, tree: RatchetTree,
): Omit<Group, 'tree' | 'secretTree' | 'proposals' | 'past'> {
  const { suite: id, status, keys, ...head } = decode(Head, bytes)
  const suite = suiteOf(id)
  if (suite === undefined) throw new MlsError('unsupported', `cipher suite ${id} is not there`)
  if (leafAt(tree, head.ownLeaf) === undefined) throw new MlsError('malformed', 'a stored group without its own leaf')
  const pairs = new Map(keys.map(({ node, pair }) => [node as NodeIndex, pair]))
  return { ...head, suite, status, keys: pairs }
}

type Read = {
  readonly secrets: Map<string, Map<string, SecretTreePart>>
  readonly past: Infer<typeof StoredPast>[]
  readonly proposals: Infer<typeof StoredProposal>[]
}

/** What says itself where it belongs must stand there. */
function readRatchets(stored: ReadonlyMap<string, Uint8Array>, current: bigint): Read {
  const read: Read = { secrets: new Map(), past: [], proposals: [] }
  for (const [name, bytes] of stored) {
    const [epoch = '', part = ''] = name.split('/')
    if (part === 'past') {
      const past = decode(StoredPast, bytes)
      const { epoch: own } = past.context
      if (own >= current || `${own}/past` !== name) throw misplaced(name)
      read.past.push(past)
    } else if (part.startsWith('p')) {
      const proposal = decode(StoredProposal, bytes)
      if (proposalKey(current, toHex(proposal.reference)) !== name) throw misplaced(name)
      read.proposals.push(proposal)
    } else {
      const secrets = read.secrets.get(epoch) ?? new Map<string, SecretTreePart>()
      read.secrets.set(epoch, secrets.set(part, decode(StoredSecret, bytes).part))
    }
  }
  return read
}

const misplaced = (name: string): MlsError => new MlsError('malformed', `a stored group has another part as ${name}`)

const readPast = (read: Read): readonly PastEpoch[] => read.past
  .sort((a, b) => a.context.epoch > b.context.epoch ? -1 : 1)
  .map(({ secretTreeLeaves, replaced, ...past }) => ({
    ...past, replaced: new Map(replaced.map(({ leaf, leafNode }) => [leaf, leafNode])),
    secretTree: secretTreeFromParts(secretTreeLeaves, read.secrets.get(String(past.context.epoch)) ?? new Map()),
  }))

const readProposals = (stored: Read['proposals']): ReadonlyMap<string, PendingProposal> => new Map(stored
  .sort((a, b) => a.position - b.position)
  .map(({ position: _, refused, ...pending }) => [toHex(pending.reference), {
    ...pending, refused: refused === '' ? undefined : refused,
  }]))

// ---------------------------------------------------------------- a pending commit

/** What the next epoch has that the current one has not. Its past follows from the current one. */
const Pending = versioned(struct({
  head: opaque(limits.group),
  nodes: vector(struct({ index: uint32, node: optional(Node) }), limits.group),
  secrets: vector(struct({ name: utf8(limits.hash), part: SecretTreePart }), limits.group),
}))

/**
 * A pending commit's next epoch as one value beside the stored current one (RFC 9420 §14): its difference from `group`.
 * Secret as a whole.
 */
export function encodePending(group: Group, pending: Group): Uint8Array {
  return encode(Pending, {
    head: encodeHead(pending),
    nodes: changedNodes(group.tree, pending.tree).map(([index, node]) => ({ index, node })),
    secrets: Array.from(secretParts(pending.secretTree), ([name, part]) => ({ name, part })),
  })
}

/**
 * The next epoch again, from the current one and the bytes of `encodePending`; `merge` it when the commit was accepted
 * (RFC 9420 §14). Throws `malformed`, `refused` or `unsupported` as `groupFromParts` does.
 */
export function decodePending(suiteOf: SuiteOf, group: Group, bytes: Uint8Array): Group {
  const { head, nodes: changed, secrets } = decode(Pending, bytes)
  const tree = treeFrom(nodesOf(group.tree), changed)
  return {
    ...readHead(suiteOf, head, tree),
    tree,
    secretTree: secretTreeFromParts(leafCount(tree), new Map(secrets.map(({ name, part }) => [name, part]))),
    proposals: new Map(),
    past: pastOfNext(group, tree),
  }
}

/** Every part of a secret tree. */
const secretParts = (tree: SecretTree): ReadonlyMap<string, SecretTreePart> =>
  new Map(Array.from(changedSecretParts(tree, undefined)).flatMap(([name, part]) =>
    part === undefined ? [] : [[name, part] as const]))

/** The formats of this file, for those who test what is read from a store. */
export const storedFormats = { Head, StoredNode, StoredSecret, StoredPast, StoredProposal, Pending } as const
