/** Parent hashes: who put the keys of parents into the tree, and for whom (RFC 9420 §7.9). */
import { encode, equal } from '../codec.ts'
import { check } from '../rules.ts'
import type { Suite } from '../suite.ts'
import { ParentHashInput, type Node, type NodeIndex, type ParentNode } from '../wire/node.ts'
import { originalHash, subtreeHash } from './hash.ts'
import { nodeOf } from './math.ts'
import { nodeAt, positionsOf, resolutionOf, type RatchetTree, type Subtree } from './ratchet-tree.ts'

/** RFC 9420 §7.9: the hash of a parent's `ParentHashInput`. */
const hashOf = (suite: Suite, parentNode: ParentNode, originalSiblingTreeHash: Uint8Array): Uint8Array =>
  suite.hash(encode(ParentHashInput, {
    encryptionKey: parentNode.encryptionKey, parentHash: parentNode.parentHash, originalSiblingTreeHash,
  }))

/** A node of a filtered direct path, its child on the copath, and the public key that an UpdatePath gives it. */
export type KeyedStep = { readonly parent: Subtree, readonly sibling: Subtree, readonly encryptionKey: Uint8Array }

/**
 * RFC 9420 §7.9, as §7.5 uses it: the parents that a path sets on a filtered direct path, and the parent hash for
 * the leaf below them. `steps` go from the leaf up.
 */
export function pathParents(suite: Suite, steps: readonly KeyedStep[]): {
  readonly parents: ReadonlyMap<NodeIndex, Node>
  readonly leafParentHash: Uint8Array
} {
  const parents = new Map<NodeIndex, Node>()
  // RFC 9420 §7.5: "The root node always has a zero-length hash for its parent hash." So does a path's last node
  // below a root that is filtered out.
  let parentHash: Uint8Array = new Uint8Array(0)
  for (const { parent, sibling, encryptionKey } of [...steps].reverse()) {
    // RFC 9420 §7.5: "Set the list of unmerged leaves to the empty list."
    const parentNode: ParentNode = { encryptionKey, parentHash, unmergedLeaves: [] }
    parents.set(parent.index, { type: 'parent', parentNode })
    // RFC 9420 §7.9: without unmerged leaves the original sibling tree hash is the tree hash.
    parentHash = hashOf(suite, parentNode, subtreeHash(suite, sibling))
  }
  return { parents, leafParentHash: parentHash }
}

/**
 * RFC 9420 §7.9.2: refuses a tree in which a non-blank parent is not parent-hash valid, as a new member must. Top
 * down: every one has exactly one descendant whose parent hash is valid with respect to it.
 */
export function verifyParentHashes(suite: Suite, tree: RatchetTree): void {
  const { node: root } = tree.root
  // RFC 9420 §7.9: "If P is the root, then the `parent_hash` field is set to a zero-length octet string."
  check('7.9.root', root?.type !== 'parent' || root.parentNode.parentHash.length === 0)
  for (const at of positionsOf(tree)) {
    if (at.node?.type !== 'parent' || at.children === undefined) continue
    const [left, right] = at.children
    const { parentNode } = at.node
    const links = Number(isLinked(suite, tree, { at, parentNode, child: left, sibling: right }))
      + Number(isLinked(suite, tree, { at, parentNode, child: right, sibling: left }))
    check('7.9.2.parent-hash', links === 1)
  }
}

/**
 * RFC 9420 §7.9.2: whether a node D below `child` has a parent hash that is valid with respect to the parent P. The
 * third criterion leaves only one candidate: the one node of the resolution that P does not list as unmerged.
 */
function isLinked(suite: Suite, tree: RatchetTree, { at, parentNode, child, sibling }: {
  readonly at: Subtree
  readonly parentNode: ParentNode
  readonly child: Subtree
  readonly sibling: Subtree
}): boolean {
  const onSide = (side: Subtree) => parentNode.unmergedLeaves.filter((leaf) =>
    (nodeOf(leaf) < at.index) === (side.index < at.index))
  const unmerged = new Set(onSide(child).map(nodeOf))
  const resolution = resolutionOf(child)
  const [candidate, ...others] = resolution.filter((index) => !unmerged.has(index))
  // "The intersection of P's unmerged_leaves with the subtree under C is equal to the resolution of C with D removed."
  if (candidate === undefined || others.length > 0 || resolution.length !== unmerged.size + 1) return false
  const parentHash = parentHashIn(nodeAt(tree, candidate))
  if (parentHash === undefined) return false
  // "The parent_hash field of D is equal to the parent hash of P with copath child S."
  return equal(parentHash, hashOf(suite, parentNode, originalHash(suite, sibling, onSide(sibling))))
}

/** RFC 9420 §7.9.1: the `parent_hash` field, which only parents and leaves with the source `commit` have. */
function parentHashIn(node: Node | undefined): Uint8Array | undefined {
  if (node?.type === 'parent') return node.parentNode.parentHash
  const source = node?.leafNode.leafNodeSource
  return source?.type === 'commit' ? source.parentHash : undefined
}
