import { deviceLogOf } from '../chat/mail.ts'
import { PortError } from '../ports.ts'
import { refreshLog } from './device-log.ts'
import { endOf } from './devices.ts'
import type { State } from './state.ts'

/** A device that was taken back reads on in its account's log alone: whether the account is closed. Ends by what it gives. */
export function watchEnd(state: State): () => void {
  const { accountId } = state.self
  const look = (): void => {
    if (endOf(state) === 'account-closed') return
    // Away, or the profile was closed meanwhile: the next start looks again.
    refreshLog(state, accountId).catch((error: unknown) => { if (!(error instanceof PortError)) state.ports.report(error) })
  }
  look()
  return state.ports.delivery.watch([deviceLogOf(accountId)], look)
}
