import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  groupInfo, leafAt, leavesOf, MlsError, newPskId, proposeUpdate, Secret, type Authentication,
  type PskLookup,
} from '../../main/mls/index.ts'
import { assertTalk, byName, bytes, failsAs, implementations, Member, suiteIds, World } from './group-world.ts'
import { enter, external, type Entering } from './moves.ts'

// People who join by a commit of their own, and members who come back by one (RFC 9420 §12.4.3.2).

const refusedBy = (rule: string) => (error: unknown): boolean => error instanceof MlsError && error.rule === rule

for (const implementation of implementations) for (const id of suiteIds) {
  describe(`external commits in suite ${id} on the ${implementation.name} implementation`, () => {
    const world = new World(implementation.suites(`external ${id}`), id)

    for (const inside of [true, false]) {
      test(`Dave joins with the tree ${inside ? 'inside of' : 'beside'} the GroupInfo, goes on as any member`, () => {
        const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
        const dave = enter(world, world.person('dave'), [alice, bob], { inside })
        assertTalk([alice, bob, dave])
        const [eve] = world.commit(dave, [alice, bob], { guests: [world.guest('eve')] })
        world.commit(bob, [alice, dave, eve as Member])
        assertTalk([alice, bob, dave, eve as Member])
      })
    }

    test('Dave joins in a place that became free, and beyond the width of the tree', () => {
      const members = world.gather('alice', 'bob', 'carol', 'eve')
      const [alice, bob, carol, eve] = members as [Member, Member, Member, Member]
      const dave = enter(world, world.person('dave'), members)
      assert.equal(dave.group.ownLeaf, 4)
      world.commit(alice, [carol, eve, dave], { proposals: [{ type: 'remove', removed: bob.group.ownLeaf }] })
      const frank = enter(world, world.person('frank'), [alice, carol, eve, dave])
      assert.equal(frank.group.ownLeaf, bob.group.ownLeaf)
      assertTalk([alice, carol, eve, dave, frank])
    })

    test('Dave lost his state and comes back: his old leaf goes, even where the new one stands elsewhere', () => {
      const members = world.gather('alice', 'bob', 'carol', 'dave')
      const [alice, bob, carol, dave] = members as [Member, Member, Member, Member]
      world.commit(alice, [carol, dave], { proposals: [{ type: 'remove', removed: bob.group.ownLeaf }] })
      const others = [alice, carol]
      // He finds his old leaf by his signature key.
      const back = enter(world, dave.person, others, { replaces: 'own' })
      assert.equal(back.group.ownLeaf, bob.group.ownLeaf)
      assert.equal(leavesOf(alice.group.tree).length, 3)
      assert.equal(leafAt(alice.group.tree, dave.group.ownLeaf), undefined)
      assertTalk([...others, back])
      // With a new signature key, the application tells that it is he.
      const renewed = world.person('dave')
      const again = enter(world, renewed, others, { replaces: 'own', authentication: byName })
      assert.equal(leavesOf(alice.group.tree).length, 3)
      assert.deepEqual(leafAt(carol.group.tree, again.group.ownLeaf)?.signatureKey, renewed.signatureKeyPair.publicKey)
      assertTalk([...others, again])
      world.commit(carol, [alice, again])
    })

    test('Dave comes back with the PSKs that he kept: of an epoch in which he was, and one of the application', () => {
      const [alice, bob, dave] = world.gather('alice', 'bob', 'dave') as [Member, Member, Member]
      world.commit(alice, [bob]) // Dave missed it.
      const given: PskLookup = ({ psk }) => psk.type === 'external' ? new Secret(bytes('given to all')) : undefined
      const { groupId, epoch } = dave.group.context
      const pskIds = [
        newPskId(world.suite, { type: 'resumption', usage: 'application', pskGroupId: groupId, pskEpoch: epoch }),
        newPskId(world.suite, { type: 'external', pskId: bytes('psk') }),
      ]
      const options: Entering = { replaces: 'own', pskIds, groups: dave.groups, psks: given }
      assert.throws(() => external(world, dave.person, alice.group, { ...options, groups: () => undefined }), failsAs('undecided'))
      assert.throws(() => enter(world, dave.person, [alice, bob], options), failsAs('undecided'))
      const back = enter(world, dave.person, [alice, bob], { ...options, known: given })
      assertTalk([alice, bob, back])
    })
  })
}

