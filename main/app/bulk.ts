import { tendFetches } from './fetches.ts'
import { sayFiles } from './shared-files.ts'
import type { State } from './state.ts'
import type { Tasks } from './tasks.ts'
import { tendTransfers } from './transfer.ts'
import { tendUploads } from './uploads.ts'

/** What is large and goes beside everything else: the past of a new device, and attachments. */
export function moveBulk(state: State, tools: {
  readonly tasks: Tasks, readonly isStopped: () => boolean
  /** A conversation in which something may go out now. */
  readonly ready: (conversation: string) => void
}): void {
  const { tasks, isStopped, ready } = tools
  const again = (name: string, waitMs: number | undefined): void => {
    if (waitMs !== undefined) tasks.wake(name, waitMs, () => { moveBulk(state, tools) })
  }
  state.files.wake = () => { moveBulk(state, tools) }
  if (isStopped()) return
  if (state.transfers.size > 0) tasks.run('transfer', async () => { again('transfer', await tendTransfers(state, isStopped)) })
  if (state.files.uploads.size > 0) {
    tasks.run('uploads', () => tendUploads(state, isStopped, (known, { why }) => {
      if (why === 'again') sayFiles(state, 'filesThere', [known])
      else ready(known.message.conversation)
    }))
  }
  if (state.files.fetches.size > 0) tasks.run('fetches', async () => { again('fetches', await tendFetches(state, isStopped)) })
}
