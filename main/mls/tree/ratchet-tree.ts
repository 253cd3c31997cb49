/**
 * The public ratchet tree (RFC 9420 §4, §7.7): an immutable perfect binary tree of linked positions (Appendix D). A
 * change copies the positions from one leaf to the root and shares all others, so that an old version stays as it
 * was, what differs between two versions is found by reference, and tree hashes are cached per position.
 */
import { impossible, MlsError } from '../error.ts'
import { check } from '../rules.ts'
import type { LeafIndex, LeafNode, Node, NodeIndex } from '../wire/node.ts'
import { leafOf, levelOf, nodeOf, nodeWidth, rootOf } from './math.ts'

/**
 * One position and everything below it. An object stands at one position only, blank ones included: caches depend
 * on it, because the tree hash of a blank leaf covers its index (RFC 9420 §7.8).
 */
export type Subtree = {
  /** Where it stands (Appendix C). */
  readonly index: NodeIndex
  /** What stands there; `undefined`: blank (RFC 9420 §4.1.1). */
  readonly node: Node | undefined
  /** The halves below; a leaf has none. */
  readonly children: readonly [left: Subtree, right: Subtree] | undefined
  /** How many leaves here are not blank. */
  readonly members: number
  /** How many nodes here are not blank. None: the resolution is empty (RFC 9420 §4.1.1). */
  readonly filled: number
}

/**
 * How many leaves a tree has at most, blank ones included (RFC 9420 §4.1 sets no limit). A blank leaf is one octet in a
 * Welcome and two positions to hash here: without a limit, four mebibytes of nothing take a minute and a gibibyte.
 */
export const leafLimit = 65_536

/** A ratchet tree. Values of this type never change. */
export type RatchetTree = { readonly leafCount: number, readonly root: Subtree }

function subtree(index: NodeIndex, node: Node | undefined, children?: readonly [Subtree, Subtree]): Subtree {
  const own = node === undefined ? 0 : 1
  if (children === undefined) return { index, node, children, members: own, filled: own }
  const [left, right] = children
  return { index, node, children, members: left.members + right.members, filled: left.filled + right.filled + own }
}

/** The subtree whose head is `index`, each node as `at` says. */
function build(index: NodeIndex, at: (index: NodeIndex) => Node | undefined): Subtree {
  const level = levelOf(index)
  if (level === 0) return subtree(index, at(index))
  const step = 1 << (level - 1)
  const left = build((index - step) as NodeIndex, at)
  const right = build((index + step) as NodeIndex, at)
  return subtree(index, at(index), [left, right])
}

/** The one-leaf tree of a new group (RFC 9420 §11). */
export const emptyTree = (leafNode: LeafNode): RatchetTree => treeOf([{ type: 'leaf', leafNode }])

/**
 * The tree of the `ratchet_tree` extension's nodes, extended to the right with blanks to a full tree
 * (RFC 9420 §12.4.3.3). Refuses a blank last node and a node of the wrong kind for its position; everything else is
 * for `validateTree` to judge.
 */
export function treeOf(nodes: readonly (Node | undefined)[]): RatchetTree {
  // RFC 9420 §12.4.3.3: "The receiver MUST check that the last node in ratchet_tree is non-blank".
  check('12.4.3.3.last-node', nodes[nodes.length - 1] !== undefined)
  check('4.1.leaf-limit', nodes.length <= nodeWidth(leafLimit))
  // RFC 9420 §12.4.3.3: leaves at even positions, parents between them.
  check('12.4.3.3.node-type', nodes.every((node, at) =>
    node === undefined || node.type === (at % 2 === 0 ? 'leaf' : 'parent')))
  let leafCount = 1
  while (nodeWidth(leafCount) < nodes.length) leafCount *= 2
  return { leafCount, root: build(rootOf(leafCount), (index) => nodes[index]) }
}

