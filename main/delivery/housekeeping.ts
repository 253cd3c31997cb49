import type Database from 'better-sqlite3'
import { PortError, retentionMs } from '../ports.ts'
import { asDeliveryError } from './connection.ts'

export type HousekeepingOptions = { readonly connect: () => Database.Database, readonly now: () => number }

const dayMs = 24 * 60 * 60 * 1000
const firstLookMs = 30_000
const lookEveryMs = 60 * 60 * 1000
/** After a longer time without any look, readers come first: see `isTime`. */
const longPauseMs = 7 * dayMs

/** What one transaction deletes at most, and how many pages one gives back: a few milliseconds each. */
const batchRecords = 100
const batchBytes = 2 * 1024 * 1024
const batchPages = 256
/** Between two transactions, so that whoever waits for the file gets it. */
const pauseMs = 25

/**
 * Deletes the records that are older than their log keeps them, and gives the space back. Every process that has the
 * file open looks now and then; whichever comes first in a day does it, for all of them.
 */
export class Housekeeping {
  readonly #options: HousekeepingOptions
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: HousekeepingOptions) {
    this.#options = options
  }

  /** Looks soon after the start, and every hour; never keeps a process alive. */
  start(): void {
    this.#look(firstLookMs)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #look(delayMs: number): void {
    this.#timer = setTimeout(() => {
      void this.run().finally(() => { if (!this.#stopped) this.#look(lookEveryMs) })
    }, delayMs).unref()
  }

  /** Tidies up if it is time. What is in its way (a busy file, a full disk) is gone some other day. */
  async run(): Promise<void> {
    try {
      const { connect, now } = this.#options
      if (!isTime(connect(), now())) return
      for (const [kind, keptMs] of retentionMs) await this.#repeat((database) => forget(database, kind, now() - keptMs))
      await this.#repeat(giveBack)
    } catch (error) {
      const failure = asDeliveryError(error)
      if (!(failure instanceof PortError)) throw error
    }
  }

  /** Small transactions, as long as there is more to do. */
  async #repeat(work: (database: Database.Database) => boolean): Promise<void> {
    while (!this.#stopped && work(this.#options.connect())) {
      await new Promise((resolve) => { setTimeout(resolve, pauseMs) })
    }
  }
}

/**
 * Once a day. But the clock of a computer can be wrong, and a computer can be off for longer than records are kept, its
 * profiles not having read them: a look that follows no other one closely only notes the time, and the next one counts.
 */
function isTime(database: Database.Database, now: number): boolean {
  return database.transaction(() => {
    const last = database.prepare<[], { at: number, noted: number }>('SELECT at, noted FROM upkeep').get()
    const passedMs = now - (last?.at ?? 0)
    if (passedMs >= 0 && passedMs < dayMs) return false
    const strange = passedMs < 0 || (passedMs > longPauseMs && last?.noted !== 1)
    database.prepare<[number, number]>('UPDATE upkeep SET at = ?, noted = ?').run(now, strange ? 1 : 0)
    return !strange
  }).immediate()
}

/** Deletes some of the records of one kind from before `end`. Says whether there may be more. */
function forget(database: Database.Database, kind: string, end: number): boolean {
  return database.transaction(() => {
    const old = database.prepare<[string, number, number], { seq: number, size: number }>(
      'SELECT seq, length(bytes) AS size FROM records WHERE substr(log, 1, 2) = ? AND at < ? ORDER BY at LIMIT ?')
    const remove = database.prepare<[number]>('DELETE FROM records WHERE seq = ?')
    let bytes = 0
    let count = 0
    for (const { seq, size } of old.all(`${kind}.`, end, batchRecords)) {
      if (count > 0 && bytes + size > batchBytes) return true
      remove.run(seq)
      bytes += size
      count += 1
    }
    return count === batchRecords
  }).immediate()
}

/** Gives some of the free pages back to the disk. Says whether there are more. */
function giveBack(database: Database.Database): boolean {
  const free = (): number => Number(database.pragma('freelist_count', { simple: true }))
  if (Number(database.pragma('auto_vacuum', { simple: true })) === 0) {
    // A file of the first format: written anew once, in one go.
    database.pragma('auto_vacuum = INCREMENTAL')
    database.exec('VACUUM')
    return false
  }
  const before = free()
  if (before > 0) database.pragma(`incremental_vacuum(${batchPages})`)
  const after = free()
  if (after > 0 && after < before) return true
  database.pragma('wal_checkpoint(PASSIVE)')
  return false
}
