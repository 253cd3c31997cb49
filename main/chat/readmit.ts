import {
  decode, encode, equal, fromHex, KeyPackage, leafAt, leavesOf, MlsError, toHex, validateKeyPackage,
  type AppliedCommit, type Group, type LeafIndex, type OwnProposal, type Suite,
} from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { absentIn, incarnationOf } from './absent.ts'
import { replacedBy } from './replaced.ts'
import { incarnationIn } from './extensions.ts'
import { keyPackageOf, SignedRejoin } from './letter.ts'
import { attachmentTypes, noteIn, type Attachment } from './note.ts'
import { accountOf, deviceNameOf } from './account-of.ts'
import { isRevoked, revocationsIn } from './revocations.ts'
import {
  isOpen, still, withRoom, type Claimed, type Intent, type Room, type RoomState, type RoomStep, type Veto,
} from './room.ts'
import type { Moment } from './self.ts'

/** Letting a device back in: one commit that removes its old leaf and adds the new one, with its signed request. */

/** How long members wait for the other devices of an account, which may veto: a thief must not evict quietly. */
export const vetoMs = 24 * 60 * 60 * 1000
/**
 * How long these themselves wait. Their person is told, and may say that it was not them: who holds a stolen key asks as
 * the device itself would, and is answered for good.
 */
export const chanceMs = 10 * 60 * 1000
/** How many refused requests a conversation remembers. */
const vetoLimit = 64

export type ReadmitIntent = Extract<Intent, { readonly type: 'readmit' }>

/**
 * A request is worth something only for a leaf that came before it, or for an account that was listed as absent before
 * it, which then has none. A new device of a member, which came by the recovery words, replaces nothing. A device that
 * was taken back has nothing to ask for.
 */
function isDueTo(group: Group, keyPackage: KeyPackage): boolean {
  const { credential, extensions } = keyPackage.leafNode
  if (isRevoked(revocationsIn(group.context.extensions), keyPackage.leafNode)) return false
  const leaf = leafOfDevice(group, deviceIdOf(credential))
  const account = accountOf(keyPackage.leafNode)
  const before = leaf === undefined
    ? absentIn(group.context.extensions).find(({ accountId }) => accountId === account)?.incarnation
      ?? incarnationOf(group, account)
    : incarnationIn(leafAt(group.tree, leaf)?.extensions ?? [])
  return before !== undefined && before < incarnationIn(extensions)
}

/** A request names the group as its device knows it: this one, or one that it goes on in place of. */
const isFor = ({ context }: Group, groupId: Uint8Array): boolean =>
  [context.groupId, ...replacedBy(context)].some((one) => equal(one, groupId))

const leafOfDevice = (group: Group, deviceId: string): LeafIndex | undefined =>
  leavesOf(group.tree).find(({ leafNode }) => deviceIdOf(leafNode.credential) === deviceId)?.index

export const hasDevice = (group: Group, deviceId: string): boolean => leafOfDevice(group, deviceId) !== undefined

/**
 * A request in this device's inbox becomes an intent: at once where nobody else of the account could object, else after
 * the time in which they may. Throws `MlsError` for a request that is not authentic.
 */
export function onRejoinRequest(state: RoomState, signed: SignedRejoin, moment: Moment): RoomStep {
  const { group, room } = state
  // Who asks as well keeps the requests: they may be all that there is to go on from (continuation.ts, resume.ts).
  const { recovery } = room
  if (group === undefined || !isOpen(room)) return still(state)
  if (recovery !== undefined && recovery.reason !== 'path' && recovery.by === undefined) return still(state)
  const keyPackage = validKeyPackage(group.suite, signed, moment)
  const { credential } = keyPackage.leafNode
  const deviceId = deviceIdOf(credential)
  const accountId = accountOf(keyPackage.leafNode)
  if (!isDueTo(group, keyPackage) || isVetoed(room, { accountId, deviceId, keyPackage })) return still(state)
  const intent: ReadmitIntent = {
    type: 'readmit', accountId, deviceId, request: toHex(encode(SignedRejoin, signed)),
    notBefore: moment.now + waitFor(group, { accountId, deviceId }, moment),
    askedAt: Math.min(signed.request.at, moment.now), ...hasDevice(group, deviceId) ? {} : { isNew: true },
  }
  const known = room.intents.find((one) => one.type === 'readmit' && one.deviceId === deviceId)
  if (known !== undefined && known.type === 'readmit' && known.request === intent.request) return still(state)
  const others = room.intents.filter((one) => one !== known)
  // The clock of a request runs from the first time that this device heard of it.
  const notBefore = known?.type === 'readmit' ? Math.min(known.notBefore, intent.notBefore) : intent.notBefore
  return still(withRoom(state, { intents: [...others, { ...intent, notBefore }] }))
}

