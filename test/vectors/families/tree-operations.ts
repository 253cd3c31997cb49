import assert from 'node:assert/strict'
import { decode, encode, fromHex, toHex } from '../../../main/mls/codec.ts'
import type { SuiteOf } from '../../../main/mls/suite.ts'
import { treeHash } from '../../../main/mls/tree/hash.ts'
import {
  addLeaf, nodesOf, removeLeaf, treeOf, updateLeaf, type RatchetTree,
} from '../../../main/mls/tree/ratchet-tree.ts'
import { RatchetTreeNodes, type LeafIndex } from '../../../main/mls/wire/node.ts'
import { Proposal } from '../../../main/mls/wire/proposal.ts'
import { suiteOfCase } from '../suite-of-case.ts'

type TreeOperations = {
  readonly cipher_suite: number
  readonly tree_before: string
  readonly proposal: string
  readonly proposal_sender: number
  readonly tree_hash_before: string
  readonly tree_after: string
  readonly tree_hash_after: string
}

/** Add, Update and Remove applied to a tree (RFC 9420 §12.1.1 to §12.1.3), and their tree hashes (§7.8). */
export function treeOperations(testCase: TreeOperations, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  const before = treeOf(decode(RatchetTreeNodes, fromHex(testCase.tree_before)))
  assert.equal(toHex(treeHash(suite, before)), testCase.tree_hash_before)
  const proposal = decode(Proposal, fromHex(testCase.proposal))
  const after = applied(before, proposal, testCase.proposal_sender as LeafIndex)
  assert.equal(toHex(encode(RatchetTreeNodes, nodesOf(after))), testCase.tree_after)
  assert.equal(toHex(treeHash(suite, after)), testCase.tree_hash_after)
  assert.equal(toHex(encode(RatchetTreeNodes, nodesOf(before))), testCase.tree_before)
}

function applied(tree: RatchetTree, proposal: Proposal, sender: LeafIndex): RatchetTree {
  if (proposal.type === 'add') return addLeaf(tree, proposal.keyPackage.leafNode).tree
  if (proposal.type === 'update') return updateLeaf(tree, sender, proposal.leafNode)
  if (proposal.type === 'remove') return removeLeaf(tree, proposal.removed)
  throw new Error(`a proposal of the type ${proposal.type} does not change the tree`)
}
