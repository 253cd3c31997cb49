import { isSpoilt, makeMove, movesAt, takeMove } from '../chat/move.ts'
import { stale } from './outbox.ts'
import { addressed, addressesOf, devicesOf } from './recover.ts'
import type { State } from './state.ts'

/**
 * A group whose epoch cannot end in its log: what leads on came by letter, or is made here when it is this device's
 * turn. The new epoch and the letters are stored together, so that after a kill they go out as they are. Gives `moved`,
 * or how long to wait for the others.
 */
export async function leaveSpoilt(state: State, id: string): Promise<'moved' | number | undefined> {
  if (takeMoved(state, id)) return 'moved'
  const before = state.rooms.get(id)
  const due = before === undefined || !isSpoilt(before) ? undefined : movesAt(before, state.self)
  if (before?.group === undefined || due === undefined) return undefined
  const waitMs = due - state.ports.now()
  if (waitMs > 0) return waitMs
  const addresses = await addressesOf(state, devicesOf(before.group).filter(({ deviceId }) => deviceId !== state.self.deviceId))
  if (takeMoved(state, id)) return 'moved'
  const room = state.rooms.get(id)
  // Something else happened while the network answered.
  if (room === undefined || !isSpoilt(room) || room.group?.context.epoch !== before.group.context.epoch) return 0
  const { step, letter, to } = makeMove(room, state.moment())
  state.transact({
    steps: [step], removedPublish: stale(state, room, step),
    publish: addressed(state, addresses.filter(({ deviceId }) => to.includes(deviceId)), letter),
  })
  return 'moved'
}

/** Follows a move that came. Says whether there was a good one. */
export function takeMoved(state: State, id: string): boolean {
  const room = state.rooms.get(id)
  const step = room === undefined ? undefined : takeMove(room, state.moment())
  if (room === undefined || step === undefined) return false
  state.transact({ steps: [step], removedPublish: stale(state, room, step) })
  return step.state.group !== room.group
}
