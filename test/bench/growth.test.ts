import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeSuites } from '../../main/crypto/native.ts'
import { toHex } from '../../main/mls/codec.ts'
import {
  changedParts, commit, createGroup, generateKeyPackage, join, merge, propose, protect, receive, trusting,
  type Authentication, type Committed, type Group, type MLSMessage, type Suite,
} from '../../main/mls/index.ts'
import { seededRandom } from '../mls/group-world.ts'
import { clientOf, crowd } from './crowd.ts'

// What the engine does in a group of 60 and in one of 1,020, counted: how much it grows, whatever the machine. One more
// member does not extend these trees: the blank half that comes then is hashed as a whole.

const [small, large] = [60, 1020]
const native = nativeSuites(seededRandom('growth'))(1) ?? assert.fail('suite 1 is not there')

type Counts = { verified: number, sealed: number, hashed: number, hashedBytes: number, clients: number }

/** The suite, which counts what it is asked for from now on. */
function counting(suite: Suite): { readonly suite: Suite, readonly counts: Counts } {
  const counts = { verified: 0, sealed: 0, hashed: 0, hashedBytes: 0, clients: 0 }
  const hashes = (data: Uint8Array): void => {
    counts.hashed += 1
    counts.hashedBytes += data.length
  }
  return {
    counts,
    suite: {
      ...suite,
      hash: (data) => { hashes(data); return suite.hash(data) },
      extract: (salt, key) => { hashes(key); return suite.extract(salt, key) },
      verify: (...verified) => { counts.verified += 1; return suite.verify(...verified) },
      encapsulate: (publicKey) => { counts.sealed += 1; return suite.encapsulate(publicKey) },
    },
  }
}

/** How often an operation does what; its group and its authentication service count. */
function count(group: Group, operation: (group: Group, authentication: Authentication) => unknown): Counts {
  const { suite, counts } = counting(group.suite)
  operation({ ...group, suite }, {
    ...trusting,
    clientOf: (credential) => {
      counts.clients += 1
      return credential.type === 'basic' ? toHex(credential.identity) : undefined
    },
  })
  return counts
}

/** A group of `size` in which every parent has keys, and a second member who can follow. */
function scene(size: number) {
  const newcomer = clientOf(native, 'newcomer')
  const { keyPackage, privateKeys } = generateKeyPackage(native, newcomer)
  const founder = crowd(native, size - 1, 'used')
  const added = commit(founder, { proposals: [{ type: 'add', keyPackage }], authentication: trusting, forcePath: true })
  const enter = (suite: Suite): Group => {
    const { body } = added.welcome ?? assert.fail()
    assert.ok(body.type === 'welcome')
    return join({
      suiteOf: () => suite, welcome: body.welcome, keyPackage, privateKeys, authentication: trusting,
      signaturePrivateKey: newcomer.signatureKeyPair.privateKey,
    }).group
  }
  return { founder: merge(added.group, added.pending).group, member: enter(native), enter }
}

const guest = () => generateKeyPackage(native, clientOf(native, 'guest')).keyPackage
const addition = { type: 'add', keyPackage: guest() } as const
const scenes = { small: scene(small), large: scene(large) }
type Scene = ReturnType<typeof scene>

/** What is counted in both scenes. */
const inBoth = (measured: (scene: Scene) => Counts): { readonly small: Counts, readonly large: Counts } =>
  ({ small: measured(scenes.small), large: measured(scenes.large) })

/** From 6 levels to 10. */
const growsByLevel = (before: number, after: number): void => {
  assert.ok(before > 0 && after <= before * 10 / 6, `${before} at ${small} became ${after} at ${large}`)
}

