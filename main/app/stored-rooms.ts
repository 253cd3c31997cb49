import { changedParts, equal, groupFromParts, type Group, type KeyPair, type SuiteOf } from '../mls/index.ts'
import {
  decodePendingCommit, decodeSeals, decodeWaiting, encodePendingCommit, encodeSeals, encodeWaiting, membersDocument,
  roomDocument,
} from '../chat/documents.ts'
import { decodePassed, encodePassed, passedKey, type Passed } from '../chat/history.ts'
import type { RoomState } from '../chat/room.ts'
import type { DocumentKind, Store, StoreWrite } from '../ports.ts'

/** The conversations as they are stored. */

type Loading = {
  readonly suiteOf: SuiteOf
  /** The signature keys of this device, each once in memory: they are wiped with the account. */
  readonly keys: readonly KeyPair[]
}

export function loadRooms(store: Store, loading: Loading): readonly RoomState[] {
  const histories = loadHistories(store)
  return store.documents('room').map(({ bytes }) => {
    const room = roomDocument.decode(bytes)
    return loadRoom(store, room, { ...loading, history: histories.get(room.id) ?? [] })
  })
}

/** Newest first, as their keys tell. */
function loadHistories(store: Store): ReadonlyMap<string, readonly Passed[]> {
  const histories = new Map<string, Passed[]>()
  for (const { key, bytes } of store.documents('passed').toSorted((a, b) => a.key < b.key ? 1 : -1)) {
    const room = key.slice(0, key.indexOf('.'))
    const history = histories.get(room) ?? []
    histories.set(room, history)
    history.push(decodePassed(bytes))
  }
  return histories
}

function loadRoom(
  store: Store, room: RoomState['room'], { suiteOf, keys, history }: Loading & Pick<RoomState, 'history'>,
): RoomState {
  const parts = store.group(room.id)
  const group = parts === undefined ? undefined : withOwnKey(groupFromParts(suiteOf, parts), keys)
  const seals = store.document('seals', room.id)
  const pending = store.document('pending', room.id)
  const waiting = store.document('waiting', room.id)
  const people = store.document('people', room.id)
  const underWay = pending === undefined || group === undefined ? undefined
    : decodePendingCommit(suiteOf, group, pending)
  return {
    room, group,
    members: people === undefined ? [] : membersDocument.decode(people).members,
    seals: seals === undefined ? [] : decodeSeals(seals),
    pending: underWay === undefined ? undefined : { ...underWay, next: withOwnKey(underWay.next, keys) },
    waiting: waiting === undefined ? [] : decodeWaiting(waiting),
    history,
  }
}

/** A stored group brings a copy of its signature key. */
function withOwnKey(group: Group, keys: readonly KeyPair[]): Group {
  const own = keys.find(({ privateKey }) => equal(group.signaturePrivateKey.unwrap(), privateKey.unwrap()))
  if (own === undefined) return group
  group.signaturePrivateKey.wipe()
  return { ...group, signaturePrivateKey: own.privateKey }
}

/** A commit adds one document and changes another now and then. */
export function historyDocuments(room: string, before: readonly Passed[], after: readonly Passed[]): NonNullable<StoreWrite['documents']> {
  const [known, kept] = [new Set(before), new Set(after.map(({ epoch }) => epoch))]
  return [
    ...before.filter(({ epoch }) => !kept.has(epoch))
      .map(({ epoch }) => ({ kind: 'passed' as const, key: passedKey(room, epoch), bytes: undefined })),
    ...after.filter((passed) => !known.has(passed))
      .map((passed) => ({ kind: 'passed' as const, key: passedKey(room, passed.epoch), bytes: encodePassed(passed) })),
  ]
}

export type Documents = { kind: DocumentKind, key: string, bytes: Uint8Array | undefined }[]

/** What differs from the room as it is in memory, and therefore in the store. */
export function writeRoom(
  after: RoomState, before: RoomState | undefined, documents: Documents,
): NonNullable<StoreWrite['groups']>[number][] {
  const { id } = after.room
  const put = (kind: DocumentKind, bytes: Uint8Array | undefined): void => { documents.push({ kind, key: id, bytes }) }
  if (after.room !== before?.room) put('room', roomDocument.encode(after.room))
  if (after.members !== before?.members) put('people', membersDocument.encode({ version: 1, members: after.members }))
  if (after.seals !== before?.seals) put('seals', after.seals.length === 0 ? undefined : encodeSeals(after.seals))
  if (after.waiting !== before?.waiting) {
    put('waiting', after.waiting.length === 0 ? undefined : encodeWaiting(after.waiting))
  }
  if (after.pending !== before?.pending || (after.pending !== undefined && after.group !== before?.group)) {
    put('pending', after.pending === undefined || after.group === undefined ? undefined
      : encodePendingCommit(after.group, after.pending))
  }
  if (after.history !== before?.history) documents.push(...historyDocuments(id, before?.history ?? [], after.history))
  if (after.group === before?.group) return []
  return [{ group: id, parts: after.group === undefined ? undefined : changedParts(after.group, before?.group) }]
}
