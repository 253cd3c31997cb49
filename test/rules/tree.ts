import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encode } from '../../main/mls/codec.ts'
import { Secret } from '../../main/mls/secret.ts'
import { subtreeHash } from '../../main/mls/tree/hash.ts'
import { signLeaf } from '../../main/mls/tree/leaf.ts'
import { nodeOf } from '../../main/mls/tree/math.ts'
import {
  applyPath, encryptPath, keysFromPathSecret, openPath, pathSecretFor, type NewPath, type PrivateTree,
} from '../../main/mls/tree/path.ts'
import { verifyParentHashes } from '../../main/mls/tree/parent-hash.ts'
import {
  addLeaf, addLeaves, emptyTree, leafAt, leafLimit, nodesOf, removeLeaf, treeOf, type RatchetTree,
} from '../../main/mls/tree/ratchet-tree.ts'
import { validateLeaf, validateMembers, validateTree } from '../../main/mls/tree/validate.ts'
import { extensionType, RequiredCapabilities, type Extensions } from '../../main/mls/wire/extension.ts'
import {
  ParentHashInput, type LeafIndex, type LeafNode, type Node, type NodeIndex, type ParentNode, type UnsignedLeafNode,
} from '../../main/mls/wire/node.ts'
import {
  A, arriving, B, C, commit, commitEach, contextOf, D, E, F, H, makePath, newcomer, personAt, propose, startGroup,
  suiteNumber,
} from '../mls/tree-group.ts'
import { refused, refuses } from './refusals.ts'

const suite = suiteNumber(1)
const nobody: ReadonlySet<LeafIndex> = new Set()

const group = commitEach(commit(startGroup(suite), A, { add: 4 }), [[B, {}], [E, {}]])
const { groupId } = group
const withUnmerged = commit(group, A, { add: 1, withPath: false })
const join = (tree: RatchetTree, groupExtensions: Extensions = []): void => {
  validateTree(suite, { tree, groupId, groupExtensions, now: 150n })
}
/** The tree with the node at a position changed by hand. */
function tampered(tree: RatchetTree, index: number, change: (node: Node | undefined) => Node | undefined): RatchetTree {
  return treeOf(Array.from(nodesOf(tree), (node, at) => at === index ? change(node) : node))
}
const tamperedParent = (tree: RatchetTree, index: number, change: Partial<ParentNode>): RatchetTree =>
  tampered(tree, index, (node) => {
    assert.ok(node?.type === 'parent', `no parent at ${index}`)
    return { type: 'parent', parentNode: { ...node.parentNode, ...change } }
  })
const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((octet, at) => at === 0 ? octet ^ 1 : octet)
const capabilitiesWith = (change: Partial<UnsignedLeafNode['capabilities']>): Partial<UnsignedLeafNode> =>
  ({ capabilities: { ...newcomer(suite).leafNode.capabilities, ...change } })
const ownExtension = 0xf001
const extension = (type: number): Extensions[number] => ({ extensionType: type, extensionData: new Uint8Array(0) })

test('the trees and paths that the refusals start from are valid', () => {
  join(group.tree)
  join(withUnmerged.tree)
  const { path, ...received } = arriving(group, { committer: A, own: C })
  applyPath(suite, { tree: group.tree, sender: A, path, exclude: nobody })
  openPath(suite, { ...received, path })
})

