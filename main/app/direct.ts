import { fromHex, toHex } from '../mls/index.ts'
import { closeRoom } from '../chat/epochs.ts'
import { leaveRoom } from '../chat/membership.ts'
import { acceptRequest } from '../chat/requests.ts'
import { bodyOfEntry } from '../chat/said.ts'
import { followedBy, withRoom, type RoomState, type RoomStep } from '../chat/room.ts'
import type { State, Transaction } from './state.ts'

/**
 * Two people may start a direct chat with each other at once. Both then hold two groups, and both keep the one with the
 * lower id; what was written in the other one moves there, so nothing is lost and nobody sees two chats. Gives what
 * the one that `arrived` changes.
 */
export function joinTwins(state: State, arrived: RoomStep): Transaction {
  const { room } = arrived.state
  // From the other person, or from an own device on which this person has started one as well.
  if (room.kind !== 'direct' || (room.state !== 'request' && state.rooms.has(room.id))) return { steps: [arrived] }
  const twin = [...state.rooms.values()].find((other) => other.room.id !== room.id && other.room.kind === 'direct'
    && other.room.peer === room.peer && (other.room.state === 'active' || other.room.state === 'creating'))
  if (twin === undefined) return { steps: [arrived] }
  // Both people want this conversation: each has started it.
  return twin.room.id < room.id ? forget(arrived) : moveTo(state, twin, arrived)
}

/** The other side closes this group by the same rule; nothing was said in it here. */
function forget(arrived: RoomStep): Transaction {
  const { id } = arrived.state.room
  return { removedRooms: [id], declined: [{ id, people: [] }], wipe: closeRoom(arrived, 'left').wipe }
}

function moveTo(state: State, from: RoomState, arrived: RoomStep): Transaction {
  const left = leaveRoom(from, state.moment())
  const to = arrived.state
  let { nextOrder } = to.room
  const moved = state.store.entriesBefore(from.room.id, 0, 10_000).flatMap((entry) =>
    entry.kind === 'message' && entry.own
      ? [{ ...entry, conversation: to.room.id, order: nextOrder++, state: 'sending' as const }] : [])
  // What was sent to the other group is not read there.
  const again = moved.filter((entry) => !state.outbox.has(contentIdOf(entry.id))).map((entry) => ({
    room: to.room.id, id: fromHex(contentIdOf(entry.id)), body: bodyOfEntry(entry),
  }))
  const waiting = [...state.outbox].filter(([, item]) => toHex(item.room) === from.room.id)
  const accepted = acceptRequest(withRoom(to, { nextOrder, draft: from.room.draft, last: from.room.last }))
  return {
    steps: [followedBy(arrived, accepted)], entries: moved,
    say: [...again, ...waiting.map(([, item]) => ({ room: to.room.id, id: item.id, body: item.body }))],
    removedRooms: [from.room.id], wipe: closeRoom(left, 'left').wipe,
    publish: left.publish.map((one) => ({ log: one.log, slot: one.slot, bytes: one.bytes, target: { type: 'record' } })),
  }
}

/** The content id in the id of an entry (chat/receive.ts `messageEntryId`). */
export const contentIdOf = (entryId: string): string => entryId.slice(33)
