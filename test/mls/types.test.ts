import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  createGroup, Credential, decode, encode, Extensions, fromHex, generateKeyPackage, greaseExtensions, groupInfo,
  joinExternally, KeyPackage, leafAt, Proposal, propose, proposeUpdate, toHex, trusting, validateKeyPackage, withGrease,
  type Capabilities, type Committed, type CustomProposals, type MLSMessage, type Received,
} from '../../main/mls/index.ts'
import { greaseValues } from '../../main/mls/wire/grease.ts'
import {
  assertAgree, assertTalk, breaks, bytes, custom, failsAs, implementations, Member, tell, text, World,
} from './group-world.ts'

// RFC 9420 §13: types that the engine does not know are carried; an application may define its own. What is refused
// about them is in test/rules/types.ts.

const native = implementations[0]
assert.ok(native !== undefined)
const suites = native.suites('types')
const worldOf = (able: Partial<Capabilities>): World => new World(suites, 1, able)

describe('a value of a type that the engine does not know comes out of its bytes and goes back into them', () => {
  test('as a proposal, a credential and an extension, private ones and GREASE alike', () => {
    for (const tag of ['f0a0', '0a0a', 'fafa', '0008']) {
      const data = fromHex(`${tag}03616263`)
      assert.deepEqual(decode(Proposal, data), { type: 'custom', tag: Number.parseInt(tag, 16), data: bytes('abc') })
      assert.deepEqual(decode(Credential, data), { type: 'custom', tag: Number.parseInt(tag, 16), data: bytes('abc') })
      assert.equal(toHex(encode(Proposal, decode(Proposal, data))), toHex(data))
      assert.equal(toHex(encode(Credential, decode(Credential, data))), toHex(data))
      const extensions = fromHex(`06${toHex(data)}`)
      assert.deepEqual(decode(Extensions, extensions),
        [{ extensionType: Number.parseInt(tag, 16), extensionData: bytes('abc') }])
      assert.equal(toHex(encode(Extensions, decode(Extensions, extensions))), toHex(extensions))
    }
  })

  test('but a type that the engine knows is never taken for a custom one', () => {
    for (const tag of [1, 7, 0x000a]) {
      assert.throws(() => encode(Proposal, { type: 'custom', tag, data: bytes('') }), failsAs('misuse'))
    }
    assert.throws(() => encode(Credential, { type: 'custom', tag: 1, data: bytes('') }), failsAs('misuse'))
  })
})

describe('an application with proposal types of its own', () => {
  const [topic, poll] = [0xf0a0, 0xf0a1]
  const world = worldOf({ proposals: [topic, poll] })
  const proposalOf = (tag: number, words: string) => ({ type: 'custom', tag, data: bytes(words) }) as const
  const gather = () => world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
  /** What a commit told the application of them. */
  const reported = ({ applied }: Pick<Committed, 'applied'>) => applied.proposals.flatMap(({ proposal, byReference }) =>
    proposal.type === 'custom'
      ? [[proposal.tag.toString(16), text(proposal.data), byReference ? 'by reference' : 'by value'].join(' ')] : [])
  const hasPath = ({ message: { body } }: Committed): boolean =>
    body.type === 'publicMessage' && body.publicMessage.content.content.type === 'commit'
    && body.publicMessage.content.content.commit.path !== undefined
  const heard = (received: Received) => {
    assert.equal(received.type, 'commit')
    return reported(received)
  }

  for (const wireFormat of ['publicMessage', 'privateMessage'] as const) {
    test(`commits them by value and by reference, in their order, by ${wireFormat}`, () => {
      const [alice, bob, carol] = gather()
      tell(propose(bob.group, proposalOf(topic, 'tea'), { wireFormat }), { from: bob, to: [alice, carol] })
      tell(propose(carol.group, proposalOf(topic, 'cake'), { wireFormat }), { from: carol, to: [alice, bob] })
      const made = alice.prepare({ proposals: [proposalOf(poll, 'tea?'), proposalOf(poll, 'tea?')], wireFormat })
      const all = ['f0a0 tea by reference', 'f0a0 cake by reference', 'f0a1 tea? by value', 'f0a1 tea? by value']
      assert.deepEqual(reported(made), all)
      alice.accept(made)
      for (const member of [bob, carol]) assert.deepEqual(heard(member.receive(made.message)), all)
      assertAgree([alice, bob, carol])
      assertTalk([alice, bob, carol])
    })
  }

  test('makes a path for them, unless their type needs none', () => {
    const [alice, bob, carol] = gather()
    assert.ok(hasPath(alice.prepare({ proposals: [proposalOf(poll, 'tea?')] })))
    const customProposals: CustomProposals = new Map([[poll, { external: false, pathRequired: false }]])
    const made = alice.prepare({ proposals: [proposalOf(poll, 'tea?')], customProposals })
    assert.ok(!hasPath(made))
    assert.deepEqual(made.applied.updated, [])
    assert.throws(() => bob.receive(made.message), breaks('12.4.path-required'))
    for (const member of [bob, carol]) member.receive(made.message, undefined, { customProposals })
    alice.accept(made)
    assertAgree([alice, bob, carol])
    const both = alice.prepare({ proposals: [proposalOf(poll, 'cake?'), proposalOf(topic, 'cake')], customProposals })
    assert.ok(hasPath(both))
  })

  test('lets those be added in the same commit who do not know them, and then has to do without', () => {
    const [alice, bob, carol] = gather()
    const guests = [world.guest('old', {})]
    const joined = world.commit(alice, [bob, carol], { guests, proposals: [proposalOf(topic, 'goodbye')] })
    assert.throws(() => propose(bob.group, proposalOf(topic, 'more')), breaks('12.2.unsupported-type'))
    assert.throws(() => bob.prepare({ proposals: [proposalOf(topic, 'more')] }), breaks('12.2.unsupported-type'))
    assertTalk([alice, bob, carol, ...joined])
  })
})