/** The nodes in array order without trailing blanks, as the `ratchet_tree` extension has them (§12.4.3.3). */
export function nodesOf(tree: RatchetTree): readonly (Node | undefined)[] {
  const nodes = Array.from(positionsIn(tree.root), (at) => at.node)
  while (nodes.length > 0 && nodes[nodes.length - 1] === undefined) nodes.pop()
  return nodes
}

/** Every position of a subtree from left to right: the order of the array (RFC 9420 §12.4.3.3). */
export function* positionsIn(head: Subtree): Generator<Subtree, void> {
  const above: Subtree[] = []
  let at: Subtree | undefined = head
  while (at !== undefined || above.length > 0) {
    while (at !== undefined) {
      above.push(at)
      at = at.children?.[0]
    }
    const next = above.pop()
    if (next === undefined) return
    yield next
    at = next.children?.[1]
  }
}

/** How many leaves the tree has, blank ones included: a power of two (RFC 9420 §4.1). */
export const leafCount = (tree: RatchetTree): number => tree.leafCount

/** The positions from the root down to `index`, that one included. Throws for a position outside of the tree. */
function descend(tree: RatchetTree, index: NodeIndex): readonly [Subtree, ...Subtree[]] {
  if (!(index >= 0 && index < nodeWidth(tree.leafCount))) {
    throw new MlsError('misuse', `node ${index} is outside of a tree of ${tree.leafCount} leaves`)
  }
  const path: [Subtree, ...Subtree[]] = [tree.root]
  let at = tree.root
  while (at.index !== index) {
    at = childTowards(at, index)
    path.push(at)
  }
  return path
}

/** The child of `at` in whose subtree the position `index` lies, for one that is below `at`. */
export const childTowards = (at: Subtree, index: NodeIndex): Subtree =>
  at.children?.[index < at.index ? 0 : 1] ?? impossible('a leaf was asked for its child')

/** The positions of a leaf's direct path with their copath children, from the leaf's parent up to the root. */
function stepsFrom(tree: RatchetTree, leaf: LeafIndex): readonly { parent: Subtree, sibling: Subtree }[] {
  const index = nodeOf(leaf)
  const steps = descend(tree, index).slice(0, -1).map((parent) => {
    const [left, right] = parent.children ?? impossible('a leaf on a direct path')
    return { parent, sibling: index < parent.index ? right : left }
  })
  return steps.reverse()
}

/**
 * RFC 9420 §4.1.2: the filtered direct path of a leaf, from its parent up: the direct path without nodes whose
 * copath child has an empty resolution, each with that child.
 */
export const filteredPath = (tree: RatchetTree, leaf: LeafIndex): readonly { parent: Subtree, sibling: Subtree }[] =>
  stepsFrom(tree, leaf).filter(({ sibling }) => sibling.filled > 0)

/** The node at an array position; `undefined` where it is blank or outside of the tree. */
export function nodeAt(tree: RatchetTree, index: NodeIndex): Node | undefined {
  if (!(index >= 0 && index < nodeWidth(tree.leafCount))) return undefined
  let at = tree.root
  while (at.index !== index) at = childTowards(at, index)
  return at.node
}

/** The leaf at an index (RFC 9420 §7.1); `undefined` where it is blank or outside of the tree. */
export function leafAt(tree: RatchetTree, leaf: LeafIndex): LeafNode | undefined {
  const node = nodeAt(tree, nodeOf(leaf))
  return node?.type === 'leaf' ? node.leafNode : undefined
}

export type IndexedLeaf = { readonly index: LeafIndex, readonly leafNode: LeafNode }

/** Every leaf that is not blank (RFC 9420 §4.1.1), from left to right. */
export function leavesOf(tree: RatchetTree): readonly IndexedLeaf[] {
  const leaves: IndexedLeaf[] = []
  for (const { index, node } of positionsIn(tree.root)) {
    if (node?.type === 'leaf') leaves.push({ index: leafOf(index), leafNode: node.leafNode })
  }
  return leaves
}

