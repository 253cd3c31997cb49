import Database from 'better-sqlite3'
import { closeSync, existsSync, openSync } from 'node:fs'
import { checkReadable, migrate } from './migrate.ts'

const keyBytes = 32

/**
 * Opens or makes the encrypted file and brings its tables to this version.
 *
 * The cipher is SQLite3 Multiple Ciphers' `chacha20`: every page, in the file and in the WAL, under
 * ChaCha20-Poly1305 with a fresh nonce, so that a changed or foreign page is refused. The key is used raw.
 *
 * @throws SqliteError as SQLite does, PortError 'store-newer'
 */
export function openDatabase(file: string, key: Uint8Array): Database.Database {
  if (!existsSync(file)) closeSync(openSync(file, 'wx', 0o600))
  const database = new Database(file, { timeout: 200 })
  try {
    unlock(database, key)
    setUp(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** All but the cipher: how the file is written, and its tables. */
export function setUp(database: Database.Database): void {
  // The lock comes before the WAL: then its index is in memory, and no third file lies beside.
  database.pragma('locking_mode = EXCLUSIVE')
  // Temporary files would be written in clear.
  database.pragma('temp_store = MEMORY')
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('secure_delete = ON')
  database.pragma('foreign_keys = ON')
  database.exec('BEGIN EXCLUSIVE; COMMIT')
  migrate(database)
}

/**
 * Opens a copy of an encrypted file to read what is left in it. Its size and its tables are taken as they are found,
 * and a page that does not open throws when it is asked for.
 *
 * @throws SqliteError as SQLite does, PortError 'store-newer', 'store-damaged'
 */
export function openDamaged(file: string, key: Uint8Array): Database.Database {
  const database = new Database(file, { fileMustExist: true })
  try {
    unlock(database, key)
    // Otherwise a file that was cut off is refused whole. Out of "defensive" mode, because that forbids this pragma.
    database.unsafeMode(true)
    database.pragma('writable_schema = ON')
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('temp_store = MEMORY')
    checkReadable(database)
    database.pragma('query_only = ON')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function unlock(database: Database.Database, key: Uint8Array): void {
  if (key.length !== keyBytes) throw new RangeError(`the key of a store has ${keyBytes} bytes, not ${key.length}`)
  const raw = Buffer.concat([Buffer.from('raw:'), key])
  database.pragma("cipher = 'chacha20'")
  database.key(raw)
  raw.fill(0)
}
