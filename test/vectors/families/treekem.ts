import assert from 'node:assert/strict'
import { decode, encode, fromHex, toHex } from '../../../main/mls/codec.ts'
import { Secret } from '../../../main/mls/secret.ts'
import type { KeyPair, Suite, SuiteOf } from '../../../main/mls/suite.ts'
import { encryptionKeyOf } from '../../../main/mls/tree/distinct-keys.ts'
import { treeHash } from '../../../main/mls/tree/hash.ts'
import { isLeafSigned } from '../../../main/mls/tree/leaf.ts'
import { nodeOf } from '../../../main/mls/tree/math.ts'
import {
  applyPath, encryptPath, keyPairOf, newPath, openPath, openPathSecret, type PrivateTree,
} from '../../../main/mls/tree/path.ts'
import { verifyParentHashes } from '../../../main/mls/tree/parent-hash.ts'
import { leafAt, leavesOf, nodeAt, treeOf, type RatchetTree } from '../../../main/mls/tree/ratchet-tree.ts'
import { GroupContext } from '../../../main/mls/wire/group-context.ts'
import { mls10 } from '../../../main/mls/wire/key-package.ts'
import { RatchetTreeNodes, UpdatePath, type LeafIndex, type NodeIndex } from '../../../main/mls/wire/node.ts'
import { privateKeyOf, suiteOfCase } from '../suite-of-case.ts'

type TreeKem = {
  readonly cipher_suite: number
  readonly group_id: string
  readonly epoch: number
  readonly confirmed_transcript_hash: string
  readonly ratchet_tree: string
  readonly leaves_private: readonly {
    readonly index: number
    readonly encryption_priv: string
    readonly signature_priv: string
    readonly path_secrets: readonly { readonly node: number, readonly path_secret: string }[]
  }[]
  readonly update_paths: readonly {
    readonly sender: number
    readonly update_path: string
    readonly path_secrets: readonly (string | null)[]
    readonly commit_secret: string
    readonly tree_hash_after: string
  }[]
}

/** None: these commits add nobody. */
const exclude: ReadonlySet<LeafIndex> = new Set()

/** Update paths read and made by every member (RFC 9420 §7.4 to §7.6, §7.9). */
export function treeKem(testCase: TreeKem, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  const tree = treeOf(decode(RatchetTreeNodes, fromHex(testCase.ratchet_tree)))
  const groupId = fromHex(testCase.group_id)
  const keysOf = new Map(testCase.leaves_private.map((leaf) =>
    [leaf.index as LeafIndex, privateTree(suite, tree, leaf)]))
  const contextOf = (after: RatchetTree): Uint8Array => encode(GroupContext, {
    version: mls10, cipherSuite: suite.id, groupId, epoch: BigInt(testCase.epoch), treeHash: treeHash(suite, after),
    confirmedTranscriptHash: fromHex(testCase.confirmed_transcript_hash), extensions: [],
  })
  const othersThan = (sender: LeafIndex): readonly (readonly [LeafIndex, PrivateTree])[] =>
    leavesOf(tree).filter(({ index }) => index !== sender).map(({ index }) => [index, keysOf.get(index) ?? new Map()])

  for (const expected of testCase.update_paths) {
    const sender = expected.sender as LeafIndex
    const path = decode(UpdatePath, fromHex(expected.update_path))
    // Of the leaf no more than this: its capabilities leave out suite 7 even where the case is of suite 7.
    assert.ok(isLeafSigned(suite, path.leafNode, { groupId, leafIndex: sender }))
    const after = applyPath(suite, { tree, sender, path, exclude })
    assert.equal(toHex(treeHash(suite, after)), expected.tree_hash_after)
    verifyParentHashes(suite, after)
    const context = contextOf(after)
    for (const [own, keys] of othersThan(sender)) {
      const received = { tree: after, sender, path, own, keys, context, exclude }
      const { pathSecret } = openPathSecret(suite, received)
      assert.equal(toHex(pathSecret.unwrap()), expected.path_secrets[own])
      const opened = openPath(suite, received)
      assert.equal(toHex(opened.commitSecret.unwrap()), expected.commit_secret)
      assertInTree(after, opened.keys)
    }
    const made = makePath(suite, { tree, sender, groupId, testCase })
    const update = encryptPath(suite, { path: made, context: contextOf(made.tree), exclude })
    const merged = applyPath(suite, { tree, sender, path: update, exclude })
    assert.deepEqual(treeHash(suite, merged), treeHash(suite, made.tree))
    assertInTree(merged, made.keys)
    for (const [own, keys] of othersThan(sender)) {
      const opened = openPath(suite, {
        tree: merged, sender, path: update, own, keys, context: contextOf(merged), exclude,
      })
      assert.deepEqual(opened.commitSecret.unwrap(), made.commitSecret.unwrap())
      assertInTree(merged, opened.keys)
    }
  }
}

function makePath(suite: Suite, { tree, sender, groupId, testCase }: {
  readonly tree: RatchetTree, readonly sender: LeafIndex, readonly groupId: Uint8Array, readonly testCase: TreeKem
}): ReturnType<typeof newPath> {
  const template = leafAt(tree, sender)
  const signing = testCase.leaves_private.find(({ index }) => index === sender)
  assert.ok(template !== undefined && signing !== undefined)
  const signaturePrivateKey = privateKeyOf(suite, signing.signature_priv)
  return newPath(suite, { tree, leaf: sender, template, groupId, signaturePrivateKey })
}

function privateTree(suite: Suite, tree: RatchetTree, leaf: TreeKem['leaves_private'][number]): PrivateTree {
  const own = nodeOf(leaf.index as LeafIndex)
  const node = nodeAt(tree, own)
  assert.ok(node !== undefined)
  const ownKey: KeyPair = {
    publicKey: encryptionKeyOf(node), privateKey: privateKeyOf(suite, leaf.encryption_priv),
  }
  const above = leaf.path_secrets.map(({ node: index, path_secret: secret }): [NodeIndex, KeyPair] =>
    [index as NodeIndex, keyPairOf(suite, new Secret(fromHex(secret)))])
  const keys = new Map([[own, ownKey], ...above])
  assertInTree(tree, keys)
  assertPairs(suite, keys)
  return keys
}

/** The public keys of a private tree are those of the tree. */
function assertInTree(tree: RatchetTree, keys: PrivateTree): void {
  for (const [index, key] of keys) {
    const node = nodeAt(tree, index)
    assert.ok(node !== undefined, `node ${index} is blank`)
    assert.deepEqual(key.publicKey, encryptionKeyOf(node))
  }
}

/** Each private key belongs to its public key, shown by opening what was sealed to the latter. */
function assertPairs(suite: Suite, keys: PrivateTree): void {
  for (const key of keys.values()) {
    const { sharedSecret, kemOutput } = suite.encapsulate(key.publicKey)
    assert.deepEqual(suite.decapsulate(kemOutput, key).unwrap(), sharedSecret.unwrap())
  }
}
