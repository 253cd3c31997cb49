import type { StoredEntry } from '../ports.ts'
import type { BackupConversation, BackupEntry } from './backup.ts'
import { emptyRoom, historyBase, lastOf, withRoom, type Room, type RoomState } from './room.ts'

/** What was said before, out of a backup: its place in a timeline, and what it means for the conversation. */

/**
 * As it is kept here. What had not been sent when the backup was made will not be: this device does not know whether
 * another one sent it since.
 */
export function restoredEntry(entry: BackupEntry, order: number, holds: (hash: string) => boolean): StoredEntry {
  if (entry.kind !== 'message') return { ...entry, order, imported: true }
  const { attachments, ...message } = entry
  return {
    ...message, order, imported: true, state: entry.state === 'sending' ? 'failed' : entry.state,
    ...attachments === undefined ? {} : { attachments: attachments.map((one) =>
      holds(one.hash) ? { ...one, state: 'here' as const } : { ...one, state: 'gone' as const, why: 'expired' as const }) },
  }
}

/** An attachment has come: the message again that names it. */
export const arrivedIn = (entry: StoredEntry, hash: string): StoredEntry => entry.kind !== 'message' ? entry : {
  ...entry, attachments: (entry.attachments ?? []).map((one) => {
    if (one.hash !== hash) return one
    const { why: _, ...attachment } = one
    return { ...attachment, state: 'here' as const }
  }),
}

/** One that this device is not in: it is to be read, until it is brought in. */
export const readableRoom = (past: BackupConversation, now: number): RoomState => ({
  room: {
    ...emptyRoom(past.id, now), groupId: past.groupId === past.id ? '' : past.groupId, log: past.log, kind: past.kind,
    name: past.name, peer: past.peer, state: 'left', origin: 'backup', at: past.at, nextOrder: historyBase, firstOrder: historyBase,
  },
  members: past.people.map((accountId) => ({ accountId, devices: 1, healedAt: 0 })),
  group: undefined, seals: [], pending: undefined, waiting: [], history: [],
})

/** A part of the past, below what is here: how far it was read, and what stands in the list of conversations. */
export function withPast(state: RoomState, entries: readonly StoredEntry[], isRead: (entry: StoredEntry) => boolean): RoomState {
  let { readUpTo, unread, last, at } = state.room
  for (const entry of entries) {
    if (isRead(entry)) readUpTo = Math.max(readUpTo, entry.order)
    else if (entry.kind === 'message' && !entry.own && entry.order > readUpTo) unread += 1
    if (entry.kind === 'message' && (last === undefined || entry.at >= last.at)) {
      last = lastOf(entry, last)
      at = Math.max(at, entry.at)
    }
  }
  return withRoom(state, { readUpTo, unread, last, at })
}

/** How far up a timeline goes that has no room below it. */
export const raisedBy = historyBase

/** An entry of a timeline that begins too low for its past. */
export const raised = (entry: StoredEntry): StoredEntry => ({
  ...entry, order: entry.order + raisedBy,
  ...entry.hole === undefined ? {} : { hole: { ...entry.hole, order: entry.hole.order + raisedBy } },
})

/** The conversation as soon as the first of its entries are raised: what comes, comes above. */
export const raisedRoom = ({ nextOrder, readUpTo }: Room): Pick<Room, 'nextOrder' | 'readUpTo'> =>
  nextOrder > raisedBy ? { nextOrder, readUpTo } : { nextOrder: nextOrder + raisedBy, readUpTo: readUpTo + raisedBy }
