import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hasValidProposal } from '../../main/mls/group/application.ts'
import { send, sign } from '../../main/mls/group/framing.ts'
import { checkProposal } from '../../main/mls/group/proposals.ts'
import {
  encode, ExternalSenders, extensionType, groupInfo, joinExternally, proposalType, propose,
  proposeSelfRemove, proposeUpdate, receive, trusting, type Group, type LeafIndex, type MLSMessage, type Proposal,
  type RuleId,
} from '../../main/mls/index.ts'
import type { ProposalOrRef } from '../../main/mls/wire/proposal.ts'
import { failsAs, implementations, travelled, World, type Member } from '../mls/group-world.ts'
import { byValue, forge, forgeCommit, forgeProposal, refusedBy } from './forge.ts'
import { refused } from './refusals.ts'

// draft-ietf-mls-extensions, SelfRemove: what is refused. The stories are in test/mls/self-remove.test.ts.

const native = implementations[0]
assert.ok(native !== undefined)
const world = new World(native.suites('self-remove rules'), 1, { proposals: [proposalType.selfRemove] })
const selfRemove: Proposal = { type: 'selfRemove' }
const trustingOptions = { authentication: trusting }

const [alice, mallory, carol] = world.gather('alice', 'mallory', 'carol') as [Member, Member, Member]

/** The group of a member who was told something, and how a commit refers to it. */
function told(group: Group, message: MLSMessage): { readonly group: Group, readonly reference: ProposalOrRef } {
  const received = receive(group, travelled(message), trustingOptions)
  assert.equal(received.type, 'proposal')
  return { group: received.group, reference: { type: 'reference', reference: received.reference } }
}

/** Demands that it is kept with its rule when it comes, and that a commit that refers to it is refused by that rule. */
function isRefused(rule: RuleId, message: MLSMessage, { by = alice.group, from = mallory.group } = {}): void {
  const { group, reference } = told(by, message)
  assert.equal([...group.proposals.values()][0]?.refused, rule)
  assert.equal(hasValidProposal(group), false)
  refused(rule, () => receive(group, forgeCommit(from, [reference]), trustingOptions))
}

/** A proposal in a PrivateMessage, as no honest member sends it. */
const forgePrivate = (group: Group, proposal: Proposal): MLSMessage =>
  send(group, sign(group, { type: 'proposal', proposal }, { wireFormat: 'privateMessage' })).message

describe('a SelfRemove is refused', () => {
  test('by value (self-remove.by-reference)', () => {
    refusedBy(alice, 'self-remove.by-reference', forgeCommit(mallory.group, byValue(selfRemove)))
  })

  test('in a PrivateMessage (self-remove.public-message)', () => {
    isRefused('self-remove.public-message', forgePrivate(mallory.group, selfRemove))
    const sender = { type: 'member', leafIndex: mallory.group.ownLeaf } as const
    refused('self-remove.public-message', () => {
      checkProposal(alice.group, { ...trustingOptions, proposal: selfRemove, sender, wireFormat: 'privateMessage' })
    })
  })

  test('in a group of which one member does not know it (self-remove.supported)', () => {
    const [ann, ben] = world.gather('ann', 'ben') as [Member, Member]
    world.commit(ann, [ben], { guests: [world.guest('old', {})] })
    isRefused('self-remove.supported', forgeProposal(ben.group, selfRemove), { by: ann.group, from: ben.group })
    // To list other types, a GREASE value among them, is not to know it.
    const another = new World(world.suiteOf, 1, { proposals: [0x0a0a, 0xf00a] })
    const [cid, dan] = another.gather('cid', 'dan') as [Member, Member]
    refused('self-remove.supported', () => proposeSelfRemove(dan.group))
    isRefused('self-remove.supported', forgeProposal(dan.group, selfRemove), { by: cid.group, from: dan.group })
  })

  test('from an external sender (12.1.8.type)', () => {
    const warden = world.person('warden')
    const { credential, signatureKeyPair } = warden.leaf
    const extensionData = encode(ExternalSenders, [{ credential, signatureKey: signatureKeyPair.publicKey }])
    const [ann, ben] = world.gather('ann', 'ben') as [Member, Member]
    world.commit(ann, [ben], { proposals: [{
      type: 'groupContextExtensions', extensions: [{ extensionType: extensionType.externalSenders, extensionData }],
    }] })
    const message = forgeProposal(ben.group, selfRemove, {
      sender: { type: 'external', senderIndex: 0 }, signaturePrivateKey: signatureKeyPair.privateKey,
    })
    isRefused('12.1.8.type', message, { by: ann.group, from: ben.group })
  })

  test('of the committer (12.2.own-removal)', () => {
    const { group, reference } = told(alice.group, forgeProposal(mallory.group, selfRemove))
    refused('12.2.own-removal', () => receive(group, forgeCommit(mallory.group, [reference]), trustingOptions))
  })

  test('beside another one, a Remove or an Update of the same leaf (12.2.one-change)', () => {
    const { group, reference } = told(alice.group, forgeProposal(carol.group, selfRemove))
    const removal = byValue({ type: 'remove', removed: carol.group.ownLeaf })
    const update = told(group, proposeUpdate(carol.group).message)
    for (const list of [[reference, reference], [reference, ...removal], [reference, update.reference]]) {
      refused('12.2.one-change', () => receive(update.group, forgeCommit(mallory.group, list), trustingOptions))
    }
  })

  test('without a path (12.4.path-required)', () => {
    const { group, reference } = told(alice.group, forgeProposal(carol.group, selfRemove))
    refused('12.4.path-required', () => receive(group, forgeCommit(mallory.group, [reference]), trustingOptions))
  })
})

