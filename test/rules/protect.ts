import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encode } from '../../main/mls/codec.ts'
import {
  protectPrivate, protectPublic, senderDataKey, signContent, unprotectPrivate, unprotectPublic,
} from '../../main/mls/group/protect.ts'
import { forwardLimit, nextKey, secretTree, type SecretTree } from '../../main/mls/schedule/secret-tree.ts'
import { Secret } from '../../main/mls/secret.ts'
import {
  PrivateContentAAD, privateMessageContent, SenderData, SenderDataAAD, type AuthenticatedContent, type Content,
  type ContentWireFormat, type FramedContent, type PrivateMessage, type PublicMessage, type Sender,
} from '../../main/mls/wire/framing.ts'
import type { GroupContext } from '../../main/mls/wire/group-context.ts'
import { mls10 } from '../../main/mls/wire/key-package.ts'
import type { LeafIndex } from '../../main/mls/wire/node.ts'
import { pairOf } from '../crypto/suites.ts'
import { refused } from './refusals.ts'

// What a receiver refuses at the frame of a message (RFC 9420 §6), each by its rule.

const suite = pairOf(3).native
const alice = 0 as LeafIndex
const groupId = Uint8Array.of(9, 9)
const signer = suite.signatureKeyPair()
const membershipKey = new Secret(new Uint8Array(32).fill(1))
const senderDataSecret = new Secret(new Uint8Array(32).fill(2))
const freshTree = (): SecretTree => secretTree(new Secret(new Uint8Array(32).fill(3)), 2)
const context: GroupContext = {
  version: mls10, cipherSuite: suite.id, groupId, epoch: 4n, treeHash: new Uint8Array(32),
  confirmedTranscriptHash: new Uint8Array(32), extensions: [],
}

const remove: Content = { type: 'proposal', proposal: { type: 'remove', removed: 1 as LeafIndex } }
const commit: Content = { type: 'commit', commit: { proposals: [], path: undefined } }
const text: Content = { type: 'application', applicationData: new TextEncoder().encode('hello') }
const member: Sender = { type: 'member', leafIndex: alice }

function signed(
  content: Content, wireFormat: ContentWireFormat, changes: Partial<FramedContent> = {},
): AuthenticatedContent {
  const framed: FramedContent = {
    groupId, epoch: 4n, sender: member, authenticatedData: Uint8Array.of(7), content, ...changes,
  }
  const signature = signContent(suite, {
    wireFormat, content: framed, context, signaturePrivateKey: signer.privateKey,
  })
  const confirmationTag = content.type === 'commit' ? new Uint8Array(32) : undefined
  return { wireFormat, content: framed, auth: { signature, confirmationTag } }
}

const misuse = { name: 'MlsError', code: 'misuse' }

