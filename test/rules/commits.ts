import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encode } from '../../main/mls/codec.ts'
import { provisionalContext } from '../../main/mls/group/epoch.ts'
import { applyProposals } from '../../main/mls/group/proposal-list.ts'
import {
  commit, extensionType, generateKeyPackage, GroupContext, groupInfo, joinExternally, propose, receive,
  RequiredCapabilities, trusting, type Authentication, type CommitOptions, type Credential, type Group, type GroupInfo, type KeyPackage, type LeafIndex, type MLSMessage,
  type Proposal, type RuleId,
} from '../../main/mls/index.ts'
import { encryptPath, newPath } from '../../main/mls/tree/path.ts'
import { leafAt } from '../../main/mls/tree/ratchet-tree.ts'
import { ExternalPub } from '../../main/mls/wire/extension.ts'
import type { Content } from '../../main/mls/wire/framing.ts'
import type { LeafNode, UpdatePath } from '../../main/mls/wire/node.ts'
import type { ProposalOrRef } from '../../main/mls/wire/proposal.ts'
import { bytes, custom, snapshot, travelled, type Member } from '../mls/group-world.ts'
import {
  byValue, distrusting, forge, forgeCommit, forgeProposal, forgeUpdate, pskProposal, refusedBy,
  resignedLeaf, resignedPackage, suite, world, type Forged,
} from './forge.ts'
import { refused } from './refusals.ts'

const add = (keyPackage: KeyPackage): Proposal => ({ type: 'add', keyPackage })
const remove = (removed: LeafIndex): Proposal => ({ type: 'remove', removed })
const extensions = (...types: readonly number[]): Proposal =>
  ({ type: 'groupContextExtensions', extensions: types.map((each) => ({ extensionType: each, extensionData: bytes('') })) })

function requiring(types: Partial<RequiredCapabilities>): Proposal {
  const extensionData = encode(RequiredCapabilities, {
    extensionTypes: [], proposalTypes: [], credentialTypes: [], ...types,
  })
  const extension = { extensionType: extensionType.requiredCapabilities, extensionData }
  return { type: 'groupContextExtensions', extensions: [extension] }
}

