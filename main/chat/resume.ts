import { decode, fromHex, leavesOf, type Group } from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { compareStories, type Way } from './history.ts'
import { rejoinReasons, SignedRejoin, SignedStory } from './letter.ts'
import { isOpen, still, withRoom, type Intent, type Room, type RoomState, type RoomStep } from './room.ts'
import type { Moment } from './self.ts'

/**
 * A device that believes a member's story asks those who are in it. Where more than half of the group ask the same from
 * one epoch, and nobody answers, nobody is in it: the teller lied, or is away. Then they go on one after the other where
 * they all are, do not believe that teller for a day, and let in who did not hear of enough others to go on as well.
 */

const minuteMs = 60_000
const patienceMs = 60 * minuteMs
/** How long after each other they would, in the order of their leaves. */
const turnMs = 10 * minuteMs
/** How long those who ask have to go on by themselves. */
const chanceMs = 60 * minuteMs
const doubtMs = 24 * 60 * minuteMs
/** The same for whoever was let back in by others than the teller spoke of. */
const shortDoubtMs = 60 * minuteMs
const doubtLimit = 16

export const isDoubted = ({ doubted }: Room, deviceId: string, now: number): boolean =>
  doubted.some((one) => one.deviceId === deviceId && now < one.until)

/** Not believed for a while; then stories are told again, in case that there is something in it. */
const doubting = ({ doubted }: Room, deviceId: string, until: number): Pick<Room, 'doubted' | 'strangeAt'> => ({
  doubted: [{ deviceId, until }, ...doubted.filter((one) => one.deviceId !== deviceId)].slice(0, doubtLimit),
  strangeAt: until,
})

/** Who was let back in tells its story soon; later, where that is not the one which it had believed. */
export function afterReturn({ room }: RoomState, ours: Way, now: number): Partial<Room> {
  const { by, story } = room.recovery ?? {}
  if (by === undefined || story === undefined) return { strangeAt: now }
  const comparison = compareStories(ours, decode(SignedStory, fromHex(story)).story)
  const isOther = comparison === 'ours-stays' || comparison === 'theirs-stays'
  return isOther ? doubting(room, by, now + shortDoubtMs) : { strangeAt: now }
}

/** When this device goes on, unless somebody lets it back in before; `undefined`: not as things are. */
export function resumesAt({ group, room }: RoomState, { self }: Moment): number | undefined {
  const { recovery } = room
  if (group === undefined || recovery?.by === undefined || room.state !== 'active' || !isOpen(room)) return undefined
  const asking = new Set([self.deviceId, ...room.intents.flatMap((intent) => asksAlike(intent, group) ?? [])])
  const devices = leavesOf(group.tree).map(({ leafNode }) => deviceIdOf(leafNode.credential))
  const inTurn = devices.filter((deviceId) => asking.has(deviceId))
  if (inTurn.length * 2 <= devices.length) return undefined
  return recovery.since + patienceMs + inTurn.indexOf(self.deviceId) * turnMs
}

const toldReasons: readonly number[] = (['undecided', 'forked'] as const).map((reason) => rejoinReasons.indexOf(reason))

/** The device of a request that comes from this epoch because of what was told. */
function asksAlike(intent: Intent, { context }: Group): string | undefined {
  if (intent.type !== 'readmit') return undefined
  const { request } = decode(SignedRejoin, fromHex(intent.request))
  return request.lastEpoch === context.epoch && toldReasons.includes(request.reason) ? intent.deviceId : undefined
}

export function resume(state: RoomState, { now }: Moment): RoomStep {
  const { room, group } = state
  const intents = room.intents.map((intent) => group === undefined || asksAlike(intent, group) === undefined ? intent
    : { ...intent, notBefore: now + chanceMs })
  // Somebody may be letting this device in just now: then it comes in by that, instead of asking anew.
  const reference = room.recovery?.reference ?? ''
  return still(withRoom(state, {
    ...reference === '' ? {} : { answered: { reference, at: now, maker: '' } },
    intents, recovery: undefined, behindAt: 0, behindBy: '', behindEpoch: '', ...doubting(room, room.recovery?.by ?? '', now + doubtMs),
  }))
}
