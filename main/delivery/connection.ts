import Database from 'better-sqlite3'
import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { PortError } from '../ports.ts'

const formatVersion = 1
/** How long a writer waits for the other processes of this machine. */
const busyTimeoutMs = 5000
const walLimitBytes = 4 * 1024 * 1024

// `hash` names (log, slot, bytes), so that a retry finds its first record. `at` is for housekeeping by age.
const schema = `
  CREATE TABLE records (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    log   TEXT NOT NULL,
    slot  TEXT,
    at    INTEGER NOT NULL,
    hash  BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL,
    UNIQUE (log, slot)
  ) STRICT;
  CREATE INDEX records_by_log ON records (log, seq);`

export type ConnectionOptions = {
  readonly file: string
  /** The file's greatest size in pages of 4 KiB: for tests, beyond it SQLite says "disk full". */
  readonly maxPages?: number
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

function open({ file, maxPages }: ConnectionOptions): Database.Database {
  const database = new Database(file, { timeout: busyTimeoutMs, fileMustExist: true })
  try {
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma(`journal_size_limit = ${walLimitBytes}`)
    if (maxPages !== undefined) database.pragma(`max_page_count = ${maxPages}`)
    prepareTables(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function prepareTables(database: Database.Database): void {
  const version = (): number => Number(database.pragma('user_version', { simple: true }))
  if (version() === formatVersion) return
  database.transaction(() => {
    if (version() > formatVersion) throw new PortError('delivery-unreachable', 'made by a newer version')
    if (version() === formatVersion) return
    database.exec(schema)
    // Readers keep the last `seq` that they saw. A new file in the place of a lost one begins above all of the old.
    database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('records', ?)").run(Date.now())
    database.pragma(`user_version = ${formatVersion}`)
  }).immediate()
}