/** Every position of the tree from left to right. */
export const positionsOf = (tree: RatchetTree): Iterable<Subtree> => positionsIn(tree.root)

/**
 * Whether a subtree is small enough to be read again as a whole when something below it changed. What is asked about
 * every member is cached per block, so that its answer costs a small part of the tree.
 */
export const isBlock = (at: Subtree): boolean => levelOf(at.index) <= 5

/** The blocks that hold all leaves, from left to right. */
export function* blocksOf(tree: RatchetTree): Generator<Subtree, void> {
  const next = [tree.root]
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    if (isBlock(at)) yield at
    else next.push(...[...at.children ?? []].reverse())
  }
}

/**
 * RFC 9420 §4.1.1: the resolution of a position, the nearest non-blank nodes at and below it from left to right, each
 * followed by its unmerged leaves.
 */
export function resolutionOf(at: Subtree): readonly NodeIndex[] {
  const found: NodeIndex[] = []
  const visit = (here: Subtree): void => {
    if (here.filled === 0) return // "The resolution of a blank leaf node is the empty list."
    if (here.node === undefined) {
      here.children?.forEach(visit)
      return
    }
    found.push(here.index)
    if (here.node.type === 'parent') {
      for (const leaf of here.node.parentNode.unmergedLeaves) found.push(nodeOf(leaf))
    }
  }
  visit(at)
  return found
}

/**
 * A copy of the tree with another leaf at `leaf` and every node of its direct path as `above` says. All that is not
 * on that path is shared. Throws `MlsError('misuse')` for a leaf outside of the tree.
 */
export function replacePath(
  tree: RatchetTree,
  { leaf, leafNode, above }: {
    readonly leaf: LeafIndex
    readonly leafNode: LeafNode | undefined
    readonly above: (at: Subtree) => Node | undefined
  },
): RatchetTree {
  const index = nodeOf(leaf)
  const path = [...descend(tree, index)].reverse()
  let root = subtree(index, leafNode === undefined ? undefined : { type: 'leaf', leafNode })
  for (const parent of path.slice(1)) {
    const [left, right] = parent.children ?? impossible('a parent without children')
    root = subtree(parent.index, above(parent), index < parent.index ? [root, right] : [left, root])
  }
  return { leafCount: tree.leafCount, root }
}

const blank = (): undefined => undefined

/** RFC 9420 §7.7: a new blank root, the tree to its left and as many blank leaves to its right. */
function extend(tree: RatchetTree): RatchetTree {
  check('4.1.leaf-limit', tree.leafCount < leafLimit)
  const leafCount = tree.leafCount * 2
  const index = rootOf(leafCount)
  const right = build((index + tree.leafCount) as NodeIndex, blank)
  return { leafCount, root: subtree(index, undefined, [tree.root, right]) }
}

/** RFC 9420 §7.7, §12.1.3: without the right half, as long as no leaf there has a member. */
function truncate(tree: RatchetTree): RatchetTree {
  let { leafCount, root } = tree
  while (root.children !== undefined && root.children[1].members === 0) {
    root = root.children[0]
    leafCount /= 2
  }
  return { leafCount, root }
}

/**
 * RFC 9420 §12.1.1: puts new members into the leftmost blank leaves, in their order, extending the tree where there
 * are none, and lists them as unmerged in every non-blank parent above. One walk however many there are.
 */
export function addLeaves(
  tree: RatchetTree, leafNodes: readonly LeafNode[],
): { readonly tree: RatchetTree, readonly indexes: readonly LeafIndex[] } {
  let wide = tree
  while (wide.root.members + leafNodes.length > wide.leafCount) wide = extend(wide)
  const indexes: LeafIndex[] = []
  const fill = (at: Subtree): Subtree => {
    const leafNode = leafNodes[indexes.length]
    if (leafNode === undefined) return at
    if (at.children === undefined) {
      if (at.node !== undefined) return at
      indexes.push(leafOf(at.index))
      return subtree(at.index, { type: 'leaf', leafNode })
    }
    if (at.members === 1 << levelOf(at.index)) return at // No blank leaf below.
    const before = indexes.length
    const children = [fill(at.children[0]), fill(at.children[1])] as const
    return subtree(at.index, withUnmerged(at.node, indexes.slice(before)), children)
  }
  return { tree: { leafCount: wide.leafCount, root: fill(wide.root) }, indexes }
}