describe('a leaf is refused', () => {
  const alone = (leafNode: LeafNode, more: { source?: 'update' | 'commit', now?: bigint } = {}): void => {
    validateLeaf(suite, { leafNode, place: { groupId, leafIndex: A }, ...more })
  }
  const changed = (change: Partial<UnsignedLeafNode>): LeafNode => newcomer(suite, change).leafNode

  refuses('7.3.signature', 'whose content was changed after it was signed', () => {
    alone({ ...newcomer(suite).leafNode, encryptionKey: newcomer(suite).leafNode.encryptionKey })
  })
  refuses('7.3.signature', 'that was made for another group', () => {
    const { signature, leafNode } = newcomer(suite)
    const foreign = signLeaf(suite, {
      leafNode: { ...leafNode, leafNodeSource: { type: 'update' } },
      place: { groupId: new Uint8Array(16), leafIndex: A },
      signaturePrivateKey: signature.privateKey,
    })
    alone(foreign)
  })
  refuses('7.3.signature', 'that was made for another place in the group', () => {
    const leafNode = leafAt(group.tree, B)
    assert.ok(leafNode !== undefined)
    alone(leafNode)
  })
  for (const [wrong, key] of Object.entries({
    'without an encryption key': new Uint8Array(0),
    'with an encryption key that is too long': new Uint8Array(33).fill(1),
    'with an encryption key of small order': new Uint8Array(32),
  })) refuses('5.1.1.encryption-key', wrong, () => { alone(changed({ encryptionKey: key })) })
  refuses('7.3.source', 'from a KeyPackage where an update is expected', () => {
    alone(newcomer(suite).leafNode, { source: 'update' })
  })
  refuses('7.3.lifetime', 'before its lifetime begins', () => { alone(newcomer(suite).leafNode, { now: 99n }) })
  refuses('7.3.lifetime', 'after its lifetime has ended', () => { alone(newcomer(suite).leafNode, { now: 201n }) })
  refuses('11.1.version', 'of a client without mls10', () => { alone(changed(capabilitiesWith({ versions: [2] }))) })
  refuses('11.1.cipher-suite', 'of a client without the cipher suite of the group', () => {
    alone(changed(capabilitiesWith({ cipherSuites: [2, 3] })))
  })
  refuses('7.2.credential-listed', 'with a credential that it does not support itself', () => {
    alone(changed(capabilitiesWith({ credentials: [2] })))
  })
  refuses('7.3.extensions-listed', 'with an extension that its capabilities do not list', () => {
    alone(changed({ extensions: [extension(ownExtension)] }))
  })
  refuses('13.4.unique-extension', 'with two extensions of a type', () => {
    const twice = [extension(ownExtension), extension(ownExtension)]
    alone(changed({ ...capabilitiesWith({ extensions: [ownExtension] }), extensions: twice }))
  })

  test('but not for a default extension that nobody lists, nor for one that it lists', () => {
    alone(changed({ extensions: [extension(extensionType.applicationId)] }))
    alone(changed({ ...capabilitiesWith({ extensions: [ownExtension] }), extensions: [extension(ownExtension)] }))
  })

  test('not at the first and the last second of its lifetime', () => {
    for (const now of [100n, 200n]) alone(newcomer(suite).leafNode, { now })
  })
})

