/** Reads what is left of a store that cannot be opened: damaged, cut off, or where nothing may be written. */
import type Database from 'better-sqlite3'
import { chmodSync, constants, existsSync, promises, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PortError } from '../ports.ts'
import type { DocumentKind, Reading, StoredEntry } from '../ports.ts'
import { asPortError, translated } from './failure.ts'
import { lockStore } from './lock.ts'
import { openDamaged } from './open.ts'
import { entryIn } from './read.ts'
import type { Row } from './read.ts'
import { unseal } from './seal.ts'

/**
 * Copies the store, encrypted as it is, into a folder of its own and opens the copy: the original is not touched, and
 * SQLite can recover its WAL. `close` deletes the copy.
 *
 * @throws PortError 'store-damaged' where nothing can be read, 'store-newer', 'store-full', 'profile-busy'
 */
export async function openReading({ file, key }: { file: string, key: Uint8Array }): Promise<Reading> {
  const release = lockIfWritable(file)
  const folder = await promises.mkdtemp(path.join(tmpdir(), 'coppice-reading-'))
  const remove = (): void => { rmSync(folder, { recursive: true, force: true }) }
  let database: Database.Database | undefined
  try {
    const copy = path.join(folder, path.basename(file))
    for (const ending of ['', '-wal']) {
      if (!existsSync(file + ending)) continue
      await promises.copyFile(file + ending, copy + ending, constants.COPYFILE_FICLONE)
      // The original may be read-only, or open to others.
      chmodSync(copy + ending, 0o600)
    }
    database = openDamaged(copy, key)
    return new FileReading({ file, database, remove })
  } catch (error) {
    // It holds the key.
    database?.close()
    remove()
    throw asPortError(error, file)
  } finally {
    release()
  }
}

/** Where nothing may be written nobody else writes either. */
function lockIfWritable(file: string): () => void {
  try {
    return lockStore(file)
  } catch (error) {
    if (error instanceof PortError && error.code === 'profile-busy') throw error
    return () => undefined
  }
}

class FileReading implements Reading {
  readonly #file: string
  readonly #database: Database.Database
  readonly #remove: () => void
  readonly #value: Database.Statement<[number], Row>
  readonly #names: readonly Database.Statement<[string], { readonly name: string, readonly row: number }>[]
  readonly #entry: Database.Statement<[number], Row>
  readonly #page: Database.Statement<[string, number, number], Place>
  /** Different ways through a conversation: each ends at the first damaged page that it meets. */
  readonly #scans: readonly Database.Statement<[string], Place>[]
  /** The same through all of them. */
  readonly #everywhere: readonly Database.Statement<[], string>[]
  readonly #salvaged = new Map<string, readonly Spot[]>()

