import assert from 'node:assert/strict'
import { encode, toHex } from '../../main/mls/codec.ts'
import {
  commit, ExternalSenders, extensionType, groupInfo, joinExternally, MLSMessage, observe, proposalType, propose,
  proposeAsExternalSender, proposeAsNewMember, proposeSelfRemove, proposeUpdate, RequiredCapabilities, Secret, trusting,
  type Committed, type ExternalJoinOptions, type Group, type GroupInfo, type OwnProposal, type PskLookup, type SuiteOf,
} from '../../main/mls/index.ts'
import { bytes, custom, implementations, World, type Guest, type Member, type Person } from '../mls/group-world.ts'
import { forge } from '../rules/forge.ts'

// One group with everything in it that a message may touch: filled and blank parents, a blank leaf, unmerged leaves,
// past epochs, skipped keys, pending proposals, external senders. Bob reads; everybody else may be malicious.

const pskId = bytes('an external PSK')
const psk = new Secret(bytes('its secret'))
export const psks: PskLookup = ({ psk: id }) => id.type === 'external' ? psk : undefined

/** A world that remembers who can sign. */
export class SignedWorld extends World {
  readonly #keys = new Map<string, Secret>()

  override person(...words: Parameters<World['person']>): Person {
    const person = super.person(...words)
    this.#keys.set(toHex(person.signatureKeyPair.publicKey), person.signatureKeyPair.privateKey)
    return person
  }

  /** The private half of somebody's signature key. */
  signer(signatureKey: Uint8Array): Secret | undefined {
    return this.#keys.get(toHex(signatureKey))
  }
}

export type Scene = {
  readonly world: SignedWorld
  readonly alice: Member
  /** Who reads what is sent. */
  readonly bob: Member
  readonly carol: Member
  /** Somebody who is in no group. */
  readonly guest: Guest
  /** Alice's commit that adds the guest. */
  readonly invitation: Committed
  /** Bob's next epoch, made and not accepted. */
  readonly made: Committed
  readonly info: GroupInfo
  /** Honest messages that Bob takes as they are, by what they are. */
  readonly messages: ReadonlyMap<string, Uint8Array>
}

export function makeScene(suiteId: number): Scene {
  const [native] = implementations
  assert.ok(native !== undefined)
  const suites: SuiteOf = native.suites(`fuzz ${suiteId}`)
  const world = new SignedWorld(suites, suiteId, { proposals: [custom, proposalType.selfRemove] })
  const service = world.person('service')
  const { alice, bob, carol, erin, frank, early } = gather(world, service)
  const leaving = wait([alice, bob, carol, erin], { world, frank })
  const guest = world.guest('guest')
  const add = { type: 'add', keyPackage: guest.keyPackage } as const
  const invitation = commit(alice.group, { authentication: trusting, proposals: [add], forcePath: true, psks })
  const info = groupInfo(alice.group, { externalPub: true })
  const messages = new Map([
    ...early, ...proposals(alice.group, world), ...commits(alice.group, { world, bob: bob.group }),
    ...fromOutside(info, { world, service, erin, leaving }),
  ].map(([name, message]) => [name, encode(MLSMessage, message)]))
  const made = bob.prepare({ psks, proposals: [{ type: 'add', keyPackage: world.guest('grace').keyPackage }] })
  return { world, alice, bob, carol, guest, invitation, made, info, messages }
}

type Named = readonly (readonly [string, MLSMessage])[]

/** The group up to its last epoch, and application messages that Bob has not read. */
function gather(world: World, service: Person) {
  const { credential, signatureKeyPair: { publicKey: signatureKey } } = service.leaf
  const senders = [{ signatureKey, credential }]
  const required = { extensionTypes: [custom], proposalTypes: [], credentialTypes: [1] }
  const alice = world.found('alice', [
    { extensionType: extensionType.externalSenders, extensionData: encode(ExternalSenders, senders) },
    { extensionType: extensionType.requiredCapabilities, extensionData: encode(RequiredCapabilities, required) },
    { extensionType: custom, extensionData: bytes('ours') },
  ])
  const guests = ['bob', 'carol', 'dave', 'erin'].map((name) => world.guest(name))
  const [bob, carol, dave, erin] = world.commit(alice, [], { guests })
  assert.ok(bob !== undefined && carol !== undefined && dave !== undefined && erin !== undefined)
  world.commit(bob, [alice, carol, dave, erin])
  world.commit(carol, [alice, bob, dave, erin], { proposals: [{ type: 'remove', removed: dave.group.ownLeaf }] })
  world.commit(erin, [alice, bob, carol])
  const late = alice.say('late')
  // Added without a path: unmerged in the parents above them.
  const joining = ['frank', 'heidi'].map((name) => world.guest(name))
  const [frank] = world.commit(alice, [bob, carol, erin], { guests: joining })
  assert.ok(frank !== undefined)
  alice.say('never delivered')
  const skipped = alice.say('skipped')
  bob.hear(alice.say('heard'))
  const early: Named = [['application', alice.say('new')], ['skipped application', skipped], ['late application', late]]
  return { alice, bob, carol, erin, frank, early }
}

