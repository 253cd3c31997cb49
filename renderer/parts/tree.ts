/** Where the nodes of a ratchet tree stand in its picture. */
import type { TreeNode } from '../../preload/api.ts'

type Spot = {
  readonly index: number
  readonly x: number
  readonly y: number
  readonly leaf: boolean
  readonly node: TreeNode
  /** The curve up to its parent; absent at the root. */
  readonly up?: { readonly path: string, readonly lit: boolean }
}

type TreePicture = {
  readonly spots: readonly Spot[]
  readonly width: number
  readonly height: number
  readonly radius: number
  /** The lowest levels did not fit and are left out. */
  readonly cut: boolean
}

/** Levels drawn at most: 32 leaves are as many as stay apart at the width of the panel. */
const maxLevels = 6

/** RFC 9420 Appendix C: a node's level is the number of its trailing one bits. */
const level = (index: number): number => {
  let bits = 0
  while (((index >> bits) & 1) === 1) bits++
  return bits
}

const round = (value: number): number => Math.round(value * 10) / 10

/** Lays out `tree` (array order of RFC 9420 Appendix C) in a field `width` wide. */
export const pictureOf = (tree: readonly TreeNode[], width = 280): TreePicture => {
  const top = Math.max(0, Math.ceil(Math.log2(tree.length + 1)) - 1)
  const lowest = Math.max(0, top - maxLevels + 1)
  const levels = top - lowest + 1
  const slot = width / 2 ** (top - lowest)
  const radius = Math.min(6, round(slot * 0.36))
  const rise = 48 - levels * 4
  const place = (index: number): { x: number, y: number } => ({
    x: round(((index + 1) / 2 ** (top + 1)) * width),
    y: round(radius + 4 + (top - level(index)) * rise),
  })
  const parent = (index: number): number => {
    const own = level(index)
    return (index | (1 << own)) & ~(1 << (own + 1))
  }
  // The array ends with the last node that is not blank (RFC 9420 Section 12.4.3.3): parents beyond it are blank.
  const shown = new Map(tree.entries())
  for (const index of tree.keys()) {
    for (let at = index; level(at) < top; at = parent(at)) if (!shown.has(parent(at))) {
      shown.set(parent(at), { state: 'blank', lit: shown.get(at)?.lit ?? false })
    }
  }
  const spots = [...shown].flatMap(([index, node]): Spot[] => {
    const own = level(index)
    if (own < lowest) return []
    const at = place(index)
    const spot = { index, ...at, leaf: own === 0, node }
    if (own === top) return [spot]
    const to = place(parent(index))
    const middle = round((at.y + to.y) / 2)
    const path = `M${at.x} ${at.y}C${at.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y}`
    return [{ ...spot, up: { path, lit: node.lit && (shown.get(parent(index))?.lit ?? false) } }]
  })
  return { spots, width, height: round(2 * radius + 8 + (levels - 1) * rise), radius, cut: lowest > 0 }
}