describe('members who do not go together are refused', () => {
  const together = (leafNode: LeafNode, groupExtensions: Extensions = []): void => {
    const after = addLeaf(group.tree, leafNode).tree
    validateMembers({ before: group.tree, after, groupExtensions })
  }
  const requiring = (required: Partial<RequiredCapabilities>): Extensions => [{
    extensionType: extensionType.requiredCapabilities,
    extensionData: encode(RequiredCapabilities, {
      extensionTypes: [], proposalTypes: [], credentialTypes: [], ...required,
    }),
  }]
  const firstLeaf = (): LeafNode => leafAt(group.tree, A) ?? assert.fail('nobody at the first leaf')

  for (const required of [{ extensionTypes: [ownExtension] }, { proposalTypes: [0xf001] }, { credentialTypes: [2] }]) {
    refuses('7.3.required-capabilities', `where ${Object.keys(required).join()} are required that one lacks`, () => {
      together(newcomer(suite).leafNode, requiring(required))
    })
  }
  refuses('13.4.group-extensions', 'where the group has an extension that one lacks', () => {
    together(newcomer(suite).leafNode, [extension(ownExtension)])
  })
  refuses('7.3.credential-support', 'where the others lack the credential type of a new one', () => {
    together(newcomer(suite, {
      ...capabilitiesWith({ credentials: [1, 2] }), credential: { type: 'x509', certificates: [] },
    }).leafNode)
  })
  refuses('7.3.credential-support', 'where a new one lacks the credential type of the others', () => {
    together(newcomer(suite, capabilitiesWith({ credentials: [2] })).leafNode)
  })
  refuses('7.3.unique-signature-key', 'for a signature key that another member has', () => {
    together({ ...newcomer(suite).leafNode, signatureKey: firstLeaf().signatureKey })
  })
  refuses('7.3.unique-encryption-key', 'for an encryption key that another member has', () => {
    together({ ...newcomer(suite).leafNode, encryptionKey: firstLeaf().encryptionKey })
  })
  refuses('7.3.unique-encryption-key', 'for an encryption key that a parent has', () => {
    const [, parent] = nodesOf(group.tree)
    assert.ok(parent?.type === 'parent')
    together({ ...newcomer(suite).leafNode, encryptionKey: parent.parentNode.encryptionKey })
  })
  refuses('7.3.unique-signature-key', 'for one client who is added twice', () => {
    const { leafNode } = newcomer(suite)
    const { tree } = addLeaf(addLeaf(group.tree, leafNode).tree, { ...leafNode, encryptionKey: new Uint8Array(32) })
    validateMembers({ before: group.tree, after: tree, groupExtensions: [] })
  })
  refuses('7.3.unique-encryption-key', 'by a new member too, who compares all keys of the tree', () => {
    const [, parent] = nodesOf(group.tree)
    assert.ok(parent?.type === 'parent')
    join(tamperedParent(group.tree, 7, { encryptionKey: parent.parentNode.encryptionKey }))
  })

  test('but not for requirements that are default or met', () => {
    const able = capabilitiesWith({ extensions: [ownExtension], proposals: [0xf001] })
    const tree = addLeaf(treeOf([{ type: 'leaf', leafNode: newcomer(suite, able).leafNode }]),
      newcomer(suite, able).leafNode).tree
    const required = { extensionTypes: [1, ownExtension], proposalTypes: [3, 0xf001], credentialTypes: [1] }
    const groupExtensions = [...requiring(required), extension(ownExtension)]
    validateMembers({ before: undefined, after: tree, groupExtensions })
  })
})

describe('in a group of 200, which is looked through block by block, a newcomer is refused', () => {
  const large = commit(commit(startGroup(suite), A, { add: 199 }), 150 as LeafIndex, {})
  const { tree: { root } } = large
  const adding = (leafNode: LeafNode): void => {
    validateMembers({ before: large.tree, after: addLeaf(large.tree, leafNode).tree, groupExtensions: [] })
  }
  const far = leafAt(large.tree, 177 as LeafIndex)
  assert.ok(far !== undefined && root.node?.type === 'parent')
  const { encryptionKey: rootKey } = root.node.parentNode
  const likeIt = far.encryptionKey.map((octet, at) => at < 4 ? octet : octet ^ 1)

  refuses('7.3.unique-encryption-key', 'for the encryption key of a member far away', () => {
    adding({ ...newcomer(suite).leafNode, encryptionKey: far.encryptionKey })
  })
  refuses('7.3.unique-signature-key', 'for the signature key of a member far away', () => {
    adding({ ...newcomer(suite).leafNode, signatureKey: far.signatureKey })
  })
  refuses('7.3.unique-encryption-key', 'for the encryption key of the root', () => {
    adding({ ...newcomer(suite).leafNode, encryptionKey: rootKey })
  })
  refuses('7.3.credential-support', 'for capabilities that do not go with those of the others', () => {
    adding(newcomer(suite, capabilitiesWith({ credentials: [7] })).leafNode)
  })

  refuses('12.4.2.new-key', 'or a commit, for the encryption key of the root', () => {
    const { path, sender, exclude } = arriving(large, { committer: A, own: B })
    const [first, ...others] = path.nodes
    assert.ok(first !== undefined)
    const nodes = [{ ...first, encryptionKey: rootKey }, ...others]
    applyPath(suite, { tree: large.tree, sender, path: { ...path, nodes }, exclude })
  })

  test('but not for a key that only begins like another one', () => {
    adding({ ...newcomer(suite).leafNode, encryptionKey: likeIt })
  })

  test('nor when a member keeps its signature key in a commit', () => {
    const { tree } = commit(large, 177 as LeafIndex, {})
    validateMembers({ before: large.tree, after: tree, groupExtensions: [] })
    validateTree(suite, { tree, groupId: large.groupId, groupExtensions: [] })
  })
})

