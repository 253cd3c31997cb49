import {
  decode, droppedSecrets, encode, fromHex, generateKeyPackage, KeyPackage, keyPackageRef, leafAt, leavesOf, toHex,
  type Extension, type Group, type LeafNode,
} from '../mls/index.ts'
import type { CardGroup } from '../identity/card.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { incarnationExtension, incarnationIn, leafCapabilities, leafLifetime } from './extensions.ts'
import { compareStories, type Seen, type Way } from './history.ts'
import { rejoinReasons, SignedStory, signRejoin, signStory, type Letter } from './letter.ts'
import { accountOf } from './account-of.ts'
import type { OwnKeyPackage } from './mail.ts'
import {
  emptyRoom, historyBase, groupIdOf, isWell, still, withRoom, type Member, type Recovery, type Room, type RoomState, type RoomStep,
} from './room.ts'
import type { Moment } from './self.ts'

/**
 * Nobody is ever stuck. A device that cannot follow its group stops sending, says why, and asks to be let back in: own
 * devices first, then members, a few at a time and less and less often. What it wanted to say waits in its outbox.
 */

const minuteMs = 60_000
/** How long after each request the next one goes out; the last one repeats. */
const patienceMs = [1, 2, 10, 60, 6 * 60, 24 * 60].map((minutes) => minutes * minuteMs)
/** After so many requests the person is told to ask for an invitation; whoever reads one later still answers. */
export const requestLimit = 20
/** How many devices get one request. */
const askedAtOnce = 5
const founderLimit = 3

/**
 * From now on this device only asks. `from`: since when the others may not have got what it said. Without a group, and
 * while it recovers already, nothing changes.
 */
export function beginRecovery(
  state: RoomState,
  cause: Pick<Recovery, 'reason' | 'from' | 'maker' | 'by' | 'story'>, moment: Moment,
): RoomStep {
  const { group, pending, room } = state
  if (group === undefined || !isWell(room) || room.leaving) return still(state)
  const recovery = { ...cause, since: moment.now, attempts: 0, nextAt: moment.now, reference: '' }
  return {
    ...still({ ...withRoom(state, { recovery }), pending: undefined }),
    wipe: pending === undefined ? [] : droppedSecrets(pending.next, group),
  }
}

/** A device that may let this one back in. */
export type Helper = { readonly accountId: string, readonly deviceId: string }

export type Asking = {
  readonly step: RoomStep
  /** For the request only: it is not in the stock. */
  readonly keyPackage: OwnKeyPackage
  readonly letters: readonly Letter[]
  readonly helpers: readonly Helper[]
}

/** The next request, when its time has come. Its KeyPackage stays the same through all of them. */
export function askAgain(state: RoomState, moment: Moment, known: OwnKeyPackage | undefined): Asking | undefined {
  const { group, room } = state
  const { recovery } = room
  if (recovery === undefined || recovery.attempts >= requestLimit) return undefined
  if (moment.now < recovery.nextAt) return undefined
  const keyPackage = known ?? requestKeyPackage(group, moment)
  const { self } = moment
  const request = signRejoin(self.suite, self.signatureKeyPair, {
    groupId: fromHex(groupIdOf(room)), lastEpoch: group?.context.epoch ?? 0n, reason: rejoinReasons.indexOf(recovery.reason),
    at: moment.now, keyPackage: encode(KeyPackage, keyPackage.keyPackage),
  })
  const wait = patienceMs[Math.min(recovery.attempts, patienceMs.length - 1)] ?? minuteMs
  const asked = { ...recovery, attempts: recovery.attempts + 1, nextAt: moment.now + wait, reference: keyPackage.reference }
  return {
    step: still(withRoom(state, { recovery: asked })),
    keyPackage,
    // Whoever is in the story that ends would let this device back into it.
    letters: [
      ...recovery.story === undefined ? [] : [{ type: 'story', ...decode(SignedStory, fromHex(recovery.story)) } as const],
      { type: 'rejoin', ...request },
    ],
    helpers: helpersOf(group === undefined ? room.helpers : leavesOf(group.tree).map(({ leafNode }) => helperOf(leafNode)),
      moment, recovery),
  }
}

/** For this device's next leaf: a number that no leaf of it had, nor any request that it made until now. */
export function nextIncarnation(group: Group | undefined, now: number): Extension {
  const before = group === undefined ? 0n : incarnationIn(leafAt(group.tree, group.ownLeaf)?.extensions ?? [])
  // Milliseconds since 1970, so that it grows even for a device that lost its state; never less than the last one.
  return incarnationExtension(before >= BigInt(now) ? before + 1n : BigInt(now))
}

function requestKeyPackage(group: Group | undefined, moment: Moment): OwnKeyPackage {
  const { self, now } = moment
  const made = generateKeyPackage(self.suite, {
    credential: self.credential, signatureKeyPair: self.signatureKeyPair, capabilities: leafCapabilities(),
    lifetime: leafLifetime(now), leafExtensions: [...self.leafExtensions, nextIncarnation(group, now)],
  })
  const reference = toHex(keyPackageRef(self.suite, made.keyPackage))
  return { reference, keyPackage: made.keyPackage, privateKeys: made.privateKeys, lastResort: false, claimed: true }
}

/**
 * Own devices always; of the others a few, each time the next ones. After a commit that gave no keys, the first members
 * by their leaves hear of it each time: when it is bad for everybody, one of them goes on without its maker.
 */