function waitFor(group: Group, asking: Asker, { self }: Moment): number {
  // A new device replaces nothing that its person could miss, so own devices do not let it in unseen either.
  if (asking.accountId === self.accountId && leafOfDevice(group, asking.deviceId) !== undefined) return chanceMs
  return siblingsOf(group, asking).length > 0 ? vetoMs : 0
}

type Asker = { readonly accountId: string, readonly deviceId: string }

const siblingsOf = (group: Group, asking: Asker): readonly Asker[] => leavesOf(group.tree)
  .map(({ leafNode }) => ({ accountId: accountOf(leafNode), deviceId: deviceIdOf(leafNode.credential) }))
  .filter(({ accountId, deviceId }) => accountId === asking.accountId && deviceId !== asking.deviceId)

/** Whom a request that waits concerns: the other devices of whoever asks. Nobody, where this is one of them. */
export function toBeTold({ room, group }: RoomState, signed: SignedRejoin, { self }: Moment): readonly Asker[] {
  const request = toHex(encode(SignedRejoin, signed))
  const intent = room.intents.find((one) => one.type === 'readmit' && one.request === request)
  if (group === undefined || intent?.type !== 'readmit' || intent.accountId === self.accountId) return []
  return siblingsOf(group, intent)
}

export function validKeyPackage(suite: Suite, signed: SignedRejoin, moment: Moment) {
  return validateKeyPackage(suite, keyPackageOf(suite, signed), {
    authentication: moment.self.authentication, now: BigInt(Math.floor(moment.now / 1000)),
  })
}

const isVetoed = ({ vetoed }: Room, asking: {
  readonly accountId: string, readonly deviceId: string, readonly keyPackage: KeyPackage
}): boolean => vetoed.some(({ accountId, deviceId, incarnation }) =>
  accountId === asking.accountId && deviceId === asking.deviceId
    && incarnationIn(asking.keyPackage.leafNode.extensions) <= BigInt(incarnation))

/** The KeyPackage in an intent's request. */
const askedFor = ({ request }: ReadmitIntent): KeyPackage =>
  decode(KeyPackage, decode(SignedRejoin, fromHex(request)).request.keyPackage)

/** The request by which a device asks, and what its account may refuse about it. */
export function vetoOf({ intents }: Room, deviceId: string): Veto | undefined {
  const intent = intents.find((one) => one.type === 'readmit' && one.deviceId === deviceId)
  if (intent?.type !== 'readmit') return undefined
  const incarnation = String(incarnationIn(askedFor(intent).leafNode.extensions))
  return { accountId: intent.accountId, deviceId, incarnation }
}

/** The account's own word that it was not its device which asked: members drop the request, and refuse it later. */
export function onVeto(state: RoomState, veto: Veto): RoomState {
  const { room } = state
  const vetoed = [...room.vetoed.filter((one) => one.deviceId !== veto.deviceId || one.accountId !== veto.accountId), veto]
  const after = withRoom(state, { vetoed: vetoed.slice(-vetoLimit) })
  const intents = room.intents.filter((one) => one.type !== 'readmit' || !isVetoed(after.room, {
    accountId: one.accountId, deviceId: one.deviceId, keyPackage: askedFor(one),
  }))
  return withRoom(after, { intents })
}