test('a full tree takes as many leaves as the limit says', () => {
  const leafNode = leafAt(group.tree, A)
  assert.ok(leafNode !== undefined)
  const { tree } = addLeaves(emptyTree(leafNode), new Array<LeafNode>(leafLimit - 1).fill(leafNode))
  assert.equal(treeOf(nodesOf(tree)).leafCount, leafLimit)
  refused('4.1.leaf-limit', () => addLeaf(tree, leafNode))
})

describe('a ratchet tree is refused by a new member', () => {
  refuses('12.4.3.3.last-node', 'when its last node is blank', () => treeOf([...nodesOf(group.tree), undefined]))
  refuses('12.4.3.3.last-node', 'when it is empty', () => treeOf([]))
  refuses('4.1.leaf-limit', 'when it is wider than any group', () => {
    const last = nodesOf(group.tree)[0]
    treeOf([...new Array<undefined>(2 * leafLimit - 2), undefined, undefined, last])
  })
  refuses('12.4.3.3.node-type', 'when a parent stands at the place of a leaf', () =>
    tampered(group.tree, 0, () => nodesOf(group.tree)[1]))
  refuses('12.4.3.3.node-type', 'when a leaf stands at the place of a parent', () =>
    tampered(group.tree, 1, () => nodesOf(group.tree)[0]))
  refuses('5.1.1.encryption-key', 'when nobody can encrypt to a parent', () => {
    join(tamperedParent(group.tree, 7, { encryptionKey: new Uint8Array(32) }))
  })
  refuses('7.1.unmerged-order', 'when unmerged leaves are not in order', () => {
    join(tamperedParent(group.tree, 7, { unmergedLeaves: [E, A] }))
  })
  refuses('7.1.unmerged-order', 'when an unmerged leaf is listed twice', () => {
    join(tamperedParent(group.tree, 7, { unmergedLeaves: [E, E] }))
  })
  refuses('12.4.3.1.unmerged-below', 'when an unmerged leaf is blank', () => {
    join(tamperedParent(group.tree, 7, { unmergedLeaves: [6 as LeafIndex] }))
  })
  refuses('12.4.3.1.unmerged-below', 'when an unmerged leaf is elsewhere in the tree', () => {
    join(tamperedParent(group.tree, 1, { unmergedLeaves: [E] }))
  })
  refuses('12.4.3.1.unmerged-below', 'when an unmerged leaf is outside of the tree', () => {
    join(tamperedParent(group.tree, 7, { unmergedLeaves: [0xffff_ffff as LeafIndex] }))
  })
  refuses('12.4.3.1.unmerged-between', 'when a parent in between does not list it', () => {
    join(tamperedParent(group.tree, 7, { unmergedLeaves: [A] }))
  })
  refuses('7.9.2.parent-hash', 'when the key of a parent was exchanged', () => {
    join(tamperedParent(group.tree, 7, { encryptionKey: newcomer(suite).encryption.publicKey }))
  })
  refuses('7.9.2.parent-hash', 'when a parent hash was changed', () => {
    join(tamperedParent(group.tree, 1, { parentHash: new Uint8Array(suite.hashLength) }))
  })
  refuses('7.9.2.parent-hash', 'when a parent hides that a leaf is unmerged', () => {
    const seven = commit(commit(withUnmerged, A, {}), A, { add: 1, withPath: false })
    join(tamperedParent(seven.tree, 7, { unmergedLeaves: [] }))
  })
  /** Two members and a root with a parent hash, for which the first member has signed. */
  function rooted(parentHash: Uint8Array): RatchetTree {
    const [first, second] = [newcomer(suite), newcomer(suite)]
    const parentNode = { encryptionKey: newcomer(suite).encryption.publicKey, parentHash, unmergedLeaves: [] }
    const above = (leafNode: LeafNode): RatchetTree => treeOf([
      { type: 'leaf', leafNode }, { type: 'parent', parentNode }, { type: 'leaf', leafNode: second.leafNode },
    ])
    const [, sibling] = above(first.leafNode).root.children ?? assert.fail('a tree of one leaf')
    const input = encode(ParentHashInput, { ...parentNode, originalSiblingTreeHash: subtreeHash(suite, sibling) })
    return above(signLeaf(suite, {
      leafNode: { ...first.leafNode, leafNodeSource: { type: 'commit', parentHash: suite.hash(input) } },
      place: { groupId, leafIndex: A }, signaturePrivateKey: first.signature.privateKey,
    }))
  }
  refuses('7.9.root', 'when its root has a parent hash', () => {
    join(rooted(new Uint8Array(0)))
    join(rooted(suite.random(suite.hashLength)))
  })
  const eight = commit(commitEach(commit(startGroup(suite), A, { add: 6 }), [[A, {}], [E, {}]]), A,
    { add: 1, withPath: false })
  refuses('7.9.2.parent-hash', 'when a parent lists another unmerged leaf than the parent below', () => {
    verifyParentHashes(suite, eight.tree)
    verifyParentHashes(suite, tamperedParent(eight.tree, 7, { unmergedLeaves: [F] }))
  })
  refuses('7.9.2.parent-hash', 'when a parent lists one unmerged leaf more than the parent below', () => {
    verifyParentHashes(suite, tamperedParent(eight.tree, 7, { unmergedLeaves: [F, H] }))
  })
  refuses('7.9.2.parent-hash', 'when a parent was put above members of whom none set it', () => {
    const planted: Node = {
      type: 'parent',
      parentNode: {
        encryptionKey: newcomer(suite).encryption.publicKey, parentHash: new Uint8Array(0), unmergedLeaves: [],
      },
    }
    join(tampered(group.tree, 5, () => planted))
  })
  refuses('7.9.2.parent-hash', 'when a member below a parent was replaced without blanking the parent', () => {
    const { leafNode } = newcomer(suite)
    verifyParentHashes(suite, tampered(group.tree, nodeOf(A), () => ({ type: 'leaf', leafNode })))
  })
})