function helpersOf(
  devices: readonly Helper[], { self }: Moment, { attempts: attempt, reason, maker }: Recovery,
): readonly Helper[] {
  const others = devices.filter(({ deviceId }) => deviceId !== self.deviceId)
  const own = others.filter(({ accountId }) => accountId === self.accountId)
  const members = others.filter(({ accountId }) => accountId !== self.accountId)
  const first = members.length === 0 ? 0 : (attempt * askedAtOnce) % members.length
  const asked = [...members.slice(first), ...members.slice(0, first)].slice(0, askedAtOnce)
  const founders = reason === 'path' ? members.filter(({ accountId }) => accountId !== maker).slice(0, founderLimit) : []
  return [...new Set([...own, ...founders, ...asked])]
}

const helperOf = (leafNode: LeafNode): Helper =>
  ({ accountId: accountOf(leafNode), deviceId: deviceIdOf(leafNode.credential) })

/**
 * A conversation of which this device knows no more than the recovery card says (identity/card.ts): it asks to be let in
 * by the devices that stand there.
 */
export function restoredRoom(
  group: CardGroup, self: string, now: number,
): { readonly room: Room, readonly members: readonly Member[] } {
  const helpers = group.helpers.map((one) => ({ accountId: toHex(one.accountId), deviceId: toHex(one.deviceId) }))
  const others = [...new Set(helpers.map(({ accountId }) => accountId))].filter((accountId) => accountId !== self)
  const people = group.kind === 'direct' ? others.slice(0, 1) : others
  return {
    room: {
      ...emptyRoom(toHex(group.groupId), now), log: toHex(group.log), kind: group.kind, state: 'active', helpers, origin: 'card',
      name: group.kind === 'group' ? group.title : '', peer: group.kind === 'direct' ? people[0] ?? '' : '',
      // Room below for what was said before.
      nextOrder: historyBase, firstOrder: historyBase,
      recovery: { reason: 'restored', since: now, from: now, attempts: 0, nextAt: now, reference: '' },
    },
    members: people.map((accountId) => ({ accountId, devices: 1, healedAt: 0 })),
  }
}

// ---------------------------------------------------------------- two stories

/** What this device saw win, for somebody who may have seen something else. At most the newest 200 records. */
export function tellStory(state: RoomState, moment: Moment): Letter {
  const { self } = moment
  const seen = state.history.slice(0, 200).map(({ epoch, hash }) => ({ epoch, hash }))
  return { type: 'story', ...signStory(self, {
    groupId: fromHex(groupIdOf(state.room)), epoch: state.group?.context.epoch ?? 0n, seen,
  }) }
}

export type StoryHeard = {
  readonly step: RoomStep
  /** They should hear this device's own story. */
  readonly answer: boolean
  /** They lack the records of the epochs from here on. */
  readonly repairFrom: bigint | undefined
}

/** How long a device that is behind waits for the records that it lacks. */
export const behindMs = 30 * minuteMs

/**
 * Another member's story. When theirs stays, this device has to be let back in; when ours stays, they have to learn of
 * it. Nobody rolls back: what was done in either story is done.
 */
export function hearStory(state: RoomState, told: SignedStory, moment: Moment): StoryHeard {
  const theirs: Way = told.story
  const heard = (step: RoomStep, more: Partial<StoryHeard> = {}): StoryHeard =>
    ({ step, answer: false, repairFrom: undefined, ...more })
  const epoch = state.group?.context.epoch ?? 0n
  switch (compareStories({ epoch, seen: state.history }, theirs)) {
    case 'same': return heard(still(state))
    case 'ahead': return heard(still(state), { repairFrom: theirs.epoch })
    case 'behind': {
      const { behindAt, behindEpoch } = state.room
      const isFurther = behindAt === 0 || behindEpoch === '' || theirs.epoch > BigInt(behindEpoch)
      const behind = isFurther ? withRoom(state, {
        behindAt: behindAt || moment.now, behindBy: deviceIdOf(told.credential), behindEpoch: String(theirs.epoch),
      }) : state
      return heard(behindAt === 0 ? still(behind) : stayBehind(behind, moment), { answer: behindAt === 0 })
    }
    case 'ours-stays': return heard(still(state), { answer: true })
    case 'theirs-stays': return heard(beginRecovery(state, {
      reason: 'forked', from: forkedAt(state, theirs.seen), by: deviceIdOf(told.credential),
      story: toHex(encode(SignedStory, told)),
    }, moment))
  }
}

/** Others are further on, and send or put back what leads there if they still have it; after a while this device asks. */
export function stayBehind(state: RoomState, moment: Moment): RoomStep {
  const { behindAt, behindBy: by } = state.room
  if (behindAt === 0 || moment.now < behindAt + behindMs) return still(state)
  return beginRecovery(state, { reason: 'undecided', from: behindAt, by }, moment)
}

/** When this device followed the first record that others did not. */
function forkedAt(state: RoomState, seen: readonly Seen[]): number {
  const other = new Map(seen.map(({ epoch, hash }) => [epoch, toHex(hash)]))
  const differing = state.history.filter(({ epoch, hash }) => {
    const there = other.get(epoch)
    return there !== undefined && there !== toHex(hash)
  })
  return Math.min(...differing.map(({ at }) => Number(at)))
}
