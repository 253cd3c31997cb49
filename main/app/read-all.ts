import type { Delivery, LogRecord } from '../ports.ts'

/** Everything that a log holds. Rejects as `Delivery.read`. */
export async function readAll(delivery: Pick<Delivery, 'read'>, log: string): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = []
  for (;;) {
    const batch = await delivery.read(log, records.at(-1)?.seq ?? 0, 500)
    if (batch.length === 0) return records
    records.push(...batch)
  }
}
