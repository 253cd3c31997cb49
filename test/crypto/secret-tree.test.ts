import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode, encode, toHex } from '../../main/mls/codec.ts'
import {
  changedSecretParts, forwardLimit, keptLimit, keyFor, nextKey, secretsOfTree, secretTree, secretTreeFromParts,
  SecretTreePart, type RatchetKind, type SecretTree, type TakenKey,
} from '../../main/mls/schedule/secret-tree.ts'
import { Secret } from '../../main/mls/secret.ts'
import type { LeafIndex } from '../../main/mls/wire/node.ts'
import { pairOf } from './suites.ts'

const suite = pairOf(1).native
const freshTree = (leafCount = 4): SecretTree => secretTree(new Secret(new Uint8Array(32).fill(5)), leafCount)
const alice = 0 as LeafIndex
const bob = 2 as LeafIndex
const gone = { name: 'MlsError', code: 'gone' }
const tooFar = { name: 'MlsError', code: 'refused', rule: '15.3.forward-limit' }
const hexOf = ({ key, nonce }: TakenKey): string => `${toHex(key.unwrap())} ${toHex(nonce.unwrap())}`

describe('the secret tree gives each key once', () => {
  test('to the sender in a row, and to receivers in any order', () => {
    let sending = freshTree()
    const sent = Array.from({ length: 6 }, (_, generation) => {
      const taken = nextKey(suite, sending, bob, 'application')
      assert.equal(taken.generation, generation)
      sending = taken.tree
      return hexOf(taken)
    })
    assert.equal(new Set(sent).size, 6)

    let receiving = freshTree()
    for (const generation of [3, 0, 5, 1, 4, 2]) {
      const taken = keyFor(suite, receiving, bob, 'application', generation)
      assert.equal(hexOf(taken), sent[generation])
      receiving = taken.tree
      assert.throws(() => keyFor(suite, receiving, bob, 'application', generation), gone)
    }
  })

  test('of its own to every leaf and to both kinds of messages', () => {
    const all = [0, 1, 2, 3].flatMap((leaf) => (['handshake', 'application'] as const).map((kind) =>
      hexOf(nextKey(suite, freshTree(), leaf as LeafIndex, kind))))
    assert.equal(new Set(all).size, 8)
  })

  test('whatever the order in which leaves are used', () => {
    const takeAll = (leaves: readonly number[]): ReadonlyMap<number, string> => {
      let tree = freshTree()
      return new Map(leaves.map((leaf) => {
        const taken = nextKey(suite, tree, leaf as LeafIndex, 'handshake')
        tree = taken.tree
        return [leaf, hexOf(taken)]
      }))
    }
    const [one, other] = [takeAll([0, 1, 2, 3]), takeAll([3, 0, 2, 1])]
    for (const [leaf, key] of one) assert.equal(other.get(leaf), key)
  })

  test('and a group of one has a tree too', () => {
    assert.equal(nextKey(suite, freshTree(1), alice, 'application').generation, 0)
  })
})

describe('the secret tree is a value', () => {
  test('so that taking a key changes nothing in the tree that it was taken from', () => {
    const tree = nextKey(suite, freshTree(), bob, 'application').tree
    const before = storedHex(tree)
    const first = keyFor(suite, tree, bob, 'application', 7)
    keyFor(suite, tree, alice, 'handshake', 2)
    assert.deepEqual(storedHex(tree), before)
    assert.equal(hexOf(keyFor(suite, tree, bob, 'application', 7)), hexOf(first))
  })

  test('and what is consumed is handed out for wiping, and what is kept is not', () => {
    let tree = freshTree()
    for (const [leaf, kind, generation] of [
      [bob, 'application', 0], [bob, 'application', 4], [bob, 'application', 2], [alice, 'handshake', 1],
    ] as readonly (readonly [LeafIndex, RatchetKind, number])[]) {
      const before = new Set(secretsOfTree(tree))
      const taken = keyFor(suite, tree, leaf, kind, generation)
      const after = new Set(secretsOfTree(taken.tree))
      for (const secret of taken.wipe) assert.ok(!after.has(secret), 'nothing that stays is wiped')
      const dropped = [...before].filter((secret) => !after.has(secret))
      for (const secret of dropped) assert.ok(taken.wipe.includes(secret), 'nothing that goes is forgotten')
      assert.ok(taken.wipe.includes(taken.key) && taken.wipe.includes(taken.nonce))
      for (const secret of taken.wipe) secret.wipe()
      tree = taken.tree
    }
    // Wiping did no harm: the keys that were passed over still come out right.
    assert.equal(hexOf(keyFor(suite, tree, bob, 'application', 3)),
      hexOf(keyFor(suite, freshTree(), bob, 'application', 3)))
  })
})

