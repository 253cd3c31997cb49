import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from '../../main/mls/codec.ts'
import { originalHash, subtreeHash, treeHash } from '../../main/mls/tree/hash.ts'
import { copath, directPath, leafOf, nodeOf, nodeWidth } from '../../main/mls/tree/math.ts'
import {
  addLeaf, addLeaves, changedNodes, emptyTree, filteredPath, leafAt, leafCount, leavesOf, nodeAt, nodesOf,
  positionsOf, removeLeaf, reserveLeaf, resolutionOf, treeOf, updateLeaf, type RatchetTree,
  type Subtree,
} from '../../main/mls/tree/ratchet-tree.ts'
import { checkUnmergedLeaves } from '../../main/mls/tree/validate.ts'
import { RatchetTreeNodes, type LeafIndex, type LeafNode, type Node, type NodeIndex } from '../../main/mls/wire/node.ts'
import {
  A, B, C, commit, commitEach, D, E, F, G, H, makePath, newcomer, startGroup, suiteNumber, type TreeGroup,
} from './tree-group.ts'

const suite = suiteNumber(1)
const leaves = Array.from({ length: 40 }, () => newcomer(suite).leafNode)
const leafNumber = (at: number): LeafNode => leaves[at % leaves.length] ?? assert.fail('no such leaf')
const treeOfLeaves = (count: number): RatchetTree =>
  addLeaves(emptyTree(leafNumber(0)), leaves.slice(1, count)).tree
/** Which positions are not blank. */
const shapeOf = (tree: RatchetTree): readonly number[] =>
  [...positionsOf(tree)].filter(({ node }) => node !== undefined).map(({ index }) => index)
const unmergedAt = (tree: RatchetTree, index: number): readonly number[] | undefined => {
  const node = nodeAt(tree, index as NodeIndex)
  return node?.type === 'parent' ? node.parentNode.unmergedLeaves : undefined
}
const bytesOf = (tree: RatchetTree): Uint8Array => encode(RatchetTreeNodes, nodesOf(tree))

