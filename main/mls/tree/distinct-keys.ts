/** RFC 9420 §16.7: the keys of a ratchet tree are distinct from one another. */
import type { Node } from '../wire/node.ts'
import { positionsOf, type RatchetTree } from './ratchet-tree.ts'

/** The public key that a node's path secrets are encrypted to. */
export const encryptionKeyOf = (node: Node): Uint8Array =>
  node.type === 'leaf' ? node.leafNode.encryptionKey : node.parentNode.encryptionKey

/** The first four octets, so that most keys are told apart without looking at the rest. */
const prefixOf = (key: Uint8Array): number =>
  (key[0] ?? 0) * 0x100_0000 + ((key[1] ?? 0) << 16) + ((key[2] ?? 0) << 8) + (key[3] ?? 0)

/** A set of public keys. One look-up costs the same for every key, whoever chose it. */
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
}

/** The set of these keys, or undefined when two of them are equal. */
export function distinct(keys: Iterable<Uint8Array>): KeySet | undefined {
  const set = new KeySet()
  for (const key of keys) if (!set.add(key)) return undefined
  return set
}

/** Whether a node of the tree has one of these keys as its encryption key. One walk, whatever their number. */
export function hasEncryptionKeyOf(tree: RatchetTree, keys: KeySet): boolean {
  for (const { node } of positionsOf(tree)) if (node !== undefined && keys.has(encryptionKeyOf(node))) return true
  return false
}
