import type Database from 'better-sqlite3'
import { readFileSync, readdirSync } from 'node:fs'
import { PortError } from '../ports.ts'
import { entryIn } from './read.ts'
import type { Row } from './read.ts'
import { prepareSeal } from './seal.ts'
import { prepareIndex } from './words.ts'

/** The numbered migrations, in order; the build puts the folder beside the bundle. */
function migrations(): readonly string[] {
  const folder = new URL('./schema/', import.meta.url)
  return readdirSync(folder)
    .filter((name) => /^\d{4}\.sql$/.test(name))
    .sort()
    .map((name, index) => {
      if (Number.parseInt(name, 10) !== index + 1) throw new Error(`a migration before ${name} is missing`)
      return readFileSync(new URL(name, folder), 'utf8')
    })
}

/** What SQL cannot do of a migration, by its number. */
const also = new Map<number, (database: Database.Database) => void>([[2, indexAll]])

/**
 * Brings the tables to this version. Each migration is one transaction together with its number, so a crash repeats it
 * or has it behind.
 *
 * @throws PortError 'store-newer'
 */
export function migrate(database: Database.Database): void {
  const steps = migrations()
  const version = versionOf(database, steps)
  for (const [index, sql] of steps.entries()) {
    if (index < version) continue
    database.transaction(() => {
      database.exec(sql)
      also.get(index + 1)?.(database)
      database.pragma(`user_version = ${index + 1}`)
    })()
  }
}

/**
 * A damaged store is read as it is, of whatever version.
 *
 * @throws PortError 'store-newer', 'store-damaged' where the list of its tables is lost
 */
export function checkReadable(database: Database.Database): void {
  versionOf(database, migrations())
  const tables = database.prepare("SELECT count(*) FROM sqlite_schema WHERE name IN ('keys', 'documents', 'entries')")
  if (tables.pluck().get() !== 3) throw new PortError('store-damaged', 'schema')
}

function versionOf(database: Database.Database, steps: readonly string[]): number {
  const version = Number(database.pragma('user_version', { simple: true }))
  if (version > steps.length) throw new PortError('store-newer', String(version))
  return version
}

/** The words of every message that an earlier version has kept. */
function indexAll(database: Database.Database): void {
  const conversations = database.prepare<[], string>('SELECT DISTINCT conversation FROM entries').pluck().all()
  const page = database.prepare<[string, number], Row & { readonly position: number }>(
    `SELECT position, keys.key, sealed FROM entries JOIN keys ON number = key_number
     WHERE conversation = ? AND position > ? ORDER BY position LIMIT 500`)
  const index = prepareIndex(database, prepareSeal(database))()
  for (const conversation of conversations) {
    let rows = page.all(conversation, 0)
    while (rows.length > 0) {
      for (const row of rows) index.put(entryIn(row))
      rows = page.all(conversation, rows.at(-1)?.position ?? 0)
    }
  }
  index.flush()
}
