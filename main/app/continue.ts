import { toHex } from '../mls/index.ts'
import { goesOnAt, makeContinuation } from '../chat/continuation.ts'
import { resume, resumesAt } from '../chat/resume.ts'
import type { RoomState } from '../chat/room.ts'
import type { State } from './state.ts'

/**
 * Goes on when nobody can let anybody back in and it is this device's turn: where it was, or in a new group, which is
 * stored with its Welcomes, so that after a kill they go out as they are. Gives `done`, or how long to wait.
 */
export function goOnInTime(state: State, id: string): 'done' | number | undefined {
  const room = state.rooms.get(id)
  if (room === undefined) return undefined
  const moment = state.moment()
  const resumed = resumesAt(room, moment)
  const due = resumed ?? goesOnAt(room, moment)
  if (due === undefined) return undefined
  const waitMs = due - state.ports.now()
  if (waitMs > 0) return waitMs
  if (resumed !== undefined) state.transact({ steps: [resume(room, moment)] })
  else continueElsewhere(state, room)
  return 'done'
}

function continueElsewhere(state: State, room: RoomState): void {
  const { step, mails } = makeContinuation(room, state.moment())
  state.transact({
    steps: [step], publish: mails.map((mail) => ({ ...mail, slot: '', target: { type: 'record' } })),
    removedPublish: [...state.publishes].flatMap(([key, { target }]) =>
      target.type !== 'record' && toHex(target.room) === room.room.id ? [key] : []),
  })
}
