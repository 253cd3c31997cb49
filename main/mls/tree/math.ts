/**
 * The array-based trees of RFC 9420 Appendix C: leaf i is node 2i, parents are the odd numbers between. Every tree is
 * perfect, so `leafCount` is always a power of two (§4.1), and a node's relations depend on it at the root only.
 */
import { MlsError } from '../error.ts'
import type { LeafIndex, NodeIndex } from '../wire/node.ts'

/** Appendix C `level`: 0 for a leaf, one more for each step towards the root. */
export function levelOf(node: NodeIndex): number {
  let level = 0
  while ((node >> level) & 1) level++
  return level
}

/** Appendix C `node_width`: how many nodes a tree of `leafCount` leaves has. */
export const nodeWidth = (leafCount: number): number => leafCount === 0 ? 0 : 2 * leafCount - 1

/** Appendix C `root`, for a power of two. */
export const rootOf = (leafCount: number): NodeIndex => (leafCount - 1) as NodeIndex

/** The array position of a leaf (RFC 9420 Appendix C). */
export const nodeOf = (leaf: LeafIndex): NodeIndex => (2 * leaf) as NodeIndex

/** The leaf at an even array position. */
export const leafOf = (node: NodeIndex): LeafIndex => (node / 2) as LeafIndex

/** Appendix C `left`; a leaf has none. */
export function leftOf(node: NodeIndex): NodeIndex | undefined {
  const level = levelOf(node)
  return level === 0 ? undefined : (node ^ (1 << (level - 1))) as NodeIndex
}

/** Appendix C `right`; a leaf has none. */
export function rightOf(node: NodeIndex): NodeIndex | undefined {
  const level = levelOf(node)
  return level === 0 ? undefined : (node ^ (3 << (level - 1))) as NodeIndex
}

/** Appendix C `parent`; the root has none. */
export function parentOf(node: NodeIndex, leafCount: number): NodeIndex | undefined {
  if (node === rootOf(leafCount)) return undefined
  const level = levelOf(node)
  const side = (node >> (level + 1)) & 1
  return ((node | (1 << level)) ^ (side << (level + 1))) as NodeIndex
}

/** Appendix C `sibling`; the root has none. */
export function siblingOf(node: NodeIndex, leafCount: number): NodeIndex | undefined {
  const parent = parentOf(node, leafCount)
  if (parent === undefined) return undefined
  return node < parent ? rightOf(parent) : leftOf(parent)
}

/** RFC 9420 §4.1.2: the parents of a node, from the nearest to the root. Throws `misuse` outside of the tree. */
export function directPath(node: NodeIndex, leafCount: number): readonly NodeIndex[] {
  if (!Number.isInteger(node) || node < 0 || node >= nodeWidth(leafCount)) {
    throw new MlsError('misuse', `node ${node} is outside of a tree of ${leafCount} leaves`)
  }
  const path: NodeIndex[] = []
  for (let at = parentOf(node, leafCount); at !== undefined; at = parentOf(at, leafCount)) path.push(at)
  return path
}

/** RFC 9420 §4.1.2: the siblings of a node and of its direct path without the root, in the direct path's order. */
export function copath(node: NodeIndex, leafCount: number): readonly NodeIndex[] {
  const siblings: NodeIndex[] = []
  for (const at of [node, ...directPath(node, leafCount)]) {
    const sibling = siblingOf(at, leafCount)
    if (sibling !== undefined) siblings.push(sibling)
  }
  return siblings
}

/** Appendix C `common_ancestor`: the lowest node that is one of the two or above it, for both. */
export function commonAncestor(a: NodeIndex, b: NodeIndex): NodeIndex {
  let level = Math.max(levelOf(a), levelOf(b))
  while (a >> (level + 1) !== b >> (level + 1)) level++
  // All nodes below one at this level share its bits above the level, and the node itself has ones beneath them.
  return ((a >> (level + 1) << (level + 1)) + (1 << level) - 1) as NodeIndex
}