describe('proposals and paths are refused', () => {
  const inTree = (tree: RatchetTree, made: NewPath): void => {
    const path = encryptPath(suite, { path: made, context: contextOf(group, made.tree), exclude: nobody })
    applyPath(suite, { tree, sender: made.leaf, path, exclude: nobody })
  }
  const { path, ...received } = arriving(group, { committer: A, own: C })
  const apply = (change: Partial<typeof path>): void => {
    applyPath(suite, { tree: group.tree, sender: A, path: { ...path, ...change }, exclude: nobody })
  }
  const [first, ...others] = path.nodes
  assert.ok(first !== undefined)

  refuses('12.1.3.removed', 'when a blank leaf is to be removed', () => removeLeaf(group.tree, 6 as LeafIndex))
  refuses('12.1.3.removed', 'when a leaf outside of the tree is to be removed', () =>
    removeLeaf(group.tree, 0xffff_ffff as LeafIndex))
  refuses('7.3.source', 'when the leaf of a path does not come from a commit', () => {
    apply({ leafNode: newcomer(suite).leafNode })
  })
  refuses('7.5.path-length', 'when a path has a node too few', () => { apply({ nodes: others }) })
  refuses('7.5.path-length', 'when a path has a node too many', () => { apply({ nodes: [...path.nodes, first] }) })
  refuses('7.6.ciphertexts', 'when somebody gets no ciphertext', () => {
    apply({ nodes: [{ ...first, encryptedPathSecret: [] }, ...others] })
  })
  refuses('7.6.ciphertexts', 'when newcomers of the same commit get ciphertexts of the path', () => {
    const { group: wide, added } = propose(group, { add: 1 })
    const made = makePath(wide, A)
    const toAll = encryptPath(suite, { path: made, context: contextOf(wide, made.tree), exclude: nobody })
    applyPath(suite, { tree: wide.tree, sender: A, path: toAll, exclude: added })
  })
  refuses('5.1.1.encryption-key', 'when nobody can encrypt to a node of a path', () => {
    apply({ nodes: [{ ...first, encryptionKey: new Uint8Array(32) }, ...others] })
  })
  refuses('7.3.unique-encryption-key', 'when a path has the same key twice', () => {
    apply({ nodes: path.nodes.map((node) => ({ ...node, encryptionKey: first.encryptionKey })) })
  })
  refuses('12.4.2.new-key', 'when the committer keeps its encryption key', () => {
    apply({ leafNode: { ...path.leafNode, encryptionKey: (leafAt(group.tree, A) ?? assert.fail()).encryptionKey } })
  })
  refuses('12.4.2.new-key', 'when a path node has the key of another member', () => {
    const { encryptionKey } = leafAt(group.tree, D) ?? assert.fail('nobody at the fourth leaf')
    apply({ nodes: [{ ...first, encryptionKey }, ...others] })
  })
  refuses('7.5.parent-hash', 'when the leaf of a path has another parent hash', () => {
    const { parentHash } = path.leafNode.leafNodeSource as { parentHash: Uint8Array }
    apply({ leafNode: { ...path.leafNode, leafNodeSource: { type: 'commit', parentHash: flipped(parentHash) } } })
  })
  refuses('7.5.parent-hash', 'when a path was made for another tree', () => {
    inTree(group.tree, makePath(commit(group, B, {}), A))
  })

  /** What a member gets from a committer who encrypts other path secrets than it derived its keys from. */
  const cheating = (secretOf: (secret: Secret) => Secret): void => {
    const made = makePath(group, A)
    const pathSecrets = new Map(Array.from(made.pathSecrets, ([index, secret]): [NodeIndex, Secret] =>
      [index, secretOf(secret)]))
    const { tree, ...rest } = arriving(group, { committer: A, own: C, made: { ...made, pathSecrets } })
    openPath(suite, { tree, ...rest })
  }
  refuses('7.5.derived-key', 'when a path secret does not give the announced keys', () => {
    cheating((secret) => new Secret(flipped(secret.unwrap())))
  })
  refuses('12.4.1.path-secret-length', 'when a path secret is too short', () => {
    cheating((secret) => new Secret(secret.unwrap().slice(1)))
  })
  refuses('5.1.3.open', 'when a path was encrypted for another context', () => {
    openPath(suite, { ...received, path, context: new Uint8Array(4) })
  })
})

