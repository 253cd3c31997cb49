import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  decode, encode, ExternalSenders, extensionType, GroupInfo, groupInfo, leavesOf, MlsError, newPskId, nodesOf, observe,
  proposeAsExternalSender, proposeAsNewMember, Secret, trusting, type ExternalProposal, type Group,
  type LeafIndex, type MLSMessage, type Observed, type OwnProposal, type PskLookup,
} from '../../main/mls/index.ts'
import {
  assertAgree, assertTalk, bytes, custom, failsAs, implementations, suiteIds, text, World, type Member, type Person,
} from './group-world.ts'

// Who is no member proposes: external senders whom the group knows, and newcomers (RFC 9420 §12.1.8).

const refusedBy = (rule: string) => (error: unknown): boolean => error instanceof MlsError && error.rule === rule

/** The change of the group that lets these people propose from outside, in this order. */
function letting(...people: readonly Person[]): OwnProposal {
  const senders = people.map(({ leaf: { credential, signatureKeyPair } }) =>
    ({ credential, signatureKey: signatureKeyPair.publicKey }))
  const extensions = [{ extensionType: extensionType.externalSenders, extensionData: encode(ExternalSenders, senders) }]
  return { type: 'groupContextExtensions', extensions }
}

/** What an outsider is shown of a group; it travels as bytes. */
function shown(world: World, group: Group, ratchetTree = true): Observed {
  const info = decode(GroupInfo, encode(GroupInfo, groupInfo(group, { ratchetTree })))
  return observe({
    suiteOf: world.suiteOf, groupInfo: info, authentication: trusting,
    ...(ratchetTree ? {} : { ratchetTree: nodesOf(group.tree) }),
  })
}

/** Everybody reads the proposal, and one of them commits it by reference. */
function commitFrom(message: MLSMessage, members: readonly Member[], psks?: PskLookup) {
  for (const member of members) {
    const received = member.receive(message)
    assert.ok(received.type === 'proposal' && received.refused === undefined)
  }
  const [committer, ...others] = members as [Member, ...Member[]]
  const made = committer.prepare(psks === undefined ? {} : { psks })
  assert.deepEqual(made.applied.proposals.map(({ byReference }) => byReference), [true])
  committer.accept(made)
  const following = others.filter((member) => {
    const received = member.receive(made.message, psks)
    return received.type === 'commit' && !received.applied.selfRemoved
  })
  assertAgree([committer, ...following])
  return { made, members: [committer, ...following] }
}

for (const implementation of implementations) for (const id of suiteIds) {
  describe(`outsiders of a group of suite ${id} on the ${implementation.name} implementation`, () => {
    const world = new World(implementation.suites(`outsiders ${id}`), id)
    const [warden, registry] = [world.person('warden'), world.person('registry')]
    const psks: PskLookup = ({ psk }) => psk.type === 'external' ? new Secret(bytes('given to all')) : undefined

    const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
    let members: readonly Member[] = [alice, bob, carol]
    world.commit(alice, [bob, carol], { proposals: [letting(warden, registry)] })
    const from = (person: Person, proposal: ExternalProposal, observed = shown(world, alice.group)): MLSMessage =>
      proposeAsExternalSender(observed, proposal, {
        senderIndex: person === warden ? 0 : 1, signatureKeyPair: person.signatureKeyPair,
      })

    test('the registry adds Dave', () => {
      const dave = world.guest('dave')
      const { made } = commitFrom(from(registry, { type: 'add', keyPackage: dave.keyPackage }), members)
      assert.deepEqual(made.applied.proposals.map(({ sender }) => sender), [{ type: 'external', senderIndex: 1 }])
      members = [...members, world.join(dave, made)]
      assertTalk(members)
    })

    test('the warden finds Carol in the tree and removes her', () => {
      const observed = shown(world, alice.group, false)
      assert.ok(observed.tree !== undefined)
      const found = leavesOf(observed.tree).find(({ leafNode: { credential } }) =>
        credential.type === 'basic' && text(credential.identity) === 'carol')
      assert.ok(found !== undefined)
      const before = members
      members = commitFrom(from(warden, { type: 'remove', removed: found.index }, observed), members).members
      assert.deepEqual(before.filter((member) => !members.includes(member)), [carol])
      assertTalk(members)
    })

    test('the warden knows the GroupContext alone, and wants a PSK to go in', () => {
      const observed = { suite: world.suite, context: alice.group.context }
      const psk = newPskId(world.suite, { type: 'external', pskId: bytes('psk') })
      commitFrom(from(warden, { type: 'preSharedKey', psk }, observed), members, psks)
      assertTalk(members)
    })

    test('the warden wants the secret of an epoch that is over to go in again', () => {
      const { groupId, epoch } = alice.group.context
      const psk = newPskId(world.suite, {
        type: 'resumption', usage: 'application', pskGroupId: groupId, pskEpoch: epoch - 1n,
      })
      commitFrom(from(warden, { type: 'preSharedKey', psk }), members)
      assertTalk(members)
    })

    test('Eve asks to be added, and is', () => {
      const eve = world.guest('eve')
      const request = proposeAsNewMember(shown(world, bob.group), eve.keyPackage, {
        signaturePrivateKey: eve.person.signatureKeyPair.privateKey, authenticatedData: bytes('please'),
      })
      const { made } = commitFrom(request, members)
      assert.deepEqual(made.applied.proposals.map(({ sender }) => sender), [{ type: 'newMemberProposal' }])
      members = [...members, world.join(eve, made)]
      assertTalk(members)
    })

    test('the warden gives the group other extensions, which let nobody in any more', () => {
      const extensions = [{ extensionType: custom, extensionData: bytes('closed') }]
      commitFrom(from(warden, { type: 'groupContextExtensions', extensions }), members)
      assert.deepEqual(alice.group.context.extensions, extensions)
      const remove = { type: 'remove', removed: bob.group.ownLeaf } as const
      assert.throws(() => from(warden, remove), failsAs('misuse'))
    })
  })
}