/** Proposals that wait in everybody's view, one of them invalid, and one to leave, which is given back. */
function wait(everybody: readonly [Member, Member, Member, Member], { world, frank }: {
  readonly world: World
  readonly frank: Member
}): MLSMessage {
  const [alice, bob, carol, erin] = everybody
  const { signatureKeyPair } = world.person('bob, renewed')
  const made = [
    [bob, () => proposeUpdate(bob.group, { signatureKeyPair })],
    [carol, () => proposeUpdate(carol.group)],
    [erin, () => propose(erin.group, preSharedKey(world), { wireFormat: 'privateMessage' })],
  ] as const
  for (const [from, make] of made) {
    const proposed = make()
    from.keep(proposed)
    for (const member of everybody) if (member !== from) member.receive(proposed.message)
  }
  const invalid = forge(erin.group, { type: 'proposal', proposal: preSharedKey(world, bytes('a nonce too short')) })
  for (const member of [alice, bob, carol]) member.receive(invalid)
  const leaving = proposeSelfRemove(frank.group).message
  for (const member of everybody) member.receive(leaving)
  return leaving
}

const preSharedKey = ({ suite }: World, pskNonce = suite.random(suite.hashLength)) =>
  ({ type: 'preSharedKey', psk: { psk: { type: 'external', pskId }, pskNonce } } as const)

const frames = ['publicMessage', 'privateMessage'] as const

function proposals(group: Group, world: World): Named {
  const list: readonly OwnProposal[] = [
    { type: 'add', keyPackage: world.guest('ivan').keyPackage },
    { type: 'remove', removed: group.ownLeaf },
    preSharedKey(world),
    { type: 'groupContextExtensions', extensions: [{ extensionType: custom, extensionData: bytes('new') }] },
    { type: 'reInit', groupId: bytes('next'), version: 1, cipherSuite: world.suite.id, extensions: [] },
    { type: 'custom', tag: custom, data: bytes('anything') },
  ]
  const { signatureKeyPair } = world.person('alice, renewed')
  return frames.flatMap((wireFormat) => [
    ...list.map((each) => [`${wireFormat} ${each.type}`, propose(group, each, { wireFormat }).message] as const),
    [`${wireFormat} update`, proposeUpdate(group, { wireFormat, signatureKeyPair }).message] as const,
    ['leaving', proposeSelfRemove(group).message] as const,
  ])
}

function commits(group: Group, { world, bob }: { readonly world: World, readonly bob: Group }): Named {
  const add = { type: 'add', keyPackage: world.guest('kim').keyPackage } as const
  const extensions = [{ extensionType: custom, extensionData: bytes('') }]
  const change = { type: 'groupContextExtensions', extensions } as const
  return frames.flatMap((wireFormat) => {
    const common = { authentication: trusting, psks, wireFormat }
    const make = (name: string, options: Partial<Parameters<typeof commit>[1]>) =>
      [`${wireFormat} ${name}`, commit(group, { ...common, ...options }).message] as const
    return [
      make('commit', {}),
      make('commit of an add', { references: [], proposals: [add] }),
      make('commit by value', { references: [], proposals: [add, preSharedKey(world), change] }),
      make('commit that removes Bob', { proposals: [{ type: 'remove', removed: bob.ownLeaf }] }),
    ]
  })
}

function fromOutside(info: GroupInfo, { world, service, erin, leaving }: {
  readonly world: World
  readonly service: Person
  readonly erin: Member
  readonly leaving: MLSMessage
}): Named {
  const { suiteOf } = world
  const join = (person: Person, change: Partial<ExternalJoinOptions>): MLSMessage =>
    joinExternally({ suiteOf, groupInfo: info, ...person.leaf, authentication: trusting, psks, ...change }).message
  const { signatureKeyPair } = service
  const observed = observe({ suiteOf, groupInfo: info, authentication: trusting })
  const { keyPackage, person: { signatureKeyPair: { privateKey: signaturePrivateKey } } } = world.guest('mike')
  const add = { type: 'add', keyPackage: world.guest('nina').keyPackage } as const
  return [
    ['external commit', join(world.person('lars'), {})],
    ['external commit of a member who leaves', join(world.person('lars'), { selfRemoves: [leaving] })],
    ['resync', join(erin.person, { replaces: erin.group.ownLeaf, pskIds: [preSharedKey(world).psk] })],
    ['external proposal', proposeAsExternalSender(observed, add, { senderIndex: 0, signatureKeyPair })],
    ['new member proposal', proposeAsNewMember(observed, keyPackage, { signaturePrivateKey })],
  ]
}
