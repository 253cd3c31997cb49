import {
  commit, createGroup, decode, droppedSecrets, encode, equal, fromHex, leavesOf, merge, MLSMessage, MlsError, toHex,
  type Extensions, type Group, type LeafNode, type Secret,
} from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { absentIn, hasRoom, incarnationOf, withAbsent, type AbsentAccount } from './absent.ts'
import { accountOf } from './account-of.ts'
import { membersOf, roomOfPolicy } from './epochs.ts'
import { leafCapabilities, leafLifetime } from './extensions.ts'
import { tellNewcomers, type Passed } from './history.ts'
import { rejoinReasons, SignedRejoin } from './letter.ts'
import { encodeWelcomeMail, inboxLog } from './mail.ts'
import { ownLeafExtensions } from './membership.ts'
import { encodeNote } from './note.ts'
import { policyIn, withPolicy } from './policy.ts'
import { validKeyPackage } from './readmit.ts'
import { nextIncarnation } from './recovery.ts'
import { renewalAfter } from './renewal.ts'
import { replacing } from './replaced.ts'
import { freshEpoch, groupIdOf, isOpen, still, tellFact, withRoom, type Room, type RoomState, type RoomStep } from './room.ts'
import { sealOf } from './sealed.ts'
import type { Moment } from './self.ts'

/**
 * A commit that gave nobody but its maker the new keys (RFC 9420 §16.12) ends a group: no member can let another one
 * back in. The requests of the others show it, and hold what is needed to go on: one of them makes a new group from
 * their KeyPackages, without the maker, whom its signature names. For people it is the same conversation.
 */

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Whoever could follow answers a request sooner than that; then the others' turns, each after a longer wait. */
const turnsMs = [minuteMs, 10 * minuteMs, hourMs, 6 * hourMs, 24 * hourMs]
/** From then on the requests of more than half are enough. */
const patienceMs = 24 * hourMs

/**
 * Two may go on at once, or one whose Welcomes come late. Then the group with the smaller id stays: for so long a device
 * can still follow a second Welcome to the KeyPackage of its request.
 */
export const answeredMs = 14 * 24 * hourMs

/** A member's request of this epoch. */
type Asked = { readonly leaf: LeafNode, readonly signed: SignedRejoin }

/** The others without the maker, those of them who have asked, and when the last one did. */
function askedIn(state: RoomState, group: Group, maker: string) {
  const others = leavesOf(group.tree).filter(({ index, leafNode }) => index !== group.ownLeaf && accountOf(leafNode) !== maker)
  const requests = new Map(state.room.intents.flatMap((intent) =>
    intent.type === 'readmit' ? [[intent.deviceId, decode(SignedRejoin, fromHex(intent.request))] as const] : []))
  const asked: readonly Asked[] = others.flatMap(({ leafNode }) => {
    const signed = requests.get(deviceIdOf(leafNode.credential))
    const fits = signed?.request.lastEpoch === group.context.epoch
      && signed.request.reason === rejoinReasons.indexOf('path') && equal(signed.request.groupId, group.context.groupId)
    return signed !== undefined && fits ? [{ leaf: leafNode, signed }] : []
  })
  return { others, asked, lastAt: Math.max(0, ...asked.map(({ signed }) => signed.request.at)) }
}

/** When this device may go on in a new group, unless somebody lets it back in before; `undefined`: not as things are. */
export function goesOnAt({ room, ...state }: RoomState, { self, now }: Moment): number | undefined {
  const { group } = state
  const { recovery } = room
  const maker = recovery?.maker ?? ''
  if (group === undefined || recovery?.reason !== 'path' || maker === '' || maker === self.accountId) return undefined
  if (room.kind === 'direct' || room.state !== 'active' || !isOpen(room)) return undefined
  const { others, asked, lastAt } = askedIn({ room, ...state }, group, maker)
  if (asked.length === 0 || (asked.length + 1) * 2 <= others.length + 1) return undefined
  const from = asked.length === others.length ? recovery.since : recovery.since + patienceMs
  const askers = new Set([self.deviceId, ...asked.map(({ leaf }) => deviceIdOf(leaf.credential))])
  const turn = leavesOf(group.tree).map(({ leafNode }) => deviceIdOf(leafNode.credential))
    .filter((deviceId) => askers.has(deviceId)).indexOf(self.deviceId)
  const last = turnsMs.length - 1
  const waitMs = (turnsMs[Math.min(turn, last)] ?? 0) + Math.max(0, turn - last) * hourMs
  return Math.max(from, Math.min(lastAt, now)) + waitMs
}

export type Continuation = {
  readonly step: RoomStep
  /** Welcomes for those who have asked; `log` is an inbox. */
  readonly mails: readonly { readonly log: string, readonly bytes: Uint8Array }[]
}

