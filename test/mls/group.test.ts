import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  createGroup, droppedSecrets, epochAuthenticator, exportSecret, forgetPast, join, leafAt, leavesOf, MlsError, nodesOf,
  propose, proposeUpdate, Secret, toHex, trusting, type JoinOptions, type MLSMessage, type PreSharedKeyID, type PskLookup,
  type RuleId,
} from '../../main/mls/index.ts'
import {
  assertAgree, assertTalk, bytes, custom, failsAs, implementations, Member, suiteIds, tell, World,
} from './group-world.ts'

const refusedBy = (rule: RuleId) => (error: unknown): boolean => error instanceof MlsError && error.rule === rule

const byWireFormat = ['publicMessage', 'privateMessage'] as const

for (const implementation of implementations) for (const id of suiteIds) {
  describe(`groups of suite ${id} on the ${implementation.name} implementation`, () => {
    const world = new World(implementation.suites(`stories of ${id}`), id)

    test('Alice creates a group, adds Bob, and they talk both ways', () => {
      const alice = world.found('alice')
      assert.equal(alice.group.context.epoch, 0n)
      const [bob] = world.commit(alice, [], { guests: [world.guest('bob')] })
      assert.ok(bob !== undefined)
      assert.equal(bob.group.context.epoch, 1n)
      assert.notEqual(alice.group.ownLeaf, bob.group.ownLeaf)
      assertTalk([alice, bob])
      const exported = [alice, bob].map(({ group }) => toHex(exportSecret(group, 'test', bytes('x'), 40).unwrap()))
      assert.equal(exported[0], exported[1])
    })

    test('nobody creates a group whose id is too long to tell', () => {
      const { leaf } = world.person('alice')
      assert.equal(createGroup(world.suite, { groupId: new Uint8Array(4096), ...leaf }).context.epoch, 0n)
      assert.throws(() => createGroup(world.suite, { groupId: new Uint8Array(4097), ...leaf }), failsAs('misuse'))
    })

    test('a fourth and a fifth person join a group that has talked for a while', () => {
      const members = world.gather('alice', 'bob', 'carol')
      assertTalk(members)
      const [, bob] = members
      assert.ok(bob !== undefined)
      const others = members.filter((member) => member !== bob)
      const joined = world.commit(bob, others, { guests: [world.guest('dave'), world.guest('eve')] })
      assertTalk([...members, ...joined])
    })

    test('Bob joins by a Welcome that leaves the ratchet tree out, once the tree came another way', () => {
      const alice = world.found('alice')
      const { person, keyPackage, privateKeys } = world.guest('bob')
      const made = alice.prepare({ proposals: [{ type: 'add', keyPackage }], ratchetTree: false })
      alice.accept(made)
      assert.ok(made.welcome?.body.type === 'welcome')
      const options: JoinOptions = {
        suiteOf: world.suiteOf, welcome: made.welcome.body.welcome, keyPackage, privateKeys,
        signaturePrivateKey: person.signatureKeyPair.privateKey, authentication: trusting,
      }
      assert.throws(() => join(options), failsAs('undecided'))
      const { group } = join({ ...options, ratchetTree: nodesOf(alice.group.tree) })
      assertTalk([alice, new Member(person, world.suiteOf, group)])
    })

    for (const wireFormat of byWireFormat) {
      test(`Bob proposes an update by ${wireFormat}, Alice commits it, and all have new keys`, () => {
        const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
        const before = leafAt(alice.group.tree, bob.group.ownLeaf)
        tell(proposeUpdate(bob.group, { wireFormat }), { from: bob, to: [alice, carol] })
        const made = alice.prepare({ wireFormat })
        assert.deepEqual(made.applied.proposals.map(({ byReference }) => byReference), [true])
        alice.accept(made)
        for (const member of [bob, carol]) member.receive(made.message)
        assertAgree([alice, bob, carol])
        const after = leafAt(alice.group.tree, bob.group.ownLeaf)
        assert.ok(before !== undefined && after !== undefined)
        assert.notDeepEqual(after.encryptionKey, before.encryptionKey)
        assertTalk([alice, bob, carol])
        world.commit(bob, [alice, carol]) // His new leaf key works for paths, too.
        world.commit(carol, [alice, bob])
      })
    }

    test('Bob renews his signature key by an update, later by a commit, and signs with the new ones', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const first = world.suite.signatureKeyPair()
      tell(proposeUpdate(bob.group, { signatureKeyPair: first }), { from: bob, to: [alice] })
      world.commit(alice, [bob])
      assert.deepEqual(leafAt(alice.group.tree, bob.group.ownLeaf)?.signatureKey, first.publicKey)
      assertTalk([alice, bob])
      const second = world.suite.signatureKeyPair()
      world.commit(bob, [alice], { signatureKeyPair: second })
      assert.deepEqual(leafAt(alice.group.tree, bob.group.ownLeaf)?.signatureKey, second.publicKey)
      assertTalk([alice, bob])
    })

    test('Alice removes Bob, who sees it and can neither read nor send what follows', () => {
      const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
      const late = carol.say('before the removal')
      const made = alice.prepare({ proposals: [{ type: 'remove', removed: bob.group.ownLeaf }] })
      alice.accept(made)
      carol.receive(made.message)
      const seen = bob.receive(made.message)
      assert.ok(seen.type === 'commit' && seen.applied.selfRemoved)
      assert.equal(bob.group.status.type, 'removed')
      assert.equal(bob.hear(late), 'before the removal')
      assert.throws(() => bob.say('still here'), failsAs('misuse'))
      const secret = alice.say('after the removal')
      assert.equal(carol.hear(secret), 'after the removal')
      assert.throws(() => bob.receive(secret), failsAs('undecided'))
      assert.deepEqual(leavesOf(alice.group.tree).length, 2)
      for (const gone of droppedSecrets(bob.group, undefined)) gone.wipe()
    })

    test('Bob is removed while an update of his waits, and the keys that he made for it die', () => {
      const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
      tell(proposeUpdate(bob.group), { from: bob, to: [alice, carol] })
      const [waiting] = bob.group.proposals.values()
      const made = alice.prepare({ proposals: [{ type: 'remove', removed: bob.group.ownLeaf }] })
      bob.receive(made.message)
      assert.equal(bob.group.status.type, 'removed')
      assert.ok(waiting?.ownKeys?.encryption.privateKey.unwrap().every((octet) => octet === 0))
    })

    test('Bob leaves: he proposes his own removal and Carol commits it', () => {
      const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
      tell(propose(bob.group, { type: 'remove', removed: bob.group.ownLeaf }), { from: bob, to: [alice, carol] })
      // RFC 9420 §12.4: nobody sends data while a proposal waits, and §12.2: nobody commits his own removal.
      assert.throws(() => alice.say('not yet'), failsAs('misuse'))
      const { applied } = bob.prepare()
      assert.deepEqual(applied.removed, [])
      const made = carol.prepare()
      assert.deepEqual(made.applied.removed.map(({ index }) => index), [bob.group.ownLeaf])
      assert.deepEqual(made.applied.proposals[0]?.sender, { type: 'member', leafIndex: bob.group.ownLeaf })
      carol.accept(made)
      alice.receive(made.message)
      const seen = bob.receive(made.message)
      assert.ok(seen.type === 'commit' && seen.applied.selfRemoved)
      assertTalk([alice, carol])
    })

    test('a pre-shared key goes into the epoch, and who lacks it cannot decide', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const psks: PskLookup = ({ psk }) =>
        psk.type === 'external' && toHex(psk.pskId) === toHex(bytes('shared')) ? new Secret(bytes('between us')) : undefined
      const psk: PreSharedKeyID = {
        psk: { type: 'external', pskId: bytes('shared') }, pskNonce: world.suite.random(world.suite.hashLength),
      }
      assert.throws(() => alice.prepare({ proposals: [{ type: 'preSharedKey', psk }] }), failsAs('undecided'))
      const made = alice.prepare({ proposals: [{ type: 'preSharedKey', psk }], psks })
      assert.throws(() => bob.receive(made.message), failsAs('undecided'))
      alice.accept(made)
      bob.receive(made.message, psks)
      assertAgree([alice, bob])
      const again = { ...psk, pskNonce: world.suite.random(world.suite.hashLength) }
      const [carol] = world.commit(bob, [alice], {
        guests: [world.guest('carol')], proposals: [{ type: 'preSharedKey', psk: again }], psks,
      })
      assert.ok(carol !== undefined)
      assertTalk([alice, bob, carol])
    })

    test('the resumption secret of an epoch that is over is a pre-shared key for its members', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      world.commit(bob, [alice])
      const resume = (pskEpoch: bigint) => ({
        type: 'preSharedKey',
        psk: {
          psk: { type: 'resumption', usage: 'application', pskGroupId: alice.group.context.groupId, pskEpoch },
          pskNonce: world.suite.random(world.suite.hashLength),
        },
      }) as const
      world.commit(alice, [bob], { proposals: [resume(1n), resume(2n)] })
      assertTalk([alice, bob])
      assert.throws(() => alice.prepare({ proposals: [resume(77n)] }), failsAs('undecided'))
    })

    test('the extensions of the group change, by value and by reference, and new members learn them', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const named = (name: string) => ({
        type: 'groupContextExtensions', extensions: [{ extensionType: custom, extensionData: bytes(name) }],
      }) as const
      world.commit(alice, [bob], { proposals: [named('first')] })
      assert.deepEqual(bob.group.context.extensions, named('first').extensions)
      tell(propose(bob.group, named('second')), { from: bob, to: [alice] })
      const [carol] = world.commit(alice, [bob], { guests: [world.guest('carol')] })
      assert.deepEqual(carol?.group.context.extensions, named('second').extensions)
      world.commit(bob, [alice, carol], { proposals: [{ type: 'groupContextExtensions', extensions: [] }] })
      assert.deepEqual(carol.group.context.extensions, [])
    })

    test('one commit covers proposals by value and by reference from several members', () => {
      const [alice, bob, carol, dave] = world.gather('alice', 'bob', 'carol', 'dave') as [Member, Member, Member, Member]
      const eve = world.guest('eve')
      tell(proposeUpdate(bob.group), { from: bob, to: [alice, carol, dave] })
      tell(propose(carol.group, { type: 'add', keyPackage: eve.keyPackage }), { from: carol, to: [alice, bob, dave] })
      const made = alice.prepare({ proposals: [{ type: 'remove', removed: dave.group.ownLeaf }] })
      assert.deepEqual(made.applied.proposals.map(({ proposal, byReference }) => [proposal.type, byReference]),
        [['update', true], ['add', true], ['remove', false]])
      alice.accept(made)
      for (const member of [bob, carol, dave]) member.receive(made.message)
      const joined = world.join(eve, made)
      assertAgree([alice, bob, carol, joined])
      assert.equal(joined.group.ownLeaf, dave.group.ownLeaf)
      assertTalk([alice, bob, carol, joined])
    })

    test('of two Removes and Updates of one leaf a commit covers the Remove, else the latest Update', () => {
      const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
      tell(proposeUpdate(bob.group), { from: bob, to: [alice, carol] })
      tell(proposeUpdate(bob.group), { from: bob, to: [alice, carol] })
      assert.equal(alice.prepare().applied.proposals.length, 1)
      const latest = [...bob.group.proposals.values()][1]
      world.commit(alice, [bob, carol])
      assert.ok(latest?.proposal.type === 'update')
      assert.deepEqual(leafAt(carol.group.tree, bob.group.ownLeaf), latest.proposal.leafNode)
      tell(propose(carol.group, { type: 'remove', removed: bob.group.ownLeaf }), { from: carol, to: [alice, bob] })
      tell(proposeUpdate(bob.group), { from: bob, to: [alice, carol] })
      const { applied } = alice.prepare()
      assert.deepEqual(applied.proposals.map(({ proposal }) => proposal.type), ['remove'])
    })

    test('two commits race: the loser drops its own, follows the other and commits again', () => {
      const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
      const winning = alice.prepare({ forcePath: true })
      const dave = world.guest('dave')
      const losing = bob.prepare({ proposals: [{ type: 'add', keyPackage: dave.keyPackage }] })
      const meanwhile = carol.say('said while nobody had decided')
      assert.equal(bob.hear(meanwhile), 'said while nobody had decided')
      assert.equal(alice.hear(meanwhile), 'said while nobody had decided')
      alice.accept(winning)
      for (const secret of droppedSecrets(losing.pending, bob.group)) secret.wipe()
      bob.receive(winning.message)
      carol.receive(winning.message)
      assertAgree([alice, bob, carol])
      assert.throws(() => carol.receive(losing.message), refusedBy('6.epoch'))
      const [joined] = world.commit(bob, [alice, carol], { guests: [dave] })
      assert.ok(joined !== undefined)
      assertTalk([alice, bob, carol, joined])
      // What was read while the commit was pending is read for good.
      assert.throws(() => alice.receive(meanwhile), failsAs('gone'))
    })

    test('messages out of order, with gaps, and from past epochs are read once', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const messages = Array.from({ length: 8 }, (_, at) => alice.say(`number ${at}`))
      for (const at of [3, 0, 7, 5]) assert.equal(bob.hear(messages[at] as MLSMessage), `number ${at}`)
      for (const at of [3, 0, 7, 5]) assert.throws(() => bob.receive(messages[at] as MLSMessage), failsAs('gone'))
      world.commit(bob, [alice])
      assert.equal(bob.hear(messages[1] as MLSMessage), 'number 1')
      assert.throws(() => bob.receive(messages[1] as MLSMessage), failsAs('gone'))
      // Alice leaves; what she said while she was there is still hers.
      const [carol] = world.commit(alice, [bob], { guests: [world.guest('carol')] })
      assert.ok(carol !== undefined)
      world.commit(bob, [alice, carol], { proposals: [{ type: 'remove', removed: alice.group.ownLeaf }] })
      const late = bob.receive(messages[2] as MLSMessage)
      assert.ok(late.type === 'application' && late.epoch === 1n && late.generation === 2)
      assert.deepEqual(late.senderLeaf.signatureKey, alice.person.signatureKeyPair.publicKey)
      assert.throws(() => carol.receive(messages[4] as MLSMessage), failsAs('gone'))
      bob.keep(forgetPast(bob.group, { keep: 0 }))
      assert.throws(() => bob.receive(messages[6] as MLSMessage), failsAs('gone'))
    })

    test('five past epochs are kept and no more', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const early = [alice.say('one'), alice.say('two')]
      for (let epoch = 0; epoch < 5; epoch++) world.commit(alice, [bob])
      assert.equal(bob.hear(early[0] as MLSMessage), 'one')
      world.commit(bob, [alice])
      assert.equal(bob.group.past.length, 5)
      assert.throws(() => bob.receive(early[1] as MLSMessage), failsAs('gone'))
    })

    test('handshakes of another epoch, an own commit and a stranger to the group are told apart', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const made = alice.prepare()
      assert.throws(() => alice.receive(made.message), failsAs('misuse'))
      alice.accept(made)
      const next = alice.prepare()
      assert.throws(() => bob.receive(next.message), failsAs('undecided'))
      bob.receive(made.message)
      assert.throws(() => bob.receive(made.message), refusedBy('6.epoch'))
      const [mallory] = world.gather('mallory', 'friend') as [Member, Member]
      assert.throws(() => bob.receive(mallory.say('hello')), refusedBy('6.group'))
    })

    test('a commit that refers to a proposal which has not come is undecided until it comes', () => {
      const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
      const update = proposeUpdate(carol.group)
      tell(update, { from: carol, to: [alice] })
      const made = alice.prepare()
      alice.accept(made)
      assert.throws(() => bob.receive(made.message), failsAs('undecided'))
      bob.receive(update.message)
      bob.receive(update.message) // Twice is once.
      assert.equal(bob.group.proposals.size, 1)
      bob.receive(made.message)
      carol.receive(made.message)
      assertAgree([alice, bob, carol])
    })

    test('the epoch authenticator differs from epoch to epoch', () => {
      const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
      const seen = new Set<string>()
      for (let epoch = 0; epoch < 3; epoch++) {
        seen.add(toHex(epochAuthenticator(bob.group)))
        world.commit(alice, [bob])
      }
      assert.equal(seen.size, 3)
    })
  })
}
