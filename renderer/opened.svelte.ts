/** What was opened outside the window, by an address `coppice:…`, on its way to the field for invites. */
class Opened {
  /** Grows when the main process has something. */
  knocks = $state(0)
  invite = ''

  /** Once. */
  take(): string {
    const { invite } = this
    this.invite = ''
    return invite
  }
}

export const opened = new Opened()
