import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  changedParts, commit, decodePending, encodePending, groupFromParts, merge, MlsError, propose, protect, receive,
  trusting, type Group, type GroupParts, type LeafIndex,
} from '../../main/mls/index.ts'
import { bytes, implementations, set, World } from './group-world.ts'

const native = implementations[0]
assert.ok(native !== undefined)

/** All parts of a group, as a store has them. */
function stored(group: Group) {
  const { head, nodes, ratchets } = changedParts(group, undefined)
  assert.ok(head !== undefined)
  const present = <K>(parts: readonly (readonly [K, Uint8Array | undefined])[]): Map<K, Uint8Array> =>
    new Map(parts.flatMap(([key, value]) => value === undefined ? [] : [[key, value]]))
  return { head, nodes: present(nodes), ratchets: present(ratchets) }
}

const sizeOf = ({ head, nodes, ratchets }: GroupParts): number =>
  [head, ...nodes.map(([, value]) => value), ...ratchets.map(([, value]) => value)]
    .reduce((sum, value) => sum + (value?.length ?? 0), 0)

describe('a stored group', () => {
  const world = new World(native.suites('storage'), 1)

  /** Two members of a group of `size`, as they hold it. */
  function pair(size: number): { alice: Group, bob: Group } {
    const alice = world.found('alice')
    const guests = Array.from({ length: size - 1 }, (_, at) => world.guest(`guest ${at}`))
    const made = alice.prepare({ proposals: guests.map(({ keyPackage }) => ({ type: 'add', keyPackage }) as const) })
    const [first] = guests
    assert.ok(first !== undefined)
    return { alice: merge(made.group, made.pending).group, bob: world.join(first, made).group }
  }

  for (const size of [2, 200]) {
    test(`writes nothing for a message but ratchets, in a group of ${size}`, () => {
      let { alice, bob } = pair(size)
      const sizes: number[] = []
      for (let at = 0; at < 3; at++) {
        const said = protect(alice, bytes('hello'))
        const sent = changedParts(said.group, alice)
        const heard = receive(bob, said.message, { authentication: trusting })
        const read = changedParts(heard.group, bob)
        // The first use of a leaf splits the secrets above it; later ones change that leaf's part alone.
        const limit = at === 0 ? 2 * (Math.ceil(Math.log2(size)) + 1) : 1
        for (const parts of [sent, read]) {
          assert.equal(parts.head, undefined)
          assert.deepEqual(parts.nodes, [])
          assert.ok(parts.ratchets.length <= limit, `${parts.ratchets.length} parts for message ${at}`)
        }
        sizes.push(sizeOf(sent), sizeOf(read))
        alice = said.group
        bob = heard.group
      }
      assert.ok(sizes.slice(2).every((written) => written < 200), `bytes written: ${sizes.join(', ')}`)
    })
  }

  test('writes for a commit the nodes on its path, not the tree', () => {
    const { alice } = pair(200)
    const filled = commit(alice, { authentication: trusting })
    const first = merge(filled.group, filled.pending).group
    const made = commit(first, { authentication: trusting })
    const next = merge(made.group, made.pending).group
    const parts = changedParts(next, first)
    assert.ok(parts.head !== undefined)
    assert.ok(parts.nodes.length <= 1 + Math.log2(256), `${parts.nodes.length} nodes`)
    assert.ok(sizeOf(parts) < 10_000, `${sizeOf(parts)} bytes`)
  })

  test('forgets an epoch with all of its parts, and a pending proposal with its epoch', () => {
    const alice = world.found('alice')
    const before = new Set(stored(alice.group).ratchets.keys())
    for (let at = 0; at < 7; at++) world.commit(alice, [])
    const after = [...stored(alice.group).ratchets.keys()]
    assert.ok(after.every((name) => !before.has(name)))
    assert.deepEqual(new Set(after.map((name) => name.split('/')[0])), new Set(['7', '6', '5', '4', '3', '2']))
  })

  test('replaces another group that was stored under the same id', () => {
    const { alice: left } = pair(2)
    const { alice: joined } = pair(5)
    const { head, nodes, ratchets } = stored(left)
    const parts = changedParts(joined, left)
    for (const [index, value] of parts.nodes) set(nodes, index, value)
    for (const [name, value] of parts.ratchets) set(ratchets, name, value)
    assert.deepEqual({ head: parts.head ?? head, nodes, ratchets: new Map([...ratchets].sort()) },
      { ...stored(joined), ratchets: new Map([...stored(joined).ratchets].sort()) })
  })

  test('that is damaged, or of another format, is refused with an MlsError', () => {
    const { alice } = pair(2)
    const parts = stored(alice)
    const loads = (changed: Partial<typeof parts>) => (): void => {
      groupFromParts(world.suiteOf, { ...parts, ...changed })
    }
    loads({})()
    const refuses = (load: () => void): void => { assert.throws(load, (error) => error instanceof MlsError) }
    refuses(loads({ head: parts.head.slice(0, -1) }))
    refuses(loads({ head: Uint8Array.of(99, ...parts.head.slice(1)) }))
    refuses(loads({ nodes: new Map() }))
    refuses(loads({ nodes: new Map([...parts.nodes, [2 ** 31, parts.nodes.get(0) ?? new Uint8Array(0)]]) }))
    refuses(loads({ ratchets: new Map() }))
    for (const index of [2 ** 17, -2, 0.5]) {
      refuses(loads({ nodes: new Map([...parts.nodes, [index, parts.nodes.get(0) ?? new Uint8Array(0)]]) }))
    }
    assert.throws(() => groupFromParts(() => undefined, parts), (error) =>
      error instanceof MlsError && error.code === 'unsupported')
  })

  test('whose own leaf is not in its tree is refused, and its next epoch as well', () => {
    const { alice } = pair(2)
    // One further than the tree goes, blank, and where 32 bits overflow.
    for (const ownLeaf of [2, 2 ** 30, 2 ** 31, 2 ** 32 - 1]) {
      const lost: Group = { ...alice, ownLeaf: ownLeaf as LeafIndex }
      const isMalformed = (error: unknown) => error instanceof MlsError && error.code === 'malformed'
      assert.throws(() => groupFromParts(world.suiteOf, stored(lost)), isMalformed)
      const { group, pending } = commit(alice, { authentication: trusting })
      const bytes = encodePending(group, { ...pending, ownLeaf: ownLeaf as LeafIndex })
      assert.throws(() => decodePending(world.suiteOf, group, bytes), isMalformed)
    }
  })

  test('whose parts lie under each other\'s names is refused', () => {
    const { alice } = pair(3)
    const { group, pending } = commit(alice, { authentication: trusting })
    const removal = { type: 'remove', removed: 1 as LeafIndex } as const
    const proposed = propose(merge(group, pending).group, removal).group
    const parts = stored(proposed)
    const [proposal] = [...parts.ratchets.keys()].filter((name) => name.includes('/p') && !name.endsWith('/past'))
    assert.ok(proposal !== undefined)
    const moves = [['1/past', '2/past'], ['1/past', '0/past'], [proposal, `1${proposal.slice(1)}`], [proposal, `${proposal}00`]]
    for (const [from = '', to = ''] of moves) {
      const part = parts.ratchets.get(from)
      assert.ok(part !== undefined, from)
      const ratchets = new Map(parts.ratchets).set(to, part)
      ratchets.delete(from)
      assert.throws(() => groupFromParts(world.suiteOf, { ...parts, ratchets }), (error) =>
        error instanceof MlsError && error.code === 'malformed', `${from} as ${to}`)
    }
  })

  test('whose past epoch has no secret tree of any width is refused', () => {
    const { alice } = pair(2)
    const { group, pending } = commit(alice, { authentication: trusting })
    const [past, ...others] = merge(group, pending).group.past
    assert.ok(past !== undefined)
    for (const leafCount of [0, 3, 2 ** 32 - 1]) {
      const bent = { ...past, secretTree: { ...past.secretTree, leafCount } }
      const parts = stored({ ...merge(group, pending).group, past: [bent, ...others] })
      assert.throws(() => groupFromParts(world.suiteOf, parts), (error) =>
        error instanceof MlsError && error.code === 'malformed')
    }
  })
})