describe('a PublicMessage', () => {
  const publicOf = (authenticated: AuthenticatedContent): PublicMessage =>
    protectPublic(suite, { authenticated, context, membershipKey })
  const read = (message: PublicMessage, signatureKey = signer.publicKey): AuthenticatedContent =>
    unprotectPublic(suite, { message, context, membershipKey, signatureKeyOf: () => signatureKey })

  test('comes through from a member, and from the senders outside', () => {
    assert.deepEqual(read(publicOf(signed(remove, 'publicMessage'))), signed(remove, 'publicMessage'))
    for (const sender of [{ type: 'external', senderIndex: 3 }, { type: 'newMemberCommit' }] as const) {
      const content = sender.type === 'external' ? remove : commit
      const message = publicOf(signed(content, 'publicMessage', { sender }))
      assert.equal(message.membershipTag, undefined)
      assert.deepEqual(read(message).content.sender, sender)
    }
  })

  test('is refused with a membership tag of somebody who is no member', () => {
    const message = publicOf(signed(remove, 'publicMessage'))
    const forged = message.membershipTag?.map((octet) => octet ^ 1)
    refused('6.2.membership-tag', () => read({ ...message, membershipTag: forged }))
    refused('6.2.membership-tag', () => read({ ...message, membershipTag: undefined }))
  })

  test('is refused with a signature of another member', () => {
    const message = publicOf(signed(remove, 'publicMessage'))
    const stranger = suite.signatureKeyPair().publicKey
    refused('6.1.signature', () => read(message, stranger))
  })

  test('is refused when it was signed in another group context', () => {
    const message = publicOf(signed(commit, 'publicMessage', { sender: { type: 'newMemberCommit' } }))
    const elsewhere = { ...context, treeHash: new Uint8Array(32).fill(1) }
    refused('6.1.signature', () => unprotectPublic(suite, {
      message, context: elsewhere, membershipKey, signatureKeyOf: () => signer.publicKey,
    }))
  })

  test('is refused in another group, and in another epoch', () => {
    const elsewhere = publicOf(signed(remove, 'publicMessage', { groupId: Uint8Array.of(1) }))
    refused('6.group', () => read(elsewhere))
    refused('6.epoch', () => read(publicOf(signed(remove, 'publicMessage', { epoch: 3n }))))
  })

  test('carries no application data: not made, and not read', () => {
    assert.throws(() => publicOf(signed(text, 'publicMessage')), misuse)
    const { content, auth } = signed(text, 'publicMessage')
    refused('6.application-private', () => read({ content, auth, membershipTag: new Uint8Array(32) }))
  })

  test('carries from each sender only what that sender may send', () => {
    const cases = [
      [{ type: 'external', senderIndex: 0 }, commit, '6.1.external-content'],
      [{ type: 'newMemberCommit' }, remove, '6.1.new-member-commit'],
      [{ type: 'newMemberProposal' }, remove, '6.1.new-member-proposal'],
      [{ type: 'newMemberProposal' }, commit, '6.1.new-member-proposal'],
    ] as const
    for (const [sender, content, rule] of cases) {
      refused(rule, () => read(publicOf(signed(content, 'publicMessage', { sender }))))
    }
  })

  test('is not made of content that was signed for a PrivateMessage, nor by a member without the key', () => {
    assert.throws(() => publicOf(signed(remove, 'privateMessage')), misuse)
    const authenticated = signed(remove, 'publicMessage')
    assert.throws(() => protectPublic(suite, { authenticated, context, membershipKey: undefined }), misuse)
  })
})