/** RFC 9420 §7.1: "The entries in the unmerged_leaves vector MUST be sorted in increasing order." */
function withUnmerged(node: Node | undefined, added: readonly LeafIndex[]): Node | undefined {
  if (node?.type !== 'parent' || added.length === 0) return node
  const unmergedLeaves = [...node.parentNode.unmergedLeaves, ...added].sort((a, b) => a - b)
  return { type: 'parent', parentNode: { ...node.parentNode, unmergedLeaves } }
}

/** RFC 9420 §12.1.1 for one new member. */
export function addLeaf(
  tree: RatchetTree, leafNode: LeafNode,
): { readonly tree: RatchetTree, readonly index: LeafIndex } {
  const { tree: after, indexes: [index = impossible('a leaf without a place')] } = addLeaves(tree, [leafNode])
  return { tree: after, index }
}

/**
 * RFC 9420 §12.4.3.2: the leftmost blank leaf for a member that joins by its own commit, the tree extended where
 * there is none. The leaf stays blank until the commit's path is applied.
 */
export function reserveLeaf(tree: RatchetTree): { readonly tree: RatchetTree, readonly index: LeafIndex } {
  const wide = tree.root.members < tree.leafCount ? tree : extend(tree)
  let at = wide.root
  while (at.children !== undefined) {
    const left = at.children[0]
    at = left.members < 1 << levelOf(left.index) ? left : at.children[1]
  }
  return { tree: wide, index: leafOf(at.index) }
}

/** RFC 9420 §12.1.2: replaces a member's leaf and blanks its direct path. Throws `misuse` for a blank leaf. */
export function updateLeaf(tree: RatchetTree, leaf: LeafIndex, leafNode: LeafNode): RatchetTree {
  if (leafAt(tree, leaf) === undefined) throw new MlsError('misuse', `leaf ${leaf} is blank: add a member instead`)
  return replacePath(tree, { leaf, leafNode, above: blank })
}

/** RFC 9420 §12.1.3: blanks a leaf and its direct path, then truncates the tree. Throws `refused` for a blank leaf. */
export function removeLeaf(tree: RatchetTree, leaf: LeafIndex): RatchetTree {
  check('12.1.3.removed', leafAt(tree, leaf) !== undefined)
  return truncate(replacePath(tree, { leaf, leafNode: undefined, above: blank }))
}

/**
 * What storage has to write for the step from one version to the next: every position whose node differs, with its
 * new node (`undefined`: delete). Costs as much as differs, because shared parts are skipped by reference.
 */
export function changedNodes(
  before: RatchetTree | undefined, after: RatchetTree,
): readonly (readonly [NodeIndex, Node | undefined])[] {
  const changed: (readonly [NodeIndex, Node | undefined])[] = []
  const compare = (was: Subtree | undefined, is: Subtree | undefined): void => {
    if (was === is) return
    const head = Math.max(was?.index ?? -1, is?.index ?? -1) as NodeIndex
    // Only roots differ in their index: the narrower tree is the left edge of the wider one (RFC 9420 §7.7).
    const halves = (of: Subtree | undefined): readonly (Subtree | undefined)[] =>
      (of === undefined || of.index === head ? of?.children : [of]) ?? []
    const node = (of: Subtree | undefined): Node | undefined => of?.index === head ? of.node : undefined
    compare(halves(was)[0], halves(is)[0])
    if (node(was) !== node(is)) changed.push([head, node(is)])
    compare(halves(was)[1], halves(is)[1])
  }
  compare(before?.root, after.root)
  return changed
}
