import type { ChosenBackup } from '../preload/api.ts'

/**
 * What was opened outside the window: by an address `coppice:…`, on its way to the field for invites; or a backup, on its
 * way to where one is chosen.
 */
class Opened {
  /** Grows when the main process has something. */
  knocks = $state(0)
  invite = ''
  backup: ChosenBackup | undefined

  /** Once. */
  take(): string {
    const { invite } = this
    this.invite = ''
    return invite
  }

  /** Once. */
  takeBackup(): ChosenBackup | undefined {
    const { backup } = this
    this.backup = undefined
    return backup
  }
}

export const opened = new Opened()