describe('an external commit', () => {
  const dave = world.person('dave')
  const joining = (from: Group, selfRemoves: readonly MLSMessage[], replaces?: LeafIndex): MLSMessage => {
    const info = groupInfo(from, { externalPub: true })
    return joinExternally({
      ...trustingOptions, ...dave.leaf, suiteOf: world.suiteOf, groupInfo: info, selfRemoves,
      ...(replaces === undefined ? {} : { replaces }),
    }).message
  }

  /** Dave's commit with another proposal behind the first ones, signed again. */
  function covering(...more: readonly ProposalOrRef[]): MLSMessage {
    const { body } = joining(alice.group, [])
    assert.equal(body.type, 'publicMessage')
    const { content } = body.publicMessage.content
    assert.equal(content.type, 'commit')
    const { commit } = content
    return forge(alice.group, { type: 'commit', commit: { ...commit, proposals: [...commit.proposals, ...more] } }, {
      sender: { type: 'newMemberCommit' }, signaturePrivateKey: dave.signatureKeyPair.privateKey,
    })
  }

  test('refers to no other proposal (12.4.3.2.reference)', () => {
    const removal = propose(carol.group, { type: 'remove', removed: mallory.group.ownLeaf })
    for (const { message } of [proposeUpdate(carol.group), removal]) {
      const { group, reference } = told(alice.group, message)
      refused('12.4.3.2.reference', () => receive(group, covering(reference), trustingOptions))
    }
    const unknown = covering({ type: 'reference', reference: world.suite.random(32) })
    assert.throws(() => receive(alice.group, unknown, trustingOptions), failsAs('undecided'))
  })

  test('covers no SelfRemove by value (self-remove.by-reference)', () => {
    refusedBy(alice, 'self-remove.by-reference', covering(...byValue(selfRemove)))
  })

  test('covers none of the leaf that it replaces (12.2.one-change)', () => {
    const { message } = proposeSelfRemove(carol.group)
    refused('12.2.one-change', () => joining(alice.group, [message], carol.group.ownLeaf))
    const { group, reference } = told(alice.group, message)
    const removal = byValue({ type: 'remove', removed: carol.group.ownLeaf })
    refused('12.2.one-change', () => receive(group, covering(...removal, reference), trustingOptions))
  })

  test('is not made with a SelfRemove that the newcomer can see to be wrong', () => {
    const isNotTaken = (rule: RuleId, message: MLSMessage): void => {
      refused(rule, () => joining(alice.group, [travelled(message)]))
    }
    joining(alice.group, [travelled(forgeProposal(carol.group, selfRemove))])
    const { privateKey: signaturePrivateKey } = world.suite.signatureKeyPair()
    isNotTaken('6.1.signature', forgeProposal(carol.group, selfRemove, { signaturePrivateKey }))
    isNotTaken('6.epoch', forgeProposal(carol.group, selfRemove, { epoch: 0n }))
    isNotTaken('6.group', forgeProposal(carol.group, selfRemove, { groupId: Uint8Array.of(1) }))
    isNotTaken('6.1.sender', forgeProposal(carol.group, selfRemove, {
      sender: { type: 'member', leafIndex: 3 as LeafIndex },
    }))
    isNotTaken('12.4.3.2.reference', proposeUpdate(carol.group).message)
    isNotTaken('self-remove.public-message', forgePrivate(carol.group, selfRemove))
    const [ann, ben] = new World(world.suiteOf, 1).gather('ann', 'ben') as [Member, Member]
    refused('self-remove.supported', () => joining(ann.group, [forgeProposal(ben.group, selfRemove)]))
  })
})