describe('the pictures of RFC 9420', () => {
  const group = (members: number): TreeGroup => commit(startGroup(suite), A, { add: members - 1, withPath: false })

  test('§4.1.1: the resolution of a tree with blanks and unmerged leaves', () => {
    // Appendix A; the ninth member is "someone outside this subtree".
    const outside = 8 as LeafIndex
    const { tree } = commitEach(group(9), [
      [F, {}], [D, { remove: [B, C] }], [outside, { remove: [G] }], [A, { add: 1, withPath: false }],
    ])
    const [X, Y, top] = [3, 9, 7] as const
    assert.deepEqual(shapeOf(tree).filter((index) => index < 15), [0, 2, X, 6, 8, Y, 10, 14])
    const resolution = (index: number): readonly number[] =>
      resolutionOf([...positionsOf(tree)][index] ?? assert.fail('no such position'))
    assert.deepEqual(resolution(X), [X, nodeOf(B)])
    assert.deepEqual(resolution(nodeOf(C)), [])
    assert.deepEqual(resolution(nodeOf(G)), [])
    assert.deepEqual(resolution(top), [X, nodeOf(B), Y, nodeOf(H)])
  })

  test('§4.1.2: filtered direct paths', () => {
    // Appendix A: F sends an empty commit, G removes C and D, B sends an empty commit; H was never there.
    const { tree } = commitEach(group(7), [[F, {}], [G, { remove: [C, D] }], [B, {}]])
    const [T, U, W, X, Y, Z] = [1, 3, 7, 9, 11, 13] as const
    assert.deepEqual(shapeOf(tree).filter((index) => index % 2 === 1), [T, W, X, Y])
    const pathOf = (leaf: LeafIndex): readonly number[] => filteredPath(tree, leaf).map(({ parent }) => parent.index)
    assert.deepEqual([A, B, E, F, G].map(pathOf), [[T, W], [T, W], [X, Y, W], [X, Y, W], [Y, W]])
    assert.deepEqual(directPath(nodeOf(A), 8), [T, U, W])
    assert.ok(!pathOf(G).includes(Z))
  })

  test('§7.4: a path clears the unmerged leaves of its nodes only', () => {
    // Made by hand: with filtered direct paths, D's commit that removes C (Appendix A) would not set Z.
    const [X, Y, Z] = [1, 3, 5] as const
    const full = commitEach(group(4), [[B, {}], [D, {}]])
    const tree = treeOf(nodesOf(full.tree).map((node, index) => node?.type === 'parent' && index !== X
      ? { type: 'parent', parentNode: { ...node.parentNode, unmergedLeaves: [C] } }
      : node))
    const made = makePath({ ...full, tree }, B)
    assert.deepEqual([X, Y, Z].map((index) => unmergedAt(made.tree, index)), [[], [], [C]])
  })

  test('§7.1: unmerged leaves stay in order, whichever leaf was blank', () => {
    const full = commitEach(group(4), [[B, {}], [D, {}]])
    // As another implementation may leave it: C is blank and D unmerged.
    const gap = treeOf(nodesOf(full.tree).map((node, index) => {
      if (index === nodeOf(C) || index === 5) return undefined
      return index === 3 && node?.type === 'parent'
        ? { type: 'parent', parentNode: { ...node.parentNode, unmergedLeaves: [D] } }
        : node
    }))
    assert.deepEqual(unmergedAt(addLeaf(gap, leafNumber(9)).tree, 3), [C, D])
  })

  test('§7.7: the tree is extended for a third member and truncated when it leaves', () => {
    const two = treeOfLeaves(2)
    const { tree: three, index } = addLeaf(two, leafNumber(2))
    assert.equal(index, C)
    assert.equal(leafCount(three), 4)
    assert.deepEqual(shapeOf(three), [0, 2, 4])
    assert.equal(three.root.children?.[0], two.root, 'the old tree is the left half of the new one')
    assert.equal(removeLeaf(three, C).root, two.root)
    assert.equal(leafCount(removeLeaf(three, C)), 2)
  })

  test('§7.9: F is unmerged at W and Y', () => {
    const before = commitEach(group(7), [[A, { remove: [F] }], [E, {}]])
    const { tree } = commit(before, A, { add: 1, withPath: false })
    const [T, U, W, Y] = [1, 3, 7, 11] as const
    assert.deepEqual(unmergedAt(tree, W), [F])
    assert.deepEqual(unmergedAt(tree, Y), [F])
    assert.deepEqual([unmergedAt(tree, T), unmergedAt(tree, U)], [[], []])
    // "With P = W and S = Y": as if F were blank and unmerged nowhere.
    const right = (of: RatchetTree): Subtree => of.root.children?.[1] ?? assert.fail('a tree of one leaf')
    assert.deepEqual(originalHash(suite, right(tree), [F]), subtreeHash(suite, right(before.tree)))
    assert.notDeepEqual(subtreeHash(suite, right(tree)), subtreeHash(suite, right(before.tree)))
  })

  test('§12.1.3: removing the last members on the right truncates more than once', () => {
    const five = treeOfLeaves(5)
    assert.equal(leafCount(five), 8)
    const four = removeLeaf(removeLeaf(removeLeaf(five, B), D), C)
    assert.equal(leafCount(four), 8)
    const one = removeLeaf(four, E)
    assert.equal(leafCount(one), 1)
    assert.equal(one.root.members, 1)
  })

  test('§12.4.3.2: a member that joins by its own commit takes the leftmost blank leaf', () => {
    const gap = removeLeaf(treeOfLeaves(4), B)
    assert.equal(reserveLeaf(gap).index, B)
    assert.equal(reserveLeaf(gap).tree, gap)
    const full = reserveLeaf(treeOfLeaves(4))
    assert.equal(full.index, E)
    assert.equal(leafCount(full.tree), 8)
  })
})

/** The array of RFC 9420 Appendix C, changed word for word as §12.1 says: what a tree is compared with. */
class ArrayTree {
  nodes: (Node | undefined)[]

  constructor(nodes: readonly (Node | undefined)[]) {
    this.nodes = [...nodes]
    let width = 1
    while (width < this.nodes.length) width = 2 * width + 1
    while (this.nodes.length < width) this.nodes.push(undefined)
  }

  get leafCount(): number {
    return (this.nodes.length + 1) / 2
  }

  directPathOf(leaf: LeafIndex): readonly NodeIndex[] {
    return directPath(nodeOf(leaf), this.leafCount)
  }

  add(leafNode: LeafNode): void {
    let at = this.nodes.findIndex((node, index) => index % 2 === 0 && node === undefined)
    if (at < 0) {
      at = this.nodes.length + 1
      this.nodes.push(...new Array<undefined>(this.nodes.length + 1).fill(undefined))
    }
    const leaf = leafOf(at as NodeIndex)
    for (const index of this.directPathOf(leaf)) {
      const node = this.nodes[index]
      if (node?.type !== 'parent') continue
      const unmergedLeaves = [...new Set([...node.parentNode.unmergedLeaves, leaf])].sort((a, b) => a - b)
      this.nodes[index] = { type: 'parent', parentNode: { ...node.parentNode, unmergedLeaves } }
    }
    this.nodes[at] = { type: 'leaf', leafNode }
  }

