import { fromHex, MlsError, toHex } from '../mls/index.ts'
import { emptyRoom, historyBase, isShown, isWell, still, withRoom, type Member, type RoomState, type RoomStep } from '../chat/room.ts'
import { ownBody, type HistoryOffer } from '../chat/self-group.ts'
import {
  blobLog, chunkBytes, chunkEntries, encodeTransfer, newKey, openChunk, pastEntry, pastRoom, sealChunk,
  type Chunk, type ElderTransfer, type PastEntry, type PastRoom, type Transfer,
} from '../chat/transfer.ts'
import { historyRanges, type HistoryRange, type Progress } from '../../preload/api.ts'
import type { StoredEntry } from '../ports.ts'
import { ownGroupOf, removedKey, type Wish } from './registers.ts'
import type { State, Transaction } from './state.ts'
import { devicesIn } from './tend-devices.ts'
import { turn } from './tasks.ts'

/** The past of an elder's conversations, on its way to a new device: what it takes of both, one chunk at a time. */

const dayMs = 24 * 60 * 60 * 1000
const monthMs = 30 * dayMs
const hourMs = 60 * 60 * 1000
/** Blobs are kept for 7 days: what was begun so long ago is begun again while some of it is still there. */
const freshMs = 6 * dayMs
const pollMs = 500
/** How many entries are counted between two looks at what else there is to do. */
const countEntries = 5_000

type Stored = Required<Pick<Transaction, 'documents' | 'then'>>

function kept(state: State, transfer: Transfer): Stored {
  const key = toHex(transfer.id)
  return {
    documents: [{ kind: 'transfer', key, bytes: encodeTransfer(transfer) }],
    then: [() => { state.transfers.set(key, transfer) }],
  }
}

function dropped(state: State, { id, key: secret }: Transfer): Stored & Required<Pick<Transaction, 'wipe'>> {
  const key = toHex(id)
  return {
    documents: [{ kind: 'transfer', key, bytes: undefined }], then: [() => { state.transfers.delete(key) }], wipe: [secret],
  }
}

// ---------------------------------------------------------------- both

/** Nothing for 'none'. It begins when the device has come into the own group, however often the program ends until then. */
export function startHistory(state: State, deviceId: string, range: HistoryRange): void {
  dropHistory(state, deviceId)
  const since = range === 'all' ? 0 : Math.max(0, state.ports.now() - monthMs)
  state.transact({
    ...range === 'none' ? {} : kept(state, begun(state, deviceId, since)), registers: [chosen(deviceId, range, range === 'none')],
  })
}

const chosenKey = (deviceId: string): string => `history.${deviceId}`
/** The new device is told what was chosen for it as soon as it hears anything, and tells the others when it has that. */
const chosen = (deviceId: string, range: HistoryRange, isHere: boolean): Wish =>
  ({ key: chosenKey(deviceId), value: { range, isHere } })

/** What of the past a device was to get, and whether it has it. `undefined` where nobody has said so. */
export function historyChosen(
  { registers }: Pick<State, 'registers'>, deviceId: string,
): { readonly range: HistoryRange, readonly isHere: boolean } | undefined {
  const value = registers.value(chosenKey(deviceId))
  if (typeof value !== 'object' || value === null || !('range' in value) || !('isHere' in value)) return undefined
  const range = historyRanges.find((one) => one === value.range)
  return range === undefined ? undefined : { range, isHere: value.isHere === true }
}

function begun({ self, ports }: State, deviceId: string, since: number): ElderTransfer {
  return {
    version: 1, id: ports.random(16), key: newKey(self.suite), device: fromHex(deviceId), startedAt: ports.now(), done: 0,
    of: 0, chunk: 0, role: { type: 'elder', since, counted: 'no', sealed: 'no', room: '', before: 0n },
  }
}

/** The device will not come, or shall not have it. */
export function dropHistory(state: State, deviceId: string): void {
  for (const transfer of transfersWith(state, deviceId)) {
    if (transfer.role.type === 'elder') state.transact(dropped(state, transfer))
  }
}

const transfersWith = (state: State, deviceId: string): readonly Transfer[] =>
  [...state.transfers.values()].filter(({ device }) => toHex(device) === deviceId)

/** Of what goes to that device, or, without one, of what comes to this one. */
export function historyProgress(state: State, deviceId?: string): Progress & { readonly leftMs: number } | undefined {
  const transfer = [...state.transfers.values()].find(({ role, device }) =>
    deviceId === undefined ? role.type === 'new' : role.type === 'elder' && toHex(device) === deviceId)
  if (transfer === undefined) return undefined
  const { done, of, startedAt } = transfer
  const leftMs = done === 0 ? 0 : Math.round((state.ports.now() - startedAt) * Math.max(0, of - done) / done)
  return { done, of: Math.max(done, of), leftMs }
}