describe('a list of proposals is refused (RFC 9420 §12.2)', () => {
  const [alice, mallory, carol] = world.gather('alice', 'mallory', 'carol') as [Member, Member, Member]
  const isRefused = (rule: RuleId, ...proposals: readonly Proposal[]): void => {
    refusedBy(alice, rule, forgeCommit(mallory.group, byValue(...proposals)))
  }
  /** Proposals with messages of their own, and the group of a member who has read them. */
  const proposed = (from: Member, ...proposals: readonly Proposal[]) => {
    let { group } = alice
    const references: ProposalOrRef[] = []
    for (const proposal of proposals) {
      const received = receive(group, travelled(forgeProposal(from.group, proposal)), { authentication: trusting })
      assert.ok(received.type === 'proposal' && received.refused === undefined)
      group = received.group
      references.push({ type: 'reference', reference: received.reference })
    }
    return { group, references }
  }

  test('with an Update of the committer, by value or by reference (12.2.own-update)', () => {
    const update = forgeUpdate(mallory)
    isRefused('12.2.own-update', update)
    const { group, references } = proposed(mallory, update)
    refused('12.2.own-update', () =>
      receive(group, forgeCommit(mallory.group, references), { authentication: trusting }))
  })

  test('with the removal of the committer (12.2.own-removal)', () => {
    isRefused('12.2.own-removal', remove(mallory.group.ownLeaf))
  })

  test('with two changes of one leaf (12.2.one-change)', () => {
    isRefused('12.2.one-change', remove(carol.group.ownLeaf), remove(carol.group.ownLeaf))
    const { group, references } = proposed(carol, forgeUpdate(carol), forgeUpdate(carol))
    const [update] = references
    assert.ok(update !== undefined)
    for (const list of [references, [update, ...byValue(remove(carol.group.ownLeaf))]]) {
      refused('12.2.one-change', () => receive(group, forgeCommit(mallory.group, list), { authentication: trusting }))
    }
  })

  test('with one client twice (12.2.add-twice)', () => {
    const bob = world.guest('bob')
    const other = bob.person.keyPackage().keyPackage
    isRefused('12.2.add-twice', add(bob.keyPackage), add(other))
    // Two devices with two keys are one client, if the application says so.
    const authentication: Authentication = distrusting({ clientOf: nameOf })
    const twins = byValue(add(world.guest('twin').keyPackage), add(world.guest('twin').keyPackage))
    refusedBy(alice, '12.2.add-twice', forgeCommit(mallory.group, twins), authentication)
  })

  test('with a client who is a member and stays one (12.2.add-member)', () => {
    const { keyPackage } = carol.person.keyPackage()
    isRefused('12.2.add-member', add(keyPackage))
    const removal = { type: 'remove', removed: carol.group.ownLeaf } as const
    const made = mallory.prepare({ proposals: [{ type: 'add', keyPackage }, removal] })
    assert.equal(made.applied.added.length, 1)
  })

  test('with one PSK twice (12.2.psk-twice)', () => {
    isRefused('12.2.psk-twice', pskProposal(), pskProposal())
  })

  test('with two lists of extensions (12.2.extensions-twice)', () => {
    isRefused('12.2.extensions-twice', extensions(), extensions(custom))
  })

  test('with a ReInit beside another proposal (12.2.reinit-alone)', () => {
    isRefused('12.2.reinit-alone', pskProposal(),
      { type: 'reInit', groupId: bytes('next'), version: 1, cipherSuite: 1, extensions: [] })
  })

  test('which refers to a proposal that is not here (12.4.reference)', () => {
    refusedBy(alice, '12.4.reference',
      forgeCommit(mallory.group, [{ type: 'reference', reference: suite.random(32) }]))
  })

  test('with a PSK that is not here (12.4.2.psk-held)', () => {
    isRefused('12.4.2.psk-held', pskProposal())
  })

  test('with more PSKs than can be counted (8.4.count)', () => {
    const proposals = Array.from({ length: 0x1_0000 }, (_, at): ProposalOrRef => {
      const pskNonce = new Uint8Array(suite.hashLength)
      pskNonce.set([at >> 8, at & 0xff])
      return { type: 'proposal', proposal: pskProposal({ pskNonce }) }
    })
    refusedBy(alice, '8.4.count', forgeCommit(mallory.group, proposals))
  })

  test('with a type that some members do not know (12.2.unsupported-type)', () => {
    const unknown = { type: 'custom', tag: 0xf00d, data: bytes('x') } as const
    isRefused('12.2.unsupported-type', unknown)
    refused('12.2.unsupported-type', () => propose(mallory.group, unknown))
  })

  test('which needs a path and has none (12.4.path-required)', () => {
    isRefused('12.4.path-required')
    isRefused('12.4.path-required', remove(carol.group.ownLeaf))
    isRefused('12.4.path-required', extensions())
    isRefused('12.4.path-required', pskProposal(), remove(carol.group.ownLeaf))
  })

  test('which adds a member with the keys of another one (7.3.unique-encryption-key)', () => {
    const encryptionKey = leafAt(alice.group.tree, carol.group.ownLeaf)?.encryptionKey
    assert.ok(encryptionKey !== undefined)
    isRefused('7.3.unique-encryption-key', add(resignedPackage(world.guest('bob'), { leaf: { encryptionKey } })))
  })

  test('which adds a member whose credential others cannot read (7.3.credential-support)', () => {
    const bob = world.guest('bob')
    const { capabilities } = bob.keyPackage.leafNode
    const leaf = {
      credential: { type: 'x509', certificates: [] }, capabilities: { ...capabilities, credentials: [1, 2] },
    } as const
    isRefused('7.3.credential-support', add(resignedPackage(bob, { leaf })))
  })
})

const nameOf = (credential: Credential): string =>
  credential.type === 'basic' ? new TextDecoder().decode(credential.identity) : ''

/** A commit by value with an honest path, whatever its list does to the tree and the extensions. */
function withPath(group: Group, proposals: readonly Proposal[], change: {
  readonly template?: Partial<LeafNode>
  readonly path?: (path: UpdatePath) => UpdatePath
} = {}): MLSMessage {
  const leafNode = leafAt(group.tree, group.ownLeaf)
  assert.ok(leafNode !== undefined)
  const sender = { type: 'member', leafIndex: group.ownLeaf } as const
  const { tree, extensions, added } = applyProposals(group,
    proposals.map((proposal) => ({ proposal, sender, pending: undefined })),
    { committer: group.ownLeaf, authentication: trusting })
  const path = newPath(suite, {
    tree, leaf: group.ownLeaf, template: { ...leafNode, ...change.template },
    groupId: group.context.groupId, signaturePrivateKey: group.signaturePrivateKey,
  })
  const context = encode(GroupContext, provisionalContext(group, { tree: path.tree, extensions }))
  const updatePath = encryptPath(suite, { path, context, exclude: new Set(added.map(({ index }) => index)) })
  return forgeCommit(group, byValue(...proposals), { path: change.path?.(updatePath) ?? updatePath })
}

