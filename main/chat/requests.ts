import {
  decode, droppedSecrets, equal, join, leafAt, leavesOf, MLSMessage, MlsError, toHex,
  type Group, type LeafNode, type Secret, type SuiteOf, type Welcome,
} from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { membersOf, roomOfPolicy } from './epochs.ts'
import { lifetimeOf } from './extensions.ts'
import { goOn } from './continuation.ts'
import { toldToNewcomer, type Passed } from './history.ts'
import type { OwnKeyPackage, WelcomeMail } from './mail.ts'
import { accountOf, deviceNameOf } from './account-of.ts'
import { policyIn } from './policy.ts'
import { renewal, renewalAfter } from './renewal.ts'
import { replacedBy } from './replaced.ts'
import { afterReturn } from './resume.ts'
import { emptyRoom, freshEpoch, groupIdOf, historyBase, still, tellFact, withRoom, type Intent, type Room, type RoomState, type RoomStep } from './room.ts'
import { revocationsIn, revokedLeaves, revokedPath } from './revocations.ts'
import { sealOf } from './sealed.ts'
import { ownKey, type Moment } from './self.ts'

/** What comes by the inbox: Welcomes, which become requests; and the answers to them. */

export type Invitation = { readonly mail: WelcomeMail, readonly welcome: Welcome, readonly references: readonly string[] }