/** Does what can be done now. Gives how long until there may be more, if a transfer is under way. */
export async function tendTransfers(state: State, isStopped: () => boolean): Promise<number | undefined> {
  for (const key of [...state.transfers.keys()]) {
    for (let more = true; more && !isStopped();) {
      const transfer = state.transfers.get(key)
      if (transfer === undefined) break
      more = transfer.role.type === 'elder' ? await give(state, { ...transfer, role: transfer.role })
        : await get(state, transfer)
    }
  }
  return state.transfers.size === 0 ? undefined : pollMs
}

// ---------------------------------------------------------------- the elder

/** One step. Says whether there is more to do at once. */
async function give(state: State, transfer: ElderTransfer): Promise<boolean> {
  const deviceId = toHex(transfer.device)
  const device = state.devices.devices.find((one) => one.deviceId === deviceId)
  // Taken back, or linking came to nothing.
  const isOff = device === undefined ? state.ports.now() - transfer.startedAt > hourMs : device.revoked
  if (isOff) {
    state.transact(dropped(state, transfer))
    return false
  }
  const group = ownGroupOf(state.rooms.values())
  if (group?.group === undefined || !isWell(group.room) || !devicesIn(group.group).has(deviceId)) return false
  const log = blobLog(toHex(transfer.id))
  const waiting = [...state.publishes].find(([, one]) => one.log === log)
  if (waiting !== undefined) {
    const [key, { bytes, slot }] = waiting
    await state.ports.delivery.append(log, bytes, slot)
    if (state.publishes.has(key)) state.transact({ removedPublish: [key] })
    return true
  }
  if (state.ports.now() - transfer.startedAt > freshMs) {
    again(state, transfer)
    return true
  }
  if (transfer.role.sealed === 'yes') return false
  if (transfer.role.counted === 'no') count(state, transfer, group.room.id)
  else seal(state, transfer)
  // Whatever else there is to do comes between.
  await turn(state.ports)
  return true
}

/** From the beginning, in a log of its own: what the other device has already it keeps as it is. */
function again(state: State, transfer: ElderTransfer): void {
  const old = dropped(state, transfer)
  const fresh = kept(state, begun(state, toHex(transfer.device), transfer.role.since))
  state.transact({
    documents: [...old.documents, ...fresh.documents], then: [...old.then, ...fresh.then], wipe: old.wipe,
    removedPublish: [...state.publishes].flatMap(([key, { log }]) => log === blobLog(toHex(transfer.id)) ? [key] : []),
  })
}

const nextRoom = (state: State, after: string): RoomState | undefined =>
  [...state.rooms.values()].filter(({ room }) => isShown(room) && room.state !== 'request' && room.id > after)
    .sort((a, b) => a.room.id < b.room.id ? -1 : 1)[0]

/** The conversation that a transfer is at: one begun, or the next. */
function place(state: State, { room, before }: ElderTransfer['role']): { readonly room: RoomState, readonly before: number } | undefined {
  const current = before === 0n ? undefined : state.rooms.get(room)
  if (current !== undefined) return { room: current, before: Number(before) }
  const next = nextRoom(state, room)
  return next === undefined ? undefined : { room: next, before: 0 }
}

/** The entries of a page that are in the range, newest first; `end`: there are no more of this conversation. */
function pageAt(state: State, { room, before }: { readonly room: RoomState, readonly before: number }, since: number) {
  const page = state.store.entriesBefore(room.room.id, before, chunkEntries).toReversed()
  const found = page.flatMap((entry) => entry.at < since ? [] : [{ entry, past: pastEntry(entry, room.room.readUpTo) }])
  // Entries stand in the order in which they came, and their times need not: a page without any is the end.
  return { found, end: page.length < chunkEntries || found.length === 0, oldest: page.at(-1)?.order ?? 0 }
}

function count(state: State, transfer: ElderTransfer, room: string): void {
  let { role, of } = transfer
  for (let seen = 0; seen < countEntries; seen += chunkEntries) {
    const at = place(state, role)
    if (at === undefined) {
      const counted: Transfer = { ...transfer, of, role: { ...role, counted: 'yes', room: '', before: 0n } }
      const { id, key, device } = transfer
      const offer: HistoryOffer = { to: device, id, key, entries: of }
      state.transact({ ...kept(state, counted), say: [{ room, body: ownBody({ type: 'history', ...offer }) }] })
      state.registers.wake?.(room, 0)
      return
    }
    const { found, end, oldest } = pageAt(state, at, role.since)
    of += found.filter(({ past }) => past !== undefined).length
    role = { ...role, room: at.room.room.id, before: end ? 0n : BigInt(oldest) }
  }
  state.transact(kept(state, { ...transfer, of, role }))
}

/** The exact bytes are stored with the place of the next chunk, before they are sent. */
function seal(state: State, transfer: ElderTransfer): void {
  const at = place(state, transfer.role)
  const made = at === undefined ? { chunk: { room: undefined, last: true, entries: [] }, room: '', before: 0n }
    : chunkAt(state, at, transfer.role.since)
  const { chunk, room, before } = made
  const { role } = transfer
  const log = blobLog(toHex(transfer.id))
  const next: Transfer = {
    ...transfer, chunk: transfer.chunk + 1, done: transfer.done + chunk.entries.length,
    role: { ...role, room, before, sealed: chunk.last ? 'yes' : 'no' },
  }
  state.transact({
    ...kept(state, next),
    publish: [{
      log, slot: String(transfer.chunk), bytes: sealChunk(state.self.suite, transfer, chunk), target: { type: 'record' },
    }],
  })
}

