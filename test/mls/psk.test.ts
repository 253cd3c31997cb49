import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  newPskId, pastEpochLimit, propose, Secret, withOwnEpochs, type Group, type OwnProposal, type PreSharedKeyID,
  type PskLookup,
} from '../../main/mls/index.ts'
import {
  assertAgree, assertTalk, bytes, failsAs, implementations, suiteIds, tell, World, type Member,
} from './group-world.ts'

// Secrets that go into an epoch beside those of its commit (RFC 9420 §8.4, §8.6).

for (const implementation of implementations) for (const id of suiteIds) {
  describe(`pre-shared keys in suite ${id} on the ${implementation.name} implementation`, () => {
    const world = new World(implementation.suites(`psk ${id}`), id)
    const inject = (psk: PreSharedKeyID['psk']): OwnProposal =>
      ({ type: 'preSharedKey', psk: newPskId(world.suite, psk) })
    /** The resumption PSK of an epoch, the current one by default. */
    const resume = ({ context: { groupId, epoch } }: Group, pskEpoch = epoch): OwnProposal =>
      inject({ type: 'resumption', usage: 'application', pskGroupId: groupId, pskEpoch })

    test('Alice and Bob put the secret of one group of theirs into another one', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const [aliceThere, bobThere] = world.gather('alice', 'bob') as [Member, Member]
      const made = alice.prepare({ proposals: [resume(aliceThere.group)], psks: withOwnEpochs(aliceThere.group) })
      alice.accept(made)
      assert.throws(() => bob.receive(made.message), failsAs('undecided'))
      bob.receive(made.message, withOwnEpochs(bobThere.group))
      assertAgree([alice, bob])
      assertTalk([alice, bob])
    })

    test('Bob was removed and is added again: he proves by an old secret that it is he', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const resumed = resume(bob.group)
      const removal = alice.prepare({ proposals: [{ type: 'remove', removed: bob.group.ownLeaf }] })
      alice.accept(removal)
      bob.receive(removal.message)
      const guest = world.guest('bob')
      const made = alice.prepare({ proposals: [{ type: 'add', keyPackage: guest.keyPackage }, resumed] })
      alice.accept(made)
      assert.throws(() => world.enter(guest, made), failsAs('undecided'))
      const back = world.enter(guest, made, { groups: bob.groups })
      assertAgree([alice, back])
      assertTalk([alice, back])
    })

    test('several go into one epoch, by value and by reference, and newcomers know them all', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const psks: PskLookup = ({ psk }) => psk.type === 'external' ? new Secret(psk.pskId.slice()) : undefined
      const one = (): OwnProposal => inject({ type: 'external', pskId: bytes('one') })
      const two = inject({ type: 'external', pskId: bytes('two') })
      world.commit(alice, [bob], { proposals: [one(), resume(alice.group), two, one()], psks })
      const guest = world.guest('carol')
      tell(propose(alice.group, one()), { from: alice, to: [bob] })
      const made = bob.prepare({
        proposals: [two, one(), { type: 'add', keyPackage: guest.keyPackage }], psks, forcePath: true,
      })
      assert.deepEqual(made.applied.proposals.map(({ byReference }) => byReference), [true, false, false, false])
      bob.accept(made)
      alice.receive(made.message, psks)
      assert.throws(() => world.join(guest, made), failsAs('undecided'))
      const carol = world.join(guest, made, psks)
      assertAgree([alice, bob, carol])
    })

    test('an epoch\'s secret is kept as long as the epoch, and no longer', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const oldest = resume(alice.group)
      for (let epoch = 0; epoch < pastEpochLimit; epoch++) world.commit(alice, [bob])
      const again = resume(alice.group, 1n)
      world.commit(bob, [alice], { proposals: [oldest] })
      assert.throws(() => bob.prepare({ proposals: [again] }), failsAs('undecided'))
    })
  })
}
