import { Backups } from './backups.ts'
import { Closing } from './closing.ts'
import { Linking } from './linking.ts'
import { keepTime } from './removal.ts'
import { hostOf, Restoring } from './restoring.ts'
import { noteReturned } from './returned.ts'
import type { State } from './state.ts'
import { Sync } from './sync.ts'

/** What works on an opened profile. */
export type Opened = {
  readonly state: State
  readonly sync: Sync
  readonly linking: Linking
  readonly closing: Closing
  readonly backups: Backups
  readonly restoring: Restoring
  /** Nothing goes by itself any more. */
  readonly endTime: () => void
}

/** `leave` puts this profile away for good. */
export function openOn(state: State, leave: () => Promise<void>): Opened {
  const sync = new Sync(state)
  const parts = { state, sync, leave }
  return {
    state, sync, linking: new Linking(parts), closing: new Closing(parts), backups: new Backups(state),
    restoring: new Restoring(hostOf(state)),
    // What is over is gone before anything is shown.
    endTime: keepTime(state),
  }
}

export function beginOn({ state, sync, linking, closing, backups, restoring }: Opened): void {
  noteReturned(state)
  sync.start()
  linking.resume()
  closing.resume()
  backups.resume()
  restoring.resume()
}

export async function endOn({ sync, linking, closing, backups, restoring, endTime }: Opened): Promise<void> {
  endTime()
  // Nothing is received any more, however long the others take to stop.
  await Promise.all([sync.stop(), backups.stop(), restoring.stop(), closing.stop().then(() => linking.stop())])
}

/** What of them the window is told at its start. */
export function toldOn({ linking, closing, backups, restoring }: Opened) {
  const { link } = linking
  const { told } = closing
  return {
    backup: backups.told, restore: restoring.restore, ...link === undefined ? {} : { link },
    ...told === undefined ? {} : { closing: told },
  }
}

