/** The embedded delivery log: one plain file, shared by every profile and process on the machine. */
import type Database from 'better-sqlite3'
import { createHash } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Appended, Delivery, LogRecord, Usage } from '../ports.ts'
import { Connection, asDeliveryError } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import { Housekeeping } from './housekeeping.ts'
import { checkName, checkSize } from './limits.ts'
import { Watcher } from './watcher.ts'

export type SqliteDeliveryOptions = ConnectionOptions & {
  /** How often other processes' appends are looked for. */
  readonly pollMs?: number
}

/** One answer to `read` stops after so many bytes, however many records were wanted. */
const maxReadBytes = 32 * 1024 * 1024
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)

type Row = { readonly seq: number, readonly slot: string | null, readonly bytes: Uint8Array }
const recordOf = ({ seq, slot, bytes }: Row): LogRecord => ({ seq, slot: slot ?? undefined, bytes: plain(bytes) })

/**
 * Gives the log in `file`, which is made (0600, in a folder of 0700) when it is first needed. Nothing in it is
 * encrypted: records are sealed, or public by design, before they come here. Never throws: what is wrong with the file
 * is said by the methods, so that an app whose log is away still shows its history.
 */
export function openSqliteDelivery(options: SqliteDeliveryOptions): Delivery {
  try {
    mkdirSync(path.dirname(options.file), { recursive: true, mode: 0o700 })
  } catch {
    // The first method called says so.
  }
  return new SqliteDelivery(options)
}

class SqliteDelivery implements Delivery {
  readonly address = 'local'
  readonly #connection: Connection
  readonly #watcher: Watcher
  readonly #housekeeping: Housekeeping
  readonly #file: string
  readonly #now: () => number

  constructor(options: SqliteDeliveryOptions) {
    const connect = (): Database.Database => this.#connection.get()
    this.#file = options.file
    this.#now = options.now ?? Date.now
    this.#connection = new Connection(options)
    this.#watcher = new Watcher({ connect, pollMs: options.pollMs ?? 100 })
    this.#housekeeping = new Housekeeping({ connect, now: this.#now })
    this.#housekeeping.start()
  }

  append(log: string, bytes: Uint8Array, slot?: string): Promise<Appended> {
    return this.#reach((database) => {
      checkName(log)
      if (slot !== undefined) checkName(slot)
      checkSize(bytes)
      const appended = database.transaction(() => appendIn(database, { log, bytes, slot, at: this.#now() })).immediate()
      this.#watcher.soon()
      return appended
    })
  }

  read(log: string, after: number, limit: number): Promise<readonly LogRecord[]> {
    return this.#reach((database) => {
      checkName(log)
      const rows = database.prepare<[string, number, number], Row>(
        'SELECT seq, slot, bytes FROM records WHERE log = ? AND seq > ? ORDER BY seq LIMIT ?')
      const records: LogRecord[] = []
      let size = 0
      for (const row of rows.iterate(log, after, limit)) {
        size += row.bytes.length
        if (size > maxReadBytes && records.length > 0) break
        records.push(recordOf(row))
      }
      return records
    })
  }

  slot(log: string, slot: string): Promise<LogRecord | undefined> {
    return this.#reach((database) => {
      checkName(log)
      checkName(slot)
      const row = database.prepare<[string, string], Row>(
        'SELECT seq, slot, bytes FROM records WHERE log = ? AND slot = ?').get(log, slot)
      return row === undefined ? undefined : recordOf(row)
    })
  }

  watch(logs: readonly string[], wake: (log: string) => void): () => void {
    return this.#watcher.watch(logs, wake)
  }

  /** The file, and what was written beside it and is not in it yet. */
  usage(): Promise<Usage> {
    return this.#reach(() => ({ bytes: sizeOf(this.#file) + sizeOf(`${this.#file}-wal`) }))
  }

  close(): Promise<void> {
    this.#watcher.end()
    this.#housekeeping.stop()
    this.#connection.close()
    return Promise.resolve()
  }

  async #reach<T>(task: (database: Database.Database) => T): Promise<T> {
    try {
      return await Promise.resolve(task(this.#connection.get()))
    } catch (error) {
      throw asDeliveryError(error)
    }
  }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

type Append = { readonly log: string, readonly bytes: Uint8Array, readonly slot: string | undefined, readonly at: number }

function appendIn(database: Database.Database, { log, bytes, slot, at }: Append): Appended {
  // Neither name can hold a slash or a line's end.
  const hash = createHash('sha256').update(`${log}/${slot ?? '/'}\n`).update(bytes).digest()
  const known = database.prepare<[Uint8Array], number>('SELECT seq FROM records WHERE hash = ?').pluck().get(hash)
  if (known !== undefined) return { type: 'accepted', seq: known }
  if (slot !== undefined) {
    const winner = database.prepare<[string, string], Uint8Array>(
      'SELECT bytes FROM records WHERE log = ? AND slot = ?').pluck().get(log, slot)
    if (winner !== undefined) return { type: 'taken', bytes: plain(winner) }
  }
  const { lastInsertRowid } = database.prepare<[string, string | null, number, Uint8Array, Uint8Array]>(
    'INSERT INTO records (log, slot, at, hash, bytes) VALUES (?, ?, ?, ?, ?)',
  ).run(log, slot ?? null, at, hash, bytes)
  return { type: 'accepted', seq: Number(lastInsertRowid) }
}
