/** Tree hashes: what all members agree on about the tree (RFC 9420 §7.8), and their originals (§7.9). */
import { encode } from '../codec.ts'
import type { Suite } from '../suite.ts'
import { TreeHashInput, type LeafIndex, type Node } from '../wire/node.ts'
import { leafOf, nodeOf } from './math.ts'
import type { RatchetTree, Subtree } from './ratchet-tree.ts'

/**
 * Hashes that are known, per position. Versions of a tree share positions, so that after a change only the changed
 * path is hashed. A tree belongs to one group and therefore to one suite; the id guards against a mistake.
 */
const known = new WeakMap<Subtree, { readonly suiteId: number, readonly hash: Uint8Array }>()

/** RFC 9420 §7.8: the tree hash of the whole tree. Do not write into the result: it is cached. */
export const treeHash = (suite: Suite, tree: RatchetTree): Uint8Array => subtreeHash(suite, tree.root)

/** RFC 9420 §7.8: the tree hash of one position. Do not write into the result: it is cached. */
export function subtreeHash(suite: Suite, at: Subtree): Uint8Array {
  const cached = known.get(at)
  if (cached?.suiteId === suite.id) return cached.hash
  const hash = hashInput(suite, at, at.node, at.children?.map((child) => subtreeHash(suite, child)))
  known.set(at, { suiteId: suite.id, hash })
  return hash
}

/**
 * RFC 9420 §7.9: the original tree hash of a position, as if the `unmerged` leaves below it were blank and listed by
 * no parent. Equal to the tree hash, and then free, where none of them is below.
 */
export function originalHash(suite: Suite, at: Subtree, unmerged: readonly LeafIndex[]): Uint8Array {
  if (unmerged.length === 0) return subtreeHash(suite, at)
  if (at.children === undefined) return hashInput(suite, at, undefined, undefined)
  const [left, right] = at.children
  const hashes = [
    originalHash(suite, left, unmerged.filter((leaf) => nodeOf(leaf) < at.index)),
    originalHash(suite, right, unmerged.filter((leaf) => nodeOf(leaf) > at.index)),
  ]
  return hashInput(suite, at, withoutUnmerged(at.node, new Set(unmerged)), hashes)
}

function withoutUnmerged(node: Node | undefined, removed: ReadonlySet<LeafIndex>): Node | undefined {
  if (node?.type !== 'parent') return node
  const unmergedLeaves = node.parentNode.unmergedLeaves.filter((leaf) => !removed.has(leaf))
  return { type: 'parent', parentNode: { ...node.parentNode, unmergedLeaves } }
}

/** RFC 9420 §7.8: the hash of a position's `TreeHashInput`. */
function hashInput(
  suite: Suite, { index }: Subtree, node: Node | undefined, children: readonly Uint8Array[] | undefined,
): Uint8Array {
  const [leftHash, rightHash] = children ?? []
  if (leftHash === undefined || rightHash === undefined) {
    const leafNode = node?.type === 'leaf' ? node.leafNode : undefined
    return suite.hash(encode(TreeHashInput, { type: 'leaf', leafIndex: leafOf(index), leafNode }))
  }
  // RFC 9420 §7.8: the optional node is "absent if the node is blank and present if the node contains a value".
  const parentNode = node?.type === 'parent' ? node.parentNode : undefined
  return suite.hash(encode(TreeHashInput, { type: 'parent', parentNode, leftHash, rightHash }))
}
