import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  commit, encode, ExternalSenders, extensionType, groupInfo, joinExternally, propose, proposeAsExternalSender,
  proposeUpdate, receive, RequiredCapabilities, trusting, validateKeyPackage, type Capabilities, type Credential,
  type CustomProposals, type Extension, type Extensions, type Group, type Proposal,
} from '../../main/mls/index.ts'
import { bytes, custom, travelled, World, type Member } from '../mls/group-world.ts'
import {
  byValue, distrusting, forgeCommit, refusedBy, resignedPackage, suite, world as plainWorld,
} from './forge.ts'
import { refused } from './refusals.ts'

// RFC 9420 §7.2, §11.1, §13: types that are not default ones, and who must support them.

const special = 0xf0a0
const grease = 0x0a0a
const proposalOf = (tag: number): Proposal => ({ type: 'custom', tag, data: bytes('x') })
const worldOf = (able: Partial<Capabilities>): World => new World(plainWorld.suiteOf, 1, able)
const trustingOptions = { authentication: trusting }
const empty = (type: number): Extension => ({ extensionType: type, extensionData: bytes('') })
const requiring = (types: Partial<RequiredCapabilities>): Extension => ({
  extensionType: extensionType.requiredCapabilities,
  extensionData: encode(RequiredCapabilities, { extensionTypes: [], proposalTypes: [], credentialTypes: [], ...types }),
})
const newExtensions = (...extensions: Extensions) => ({ type: 'groupContextExtensions', extensions }) as const

describe('a custom proposal is refused', () => {
  const world = worldOf({ proposals: [special] })
  const [alice, mallory] = world.gather('alice', 'mallory') as [Member, Member]

  test('without a path, unless its type says that it needs none (12.4.path-required)', () => {
    const pathless = forgeCommit(mallory.group, byValue(proposalOf(special)))
    refusedBy(alice, '12.4.path-required', pathless)
    const customProposals = (pathRequired: boolean) => new Map([[special, { external: true, pathRequired }]])
    refused('12.4.path-required', () =>
      receive(alice.group, pathless, { ...trustingOptions, customProposals: customProposals(true) }))
    // Beside a proposal that needs one, it has one all the same.
    const both = forgeCommit(mallory.group, byValue(proposalOf(special), newExtensions()))
    refused('12.4.path-required', () =>
      receive(alice.group, both, { ...trustingOptions, customProposals: customProposals(false) }))
    // What comes next is the tag, which is not an honest one.
    refused('12.4.2.confirmation-tag', () =>
      receive(alice.group, pathless, { ...trustingOptions, customProposals: customProposals(false) }))
  })

  test('while a member does not know it who stays (12.2.unsupported-type)', () => {
    const [ann, ben] = world.gather('ann', 'ben') as [Member, Member]
    const [old] = world.commit(ann, [ben], { guests: [world.guest('old', {})] })
    assert.ok(old !== undefined)
    refusedBy(ann, '12.2.unsupported-type', forgeCommit(ben.group, byValue(proposalOf(special))))
    refused('12.2.unsupported-type', () => propose(ben.group, { type: 'custom', tag: special, data: bytes('x') }))
    const removal = { type: 'remove', removed: old.group.ownLeaf } as const
    world.commit(ben, [ann, old], { proposals: [{ type: 'custom', tag: special, data: bytes('x') }, removal] })
    world.commit(ben, [ann], { proposals: [{ type: 'custom', tag: special, data: bytes('x') }] })
  })

  test('from an external sender, unless its type says that it may come from one (12.1.8.type)', () => {
    const { credential, signatureKeyPair } = world.person('warden').leaf
    const extensionData = encode(ExternalSenders, [{ credential, signatureKey: signatureKeyPair.publicKey }])
    const [ann, ben] = world.gather('ann', 'ben') as [Member, Member]
    world.commit(ann, [ben], {
      proposals: [newExtensions({ extensionType: extensionType.externalSenders, extensionData })],
    })
    const stating = (external: boolean | undefined): CustomProposals =>
      new Map(external === undefined ? [] : [[special, { external, pathRequired: true }]])
    const send = (external: boolean | undefined) => proposeAsExternalSender(ann.group,
      { type: 'custom', tag: special, data: bytes('x') },
      { senderIndex: 0, signatureKeyPair, customProposals: stating(external) })
    for (const external of [undefined, false]) refused('12.1.8.type', () => send(external))
    const message = travelled(send(true))
    const verdictOf = (external: boolean | undefined): string | undefined => {
      const customProposals = stating(external)
      const received = receive(ben.group, message, { ...trustingOptions, customProposals })
      assert.ok(received.type === 'proposal')
      return received.refused
    }
    assert.deepEqual([undefined, false, true].map(verdictOf), ['12.1.8.type', '12.1.8.type', undefined])
  })

  test('in an external commit (12.2.external-commit-types)', () => {
    const dave = world.person('dave')
    const { message } = joinExternally({
      suiteOf: world.suiteOf, groupInfo: groupInfo(alice.group, { externalPub: true }), ...dave.leaf, ...trustingOptions,
    })
    assert.ok(message.body.type === 'publicMessage' && message.body.publicMessage.content.content.type === 'commit')
    const { proposals, path } = message.body.publicMessage.content.content.commit
    assert.ok(path !== undefined)
    refusedBy(alice, '12.2.external-commit-types',
      forgeCommit(alice.group, [...proposals, ...byValue(proposalOf(special))], {
        path, sender: { type: 'newMemberCommit' }, signaturePrivateKey: dave.signatureKeyPair.privateKey,
      }))
  })
})