/** The Welcome in a mail, or `undefined` where there is none: a stranger may append anything. */
export function invitationIn(mail: WelcomeMail): Invitation | undefined {
  try {
    const { body } = decode(MLSMessage, mail.welcome)
    if (body.type !== 'welcome') return undefined
    return { mail, welcome: body.welcome, references: body.welcome.secrets.map((one) => toHex(one.newMember)) }
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

export type Invited = { readonly step: RoomStep, readonly by: string, readonly wipe: readonly Secret[] }

/**
 * Joins the group of a Welcome: as a request that nobody has answered (nothing is sent); as an open conversation, where
 * an own device shares it; or, where this device asked to be let back in, as the conversation that it was. `behind`: to a later epoch of a group that this device is in, as far
 * as it has read; its log comes first, which may say that it was removed. Throws `MlsError` when the Welcome is damaged
 * or its group breaks a rule. `unread`: somebody asks whose log comes first, so that no device is shown that was taken
 * back, or never was one.
 */
export function receiveWelcome(invitation: Invitation, own: OwnKeyPackage, options: {
  readonly moment: Moment
  readonly suiteOf: SuiteOf
  /** A conversation that this device has or had, by the id of its group, and by its own. */
  readonly known: (groupId: string) => RoomState | undefined
  readonly conversation: (id: string) => RoomState | undefined
  /** The one that goes on in place of a group. */
  readonly after: (groupId: string) => RoomState | undefined
  readonly byInvite: boolean
  /** This person's devices that were not taken back: what they share is accepted already. */
  readonly ownDevices: ReadonlySet<string>
  /** Whether an account has taken a device back, as far as this one has read: it invites nobody. */
  readonly isTakenBack: (accountId: string, deviceId: string) => boolean
  /** Of a stranger's request: 'unread' as long as the log of their account was not read for it. */
  readonly standing: (accountId: string, deviceId: string) => 'device' | 'stranger' | 'unread'
  /** The conversation that an own device says a group is. */
  readonly conversationOf: (groupId: string) => string | undefined
}): Invited | { readonly behind: string } | { readonly unread: string } | undefined {
  const { moment } = options
  const joined = join({
    suiteOf: options.suiteOf, welcome: invitation.welcome, keyPackage: own.keyPackage, privateKeys: own.privateKeys,
    signaturePrivateKey: ownKey(moment.self, own.keyPackage.leafNode.signatureKey).privateKey,
    authentication: moment.self.authentication,
  })
  const { group } = joined
  if (revokedLeaves(group, revocationsIn(group.context.extensions)).length > 0) {
    unwanted(group)
    throw new MlsError('refused', revokedPath)
  }
  const id = toHex(group.context.groupId)
  const known = options.known(id)
  const signer = leafAt(group.tree, joined.groupInfoSigner)
  if (signer === undefined) throw new MlsError('malformed', 'the signer of the Welcome is a member')
  const by = accountOf(signer)
  const deviceId = deviceIdOf(signer.credential)
  if (options.isTakenBack(by, deviceId)) return unwanted(group)
  const history = toldToNewcomer(joined.groupInfoExtensions, moment.now)
  const arrived: Arrived = { own, group, history, by, wipe: joined.wipe }
  demandOwn(group, moment.self.accountId)
  if (known === undefined) {
    const replaced = replacedBy(group.context).flatMap((one) => options.known(toHex(one)) ?? [])
    const before = replaced.find((one) => mayGoOn(one, signer, own))
    if (before !== undefined) return comeOver(before, arrived, moment)
    const [origin] = replacedBy(group.context)
    const twin = origin === undefined ? undefined : options.after(toHex(origin))
    if (twin?.room.answered?.reference === own.reference) {
      return isSmallerTwin(twin, group, signer) ? comeOver(twin, arrived, moment) : unwanted(group)
    }
    // A group that this conversation has left behind.
    if (options.conversation(id) !== undefined) return unwanted(group)
  }
  // By the request of this device, or because somebody has added it anew meanwhile.
  if (known?.room.recovery !== undefined) return comeBack(known, arrived, moment)
  if (known?.group !== undefined && group.context.epoch > known.group.context.epoch) {
    unwanted(group)
    return { behind: known.room.id }
  }
  // A Welcome to a group that this device is in: a replay, or a mistake of the sender's.
  if (known?.group !== undefined || id.length !== 32) return unwanted(group)
  const isOwn = options.ownDevices.has(deviceId)
  const standing = isOwn ? 'device' : options.standing(by, deviceId)
  if (standing !== 'device') {
    unwanted(group)
    return standing === 'unread' ? { unread: by } : undefined
  }
  const step = enter(known, arrived, { ...options, isOwn, id: isOwn ? ownId(group, options) : id })
  return { step, by, wipe: joined.wipe }
}

/**
 * A group that goes on in place of others is one conversation on all own devices: the one that they say it is, or else the
 * one that it began as.
 */
function ownId({ context }: Group, { conversation, conversationOf }: {
  readonly conversation: (id: string) => RoomState | undefined, readonly conversationOf: (groupId: string) => string | undefined
}): string {
  const groupId = toHex(context.groupId)
  const origin = replacedBy(context).at(-1)
  const id = conversationOf(groupId) ?? (origin === undefined ? groupId : toHex(origin))
  return conversation(id) === undefined ? id : groupId
}

/** Nobody is asked to share their drafts with a stranger. */
function demandOwn(group: Group, accountId: string): void {
  if (policyIn(group.context).kind !== 'self') return
  if (leavesOf(group.tree).every(({ leafNode }) => accountOf(leafNode) === accountId)) return
  unwanted(group)
  throw new MlsError('refused', 'among own devices there is nobody else')
}

/** A conversation that is new here: a request, or one that this person has on another device. */
function enter(known: RoomState | undefined, { own, group, history, by }: Arrived, { moment, byInvite, isOwn, id }: {
  readonly moment: Moment, readonly byInvite: boolean, readonly isOwn: boolean, readonly id: string
}): RoomStep {
  const { self, now } = moment
  const groupId = toHex(group.context.groupId)
  const members = membersOf(group, [], new Set(), now)
  const policy = roomOfPolicy(group)
  const base: Room = known?.room ?? emptyRoom(id, now)
  const others = [...members.map((one) => one.accountId), ...policy.absent].filter((one) => one !== self.accountId)
  const state: RoomState = {
    room: {
      ...base, ...isOwn && known === undefined ? { nextOrder: historyBase, firstOrder: historyBase } : {}, ...policy, peer: policy.kind === 'direct' ? others[0] ?? by : '', state: isOwn ? 'active' : 'request',
      leaving: false, origin: '', ...freshEpoch, ...known === undefined && id !== groupId ? { groupId } : {},
      ...renewalOf(own, group, moment),
      epochAt: now, healedAt: now, renewedBy: by, at: now, headAt: now, watchedFrom: now,
      joinedAt: String(group.context.epoch), returnedAt: '', counterBase: base.counter,
      request: isOwn ? undefined : { from: by, byInvite },
    },
    group, members, seals: [sealOf(group)], pending: undefined, waiting: [], history,
  }
  const leaf = leafAt(group.tree, group.ownLeaf)
  return tellFact(still(state), now, `${id}.${group.context.epoch}.joined`, isOwn && leaf !== undefined
    ? { fact: 'linked', who: self.accountId, device: deviceNameOf(leaf), deviceId: self.deviceId } : { fact: 'joined', by })
}

/** Nothing comes of the group, so nobody else will wipe what was made for it. */
function unwanted(group: Group): Invited | undefined {
  for (const secret of droppedSecrets(group, undefined)) secret.wipe()
  return undefined
}

type Arrived = {
  readonly own: OwnKeyPackage
  readonly group: Group
  readonly history: readonly Passed[]
  readonly by: string
  readonly wipe: readonly Secret[]
}

/**
 * Whether a group may go on in the place of this one: this device has asked to be let back in, and whoever lets it into
 * the new group was in the old one, in the last epoch that it could follow, and did not itself bring that to an end.
 */
function mayGoOn({ room, group }: RoomState, signer: LeafNode, own: OwnKeyPackage): boolean {
  const { recovery } = room
  return group !== undefined && recovery !== undefined && own.reference === recovery.reference
    && accountOf(signer) !== recovery.maker
    && leavesOf(group.tree).some(({ leafNode }) => equal(leafNode.signatureKey, signer.signatureKey))
}

/** Of two groups that go on in place of the same one, each with the other's maker, the one with the smaller id stays. */
function isSmallerTwin({ room, group }: RoomState, other: Group, signer: LeafNode): boolean {
  if (group === undefined || toHex(other.context.groupId) > groupIdOf(room)) return false
  const [ours, theirs] = [group, other].map(({ context }) => replacedBy(context)[0])
  return ours !== undefined && theirs !== undefined && equal(ours, theirs)
    && leavesOf(group.tree).some(({ leafNode }) => equal(leafNode.signatureKey, signer.signatureKey))
}

/** The conversation goes on in another group. */
function comeOver(known: RoomState, arrived: Arrived, moment: Moment): Invited {
  const maker = known.room.recovery?.maker ?? known.room.answered?.maker ?? ''
  const { by } = arrived
  const { step, wiped } = goOn(known, { ...arrived, without: maker }, moment)
  // The keys by which this device came in are kept for a second Welcome (continuation.ts).
  return { step, by, wipe: wiped }
}

/** The conversation goes on with the group as it is now; what the old state held is forgotten. */
function comeBack(known: RoomState, { own, group, history, by, wipe }: Arrived, moment: Moment): Invited | undefined {
  const { room, group: before, members } = known
  // A stranger may know the group's id, but no member's key. The recovery card does not name the own account.
  if (by !== moment.self.accountId && !members.some(({ accountId }) => accountId === by)) return undefined
  // An epoch that this device has seen the end of: somebody answers an old request.
  if (before !== undefined && group.context.epoch <= before.context.epoch && room.recovery?.reason !== 'forked') {
    return unwanted(group)
  }
  const state: RoomState = {
    ...withRoom(known, {
      ...roomOfPolicy(group), recovery: undefined, answered: undefined, ...freshEpoch,
      ownRecords: { epoch: '', records: [] }, epochAt: moment.now, healedAt: moment.now, renewedBy: by,
      ...renewalOf(own, group, moment, room.intents),
      headAt: moment.now, watchedFrom: moment.now, returnedAt: String(group.context.epoch),
      // A copy has counted on as well: the numbers begin anew.
      ...room.recovery?.reason === 'cloned' ? { numbering: String(group.context.epoch), counter: 0, counterBase: 0 } : {},
      // Whoever let it in may be in a story that does not stay; whoever is in one with this device alone hears of it.
      ...afterReturn(known, { epoch: group.context.epoch, seen: history }, moment.now),
      apart: apartFrom(before, group), behindAt: 0, behindBy: '', behindEpoch: '', helpers: [],
      // It was never here before: what was said earlier was not for it.
      ...before === undefined ? { joinedAt: String(group.context.epoch) } : {},
    }),
    group, members: membersOf(group, known.members, new Set(), moment.now), seals: [sealOf(group)], pending: undefined,
    waiting: [], history,
  }
  const step = tellFact(still(state), moment.now, `${groupIdOf(room)}.${group.context.epoch}.returned`, {
    fact: 'returned', by, who: moment.self.accountId,
  })
  const old = [
    ...before === undefined ? [] : droppedSecrets(before, group), ...known.seals.map((seal) => seal.key),
  ]
  return { step, by, wipe: [...wipe, ...old] }
}

/** How many of them are told. */
const apartLimit = 20

/** Devices of the group as this one knew it that are not in it as it is. */
function apartFrom(before: Group | undefined, group: Group): Room['apart'] {
  const devices = (of: Group | undefined) => of === undefined ? [] : leavesOf(of.tree)
    .map(({ leafNode }) => ({ accountId: accountOf(leafNode), deviceId: deviceIdOf(leafNode.credential) }))
  const present = new Set(devices(group).map(({ deviceId }) => deviceId))
  return devices(before).filter(({ deviceId }) => !present.has(deviceId)).slice(0, apartLimit)
}

/** The leaf is as old as its KeyPackage; one that others use as well is renewed as soon as this device may speak. */
const renewalOf = (
  own: OwnKeyPackage, { suite, tree }: Group, { now }: Moment, intents: readonly Intent[] = [],
): Pick<Room, 'intents' | 'renewAt'> => ({
  intents: [...intents.filter(({ type }) => type !== 'renew'), ...own.lastResort ? [renewal()] : []],
  renewAt: renewalAfter(suite, Math.min(lifetimeOf(own.keyPackage).madeAt, now), leavesOf(tree).length),
})

/** Accepts: says hello and reports what arrived meanwhile. */
export const acceptRequest = (state: RoomState): RoomStep => ({
  ...still(withRoom(state, { state: 'active', request: undefined })),
  say: [{ type: 'hello' }],
})

