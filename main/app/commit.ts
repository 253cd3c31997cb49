import { makeCommit, wantsCommit } from '../chat/membership.ts'
import { still, withRoom } from '../chat/room.ts'
import { groupLog } from '../chat/sealed.ts'
import { MlsError } from '../mls/index.ts'
import type { State } from './state.ts'

/** Makes the commit for what this device wants and what waits, and stores it with its exact bytes. Says whether it did. */
export function storeCommit(state: State, id: string): boolean {
  const room = state.rooms.get(id)
  if (room?.group === undefined || !wantsCommit(room, state.ports.now())) return false
  const { log } = room.room
  const position = {
    commits: state.store.cursor(groupLog('h', log)), messages: state.store.cursor(groupLog('m', log)),
  }
  try {
    state.transact({ steps: [makeCommit(room, state.moment(), position)] })
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    // What was wanted cannot be had in this group: forgotten, and said, instead of tried for ever.
    state.ports.report(error)
    state.transact({ steps: [still(withRoom(room, { intents: [] }))], notice: { code: 'not-allowed' } })
  }
  return true
}