const native = implementations[0]
assert.ok(native !== undefined)

describe('an external commit', () => {
  const world = new World(native.suites('external'), 1)

  // Why chats do without them (SECURITY.md): what proves that one was here divides those who were from those who came.
  test('with the resumption PSK of an epoch divides the group: whoever came in since cannot decide on it', () => {
    const [alice, dave] = world.gather('alice', 'dave') as [Member, Member]
    const { groupId, epoch } = dave.group.context
    const [eve] = world.commit(alice, [], { guests: [world.guest('eve')] }) as [Member] // Dave missed it.
    const psk = newPskId(world.suite, { type: 'resumption', usage: 'application', pskGroupId: groupId, pskEpoch: epoch })
    const made = external(world, dave.person, alice.group, { replaces: 'own', pskIds: [psk], groups: dave.groups })
    const before = eve.group.context.epoch
    assert.throws(() => eve.receive(made.message), failsAs('undecided'))
    assert.equal(alice.receive(made.message).type, 'commit')
    assert.equal(alice.group.context.epoch, before + 1n)
    assert.equal(eve.group.context.epoch, before)
  })

  test('is not for those who are in the group and do not replace themselves', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    assert.throws(() => external(world, bob.person, alice.group), refusedBy('7.3.unique-signature-key'))
  })

  test('replaces nobody where the newcomer was never there', () => {
    const [alice] = world.gather('alice', 'bob') as [Member]
    assert.throws(() => external(world, world.person('dave'), alice.group, { replaces: 'own' }), failsAs('misuse'))
  })

  test('that would evict somebody else is not even made, if the application says so', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const authentication: Authentication = { ...byName, validateSuccessor: () => 'another person' }
    assert.throws(
      () => external(world, world.person('mallory'), alice.group, { replaces: bob.group.ownLeaf, authentication }),
      refusedBy('5.3.1.successor'))
  })

  test('shows an own client that another one took its place', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const { group, message } = external(world, bob.person, alice.group, { replaces: 'own' })
    const seen = bob.receive(message)
    assert.ok(seen.type === 'commit' && seen.applied.selfRemoved && seen.applied.external)
    assert.equal(bob.group.status.type, 'removed')
    alice.receive(message)
    assertTalk([alice, new Member(bob.person, world.suiteOf, group)])
  })

  test('races with another one: the loser takes the next GroupInfo', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const dave = world.person('dave')
    const losing = external(world, dave, alice.group)
    const eve = enter(world, world.person('eve'), [alice, bob])
    assert.throws(() => alice.receive(losing.message), refusedBy('6.epoch'))
    assertTalk([alice, bob, eve, enter(world, dave, [alice, bob, eve])])
  })

  test('leaves out what was proposed in its epoch', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const proposed = proposeUpdate(bob.group)
    bob.keep(proposed)
    alice.receive(proposed.message)
    const leafNode = leafAt(alice.group.tree, bob.group.ownLeaf)
    const dave = enter(world, world.person('dave'), [alice, bob])
    assert.deepEqual([alice, bob, dave].map(({ group }) => group.proposals.size), [0, 0, 0])
    for (const { group } of [alice, bob, dave]) assert.deepEqual(leafAt(group.tree, bob.group.ownLeaf), leafNode)
    assertTalk([alice, bob, dave])
  })

  test('enters no group that was reinitialized', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const late = external(world, world.person('dave'), alice.group)
    const reInit = { type: 'reInit', groupId: bytes('next'), version: 1, cipherSuite: 1, extensions: [] } as const
    world.commit(alice, [bob], { proposals: [reInit] })
    assert.throws(() => groupInfo(alice.group, { externalPub: true }), failsAs('misuse'))
    assert.throws(() => alice.receive(late.message), refusedBy('6.epoch'))
  })
})
