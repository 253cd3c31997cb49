import type { LogUsage } from '../../preload/api.ts'
import { retentionMs, type Ports } from '../ports.ts'

/** What keeps a device, its groups and its log in good health: done now and then, or offered to the person. */

const dayMs = 24 * 60 * 60 * 1000

/** What the log takes of this computer, if it lies here. */
export async function usageOf({ delivery }: Ports): Promise<LogUsage | undefined> {
  const usage = await delivery.usage?.()
  return usage === undefined ? undefined : { ...usage, keptDays: (retentionMs.get('m') ?? 0) / dayMs }
}
