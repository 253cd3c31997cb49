import { fromHex, toHex } from '../mls/index.ts'
import type { Publish } from '../chat/content.ts'
import { messageEntryId } from '../chat/said.ts'
import { isWell, still, type RoomState, type RoomStep } from '../chat/room.ts'
import { encryptItems, maySend, outboxBatch, receipts } from '../chat/send.ts'
import type { StoredEntry } from '../ports.ts'
import { sayRegisters } from './own-group.ts'
import { byPosition, type State } from './state.ts'
import { isHeld } from './trust.ts'

/** What waits to be sent: encrypted when the epoch is certain, gone when the log has it. */

/**
 * Encrypts what waits for a conversation; the new ratchet and the exact bytes are stored together, before they are
 * sent. `some`: there is more.
 */
export function encryptOutbox(state: State, id: string): 'none' | 'some' | 'all' {
  sayRegisters(state, id)
  const room = state.rooms.get(id)
  if (room === undefined || !maySend(room, state.ports.now()) || isHeld(state, id)) return 'none'
  const underWay = new Set([...state.publishes.values()].flatMap(({ target }) =>
    target.type === 'message' && toHex(target.room) === id ? target.items.map(toHex) : []))
  const isComplete = (key: string): boolean => !state.files.isUploading(messageEntryId(state.self.accountId, key))
  const items = [...state.outbox].filter(([key, item]) => toHex(item.room) === id && !underWay.has(key) && isComplete(key))
    .sort(byPosition).map(([, item]) => item)
  if (items.length === 0) return 'none'
  const made = encryptItems(room, items.slice(0, outboxBatch), (entry) => state.store.entry(entry), state.self.accountId)
  state.transact({
    steps: [{ ...still(made.state), entries: made.entries, wipe: made.wipe }], outbox: made.counted,
    publish: made.records.map(({ item, log, bytes, epoch }) => ({
      log, slot: '', bytes, target: { type: 'message', room: fromHex(id), epoch, items: [item.id] },
    })),
  })
  return items.length > outboxBatch ? 'some' : 'all'
}

/** A record that the log has. */
type Accepted = { readonly key: string, readonly publish: Publish }

/** What the log has accepted is sent, as far as the log can say. */
function acknowledge(state: State, accepted: readonly Accepted[]): void {
  const entries: StoredEntry[] = []
  const removedOutbox: string[] = []
  const removedPublish: string[] = []
  for (const { key, publish } of accepted) {
    // Given up meanwhile: its content goes out again, and receivers drop the double.
    if (!state.publishes.has(key)) continue
    // A commit's record stays until it was read back: only then is it known to be first.
    if (publish.target.type !== 'commit') removedPublish.push(key)
    if (publish.target.type !== 'message') continue
    for (const item of publish.target.items.map(toHex)) {
      removedOutbox.push(item)
      const entry = state.store.entry(messageEntryId(state.self.accountId, item))
      if (entry?.kind === 'message' && entry.state === 'sending') entries.push({ ...entry, state: 'sent' })
    }
  }
  if (removedPublish.length > 0) state.transact({ entries, removedOutbox, removedPublish })
}

/** Records that make no sense any more after a step: of the epoch that is over, or of a commit that was dropped. */
export function stale(state: State, before: RoomState, step: RoomStep): readonly string[] {
  const { group, pending, room } = step.state
  return [...state.publishes].flatMap(([key, { target }]) => {
    if (target.type === 'record' || toHex(target.room) !== room.id) return []
    const over = group === undefined || target.epoch < group.context.epoch
    const dropped = target.type === 'commit' && before.pending !== undefined && pending === undefined
    return over || dropped || !isWell(room) ? [key] : []
  })
}

/** Receipts for what was stored, when the person has accepted. */
export function report(state: State, id: string): void {
  const room = state.rooms.get(id)
  const step = room === undefined ? undefined : receipts(room)
  if (step !== undefined && step.state !== room) state.transact({ steps: [step] })
}

const acknowledgeBatch = 50

/** Appends what is stored to be published, the oldest first. Rejects as the delivery service does. */
export async function publishAll(state: State, sync: {
  readonly isStopped: () => boolean
  /** A conversation whose logs, and the inbox, were read to their end since the delivery service was last away. */
  readonly isCurrent: (id: string) => boolean
  /** Another commit stands in the slot. */
  readonly onTaken: (id: string) => void
  /** `commitOf`: a commit of that conversation was appended, or was too late. */
  readonly onAnswer: (commitOf: string | undefined) => void
}): Promise<void> {
  const accepted: Accepted[] = []
  const flush = (): void => {
    if (accepted.length > 0) acknowledge(state, accepted.splice(0))
  }
  try {
    for (const [key, publish] of [...state.publishes].sort(byPosition)) {
      if (sync.isStopped()) break
      if (publish.seq > 0n || !state.publishes.has(key)) continue
      const { log, slot, bytes, target } = publish
      const room = target.type === 'record' ? undefined : toHex(target.room)
      // Made before a kill or an absence, for an epoch whose keys the others may have dropped since.
      if (room !== undefined && !sync.isCurrent(room)) continue
      // Others say that the epoch has ended: a place in its log that is free must not be taken (chat/recovery.ts).
      if (room !== undefined && target.type === 'commit' && state.rooms.get(room)?.room.behindAt !== 0) continue
      // Encrypted before something changed about one of its readers.
      if (room !== undefined && target.type === 'message' && isHeld(state, room)) continue
      const answer = await state.ports.delivery.append(log, bytes, slot === '' ? undefined : slot)
      if (answer.type === 'accepted') accepted.push({ key, publish })
      else if (room !== undefined && target.type === 'commit') sync.onTaken(room)
      // It is there already.
      else state.transact({ removedPublish: [key] })
      sync.onAnswer(target.type === 'commit' ? room : undefined)
      if (accepted.length >= acknowledgeBatch) flush()
    }
  } finally {
    flush()
  }
}