describe('a GREASE value that every member lists is no type that they have (RFC 9420 §13.5)', () => {
  const world = worldOf({ extensions: [custom, grease], proposals: [grease], credentials: [1, grease] })
  const [alice, mallory] = world.gather('alice', 'mallory') as [Member, Member]

  test('so that a proposal of it is refused (12.2.unsupported-type)', () => {
    refusedBy(alice, '12.2.unsupported-type', forgeCommit(mallory.group, byValue(proposalOf(grease))))
    refused('12.2.unsupported-type', () => propose(mallory.group, { type: 'custom', tag: grease, data: bytes('x') }))
  })

  test('and an extension of the group (13.4.group-extensions)', () => {
    refused('13.4.group-extensions', () => mallory.prepare({ proposals: [newExtensions(empty(grease))] }))
    refused('13.4.group-extensions', () => world.found('eve', [empty(grease)]))
    assert.doesNotThrow(() => mallory.prepare({ proposals: [newExtensions(empty(custom))] }))
  })

  test('and what the group requires (7.3.required-capabilities)', () => {
    for (const types of [{ extensionTypes: [grease] }, { proposalTypes: [grease] }, { credentialTypes: [grease] }]) {
      refused('7.3.required-capabilities', () => mallory.prepare({ proposals: [newExtensions(requiring(types))] }))
    }
  })

  test('and a credential (7.3.credential-support)', () => {
    const credential: Credential = { type: 'custom', tag: grease, data: bytes('x') }
    refused('7.3.credential-support', () => mallory.prepare({ credential }))
    const bob = world.guest('bob')
    const keyPackage = validateKeyPackage(suite, resignedPackage(bob, { leaf: { credential } }), trustingOptions)
    refused('7.3.credential-support', () => mallory.prepare({ proposals: [{ type: 'add', keyPackage }] }))
  })
})

