import { equal } from '../mls/index.ts'
import type { RoomState, RoomStep } from '../chat/room.ts'
import type { Event, EventOf, LogKind } from '../events.ts'
import { PortError, type Counts, type Delivery, type Log, type Ports } from '../ports.ts'

/** What the log says of rooms and of the delivery service: derived from what changed, so that no other code tells it. */

type Known = { readonly rooms: ReadonlyMap<string, RoomState>, readonly ports: Ports }

/** What steps mean that are about to be stored. */
export function notesOn(steps: readonly RoomStep[], state: Known): readonly Event[] {
  return steps.flatMap((step) => {
    const { room } = step.state
    const before = state.rooms.get(room.id)
    const log = (): EventOf<'commit-won'>['log'] => state.ports.log.alias(room.log)
    return [
      ...skipped(step, log), ...before === undefined ? [] : commitNotes(before, step.state, log),
      ...recoveryNotes(before, step.state, { log, now: state.ports.now() }),
    ]
  })
}

type AliasOf = () => EventOf<'commit-won'>['log']

/** What could not be read, by reason. */
function skipped({ entries }: RoomStep, log: AliasOf): readonly Event[] {
  return entries.flatMap((entry): readonly Event[] => entry.kind !== 'gap' ? [] : [
    { event: 'skipped', log: log(), reason: entry.reason, records: entry.count },
    ...entry.rule === undefined ? [] : [{ event: 'broke-rule' as const, log: log(), rule: entry.rule as RuleId }],
  ])
}
type RuleId = EventOf<'broke-rule'>['rule']

function commitNotes(before: RoomState, after: RoomState, log: AliasOf): readonly Event[] {
  const { attempt } = after.room
  const spoilt = after.group !== undefined && after.group.context.epoch === before.group?.context.epoch
    && attempt > before.room.attempt
  const notes: Event[] = spoilt ? [{ event: 'slot-spoilt', log: log(), attempt }] : []
  if (before.pending === after.pending) return notes
  if (before.pending !== undefined) {
    const newest = after.history[0]
    const won = newest !== undefined && newest !== before.history[0] && equal(newest.bytes, before.pending.bytes)
    notes.push({ event: won ? 'commit-won' : 'commit-lost', log: log() })
  }
  if (after.pending !== undefined) notes.push({ event: 'commit-made', log: log(), attempt })
  return notes
}

function recoveryNotes(
  before: RoomState | undefined, after: RoomState, { log, now }: { readonly log: AliasOf, readonly now: number },
): readonly Event[] {
  const was = before?.room.recovery
  const is = after.room.recovery
  if (was === is) return []
  if (was === undefined) return is === undefined ? [] : [{ event: 'recovery-begun', log: log(), reason: is.reason }]
  if (is !== undefined) {
    return is.attempts === was.attempts ? [] : [{ event: 'recovery-asked', log: log(), times: is.attempts }]
  }
  return [{ event: 'recovery-ended', log: log(), reason: was.reason, ms: Math.max(0, now - was.since) }]
}

type Countable = Pick<Known, 'rooms'> & { readonly [N in 'outbox' | 'publishes']: { readonly size: number } }

/** How much there is, for a report; nothing of what. */
export function countsOf(state: Countable | undefined): Counts {
  const rooms = [...state?.rooms.values() ?? []].map(({ room }) => room)
  return {
    open: state !== undefined, conversations: rooms.length,
    entries: rooms.reduce((sum, { nextOrder, firstOrder }) => sum + nextOrder - firstOrder, 0),
    outbox: state?.outbox.size ?? 0, publishing: state?.publishes.size ?? 0,
    recovering: rooms.filter(({ recovery }) => recovery !== undefined).length,
  }
}

// ---------------------------------------------------------------- the delivery service

const logKinds: Readonly<Record<string, LogKind>> = { h: 'commits', m: 'messages', i: 'inbox', k: 'key-packages' }
const kindOf = (log: string): LogKind => logKinds[log.slice(0, log.indexOf('.'))] ?? 'other'

/** The same delivery service, held to its word that reading goes on; the log hears what was read, and when it is away and back. */
export function notedDelivery({ delivery, log, now }: Pick<Ports, 'delivery' | 'log' | 'now'>): Delivery {
  const outage = new Outage(log, now)
  const reads = new Map<string, { records: number, since: number }>()
  const noteRead = (name: string, records: number): void => {
    const read = reads.get(name)
    if (records > 0) reads.set(name, { records: records + (read?.records ?? 0), since: read?.since ?? now() })
    else if (read !== undefined) {
      reads.delete(name)
      log.note({
        event: 'read', kind: kindOf(name), log: log.alias(name.slice(name.indexOf('.') + 1)), records: read.records,
        ms: Math.max(0, now() - read.since),
      })
    }
  }
  return {
    address: delivery.address,
    append: (name, bytes, slot) => outage.of('append', delivery.append(name, bytes, slot)),
    read: async (name, after, limit) => {
      // One that shows again what was read would keep every reader going for ever.
      const records = (await outage.of('read', delivery.read(name, after, limit))).filter(({ seq }) => seq > after)
      noteRead(name, records.length)
      return records
    },
    slot: (name, slot) => outage.of('slot', delivery.slot(name, slot)),
    watch: (logs, wake) => delivery.watch(logs, wake),
    ...delivery.usage === undefined ? {} : { usage: () => outage.of('usage', delivery.usage?.() ?? noUsage) },
    close: () => delivery.close(),
  }
}

const noUsage = Promise.resolve({ bytes: 0 })

/** One line when the delivery service stops answering, and one when it answers again. */
class Outage {
  readonly #log: Log
  readonly #now: () => number
  #since: number | undefined
  #failures = 0

  constructor(log: Log, now: () => number) {
    this.#log = log
    this.#now = now
  }

  async of<T>(doing: EventOf<'delivery-away'>['doing'], work: Promise<T>): Promise<T> {
    try {
      const result = await work
      this.#over()
      return result
    } catch (error) {
      if (error instanceof PortError) this.#failed(doing, error)
      throw error
    }
  }

  #failed(doing: EventOf<'delivery-away'>['doing'], { code }: PortError): void {
    this.#failures += 1
    if (this.#since !== undefined) return
    this.#since = this.#now()
    this.#log.note({ event: 'delivery-away', code, doing })
  }

  #over(): void {
    if (this.#since === undefined) return
    this.#log.note({ event: 'delivery-back', ms: Math.max(0, this.#now() - this.#since), failures: this.#failures })
    this.#since = undefined
    this.#failures = 0
  }
}
