import {
  choice, Credential, decode, encode, fixed, KeyPackage, MlsError, opaque, signWithLabel, struct, uint16, uint64, uint8, vector,
  verifyWithLabel, type Infer, type KeyPair, type Suite,
} from '../mls/index.ts'
import { milliseconds, versioned } from '../identity/fields.ts'
import { IdentitySignature } from '../identity/genesis.ts'
import type { Self } from './self.ts'

/** What devices write to each other outside of a group, when the group itself does not work for one of them. */

/** Why a device asks to be let back in; for people to see, never for a decision. */
export const rejoinReasons =
  ['path', 'undecided', 'forked', 'aged', 'cloned', 'damaged', 'idle', 'restored'] as const
export type RejoinReason = typeof rejoinReasons[number]

/**
 * A device's request to replace its leaf by a new one. The KeyPackage is made for it and used for nothing else; its
 * leaf carries the incarnation (chat/extensions.ts) that keeps the request from being used twice.
 */
const RejoinRequest = versioned(1, struct({
  groupId: fixed(16),
  /** The last epoch that the device could follow. */
  lastEpoch: uint64,
  reason: uint8,
  at: milliseconds,
  keyPackage: opaque(65_536),
}))
export type RejoinRequest = Infer<typeof RejoinRequest>

export const SignedRejoin = struct({ request: RejoinRequest, signature: IdentitySignature })
export type SignedRejoin = Infer<typeof SignedRejoin>

const rejoinLabel = 'Coppice rejoin 1'

export const signRejoin = (suite: Suite, key: KeyPair, request: RejoinRequest): SignedRejoin =>
  ({ request, signature: signWithLabel(suite, key.privateKey, rejoinLabel, encode(RejoinRequest, request)) })

/**
 * The KeyPackage of a request that the device itself signed: by the key that its leaf has now and will have. The
 * KeyPackage is not validated. Throws `MlsError` for anything else.
 */
export function keyPackageOf(suite: Suite, { request, signature }: SignedRejoin): KeyPackage {
  const keyPackage = decode(KeyPackage, request.keyPackage)
  const { signatureKey } = keyPackage.leafNode
  if (!verifyWithLabel(suite, signatureKey, rejoinLabel, encode(RejoinRequest, request), signature)) {
    throw new MlsError('malformed', 'a request that its device did not sign')
  }
  return keyPackage
}

/** Which records this device saw win in a group, so that somebody who saw others learns of it. */
const Story = versioned(1, struct({
  groupId: fixed(16),
  /** In which it is now. */
  epoch: uint64,
  seen: vector(struct({ epoch: uint64, hash: opaque(64) }), 65_536),
}))
export type Story = Infer<typeof Story>

export const SignedStory = struct({
  story: Story, credential: Credential, signatureKey: opaque(64), signature: IdentitySignature,
})
export type SignedStory = Infer<typeof SignedStory>

const storyLabel = 'Coppice story 1'

export const signStory = (
  { suite, signatureKeyPair: key, credential }: Pick<Self, 'suite' | 'signatureKeyPair' | 'credential'>, story: Story,
): SignedStory => ({
  story, credential, signatureKey: key.publicKey,
  signature: signWithLabel(suite, key.privateKey, storyLabel, encode(Story, story)),
})

/** Whether the device that the story names told it. Whether that one is a member, the group's tree says. */
export const isTold = (
  { suite, authentication }: Pick<Self, 'suite' | 'authentication'>, told: SignedStory,
): boolean => authentication.validate(told.credential, told.signatureKey) === undefined
  && verifyWithLabel(suite, told.signatureKey, storyLabel, encode(Story, told.story), told.signature)

/** A commit that ends an epoch whose slots are all filled with rubbish (chat/move.ts): its sealed record. */
const Move = versioned(1, struct({ groupId: fixed(16), record: opaque(1_048_576) }))
export type Move = Infer<typeof Move>

export const Letter = choice(uint16, {
  rejoin: [1, SignedRejoin],
  story: [2, SignedStory],
  move: [3, Move],
})
export type Letter = Infer<typeof Letter>
