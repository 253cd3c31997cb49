import { fromHex, type Suite } from '../mls/index.ts'
import { foldDeviceLog, type DeviceLog, type Equivocation } from '../identity/device-log.ts'
import { mayClose } from '../identity/devices.ts'
import { decodeDeviceLog } from '../chat/documents.ts'
import type { Store } from '../ports.ts'

/** What this profile has read of an account's device log. */
export type Kept = {
  /** Those that tell something, in the order of the log. */
  readonly records: readonly Uint8Array[]
  /** Undefined as long as nobody could be found in it. */
  readonly log: DeviceLog | undefined
  readonly equivocations: readonly Equivocation[]
}

/** An account's compromised device could write for ever; what has no number in the chain is kept up to here. */
const besideLimit = 200

/** The log as it stands after some more records. */
export function foldOn(suite: Suite, accountId: string, before: readonly Uint8Array[], more: readonly Uint8Array[]): Kept {
  const all = [...before, ...more]
  const { log, telling, ignored, equivocations } = foldDeviceLog(suite, fromHex(accountId), all)
  const beside = new Set(ignored.map(({ index }) => index))
  const kept = [...telling.filter((at) => !beside.has(at)), ...telling.filter((at) => beside.has(at)).slice(0, besideLimit)]
  return { records: kept.sort((a, b) => a - b).flatMap((at) => all[at] ?? []), log, equivocations }
}

/** The device logs of this account and of everybody met, by account; folded when somebody first asks. */
export class DeviceLogs {
  readonly #store: Pick<Store, 'document'>
  readonly #suite: Suite
  readonly #kept = new Map<string, Kept>()
  /** Another one whenever some log has changed. */
  version = 0

  constructor(store: Pick<Store, 'document'>, suite: Suite) {
    this.#store = store
    this.#suite = suite
  }

  get(accountId: string): DeviceLog | undefined {
    return this.kept(accountId).log
  }

  kept(accountId: string): Kept {
    const known = this.#kept.get(accountId)
    if (known !== undefined) return known
    const bytes = this.#store.document('device-log', accountId)
    const kept = foldOn(this.#suite, accountId, bytes === undefined ? [] : decodeDeviceLog(bytes), [])
    this.#kept.set(accountId, kept)
    return kept
  }

  /** Whether a device may close its account, as far as its log was read. */
  mayClose(accountId: string, deviceId: string): boolean {
    const log = this.get(accountId)
    return log !== undefined && mayClose(log, deviceId)
  }

  set(accountId: string, kept: Kept): void {
    this.version += 1
    this.#kept.set(accountId, kept)
  }

  clear(): void {
    this.#kept.clear()
  }
}