describe('the path secret of a Welcome is refused', () => {
  const { group: wide, added } = propose(group, { add: 1 })
  const made = makePath(wide, B)
  const [own] = added
  assert.ok(own !== undefined)
  const secret = pathSecretFor(made, own)
  const keysWith = (pathSecret: Secret, tree: RatchetTree = made.tree): PrivateTree =>
    keysFromPathSecret(suite, { tree, own, signer: B, pathSecret })

  test('but not the right one', () => {
    assert.deepEqual([...keysWith(secret).keys()], [7])
    assert.equal(personAt(wide, own).keys.size, 1)
  })
  refuses('12.4.3.1.path-secret', 'when it does not give the keys of the tree', () =>
    keysWith(new Secret(flipped(secret.unwrap()))))
  refuses('12.4.3.1.path-secret', 'when a parent that it is for is blank', () =>
    keysWith(secret, tampered(made.tree, 7, () => undefined)))
  refuses('12.4.3.1.path-secret', 'when it claims to come from the new member itself', () => {
    const [lowest] = made.pathSecrets.values()
    assert.ok(lowest !== undefined)
    keysFromPathSecret(suite, { tree: made.tree, own: B, signer: B, pathSecret: lowest })
  })
  refuses('12.4.1.path-secret-length', 'when it has another length', () => keysWith(new Secret(new Uint8Array(31))))
})