describe('a commit with a path is refused', () => {
  const [alice, mallory] = world.gather('alice', 'mallory', 'carol') as [Member, Member, Member]

  test('when its group requires what some members lack (7.3.required-capabilities)', () => {
    for (const types of [{ extensionTypes: [0xf00d] }, { proposalTypes: [0xf00d] }, { credentialTypes: [2] }]) {
      refusedBy(alice, '7.3.required-capabilities', withPath(mallory.group, [requiring(types)]))
    }
  })

  test('when its group has an extension that some members do not support (13.4.group-extensions)', () => {
    refusedBy(alice, '13.4.group-extensions', withPath(mallory.group, [extensions(0xf00d)]))
  })

  test('when it adds somebody who lacks what it lets the group have (7.3.required-capabilities, 13.4.group-extensions)',
    () => {
      // RFC 9420 §12.3: "The new `extensions` MUST be used when evaluating other proposals in this list."
      const bob = world.guest('bob')
      const { capabilities } = bob.keyPackage.leafNode
      const able = add(bob.keyPackage)
      const unable = add(resignedPackage(bob, { leaf: { capabilities: { ...capabilities, extensions: [] } } }))
      for (const [rule, list] of [
        ['7.3.required-capabilities', requiring({ extensionTypes: [custom] })],
        ['13.4.group-extensions', extensions(custom)],
      ] as const) {
        refusedBy(alice, rule, withPath(mallory.group, [unable, list]))
        refusedBy(alice, '12.4.2.confirmation-tag', withPath(mallory.group, [able, list]))
      }
    })

  test('with the old encryption key of its maker (12.4.2.leaf-key)', () => {
    const encryptionKey = leafAt(mallory.group.tree, mallory.group.ownLeaf)?.encryptionKey
    assert.ok(encryptionKey !== undefined)
    const place = { groupId: mallory.group.context.groupId, leafIndex: mallory.group.ownLeaf }
    refusedBy(alice, '12.4.2.leaf-key', withPath(mallory.group, [], {
      path: (path) => ({
        ...path,
        leafNode: resignedLeaf(path.leafNode, {
          encryptionKey, place, signaturePrivateKey: mallory.group.signaturePrivateKey,
        }),
      }),
    }))
  })

  test('with a key in its path that nobody can encrypt to (5.1.1.encryption-key)', () => {
    refusedBy(alice, '5.1.1.encryption-key', withPath(mallory.group, [], {
      path: ({ nodes, ...rest }) => ({ ...rest, nodes: nodes.map((node, at) =>
        at === 0 ? { ...node, encryptionKey: new Uint8Array(32) } : node) }),
    }))
  })

  test('with a credential that is not acceptable (5.3.1.credential, 5.3.1.successor)', () => {
    const message = withPath(mallory.group, [], { template: { credential: { type: 'basic', identity: bytes('alice') } } })
    refusedBy(alice, '5.3.1.credential', message, distrusting({ validate: () => 'not hers' }))
    refusedBy(alice, '5.3.1.successor', message, distrusting({ validateSuccessor: () => 'somebody else' }))
  })

  test('with a confirmation tag of another epoch (12.4.2.confirmation-tag)', () => {
    refusedBy(alice, '12.4.2.confirmation-tag', withPath(mallory.group, []))
    refusedBy(alice, '12.4.2.confirmation-tag',
      forgeCommit(mallory.group, byValue(add(world.guest('bob').keyPackage))))
  })
})

describe('a commit in the last of all epochs is refused', () => {
  test('for there is no number for the next one (12.epoch)', () => {
    const [alice, mallory] = world.gather('alice', 'mallory') as [Member, Member]
    const last = (group: Group): Group => ({ ...group, context: { ...group.context, epoch: 2n ** 64n - 1n } })
    const { keyPackage } = world.guest('bob')
    const message = forgeCommit(last(mallory.group), byValue(add(keyPackage)))
    refused('12.epoch', () => receive(last(alice.group), message, { authentication: trusting }))
    refused('12.epoch', () => commit(last(alice.group), { authentication: trusting }))
  })
})

