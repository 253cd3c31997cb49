import { createHash } from 'node:crypto'
import { PortError, type Appended, type Delivery, type LogRecord } from '../../main/ports.ts'
import type { VirtualClock } from './clock.ts'
import type { SeededRandom } from './random.ts'

/** How often what goes wrong; shares of all operations. All zero: a good delivery that only takes its time. */
export type Faults = {
  /** The service is away: nothing happened. */
  readonly unreachable: number
  /** It happened, but the answer got lost. */
  readonly lostAnswer: number
  /** A record is appended a second time, later. */
  readonly doubled: number
  /** A read gives an older end of the log. */
  readonly stale: number
  /** The longest that anything takes, in milliseconds. */
  readonly delayMs: number
}

export const noFaults: Faults = { unreachable: 0, lostAnswer: 0, doubled: 0, stale: 0, delayMs: 50 }

export type Counts = { appends: number, taken: number, retries: number, dropped: number, garbage: number, splits: number }

type Story = Map<string, LogRecord[]>

/**
 * Append-only logs on which one cannot rely: they are late, away, lose their ends, repeat themselves, and tell different
 * stories to different people. What is in a story is in order, and a slot has one record in it.
 */
export class ChaosLogs {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  faults: Faults
  readonly counts: Counts = { appends: 0, taken: 0, retries: 0, dropped: 0, garbage: 0, splits: 0 }
  readonly #main: Story = new Map()
  /** Other stories of some logs, and who hears them. */
  readonly #splits = new Map<string, { readonly story: Story, readonly audience: ReadonlySet<string> }>()
  readonly #watchers = new Set<{ readonly client: string, logs: ReadonlySet<string>, wake: (log: string) => void }>()
  readonly #seen = new Set<string>()
  #seq = 0

  constructor(clock: VirtualClock, random: SeededRandom, faults: Faults) {
    this.clock = clock
    this.random = random
    this.faults = faults
  }

  logs(): readonly string[] {
    return [...this.#main.keys()]
  }

  /** The logs as a client sees them. */
  view(client: string): Delivery {
    const watcher = { client, logs: new Set<string>() as ReadonlySet<string>, wake: (_: string): void => undefined }
    this.#watchers.add(watcher)
    return {
      address: 'local',
      append: (log, bytes, slot) => this.#reach(() => this.#append(client, log, bytes, slot)),
      read: (log, after, limit) => this.#reach(() => this.#read(client, log).filter(({ seq }) => seq > after).slice(0, limit)),
      slot: (log, slot) => this.#reach(() => this.#records(client, log).find((record) => record.slot === slot)),
      watch: (logs, wake) => {
        watcher.logs = new Set(logs)
        watcher.wake = wake
        return () => { watcher.logs = new Set() }
      },
      close: () => {
        this.#watchers.delete(watcher)
        return Promise.resolve()
      },
    }
  }

  async #reach<T>(operation: () => T): Promise<T> {
    const { faults, random, clock } = this
    await clock.wait(1 + random.below(faults.delayMs))
    if (random.chance(faults.unreachable)) throw new PortError('delivery-unreachable')
    const answer = operation()
    await clock.wait(1 + random.below(faults.delayMs))
    if (random.chance(faults.lostAnswer)) throw new PortError('delivery-unreachable')
    return answer
  }

  #records(client: string, log: string): LogRecord[] {
    const split = this.#splits.get(log)
    const story = split?.audience.has(client) === true ? split.story : this.#main
    const records = story.get(log) ?? []
    story.set(log, records)
    return records
  }

  #read(client: string, log: string): readonly LogRecord[] {
    const records = this.#records(client, log)
    return this.random.chance(this.faults.stale) ? records.slice(0, this.random.below(records.length + 1)) : records
  }

  #append(client: string, log: string, bytes: Uint8Array, slot: string | undefined): Appended {
    const records = this.#records(client, log)
    const hash = createHash('sha256').update(`${log} ${slot ?? ''}`).update(bytes).digest('hex')
    this.counts.appends += 1
    if (this.#seen.has(hash)) this.counts.retries += 1
    this.#seen.add(hash)
    const winner = slot === undefined ? undefined : records.find((record) => record.slot === slot)
    if (winner !== undefined && !Buffer.from(winner.bytes).equals(bytes)) {
      this.counts.taken += 1
      return { type: 'taken', bytes: winner.bytes.slice() }
    }
    const known = winner ?? (slot === undefined ? records.find((record) => Buffer.from(record.bytes).equals(bytes)) : undefined)
    if (known !== undefined) return { type: 'accepted', seq: known.seq }
    this.#seq += 1
    records.push({ seq: this.#seq, slot, bytes: bytes.slice() })
    this.#wake(log)
    if (slot === undefined && this.random.chance(this.faults.doubled)) this.#double(client, log, bytes)
    return { type: 'accepted', seq: this.#seq }
  }

  #double(client: string, log: string, bytes: Uint8Array): void {
    this.clock.after(this.random.below(60_000), () => {
      this.#seq += 1
      this.#records(client, log).push({ seq: this.#seq, slot: undefined, bytes: bytes.slice() })
      this.#wake(log)
    })
  }

  #wake(log: string): void {
    for (const watcher of this.#watchers) {
      if (watcher.logs.has(log)) {
        this.clock.after(this.random.below(this.faults.delayMs), () => { if (watcher.logs.has(log)) watcher.wake(log) })
      }
    }
  }

  /** The newest records of a log were not written in time. */
  dropTail(log: string, amount: number): void {
    const records = this.#main.get(log) ?? []
    this.counts.dropped += records.splice(-amount, amount).length
  }

  /** Somebody who does not belong appends bytes that mean nothing. */
  addGarbage(log: string): void {
    const slot = this.random.chance(0.5) ? undefined : `c.${Buffer.from(this.random.bytes(16)).toString('hex')}`
    this.#seq += 1
    this.#main.get(log)?.push({ seq: this.#seq, slot, bytes: this.random.bytes(this.random.below(600)) })
    this.counts.garbage += 1
    this.#wake(log)
  }

  /** From now on some clients are told another story of these logs, which begins as the main one does. */
  split(logs: readonly string[], audience: readonly string[]): void {
    const story: Story = new Map(logs.map((log) => [log, [...this.#main.get(log) ?? []]]))
    for (const log of logs) this.#splits.set(log, { story, audience: new Set(audience) })
    this.counts.splits += 1
  }

  /** The other story is over: all hear the main one, and nothing of what was said in the other stays. */
  unsplit(): void {
    const logs = [...this.#splits.keys()]
    this.#splits.clear()
    for (const log of logs) this.#wake(log)
  }
}
