import { decode, encode, equal, toHex } from '../../main/mls/codec.ts'
import {
  claimedSender, commit, epochAuthenticator, generateKeyPackage, leavesOf, merge, MlsError, MLSMessage, Proposal,
  receive, reinitialize, validateKeyPackage, type Group, type OwnProposal, type Received,
} from '../../main/mls/index.ts'
import { Content, privateMessageContent, SenderData, type ContentType } from '../../main/mls/wire/framing.ts'
import { bytes, custom, forever } from '../mls/group-world.ts'
import { forge } from '../rules/forge.ts'
import type { Scene } from './scene.ts'
import { resignContent, resignKeyPackage, sealPrivate } from './seal.ts'
import { demand, options, samplesOf, unchanged, type Target } from './target.ts'

// What members send to a group.

/** Changed bytes of honest messages: nothing but the honest ones is taken. */
function messageTarget({ bob: { group }, messages }: Scene): Target {
  const honest = [...messages.values()]
  const known = new Set(honest.map(toHex))
  return {
    name: 'message',
    ...samplesOf(honest, MLSMessage),
    feed: (input) => {
      const message = decode(MLSMessage, input)
      claimedSender(group, message)
      receive(group, message, options)
      demand(known.has(toHex(input)), 'a message that was changed on its way is taken')
    },
    verify: unchanged(group),
    honest: () => { for (const message of honest) receive(group, decode(MLSMessage, message), options) },
  }
}

const publicContents = ({ messages }: Scene): readonly Content[] => [...messages.values()].flatMap((message) => {
  const { body } = decode(MLSMessage, message)
  return body.type === 'publicMessage' ? [body.publicMessage.content.content] : []
})

/** Changed contents of a member, signed and tagged again. Two members judge alike, and the group goes on. */
function contentTarget(scene: Scene): Target {
  const { world, alice, bob, carol } = scene
  return {
    name: 'content, signed again',
    ...samplesOf(publicContents(scene).map((content) => encode(Content, content)), Content),
    feed: (input) => {
      const message = forge(alice.group, resignContent(world, alice.group, decode(Content, input)))
      const [verdict, other] = [verdictOf(bob.group, message), verdictOf(carol.group, message)]
      demand(agree(verdict, other), `two members differ: ${textOf(verdict)} against ${textOf(other)}`)
      if (verdict instanceof MlsError) throw verdict
      if (verdict.type === 'proposal' && !(other instanceof MlsError)) commitAfter(verdict.group, other.group)
    },
    verify: unchanged(alice.group, bob.group, carol.group),
  }
}

type Verdict = Received | MlsError

function verdictOf(group: Group, message: MLSMessage): Verdict {
  try {
    return receive(group, message, options)
  } catch (error) {
    if (error instanceof MlsError) return error
    throw error
  }
}

const textOf = (verdict: Verdict): string => {
  if (verdict instanceof MlsError) return `${verdict.code} ${verdict.rule ?? verdict.message}`
  return verdict.type === 'proposal' ? `proposal ${verdict.refused ?? 'valid'}` : verdict.type
}

/** Rules that only the owner of a private key can see broken (RFC 9420 §16.12). */
const personal: ReadonlySet<string | undefined> = new Set([
  '5.1.3.open', '5.1.3.public-key', '12.4.1.path-secret-length', '7.5.derived-key', '12.4.2.confirmation-tag',
])

/** Members who judge differently fork the group, but for what only one of them can see. */
function agree(one: Verdict, other: Verdict): boolean {
  if (textOf(one) === textOf(other)) return true
  return [one, other].every((verdict) => verdict instanceof MlsError
    ? personal.has(verdict.rule)
    // RFC 9420 §12.4.2: who is removed cannot compute the next epoch, and so not judge its tag.
    : verdict.type === 'commit' && verdict.applied.selfRemoved)
}

/** Changed proposals of a member who commits them itself: whoever can make the commit is followed. */
function committedTarget(scene: Scene): Target {
  const { world, alice, bob, carol } = scene
  const proposals = publicContents(scene).flatMap((content) =>
    content.type === 'proposal' ? [encode(Proposal, content.proposal)] : [])
  return {
    name: 'proposal, committed',
    ...samplesOf(proposals, Proposal),
    feed: (input) => {
      const made = commit(alice.group, { ...options, references: [], proposals: [own(world, decode(Proposal, input))] })
      const followers = [bob, carol].map(({ group }) => receive(group, made.message, options))
      const next = merge(made.group, made.pending).group
      for (const followed of followers) {
        demand(followed.type === 'commit', 'a commit is taken for something else')
        if (followed.type === 'commit' && !followed.applied.selfRemoved) demandSame(next, followed.group)
      }
      if (next.status.type === 'reinitialized') goOn(scene, next)
    },
    verify: unchanged(alice.group, bob.group, carol.group),
  }
}