describe(`from ${small} to ${large} members`, () => {
  test('joining verifies a signature of each member and one more, and hashes each node a few times', () => {
    for (const [size, { enter }] of [[small, scenes.small], [large, scenes.large]] as const) {
      const { suite, counts } = counting(native)
      enter(suite)
      assert.equal(counts.verified, size + 1)
      assert.ok(counts.hashed <= 4 * size, `${counts.hashed} hashes`)
    }
  })

  for (const [what, proposals] of [['an empty commit', []], ['a commit that adds one', [addition]]] as const) {
    test(`${what} is made and followed by work that grows by level, and stored as one path`, () => {
      const made: Committed[] = []
      const making = inBoth(({ founder }) => count(founder, (group, authentication) =>
        made.push(commit(group, { proposals, authentication }))))
      assert.equal(making.small.verified, making.large.verified)
      growsByLevel(making.small.hashed, making.large.hashed)
      growsByLevel(making.small.sealed, making.large.sealed)
      const [first, second] = made.map(({ message }) => message) as [MLSMessage, MLSMessage]
      const following = inBoth((scene) => count(scene.member, (group, authentication) =>
        receive(group, scene === scenes.small ? first : second, { authentication })))
      assert.equal(following.small.verified, following.large.verified)
      assert.ok(following.large.verified <= 4)
      growsByLevel(following.small.hashed, following.large.hashed)
      for (const { group, pending } of made) {
        const { nodes } = changedParts(merge(group, pending).group, group)
        assert.ok([...nodes].length <= 12, `${[...nodes].length} nodes written`)
      }
    })
  }

  test('a message costs the same to write, to read and to store', () => {
    const writing = inBoth(({ founder }) => {
      const once = protect(founder, new Uint8Array(9)).group // The first one splits the secret tree.
      return count(once, (group) => protect(group, new Uint8Array(9)))
    })
    assert.deepEqual(writing.small, writing.large)
    const reading = inBoth(({ founder, member }) => {
      const first = protect(founder, new Uint8Array(9))
      const second = protect(first.group, new Uint8Array(9))
      const ready = receive(member, first.message, { authentication: trusting }).group
      return count(ready, (group, authentication) => receive(group, second.message, { authentication }))
    })
    assert.deepEqual({ ...reading.small, hashedBytes: 0 }, { ...reading.large, hashedBytes: 0 })
    for (const { founder } of Object.values(scenes)) {
      const once = protect(founder, new Uint8Array(9)).group
      const { nodes, ratchets } = changedParts(protect(once, new Uint8Array(9)).group, once)
      assert.deepEqual([[...nodes].length, [...ratchets].length], [0, 1])
    }
  })

  test('adding many at once costs the same for each of them', () => {
    const founder = createGroup(native, { groupId: native.random(32), ...clientOf(native, 'founder') })
    const costs = [small, large].map((size) => {
      const proposals = Array.from({ length: size }, (_, at) =>
        ({ type: 'add', keyPackage: generateKeyPackage(native, clientOf(native, `guest ${at}`)).keyPackage }) as const)
      const counts = count(founder, (group, authentication) => commit(group, { proposals, authentication }))
      return Object.entries(counts).map(([name, total]) => [name, total / size] as const)
    })
    for (const [at, [name, before]] of (costs[0] ?? []).entries()) {
      const [, after = Number.NaN] = costs[1]?.[at] ?? []
      assert.ok(after <= before * 1.1 + 0.1, `${name}: ${before} each at ${small}, ${after} each at ${large}`)
    }
  })

  test('of many proposals two that do not go together cost little more than none', () => {
    const costs = [small, large].map((size) => {
      const twin = clientOf(native, 'twin')
      // Two names and one signature key: each is valid, both are not.
      const other = { ...clientOf(native, 'other'), signatureKeyPair: twin.signatureKeyPair }
      const clients = [...Array.from({ length: size - 1 }, (_, at) => clientOf(native, `guest ${at}`)), twin, other]
      let group = createGroup(native, { groupId: native.random(32), ...clientOf(native, 'founder') })
      for (const client of clients) {
        group = propose(group, { type: 'add', keyPackage: generateKeyPackage(native, client).keyPackage }).group
      }
      const counts = count(group, (counted, authentication) => {
        assert.equal(commit(counted, { authentication }).applied.added.length, size)
      })
      return counts.clients / size
    })
    growsByLevel(...costs as [number, number])
  })
})
