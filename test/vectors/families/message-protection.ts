import assert from 'node:assert/strict'
import { decode, encode, fromHex, toHex, type Codec } from '../../../main/mls/codec.ts'
import {
  protectPrivate, protectPublic, signContent, unprotectPrivate, unprotectPublic,
} from '../../../main/mls/group/protect.ts'
import { secretTree } from '../../../main/mls/schedule/secret-tree.ts'
import { Secret } from '../../../main/mls/secret.ts'
import type { SuiteOf } from '../../../main/mls/suite.ts'
import { Commit } from '../../../main/mls/wire/commit.ts'
import {
  MLSMessage, type AuthenticatedContent, type Content, type ContentWireFormat, type PrivateMessage, type PublicMessage,
} from '../../../main/mls/wire/framing.ts'
import type { GroupContext } from '../../../main/mls/wire/group-context.ts'
import { mls10 } from '../../../main/mls/wire/key-package.ts'
import type { LeafIndex } from '../../../main/mls/wire/node.ts'
import { Proposal } from '../../../main/mls/wire/proposal.ts'
import { privateKeyOf, suiteOfCase } from '../suite-of-case.ts'

type MessageProtection = {
  readonly cipher_suite: number
  readonly group_id: string
  readonly epoch: number
  readonly tree_hash: string
  readonly confirmed_transcript_hash: string
  readonly signature_priv: string
  readonly signature_pub: string
  readonly encryption_secret: string
  readonly sender_data_secret: string
  readonly membership_key: string
  readonly proposal: string
  readonly proposal_pub: string
  readonly proposal_priv: string
  readonly commit: string
  readonly commit_pub: string
  readonly commit_priv: string
  readonly application: string
  readonly application_priv: string
}

/** RFC 9420 §6: the format's own choice of the sender. */
const sender = 1 as LeafIndex
const leafCount = 2

/** Framing (RFC 9420 §6.1 to §6.3): reading what others protected, and what this engine protects itself. */
export function messageProtection(testCase: MessageProtection, suiteOf: SuiteOf): void {
  const parts = partsOf(testCase, suiteOf)
  const proposal: Content = { type: 'proposal', proposal: decode(Proposal, fromHex(testCase.proposal)) }
  const commit: Content = { type: 'commit', commit: decode(Commit, fromHex(testCase.commit)) }
  const application: Content = { type: 'application', applicationData: fromHex(testCase.application) }
  // §6.1: a commit carries a confirmation tag; the format leaves it to us to choose one.
  const tag = parts.suite.mac(new Uint8Array(1), new Uint8Array(1))

  for (const [content, hex, confirmationTag] of [
    [proposal, testCase.proposal_pub, undefined], [commit, testCase.commit_pub, tag],
  ] as const) {
    assert.equal(contentHex(parts.readPublic(publicMessageOf(hex))), contentHex(content))
    const authenticated = parts.sign(content, 'publicMessage', confirmationTag)
    const message = protectPublic(parts.suite, { authenticated, ...parts })
    assert.equal(contentHex(parts.readPublic(message)), contentHex(content))
  }
  assert.throws(() => protectPublic(parts.suite, {
    authenticated: parts.sign(application, 'publicMessage', undefined), ...parts,
  }), { name: 'MlsError', code: 'misuse' })

  for (const [content, hex, confirmationTag] of [
    [proposal, testCase.proposal_priv, undefined], [commit, testCase.commit_priv, tag],
    [application, testCase.application_priv, undefined],
  ] as const) {
    assert.equal(contentHex(parts.readPrivate(privateMessageOf(hex))), contentHex(content))
    const { message } = protectPrivate(parts.suite, {
      authenticated: parts.sign(content, 'privateMessage', confirmationTag), padding: 7,
      senderDataSecret: parts.senderDataSecret, secretTree: parts.freshTree(),
    })
    assert.equal(contentHex(parts.readPrivate(message)), contentHex(content))
  }
}

function partsOf(testCase: MessageProtection, suiteOf: SuiteOf) {
  const suite = suiteOfCase(testCase, suiteOf)
  const groupId = fromHex(testCase.group_id)
  const epoch = BigInt(testCase.epoch)
  const context: GroupContext = {
    version: mls10, cipherSuite: suite.id, groupId, epoch, treeHash: fromHex(testCase.tree_hash),
    confirmedTranscriptHash: fromHex(testCase.confirmed_transcript_hash), extensions: [],
  }
  const signatureKey = fromHex(testCase.signature_pub)
  const signaturePrivateKey = privateKeyOf(suite, testCase.signature_priv)
  const membershipKey = new Secret(fromHex(testCase.membership_key))
  const senderDataSecret = new Secret(fromHex(testCase.sender_data_secret))
  const freshTree = () => secretTree(new Secret(fromHex(testCase.encryption_secret)), leafCount)

  const sign = (
    body: Content, wireFormat: ContentWireFormat, confirmationTag: Uint8Array | undefined,
  ): AuthenticatedContent => {
    const content = {
      groupId, epoch, sender: { type: 'member', leafIndex: sender }, authenticatedData: Uint8Array.of(1, 2, 3),
      content: body,
    } as const
    const signature = signContent(suite, { wireFormat, content, context, signaturePrivateKey })
    return { wireFormat, content, auth: { signature, confirmationTag } }
  }
  const readPublic = (message: PublicMessage): Content =>
    unprotectPublic(suite, { message, context, membershipKey, signatureKeyOf: () => signatureKey }).content.content
  const readPrivate = (message: PrivateMessage): Content => unprotectPrivate(suite, {
    message, context, senderDataSecret, secretTree: freshTree(),
    signatureKeyOf: (leaf) => leaf === sender ? signatureKey : undefined,
  }).authenticated.content.content
  return { suite, context, membershipKey, senderDataSecret, freshTree, sign, readPublic, readPrivate }
}

function contentHex(content: Content): string {
  const hexOf = <T>(codec: Codec<T>, value: T): string => toHex(encode(codec, value))
  switch (content.type) {
    case 'application': return `application ${toHex(content.applicationData)}`
    case 'proposal': return `proposal ${hexOf(Proposal, content.proposal)}`
    case 'commit': return `commit ${hexOf(Commit, content.commit)}`
  }
}

function publicMessageOf(hex: string): PublicMessage {
  const { body } = decode(MLSMessage, fromHex(hex))
  assert.ok(body.type === 'publicMessage')
  return body.publicMessage
}

function privateMessageOf(hex: string): PrivateMessage {
  const { body } = decode(MLSMessage, fromHex(hex))
  assert.ok(body.type === 'privateMessage')
  return body.privateMessage
}