const native = implementations[0]
assert.ok(native !== undefined)

describe('an outsider', () => {
  const world = new World(native.suites('an outsider'), 1)
  const warden = world.person('warden')
  const setUp = (): { readonly alice: Member, readonly bob: Member } => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    world.commit(alice, [bob], { proposals: [letting(warden)] })
    return { alice, bob }
  }
  const asWarden = { senderIndex: 0, signatureKeyPair: warden.signatureKeyPair }

  test('shuts a group down with a ReInit', () => {
    const { alice, bob } = setUp()
    const reInit = { groupId: bytes('next'), version: 1, cipherSuite: 1, extensions: [] }
    commitFrom(proposeAsExternalSender(shown(world, bob.group), { type: 'reInit', ...reInit }, asWarden), [alice, bob])
    assert.deepEqual(bob.group.status, { type: 'reinitialized', reInit })
  })

  test('proposes the removal of the one who would commit it, so that another one does', () => {
    const { alice, bob } = setUp()
    const removal: ExternalProposal = { type: 'remove', removed: alice.group.ownLeaf }
    const message = proposeAsExternalSender(shown(world, bob.group), removal, asWarden)
    for (const member of [alice, bob]) member.receive(message)
    assert.deepEqual(alice.prepare().applied.removed, [])
    assert.deepEqual(bob.prepare().applied.removed.map(({ index }) => index), [alice.group.ownLeaf])
  })

  test('is late once the epoch has changed', () => {
    const { alice, bob } = setUp()
    const observed = shown(world, bob.group)
    world.commit(alice, [bob])
    const { keyPackage } = world.guest('dave')
    assert.throws(() => bob.receive(proposeAsExternalSender(observed, { type: 'add', keyPackage }, asWarden)),
      refusedBy('6.epoch'))
  })

  test('sends nothing that is invalid, as far as it can tell', () => {
    const observed = shown(world, setUp().bob.group)
    const nobody: ExternalProposal = { type: 'remove', removed: 7 as LeafIndex }
    assert.throws(() => proposeAsExternalSender(observed, nobody, asWarden), refusedBy('12.1.3.removed'))
    const mallory = world.guest('mallory')
    const asMallory = { ...asWarden, signatureKeyPair: mallory.person.signatureKeyPair }
    const { keyPackage } = mallory
    for (const options of [asMallory, { ...asWarden, senderIndex: 1 }]) {
      assert.throws(() => proposeAsExternalSender(observed, { type: 'add', keyPackage }, options), failsAs('misuse'))
    }
    const other = new World(world.suiteOf, 3).guest('dave')
    const { privateKey: signaturePrivateKey } = other.person.signatureKeyPair
    assert.throws(() => proposeAsNewMember(observed, other.keyPackage, { signaturePrivateKey }),
      refusedBy('10.1.cipher-suite'))
  })

  test('sees nothing of a group without its tree', () => {
    const info = groupInfo(setUp().alice.group, { ratchetTree: false })
    assert.throws(() => observe({ suiteOf: world.suiteOf, groupInfo: info, authentication: trusting }),
      failsAs('undecided'))
    assert.throws(() => observe({ suiteOf: () => undefined, groupInfo: info, authentication: trusting }),
      failsAs('unsupported'))
  })
})
