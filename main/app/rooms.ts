import { toHex } from '../mls/index.ts'
import { replacedBy } from '../chat/replaced.ts'
import { groupIdOf, type RoomState } from '../chat/room.ts'
import type { State } from './state.ts'

/** The conversation of an MLS group. */
export function roomOf({ rooms }: Pick<State, 'rooms'>, groupId: string): RoomState | undefined {
  const known = rooms.get(groupId)
  if (known !== undefined && groupIdOf(known.room) === groupId) return known
  return [...rooms.values()].find(({ room }) => groupIdOf(room) === groupId)
}

/** The conversation that a group is for other own devices, where it is not named by it: the register `group.<id>`. */
export function conversationSaid({ registers }: Pick<State, 'registers'>, groupId: string): string | undefined {
  const said = registers.value(`group.${groupId}`)
  return typeof said === 'string' && /^[0-9a-f]{32}$/.test(said) ? said : undefined
}

/** The conversation of a group, or of the one that goes on in its place. */
export const roomAfter = (state: Pick<State, 'rooms'>, groupId: string): RoomState | undefined =>
  roomOf(state, groupId) ?? [...state.rooms.values()].find(({ group }) =>
    group !== undefined && replacedBy(group.context).some((one) => toHex(one) === groupId))
