import { toHex } from '../mls/index.ts'
import { goesOnAt, makeContinuation } from '../chat/continuation.ts'
import type { State } from './state.ts'

/**
 * Goes on in a new group when nobody can let anybody back in and it is this device's turn. The new group and its
 * Welcomes are stored together, so that after a kill they go out as they are. Gives `done`, or how long to wait.
 */
export function goOnInTime(state: State, id: string): 'done' | number | undefined {
  const room = state.rooms.get(id)
  const due = room === undefined ? undefined : goesOnAt(room, state.moment())
  if (room === undefined || due === undefined) return undefined
  const waitMs = due - state.ports.now()
  if (waitMs > 0) return waitMs
  const { step, mails } = makeContinuation(room, state.moment())
  state.transact({
    steps: [step], publish: mails.map((mail) => ({ ...mail, slot: '', target: { type: 'record' } })),
    removedPublish: [...state.publishes].flatMap(([key, { target }]) =>
      target.type !== 'record' && toHex(target.room) === id ? [key] : []),
  })
  return 'done'
}
