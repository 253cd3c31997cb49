import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  groupInfo, joinExternally, leavesOf, proposalType, propose, proposeSelfRemove, proposeUpdate, trusting,
  type Committed, type Credential, type ExternalJoinOptions, type MLSMessage,
} from '../../main/mls/index.ts'
import {
  assertAgree, assertTalk, breaks, bytes, failsAs, implementations, Member, tell, text, travelled, World,
} from './group-world.ts'

// draft-ietf-mls-extensions, SelfRemove. What is refused about it is in test/rules/self-remove.test.ts.

const native = implementations[0]
assert.ok(native !== undefined)
const world = new World(native.suites('self-remove'), 1, { proposals: [proposalType.selfRemove] })
const gather = () => world.gather('alice', 'bob', 'carol') as [Member, Member, Member]

/** Somebody says that they leave. */
function leave(from: Member, to: readonly Member[]): MLSMessage {
  const left = proposeSelfRemove(from.group, { authenticatedData: bytes('so long') })
  tell(left, { from, to })
  return left.message
}

const typesOf = ({ applied }: Pick<Committed, 'applied'>): readonly string[] =>
  applied.proposals.map(({ proposal }) => proposal.type)
const removedBy = ({ applied }: Pick<Committed, 'applied'>): readonly number[] =>
  applied.removed.map(({ index }) => index)

describe('a member leaves by a SelfRemove', () => {
  test('and another one commits it by reference, with a path', () => {
    const [alice, bob, carol] = gather()
    assert.equal(leave(bob, [alice, carol]).body.type, 'publicMessage')
    // RFC 9420 §12.4: nobody sends data while a proposal waits, and §12.2: nobody commits his own removal.
    assert.throws(() => alice.say('not yet'), failsAs('misuse'))
    assert.deepEqual(removedBy(bob.prepare()), [])
    const made = carol.prepare()
    assert.deepEqual(made.applied.proposals, [
      { proposal: { type: 'selfRemove' }, sender: { type: 'member', leafIndex: bob.group.ownLeaf }, byReference: true },
    ])
    assert.deepEqual(removedBy(made), [bob.group.ownLeaf])
    assert.deepEqual(made.applied.updated.map(({ index }) => index), [carol.group.ownLeaf])
    carol.accept(made)
    alice.receive(made.message)
    const seen = bob.receive(made.message)
    assert.ok(seen.type === 'commit' && seen.applied.selfRemoved)
    assert.equal(bob.group.status.type, 'removed')
    assertAgree([alice, carol])
    assertTalk([alice, carol])
  })

  test('and so do several at once, beside the other things of a commit', () => {
    const [alice, bob, carol, dave] = world.gather('alice', 'bob', 'carol', 'dave') as [Member, Member, Member, Member]
    leave(bob, [alice, carol, dave])
    leave(carol, [alice, bob, dave])
    tell(proposeUpdate(dave.group), { from: dave, to: [alice, bob, carol] })
    const eve = world.guest('eve')
    const made = alice.prepare({ proposals: [{ type: 'add', keyPackage: eve.keyPackage }] })
    assert.deepEqual(typesOf(made), ['selfRemove', 'selfRemove', 'update', 'add'])
    assert.deepEqual(removedBy(made), [bob.group.ownLeaf, carol.group.ownLeaf])
    alice.accept(made)
    for (const member of [bob, carol, dave]) member.receive(made.message)
    assert.deepEqual([bob, carol].map(({ group }) => group.status.type), ['removed', 'removed'])
    const joined = world.join(eve, made)
    assert.equal(joined.group.ownLeaf, bob.group.ownLeaf)
    assertTalk([alice, dave, joined])
  })

  test('which goes before every Remove and Update of the same leaf, also one of the committer', () => {
    const [alice, bob, carol] = gather()
    const removal = { type: 'remove', removed: bob.group.ownLeaf } as const
    tell(proposeUpdate(bob.group), { from: bob, to: [alice, carol] })
    leave(bob, [alice, carol])
    tell(propose(carol.group, removal), { from: carol, to: [alice, bob] })
    tell(proposeUpdate(bob.group), { from: bob, to: [alice, carol] })
    assert.deepEqual(typesOf(alice.prepare()), ['selfRemove'])
    const made = alice.prepare({ proposals: [removal] })
    assert.deepEqual(typesOf(made), ['selfRemove'])
    alice.accept(made)
    carol.receive(made.message)
    assertTalk([alice, carol])
  })

  test('once in an epoch, and again in the next one if it was not committed', () => {
    const [alice, bob, carol] = gather()
    leave(bob, [alice, carol])
    assert.throws(() => proposeSelfRemove(bob.group), failsAs('misuse'))
    world.commit(alice, [bob, carol], { references: [] })
    leave(bob, [alice, carol])
    assert.deepEqual(removedBy(alice.prepare()), [bob.group.ownLeaf])
  })

  test('not in a group of which one member does not know it, where they go on talking', () => {
    const [alice, bob] = gather()
    const [old] = world.commit(alice, [bob], { guests: [world.guest('old', {})], references: [] })
    assert.ok(old !== undefined)
    assert.throws(() => proposeSelfRemove(bob.group), breaks('self-remove.supported'))
    assertTalk([alice, bob, old])
    world.commit(alice, [bob, old], { proposals: [{ type: 'remove', removed: old.group.ownLeaf }] })
    leave(bob, [alice])
  })
})

