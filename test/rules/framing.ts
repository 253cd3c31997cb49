import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode, encode } from '../../main/mls/codec.ts'
import { checkProposal } from '../../main/mls/group/proposals.ts'
import { ExternalSenders, extensionType, forgetPast, mls10, MLSMessage, trusting } from '../../main/mls/index.ts'
import { bytes, type Member } from '../mls/group-world.ts'
import { byValue, forge, forgeCommit, forgeProposal, refusedBy, resignedPackage, world } from './forge.ts'
import { refused } from './refusals.ts'

describe('a member refuses', () => {
  const [alice, mallory] = world.gather('alice', 'mallory') as [Member, Member]
  const remove = { type: 'remove', removed: alice.group.ownLeaf } as const

  test('a message of another protocol version (6.version)', () => {
    for (const version of [0, 2, 256]) {
      const message = encode(MLSMessage, forgeProposal(mallory.group, remove))
      message.set([version >> 8, version & 0xff])
      refused('6.version', () => decode(MLSMessage, message))
    }
  })

  test('a KeyPackage of another version than the message around it (10.version)', () => {
    const keyPackage = resignedPackage(world.guest('bob'), { version: 2 })
    const message = encode(MLSMessage, { version: mls10, body: { type: 'keyPackage', keyPackage } })
    refused('10.version', () => decode(MLSMessage, message))
  })

  test('a message that was read before, and one of an epoch that is forgotten (9.2.deleted)', () => {
    const [bob, carol] = world.gather('bob', 'carol') as [Member, Member]
    const messages = [bob.say('once'), bob.say('twice')] as const
    carol.hear(messages[1])
    refusedBy(carol, '9.2.deleted', messages[1])
    world.commit(bob, [carol])
    carol.keep(forgetPast(carol.group, { keep: 0 }))
    refusedBy(carol, '9.2.deleted', messages[0])
  })

  test('a message that names another group (6.group)', () => {
    refusedBy(alice, '6.group', forgeProposal(mallory.group, remove, { groupId: bytes('another') }))
  })

  test('a handshake of an epoch that is over (6.epoch)', () => {
    refusedBy(alice, '6.epoch', forgeProposal(mallory.group, remove, { epoch: 0n }))
    refusedBy(alice, '6.epoch', forgeCommit(mallory.group, [], { epoch: 0n }))
  })

  test('application data in a PublicMessage (6.application-private)', () => {
    refusedBy(alice, '6.application-private', forge(mallory.group, { type: 'application', applicationData: bytes('x') }))
  })

  test('a sender that is no leaf, and an external one that the group does not know (6.1.sender)', () => {
    const sender = { type: 'member', leafIndex: world.found('far').group.ownLeaf } as const
    const blank = { ...sender, leafIndex: (mallory.group.ownLeaf + 1) as typeof sender.leafIndex }
    refusedBy(alice, '6.1.sender', forgeProposal(mallory.group, remove, { sender: blank }))
    const external = { type: 'external', senderIndex: 0 } as const
    refusedBy(alice, '6.1.sender', forgeProposal(mallory.group, remove, { sender: external }))
  })

  test('a message signed with another key, or altered (6.1.signature)', () => {
    const { privateKey: signaturePrivateKey } = world.suite.signatureKeyPair()
    refusedBy(alice, '6.1.signature', forgeProposal(mallory.group, remove, { signaturePrivateKey }))
    refusedBy(alice, '6.1.signature', forgeProposal(mallory.group, remove, {
      sender: { type: 'member', leafIndex: alice.group.ownLeaf },
    }))
  })

  test('a membership tag that is not the message\'s (6.2.membership-tag)', () => {
    const { body } = forgeProposal(mallory.group, remove)
    assert.equal(body.type, 'publicMessage')
    const publicMessage = { ...body.publicMessage, membershipTag: new Uint8Array(32) }
    refusedBy(alice, '6.2.membership-tag', { version: 1, body: { type: 'publicMessage', publicMessage } })
  })

  test('a new member who proposes to remove somebody (6.1.new-member-proposal)', () => {
    refusedBy(alice, '6.1.new-member-proposal',
      forgeProposal(mallory.group, remove, { sender: { type: 'newMemberProposal' } }))
  })

  test('a new member who sends a proposal as if it were a commit (6.1.new-member-commit)', () => {
    refusedBy(alice, '6.1.new-member-commit',
      forgeProposal(mallory.group, remove, { sender: { type: 'newMemberCommit' } }))
  })
})

describe('of a sender outside of the group', () => {
  const warden = world.person('warden')
  const { credential, signatureKeyPair: { publicKey: signatureKey, privateKey: signaturePrivateKey } } = warden.leaf
  const extensionData = encode(ExternalSenders, [{ signatureKey, credential }])
  const alice = world.found('alice', [{ extensionType: extensionType.externalSenders, extensionData }])
  const sender = { type: 'external', senderIndex: 0 } as const
  const outside = { sender, signaturePrivateKey }

  test('a member takes an Add, and a commit may refer to it', () => {
    const { keyPackage } = world.guest('bob')
    const received = alice.receive(forgeProposal(alice.group, { type: 'add', keyPackage }, outside))
    assert.ok(received.type === 'proposal' && received.refused === undefined)
    assert.deepEqual(received.sender, sender)
    assert.deepEqual(alice.prepare().applied.added.length, 1)
  })

  test('a member refuses a commit (6.1.external-content)', () => {
    refusedBy(alice, '6.1.external-content', forgeCommit(alice.group, byValue(), outside))
  })

  test('a member refuses an Update and an ExternalInit (12.1.8.type)', () => {
    const { leafNode } = world.guest('bob').keyPackage
    for (const proposal of [{ type: 'update', leafNode }, { type: 'externalInit', kemOutput: bytes('x') }] as const) {
      const received = alice.receive(forgeProposal(alice.group, proposal, outside))
      assert.ok(received.type === 'proposal')
      assert.equal(received.refused, '12.1.8.type')
      refused('12.1.8.type', () => { checkProposal(alice.group, { proposal, sender, authentication: trusting }) })
    }
  })

  test('a member takes the request of somebody who wants to be added, signed with the KeyPackage\'s key', () => {
    const carol = world.guest('carol')
    const request: MLSMessage = forgeProposal(alice.group, { type: 'add', keyPackage: carol.keyPackage }, {
      sender: { type: 'newMemberProposal' }, signaturePrivateKey: carol.person.signatureKeyPair.privateKey,
    })
    const received = alice.receive(request)
    assert.ok(received.type === 'proposal' && received.refused === undefined)
    refusedBy(alice, '6.1.signature', forgeProposal(alice.group, { type: 'add', keyPackage: carol.keyPackage }, {
      sender: { type: 'newMemberProposal' },
    }), trusting)
  })
})
