/** One profile's encrypted file, as the Store port wants it. */
import type Database from 'better-sqlite3'
import { PortError } from '../ports.ts'
import type { DocumentKind, GroupState, Segment, Store, StoreWrite, StoredEntry, Wanted } from '../ports.ts'
import { translated } from './failure.ts'
import { lockStore } from './lock.ts'
import { openDatabase } from './open.ts'
import { prepareReads } from './read.ts'
import type { Reads } from './read.ts'
import { prepareWrite } from './write.ts'

export type StoreOptions = {
  readonly file: string
  /** 32 random bytes. The caller keeps and wipes them. */
  readonly key: Uint8Array
  /** Runs once the file is this process's own and before it is opened or made. */
  readonly prepare?: () => void
  /** The file's greatest size in pages of 4 KiB: for tests, beyond it SQLite says "disk full". */
  readonly maxPages?: number
  /** For tests that look on at what is written. */
  readonly open?: typeof openDatabase
}

/** How long overwritten and deleted bytes may still stand in the WAL. */
const tidyDelayMs = 100

/**
 * Opens the store, or makes it where there is none, and holds it until `close` or the end of the process.
 *
 * @throws PortError 'profile-busy' (detail: the holder's process id), 'store-damaged' (also for a wrong key),
 *   'store-newer', 'store-full', 'store-read-only'
 */
export function openStore(options: StoreOptions): Store {
  const release = lockStore(options.file)
  try {
    options.prepare?.()
    return translated(options.file, () => {
      const database = (options.open ?? openDatabase)(options.file, options.key)
      try {
        if (options.maxPages !== undefined) database.pragma(`max_page_count = ${options.maxPages}`)
        return new SqliteStore({ file: options.file, database, release })
      } catch (error) {
        // It holds the key.
        database.close()
        throw error
      }
    })
  } catch (error) {
    release()
    throw error
  }
}

class SqliteStore implements Store {
  readonly #file: string
  readonly #database: Database.Database
  readonly #release: () => void
  readonly #write: (write: StoreWrite) => void
  readonly #reads: Reads
  #tidying: NodeJS.Timeout | undefined

  constructor(parts: { file: string, database: Database.Database, release: () => void }) {
    this.#file = parts.file
    this.#database = parts.database
    this.#release = parts.release
    this.#write = prepareWrite(parts.database)
    this.#reads = prepareReads(parts.database)
    this.#tidy()
  }

  commit(write: StoreWrite): void {
    this.#do(() => { this.#write(write) })
    this.#tidying ??= setTimeout(() => { this.#tidy() }, tidyDelayMs).unref()
  }

  document(kind: DocumentKind, key: string): Uint8Array | undefined {
    return this.#do(() => this.#reads.document(kind, key))
  }

  documents(kind: DocumentKind): readonly { readonly key: string, readonly bytes: Uint8Array }[] {
    return this.#do(() => this.#reads.documents(kind))
  }

  group(id: string): GroupState | undefined {
    return this.#do(() => this.#reads.group(id))
  }

  entry(id: string): StoredEntry | undefined {
    return this.#do(() => this.#reads.entry(id))
  }

  present(ids: readonly string[]): ReadonlySet<string> {
    return this.#do(() => this.#reads.present(ids))
  }

  entriesBefore(conversation: string, before: number, limit: number): readonly StoredEntry[] {
    return this.#do(() => this.#reads.entriesBefore(conversation, before, limit))
  }

  unreadAfter(conversation: string, order: number): number {
    return this.#do(() => this.#reads.unreadAfter(conversation, order))
  }

  lastOrder(conversation: string): number {
    return this.#do(() => this.#reads.lastOrder(conversation))
  }

  segments(): readonly Segment[] {
    return this.#do(() => this.#reads.segments())
  }

  entriesIn(conversation: string, segment: number): readonly StoredEntry[] {
    return this.#do(() => this.#reads.entriesIn(conversation, segment))
  }

  search(wanted: Wanted): readonly StoredEntry[] {
    return this.#do(() => this.#reads.search(wanted))
  }

  cursor(log: string): number {
    return this.#do(() => this.#reads.cursor(log))
  }

  expired(now: number, limit: number): readonly StoredEntry[] {
    return this.#do(() => this.#reads.expired(now, limit))
  }

  nextExpiry(): number | undefined {
    return this.#do(() => this.#reads.nextExpiry())
  }

  piece(hash: string, piece: number): Uint8Array | undefined {
    return this.#do(() => this.#reads.piece(hash, piece))
  }

  attachment(hash: string): { readonly size: number, readonly pieces: number } | undefined {
    return this.#do(() => this.#reads.attachment(hash))
  }

  attachmentBytes(): number {
    return this.#do(() => this.#reads.attachmentBytes())
  }

  heldPieces(hash: string): number {
    return this.#do(() => this.#reads.heldPieces(hash))
  }

  entriesNaming(hash: string): readonly string[] {
    return this.#do(() => this.#reads.entriesNaming(hash))
  }

  unnamedAttachments(): readonly string[] {
    return this.#do(() => this.#reads.unnamedAttachments())
  }

  #do<T>(task: () => T): T {
    if (!this.#database.open) throw new PortError('not-ready', 'closed')
    return translated(this.#file, task)
  }

  close(): void {
    if (!this.#database.open) return
    this.#tidy()
    this.#database.close()
    this.#release()
  }

  /**
   * Moves the WAL into the file and cuts it to nothing, because its old frames still hold what was overwritten since:
   * spent ratchets, deleted messages. A little later than the commit, so that a burst pays for it once.
   */
  #tidy(): void {
    clearTimeout(this.#tidying)
    this.#tidying = undefined
    try {
      this.#database.pragma('wal_checkpoint(TRUNCATE)')
    } catch {
      // The commit is durable in the WAL all the same; the next commit, or the next start, tries again.
    }
  }
}