/** Goes on in a new group with everybody who has asked. Throws `MlsError`. */
export function makeContinuation(state: RoomState, moment: Moment): Continuation {
  const { group: old, room } = state
  const { self, now } = moment
  const maker = room.recovery?.maker ?? ''
  if (old === undefined) throw new MlsError('misuse', 'there is no group to go on from')
  const keyPackages = askedIn(state, old, maker).asked.flatMap(({ signed }) => {
    try {
      return [validKeyPackage(old.suite, signed, moment)]
    } catch (error) {
      // Too old by now: its device asks again.
      if (error instanceof MlsError) return []
      throw error
    }
  })
  const present = new Set([self.accountId, ...keyPackages.map(({ leafNode }) => accountOf(leafNode))])
  const first = createGroup(self.suite, {
    groupId: self.suite.random(16), credential: self.credential, signatureKeyPair: self.signatureKeyPair,
    capabilities: leafCapabilities(), lifetime: leafLifetime(now),
    // Its own request is answered by this: nobody shall let it in once more.
    leafExtensions: [...self.leafExtensions, nextIncarnation(old, now)],
    extensions: extensionsFor(old, { maker, present }),
  })
  const made = commit(first, {
    proposals: keyPackages.map((keyPackage) => ({ type: 'add', keyPackage })), authentication: self.authentication,
    authenticatedData: encodeNote(now), forcePath: true, capabilities: leafCapabilities(),
    leafExtensions: ownLeafExtensions(first, self), groupInfoExtensions: [tellNewcomers([])],
  })
  const merged = merge(made.group, made.pending)
  const { step, wiped } = goOn(state, { group: merged.group, history: [], by: self.accountId, without: maker }, moment)
  const { welcome } = made
  return {
    step: { ...step, wipe: [...step.wipe, ...made.wipe, ...merged.wipe, ...wiped] },
    mails: welcome === undefined ? [] : keyPackages.map(({ leafNode: { credential } }) => ({
      log: inboxLog(deviceIdOf(credential)),
      bytes: encodeWelcomeMail({
        welcome: encode(MLSMessage, welcome), tokenProof: new Uint8Array(0), commitsAfter: 0n, messagesAfter: 0n,
      }),
    })),
  }
}

/** The same name, kind, rules and admins, but for the maker. Who has not asked is absent, and comes back by a request. */
function extensionsFor(
  old: Group, { maker, present }: { readonly maker: string, readonly present: ReadonlySet<string> },
): Extensions {
  const policy = policyIn(old.context)
  const absent: AbsentAccount[] = absentIn(old.context.extensions).filter(({ accountId }) => !present.has(accountId))
  const missing = new Set(leavesOf(old.tree).map(({ leafNode }) => accountOf(leafNode))
    .filter((accountId) => accountId !== maker && !present.has(accountId)))
  for (const accountId of missing) {
    const incarnation = incarnationOf(old, accountId)
    if (incarnation !== undefined && hasRoom(absent)) absent.push({ accountId, incarnation })
  }
  const admins = policy.admins.filter((admin) => toHex(admin) !== maker)
  const log = old.suite.random(16)
  return withAbsent(withPolicy(replacing(old.context), { ...policy, admins, log }), absent)
}

/** The conversation as it goes on in another group; what is not sent yet goes out there. `wiped`: of the old group. */
export function goOn(known: RoomState, next: {
  readonly group: Group, readonly history: readonly Passed[], readonly by: string, readonly without: string
}, { now }: Moment): { readonly step: RoomStep, readonly wiped: readonly Secret[] } {
  const { group, history, by, without } = next
  const { room } = known
  const { epoch, groupId } = group.context
  const changes: Partial<Room> = {
    ...roomOfPolicy(group), ...freshEpoch, groupId: toHex(groupId), recovery: undefined, formerLogs: [],
    answered: { reference: room.recovery?.reference ?? room.answered?.reference ?? '', at: now, maker: without },
    ownRecords: { epoch: '', records: [] }, epochAt: now, healedAt: now, renewedBy: by, headAt: now, watchedFrom: now,
    intents: room.intents.filter(({ type }) => type !== 'renew'),
    renewAt: renewalAfter(group.suite, now, leavesOf(group.tree).length), strangeAt: 0, behindAt: 0, returnedAt: '',
    // Counted anew. Whoever is there from its first epoch on has missed nothing in it.
    joinedAt: epoch === 1n ? '0' : String(epoch), numbering: String(epoch), counter: 0, counterBase: 0,
  }
  const state: RoomState = {
    ...withRoom(known, changes), group, members: membersOf(group, known.members, new Set(), now),
    seals: [sealOf(group)], pending: undefined, waiting: [], history,
  }
  const step = tellFact(still(state), now, `${groupIdOf(state.room)}.${epoch}.continued`, {
    fact: 'continued', by, ...without === '' ? {} : { without },
  })
  const wiped = [
    ...known.group === undefined ? [] : droppedSecrets(known.group, undefined), ...known.seals.map(({ key }) => key),
  ]
  return { step, wiped }
}