const nameOf = (credential: Credential): string => credential.type === 'basic' ? text(credential.identity) : ''

describe('whoever joins by an external commit', () => {
  const enter = (from: Member, options: Partial<ExternalJoinOptions>): Member & { readonly message: MLSMessage } => {
    const dave = world.person('dave')
    const joined = joinExternally({
      suiteOf: world.suiteOf, groupInfo: groupInfo(from.group, { externalPub: true }), ...dave.leaf,
      authentication: trusting, ...options,
    })
    return Object.assign(new Member(dave, world.suiteOf, joined.group), { message: joined.message })
  }

  test('brings about the SelfRemoves that wait, and no other proposal', () => {
    const [alice, bob, carol] = gather()
    const selfRemoves = [leave(bob, [alice, carol])].map(travelled)
    tell(proposeUpdate(carol.group), { from: carol, to: [alice, bob] })
    const dave = enter(alice, { selfRemoves })
    assert.equal(dave.group.ownLeaf, bob.group.ownLeaf)
    for (const member of [alice, carol]) {
      const seen = member.receive(dave.message)
      assert.ok(seen.type === 'commit' && seen.applied.external)
      assert.deepEqual(typesOf(seen), ['externalInit', 'selfRemove'])
      assert.deepEqual(removedBy(seen), [bob.group.ownLeaf])
    }
    const left = bob.receive(dave.message)
    assert.ok(left.type === 'commit' && left.applied.selfRemoved)
    assertAgree([alice, carol, dave])
    assertTalk([alice, carol, dave])
    assert.equal(leavesOf(alice.group.tree).length, 3)
  })

  test('may replace an old leaf of its own beside them, whose successor it is and not theirs', () => {
    const [alice, bob, carol] = gather()
    const selfRemoves = [leave(bob, [alice, carol])]
    const { signatureKeyPair, leaf } = carol.person
    const asked: string[] = []
    const back = enter(alice, { ...leaf, signatureKeyPair, selfRemoves, replaces: carol.group.ownLeaf })
    const validateSuccessor = (before: Credential, after: Credential): undefined => {
      asked.push(`${nameOf(before)} -> ${nameOf(after)}`)
    }
    alice.receive(back.message, undefined, { authentication: { ...trusting, validateSuccessor } })
    assert.deepEqual(asked, ['carol -> carol'])
    assertAgree([alice, back])
    assertTalk([alice, back])
    bob.receive(back.message)
    carol.receive(back.message)
    assert.deepEqual([bob, carol].map(({ group }) => group.status.type), ['removed', 'removed'])
  })

  test('makes others wait who have not read the SelfRemove yet', () => {
    const [alice, bob, carol] = gather()
    const left = leave(bob, [alice])
    const dave = enter(alice, { selfRemoves: [left] })
    assert.throws(() => carol.receive(dave.message), failsAs('undecided'))
    carol.receive(left)
    carol.receive(dave.message)
    assertAgree([carol, dave])
  })

  test('may be one who has just left', () => {
    const [alice, bob, carol] = gather()
    const selfRemoves = [leave(bob, [alice, carol])]
    const { leaf } = bob.person
    const back = enter(alice, { ...leaf, selfRemoves })
    for (const member of [alice, carol]) member.receive(back.message)
    assertTalk([alice, carol, back])
  })
})