describe('credentials of the application\'s own type', () => {
  const ticket = 0xf0a2
  const credential = (words: string) => ({ type: 'custom', tag: ticket, data: bytes(words) }) as const
  const world = worldOf({ credentials: [1, ticket] })

  test('are presented by a KeyPackage, an Update and a path, and the authentication service judges them', () => {
    const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
    const carol = world.person('carol')
    const made = generateKeyPackage(world.suite, { ...carol.leaf, credential: credential('carol') })
    const joined = world.commit(alice, [bob], { guests: [{ person: carol, ...made }] })
    tell(proposeUpdate(bob.group, { credential: credential('bob') }), { from: bob, to: [alice, ...joined] })
    world.commit(alice, [bob, ...joined], { credential: credential('alice') })
    const shown = [alice, bob, ...joined].map(({ group: { ownLeaf } }) => leafAt(bob.group.tree, ownLeaf)?.credential)
    assert.deepEqual(shown, [credential('alice'), credential('bob'), credential('carol')])
    assertTalk([alice, bob, ...joined])
    const asked: unknown[] = []
    const validate = (each: Credential): string | undefined => {
      asked.push(each)
      return each.type === 'custom' && text(each.data) === 'alice' ? 'not her ticket' : undefined
    }
    const again = alice.prepare()
    assert.throws(() => bob.receive(again.message, undefined, { authentication: { ...trusting, validate } }),
      breaks('5.3.1.credential'))
    assert.deepEqual(asked, [credential('alice')])
  })

  test('cannot be had in a group with a member who does not know them', () => {
    const [alice] = world.gather('alice', 'bob') as [Member, Member]
    world.commit(alice, [], { references: [] })
    const old = world.found('old')
    const plain = new World(suites, 1).guest('plain')
    const add = { type: 'add', keyPackage: plain.keyPackage } as const
    assert.throws(() => old.prepare({ credential: credential('old'), proposals: [add] }),
      breaks('7.3.credential-support'))
    world.commit(old, [], { credential: credential('old') })
    assert.throws(() => old.prepare({ proposals: [add] }), breaks('7.3.credential-support'))
  })
})

test('types that every client has are not listed by a leaf that we make (RFC 9420 §7.2)', () => {
  const world = worldOf({})
  for (const able of [{ proposals: [7] }, { extensions: [custom, 1] }]) {
    assert.throws(() => world.guest('bob', able), failsAs('misuse'))
    assert.throws(() => worldOf(able).found('bob'), failsAs('misuse'))
  }
  // In lists that are not about them, the same numbers are other things.
  world.guest('bob', { credentials: [1, 2, 7] })
})

