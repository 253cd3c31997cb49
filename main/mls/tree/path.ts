/** Update paths: fresh keys from a leaf to the root, told to everybody else (RFC 9420 §7.4 to §7.6). */
import { equal } from '../codec.ts'
import { impossible, MlsError } from '../error.ts'
import { decryptWithLabel, deriveSecret, encryptorWithLabel } from '../labelled.ts'
import { check, type RuleId } from '../rules.ts'
import { Secret } from '../secret.ts'
import type { KeyPair, Suite } from '../suite.ts'
import type { LeafIndex, NodeIndex, UnsignedLeafNode, UpdatePath } from '../wire/node.ts'
import { distinct, encryptionKeyOf, hasKeyOf } from './distinct-keys.ts'
import { encryptionKeyPair, signLeaf } from './leaf.ts'
import { commonAncestor, leafOf, levelOf, nodeOf } from './math.ts'
import { pathParents } from './parent-hash.ts'
import {
  filteredPath, leafAt, nodeAt, replacePath, resolutionOf, type RatchetTree, type Subtree,
} from './ratchet-tree.ts'

/** The private keys that one member knows: its leaf's and those of some parents above it (RFC 9420 §4.2). */
export type PrivateTree = ReadonlyMap<NodeIndex, KeyPair>

/** What a member says of itself in the leaf that a commit gives it; key and source come from the path. */
export type LeafTemplate = Omit<UnsignedLeafNode, 'encryptionKey' | 'leafNodeSource'>

/** RFC 9420 §7.6: the label of encrypted path secrets. */
const label = 'UpdatePathNode'

/** A member's fresh keys, before they are encrypted to the others. */
export type NewPath = {
  readonly leaf: LeafIndex
  /** The tree with the path in it: parent hashes set, leaf signed. */
  readonly tree: RatchetTree
  /** All private keys that the member knows from now on: every key it had before is outdated and is to be wiped. */
  readonly keys: PrivateTree
  /** Of the filtered direct path, for `encryptPath` and `pathSecretFor`; then they are to be wiped (RFC 9420 §7.5). */
  readonly pathSecrets: ReadonlyMap<NodeIndex, Secret>
  readonly commitSecret: Secret
}

/**
 * RFC 9420 §7.4, §7.5: fresh keys for a leaf and its filtered direct path, put into the tree. For a tree to which
 * the commit's proposals have been applied; the leaf may be blank for a member that joins (§12.4.3.2).
 */
export function newPath(suite: Suite, { tree, leaf, template, groupId, signaturePrivateKey }: {
  readonly tree: RatchetTree
  readonly leaf: LeafIndex
  readonly template: LeafTemplate
  readonly groupId: Uint8Array
  readonly signaturePrivateKey: Secret
}): NewPath {
  const steps = filteredPath(tree, leaf)
  // RFC 9420 §7.4: "path_secret[0] is sampled at random". In a tree of one member it is the commit secret.
  const first = new Secret(suite.random(suite.hashLength))
  const { pathSecrets, keyPairs, commitSecret } = derivePath(suite, first, steps.length)
  first.wipe()
  const leafKeys = encryptionKeyPair(suite)
  const keyed = steps.map((step, at) =>
    ({ ...step, encryptionKey: (keyPairs[at] ?? impossible('a step without keys')).publicKey }))
  const { parents, leafParentHash } = pathParents(suite, keyed)
  const leafNode = signLeaf(suite, {
    leafNode: {
      ...template,
      encryptionKey: leafKeys.publicKey,
      leafNodeSource: { type: 'commit', parentHash: leafParentHash },
    },
    place: { groupId, leafIndex: leaf },
    signaturePrivateKey,
  })
  return {
    leaf,
    tree: replacePath(tree, { leaf, leafNode, above: ({ index }) => parents.get(index) }),
    keys: new Map([[nodeOf(leaf), leafKeys], ...byNode(steps, keyPairs)]),
    pathSecrets: byNode(steps, pathSecrets),
    commitSecret,
  }
}

