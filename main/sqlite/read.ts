import type Database from 'better-sqlite3'
import type { Store, StoredEntry } from '../ports.ts'

export type Reads = Omit<Store, 'commit' | 'close'>

/** SQLite's blobs are Buffers, whose `slice` shares memory; everybody above expects what Uint8Array says. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
const parse = (json: string): StoredEntry => JSON.parse(json) as StoredEntry

/** Prepares every statement that asks for something. */
export function prepareReads(database: Database.Database): Reads {
  return { ...readsOfDocuments(database), ...readsOfGroups(database), ...readsOfEntries(database) }
}

function readsOfDocuments(database: Database.Database): Pick<Reads, 'document' | 'documents' | 'cursor'> {
  const one = database.prepare<[string, string], Uint8Array>(
    'SELECT bytes FROM documents WHERE kind = ? AND key = ?').pluck()
  const all = database.prepare<[string], { key: string, bytes: Uint8Array }>(
    'SELECT key, bytes FROM documents WHERE kind = ? ORDER BY key')
  const cursor = database.prepare<[string], number>('SELECT seq FROM cursors WHERE log = ?').pluck()
  return {
    document: (kind, key) => {
      const bytes = one.get(kind, key)
      return bytes === undefined ? undefined : plain(bytes)
    },
    documents: (kind) => all.all(kind).map(({ key, bytes }) => ({ key, bytes: plain(bytes) })),
    cursor: (log) => cursor.get(log) ?? 0,
  }
}

function readsOfGroups(database: Database.Database): Pick<Reads, 'group'> {
  const head = database.prepare<[string], { number: number, head: Uint8Array }>(
    'SELECT number, head FROM groups WHERE id = ?')
  const nodes = database.prepare<[number], [number, Uint8Array]>(
    'SELECT node, bytes FROM nodes WHERE group_number = ? ORDER BY node').raw()
  const ratchets = database.prepare<[number], [string, Uint8Array]>(
    'SELECT name, bytes FROM ratchets WHERE group_number = ? ORDER BY name').raw()
  return {
    group: (id) => {
      const found = head.get(id)
      if (found === undefined) return undefined
      return {
        head: plain(found.head),
        nodes: new Map(nodes.all(found.number).map(([node, bytes]) => [node, plain(bytes)])),
        ratchets: new Map(ratchets.all(found.number).map(([name, bytes]) => [name, plain(bytes)])),
      }
    },
  }
}

type EntryReads = Pick<Reads, 'entry' | 'entriesBefore' | 'unreadAfter' | 'lastOrder'>

function readsOfEntries(database: Database.Database): EntryReads {
  const one = database.prepare<[string], string>('SELECT json FROM entries WHERE id = ?').pluck()
  const page = database.prepare<[string, number, number], string>(
    'SELECT json FROM entries WHERE conversation = ? AND position < ? ORDER BY position DESC LIMIT ?').pluck()
  const unread = database.prepare<[string, number], number>(
    'SELECT count(*) FROM entries WHERE conversation = ? AND position > ? AND received = 1').pluck()
  const last = database.prepare<[string], number | null>(
    'SELECT max(position) FROM entries WHERE conversation = ?').pluck()
  return {
    entry: (id) => {
      const json = one.get(id)
      return json === undefined ? undefined : parse(json)
    },
    entriesBefore: (conversation, before, limit) =>
      page.all(conversation, before === 0 ? Number.MAX_SAFE_INTEGER : before, limit).reverse().map(parse),
    unreadAfter: (conversation, order) => unread.get(conversation, order) ?? 0,
    lastOrder: (conversation) => last.get(conversation) ?? 0,
  }
}