/** A device that cannot follow says nothing: what its leaf still says is as good as a veto. */
export function onLive(state: RoomState, live: { readonly deviceId: string, readonly at: number }): RoomState {
  const intent = state.room.intents.find((one) => one.type === 'readmit' && one.deviceId === live.deviceId)
  if (intent?.type !== 'readmit' || intent.askedAt === undefined || live.at <= intent.askedAt) return state
  const veto = vetoOf(state.room, live.deviceId)
  return veto === undefined ? state : onVeto(state, veto)
}

/** Own devices that ask to be let back in, for their person to see. */
export const askingOf = ({ intents }: Room, accountId: string) => intents.flatMap((one) =>
  one.type !== 'readmit' || one.accountId !== accountId ? []
    : [{ deviceId: one.deviceId, device: deviceNameOf(askedFor(one).leafNode), until: one.notBefore }])

/** What an intent to readmit becomes in a commit; `undefined` when it is moot. Throws as `onRejoinRequest`. */
export function readmission(group: Group, intent: ReadmitIntent, moment: Moment): {
  readonly proposals: readonly OwnProposal[], readonly claimed: Claimed, readonly attachment: Attachment
} | undefined {
  const data = fromHex(intent.request)
  const signed = decode(SignedRejoin, data)
  const keyPackage = validKeyPackage(group.suite, signed, moment)
  if (!isDueTo(group, keyPackage)) return undefined
  const removed = leafOfDevice(group, intent.deviceId)
  return {
    proposals: [...removed === undefined ? [] : [{ type: 'remove', removed } as const], { type: 'add', keyPackage }],
    claimed: {
      accountId: intent.accountId, deviceId: intent.deviceId, keyPackage: toHex(signed.request.keyPackage), token: '',
    },
    attachment: { type: attachmentTypes.rejoin, data },
  }
}

/** Whether the group has the device's new leaf, or has no place for it any more. */
export function isReadmitted(group: Group, intent: ReadmitIntent): boolean {
  // Another own device was first to bring it in: the keys of its request are gone by now.
  if (intent.isNew === true && hasDevice(group, intent.deviceId)) return true
  try {
    const { request } = decode(SignedRejoin, fromHex(intent.request))
    return !isDueTo(group, decode(KeyPackage, request.keyPackage))
  } catch (error) {
    if (error instanceof MlsError) return true
    throw error
  }
}

/** `removed`: its old leaf; an absent account has none. */
export type Readmitted = { readonly accountId: string, readonly deviceId: string, readonly removed: LeafIndex | undefined
  readonly keyPackage: Uint8Array }

/**
 * The devices that a commit lets back in by their own signed requests: what every member computes from the commit and
 * the tree before it, whatever anybody's policy or clock says.
 */
export function readmittedBy(group: Group, applied: AppliedCommit): readonly Readmitted[] {
  const attachments = noteIn(applied)?.attachments ?? []
  return attachments.flatMap((one) => one.type === attachmentTypes.rejoin ? readmittedIn(group, applied, one.data) : [])
}

function readmittedIn(group: Group, applied: AppliedCommit, data: Uint8Array): Readmitted[] {
  try {
    const signed = decode(SignedRejoin, data)
    const keyPackage = keyPackageOf(group.suite, signed)
    const deviceId = deviceIdOf(keyPackage.leafNode.credential)
    const removed = leafOfDevice(group, deviceId)
    const { keyPackage: bytes, groupId } = signed.request
    if (!isFor(group, groupId) || !isDueTo(group, keyPackage)) return []
    const isRemoved = removed === undefined
      || applied.proposals.some(({ proposal }) => proposal.type === 'remove' && proposal.removed === removed)
    const both = isRemoved && applied.proposals.some(({ proposal }) =>
        proposal.type === 'add' && equal(encode(KeyPackage, proposal.keyPackage), bytes))
    return both ? [{ accountId: accountOf(keyPackage.leafNode), deviceId, removed, keyPackage: bytes }] : []
  } catch (error) {
    if (error instanceof MlsError) return []
    throw error
  }
}