  update(leaf: LeafIndex, leafNode: LeafNode | undefined): void {
    for (const index of this.directPathOf(leaf)) this.nodes[index] = undefined
    this.nodes[nodeOf(leaf)] = leafNode && { type: 'leaf', leafNode }
  }

  remove(leaf: LeafIndex): void {
    this.update(leaf, undefined)
    const half = (): number => (this.nodes.length - 1) / 2
    while (this.nodes.length > 1 && !this.nodes.some((node, index) => index > half() && index % 2 === 0 && node)) {
      this.nodes = this.nodes.slice(0, half())
    }
  }

  get trimmed(): readonly (Node | undefined)[] {
    return this.nodes.slice(0, this.nodes.findLastIndex((node) => node !== undefined) + 1)
  }
}

type Step = { readonly type: 'add' | 'addSome' | 'update' | 'remove' | 'path', readonly pick: number }
const stepsOf = (length: number): fc.Arbitrary<readonly Step[]> => fc.array(fc.record({
  type: fc.constantFrom('add', 'addSome', 'update', 'remove', 'path'), pick: fc.nat(1000),
}), { minLength: 1, maxLength: length })

/** One change to a tree and to the array that it is compared with. */
function walk(tree: RatchetTree, array: ArrayTree, { type, pick }: Step): RatchetTree {
  const members = leavesOf(tree)
  const { index } = members[pick % members.length] ?? assert.fail('a tree without members')
  switch (type) {
    case 'add':
      array.add(leafNumber(pick))
      return addLeaf(tree, leafNumber(pick)).tree
    case 'addSome': {
      const some = Array.from({ length: pick % 9 }, (_, at) => leafNumber(pick + at))
      for (const leafNode of some) array.add(leafNode)
      return addLeaves(tree, some).tree
    }
    case 'update':
      array.update(index, leafNumber(pick))
      return updateLeaf(tree, index, leafNumber(pick))
    case 'remove':
      if (members.length === 1) return tree
      array.remove(index)
      return removeLeaf(tree, index)
    case 'path': {
      const { signature } = newcomer(suite)
      const made = makePath({ suite, groupId: new Uint8Array(1), tree, people: new Map([[index,
        { signature, keys: new Map() }]]) }, index)
      const leafNode = leafAt(made.tree, index)
      assert.ok(leafNode !== undefined)
      const siblings = copath(nodeOf(index), leafCount(tree))
      const filtered = array.directPathOf(index).filter((_, at) => {
        const sibling = siblings[at] ?? assert.fail('a copath that is too short')
        const reach = sibling % 2 === 0 ? 0 : (sibling ^ (sibling + 1)) >> 1
        return array.nodes.slice(sibling - reach, sibling + reach + 1).some((node) => node !== undefined)
      })
      array.update(index, leafNode)
      assert.deepEqual([...made.pathSecrets.keys()], filtered)
      for (const parent of filtered) array.nodes[parent] = nodeAt(made.tree, parent)
      return made.tree
    }
  }
}

