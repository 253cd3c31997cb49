/**
 * Looks on while stores are written, and knows afterwards of every value the key under which it lay: so that a search
 * through a file finds what a thief could get out of it, not only what stands there as it is.
 */
import Database from 'better-sqlite3'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openDatabase, setUp } from '../../main/sqlite/open.ts'
import { unseal } from '../../main/sqlite/seal.ts'
import type { Person } from './world.ts'

const tables = ['documents', 'groups', 'nodes', 'ratchets', 'entries', 'blobs', 'words']

/** A value that was written, whenever that was. */
type Written = { readonly key: Buffer, readonly value: Buffer }

export class Witness {
  readonly written: Written[] = []
  /** Without the cipher, all that is written lies open in the file and its WAL. */
  readonly #encrypted: boolean

  constructor(encrypted: boolean) {
    this.#encrypted = encrypted
  }

  /** Opens a profile for the app, and looks on from then. */
  readonly open = (file: string, key: Uint8Array): Database.Database => {
    const database = this.#encrypted ? openDatabase(file, key) : openInClear(file)
    database.function('witness', (valueKey: unknown, sealed: unknown) => {
      if (!Buffer.isBuffer(valueKey) || !Buffer.isBuffer(sealed)) throw new Error('a value without a key')
      this.written.push({
        key: Buffer.from(valueKey), value: Buffer.from(unseal({ key: Buffer.from(valueKey), sealed })),
      })
      return 0
    })
    for (const table of tables) {
      for (const [name, event] of [['new', 'INSERT'], ['changed', 'UPDATE OF key_number']]) {
        database.exec(`CREATE TEMP TRIGGER ${table}_${name}_seen AFTER ${event} ON main.${table}
          BEGIN SELECT witness((SELECT key FROM keys WHERE number = NEW.key_number), NEW.sealed); END`)
      }
    }
    return database
  }

  /** The keys of all values that ever held these bytes. */
  keysOf(bytes: Uint8Array): readonly Buffer[] {
    const forms = formsOf(bytes)
    return this.written.filter(({ value }) => forms.some((form) => value.includes(form))).map(({ key }) => key)
  }
}

function openInClear(file: string): Database.Database {
  const database = new Database(file)
  setUp(database)
  return database
}

/** How bytes may stand in a file. */
export const formsOf = (bytes: Uint8Array): readonly Buffer[] => {
  const raw = Buffer.from(bytes)
  return [raw, Buffer.from(raw.toString('hex')), Buffer.from(raw.toString('base64').replace(/=+$/, ''))]
}

/** Everything that a thief of the computer has: each file below the folder, and the decrypted pages of these profiles. */
export function everythingIn(folder: string, encrypted: readonly Person[]): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(path.relative(folder, file), readFileSync(file))
  }
  for (const person of encrypted) found.set(`${person.name}, decrypted`, decrypted(person))
  return found
}

function decrypted(person: Person): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), '..', 'coppice-copy-'))
  try {
    const file = path.join(person.folder, person.name, 'profile.sqlite')
    const copy = path.join(folder, 'copy.sqlite')
    copyFileSync(file, copy)
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`)
    const database = openDatabase(copy, person.key)
    const pages = database.serialize()
    database.close()
    return pages
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Where the bytes can be got from: they stand there, or a key does under which one of the witnesses saw them. */
export function placesOf(
  bytes: Uint8Array, everything: ReadonlyMap<string, Buffer>, witnesses: Iterable<Witness>,
): readonly string[] {
  const pieces = [...formsOf(bytes), ...Array.from(witnesses, (witness) => witness.keysOf(bytes)).flat()]
  return [...everything].filter(([, content]) => pieces.some((piece) => content.includes(piece))).map(([name]) => name)
}