const byNode = <T>(steps: readonly { readonly parent: Subtree }[], values: readonly T[]): Map<NodeIndex, T> =>
  new Map(steps.flatMap(({ parent }, at) => {
    const value = values[at]
    return value === undefined ? [] : [[parent.index, value]]
  }))

/**
 * RFC 9420 §7.4: the path secrets of `count` nodes that follow each other on a filtered direct path, their key pairs,
 * and the secret after the last one: the commit secret where that node is the path's end (§12.4.1).
 */
function derivePath(suite: Suite, first: Secret, count: number): {
  readonly pathSecrets: readonly Secret[]
  readonly keyPairs: readonly KeyPair[]
  readonly commitSecret: Secret
} {
  const pathSecrets: Secret[] = []
  let pathSecret = new Secret(first.unwrap().slice())
  for (let at = 0; at < count; at++) {
    pathSecrets.push(pathSecret)
    pathSecret = new Secret(deriveSecret(suite, pathSecret.unwrap(), 'path'))
  }
  const keyPairs = pathSecrets.map((secret) => keyPairOf(suite, secret))
  return { pathSecrets, keyPairs, commitSecret: pathSecret }
}

/** RFC 9420 §7.4: the key pair of the node that a path secret belongs to. */
export function keyPairOf(suite: Suite, pathSecret: Secret): KeyPair {
  const nodeSecret = deriveSecret(suite, pathSecret.unwrap(), 'node')
  const keyPair = suite.deriveKeyPair(nodeSecret)
  nodeSecret.fill(0)
  return keyPair
}

/**
 * RFC 9420 §7.5, §7.6: to whom the path secret of a parent is encrypted: the resolution of its child on the copath
 * without `exclude`, the leaves that the same commit adds.
 */
function recipients(sibling: Subtree, exclude: ReadonlySet<LeafIndex>): readonly NodeIndex[] {
  const nodes = resolutionOf(sibling)
  return exclude.size === 0 ? nodes : nodes.filter((node) => node % 2 === 1 || !exclude.has(leafOf(node)))
}

/** The public key at a position of a resolution. */
function keyAt(tree: RatchetTree, index: NodeIndex): Uint8Array {
  return encryptionKeyOf(nodeAt(tree, index) ?? impossible('a blank node in a resolution'))
}

/**
 * RFC 9420 §7.5, §7.6: the path for a commit, its secrets encrypted to everybody else.
 *
 * - `context`: the encoded provisional GroupContext, whose tree hash is that of `path.tree` (§12.4.1).
 * - `exclude`: the leaves that the same commit adds; they get the path secret by their Welcome.
 */
export function encryptPath(suite: Suite, { path, context, exclude }: {
  readonly path: NewPath
  readonly context: Uint8Array
  readonly exclude: ReadonlySet<LeafIndex>
}): UpdatePath {
  const { tree, leaf } = path
  const encrypt = encryptorWithLabel(suite, label, context)
  const nodes = filteredPath(tree, leaf).map(({ parent, sibling }) => {
    const pathSecret = path.pathSecrets.get(parent.index) ?? impossible('a path node without its secret')
    return {
      encryptionKey: keyAt(tree, parent.index),
      encryptedPathSecret: recipients(sibling, exclude).map((recipient) =>
        encrypt(keyAt(tree, recipient), pathSecret.unwrap())),
    }
  })
  return { leafNode: leafAt(tree, leaf) ?? impossible('a path without its leaf'), nodes }
}

/**
 * RFC 9420 §7.5, §12.4.2: the tree with the public part of a path in it, when it passes every check that needs no
 * private key. Not checked here: the leaf itself (`validateLeaf`, with its place). For a tree to which the commit's
 * proposals have been applied; the sender's leaf is blank only for an external commit.
 */