  constructor(parts: { file: string, database: Database.Database, remove: () => void }) {
    this.#file = parts.file
    this.#database = parts.database
    this.#remove = parts.remove
    // These are answered by an index alone, so that a damaged page of the table costs only what lies on it; and the
    // other way round. What they name is then read row by row.
    this.#names = ['', 'NOT INDEXED'].map((how) =>
      parts.database.prepare(`SELECT key AS name, rowid AS "row" FROM documents ${how} WHERE kind = ?`))
    this.#value = parts.database.prepare(
      'SELECT keys.key, sealed FROM documents JOIN keys ON number = key_number WHERE documents.rowid = ?')
    const places = (rest: string) => `SELECT position AS "order", entries.rowid AS "row" FROM entries ${rest}`
    this.#page = parts.database.prepare(
      places('WHERE conversation = ? AND position < ? ORDER BY position DESC LIMIT ?'))
    this.#scans = ['WHERE conversation = ? ORDER BY position', 'NOT INDEXED WHERE conversation = ? ORDER BY rowid']
      .flatMap((rest) => ['DESC', 'ASC'].map((order) => parts.database.prepare(places(`${rest} ${order}`))))
    this.#everywhere = ['ORDER BY conversation', 'NOT INDEXED ORDER BY rowid'].flatMap((rest) => ['DESC', 'ASC'].map((order) =>
      parts.database.prepare<[], string>(`SELECT conversation FROM entries ${rest} ${order}`).pluck()))
    this.#entry = parts.database.prepare(
      'SELECT key, sealed FROM entries JOIN keys ON number = key_number WHERE entries.rowid = ?')
  }

  document(kind: DocumentKind, key: string): Uint8Array | undefined {
    return this.#valueAt(this.#rowsOf(kind).get(key))
  }

  documents(kind: DocumentKind): readonly { readonly key: string, readonly bytes: Uint8Array }[] {
    return [...this.#rowsOf(kind)].flatMap(([key, row]) => {
      const bytes = this.#valueAt(row)
      return bytes === undefined ? [] : [{ key, bytes }]
    })
  }

  #rowsOf(kind: DocumentKind): ReadonlyMap<string, number> {
    const found = this.#names.flatMap((scan) => this.#all(scan.iterate(kind)).found)
    return new Map(found.map(({ name, row }) => [name, row]))
  }

  #valueAt(row: number | undefined): Uint8Array | undefined {
    const found = row === undefined ? undefined : this.#whole(() => this.#value.get(row))
    return found === undefined ? undefined : unseal(found)
  }

  conversations(): readonly string[] {
    return [...new Set(this.#everywhere.flatMap((scan) => this.#all(scan.iterate()).found))]
  }

  entriesBefore(conversation: string, before: number, limit: number): readonly StoredEntry[] {
    const end = before === 0 ? Number.MAX_SAFE_INTEGER : before
    const { found, isWhole } = this.#all(this.#page.iterate(conversation, end, limit))
    const spots = isWhole ? found : this.#spotsOf(conversation).filter(({ order }) => order < end).slice(0, limit)
    return spots.map((spot) => this.#entryAt(spot) ??
      damagedAt(conversation, spot.order, spot.row === undefined ? 0 : 1)).reverse()
  }

  #entryAt({ row }: Spot): StoredEntry | undefined {
    if (row === undefined) return undefined
    const found = this.#whole(() => this.#entry.get(row))
    return found === undefined ? undefined : entryIn(found)
  }

  /** Where the list of a conversation's entries is damaged itself: what is left of it, newest first, and its holes. */
  #spotsOf(conversation: string): readonly Spot[] {
    const known = this.#salvaged.get(conversation)
    if (known !== undefined) return known
    const scans = this.#scans.map((scan) => this.#all(scan.iterate(conversation)).found)
    const places = [...new Map(scans.flat().map((place) => [place.order, place])).values()]
    const spots: Spot[] = []
    // The first scan begins with the newest, if it is there.
    const newest = scans[0]?.[0]
    let after = newest === undefined ? undefined : newest.order + 1
    for (const place of places.sort((a, b) => b.order - a.order)) {
      if (place.order + 1 !== after) spots.push({ order: (after ?? place.order + 2) - 1, row: undefined })
      spots.push(place)
      after = place.order
    }
    // Orders begin at 1.
    if (after !== 1) spots.push({ order: (after ?? 2) - 1, row: undefined })
    this.#salvaged.set(conversation, spots)
    return spots
  }

  close(): void {
    this.#database.close()
    this.#remove()
  }

  /** What a damaged page holds is `undefined`. */
  #whole<T>(read: () => T): T | undefined {
    try {
      return translated(this.#file, read)
    } catch (error) {
      if (error instanceof PortError && error.code === 'store-damaged') return undefined
      throw error
    }
  }

  /** The rows until the first damaged page. */
  #all<T>(rows: IterableIterator<T>): { readonly found: readonly T[], readonly isWhole: boolean } {
    const found: T[] = []
    const isWhole = this.#whole(() => {
      for (const row of rows) found.push(row)
      return true
    })
    return { found, isWhole: isWhole === true }
  }
}

/** An entry's order in its conversation and its row in the table. */
type Place = { readonly order: number, readonly row: number }
/** Without a row: a hole, for however many entries. */
type Spot = { readonly order: number, readonly row: number | undefined }

const damagedAt = (conversation: string, order: number, count: number): StoredEntry =>
  ({ id: `damaged.${conversation}.${order}`, conversation, order, at: 0, kind: 'gap', reason: 'damaged', count })
