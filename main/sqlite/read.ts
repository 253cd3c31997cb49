import type Database from 'better-sqlite3'
import type { Segment, Store, StoredEntry } from '../ports.ts'
import { readsOfAttachments } from './attachments.ts'
import { unseal } from './seal.ts'
import { prepareSearch } from './words.ts'

export type Reads = Omit<Store, 'commit' | 'close'>
/** A sealed value with its key. */
export type Row = { readonly key: Uint8Array, readonly sealed: Uint8Array }

const decoder = new TextDecoder()
export const entryIn = (row: Row): StoredEntry => JSON.parse(decoder.decode(unseal(row))) as StoredEntry

/** Prepares every statement that asks for something. */
export function prepareReads(database: Database.Database): Reads {
  return {
    ...readsOfDocuments(database), ...readsOfGroups(database), ...readsOfEntries(database),
    ...readsOfAttachments(database),
  }
}

function readsOfDocuments(database: Database.Database): Pick<Reads, 'document' | 'documents' | 'cursor'> {
  const one = database.prepare<[string, string], Row>(
    `SELECT keys.key, sealed FROM documents JOIN keys ON number = key_number
     WHERE kind = ? AND documents.key = ?`)
  const all = database.prepare<[string], Row & { name: string }>(
    `SELECT documents.key AS name, keys.key, sealed FROM documents JOIN keys ON number = key_number
     WHERE kind = ? ORDER BY name`)
  const cursor = database.prepare<[string], number>('SELECT seq FROM cursors WHERE log = ?').pluck()
  return {
    document: (kind, key) => {
      const row = one.get(kind, key)
      return row === undefined ? undefined : unseal(row)
    },
    documents: (kind) => all.all(kind).map((row) => ({ key: row.name, bytes: unseal(row) })),
    cursor: (log) => cursor.get(log) ?? 0,
  }
}

function readsOfGroups(database: Database.Database): Pick<Reads, 'group'> {
  const head = database.prepare<[string], Row & { group: number }>(
    `SELECT groups.number AS "group", key, sealed FROM groups JOIN keys ON keys.number = key_number WHERE id = ?`)
  const nodes = database.prepare<[number], Row & { node: number }>(
    `SELECT node, key, sealed FROM nodes JOIN keys ON number = key_number WHERE group_number = ? ORDER BY node`)
  const ratchets = database.prepare<[number], Row & { name: string }>(
    `SELECT name, key, sealed FROM ratchets JOIN keys ON number = key_number WHERE group_number = ? ORDER BY name`)
  return {
    group: (id) => {
      const row = head.get(id)
      if (row === undefined) return undefined
      return {
        head: unseal(row),
        nodes: new Map(nodes.all(row.group).map((each) => [each.node, unseal(each)])),
        ratchets: new Map(ratchets.all(row.group).map((each) => [each.name, unseal(each)])),
      }
    },
  }
}

/** How many orders are in a segment (schema/0004.sql). */
const segmentOrders = 1_000

type EntryReads = Pick<Reads, 'entry' | 'present' | 'entriesBefore' | 'expired' | 'nextExpiry' | 'unreadAfter' | 'lastOrder' | 'segments' | 'entriesIn' | 'search'>

function readsOfEntries(database: Database.Database): EntryReads {
  const one = database.prepare<[string], Row>(
    'SELECT key, sealed FROM entries JOIN keys ON number = key_number WHERE id = ?')
  const present = database.prepare<[string], string>(
    'SELECT id FROM entries WHERE id IN (SELECT value FROM json_each(?))').pluck()
  const page = database.prepare<[string, number, number], Row>(
    `SELECT key, sealed FROM entries JOIN keys ON number = key_number
     WHERE conversation = ? AND position < ? ORDER BY position DESC LIMIT ?`)
  const segment = database.prepare<[string, number, number], Row>(
    `SELECT key, sealed FROM entries JOIN keys ON number = key_number
     WHERE conversation = ? AND position >= ? AND position < ? ORDER BY position`)
  const segments = database.prepare<[], Segment>(
    'SELECT conversation, segment, lower(hex(stamp)) AS stamp, size FROM segments ORDER BY conversation, segment')
  const at = database.prepare<[string, number], Row>(
    'SELECT key, sealed FROM entries JOIN keys ON number = key_number WHERE conversation = ? AND position = ?')
  const unread = database.prepare<[string, number], number>(
    'SELECT count(*) FROM entries WHERE conversation = ? AND position > ? AND received = 1').pluck()
  const expired = database.prepare<[number, number], Row>(
    'SELECT key, sealed FROM entries JOIN keys ON number = key_number WHERE expires <= ? ORDER BY expires LIMIT ?')
  const next = database.prepare<[], number | null>('SELECT min(expires) FROM entries WHERE expires IS NOT NULL').pluck()
  const last = database.prepare<[string], number | null>(
    'SELECT max(position) FROM entries WHERE conversation = ?').pluck()
  const search = prepareSearch(database)
  return {
    present: (ids) => new Set(present.all(JSON.stringify(ids))),
    search: (wanted) => search(wanted).flatMap(({ conversation, position }) => {
      const row = at.get(conversation, position)
      return row === undefined ? [] : [entryIn(row)]
    }),
    entry: (id) => {
      const row = one.get(id)
      return row === undefined ? undefined : entryIn(row)
    },
    entriesBefore: (conversation, before, limit) =>
      page.all(conversation, before === 0 ? Number.MAX_SAFE_INTEGER : before, limit).reverse().map(entryIn),
    expired: (now, limit) => expired.all(now, limit).map(entryIn),
    nextExpiry: () => next.get() ?? undefined,
    segments: () => segments.all(),
    entriesIn: (conversation, number) =>
      segment.all(conversation, number * segmentOrders, (number + 1) * segmentOrders).map(entryIn),
    unreadAfter: (conversation, order) => unread.get(conversation, order) ?? 0,
    lastOrder: (conversation) => last.get(conversation) ?? 0,
  }
}
