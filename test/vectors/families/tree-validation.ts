import assert from 'node:assert/strict'
import { decode, encode, fromHex, toHex } from '../../../main/mls/codec.ts'
import type { SuiteOf } from '../../../main/mls/suite.ts'
import { subtreeHash } from '../../../main/mls/tree/hash.ts'
import { nodesOf, positionsOf, resolutionOf, treeOf } from '../../../main/mls/tree/ratchet-tree.ts'
import { validateTree } from '../../../main/mls/tree/validate.ts'
import { RatchetTreeNodes } from '../../../main/mls/wire/node.ts'
import { suiteOfCase } from '../suite-of-case.ts'

type TreeValidation = {
  readonly cipher_suite: number
  readonly tree: string
  readonly group_id: string
  readonly resolutions: readonly (readonly number[])[]
  readonly tree_hashes: readonly string[]
}

/** Resolutions (RFC 9420 §4.1.1), tree hashes (§7.8), parent hashes (§7.9.2) and leaf signatures (§7.3) of trees. */
export function treeValidation(testCase: TreeValidation, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  const tree = treeOf(decode(RatchetTreeNodes, fromHex(testCase.tree)))
  const positions = [...positionsOf(tree)]
  assert.deepEqual(positions.map(({ index }) => index), testCase.resolutions.map((_, index) => index))
  assert.deepEqual(positions.map((at) => resolutionOf(at)), testCase.resolutions)
  assert.deepEqual(positions.map((at) => toHex(subtreeHash(suite, at))), testCase.tree_hashes)
  validateTree(suite, { tree, groupId: fromHex(testCase.group_id), groupExtensions: [] })
  assert.equal(toHex(encode(RatchetTreeNodes, nodesOf(tree))), testCase.tree)
}