describe('what a group requires of its members (RFC 9420 §7.3, §11.1)', () => {
  const world = worldOf({ extensions: [custom, special], proposals: [special], credentials: [1, special] })
  const required = requiring({ extensionTypes: [special], proposalTypes: [special], credentialTypes: [special] })
  const lacking: readonly Partial<Capabilities>[] = [
    { extensions: [custom], proposals: [special], credentials: [1, special] },
    { extensions: [custom, special], proposals: [], credentials: [1, special] },
    { extensions: [custom, special], proposals: [special], credentials: [1] },
  ]

  test('is demanded of its creator (7.3.required-capabilities)', () => {
    for (const able of lacking) refused('7.3.required-capabilities', () => worldOf(able).found('alice', [required]))
  })

  test('is demanded of everybody who is added, by the committer and by the others (7.3.required-capabilities)', () => {
    const alice = world.found('alice', [required])
    const [bob] = world.commit(alice, [], { guests: [world.guest('bob')] })
    assert.ok(bob !== undefined)
    for (const able of lacking) {
      const add = { type: 'add', keyPackage: world.guest('carol', able).keyPackage } as const
      refused('7.3.required-capabilities', () => alice.prepare({ proposals: [add] }))
      refusedBy(bob, '7.3.required-capabilities', forgeCommit(alice.group, byValue(add)))
    }
  })

  test('is demanded of all members, the added ones too, when it is new (7.3.required-capabilities)', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    for (const able of lacking) {
      const { keyPackage } = world.guest('carol', able)
      const proposals = [newExtensions(required), { type: 'add', keyPackage } as const]
      refused('7.3.required-capabilities', () => alice.prepare({ proposals }))
      const joined = world.commit(alice, [bob], { guests: [world.guest('carol', able)] })
      refused('7.3.required-capabilities', () => alice.prepare({ proposals: [newExtensions(required)] }))
      // Who is removed in the same commit need not have it.
      for (const { group } of joined) {
        const removal = { type: 'remove', removed: group.ownLeaf } as const
        world.commit(alice, [bob, ...joined], { proposals: [newExtensions(required), removal] })
      }
      world.commit(bob, [alice], { proposals: [newExtensions()] })
    }
  })

  test('is not given up by an Update or a path (7.3.required-capabilities)', () => {
    const alice = world.found('alice', [required])
    const [bob] = world.commit(alice, [], { guests: [world.guest('bob')] })
    assert.ok(bob !== undefined)
    for (const able of lacking) {
      const capabilities = { ...bob.person.leaf.capabilities, ...able }
      refused('7.3.required-capabilities', () => bob.prepare({ capabilities }))
      // What a commit requires may be less: an Update is judged when it is committed.
      const { message, reference } = proposeUpdate(bob.group, { capabilities })
      const { group } = receive(alice.group, message, trustingOptions)
      refused('7.3.required-capabilities', () => commit(group, { ...trustingOptions, references: [reference] }))
      assert.deepEqual(commit(group, trustingOptions).applied.proposals, [])
    }
  })
})

describe('a leaf with a lifetime that the application does not accept is refused (7.2.lifetime)', () => {
  const world = plainWorld
  const lifetime = { notBefore: 0n, notAfter: 1_000_000n }
  const atMost = (limit: bigint) => distrusting({
    validateLifetime: ({ notBefore, notAfter }) => notAfter - notBefore <= limit ? undefined : 'too long',
  })
  const guest = world.guest('bob')
  const keyPackage = resignedPackage(guest, { leaf: { leafNodeSource: { type: 'keyPackage', lifetime } } })

  test('in a KeyPackage and an Add', () => {
    refused('7.2.lifetime', () => validateKeyPackage(suite, keyPackage, { authentication: atMost(999_999n) }))
    validateKeyPackage(suite, keyPackage, { authentication: atMost(1_000_000n) })
    const [alice, mallory] = world.gather('alice', 'mallory') as [Member, Member]
    refusedBy(alice, '7.2.lifetime', forgeCommit(mallory.group, byValue({ type: 'add', keyPackage })), atMost(999_999n))
  })

  test('in the tree of a group that one joins', () => {
    const [alice] = world.gather('alice', 'mallory') as [Member, Member]
    const join = (group: Group, limit: bigint) => () => joinExternally({
      suiteOf: world.suiteOf, groupInfo: groupInfo(group, { externalPub: true }), ...world.person('dave').leaf,
      authentication: atMost(limit),
    })
    refused('7.2.lifetime', join(alice.group, 1_000_000n))
    // Leaves that were made in the group have none.
    world.commit(alice, [])
    const lone = world.found('alice')
    world.commit(lone, [])
    assert.doesNotThrow(join(lone.group, 0n))
  })

  test('or has ended, if one gives the time (7.3.lifetime)', () => {
    const [alice] = world.gather('alice') as [Member]
    const add = { type: 'add', keyPackage: validateKeyPackage(suite, keyPackage, trustingOptions) } as const
    const made = alice.prepare({ proposals: [add] })
    const welcomed = (now: bigint | undefined) => () => {
      world.enter({ ...guest, keyPackage: add.keyPackage }, made, now === undefined ? {} : { now })
    }
    refused('7.3.lifetime', welcomed(1_000_001n))
    welcomed(1_000_000n)()
  })
})