function chunkAt(state: State, at: { readonly room: RoomState, readonly before: number }, since: number): {
  readonly chunk: Chunk, readonly room: string, readonly before: bigint
} {
  const { found, end, oldest } = pageAt(state, at, since)
  const entries: PastEntry[] = []
  let left = chunkBytes
  let cut: number | undefined
  for (const { entry, past } of found) {
    const size = JSON.stringify(entry).length * 3
    if (size > left && entries.length > 0) break
    left -= size
    cut = entry.order
    if (past !== undefined) entries.push(past)
  }
  const isWhole = cut === undefined || cut === found.at(-1)?.entry.order
  const before = isWhole ? end ? 0n : BigInt(oldest) : BigInt(cut ?? 0)
  return { chunk: { room: pastRoom(at.room), last: false, entries }, room: at.room.room.id, before }
}

// ---------------------------------------------------------------- the new device

/** One chunk, if it is there. */
async function get(state: State, transfer: Transfer): Promise<boolean> {
  const id = toHex(transfer.id)
  const record = await state.ports.delivery.slot(blobLog(id), String(transfer.chunk))
  if (record === undefined || !state.transfers.has(id)) return false
  try {
    take(state, transfer, openChunk(state.self.suite, transfer, record.bytes))
  } catch (error) {
    if (!(error instanceof MlsError || error instanceof SyntaxError)) throw error
    answer(state, transfer, 'historyBroken')
  }
  return true
}

/** The elder hears how it ended; the key goes. */
function answer(state: State, transfer: Transfer, type: 'historyDone' | 'historyBroken', steps: readonly RoomStep[] = []): void {
  const group = ownGroupOf(state.rooms.values())
  const { id } = transfer
  const { deviceId } = state.self
  const range = type === 'historyDone' ? historyChosen(state, deviceId)?.range : undefined
  state.transact({
    ...dropped(state, transfer), steps, ...range === undefined ? {} : { registers: [chosen(deviceId, range, true)] },
    say: group === undefined ? [] : [{ room: group.room.id, body: ownBody({ type, id }) }],
  })
  if (group !== undefined) state.registers.wake?.(group.room.id, 0)
}

function take(state: State, transfer: Transfer, { room, last, entries }: Chunk): void {
  if (last) {
    answer(state, transfer, 'historyDone')
    return
  }
  const steps = room === undefined ? [] : imported(state, room, entries)
  const next = { ...transfer, chunk: transfer.chunk + 1, done: transfer.done + entries.length }
  state.transact({ ...kept(state, next), steps })
}

/** Before all that is here, newest first downwards; what is here already stays where it is. */
function imported(state: State, past: PastRoom, entries: readonly PastEntry[]): readonly RoomStep[] {
  const known = state.rooms.get(past.id)
  if (known === undefined && state.declined.has(past.id)) return []
  const before = known ?? closedRoom(past, state.ports.now())
  let { firstOrder, readUpTo, unread, last, at } = before.room
  const added: StoredEntry[] = []
  for (const { read, ...entry } of entries) {
    if (firstOrder <= 1 || state.store.entry(entry.id) !== undefined || state.registers.values.has(removedKey(entry.id))) continue
    if (entry.kind === 'message' && entry.expiresAt !== undefined && entry.expiresAt <= state.ports.now()) continue
    firstOrder -= 1
    added.push({ ...withFiles(state, entry), conversation: past.id, order: firstOrder, imported: true })
    if (read) readUpTo = Math.max(readUpTo, firstOrder)
    else if (entry.kind === 'message' && !entry.own && firstOrder > readUpTo) unread += 1
  }
  // Nothing was said here yet: it stands where it stood on the elder.
  if (last === undefined && past.last !== undefined) ({ last, at } = past)
  return [{ ...still(withRoom(before, { firstOrder, readUpTo, unread, last, at })), entries: added }]
}

/** What the elder has comes along: from the log, or from the elder (shared-files.ts). */
function withFiles(state: State, entry: StoredEntry): StoredEntry {
  if (entry.kind !== 'message' || entry.attachments === undefined) return entry
  return {
    ...entry,
    attachments: entry.attachments.map((one) => ({
      ...one,
      state: state.store.attachment(one.hash) !== undefined ? 'here' : one.state === 'here' ? 'coming'
        : one.state === 'gone' ? 'gone' : 'offered',
    })),
  }
}

/** One that is over, or that this device has not come into yet: its Welcome goes on with it. */
function closedRoom({ members, ...past }: PastRoom, now: number): RoomState {
  return {
    room: { ...emptyRoom(past.id, now), ...past, nextOrder: historyBase, firstOrder: historyBase },
    members: members.map((accountId): Member => ({ accountId, devices: 1, healedAt: past.at })),
    group: undefined, seals: [], pending: undefined, waiting: [], history: [],
  }
}
