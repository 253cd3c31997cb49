import { groupCode } from '../chat/epochs.ts'
import { groupIdOf, isOpen, isShown, isWell, still, withRoom, type CodeSeen, type RoomState } from '../chat/room.ts'
import { ownGroupOf, type Wish } from './registers.ts'
import type { State } from './state.ts'

/**
 * Own devices compare the codes of their groups by themselves (DESIGN §6): each says now and then which code it has in
 * which epoch. Only codes of one group and one epoch are compared, so that nobody is alarmed by one that is further on.
 */

/** How often a device says it of one conversation, at most. */
const everyMs = 60_000
/** How many epochs back another device may be. */
const keptCodes = 8

export const codeKey = (room: string, deviceId: string): string => `code.${room}.${deviceId}`

/** Remembers the present code and says it when it is time. Gives how long until then, if it is not. */
export function tendCode(state: State, id: string): number | undefined {
  const room = state.rooms.get(id)
  if (room?.group === undefined || !isShown(room.room) || !isOpen(room.room) || !isWell(room.room)) return undefined
  if (state.devices.devices.filter(({ revoked }) => !revoked).length < 2) return undefined
  // As long as it is alone in the own group, there is nobody to tell.
  if (ownGroupOf(state.rooms.values())?.members.some(({ devices }) => devices > 1) !== true) return undefined
  const { codes } = room.room
  const epoch = Number(room.group.context.epoch)
  const group = groupIdOf(room.room)
  const isKept = codes[0]?.group === group && codes[0].epoch === epoch
  const code = isKept ? codes[0] : { group, epoch, code: groupCode(room.group) }
  if (code === undefined) return undefined
  const seen = isKept ? room : withRoom(room, { codes: [code, ...codes].slice(0, keptCodes) })
  const compared = state.devices.devices.reduce((one, { deviceId }) => compareCode(one, {
    deviceId, value: state.registers.value(codeKey(id, deviceId)), own: state.self.deviceId,
  }), seen)
  const { wish, waitMs } = saying(state, id, code)
  if (compared !== room || wish !== undefined) {
    const alarm = isAlarm(room, compared)
    state.transact({
      steps: [still(compared)], registers: wish === undefined ? [] : [wish],
      ...alarm ? { notice: { code: 'code-differs' }, then: [() => { state.registers.differing.add(id) }] } : {},
    })
  }
  return waitMs
}

/** Where there is an own group now, and was none when these conversations were looked at. */
export const unsaidCodes = ({ rooms, registers, self }: State, id: string): readonly string[] =>
  rooms.get(id)?.room.kind === 'self' ? [...rooms.keys()].filter((one) => !registers.values.has(codeKey(one, self.deviceId))) : []

function saying(state: State, id: string, code: CodeSeen): { readonly wish?: Wish, readonly waitMs?: number } {
  const key = codeKey(id, state.self.deviceId)
  const said = state.registers.values.get(key)
  if (said?.value === JSON.stringify(code)) return {}
  const waitMs = (said?.time ?? 0) + everyMs - state.ports.now()
  // One that says nothing for so long because a clock was ahead would never speak again.
  return waitMs > 0 && waitMs <= everyMs ? { waitMs } : { wish: { key, value: code } }
}

export const isAlarm = (before: RoomState, after: RoomState): boolean =>
  after.room.differs !== undefined && after.room.differs.epoch !== before.room.differs?.epoch

/** What another own device says of its code, weighed against what this one has had in that epoch. */
export function compareCode(
  state: RoomState, { deviceId, own, value }: { readonly deviceId: string, readonly own: string, readonly value: unknown },
): RoomState {
  const { codes, differs } = state.room
  const said = codeIn(value)
  const mine = codes.find(({ group, epoch }) => group === said?.group && epoch === said.epoch)
  if (said === undefined || mine === undefined || deviceId === own) return state
  if (mine.code !== said.code) {
    return differs?.epoch === said.epoch && differs.group === said.group ? state
      : withRoom(state, { differs: { deviceId, group: said.group, epoch: said.epoch } })
  }
  // They agree again, later than they did not.
  const isOver = differs?.deviceId === deviceId && (differs.group !== said.group || differs.epoch < said.epoch)
  return isOver ? withRoom(state, { differs: undefined }) : state
}

/** `undefined` for what makes no sense: of a later version. */
function codeIn(value: unknown): CodeSeen | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { group, epoch, code } = value as { readonly [K in keyof CodeSeen]?: unknown }
  return typeof group === 'string' && typeof epoch === 'number' && typeof code === 'string' ? { group, epoch, code } : undefined
}

/** Conversations in which an own device has another code, once: what members saw of them is compared at once. */
export function differingCodes({ registers }: State): readonly string[] {
  const found = [...registers.differing]
  registers.differing.clear()
  return found
}
