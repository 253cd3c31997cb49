import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { withAbsent } from '../../main/chat/absent.ts'
import { extensionTypes, type Policy } from '../../main/chat/extensions.ts'
import { commitRefusal, policyIn, proposalRefusal, viewOf, withPolicy } from '../../main/chat/policy.ts'
import {
  groupInfo, joinExternally, leavesOf, MlsError, propose, receive, type Group, type LeafIndex, type OwnProposal,
  type Proposal, type Sender,
} from '../../main/mls/index.ts'
import { newAccount, suite } from '../identity/account.ts'
import {
  authentication, credentialOf, keyPackageOf, laptopOf, people, suiteOf, verdict, Village, type Device,
} from './village.ts'

/** Every sentence of policy.ts that was seen to refuse something. */
const seen = new Set<string>()

/** What every member says of a commit by the owner of this group. */
function refused(sentence: string, group: Group, ...proposals: readonly OwnProposal[]): void {
  assert.equal(verdict(group, proposals), sentence)
  seen.add(sentence)
}
const allowed = (group: Group, ...proposals: readonly OwnProposal[]): void => {
  assert.equal(verdict(group, proposals), undefined)
}

/** What every member says of a proposal that somebody else would have to commit. */
function proposed(group: Group, proposal: Proposal, sender: Sender = { type: 'member', leafIndex: group.ownLeaf }): string | undefined {
  const refusal = proposalRefusal(viewOf(group, people(group)), proposal, sender)
  if (refusal !== undefined) seen.add(refusal)
  return refusal
}

const adding = (device: Device): OwnProposal => ({ type: 'add', keyPackage: keyPackageOf(device).keyPackage })
const changing = ({ context }: Group, change: Partial<Policy>): OwnProposal =>
  ({ type: 'groupContextExtensions', extensions: withPolicy(context.extensions, { ...policyIn(context), ...change }) })
/** The group as it would be under another policy: only judged, never gone on with. */
const under = (group: Group, change: Partial<Policy>): Group => ({ ...group, context: {
  ...group.context, extensions: withPolicy(group.context.extensions, { ...policyIn(group.context), ...change }),
} })

