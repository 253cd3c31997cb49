/** Attachments in pieces, each sealed under a key of its own, and which entries name them (schema/0003.sql). */
import type Database from 'better-sqlite3'
import { piecesOf, type Store, type StoreWrite, type StoredEntry } from '../ports.ts'
import { unseal } from './seal.ts'
import type { Seal, Sealed } from './seal.ts'

type Writes = {
  /** The names of an entry that was put; `isNew`: it had none before. */
  readonly name: (entry: StoredEntry, isNew: boolean) => void
  readonly write: (write: StoreWrite) => void
}

export const attachmentsOf = (entry: StoredEntry): NonNullable<Extract<StoredEntry, { kind: 'message' }>['attachments']> =>
  entry.kind === 'message' ? entry.attachments ?? [] : []

export function prepareAttachments(database: Database.Database, seal: Seal): Writes {
  const name = database.prepare<[string, string]>('INSERT OR IGNORE INTO named (entry, hash) VALUES (?, ?)')
  const forget = database.prepare<[string, string]>(
    'DELETE FROM named WHERE entry = ? AND hash NOT IN (SELECT value FROM json_each(?))')
  const begin = database.prepare<[string, number]>('INSERT OR IGNORE INTO attachments (hash, size) VALUES (?, ?)')
  const put = database.prepare<{ readonly hash: string, readonly piece: number } & Sealed>(
    `INSERT INTO blobs (attachment, piece, key_number, sealed)
     SELECT number, @piece, @keyNumber, @sealed FROM attachments WHERE hash = @hash
     ON CONFLICT (attachment, piece) DO UPDATE SET key_number = excluded.key_number, sealed = excluded.sealed`)
  // One that is there already under that name is the same.
  const rename = database.prepare<[string, string]>('UPDATE OR IGNORE attachments SET hash = ? WHERE hash = ?')
  const remove = database.prepare<[string]>('DELETE FROM attachments WHERE hash = ?')
  return {
    name: (entry, isNew) => {
      const hashes = attachmentsOf(entry).map(({ hash }) => hash)
      for (const hash of hashes) name.run(entry.id, hash)
      if (!isNew) forget.run(entry.id, JSON.stringify(hashes))
    },
    write: (write) => {
      for (const { hash, piece, bytes, size } of write.pieces ?? []) {
        begin.run(hash, size)
        put.run({ hash, piece, ...seal(bytes) })
      }
      for (const { from, to } of write.renamedAttachments ?? []) {
        rename.run(to, from)
        remove.run(from)
      }
      for (const hash of write.removedAttachments ?? []) remove.run(hash)
    },
  }
}

type Reads = Pick<Store, 'piece' | 'attachment' | 'attachmentBytes' | 'heldPieces' | 'entriesNaming' | 'unnamedAttachments'>

export function readsOfAttachments(database: Database.Database): Reads {
  const piece = database.prepare<[string, number], { readonly key: Uint8Array, readonly sealed: Uint8Array }>(
    `SELECT keys.key, sealed FROM attachments JOIN blobs ON attachment = attachments.number
     JOIN keys ON keys.number = key_number WHERE hash = ? AND piece = ?`)
  const found = database.prepare<[string], { readonly size: number, readonly held: number }>(
    'SELECT size, (SELECT count(*) FROM blobs WHERE attachment = number) AS held FROM attachments WHERE hash = ?')
  const all = database.prepare<[], number>('SELECT coalesce(sum(size), 0) FROM attachments').pluck()
  const naming = database.prepare<[string], string>('SELECT entry FROM named WHERE hash = ? ORDER BY entry').pluck()
  const unnamed = database.prepare<[], string>(
    'SELECT hash FROM attachments WHERE hash NOT IN (SELECT hash FROM named) ORDER BY hash').pluck()
  return {
    piece: (hash, number) => {
      const row = piece.get(hash, number)
      return row === undefined ? undefined : unseal(row)
    },
    attachment: (hash) => {
      const row = found.get(hash)
      return row === undefined || row.held < piecesOf(row.size) ? undefined : { size: row.size, pieces: row.held }
    },
    attachmentBytes: () => all.get() ?? 0,
    heldPieces: (hash) => found.get(hash)?.held ?? 0,
    entriesNaming: (hash) => naming.all(hash),
    unnamedAttachments: () => unnamed.all(),
  }
}
