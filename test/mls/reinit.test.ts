import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  commit, groupInfo, MlsError, propose, proposeUpdate, reinitialize, type Group, type ReInit,
} from '../../main/mls/index.ts'
import {
  assertTalk, byName, bytes, custom, failsAs, implementations, Member, tell, suiteIds, World,
} from './group-world.ts'
import { follow, shutDown } from './moves.ts'

// A group comes to its end by a ReInit, and its members go on in another one (RFC 9420 §11.2).

const refusedBy = (rule: string) => (error: unknown): boolean => error instanceof MlsError && error.rule === rule

for (const implementation of implementations) for (const id of suiteIds) {
  const nextId = id % suiteIds.length + 1
  describe(`from suite ${id} to suite ${nextId} on the ${implementation.name} implementation`, () => {
    const suiteOf = implementation.suites(`reinit ${id}`)
    const [world, next] = [new World(suiteOf, id), new World(suiteOf, nextId)]
    const extensions = [{ extensionType: custom, extensionData: bytes('new rules') }]
    const reInit: ReInit = { groupId: bytes('the next group'), version: 1, cipherSuite: nextId, extensions }

    for (const wireFormat of ['publicMessage', 'privateMessage'] as const) {
      test(`Alice proposes a ReInit by ${wireFormat}, Bob commits it, Carol makes the new group`, () => {
        const old = world.gather('alice', 'bob', 'carol', 'dave')
        const [, bob, carol] = old as [Member, Member, Member]
        shutDown(old, reInit, { by: bob, wireFormat })
        const members = follow(next, { maker: carol, others: old.filter((member) => member !== carol) })
        for (const { group: { context } } of members) {
          assert.equal(context.epoch, 1n)
          assert.equal(context.cipherSuite, nextId)
          assert.deepEqual(context.groupId, reInit.groupId)
          assert.deepEqual(context.extensions, extensions)
        }
        assertTalk(members)
        const [committer, ...others] = members as [Member, ...Member[]]
        next.commit(committer, others)
        assertTalk(members)
      })
    }
  })
}

const native = implementations[0]
assert.ok(native !== undefined)

describe('a group that was reinitialized', () => {
  const world = new World(native.suites('reinit'), 1)
  const reInit: ReInit = { groupId: bytes('next'), version: 1, cipherSuite: 1, extensions: [] }

  test('may keep its id, its suite and its extensions; the initial commit may have a path, and the tree come otherwise',
    () => {
      for (const [forcePath, ratchetTree] of [[false, true], [true, false]] as const) {
        const old = world.gather('alice', 'bob', 'carol')
        const [alice] = old as [Member]
        shutDown(old, { ...reInit, groupId: alice.group.context.groupId }, { by: alice })
        const members = follow(world, { maker: alice, others: old.slice(1) }, { forcePath, ratchetTree })
        assertTalk(members)
        assert.deepEqual(members[0]?.group.context.groupId, alice.group.context.groupId)
      }
    })

  test('sends nothing any more, and hears what was said before', () => {
    const old = world.gather('alice', 'bob')
    const [alice, bob] = old as [Member, Member]
    const late = alice.say('one last thing')
    shutDown(old, reInit, { by: bob })
    assert.equal(bob.hear(late), 'one last thing')
    const group: Group = bob.group
    const attempts = [
      () => bob.say('hello?'), () => proposeUpdate(group), () => propose(group, { type: 'reInit', ...reInit }),
      () => commit(group, { authentication: byName }), () => groupInfo(group),
    ]
    for (const attempt of attempts) assert.throws(attempt, failsAs('misuse'))
  })

  test('is committed by value too, with a path where its maker wants one', () => {
    for (const forcePath of [false, true]) {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      world.commit(alice, [bob], { proposals: [{ type: 'reInit', ...reInit }], forcePath })
      assert.deepEqual(bob.group.status, { type: 'reinitialized', reInit })
      assertTalk(follow(world, { maker: bob, others: [alice] }))
    }
  })

  test('waits with its ReInit until other proposals were committed', () => {
    const old = world.gather('alice', 'bob', 'carol')
    const [alice, bob, carol] = old as [Member, Member, Member]
    tell(propose(alice.group, { type: 'reInit', ...reInit }), { from: alice, to: [bob, carol] })
    tell(proposeUpdate(carol.group), { from: carol, to: [alice, bob] })
    const made = bob.prepare()
    assert.deepEqual(made.applied.proposals.map(({ proposal }) => proposal.type), ['update'])
    bob.accept(made)
    for (const member of [alice, carol]) member.receive(made.message)
    assert.deepEqual(old.map(({ group }) => group.status.type), ['active', 'active', 'active'])
    shutDown(old, reInit, { by: carol })
  })

  test('of one member goes on alone', () => {
    const alice = world.found('alice')
    world.commit(alice, [], { proposals: [{ type: 'reInit', ...reInit }] })
    const { group, welcome } = reinitialize(alice.group, {
      ...alice.person.leaf, suiteOf: world.suiteOf, authentication: byName, keyPackages: [],
    })
    assert.equal(welcome, undefined)
    assert.equal(group.context.epoch, 1n)
    const [bob] = world.commit(new Member(alice.person, world.suiteOf, group), [], { guests: [world.guest('bob')] })
    assert.ok(bob !== undefined)
  })

  test('is followed by a group of all its members and of nobody else', () => {
    const old = world.gather('alice', 'bob', 'carol')
    const [alice] = old as [Member]
    const make = (...names: readonly string[]) => reinitialize(alice.group, {
      ...alice.person.leaf, suiteOf: world.suiteOf, authentication: byName,
      keyPackages: names.map((name) => world.guest(name).keyPackage),
    })
    assert.throws(() => make('bob', 'carol'), failsAs('misuse'), 'before the ReInit')
    shutDown(old, reInit, { by: alice })
    assert.throws(() => make('bob'), refusedBy('12.4.3.1.reinit-members'))
    assert.throws(() => make('bob', 'mallory'), refusedBy('12.4.3.1.reinit-members'))
    assert.throws(() => make('bob', 'carol', 'mallory'), failsAs('misuse'))
    assert.equal(make('carol', 'bob').group.context.epoch, 1n)
  })

  test('has no successor here in a version or cipher suite that is not there', () => {
    for (const change of [{ version: 2 }, { cipherSuite: 0x7a7a }]) {
      const alice = world.found('alice')
      world.commit(alice, [], { proposals: [{ type: 'reInit', ...reInit, ...change }] })
      assert.throws(() => reinitialize(alice.group, {
        ...alice.person.leaf, suiteOf: world.suiteOf, authentication: byName, keyPackages: [],
      }), failsAs('unsupported'))
    }
  })

  test('is joined when its last commit has come, not before', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const made = alice.prepare({ proposals: [{ type: 'reInit', ...reInit }] })
    alice.accept(made)
    const guest = world.guest('bob')
    const { welcome } = reinitialize(alice.group, {
      ...alice.person.leaf, suiteOf: world.suiteOf, authentication: byName, keyPackages: [guest.keyPackage],
    })
    const enter = () => world.enter(guest, { welcome }, { groups: bob.groups, authentication: byName })
    assert.throws(() => world.enter(guest, { welcome }, { authentication: byName }), failsAs('undecided'))
    assert.throws(enter, failsAs('undecided'))
    bob.receive(made.message)
    assert.equal(enter().group.context.epoch, 1n)
  })
})
