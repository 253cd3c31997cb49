import type Database from 'better-sqlite3'
import type { StoreWrite, StoredEntry } from '../ports.ts'

type GroupWrite = NonNullable<StoreWrite['groups']>[number]

const isReceived = (entry: StoredEntry): boolean => entry.kind === 'message' && !entry.own

/** Prepares every statement that changes something, and gives the one function that runs them: all, or none. */
export function prepareWrite(database: Database.Database): (write: StoreWrite) => void {
  const documents = prepareDocuments(database)
  const groups = prepareGroups(database)
  const entries = prepareEntries(database)
  const setCursor = database.prepare<[string, number]>(
    'INSERT INTO cursors (log, seq) VALUES (?, ?) ON CONFLICT (log) DO UPDATE SET seq = excluded.seq')
  return database.transaction((write: StoreWrite): void => {
    documents(write)
    for (const group of write.groups ?? []) groups(group)
    entries(write)
    for (const { log, seq } of write.cursors ?? []) setCursor.run(log, seq)
  })
}

function prepareDocuments(database: Database.Database): (write: StoreWrite) => void {
  const put = database.prepare<[string, string, Uint8Array]>(
    `INSERT INTO documents (kind, key, bytes) VALUES (?, ?, ?)
     ON CONFLICT (kind, key) DO UPDATE SET bytes = excluded.bytes`)
  const remove = database.prepare<[string, string]>('DELETE FROM documents WHERE kind = ? AND key = ?')
  return (write) => {
    for (const { kind, key, bytes } of write.documents ?? []) {
      if (bytes === undefined) remove.run(kind, key)
      else put.run(kind, key, bytes)
    }
  }
}

function prepareGroups(database: Database.Database): (write: GroupWrite) => void {
  const find = database.prepare<[string], number>('SELECT number FROM groups WHERE id = ?').pluck()
  const putHead = database.prepare<[string, Uint8Array]>(
    'INSERT INTO groups (id, head) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET head = excluded.head')
  // Nodes and ratchets go with it (ON DELETE CASCADE).
  const remove = database.prepare<[string]>('DELETE FROM groups WHERE id = ?')
  const putNode = database.prepare<[number, number, Uint8Array]>(
    `INSERT INTO nodes (group_number, node, bytes) VALUES (?, ?, ?)
     ON CONFLICT (group_number, node) DO UPDATE SET bytes = excluded.bytes`)
  const removeNode = database.prepare<[number, number]>('DELETE FROM nodes WHERE group_number = ? AND node = ?')
  const putRatchet = database.prepare<[number, string, Uint8Array]>(
    `INSERT INTO ratchets (group_number, name, bytes) VALUES (?, ?, ?)
     ON CONFLICT (group_number, name) DO UPDATE SET bytes = excluded.bytes`)
  const removeRatchet = database.prepare<[number, string]>('DELETE FROM ratchets WHERE group_number = ? AND name = ?')
  return ({ group, parts }) => {
    if (parts === undefined) {
      remove.run(group)
      return
    }
    if (parts.head !== undefined) putHead.run(group, parts.head)
    const number = find.get(group)
    if (number === undefined) throw new Error('a group was written without its head')
    for (const [node, bytes] of parts.nodes) {
      if (bytes === undefined) removeNode.run(number, node)
      else putNode.run(number, node, bytes)
    }
    for (const [name, bytes] of parts.ratchets) {
      if (bytes === undefined) removeRatchet.run(number, name)
      else putRatchet.run(number, name, bytes)
    }
  }
}

function prepareEntries(database: Database.Database): (write: StoreWrite) => void {
  const put = database.prepare<[string, string, number, number, string]>(
    `INSERT INTO entries (id, conversation, position, received, json) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET conversation = excluded.conversation, position = excluded.position,
       received = excluded.received, json = excluded.json`)
  const remove = database.prepare<[string]>('DELETE FROM entries WHERE id = ?')
  const clear = database.prepare<[string]>('DELETE FROM entries WHERE conversation = ?')
  return (write) => {
    for (const entry of write.entries ?? []) {
      put.run(entry.id, entry.conversation, entry.order, Number(isReceived(entry)), JSON.stringify(entry))
    }
    for (const id of write.removedEntries ?? []) remove.run(id)
    for (const conversation of write.clearedConversations ?? []) clear.run(conversation)
  }
}
