import { fromHex, toHex } from '../mls/index.ts'
import { closeRoom } from '../chat/epochs.ts'
import { leaveRoom } from '../chat/membership.ts'
import { acceptRequest } from '../chat/requests.ts'
import { followedBy, still, withRoom, type RoomState } from '../chat/room.ts'
import type { State } from './state.ts'

/**
 * Two people may start a direct chat with each other at once. Both then hold two groups, and both keep the one with the
 * lower id; what was written in the other one moves there, so nothing is lost and nobody sees two chats.
 */
export function joinTwins(state: State, arrived: string): void {
  const room = state.rooms.get(arrived)
  if (room?.room.kind !== 'direct' || room.room.state !== 'request') return
  const twin = [...state.rooms.values()].find((other) => other.room.id !== arrived && other.room.kind === 'direct'
    && other.room.peer === room.room.peer && (other.room.state === 'active' || other.room.state === 'creating'))
  if (twin === undefined) return
  // Both people want this conversation: each has started it.
  if (twin.room.id < arrived) forget(state, room)
  else moveTo(state, twin, room)
}

/** The other side closes this group by the same rule; nothing was said in it here. */
function forget(state: State, room: RoomState): void {
  const closed = closeRoom(still(room), 'left')
  state.transact({ removedRooms: [room.room.id], declined: [room.room.id], wipe: closed.wipe })
}

function moveTo(state: State, from: RoomState, to: RoomState): void {
  const left = leaveRoom(from, state.moment())
  let { nextOrder } = to.room
  const moved = state.store.entriesBefore(from.room.id, 0, 10_000).flatMap((entry) =>
    entry.kind === 'message' && entry.own
      ? [{ ...entry, conversation: to.room.id, order: nextOrder++, state: 'sending' as const }] : [])
  // What was sent to the other group is not read there.
  const again = moved.filter((entry) => !state.outbox.has(contentIdOf(entry.id))).map((entry) => ({
    room: to.room.id, id: fromHex(contentIdOf(entry.id)), body: { type: 'text' as const, text: entry.text },
  }))
  const waiting = [...state.outbox].filter(([, item]) => toHex(item.room) === from.room.id)
  const accepted = acceptRequest(withRoom(to, { nextOrder, draft: from.room.draft, last: from.room.last }))
  state.transact({
    steps: [followedBy(still(to), accepted)], entries: moved,
    say: [...again, ...waiting.map(([, item]) => ({ room: to.room.id, id: item.id, body: item.body }))],
    removedRooms: [from.room.id], wipe: closeRoom(left, 'left').wipe,
    publish: left.publish.map((one) => ({ log: one.log, slot: one.slot, bytes: one.bytes, target: { type: 'record' } })),
  })
}

/** The content id in the id of an entry (chat/receive.ts `messageEntryId`). */
export const contentIdOf = (entryId: string): string => entryId.slice(33)