export function applyPath(suite: Suite, { tree, sender, path, exclude }: {
  readonly tree: RatchetTree
  readonly sender: LeafIndex
  readonly path: UpdatePath
  /** The leaves that the same commit adds. */
  readonly exclude: ReadonlySet<LeafIndex>
}): RatchetTree {
  const { leafNode, nodes } = path
  const { leafNodeSource: source } = leafNode
  // RFC 9420 §12.4.2: "The leaf_node_source field MUST be set to commit."
  check('7.3.source', source.type === 'commit')
  const steps = filteredPath(tree, sender)
  check('7.5.path-length', nodes.length === steps.length)
  const keyed = steps.map((step, at) => ({ ...step, ...(nodes[at] ?? impossible('a step without a node')) }))
  // RFC 9420 §7.6: "The length of the encrypted_path_secret vector MUST be equal to the length of the resolution".
  check('7.6.ciphertexts', keyed.every(({ sibling, encryptedPathSecret }) =>
    encryptedPathSecret.length === recipients(sibling, exclude).length))
  check('5.1.1.encryption-key', nodes.every(({ encryptionKey }) => suite.isEncryptionKey(encryptionKey)))
  const keys = distinct([leafNode.encryptionKey, ...nodes.map((node) => node.encryptionKey)])
  check('7.3.unique-encryption-key', keys !== undefined)
  // RFC 9420 §12.4.2: "none of the public keys in the UpdatePath appear in any node of the new ratchet tree", the
  // committer's current leaf included.
  check('12.4.2.new-key', !hasKeyOf(tree, { kind: 'encryption', keys }))
  const { parents, leafParentHash } = pathParents(suite, keyed)
  // RFC 9420 §7.9.2: "clients MUST recompute the expected value of parent_hash for the committer's new leaf".
  check('7.5.parent-hash', equal(source.parentHash, leafParentHash))
  return replacePath(tree, { leaf: sender, leafNode, above: ({ index }) => parents.get(index) })
}

type Received = {
  /** The tree with the path in it, as `applyPath` gave it. */
  readonly tree: RatchetTree
  readonly sender: LeafIndex
  readonly path: UpdatePath
  readonly own: LeafIndex
  readonly keys: PrivateTree
  /** The encoded provisional GroupContext, whose tree hash is that of `tree` (RFC 9420 §12.4.2). */
  readonly context: Uint8Array
  /** The leaves that the same commit adds. */
  readonly exclude: ReadonlySet<LeafIndex>
}

/**
 * RFC 9420 §7.5: the path secret that a path holds for one member, and the lowest node that it is for. Throws
 * `refused` when the ciphertext does not open, `misuse` when `keys` has no key that it is encrypted to.
 */
export function openPathSecret(suite: Suite, { tree, sender, path, own, keys, context, exclude }: Received): {
  readonly node: NodeIndex
  readonly pathSecret: Secret
} {
  // RFC 9420 §7.5: "Identify a node in the filtered direct path for which the recipient is in the subtree of the
  // non-updated child."
  const node = commonAncestor(nodeOf(sender), nodeOf(own))
  const steps = filteredPath(tree, sender)
  const at = steps.findIndex(({ parent }) => parent.index === node)
  // "Identify a node in the resolution of the copath node for which the recipient has a private key."
  const readers = steps.slice(at, at + 1).flatMap(({ sibling }) => recipients(sibling, exclude))
  const found = readers.findIndex((index) => isCurrent(tree, index, keys.get(index)))
  const reader = readers[found]
  const key = reader === undefined ? undefined : keys.get(reader)
  const ciphertext = path.nodes[at]?.encryptedPathSecret[found]
  if (key === undefined || ciphertext === undefined) {
    throw new MlsError('misuse', 'none of these private keys can open the path: they belong to another tree')
  }
  const pathSecret = decryptWithLabel(suite, key, label, context, ciphertext)
  // RFC 9420 §12.4.1: KDF.Nh is "the same length as a path_secret value would be".
  check('12.4.1.path-secret-length', pathSecret.length === suite.hashLength)
  return { node, pathSecret: new Secret(pathSecret) }
}