describe('a PrivateMessage', () => {
  const privateOf = (authenticated: AuthenticatedContent, padding = 0): PrivateMessage =>
    protectPrivate(suite, { authenticated, senderDataSecret, secretTree: freshTree(), padding }).message
  const read = (message: PrivateMessage, tree = freshTree()) => unprotectPrivate(suite, {
    message, context, senderDataSecret, secretTree: tree,
    signatureKeyOf: (leaf) => leaf === alice ? signer.publicKey : undefined,
  })

  test('comes through once, and its padding makes it longer by so much', () => {
    for (const content of [text, remove, commit]) {
      const authenticated = signed(content, 'privateMessage')
      const message = privateOf(authenticated)
      const opened = read(message)
      assert.deepEqual(opened.authenticated, authenticated)
      assert.equal(opened.sender, alice)
      assert.equal(opened.generation, 0)
      assert.throws(() => read(message, opened.secretTree), { name: 'MlsError', code: 'gone' })
      assert.equal(privateOf(authenticated, 100).ciphertext.length, message.ciphertext.length + 100)
      assert.deepEqual(read(privateOf(authenticated, 100)).authenticated, authenticated)
    }
  })

  test('never has the same nonce twice, even when a sender lost its state', () => {
    const authenticated = signed(text, 'privateMessage')
    assert.notDeepEqual(privateOf(authenticated).ciphertext, privateOf(authenticated).ciphertext)
  })

  test('is refused when any part of it was changed on the way', () => {
    const message = privateOf(signed(text, 'privateMessage'))
    const flip = (bytes: Uint8Array, at: number) => bytes.map((octet, index) => index === at ? octet ^ 1 : octet)
    refused('6.group', () => read({ ...message, groupId: Uint8Array.of(1) }))
    refused('6.epoch', () => read({ ...message, epoch: 3n }))
    // The beginning of the ciphertext is the sample from which the sender data's key comes.
    refused('6.3.2.sender-data', () => read({ ...message, ciphertext: flip(message.ciphertext, 0) }))
    refused('6.3.2.sender-data', () => read({ ...message, encryptedSenderData: flip(message.encryptedSenderData, 2) }))
    refused('6.3.2.sender-data', () => read({ ...message, contentType: 'proposal' }))
    const last = message.ciphertext.length - 1
    refused('6.3.1.ciphertext', () => read({ ...message, ciphertext: flip(message.ciphertext, last) }))
    refused('6.3.1.ciphertext', () => read({ ...message, authenticatedData: new Uint8Array(0) }))
  })

  test('is refused from a blank leaf, and from beyond the tree', () => {
    const other = signed(text, 'privateMessage', { sender: { type: 'member', leafIndex: 1 as LeafIndex } })
    refused('6.3.2.sender-leaf', () => read(privateOf(other)))
    refused('6.3.2.sender-leaf', () => read(dishonest({ leafIndex: 77 as LeafIndex })))
  })

  test('is refused from a generation too far ahead', () => {
    refused('15.3.forward-limit', () => read(dishonest({ generation: forwardLimit + 1 })))
    refused('15.3.forward-limit', () => read(dishonest({ generation: 0xffff_ffff })))
  })

  test('is refused with the signature of another member', () => {
    const authenticated = signed(text, 'privateMessage')
    const { privateKey } = suite.signatureKeyPair()
    const signature = signContent(suite, { ...authenticated, context, signaturePrivateKey: privateKey })
    const forged = { ...authenticated, auth: { ...authenticated.auth, signature } }
    refused('6.1.signature', () => read(privateOf(forged)))
  })

  test('is malformed when its padding hides something, or when its content ends early', () => {
    const hidden = dishonest({ append: Uint8Array.of(0, 0, 1) })
    refused('6.3.1.padding', () => read(hidden))
    refused('2.1.truncated', () => read(dishonest({ cut: 10 })))
  })

  test('is not made of content for a PublicMessage, nor by anybody outside', () => {
    assert.throws(() => privateOf(signed(text, 'publicMessage')), misuse)
    assert.throws(() => privateOf(signed(commit, 'privateMessage', { sender: { type: 'newMemberCommit' } })), misuse)
  })
})

/** A PrivateMessage by a member who knows all keys and does not keep to the standard. */
function dishonest({ leafIndex = alice, generation = 0, append = new Uint8Array(0), cut = 0 }: {
  readonly leafIndex?: LeafIndex
  readonly generation?: number
  readonly append?: Uint8Array
  readonly cut?: number
}): PrivateMessage {
  const { content, auth } = signed(text, 'privateMessage')
  const { key, nonce } = nextKey(suite, freshTree(), alice, 'application')
  const place = { groupId, epoch: 4n, contentType: 'application', authenticatedData: Uint8Array.of(7) } as const
  const honest = encode(privateMessageContent('application'), { content: content.content, auth, padding: 0 })
  const plaintext = Uint8Array.of(...honest.subarray(0, honest.length - cut), ...append)
  const aad = encode(PrivateContentAAD, place)
  const ciphertext = suite.seal(key.unwrap(), nonce.unwrap(), aad, plaintext)
  const sender = senderDataKey(suite, senderDataSecret, ciphertext)
  const senderData = encode(SenderData, { leafIndex, generation, reuseGuard: 0 })
  const encryptedSenderData = suite.seal(sender.key, sender.nonce, encode(SenderDataAAD, place), senderData)
  return { ...place, encryptedSenderData, ciphertext }
}