describe('The policy of a group, by which every member judges every commit', () => {
  test('lets admins alone add, remove, and change the group', () => {
    const village = new Village()
    const { annas, bens, carol } = village
    const dora = laptopOf(newAccount())
    refused('only an admin adds people', bens, adding(dora))
    refused('only an admin removes others', bens, ...village.remove(carol))
    refused('only an admin changes the group', bens, changing(bens, { name: 'Town' }))
    refused('only an admin changes the group', bens, changing(bens, { admins: [village.ben.accountId] }))
    refused('only an admin changes the group', bens, changing(bens, { membersMayAdd: true }))
    allowed(annas, adding(dora), ...village.remove(carol), changing(annas, { name: 'Town', admins: [village.ben.accountId] }))
    // One that may go does not take along one that may not.
    refused('only an admin removes others', bens, ...village.remove(village.tablet, carol))
  })

  test('is of the epoch before the commit: nobody makes themselves an admin and acts as one at once', () => {
    const village = new Village()
    refused('only an admin changes the group', village.bens,
      changing(village.bens, { admins: [village.ben.accountId] }), ...village.remove(village.carol))
    village.go('annas', [changing(village.annas, { admins: [village.ben.accountId] })])
    allowed(village.bens, ...village.remove(village.carol))
    refused('only an admin removes others', village.annas, ...village.remove(village.carol))
  })

  test('lets everybody add where an admin said so, and everybody do all when the last admin is gone', () => {
    const village = new Village()
    const { annas, carol, ben } = village
    village.go('annas', [changing(annas, { membersMayAdd: true })])
    allowed(village.bens, adding(laptopOf(newAccount())))
    refused('only an admin removes others', village.bens, ...village.remove(carol))
    village.go('annas', [changing(village.annas, { admins: [newAccount().accountId] })])
    allowed(village.bens, ...village.remove(carol), changing(village.bens, { admins: [ben.accountId] }))
  })

  test('leaves each account its own devices: they come and go whoever is an admin', () => {
    const village = new Village('group', ['laptop', 'tablet'])
    allowed(village.bens, adding(village.phone))
    allowed(village.bens, ...village.remove(village.tablet))
    const away = under(village.bens, { kind: 'self' })
    allowed(away, adding(village.phone))
  })

  test('keeps a direct chat between two, and nobody removes the other there', () => {
    const village = new Village('direct', ['laptop', 'tablet'])
    const { annas, bens } = village
    for (const group of [annas, bens]) refused('a direct chat stays between two people', group, adding(village.carol))
    refused('only an admin removes others', annas, ...village.remove(village.laptop, village.tablet))
    const [first] = leavesOf(bens.tree)
    assert.ok(first !== undefined)
    refused('only an admin removes others', bens, { type: 'remove', removed: first.index })
    // Whoever is alone in it, as at its start, brings the other one in.
    const alone = viewOf(annas, people(annas).slice(0, 1))
    assert.equal(proposalRefusal(alone, { type: 'add', keyPackage: keyPackageOf(village.carol).keyPackage },
      { type: 'member', leafIndex: annas.ownLeaf }), undefined)
  })

  test('lets nobody else among own devices, and nobody but members do anything', () => {
    const { annas, bens, carol, watch } = new Village()
    const add: Proposal = { type: 'add', keyPackage: keyPackageOf(carol).keyPackage }
    assert.equal(proposed(under(annas, { kind: 'self' }), add), 'among own devices there is nobody else')
    const outside: readonly Sender[] = [
      { type: 'external', senderIndex: 0 }, { type: 'newMemberProposal' }, { type: 'newMemberCommit' },
    ]
    for (const sender of outside) assert.equal(proposed(annas, add, sender), 'only members change a group')
    const nowhere = { type: 'member', leafIndex: 4_095 as LeafIndex } as const
    assert.equal(proposed(annas, add, nowhere), 'the sender is not a member')
    // Whoever comes in from outside (RFC 9420 §12.4.3.2): a member, another device of one, a stranger.
    const comers = [[carol, leafOf(annas, carol)], [watch, undefined], [laptopOf(newAccount()), undefined]] as const
    for (const [device, replaces] of comers) {
      const { message } = joinExternally({
        suiteOf, groupInfo: groupInfo(annas, { externalPub: true }), credential: credentialOf(device),
        signatureKeyPair: device.key, ...leafLike(annas), authentication, ...replaces !== undefined && { replaces },
      })
      const received = receive(bens, message, { authentication })
      assert.ok(received.type === 'commit')
      assert.equal(commitRefusal(viewOf(bens, people(bens)), received.applied), 'only members commit')
    }
    seen.add('only members commit')
  })

  test('keeps its kind and its log, and has no use for what it does not know', () => {
    const { annas } = new Village()
    refused('a group keeps its kind and log', annas, changing(annas, { kind: 'self' }))
    refused('a group keeps its kind and log', annas, changing(annas, { kind: 'direct', name: '' }))
    refused('a group keeps its kind and log', annas, changing(annas, { log: suite.random(16) }))
    const psk = { type: 'external', pskId: suite.random(8) } as const
    const useless: readonly Proposal[] = [
      { type: 'preSharedKey', psk: { psk, pskNonce: suite.random(32) } },
      { type: 'reInit', groupId: suite.random(16), version: 1, cipherSuite: suite.id, extensions: [] },
      { type: 'externalInit', kemOutput: suite.random(32) }, { type: 'selfRemove' },
      { type: 'custom', tag: 0xf0f0, data: new Uint8Array(0) },
    ]
    for (const proposal of useless) assert.equal(proposed(annas, proposal), 'not used in Coppice groups')
    // Without a policy, or under one of a later version, nobody could judge.
    const { context } = annas
    const without = context.extensions.filter(({ extensionType }) => extensionType !== extensionTypes.policy)
    assert.throws(() => policyIn({ ...context, extensions: without }), (error) => error instanceof MlsError && error.code === 'malformed')
    seen.add('a group without a Coppice policy')
    const later = [...without, { extensionType: extensionTypes.policy, extensionData: Uint8Array.of(2, 0, 0) }]
    assert.throws(() => policyIn({ ...context, extensions: later }), (error) => error instanceof MlsError && error.code === 'unsupported')
    assert.throws(() => verdict(annas, [{ type: 'groupContextExtensions', extensions: without }]),
      (error) => error instanceof MlsError && error.code === 'malformed')
  })

  test('lets lists of who is absent and what was taken back change with a commit alone, even for an admin', () => {
    const village = new Village()
    const { annas, bens } = village
    const lists = [
      withAbsent(annas.context.extensions, [{ accountId: 'ab'.repeat(32), incarnation: 0n }]),
      (village.revoke(village.tablet.key, 3), village.list()),
    ] as const
    const said = [{ type: 'groupContextExtensions', extensions: lists[0] } as const, lists[1]].map((proposal) => {
      const received = receive(bens, propose(annas, proposal).message, { authentication })
      assert.ok(received.type === 'proposal')
      return proposed(bens, received.proposal, received.sender)
    })
    assert.deepEqual(said, ['who is absent changes with a commit', 'what was taken back changes with a commit'])
  })

  test('was seen to refuse by each of its sentences', () => {
    const source = readFileSync(new URL('../../main/chat/policy.ts', import.meta.url), 'utf8')
    const sentences = [...source.matchAll(/'([a-z]+ [^'.\n]+)'/g)].map(([, sentence]) => sentence)
    assert.ok(sentences.length >= 13, String(sentences.length))
    assert.deepEqual(sentences.filter((sentence) => !seen.has(sentence ?? '')), [])
  })
})

const leafOf = (group: Group, { key }: Device): LeafIndex => {
  const found = leavesOf(group.tree).find(({ leafNode }) => Buffer.from(key.publicKey).equals(leafNode.signatureKey))
  assert.ok(found !== undefined)
  return found.index
}

/** What a leaf of this group can, as its maker's own. */
function leafLike({ tree }: Group) {
  const [first] = leavesOf(tree)
  assert.ok(first !== undefined)
  const { capabilities, extensions } = first.leafNode
  return { capabilities, leafExtensions: extensions }
}
