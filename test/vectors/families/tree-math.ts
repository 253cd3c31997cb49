import assert from 'node:assert/strict'
import { leftOf, nodeWidth, parentOf, rightOf, rootOf, siblingOf } from '../../../main/mls/tree/math.ts'
import type { NodeIndex } from '../../../main/mls/wire/node.ts'

type TreeMath = {
  readonly n_leaves: number
  readonly n_nodes: number
  readonly root: number
  readonly left: readonly (number | null)[]
  readonly right: readonly (number | null)[]
  readonly parent: readonly (number | null)[]
  readonly sibling: readonly (number | null)[]
}

/** The array-based tree of RFC 9420 Appendix C. */
export function treeMath(testCase: TreeMath): void {
  const leafCount = testCase.n_leaves
  assert.equal(nodeWidth(leafCount), testCase.n_nodes)
  assert.equal(rootOf(leafCount), testCase.root)
  const nodes = Array.from({ length: testCase.n_nodes }, (_, node) => node as NodeIndex)
  const all = (relation: (node: NodeIndex) => NodeIndex | undefined): readonly (number | null)[] =>
    nodes.map((node) => relation(node) ?? null)
  assert.deepEqual(all(leftOf), testCase.left)
  assert.deepEqual(all(rightOf), testCase.right)
  assert.deepEqual(all((node) => parentOf(node, leafCount)), testCase.parent)
  assert.deepEqual(all((node) => siblingOf(node, leafCount)), testCase.sibling)
}
