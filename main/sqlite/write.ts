import type Database from 'better-sqlite3'
import type { StoreWrite, StoredEntry } from '../ports.ts'
import { prepareAttachments } from './attachments.ts'
import { prepareSeal } from './seal.ts'
import type { Seal, Sealed } from './seal.ts'
import { prepareIndex, type Place } from './words.ts'

type GroupWrite = NonNullable<StoreWrite['groups']>[number]
/** What a statement gets besides its own columns. */
type WithSealed<T> = T & Sealed

const isReceived = (entry: StoredEntry): boolean => entry.kind === 'message' && !entry.own
const replaceValue = 'key_number = excluded.key_number, sealed = excluded.sealed'

/** Prepares every statement that changes something, and gives the one function that runs them: all, or none. */
export function prepareWrite(database: Database.Database): (write: StoreWrite) => void {
  const seal = prepareSeal(database)
  const documents = prepareDocuments(database, seal)
  const groups = prepareGroups(database, seal)
  const attachments = prepareAttachments(database, seal)
  const entries = prepareEntries(database, { seal, name: attachments.name })
  const setCursor = database.prepare<[string, number]>(
    'INSERT INTO cursors (log, seq) VALUES (?, ?) ON CONFLICT (log) DO UPDATE SET seq = excluded.seq')
  return database.transaction((write: StoreWrite): void => {
    documents(write)
    for (const group of write.groups ?? []) groups(group)
    entries(write)
    for (const { log, seq } of write.cursors ?? []) setCursor.run(log, seq)
    attachments.write(write)
  })
}

function prepareDocuments(database: Database.Database, seal: Seal): (write: StoreWrite) => void {
  const put = database.prepare<WithSealed<{ kind: string, key: string }>>(
    `INSERT INTO documents (kind, key, key_number, sealed) VALUES (@kind, @key, @keyNumber, @sealed)
     ON CONFLICT (kind, key) DO UPDATE SET ${replaceValue}`)
  const remove = database.prepare<[string, string]>('DELETE FROM documents WHERE kind = ? AND key = ?')
  return (write) => {
    for (const { kind, key, bytes } of write.documents ?? []) {
      if (bytes === undefined) remove.run(kind, key)
      else put.run({ kind, key, ...seal(bytes) })
    }
  }
}

function prepareGroups(database: Database.Database, seal: Seal): (write: GroupWrite) => void {
  const find = database.prepare<[string], number>('SELECT number FROM groups WHERE id = ?').pluck()
  const putHead = database.prepare<WithSealed<{ group: string }>>(
    `INSERT INTO groups (id, key_number, sealed) VALUES (@group, @keyNumber, @sealed)
     ON CONFLICT (id) DO UPDATE SET ${replaceValue}`)
  // Nodes and ratchets go with it (ON DELETE CASCADE).
  const remove = database.prepare<[string]>('DELETE FROM groups WHERE id = ?')
  const putNode = database.prepare<WithSealed<{ number: number, node: number }>>(
    `INSERT INTO nodes (group_number, node, key_number, sealed) VALUES (@number, @node, @keyNumber, @sealed)
     ON CONFLICT (group_number, node) DO UPDATE SET ${replaceValue}`)
  const removeNode = database.prepare<[number, number]>('DELETE FROM nodes WHERE group_number = ? AND node = ?')
  const putRatchet = database.prepare<WithSealed<{ number: number, name: string }>>(
    `INSERT INTO ratchets (group_number, name, key_number, sealed) VALUES (@number, @name, @keyNumber, @sealed)
     ON CONFLICT (group_number, name) DO UPDATE SET ${replaceValue}`)
  const removeRatchet = database.prepare<[number, string]>('DELETE FROM ratchets WHERE group_number = ? AND name = ?')
  return ({ group, parts }) => {
    if (parts === undefined) {
      remove.run(group)
      return
    }
    if (parts.head !== undefined) putHead.run({ group, ...seal(parts.head) })
    const number = find.get(group)
    if (number === undefined) throw new Error('a group was written without its head')
    for (const [node, bytes] of parts.nodes) {
      if (bytes === undefined) removeNode.run(number, node)
      else putNode.run({ number, node, ...seal(bytes) })
    }
    for (const [name, bytes] of parts.ratchets) {
      if (bytes === undefined) removeRatchet.run(number, name)
      else putRatchet.run({ number, name, ...seal(bytes) })
    }
  }
}

function prepareEntries(
  database: Database.Database, { seal, name }: { readonly seal: Seal, readonly name: (entry: StoredEntry, isNew: boolean) => void },
): (write: StoreWrite) => void {
  const put = database.prepare<WithSealed<{ id: string, conversation: string, order: number, received: number, expires: number | null }>>(
    `INSERT INTO entries (id, conversation, position, received, expires, key_number, sealed)
     VALUES (@id, @conversation, @order, @received, @expires, @keyNumber, @sealed)
     ON CONFLICT (id) DO UPDATE SET conversation = excluded.conversation, position = excluded.position,
       received = excluded.received, expires = excluded.expires, ${replaceValue}`)
  const find = database.prepare<[string], Place>('SELECT conversation, position FROM entries WHERE id = ?')
  const remove = database.prepare<[string]>('DELETE FROM entries WHERE id = ?')
  const clear = ['entries', 'words'].map((table) =>
    database.prepare<[string]>(`DELETE FROM ${table} WHERE conversation = ?`))
  const beginIndex = prepareIndex(database, seal)
  const encoder = new TextEncoder()
  return (write) => {
    const index = beginIndex()
    for (const entry of write.entries ?? []) {
      const { id, conversation, order } = entry
      const before = find.get(id)
      if (before !== undefined && (before.conversation !== conversation || before.position !== order)) index.remove(before)
      const sealed = seal(encoder.encode(JSON.stringify(entry)))
      const expires = entry.kind === 'message' ? entry.expiresAt ?? null : null
      put.run({ id, conversation, order, received: Number(isReceived(entry)), expires, ...sealed })
      index.put(entry)
      name(entry, before === undefined)
    }
    for (const id of write.removedEntries ?? []) {
      const before = find.get(id)
      if (before !== undefined) index.remove(before)
      remove.run(id)
    }
    index.flush()
    for (const conversation of write.clearedConversations ?? []) for (const each of clear) each.run(conversation)
  }
}
