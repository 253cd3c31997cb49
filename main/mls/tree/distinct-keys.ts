/** RFC 9420 §16.7: the keys of a ratchet tree are distinct from one another. */
import type { Node } from '../wire/node.ts'
import { isBlock, positionsIn, type RatchetTree, type Subtree } from './ratchet-tree.ts'

/** The public key that a node's path secrets are encrypted to. */
export const encryptionKeyOf = (node: Node): Uint8Array =>
  node.type === 'leaf' ? node.leafNode.encryptionKey : node.parentNode.encryptionKey

const signatureKeyOf = (node: Node): Uint8Array | undefined =>
  node.type === 'leaf' ? node.leafNode.signatureKey : undefined

export type KeyKind = 'encryption' | 'signature'
const keyIn: Readonly<Record<KeyKind, (node: Node) => Uint8Array | undefined>> =
  { encryption: encryptionKeyOf, signature: signatureKeyOf }

/** The first four octets, so that most keys are told apart without looking at the rest. */
const prefixOf = (key: Uint8Array): number =>
  (key[0] ?? 0) * 0x100_0000 + ((key[1] ?? 0) << 16) + ((key[2] ?? 0) << 8) + (key[3] ?? 0)

/** A set of public keys. A look-up costs the same for every key, whoever chose it. */
export class KeySet {
  readonly #prefixes = new Set<number>()
  readonly #keys = new Set<string>()

  has(key: Uint8Array): boolean {
    return this.#prefixes.has(prefixOf(key)) && this.#keys.has(String.fromCharCode(...key))
  }

  /** False when it was there already. */
  add(key: Uint8Array): boolean {
    if (this.has(key)) return false
    this.#prefixes.add(prefixOf(key))
    this.#keys.add(String.fromCharCode(...key))
    return true
  }

  /** Whether a key with one of these first octets may be in the set. Walks the smaller side. */
  mayHave(prefixes: ReadonlySet<number>): boolean {
    const [few, many] = prefixes.size < this.#prefixes.size ? [prefixes, this.#prefixes] : [this.#prefixes, prefixes]
    for (const prefix of few) if (many.has(prefix)) return true
    return false
  }
}

/** The set of these keys, or undefined when two of them are equal. */
export function distinct(keys: Iterable<Uint8Array>): KeySet | undefined {
  const set = new KeySet()
  for (const key of keys) if (!set.add(key)) return undefined
  return set
}

/** The set of the keys of these nodes, or undefined when two of them are equal. */
export const distinctIn = (kind: KeyKind, nodes: Iterable<Node>): KeySet | undefined =>
  distinct(Array.from(nodes, keyIn[kind]).filter((key) => key !== undefined))

const prefixes: Readonly<Record<KeyKind, WeakMap<Subtree, ReadonlySet<number>>>> =
  { encryption: new WeakMap(), signature: new WeakMap() }

function prefixesIn(kind: KeyKind, block: Subtree): ReadonlySet<number> {
  const cached = prefixes[kind].get(block)
  if (cached !== undefined) return cached
  const found = new Set<number>()
  for (const { node } of positionsIn(block)) {
    const key = node === undefined ? undefined : keyIn[kind](node)
    if (key !== undefined) found.add(prefixOf(key))
  }
  prefixes[kind].set(block, found)
  return found
}

const none: ReadonlySet<Node> = new Set()

/** Whether a node of the tree, other than those in `except`, has one of these keys. */
export function hasKeyOf(
  tree: RatchetTree, { kind, keys, except = none }: {
    readonly kind: KeyKind
    readonly keys: KeySet
    readonly except?: ReadonlySet<Node>
  },
): boolean {
  const matches = ({ node }: Subtree): boolean => {
    const key = node === undefined || except.has(node) ? undefined : keyIn[kind](node)
    return key !== undefined && keys.has(key)
  }
  const visit = (at: Subtree): boolean => {
    if (!isBlock(at)) return matches(at) || (at.children?.some(visit) ?? false)
    if (!keys.mayHave(prefixesIn(kind, at))) return false
    for (const position of positionsIn(at)) if (matches(position)) return true
    return false
  }
  return visit(tree.root)
}