describe('the secret tree sets limits (RFC 9420 §15.3)', () => {
  test('to how far ahead a generation may be', () => {
    const tree = freshTree()
    assert.throws(() => keyFor(suite, tree, bob, 'application', forwardLimit + 1), tooFar)
    assert.throws(() => keyFor(suite, tree, bob, 'application', 0xffff_ffff), tooFar)
    const { tree: ahead } = keyFor(suite, tree, bob, 'application', forwardLimit)
    assert.equal(keyFor(suite, ahead, bob, 'application', 2 * forwardLimit).generation, 2 * forwardLimit)
  })

  test('to how many keys it keeps: the oldest go first, and say so', () => {
    const { tree } = keyFor(suite, freshTree(), bob, 'application', keptLimit + 10)
    assert.throws(() => keyFor(suite, tree, bob, 'application', 9), gone)
    const oldest = keyFor(suite, tree, bob, 'application', 10)
    assert.equal(hexOf(oldest), hexOf(keyFor(suite, freshTree(), bob, 'application', 10)))
    const { tree: later } = keyFor(suite, oldest.tree, bob, 'application', keptLimit + 13)
    // One was used, two came: the oldest of the others had to go.
    assert.throws(() => keyFor(suite, later, bob, 'application', 11), gone)
    assert.equal(keyFor(suite, later, bob, 'application', 12).generation, 12)
  })

  test('and refuses a size that no ratchet tree has, and a leaf that is not there', () => {
    for (const leafCount of [0, 3, -1, 1.5]) {
      assert.throws(() => freshTree(leafCount), { name: 'MlsError', code: 'misuse' })
    }
    assert.throws(() => nextKey(suite, freshTree(), 4 as LeafIndex, 'handshake'), { name: 'MlsError', code: 'misuse' })
  })
})

const storedHex = (tree: SecretTree): ReadonlyMap<string, string> =>
  new Map([...changedSecretParts(tree, undefined)].map(([key, part]) =>
    [key, part === undefined ? '' : toHex(encode(SecretTreePart, part))]))

describe('the secret tree is stored in parts', () => {
  test('of which a message changes one, however large the group is', () => {
    let tree = freshTree(16_384)
    const first = nextKey(suite, tree, 5_000 as LeafIndex, 'application').tree
    const opened = changedSecretParts(first, tree)
    // The first message of a leaf splits the nodes above it: log2(n) siblings, the leaf, and the root that goes.
    assert.equal(opened.size, 14 + 1 + 1)
    assert.deepEqual([...opened].filter(([, part]) => part === undefined), [['n16383', undefined]])
    tree = first
    const second = nextKey(suite, tree, 5_000 as LeafIndex, 'application').tree
    assert.deepEqual([...changedSecretParts(second, tree).keys()], ['l5000'])
    assert.equal(changedSecretParts(second, second).size, 0)
  })

  test('from which the same tree comes back, whatever was used, and with the keys that were passed over', () => {
    const stored = new Map<string, Uint8Array>()
    let tree = freshTree(8)
    let before: SecretTree | undefined
    for (const [leaf, generation] of [[0, 0], [5, 3], [5, 1], [7, 2], [0, 1], [6, 0]] as const) {
      tree = keyFor(suite, tree, leaf as LeafIndex, 'application', generation).tree
      for (const [key, part] of changedSecretParts(tree, before)) {
        if (part === undefined) stored.delete(key)
        else stored.set(key, encode(SecretTreePart, part))
      }
      before = tree
    }
    const parts = new Map([...stored].map(([key, bytes]) => [key, decode(SecretTreePart, bytes)]))
    const loaded = secretTreeFromParts(8, parts)
    assert.deepEqual(storedHex(loaded), storedHex(tree))
    for (let leaf = 0; leaf < 8; leaf++) {
      assert.equal(hexOf(nextKey(suite, loaded, leaf as LeafIndex, 'application')),
        hexOf(nextKey(suite, tree, leaf as LeafIndex, 'application')))
    }
    assert.equal(hexOf(keyFor(suite, loaded, 5 as LeafIndex, 'application', 2)),
      hexOf(keyFor(suite, freshTree(8), 5 as LeafIndex, 'application', 2)))
    assert.throws(() => keyFor(suite, loaded, 5 as LeafIndex, 'application', 1), gone)
  })

  test('and a missing part is noticed', () => {
    const parts = new Map(changedSecretParts(nextKey(suite, freshTree(), bob, 'application').tree, undefined))
    const present = new Map([...parts].flatMap(([key, part]) => part === undefined ? [] : [[key, part]]))
    present.delete('l2')
    assert.throws(() => secretTreeFromParts(4, present), { name: 'MlsError', code: 'malformed' })
  })
})
