import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { branch, MlsError } from '../../main/mls/index.ts'
import {
  assertTalk, byName, bytes, custom, failsAs, implementations, suiteIds, World, type Guest, type Member,
} from './group-world.ts'
import { branchOff } from './moves.ts'

// Some members of a group found another one, which proves where it comes from (RFC 9420 §11.3).

const refusedBy = (rule: string) => (error: unknown): boolean => error instanceof MlsError && error.rule === rule

for (const implementation of implementations) for (const id of suiteIds) {
  describe(`branches of suite ${id} on the ${implementation.name} implementation`, () => {
    const world = new World(implementation.suites(`branch ${id}`), id)

    test('Bob branches off with Carol: both groups go on, side by side', () => {
      const old = world.gather('alice', 'bob', 'carol', 'dave')
      const [alice, bob, carol, dave] = old as [Member, Member, Member, Member]
      const extensions = [{ extensionType: custom, extensionData: bytes('between us') }]
      const members = branchOff(world, { maker: bob, others: [carol] }, { extensions })
      for (const { group: { context } } of members) {
        assert.equal(context.epoch, 1n)
        assert.deepEqual(context.extensions, extensions)
      }
      assertTalk(members)
      assertTalk(old)
      world.commit(dave, [alice, bob, carol])
      const [first, second] = members as [Member, Member]
      world.commit(second, [first])
      // Who comes later need not have been in the old group.
      const [eve] = world.commit(first, [second], { guests: [world.guest('eve')] })
      assertTalk([...members, eve as Member])
      assertTalk(old)
    })
  })
}

const native = implementations[0]
assert.ok(native !== undefined)

describe('a branch', () => {
  const world = new World(native.suites('branch'), 1)

  test('may have all members or its maker alone, a path, and its tree outside of the Welcome', () => {
    const old = world.gather('alice', 'bob', 'carol')
    const [alice, bob, carol] = old as [Member, Member, Member]
    assertTalk(branchOff(world, { maker: alice, others: [carol, bob] }, { forcePath: true, ratchetTree: false }))
    assertTalk(branchOff(world, { maker: carol, others: [] }))
  })

  test('is joined by a member whose group has moved on meanwhile, in which the others were members then', () => {
    const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
    const guests = [world.guest('bob'), world.guest('carol')] as [Guest, Guest]
    const { welcome } = branch(alice.group, {
      ...alice.person.leaf, groupId: bytes('branch'), authentication: byName,
      keyPackages: guests.map(({ keyPackage }) => keyPackage),
    })
    const enter = (): Member => world.enter(guests[0], { welcome }, { groups: bob.groups, authentication: byName })
    world.commit(alice, [bob, carol], { proposals: [{ type: 'remove', removed: carol.group.ownLeaf }] })
    world.commit(bob, [alice], { guests: [world.guest('dave')] })
    assert.equal(enter().group.context.epoch, 1n)
    // The secrets of that epoch are kept for a while, and no longer.
    for (let epoch = 0; epoch < 4; epoch++) world.commit(bob, [])
    assert.throws(enter, failsAs('undecided'))
  })

  test('takes nobody along who is not a member', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const mallory = world.guest('mallory')
    assert.throws(() => branchOff(world, { maker: alice, others: [bob] }, { keyPackages: [mallory.keyPackage] }),
      refusedBy('12.4.3.1.branch-members'))
  })

  test('is not made by somebody who was removed, nor joined without the old group', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const guest = world.guest('bob')
    const { welcome } = branch(alice.group, {
      ...alice.person.leaf, groupId: bytes('branch'), authentication: byName, keyPackages: [guest.keyPackage],
    })
    assert.throws(() => world.enter(guest, { welcome }, { authentication: byName }), failsAs('undecided'))
    bob.receive(alice.prepare({ proposals: [{ type: 'remove', removed: bob.group.ownLeaf }] }).message)
    assert.throws(() => branchOff(world, { maker: bob, others: [] }), failsAs('misuse'))
  })
})
