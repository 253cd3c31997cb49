import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decode, encode, equal } from '../../main/mls/codec.ts'
import { encryptionKeyOf } from '../../main/mls/tree/distinct-keys.ts'
import { treeHash } from '../../main/mls/tree/hash.ts'
import { directPath, nodeOf } from '../../main/mls/tree/math.ts'
import { applyPath, encryptPath, newPath, openPath, type PrivateTree } from '../../main/mls/tree/path.ts'
import {
  filteredPath, leafAt, leafCount, leavesOf, nodeAt, nodesOf, removeLeaf, reserveLeaf, resolutionOf, treeOf,
} from '../../main/mls/tree/ratchet-tree.ts'
import { validateMembers, validateTree } from '../../main/mls/tree/validate.ts'
import { RatchetTreeNodes, UpdatePath, type LeafIndex } from '../../main/mls/wire/node.ts'
import { suiteIds } from './group-world.ts'
import {
  A, arriving, B, C, commit, commitEach, contextOf, D, E, F, makePath, newcomer, personAt, propose, startGroup,
  suiteNumber, type TreeGroup,
} from './tree-group.ts'

const suite = suiteNumber(1)
const nobody: ReadonlySet<LeafIndex> = new Set()

/** Everything that must hold in every epoch, whatever happened before. */
function assertSound(group: TreeGroup, before: TreeGroup): void {
  const { tree, people, groupId } = group
  // A new member validates the tree as it travels (RFC 9420 §12.4.3.1).
  const travelled = treeOf(decode(RatchetTreeNodes, encode(RatchetTreeNodes, nodesOf(tree))))
  validateTree(suite, { tree: travelled, groupId, groupExtensions: [], now: 150n })
  assert.deepEqual(treeHash(suite, travelled), treeHash(suite, tree))
  validateMembers({ before: before.tree, after: tree, groupExtensions: [] })
  assert.deepEqual(leavesOf(tree).map(({ index }) => index), [...people.keys()].sort((a, b) => a - b))
  for (const [own, { keys }] of people) {
    // RFC 9420 §4.2, the tree invariant: private keys only of the own leaf and of nodes above it...
    const above = new Set([nodeOf(own), ...directPath(nodeOf(own), leafCount(tree))])
    for (const [index, { publicKey }] of keys) {
      assert.ok(above.has(index))
      const node = nodeAt(tree, index)
      assert.ok(node !== undefined && equal(encryptionKeyOf(node), publicKey), `an outdated key at ${index}`)
    }
    // ... and of all of those where it is not an unmerged leaf.
    for (const index of above) {
      const node = nodeAt(tree, index)
      const merged = node?.type === 'parent' && !node.parentNode.unmergedLeaves.includes(own)
      assert.equal(keys.has(index), merged || node?.type === 'leaf')
    }
  }
}

type Epoch = {
  readonly add: number, readonly committer: number, readonly others: readonly number[], readonly kind: string
}
const epochs: fc.Arbitrary<readonly Epoch[]> = fc.array(fc.record({
  add: fc.nat(4),
  committer: fc.nat(100),
  others: fc.array(fc.nat(100), { maxLength: 3 }),
  kind: fc.constantFrom('path', 'path', 'remove', 'remove', 'update', 'both', 'adds only'),
}), { minLength: 1, maxLength: 10 })

/** One epoch of a group, with whoever is there. */
function next(group: TreeGroup, { add, committer, others, kind }: Epoch): TreeGroup {
  const present = leavesOf(group.tree).map(({ index }) => index)
  const pick = (at: number): LeafIndex => present[at % present.length] ?? assert.fail('an empty group')
  const by = pick(committer)
  const chosen = [...new Set(others.map(pick))].filter((leaf) => leaf !== by)
  const half = Math.ceil(chosen.length / 2)
  switch (kind) {
    case 'remove': return commit(group, by, { add, remove: chosen })
    case 'update': return commit(group, by, { add, update: chosen })
    case 'both': return commit(group, by, { add, update: chosen.slice(0, half), remove: chosen.slice(half) })
    case 'adds only': return commit(group, by, { add, withPath: false })
    default: return commit(group, by, { add })
  }
}

describe('members who follow the same commits', () => {
  for (const id of suiteIds) {
    test(`share every commit secret and hold exactly the keys they may, in suite ${id}`, () => {
      fc.assert(fc.property(epochs, (steps) => {
        let group = startGroup(suiteNumber(id))
        for (const step of steps) {
          const before = group
          group = next(group, step)
          if (id === 1) assertSound(group, before)
        }
      }), { numRuns: id === 1 ? 25 : 4 })
    })
  }
})

