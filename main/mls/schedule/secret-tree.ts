import { choice, secret, struct, uint8, uint32, vector, type Infer } from '../codec.ts'
import { MlsError } from '../error.ts'
import { deriveTreeSecret, expandWithLabel } from '../labelled.ts'
import { check } from '../rules.ts'
import { Secret } from '../secret.ts'
import type { Suite } from '../suite.ts'
import { limits } from '../wire/limits.ts'
import type { LeafIndex } from '../wire/node.ts'

// The secret tree (RFC 9420 §9) as an immutable value: taking a key gives a new tree that shares everything with the
// old one but the path to one leaf. A node's secret exists until a leaf below it is used; then it is split, all the
// way down, so that no consumed value stays (§9.2).

/** How many generations a ratchet moves forward for one message at most (RFC 9420 §15.3). */
export const forwardLimit = 4_096

/** How many keys of generations that were passed over a ratchet keeps at most (RFC 9420 §15.3). */
export const keptLimit = 1_024

/** RFC 9420 §9.1: handshake messages and application messages have a ratchet each. */
export type RatchetKind = 'handshake' | 'application'

const SkippedKey = struct({ generation: uint32, key: secret(limits.hash), nonce: secret(limits.hash) })
type SkippedKey = Infer<typeof SkippedKey>

const Ratchet = struct({
  /** The first generation that was not used or passed over yet, to which the secret belongs. */
  generation: uint32,
  secret: secret(limits.hash),
  /** Passed over, not used yet, in ascending order. */
  skipped: vector(SkippedKey, keptLimit * 600),
})
type Ratchet = Infer<typeof Ratchet>

/**
 * What is stored of a secret tree, part by part: the secret of a node below which nothing was used yet (key
 * `n<node index>`, Appendix C), and the two ratchets of a leaf that was used (key `l<leaf index>`).
 */
export const SecretTreePart = choice(uint8, {
  node: [1, struct({ secret: secret(limits.hash) })],
  leaf: [2, struct({ handshake: Ratchet, application: Ratchet })],
})
export type SecretTreePart = Infer<typeof SecretTreePart>
type NodePart = Extract<SecretTreePart, { type: 'node' }>
type LeafPart = Extract<SecretTreePart, { type: 'leaf' }>

type Split = { readonly type: 'split', readonly left: Subtree, readonly right: Subtree }
type Subtree = SecretTreePart | Split

/** A secret tree. Take keys from it with the functions of this file; its fields are their business. */
export type SecretTree = {
  /** The leaves of the ratchet tree, blank ones included: a power of two (RFC 9420 §9, §4.1). */
  readonly leafCount: number
  readonly root: Subtree
}

/** A key for one message and the tree without it. `wipe` holds the key, the nonce and all that they consumed. */
export type TakenKey = {
  readonly tree: SecretTree
  readonly generation: number
  readonly key: Secret
  readonly nonce: Secret
  readonly wipe: readonly Secret[]
}

/**
 * The tree of an epoch (RFC 9420 §9). It takes `encryptionSecret` over: nobody else keeps it, and it is among the
 * secrets to wipe as soon as the first key is taken.
 */
export function secretTree(encryptionSecret: Secret, leafCount: number): SecretTree {
  if (!isWidth(leafCount)) {
    throw new MlsError('misuse', 'a secret tree has as many leaves as the ratchet tree, a power of two')
  }
  return { leafCount, root: { type: 'node', secret: encryptionSecret } }
}

/** RFC 9420 §4.1: the tree is perfect. */
const isWidth = (leafCount: number): boolean => leafCount >= 1 && Number.isInteger(Math.log2(leafCount))

/** The next unused key of a leaf, for sending (RFC 9420 §9.1). */
export function nextKey(suite: Suite, tree: SecretTree, leaf: LeafIndex, kind: RatchetKind): TakenKey {
  return take(suite, tree, { leaf, kind, generation: undefined })
}

/**
 * The key of one generation of a leaf, for receiving in any order. Throws `MlsError('gone')` for a key that was used
 * or is not kept any more, and `MlsError('refused')` for a generation too far ahead.
 */
export function keyFor(
  suite: Suite, tree: SecretTree, leaf: LeafIndex, kind: RatchetKind, generation: number,
): TakenKey {
  return take(suite, tree, { leaf, kind, generation })
}

type Wanted = { readonly leaf: LeafIndex, readonly kind: RatchetKind, readonly generation: number | undefined }

