import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  commonAncestor, copath, directPath, leafOf, leftOf, levelOf, nodeOf, nodeWidth, parentOf, rightOf, rootOf, siblingOf,
} from '../../main/mls/tree/math.ts'
import type { LeafIndex, NodeIndex } from '../../main/mls/wire/node.ts'

const depth = fc.integer({ min: 0, max: 20 })
/** Two nodes of one tree. */
const nodes = depth.chain((exponent) => {
  const leafCount = 2 ** exponent
  const node = fc.integer({ min: 0, max: nodeWidth(leafCount) - 1 }).map((index) => index as NodeIndex)
  return fc.record({ leafCount: fc.constant(leafCount), a: node, b: node })
})

describe('tree math (RFC 9420 Appendix C)', () => {
  test('gives the paths that RFC 9420 §4.1.2 lists', () => {
    const [E, T, U, V, W, X, Y, Z] = [8, 1, 3, 5, 7, 9, 11, 13]
    assert.deepEqual(directPath(0 as NodeIndex, 8), [T, U, W])
    assert.deepEqual(copath(0 as NodeIndex, 8), [2, V, Y])
    assert.deepEqual(directPath(12 as NodeIndex, 8), [Z, Y, W])
    assert.deepEqual(copath(12 as NodeIndex, 8), [14, X, U])
    assert.deepEqual(copath(10 as NodeIndex, 8), [E, Z, U])
  })

  test('has no path from a node that is not there', () => {
    for (const index of [7, 15, -1, 0.5, Number.NaN, 2 ** 31]) {
      assert.throws(() => directPath(index as NodeIndex, 4), { name: 'MlsError', code: 'misuse' })
    }
  })

  test('knows that a root has no parent and a leaf no children', () => {
    assert.equal(parentOf(rootOf(8), 8), undefined)
    assert.equal(siblingOf(rootOf(8), 8), undefined)
    assert.equal(leftOf(6 as NodeIndex), undefined)
    assert.equal(rightOf(6 as NodeIndex), undefined)
    assert.deepEqual(directPath(0 as NodeIndex, 1), [])
  })

  test('finds every node among the children of its parent', () => {
    fc.assert(fc.property(nodes, ({ leafCount, a }) => {
      const parent = parentOf(a, leafCount)
      if (parent === undefined) {
        assert.equal(a, rootOf(leafCount))
        return
      }
      const children = [leftOf(parent), rightOf(parent)]
      assert.ok(children.includes(a))
      assert.ok(children.includes(siblingOf(a, leafCount)))
      assert.notEqual(siblingOf(a, leafCount), a)
      assert.equal(levelOf(parent), levelOf(a) + 1)
    }))
  })

  test('meets in the lowest node that two paths share', () => {
    fc.assert(fc.property(nodes, ({ leafCount, a, b }) => {
      const aboveB = new Set([b, ...directPath(b, leafCount)])
      const expected = [a, ...directPath(a, leafCount)].find((index) => aboveB.has(index))
      assert.equal(commonAncestor(a, b), expected)
    }))
  })

  test('counts leaves at even positions', () => {
    assert.equal(nodeOf(5 as LeafIndex), 10)
    assert.equal(leafOf(10 as NodeIndex), 5)
    assert.equal(nodeWidth(8), 15)
    assert.equal(nodeWidth(0), 0)
    // A leaf index of 32 bits (RFC 9420 §7.1) stays a number that is outside of every tree.
    assert.equal(nodeOf(0xffff_ffff as LeafIndex), 0x1_ffff_fffe)
  })
})
