import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { decode, encode } from '../../main/mls/index.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { PairingRecord } from '../../main/pairing/records.ts'
import type { Delivery, Line, LogRecord } from '../../main/ports.ts'

/** Two devices on a real log, in a time of its own; each may see the log through somebody's hands. */
export class Meeting {
  readonly delivery: Delivery
  now = 1_000_000
  isOver = false

  constructor(t: TestContext) {
    const folder = mkdtempSync(path.join(tmpdir(), 'coppice-pairing-'))
    this.delivery = openSqliteDelivery({ file: path.join(folder, 'delivery.sqlite'), now: () => this.now })
    t.after(async () => {
      this.isOver = true
      await this.delivery.close()
      rmSync(folder, { recursive: true, force: true })
    })
  }

  /** Waiting passes the meeting's time, and little of ours. */
  line(seen: (records: readonly LogRecord[]) => readonly LogRecord[] = (records) => records): Line {
    const { delivery } = this
    return {
      delivery: {
        address: delivery.address,
        append: (log, bytes, slot) => delivery.append(log, bytes, slot),
        slot: (log, slot) => delivery.slot(log, slot),
        watch: () => () => undefined,
        close: () => Promise.resolve(),
        read: async (log, after, limit) => seen(await delivery.read(log, after, limit)),
      },
      now: () => this.now,
      after: (delayMs, run) => {
        const timer = setTimeout(() => { this.now += 1.25 * delayMs; run() }, 2)
        return () => { clearTimeout(timer) }
      },
      isOver: () => this.isOver,
    }
  }
}

type Kind = PairingRecord['type']
export const recordIn = ({ bytes }: LogRecord): PairingRecord => decode(PairingRecord, bytes)
export const isOf = (logged: LogRecord, role: 'elder' | 'new', type: Kind = 'frame', counter?: number): boolean => {
  const record = recordIn(logged)
  return record.type === type && record.role === role
    && (counter === undefined || (record.type === 'frame' && record.counter === counter))
}
/** The record as it would be if it said that instead. */
export const altered = (logged: LogRecord, change: (record: PairingRecord) => PairingRecord): LogRecord =>
  ({ ...logged, bytes: encode(PairingRecord, change(recordIn(logged))) })