describe('extensions that one does not know', () => {
  const world = worldOf({ extensions: [custom, 0xf0a3] })
  const extension = (words: string) => ({ extensionType: 0xf0a3, extensionData: bytes(words) })

  test('of a KeyPackage, a leaf and a GroupInfo are carried and ignored', () => {
    const alice = new World(suites, 1).found('alice')
    const carol = world.person('carol')
    const made = generateKeyPackage(world.suite, {
      ...carol.leaf, leafExtensions: [extension('leaf')], extensions: [extension('package')],
    })
    const keyPackage = validateKeyPackage(world.suite,
      decode(KeyPackage, encode(KeyPackage, made.keyPackage)), { authentication: trusting })
    let of: MLSMessage | undefined
    const invited = alice.prepare({
      proposals: [{ type: 'add', keyPackage }], groupInfoExtensions: (message) => {
        of = message
        return [extension('welcome')]
      },
    })
    assert.deepEqual(of, invited.message)
    alice.accept(invited)
    const { member, groupInfoExtensions } = world.welcome({ person: carol, ...made }, invited)
    assert.deepEqual(groupInfoExtensions.filter(({ extensionType: type }) => type === 0xf0a3), [extension('welcome')])
    assert.deepEqual(leafAt(alice.group.tree, member.group.ownLeaf)?.extensions, [extension('leaf')])
    assertTalk([alice, member])
    const info = groupInfo(alice.group, { externalPub: true, extensions: [extension('info')] })
    const plain = new World(suites, 1).person('dave')
    const joined = joinExternally({
      suiteOf: suites, groupInfo: info, ...plain.leaf, authentication: trusting,
    })
    alice.receive(joined.message)
    assert.throws(() => groupInfo(alice.group, { extensions: [extension('one'), extension('two')] }),
      breaks('13.4.unique-extension'))
  })

  test('of the group keep one out', () => {
    const alice = world.found('alice', [extension('rules')])
    const add = { type: 'add', keyPackage: new World(suites, 1).guest('bob').keyPackage } as const
    assert.throws(() => alice.prepare({ proposals: [add] }), breaks('13.4.group-extensions'))
    const plain = new World(suites, 1).person('dave')
    const info = groupInfo(alice.group, { externalPub: true })
    assert.throws(() => joinExternally({ suiteOf: suites, groupInfo: info, ...plain.leaf, authentication: trusting }),
      breaks('13.4.group-extensions'))
  })
})

describe('GREASE values (RFC 9420 §13.5)', () => {
  const world = new World(suites, 1)
  const { suite } = world
  const isGrease = (value: number): boolean => greaseValues.includes(value)
  const plain = world.person('plain').leaf

  test('are offered in every list where they should be, and listed where they must be', () => {
    for (let round = 0; round < 50; round++) {
      const leaf = { ...plain, ...withGrease(suite, { ...plain, leafExtensions: [] }) }
      const { keyPackage } = generateKeyPackage(suite, {
        ...leaf, extensions: greaseExtensions(suite, leaf.capabilities),
      })
      const { capabilities, extensions } = keyPackage.leafNode
      for (const list of ['cipherSuites', 'extensions', 'proposals', 'credentials'] as const) {
        const offered = capabilities[list].filter(isGrease)
        assert.ok(offered.length >= 1 && offered.length <= 2)
        assert.deepEqual(capabilities[list].filter((value) => !isGrease(value)), plain.capabilities[list])
      }
      assert.deepEqual(capabilities.versions, [1])
      for (const { extensionType: type } of [...extensions, ...keyPackage.extensions]) {
        assert.ok(isGrease(type) && capabilities.extensions.includes(type))
      }
      assert.deepEqual([extensions.length, keyPackage.extensions.length], [1, 1])
      validateKeyPackage(suite, decode(KeyPackage, encode(KeyPackage, keyPackage)), { authentication: trusting })
    }
    assert.throws(() => greaseExtensions(suite, plain.capabilities), failsAs('misuse'))
  })

  test('do no harm to a group of those who offer them and one who does not', () => {
    const greased = (name: string) => {
      const person = world.person(name)
      return { person, leaf: { ...person.leaf, ...withGrease(suite, person.leaf) } }
    }
    const { person, leaf } = greased('alice')
    const groupId = suite.random(32)
    const alice = new Member(person, suites, createGroup(suite, { groupId, ...leaf }))
    const [bob, carol] = [greased('bob'), greased('carol')].map((each) => ({
      person: each.person,
      ...generateKeyPackage(suite, { ...each.leaf, extensions: greaseExtensions(suite, each.leaf.capabilities) }),
    }))
    assert.ok(bob !== undefined && carol !== undefined)
    const members = [alice, ...world.commit(alice, [], {
      guests: [bob, carol, world.guest('plain')], groupInfoExtensions: greaseExtensions(suite),
    })]
    assertTalk(members)
    // What a leaf lists stays as it was through updates and commits.
    for (const committer of members) world.commit(committer, members.filter((member) => member !== committer))
    const offers = members.map(({ group: { ownLeaf } }) =>
      leafAt(alice.group.tree, ownLeaf)?.capabilities.proposals.some(isGrease))
    assert.deepEqual(offers, [true, true, true, false])
    const dave = greased('dave')
    const joined = joinExternally({
      suiteOf: suites, ...dave.leaf, authentication: trusting,
      groupInfo: groupInfo(alice.group, { externalPub: true, extensions: greaseExtensions(suite) }),
    })
    for (const member of members) member.receive(joined.message)
    assertTalk([...members, new Member(dave.person, suites, joined.group)])
  })
})