/** A proposal as its maker makes it; those that no application makes are left to forgers. */
function own(world: Scene['world'], proposal: Proposal): OwnProposal {
  switch (proposal.type) {
    case 'add': {
      const keyPackage = resignKeyPackage(world, proposal.keyPackage)
      return { type: 'add', keyPackage: validateKeyPackage(world.suite, keyPackage, options) }
    }
    case 'update':
    case 'selfRemove':
      return { type: 'custom', tag: custom, data: encode(Proposal, proposal) }
    default: return proposal
  }
}

/** What a ReInit says is what the successor is made of. */
function goOn({ world, alice }: Scene, group: Group): void {
  const others = leavesOf(group.tree).filter(({ index }) => index !== group.ownLeaf)
  const keyPackages = others.flatMap(({ leafNode: { signatureKey: publicKey, ...leafNode } }) => {
    const privateKey = world.signer(publicKey)
    const signatureKeyPair = privateKey && { publicKey, privateKey }
    return signatureKeyPair === undefined ? []
      : [generateKeyPackage(world.suite, { ...leafNode, signatureKeyPair, lifetime: forever, extensions: [] }).keyPackage]
  })
  reinitialize(group, { suiteOf: world.suiteOf, keyPackages, ...alice.person.leaf, ...options })
}

function demandSame(one: Group, other: Group): void {
  demand(equal(epochAuthenticator(one), epochAuthenticator(other)), 'a commit leads to two epochs')
}

/** Whatever was proposed: the next commit succeeds, and the other follows it. */
function commitAfter(group: Group, other: Group): void {
  const made = commit(group, options)
  const followed = receive(other, made.message, options)
  if (followed.type !== 'commit' || followed.applied.selfRemoved) return
  demandSame(merge(made.group, made.pending).group, followed.group)
}

/** Changed plaintexts of PrivateMessages, encrypted as they should be. */
function plaintextTarget(scene: Scene, contentType: ContentType): Target {
  const { alice, bob } = scene
  const codec = privateMessageContent(contentType)
  const confirmationTag = contentType === 'commit' ? new Uint8Array(32) : undefined
  const contents: readonly Content[] =
    [...publicContents(scene), { type: 'application', applicationData: bytes('hello') }]
  const plaintexts = contents.filter(({ type }) => type === contentType).map((content) =>
    encode(codec, { content, auth: { signature: new Uint8Array(64), confirmationTag }, padding: 9 }))
  return {
    name: `plaintext of ${contentType}`,
    ...samplesOf(plaintexts, codec),
    feed: (plaintext) => { receive(bob.group, sealPrivate(alice.group, { contentType, plaintext }), options) },
    verify: unchanged(bob.group),
  }
}

/** Changed sender data, encrypted as they should be. */
function senderDataTarget({ alice, bob }: Scene): Target {
  const contentType = 'application'
  const plaintext = encode(privateMessageContent(contentType), {
    content: { type: contentType, applicationData: bytes('hello') },
    auth: { signature: new Uint8Array(64), confirmationTag: undefined }, padding: 0,
  })
  const places = [[0, 0], [0, 9], [1, 0], [3, 4096], [2, 0], [7, 0], [8, 0], [0, 4095]] as const
  return {
    name: 'sender data',
    ...samplesOf(places.map(([leafIndex, generation]) =>
      encode(SenderData, { leafIndex: leafIndex as SenderData['leafIndex'], generation, reuseGuard: 0 })), SenderData),
    feed: (senderData) => {
      receive(bob.group, sealPrivate(alice.group, { contentType, plaintext, senderData }), options)
    },
    verify: unchanged(bob.group),
  }
}

export const messageTargets = (scene: Scene): readonly Target[] => [
  messageTarget(scene), contentTarget(scene), committedTarget(scene), senderDataTarget(scene),
  ...(['application', 'proposal', 'commit'] as const).map((type) => plaintextTarget(scene, type)),
]
