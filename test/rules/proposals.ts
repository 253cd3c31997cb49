import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encode } from '../../main/mls/codec.ts'
import {
  ExternalSenders, extensionType, leafAt, propose, receive, trusting, type Authentication, type Group,
  type LeafIndex, type Proposal, type RuleId,
} from '../../main/mls/index.ts'
import { bytes, custom, travelled, type Member } from '../mls/group-world.ts'
import {
  byValue, distrusting, forgeCommit, forgeProposal, forgeUpdate, pskProposal, refusedBy, resignedPackage, world,
} from './forge.ts'
import { refused } from './refusals.ts'

// RFC 9420 §12.1: what is wrong with a proposal by itself. It is refused where it is committed by value, and where a
// commit refers to it; when it comes alone, it is kept with its rule, so that such a commit is not undecided.

describe('a proposal is refused, by value and by reference,', () => {
  const [alice, mallory] = world.gather('alice', 'mallory') as [Member, Member]

  function isRefused(rule: RuleId, proposal: Proposal, authentication: Authentication = trusting): void {
    // An Update by value is another offence already: the committer's own.
    if (proposal.type !== 'update') {
      refusedBy(alice, rule, forgeCommit(mallory.group, byValue(proposal)), authentication)
    }
    const received = receive(alice.group, travelled(forgeProposal(mallory.group, proposal)), { authentication })
    assert.ok(received.type === 'proposal')
    assert.equal(received.refused, rule)
    const told: Group = received.group
    const commit = forgeCommit(mallory.group, [{ type: 'reference', reference: received.reference }])
    refused(rule, () => receive(told, commit, { authentication }))
  }

  test('if it removes a blank leaf (12.1.3.removed)', () => {
    isRefused('12.1.3.removed', { type: 'remove', removed: 9 as LeafIndex })
  })

  test('if it adds an invalid KeyPackage (10.1.signature, 10.init-key, 5.1.1.encryption-key)', () => {
    const guest = world.guest('bob')
    const { keyPackage: { initKey } } = world.guest('carol')
    isRefused('10.1.signature', { type: 'add', keyPackage: { ...guest.keyPackage, initKey } })
    const unusable = new Uint8Array(32)
    isRefused('10.init-key', { type: 'add', keyPackage: resignedPackage(guest, { initKey: unusable }) })
    const keyPackage = resignedPackage(guest, { leaf: { encryptionKey: unusable } })
    isRefused('5.1.1.encryption-key', { type: 'add', keyPackage })
  })

  test('if it adds a client of another cipher suite (10.1.cipher-suite)', () => {
    isRefused('10.1.cipher-suite', { type: 'add', keyPackage: resignedPackage(world.guest('bob'), { cipherSuite: 3 }) })
  })

  test('if its PSK is one of reinitialization or branching (12.1.4.usage)', () => {
    for (const usage of ['reinit', 'branch'] as const) isRefused('12.1.4.usage', pskProposal({ usage }))
  })

  test('if the nonce of its PSK is too short or too long (12.1.4.nonce)', () => {
    for (const length of [0, 31, 33]) isRefused('12.1.4.nonce', pskProposal({ pskNonce: new Uint8Array(length) }))
  })

  test('if it goes back to an older version (12.1.5.version)', () => {
    isRefused('12.1.5.version', { type: 'reInit', groupId: bytes('next'), version: 0, cipherSuite: 1, extensions: [] })
  })

  test('if it wants to join from outside and comes from a member (12.2.external-init)', () => {
    isRefused('12.2.external-init', { type: 'externalInit', kemOutput: bytes('x') })
  })

  test('if it has one extension twice (13.4.unique-extension)', () => {
    const extension = { extensionType: custom, extensionData: bytes('x') }
    const extensions = [extension, extension]
    isRefused('13.4.unique-extension', { type: 'groupContextExtensions', extensions })
    isRefused('13.4.unique-extension', { type: 'reInit', groupId: bytes('next'), version: 1, cipherSuite: 1, extensions })
  })

  test('if its required capabilities are none (2.1.truncated)', () => {
    const extension = { extensionType: extensionType.requiredCapabilities, extensionData: bytes('') }
    isRefused('2.1.truncated', { type: 'groupContextExtensions', extensions: [extension] })
  })

  test('if it lets in an external sender whom nobody vouches for (5.3.1.external-sender)', () => {
    const { credential, signatureKeyPair } = world.person('warden').leaf
    const extensionData = encode(ExternalSenders, [{ credential, signatureKey: signatureKeyPair.publicKey }])
    const authentication = distrusting({ validate: () => 'a stranger' })
    const extensions = [{ extensionType: extensionType.externalSenders, extensionData }]
    isRefused('5.3.1.external-sender', { type: 'groupContextExtensions', extensions }, authentication)
  })

  test('if it updates a leaf without a new encryption key (7.3.update-key)', () => {
    const encryptionKey = leafAt(mallory.group.tree, mallory.group.ownLeaf)?.encryptionKey
    assert.ok(encryptionKey !== undefined)
    isRefused('7.3.update-key', forgeUpdate(mallory, { encryptionKey }))
  })

  test('if it updates a leaf with one that was made for a KeyPackage (7.3.source)', () => {
    isRefused('7.3.source', { type: 'update', leafNode: world.guest('mallory').keyPackage.leafNode })
  })

  test('if it updates a leaf with one that is signed for another place (7.3.signature)', () => {
    isRefused('7.3.signature', forgeUpdate(alice, { keys: mallory.person.signatureKeyPair }))
  })

  test('if it updates a credential to one that is not acceptable (5.3.1.credential, 5.3.1.successor)', () => {
    const update = forgeUpdate(mallory, { credential: { type: 'basic', identity: bytes('alice') } })
    isRefused('5.3.1.credential', update, distrusting({ validate: () => 'not hers' }))
    isRefused('5.3.1.successor', update, distrusting({ validateSuccessor: () => 'another person' }))
  })

  test('and its maker\'s own engine does not send it', () => {
    refused('12.1.3.removed', () => propose(mallory.group, { type: 'remove', removed: 9 as LeafIndex }))
  })
})