const isCurrent = (tree: RatchetTree, index: NodeIndex, key: KeyPair | undefined): boolean => {
  const node = nodeAt(tree, index)
  return node !== undefined && key !== undefined && equal(encryptionKeyOf(node), key.publicKey)
}

/**
 * RFC 9420 §7.5: what a path gives to one member: its private keys from now on and the commit secret. `wipe`: the
 * keys that the tree no longer has, to be wiped once the new state is stored.
 */
export function openPath(suite: Suite, received: Received): {
  readonly keys: PrivateTree
  readonly commitSecret: Secret
  readonly wipe: readonly Secret[]
} {
  const { tree, sender } = received
  const { node, pathSecret } = openPathSecret(suite, received)
  const derived = keysAbove(suite, { tree, committer: sender, node, pathSecret, rule: '7.5.derived-key' })
  pathSecret.wipe()
  const keys = new Map<NodeIndex, KeyPair>()
  const wipe: Secret[] = []
  for (const [index, key] of received.keys) {
    if (isCurrent(tree, index, key)) keys.set(index, key)
    else wipe.push(key.privateKey)
  }
  for (const [index, key] of derived.keys) keys.set(index, key)
  return { keys, commitSecret: derived.commitSecret, wipe }
}

/** Key pairs from the path secret at `node` up to the end of the committer's filtered direct path, checked. */
function keysAbove(suite: Suite, { tree, committer, node, pathSecret, rule }: {
  readonly tree: RatchetTree
  readonly committer: LeafIndex
  readonly node: NodeIndex
  readonly pathSecret: Secret
  readonly rule: RuleId
}): { readonly keys: PrivateTree, readonly commitSecret: Secret } {
  const steps = filteredPath(tree, committer).filter(({ parent }) => levelOf(parent.index) >= levelOf(node))
  const { pathSecrets, keyPairs, commitSecret } = derivePath(suite, pathSecret, steps.length)
  for (const secret of pathSecrets) secret.wipe() // RFC 9420 §7.5: "each recipient MUST delete" them.
  const keys = byNode(steps, keyPairs)
  // RFC 9420 §7.5: "Verify that the derived public keys are the same as the corresponding public keys".
  check(rule, [...keys].every(([index, key]) => isCurrent(tree, index, key)))
  return { keys, commitSecret }
}

/** RFC 9420 §12.4.3.1: the path secret that a Welcome carries for a member that the commit adds. */
export function pathSecretFor(path: NewPath, member: LeafIndex): Secret {
  const ancestor = commonAncestor(nodeOf(path.leaf), nodeOf(member))
  const secret = path.pathSecrets.get(ancestor)
  if (secret === undefined) throw new MlsError('misuse', `leaf ${member} is not one that this path's tree has`)
  return secret
}

/**
 * RFC 9420 §12.4.3.1: the private keys of parents that the path secret in a Welcome gives to a new member. `signer`:
 * the committer. Refused unless they are those of the tree. `pathSecret` stays the caller's to wipe.
 */
export function keysFromPathSecret(suite: Suite, { tree, own, signer, pathSecret }: {
  readonly tree: RatchetTree
  readonly own: LeafIndex
  readonly signer: LeafIndex
  readonly pathSecret: Secret
}): PrivateTree {
  check('12.4.1.path-secret-length', pathSecret.length === suite.hashLength)
  check('12.4.3.1.path-secret', signer !== own) // They have no ancestor of which only the signer knew the secret.
  const node = commonAncestor(nodeOf(signer), nodeOf(own))
  const { keys, commitSecret } = keysAbove(suite, {
    tree, committer: signer, node, pathSecret, rule: '12.4.3.1.path-secret',
  })
  commitSecret.wipe()
  return keys
}