describe('a ratchet tree on random walks of adds, updates, removes and paths', () => {
  /** Runs a walk, showing each step's trees to `see`. */
  const onWalks = (runs: number, see: (before: RatchetTree, after: RatchetTree, array: ArrayTree) => void): void => {
    fc.assert(fc.property(stepsOf(30), (steps) => {
      let tree = emptyTree(leafNumber(0))
      const array = new ArrayTree(nodesOf(tree))
      for (const step of steps) {
        const before = tree
        tree = walk(tree, array, step)
        see(before, tree, array)
      }
    }), { numRuns: runs })
  }

  test('is what the array of Appendix C is', () => {
    onWalks(100, (_, after, array) => {
      assert.deepEqual(nodesOf(after), array.trimmed)
      assert.equal(leafCount(after), array.leafCount)
      assert.deepEqual(leavesOf(after).map(({ index }) => nodeOf(index)), shapeOf(after).filter((at) => at % 2 === 0))
      assert.equal(after.root.members, leavesOf(after).length)
      for (const { index, node } of positionsOf(after)) assert.equal(nodeAt(after, index), node)
    })
  })

  test('stays a full tree whose right half has a member, with its unmerged leaves in order', () => {
    onWalks(60, (_, after) => {
      assert.equal(Math.log2(leafCount(after)) % 1, 0)
      assert.equal([...positionsOf(after)].length, nodeWidth(leafCount(after)))
      const right = after.root.children?.[1]
      assert.ok(right === undefined || right.members > 0)
      checkUnmergedLeaves(after)
    })
  })

  test('never changes the version it started from', () => {
    fc.assert(fc.property(stepsOf(20), (steps) => {
      let tree = emptyTree(leafNumber(0))
      const array = new ArrayTree(nodesOf(tree))
      const seen: { tree: RatchetTree, bytes: Uint8Array, hash: Uint8Array }[] = []
      for (const step of steps) {
        seen.push({ tree, bytes: bytesOf(tree), hash: treeHash(suite, tree).slice() })
        tree = walk(tree, array, step)
        treeHash(suite, tree)
      }
      for (const { tree: old, bytes, hash } of seen) {
        assert.deepEqual(bytesOf(old), bytes)
        assert.deepEqual(treeHash(suite, old), hash)
        assert.deepEqual(treeHash(suite, treeOf(nodesOf(old))), hash)
      }
    }), { numRuns: 60 })
  })

  test('has the same hash from its caches as from scratch', () => {
    onWalks(60, (_, after) => {
      const fresh = treeOf(decode(RatchetTreeNodes, bytesOf(after)))
      assert.deepEqual(treeHash(suite, after), treeHash(suite, fresh))
    })
  })

  test('says which nodes changed, so that a stored copy can follow', () => {
    onWalks(100, (before, after) => {
      const stored = new Map(nodesOf(before).entries())
      for (const [index, node] of changedNodes(before, after)) {
        assert.notEqual(stored.get(index), node, 'a node that did not change')
        stored.set(index, node)
      }
      const kept = [...stored].filter(([, node]) => node !== undefined).sort(([a], [b]) => a - b)
      assert.deepEqual(kept, [...nodesOf(after).entries()].filter(([, node]) => node !== undefined))
      assert.deepEqual(changedNodes(after, after), [])
    })
  })
})

describe('the cost of a change', () => {
  const count = 1024
  const big = addLeaves(emptyTree(leafNumber(0)), Array.from({ length: count - 1 }, (_, at) => leafNumber(at))).tree
  let hashes = 0
  const counting = { ...suite, hash: (data: Uint8Array): Uint8Array => { hashes++; return suite.hash(data) } }
  const hashesFor = (tree: RatchetTree): number => {
    hashes = 0
    treeHash(counting, tree)
    return hashes
  }

  test('is one path of hashes, not the tree', () => {
    assert.equal(hashesFor(big), 2 * count - 1)
    assert.equal(hashesFor(big), 0)
    assert.equal(hashesFor(updateLeaf(big, 700 as LeafIndex, leafNumber(3))), 11)
    assert.equal(hashesFor(removeLeaf(big, 3 as LeafIndex)), 11)
    const { tree } = addLeaf(removeLeaf(big, 500 as LeafIndex), leafNumber(4))
    assert.equal(hashesFor(tree), 11)
  })

  test('never brings the hash of another suite', () => {
    const other = { ...suite, id: 99, hash: (data: Uint8Array): Uint8Array => suite.mac(new Uint8Array(1), data) }
    assert.notDeepEqual(treeHash(other, big), treeHash(suite, big))
    assert.deepEqual(treeHash(other, big), treeHash(other, treeOf(nodesOf(big))))
  })

  test('is the nodes of one path for storage', () => {
    assert.equal(changedNodes(undefined, big).length, count)
    assert.equal(changedNodes(big, updateLeaf(big, 700 as LeafIndex, leafNumber(3))).length, 1)
    const after = addLeaf(big, leafNumber(5)).tree
    assert.deepEqual(changedNodes(big, after).map(([index]) => index), [2 * count])
    assert.equal(after.root.children?.[0], big.root)
  })
})

describe('misuse of a tree is refused with its cure', () => {
  const misuse = { name: 'MlsError', code: 'misuse' }
  const tree = removeLeaf(treeOfLeaves(4), B)

  test('such as updating a blank leaf or one outside of the tree', () => {
    assert.throws(() => updateLeaf(tree, B, leafNumber(1)), { ...misuse, message: /add a member/ })
    assert.throws(() => updateLeaf(tree, 0xffff_ffff as LeafIndex, leafNumber(1)), misuse)
    assert.throws(() => filteredPath(tree, 4 as LeafIndex), misuse)
  })

  test('while looking where nothing is finds nothing', () => {
    assert.equal(leafAt(tree, B), undefined)
    assert.equal(leafAt(tree, 0xffff_ffff as LeafIndex), undefined)
    assert.equal(nodeAt(tree, -1 as NodeIndex), undefined)
    assert.equal(nodeAt(tree, 7 as NodeIndex), undefined)
  })
})
