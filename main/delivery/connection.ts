import Database from 'better-sqlite3'
import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { PortError } from '../ports.ts'

/** How long a writer waits for the other processes of this machine. */
const busyTimeoutMs = 5000
const walLimitBytes = 4 * 1024 * 1024

// `hash` names (log, slot, bytes), so that a retry finds its first record. `at` is for housekeeping by age.
const formats = [`
  CREATE TABLE records (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    log   TEXT NOT NULL,
    slot  TEXT,
    at    INTEGER NOT NULL,
    hash  BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL,
    UNIQUE (log, slot)
  ) STRICT;
  CREATE INDEX records_by_log ON records (log, seq);`,
// By age within a kind of log. `upkeep` is one row: when housekeeping last looked, and whether it then only noted that
// nobody had looked for long (housekeeping.ts).
`
  CREATE INDEX records_by_age ON records (substr(log, 1, 2), at);
  CREATE TABLE upkeep (at INTEGER NOT NULL, noted INTEGER NOT NULL CHECK (noted IN (0, 1))) STRICT;`,
]

export type ConnectionOptions = {
  readonly file: string
  /** The file's greatest size in pages of 4 KiB: for tests, beyond it SQLite says "disk full". */
  readonly maxPages?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** The file of the log while it can be reached: opened when it is first needed, and again after it was away. */
export class Connection {
  readonly #options: ConnectionOptions
  #database: Database.Database | undefined
  /** The opened file's inode: a file that is gone would still take writes, for nobody to read. */
  #inode: bigint | undefined
  #wasClosed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** @throws PortError 'delivery-unreachable', SqliteError as SQLite does */
  get(): Database.Database {
    if (this.#wasClosed) throw new PortError('delivery-unreachable', 'closed')
    const { file } = this.#options
    const inode = statSync(file, { bigint: true, throwIfNoEntry: false })?.ino
    if (this.#database !== undefined && inode !== undefined && inode === this.#inode) return this.#database
    this.#database?.close()
    this.#database = undefined
    // Made once; a file that vanishes later is on a medium that is away, not to be replaced by an empty one.
    if (inode === undefined && this.#inode !== undefined) throw new PortError('delivery-unreachable', 'file is gone')
    if (inode === undefined) makeFile(file)
    this.#database = open(this.#options)
    this.#inode = statSync(file, { bigint: true }).ino
    return this.#database
  }

  close(): void {
    this.#wasClosed = true
    this.#database?.close()
    this.#database = undefined
  }
}

/** Empty and closed to others; SQLite gives the files beside it the same permissions. */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    // Another process was first.
    if (!existsSync(file)) throw error
  }
}

function open({ file, maxPages, now = Date.now }: ConnectionOptions): Database.Database {
  const database = new Database(file, { timeout: busyTimeoutMs, fileMustExist: true })
  try {
    // Of a file that is still empty: freed space can be given back bit by bit.
    database.pragma('auto_vacuum = INCREMENTAL')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma(`journal_size_limit = ${walLimitBytes}`)
    if (maxPages !== undefined) database.pragma(`max_page_count = ${maxPages}`)
    prepareTables(database, now())
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function prepareTables(database: Database.Database, now: number): void {
  const version = (): number => Number(database.pragma('user_version', { simple: true }))
  if (version() === formats.length) return
  database.transaction(() => {
    const before = version()
    if (before > formats.length) throw new PortError('delivery-unreachable', 'made by a newer version')
    if (before === formats.length) return
    for (const format of formats.slice(before)) database.exec(format)
    // Readers keep the last `seq` that they saw. A new file in the place of a lost one begins above all of the old.
    if (before === 0) database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('records', ?)").run(now)
    if (before < 2) database.prepare('INSERT INTO upkeep (at, noted) VALUES (?, 0)').run(now)
    database.pragma(`user_version = ${formats.length}`)
  }).immediate()
}

/** What stands in the way of the log, as the Delivery port says it; a bug comes back unchanged. */
export function asDeliveryError(error: unknown): unknown {
  if (error instanceof PortError || !(error instanceof Error) || !('code' in error)) return error
  const code = String(error.code)
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') return new PortError('store-full')
  if (code.startsWith('SQLITE_READONLY') || code === 'SQLITE_IOERR_LOCK') {
    return new PortError('store-read-only', code)
  }
  if (/^SQLITE_(?:BUSY|CANTOPEN|IOERR|CORRUPT|NOTADB|PROTOCOL)/.test(code) || /^E[A-Z]+$/.test(code)) {
    return new PortError('delivery-unreachable', code)
  }
  return error
}
