import { decode, encode, equal, toHex } from '../../main/mls/codec.ts'
import {
  commit, epochAuthenticator, merge, MlsError, MLSMessage, receive, type Group, type Received,
} from '../../main/mls/index.ts'
import { Content, privateMessageContent, SenderData, type ContentType } from '../../main/mls/wire/framing.ts'
import { bytes } from '../mls/group-world.ts'
import { forge } from '../rules/forge.ts'
import type { Scene } from './scene.ts'
import { resignContent, sealPrivate } from './seal.ts'
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
      receive(group, decode(MLSMessage, input), options)
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

/** Whatever was proposed: the next commit succeeds, and the other follows it. */
function commitAfter(group: Group, other: Group): void {
  const made = commit(group, options)
  const followed = receive(other, made.message, options)
  if (followed.type !== 'commit' || followed.applied.selfRemoved) return
  const next = merge(made.group, made.pending).group
  demand(equal(epochAuthenticator(next), epochAuthenticator(followed.group)), 'a commit leads to two epochs')
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
  messageTarget(scene), contentTarget(scene), senderDataTarget(scene),
  ...(['application', 'proposal', 'commit'] as const).map((type) => plaintextTarget(scene, type)),
]