function take(suite: Suite, tree: SecretTree, { leaf, kind, generation }: Wanted): TakenKey {
  if (leaf >= tree.leafCount) throw new MlsError('misuse', `there is no leaf ${leaf} in this secret tree`)
  const wipe: Secret[] = []
  let taken: SkippedKey | undefined
  const root = withLeaf(suite, tree.root, { first: 0, width: tree.leafCount, leaf, wipe }, (part) => {
    const ratchet = part[kind]
    const step = generation === undefined || generation >= ratchet.generation
      ? advance(suite, ratchet, generation ?? ratchet.generation, wipe)
      : takeSkipped(ratchet, generation)
    taken = step.taken
    return { ...part, [kind]: step.ratchet }
  })
  if (taken === undefined) throw new MlsError('misuse', 'a secret tree without this leaf')
  wipe.push(taken.key, taken.nonce)
  return { tree: { ...tree, root }, ...taken, wipe }
}

type Place = { readonly first: number, readonly width: number, readonly leaf: number, readonly wipe: Secret[] }

/** The subtree with another part at one leaf; splits the node secrets above it, and nothing else. */
function withLeaf(suite: Suite, at: Subtree, place: Place, change: (part: LeafPart) => LeafPart): Subtree {
  const { first, width, leaf, wipe } = place
  if (width === 1) {
    if (at.type === 'split') throw new MlsError('misuse', 'a leaf of a secret tree has no children')
    return change(at.type === 'leaf' ? at : startRatchets(suite, at, wipe))
  }
  if (at.type === 'leaf') throw new MlsError('misuse', 'a node of a secret tree has no ratchets')
  const { left, right } = at.type === 'split' ? at : split(suite, at, wipe)
  const half = width / 2
  return leaf < first + half
    ? { type: 'split', left: withLeaf(suite, left, { ...place, width: half }, change), right }
    : { type: 'split', left, right: withLeaf(suite, right, { ...place, first: first + half, width: half }, change) }
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const leftContext = ascii('left')
const rightContext = ascii('right')

/** RFC 9420 §9: the secrets of a node's children. */
function split(suite: Suite, { secret: parent }: NodePart, wipe: Secret[]): Split {
  const child = (context: Uint8Array): NodePart => ({
    type: 'node',
    secret: new Secret(expandWithLabel(suite, parent.unwrap(), 'tree', context, suite.hashLength)),
  })
  wipe.push(parent)
  return { type: 'split', left: child(leftContext), right: child(rightContext) }
}

/** RFC 9420 §9: the first secrets of a leaf's two ratchets. */
function startRatchets(suite: Suite, { secret: leafSecret }: NodePart, wipe: Secret[]): LeafPart {
  const ratchet = (kind: RatchetKind): Ratchet => ({
    generation: 0,
    secret: new Secret(expandWithLabel(suite, leafSecret.unwrap(), kind, new Uint8Array(0), suite.hashLength)),
    skipped: [],
  })
  wipe.push(leafSecret)
  return { type: 'leaf', handshake: ratchet('handshake'), application: ratchet('application') }
}

type Step = { readonly ratchet: Ratchet, readonly taken: SkippedKey }

/** Takes a key that was passed over earlier (RFC 9420 §9.2: it may be kept until it is used). */
function takeSkipped(ratchet: Ratchet, generation: number): Step {
  const taken = ratchet.skipped.find((skipped) => skipped.generation === generation)
  if (taken === undefined) {
    throw new MlsError('gone', `the key of generation ${generation} was used, or is not kept any more`, '9.2.deleted')
  }
  return { ratchet: { ...ratchet, skipped: ratchet.skipped.filter((skipped) => skipped !== taken) }, taken }
}

/** Moves a ratchet behind `generation` (RFC 9420 §9.1), keeping the keys that it passes over. */
function advance(suite: Suite, ratchet: Ratchet, generation: number, wipe: Secret[]): Step {
  const distance = generation - ratchet.generation
  check('15.3.forward-limit', distance <= forwardLimit && generation < 0xffff_ffff)
  const passed: SkippedKey[] = []
  let current = ratchet.secret
  for (let at = ratchet.generation; at < generation; at++) {
    // Only the newest of them are kept; the keys of the others need not be derived.
    if (generation - at <= keptLimit) passed.push(keyOf(suite, current, at))
    wipe.push(current)
    current = nextSecret(suite, current, at)
  }
  const taken = keyOf(suite, current, generation)
  wipe.push(current)
  const skipped = [...ratchet.skipped, ...passed]
  const dropped = skipped.splice(0, Math.max(0, skipped.length - keptLimit))
  for (const { key, nonce } of dropped) wipe.push(key, nonce)
  const secret = nextSecret(suite, current, generation)
  return { ratchet: { generation: generation + 1, secret, skipped }, taken }
}

/** RFC 9420 §9.1: `ratchet_key_[N]_[j]` and `ratchet_nonce_[N]_[j]`. */
const keyOf = (suite: Suite, ratchetSecret: Secret, generation: number): SkippedKey => ({
  generation,
  key: new Secret(deriveTreeSecret(suite, ratchetSecret.unwrap(), 'key', generation, suite.keyLength)),
  nonce: new Secret(deriveTreeSecret(suite, ratchetSecret.unwrap(), 'nonce', generation, suite.nonceLength)),
})

/** RFC 9420 §9.1: `ratchet_secret_[N]_[j+1]`. */
const nextSecret = (suite: Suite, ratchetSecret: Secret, generation: number): Secret =>
  new Secret(deriveTreeSecret(suite, ratchetSecret.unwrap(), 'secret', generation, suite.hashLength))

// Storage: a message changes one part, or a few where a leaf is used for the first time.

/** Calls back for each part of a subtree. */
function eachPart(
  at: Subtree, first: number, width: number, visit: (key: string, part: SecretTreePart) => void,
): void {
  switch (at.type) {
    case 'node': visit(`n${2 * first + width - 1}`, at); break
    case 'leaf': visit(`l${first}`, at); break
    case 'split':
      eachPart(at.left, first, width / 2, visit)
      eachPart(at.right, first + width / 2, width / 2, visit)
      break
  }
}

/**
 * The parts that differ from an earlier version of the same tree, by their keys; undefined: no longer there. Without
 * `before`, every part. The cost depends on what changed, not on the size of the tree.
 */
export function changedSecretParts(
  tree: SecretTree, before: SecretTree | undefined,
): ReadonlyMap<string, SecretTreePart | undefined> {
  const changed = new Map<string, SecretTreePart | undefined>()
  const compare = (now: Subtree, then: Subtree | undefined, first: number, width: number): void => {
    if (now === then) return
    if (now.type === 'split' && then?.type === 'split') {
      compare(now.left, then.left, first, width / 2)
      compare(now.right, then.right, first + width / 2, width / 2)
      return
    }
    if (then !== undefined) eachPart(then, first, width, (key) => changed.set(key, undefined))
    eachPart(now, first, width, (key, part) => changed.set(key, part))
  }
  if (before !== undefined && before.leafCount !== tree.leafCount) {
    throw new MlsError('misuse', 'these are secret trees of two epochs')
  }
  compare(tree.root, before?.root, 0, tree.leafCount)
  return changed
}

/** The tree of its parts. Throws `MlsError('malformed')` when one of them is missing, or for no width of a tree. */
export function secretTreeFromParts(leafCount: number, parts: ReadonlyMap<string, SecretTreePart>): SecretTree {
  if (!isWidth(leafCount)) throw new MlsError('malformed', `a stored secret tree of ${leafCount} leaves`)
  const subtree = (first: number, width: number): Subtree => {
    const part = parts.get(`n${2 * first + width - 1}`) ?? (width === 1 ? parts.get(`l${first}`) : undefined)
    if (part !== undefined) return part
    if (width === 1) throw new MlsError('malformed', `the secret of leaf ${first} is missing`)
    return { type: 'split', left: subtree(first, width / 2), right: subtree(first + width / 2, width / 2) }
  }
  return { leafCount, root: subtree(0, leafCount) }
}

/** Every secret of a tree, for wiping when its epoch is forgotten (RFC 9420 §9.2). */
export function secretsOfTree(tree: SecretTree): readonly Secret[] {
  const secrets: Secret[] = []
  eachPart(tree.root, 0, tree.leafCount, (_, part) => {
    if (part.type === 'node') {
      secrets.push(part.secret)
      return
    }
    for (const ratchet of [part.handshake, part.application]) {
      secrets.push(ratchet.secret, ...ratchet.skipped.flatMap(({ key, nonce }) => [key, nonce]))
    }
  })
  return secrets
}
