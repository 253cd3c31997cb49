import { leavesOf, toHex, type Group } from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { accountOf } from './account-of.ts'
import { administers, isOpen, isWell, type RoomState } from './room.ts'

/**
 * Devices that nobody has heard of for long: their keys do not heal, so whoever has stolen them reads on. An admin's app
 * offers to remove them. A person decides; no rule of the group knows a clock.
 */

const dayMs = 24 * 60 * 60 * 1000
export const idleMs = 90 * dayMs
/** A device that was away for longer has missed what others said, and begins to watch anew. */
const missedMs = 46 * dayMs

export type IdleDevice = {
  readonly accountId: string
  readonly deviceId: string
  /** The encryption key of its leaf, hexadecimal. */
  readonly leafKey: string
  /** When it was heard of last, as far as this device knows. */
  readonly since: number
}

/** Those that this person may remove, the longest silent ones first. `seenAt`: when a device was heard of. */
export function idleDevices(
  { room, group, members }: RoomState,
  options: { readonly self: string, readonly now: number, readonly seenAt: (deviceId: string) => number | undefined },
): readonly IdleDevice[] {
  const { self, now, seenAt } = options
  if (group === undefined || !isOpen(room) || !isWell(room) || now - room.watchedFrom < idleMs) return []
  const admin = room.kind === 'group' && administers(room, members, self)
  return leavesOf(group.tree)
    .filter(({ index, leafNode }) => index !== group.ownLeaf && (admin || accountOf(leafNode) === self))
    .map(({ leafNode }) => {
      const deviceId = deviceIdOf(leafNode.credential)
      const leafKey = toHex(leafNode.encryptionKey)
      return { accountId: accountOf(leafNode), deviceId, leafKey, since: Math.max(seenAt(deviceId) ?? 0, room.watchedFrom) }
    })
    .filter(({ since }) => now - since >= idleMs)
    .sort((a, b) => a.since - b.since)
}

export const leafOfKey = ({ tree }: Group, leafKey: string) =>
  leavesOf(tree).find(({ leafNode }) => toHex(leafNode.encryptionKey) === leafKey)

/** Since when this device hears everything (0: it did not look yet), when it has just seen the end of the logs. */
export const watchedFrom = ({ room }: RoomState, now: number): number =>
  room.watchedFrom === 0 || now - room.headAt > missedMs ? now : room.watchedFrom
