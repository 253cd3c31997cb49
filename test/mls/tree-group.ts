import assert from 'node:assert/strict'
import { nativeSuites, systemRandom } from '../../main/crypto/native.ts'
import { encode } from '../../main/mls/codec.ts'
import type { KeyPair, Suite } from '../../main/mls/suite.ts'
import { treeHash } from '../../main/mls/tree/hash.ts'
import { encryptionKeyPair, signLeaf } from '../../main/mls/tree/leaf.ts'
import { nodeOf } from '../../main/mls/tree/math.ts'
import {
  applyPath, encryptPath, keysFromPathSecret, newPath, openPath, pathSecretFor, type NewPath, type PrivateTree,
} from '../../main/mls/tree/path.ts'
import {
  addLeaves, emptyTree, leafAt, removeLeaf, updateLeaf, type RatchetTree,
} from '../../main/mls/tree/ratchet-tree.ts'
import { GroupContext } from '../../main/mls/wire/group-context.ts'
import { mls10 } from '../../main/mls/wire/key-package.ts'
import type { LeafIndex, LeafNode, UnsignedLeafNode, UpdatePath } from '../../main/mls/wire/node.ts'

// A group of which only the ratchet tree is real: what every member sees of it, and the keys that each one holds.

const suiteOf = nativeSuites(systemRandom)
export function suiteNumber(id: number): Suite {
  const suite = suiteOf(id)
  assert.ok(suite !== undefined)
  return suite
}

/** Someone with a leaf: its own keys, and those above that it learnt. */
export type Person = { readonly signature: KeyPair, readonly keys: PrivateTree }
export type TreeGroup = {
  readonly suite: Suite
  readonly groupId: Uint8Array
  readonly tree: RatchetTree
  readonly people: ReadonlyMap<LeafIndex, Person>
}

/** What a client says of itself, with keys of its own. */
export function unsignedLeaf(suite: Suite, { encryption, signature }: {
  readonly encryption: KeyPair, readonly signature: KeyPair
}): UnsignedLeafNode {
  return {
    encryptionKey: encryption.publicKey,
    signatureKey: signature.publicKey,
    credential: { type: 'basic', identity: signature.publicKey },
    capabilities: { versions: [mls10], cipherSuites: [suite.id], extensions: [], proposals: [], credentials: [1] },
    leafNodeSource: { type: 'keyPackage', lifetime: { notBefore: 100n, notAfter: 200n } },
    extensions: [],
  }
}

/** Somebody new with a signed leaf, as a KeyPackage carries it, changed before it is signed. */
export function newcomer(suite: Suite, change: Partial<UnsignedLeafNode> = {}): {
  readonly leafNode: LeafNode, readonly encryption: KeyPair, readonly signature: KeyPair
} {
  const encryption = encryptionKeyPair(suite)
  const signature = suite.signatureKeyPair()
  const leafNode = { ...unsignedLeaf(suite, { encryption, signature }), ...change }
  return { leafNode: signLeaf(suite, { leafNode, signaturePrivateKey: signature.privateKey }), encryption, signature }
}

/** A group of one. */
export function startGroup(suite: Suite): TreeGroup {
  const { leafNode, encryption, signature } = newcomer(suite)
  return {
    suite,
    groupId: suite.random(16),
    tree: emptyTree(leafNode),
    people: new Map([[0 as LeafIndex, { signature, keys: new Map([[nodeOf(0 as LeafIndex), encryption]]) }]]),
  }
}

export type Change = {
  readonly add?: number
  readonly remove?: readonly LeafIndex[]
  readonly update?: readonly LeafIndex[]
  /** False for a commit of nothing but Adds that leaves the committer's keys alone. */
  readonly withPath?: boolean
}