describe('a path', () => {
  const five = commitEach(commit(startGroup(suite), A, { add: 4 }), [[B, {}], [C, {}]])

  test('is encrypted to everybody but its sender and the members that its commit adds', () => {
    const { group, added } = propose(five, { add: 3 })
    assert.deepEqual([...added], [F, 6, 7])
    const made = makePath(group, A)
    const path = encryptPath(suite, { path: made, context: contextOf(group, made.tree), exclude: added })
    const rows = filteredPath(made.tree, A).map(({ sibling }) => resolutionOf(sibling).length)
    assert.deepEqual(path.nodes.map(({ encryptedPathSecret }) => encryptedPathSecret.length), [1, 1, 1])
    assert.deepEqual(rows, [1, 1, 4], 'the last node has three new members below its copath child')
  })

  test('goes to newcomers of earlier commits one by one, until somebody merges them', () => {
    const joined = commit(five, B, { add: 2, withPath: false })
    const count = (group: TreeGroup): number => arriving(group, { committer: A, own: B }).path.nodes
      .reduce((sum, { encryptedPathSecret }) => sum + encryptedPathSecret.length, 0)
    assert.equal(count(joined), 5)
    assert.equal(count(commit(joined, F, {})), 3)
  })

  test('changes neither the tree nor the keys that it is applied to', () => {
    const before = treeHash(suite, five.tree).slice()
    const nodes = nodesOf(five.tree)
    const { keys } = personAt(five, D)
    const held = [...keys].map(([index, key]) => [index, key.privateKey.unwrap().slice()])
    commit(five, A, {})
    assert.deepEqual(treeHash(suite, treeOf(nodesOf(five.tree))), before)
    assert.ok(nodesOf(five.tree).every((node, index) => node === nodes[index]))
    assert.deepEqual([...keys].map(([index, key]) => [index, key.privateKey.unwrap()]), held)
  })

  test('names the private keys that it replaces, to be wiped, and no others', () => {
    const received = arriving(five, { committer: A, own: D })
    const { keys, wipe } = openPath(suite, received)
    const old = personAt(five, D).keys
    const dropped = [...old].filter(([index, key]) => keys.get(index) !== key).map(([, key]) => key.privateKey)
    assert.notEqual(wipe.length, 0)
    assert.deepEqual(new Set(wipe), new Set(dropped))
    assert.equal(keys.get(nodeOf(D)), old.get(nodeOf(D)))
  })

  test('of a group of one has no nodes, and a commit secret all the same', () => {
    const alone = startGroup(suite)
    const made = makePath(alone, A)
    const path = encryptPath(suite, { path: made, context: contextOf(alone, made.tree), exclude: nobody })
    assert.deepEqual(path.nodes, [])
    assert.equal(made.commitSecret.length, suite.hashLength)
    const after = applyPath(suite, { tree: alone.tree, sender: A, path, exclude: nobody })
    assert.deepEqual(treeHash(suite, after), treeHash(suite, made.tree))
  })

  test('survives its encoding', () => {
    const { path, tree, exclude } = arriving(five, { committer: E, own: A })
    const travelled = decode(UpdatePath, encode(UpdatePath, path))
    const after = applyPath(suite, { tree: five.tree, sender: E, path: travelled, exclude })
    assert.deepEqual(treeHash(suite, after), treeHash(suite, tree))
  })

  test('brings a member in by its own commit at a reserved leaf (RFC 9420 §12.4.3.2)', () => {
    const gap = { ...five, tree: removeLeaf(five.tree, D) }
    const { tree, index } = reserveLeaf(gap.tree)
    const { leafNode: template, signature } = newcomer(suite)
    const made = newPath(suite, {
      tree, leaf: index, template, groupId: five.groupId, signaturePrivateKey: signature.privateKey,
    })
    const context = contextOf(five, made.tree)
    const path = encryptPath(suite, { path: made, context, exclude: nobody })
    const after = applyPath(suite, { tree, sender: index, path, exclude: nobody })
    assert.equal(index, D)
    assert.deepEqual(leafAt(after, D)?.signatureKey, signature.publicKey)
    validateTree(suite, { tree: after, groupId: five.groupId, groupExtensions: [] })
    const { keys } = personAt(five, A)
    const opened = openPath(suite, { tree: after, sender: D, path, own: A, keys, context, exclude: nobody })
    assert.deepEqual(opened.commitSecret.unwrap(), made.commitSecret.unwrap())
  })

  test('is of no use to a member who holds other keys, and says so', () => {
    const received = arriving(five, { committer: A, own: D })
    const foreign: PrivateTree = personAt(commit(startGroup(suite), A, { add: 3 }), D).keys
    const misuse = { name: 'MlsError', code: 'misuse', message: /belong to another tree/ }
    assert.throws(() => openPath(suite, { ...received, keys: foreign }), misuse)
    assert.throws(() => openPath(suite, { ...received, own: A, keys: personAt(five, A).keys }), misuse)
  })
})