describe('an external commit is refused', () => {
  const [alice, bob] = world.gather('alice', 'bob') as [Member, Member]
  const dave = world.person('dave')

  const joining = (info: GroupInfo, replaces?: LeafIndex): MLSMessage => joinExternally({
    suiteOf: world.suiteOf, groupInfo: info, ...dave.leaf, authentication: trusting,
    ...(replaces === undefined ? {} : { replaces }),
  }).message

  /** The commit of an honest newcomer with another content, signed again. */
  function altered(change: (content: Extract<Content, { type: 'commit' }>) => Content, forged: Forged = {}): MLSMessage {
    const { body } = joining(groupInfo(alice.group, { externalPub: true }))
    assert.equal(body.type, 'publicMessage')
    const { content } = body.publicMessage.content
    assert.equal(content.type, 'commit')
    const { privateKey: signaturePrivateKey } = dave.signatureKeyPair
    return forge(alice.group, change(content), { sender: { type: 'newMemberCommit' }, signaturePrivateKey, ...forged })
  }

  const listing = (change: (proposals: readonly ProposalOrRef[]) => readonly ProposalOrRef[]): MLSMessage =>
    altered(({ type, commit }) => ({ type, commit: { ...commit, proposals: change(commit.proposals) } }))

  test('by the newcomer, when the GroupInfo has no key for it (12.4.3.2.external-pub)', () => {
    refused('12.4.3.2.external-pub', () => joining(groupInfo(alice.group)))
    const info = groupInfo(alice.group, { externalPub: true })
    const key = info.extensions.find((each) => each.extensionType === extensionType.externalPub)
    // The key carries a length of its own inside the extension.
    assert.deepEqual(key?.extensionData.slice(0, 1), Uint8Array.of(32))
    assert.equal(encode(ExternalPub, { externalPub: new Uint8Array(32) }).length, key.extensionData.length)
  })

  test('by the newcomer, who is a member already and replaces nobody (12.4.3.group-id)', () => {
    const options = {
      suiteOf: world.suiteOf, groupInfo: groupInfo(alice.group, { externalPub: true }), ...bob.person.leaf,
      authentication: trusting, groups: () => bob.group,
    }
    refused('12.4.3.group-id', () => joinExternally(options))
    assert.equal(joinExternally({ ...options, replaces: bob.group.ownLeaf }).group.context.epoch, 2n)
  })

  test('with an ExternalInit that gives no secret (5.1.3.public-key)', () => {
    const withKem = (kemOutput: Uint8Array): MLSMessage => listing(() => byValue({ type: 'externalInit', kemOutput }))
    refusedBy(alice, '5.1.3.public-key', withKem(new Uint8Array(32)))
    refusedBy(alice, '5.1.3.public-key', withKem(suite.random(31)))
  })

  test('which the newcomer has not signed with the key of its leaf (6.1.signature)', () => {
    const { privateKey: signaturePrivateKey } = suite.signatureKeyPair()
    refusedBy(alice, '6.1.signature', altered((content) => content, { signaturePrivateKey }))
  })

  test('without a path (12.4.3.2.path)', () => {
    refusedBy(alice, '12.4.3.2.path', altered(({ type, commit }) => ({ type, commit: { ...commit, path: undefined } })))
  })

  test('with a proposal by reference (12.4.3.2.reference)', () => {
    refusedBy(alice, '12.4.3.2.reference',
      listing((proposals) => [...proposals, { type: 'reference', reference: suite.random(32) }]))
  })

  test('without an ExternalInit, or with two (12.2.external-commit-init)', () => {
    refusedBy(alice, '12.2.external-commit-init', listing(() => []))
    refusedBy(alice, '12.2.external-commit-init', listing((proposals) => [...proposals, ...proposals]))
  })

  test('with two Removes (12.2.external-commit-remove)', () => {
    const removals = byValue(remove(alice.group.ownLeaf), remove(bob.group.ownLeaf))
    refusedBy(alice, '12.2.external-commit-remove', listing((proposals) => [...proposals, ...removals]))
  })

  test('with an Add, an Update or new extensions (12.2.external-commit-types)', () => {
    for (const other of [add(world.guest('eve').keyPackage), forgeUpdate(bob), extensions()]) {
      refusedBy(alice, '12.2.external-commit-types', listing((proposals) => [...proposals, ...byValue(other)]))
    }
  })

  test('when it replaces somebody whom the newcomer may not succeed (5.3.1.successor)', () => {
    const message = joining(groupInfo(alice.group, { externalPub: true }), bob.group.ownLeaf)
    refusedBy(alice, '5.3.1.successor', message, distrusting({ validateSuccessor: () => 'not Bob' }))
    refusedBy(alice, '5.3.1.credential', message, distrusting({ validate: () => 'a stranger' }))
  })
})

describe('a commit is not even made', () => {
  const [alice] = world.gather('alice', 'bob') as [Member, Member]
  const notMade = (rule: RuleId, options: Partial<CommitOptions>): void => {
    const before = snapshot(alice.group)
    refused(rule, () => commit(alice.group, { authentication: trusting, ...options }))
    assert.deepEqual(snapshot(alice.group), before)
  }

  test('with a KeyPackage of another cipher suite (10.1.cipher-suite)', () => {
    const other = world.suiteOf(3)
    assert.ok(other !== undefined)
    const { leaf } = world.person('bob')
    const { keyPackage } = generateKeyPackage(other, {
      ...leaf, capabilities: { ...leaf.capabilities, cipherSuites: [3] },
    })
    notMade('10.1.cipher-suite', { proposals: [{ type: 'add', keyPackage }] })
  })

  test('with a credential that its maker\'s own service does not accept (5.3.1.credential)', () => {
    notMade('5.3.1.credential', { authentication: distrusting({ validate: () => 'expired' }) })
  })
})