/** The group after the proposals of a commit, in the order of RFC 9420 §12.3, and who was added. */
export function propose(group: TreeGroup, { add = 0, remove = [], update = [] }: Change): {
  readonly group: TreeGroup, readonly added: ReadonlySet<LeafIndex>
} {
  const { suite, groupId } = group
  const people = new Map(group.people)
  let tree = group.tree
  for (const leaf of update) {
    const person = personAt(group, leaf)
    const encryption = encryptionKeyPair(suite)
    const leafNode = signLeaf(suite, {
      leafNode: { ...unsignedLeaf(suite, { ...person, encryption }), leafNodeSource: { type: 'update' } },
      place: { groupId, leafIndex: leaf },
      signaturePrivateKey: person.signature.privateKey,
    })
    tree = updateLeaf(tree, leaf, leafNode)
    people.set(leaf, { ...person, keys: new Map([...person.keys, [nodeOf(leaf), encryption]]) })
  }
  for (const leaf of remove) {
    tree = removeLeaf(tree, leaf)
    people.delete(leaf)
  }
  const newcomers = Array.from({ length: add }, () => newcomer(suite))
  const { tree: wide, indexes } = addLeaves(tree, newcomers.map(({ leafNode }) => leafNode))
  for (const [at, { encryption, signature }] of newcomers.entries()) {
    const index = indexes[at]
    assert.ok(index !== undefined)
    people.set(index, { signature, keys: new Map([[nodeOf(index), encryption]]) })
  }
  return { group: { suite, groupId, tree: wide, people }, added: new Set(indexes) }
}

/** A path that a member makes for a commit. */
export function makePath(group: TreeGroup, committer: LeafIndex, change: Partial<UnsignedLeafNode> = {}): NewPath {
  const { suite, tree, groupId } = group
  const { signature } = personAt(group, committer)
  const before = leafAt(tree, committer)
  assert.ok(before !== undefined)
  const template = { ...before, ...change }
  return newPath(suite, { tree, leaf: committer, template, groupId, signaturePrivateKey: signature.privateKey })
}

/** A commit by one member, merged by everybody: all the others open its path, newcomers are told by a Welcome. */
export function commit(before: TreeGroup, committer: LeafIndex, change: Change = {}): TreeGroup {
  const { group, added } = propose(before, change)
  if (change.withPath === false) return group
  const { suite } = group
  const made = makePath(group, committer)
  const context = contextOf(group, made.tree)
  const path = encryptPath(suite, { path: made, context, exclude: added })
  const tree = applyPath(suite, { tree: group.tree, sender: committer, path, exclude: added })
  assert.deepEqual(treeHash(suite, tree), treeHash(suite, made.tree))
  const people = new Map(Array.from(group.people, ([own, person]): [LeafIndex, Person] => {
    if (own === committer) return [own, { ...person, keys: made.keys }]
    if (added.has(own)) {
      const above = keysFromPathSecret(suite, { tree, own, signer: committer, pathSecret: pathSecretFor(made, own) })
      return [own, { ...person, keys: new Map([...person.keys, ...above]) }]
    }
    const opened = openPath(suite, { tree, sender: committer, path, own, keys: person.keys, context, exclude: added })
    assert.deepEqual(opened.commitSecret.unwrap(), made.commitSecret.unwrap(), `member ${own} has another secret`)
    return [own, { ...person, keys: opened.keys }]
  }))
  return { ...group, tree, people }
}

export const commitEach = (group: TreeGroup, steps: readonly (readonly [LeafIndex, Change])[]): TreeGroup =>
  steps.reduce((at, [committer, change]) => commit(at, committer, change), group)

/** Something that stands for the provisional GroupContext of a commit (RFC 9420 §12.4.1). */
export const contextOf = ({ suite, groupId }: TreeGroup, tree: RatchetTree): Uint8Array => encode(GroupContext, {
  version: mls10, cipherSuite: suite.id, groupId, epoch: 1n, treeHash: treeHash(suite, tree),
  confirmedTranscriptHash: new Uint8Array(suite.hashLength), extensions: [],
})

/** A commit's path as it arrives, and what a receiver needs to open it. */
export function arriving(group: TreeGroup, { committer, own, made = makePath(group, committer) }: {
  readonly committer: LeafIndex, readonly own: LeafIndex, readonly made?: NewPath
}): Parameters<typeof openPath>[1] & { readonly path: UpdatePath } {
  const exclude = new Set<LeafIndex>()
  const context = contextOf(group, made.tree)
  const path = encryptPath(group.suite, { path: made, context, exclude })
  return { tree: made.tree, sender: committer, path, own, keys: personAt(group, own).keys, context, exclude }
}

export function personAt(group: TreeGroup, leaf: LeafIndex): Person {
  const person = group.people.get(leaf)
  assert.ok(person !== undefined, `nobody at leaf ${leaf}`)
  return person
}

/** Leaves 0 to 7 by the letters of the RFC's pictures. */
export const [A, B, C, D, E, F, G, H] = [0, 1, 2, 3, 4, 5, 6, 7] as [
  LeafIndex, LeafIndex, LeafIndex, LeafIndex, LeafIndex, LeafIndex, LeafIndex, LeafIndex,
]
