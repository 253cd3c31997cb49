/** Where updates of the app stand, as the main process last told it. */
import type { UpdateState } from '../preload/api.ts'

class Updates {
  state = $state.raw<UpdateState>()
}

export const updates = new Updates()
