import { Credential, decode, encode, equal, leafAt, uint32, type Suite } from '../mls/index.ts'
import { deviceCount, isDue, isOpen, isWell, type Intent, type Room, type RoomState } from './room.ts'
import type { Self } from './self.ts'

/**
 * When a device gives its leaf new keys, so that whoever has stolen the old ones is shut out (RFC 9420 §16.6): at once
 * after it came in by a KeyPackage that others use too (§16.8), else with its first message after a week.
 */

const minuteMs = 60 * 1000
const dayMs = 24 * 60 * minuteMs
const weekMs = 7 * dayMs
/** Who only reads renews too, before the others take the device for one that is not used any more (idle.ts). */
const quietMs = 38 * dayMs

/** The devices of a group take turns: so far apart that all of them make one commit in ten minutes, within limits. */
const apartMs = 10 * minuteMs
const apartLimitMs = 21 * dayMs
/** Whose commit came second lets its message go first, and waits its turn again. */
const turnMs = 2_000
const turnLimitMs = 30 * minuteMs

/** Between 0 and 1, without 1. */
const chance = (suite: Suite): number => decode(uint32, suite.random(4)) / 2 ** 32

/** When a leaf that was made at a time is due, in a group of so many devices. */
export const renewalAfter = (suite: Suite, madeAt: number, devices: number): number =>
  madeAt + weekMs + Math.floor(chance(suite) * Math.min(devices * apartMs, apartLimitMs))

export const renewal = (notBefore = 0): Intent => ({ type: 'renew', notBefore })

/** Is it time? `speaks`: this device has something to say, which then waits for the commit. */
export const wantsRenewal = (state: RoomState, { now, speaks }: { readonly now: number, readonly speaks: boolean }): boolean =>
  state.group !== undefined && deviceCount(state) > 1 && isOpen(state.room) && isWell(state.room)
  && state.room.state === 'active' && state.pending === undefined
  && now >= state.room.renewAt + (speaks ? 0 : quietMs) && !state.room.intents.some(({ type }) => type === 'renew')

/** Does the own leaf show another key or certificate path than the device has now? Then at once. */
export function isOutdated({ group, room, pending }: RoomState, { signatureKeyPair, credential }: Self): boolean {
  if (group === undefined || pending !== undefined || !isOpen(room) || !isWell(room) || room.state !== 'active') return false
  const leaf = leafAt(group.tree, group.ownLeaf)
  if (leaf === undefined || room.intents.some(({ type }) => type === 'renew')) return false
  return !equal(leaf.signatureKey, signatureKeyPair.publicKey)
    || !equal(encode(Credential, leaf.credential), encode(Credential, credential))
}

/** What a commit means for the own leaf: it is new, or somebody else was first. */
export function afterCommit(
  { intents }: Room, commit: { readonly suite: Suite, readonly renewed: boolean, readonly devices: number }, now: number,
): Partial<Room> {
  const { suite, renewed, devices } = commit
  if (renewed) {
    return {
      renewAt: renewalAfter(suite, now, devices), intents: intents.filter(({ type }) => type !== 'renew'),
    }
  }
  const later = now + Math.ceil(chance(suite) * Math.min(devices * turnMs, turnLimitMs))
  const waits = intents.some((one) => one.type === 'renew' && isDue(one, now))
  return waits ? { intents: intents.map((one) => one.type === 'renew' ? renewal(later) : one) } : {}
}
