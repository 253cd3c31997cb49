import { toHex } from '../mls/index.ts'
import type { OutboxItem } from '../chat/content.ts'
import { setTimer } from '../chat/messages.ts'
import { isOpen, lastOf, mayTime, still, withRoom, type RoomState } from '../chat/room.ts'
import { removeBody, timerBody } from '../chat/send.ts'
import { PortError, type StoredEntry } from '../ports.ts'
import type { ArgumentOf } from '../../preload/api.ts'
import { contentIdOf } from './direct.ts'
import { removedKey } from './registers.ts'
import type { State, Transaction } from './state.ts'

/** Messages that go: for this person, for everybody, or because their time is over. Nothing of them stays behind. */

const isRemovable = (entry: StoredEntry): boolean =>
  entry.kind === 'message' || (entry.kind === 'fact' && entry.fact.fact === 'deleted')

/**
 * Nobody has it yet: what has never been encrypted just does not go out. What has a number was, and may be on the log even
 * where its record was given up since.
 */
export function isUnsent(state: State, key: string): boolean {
  const item = state.outbox.get(key)
  return item !== undefined && item.counter === 0 && ![...state.publishes.values()].some(({ target }) =>
    target.type === 'message' && target.items.some((id) => toHex(id) === key))
}

/** What may have to go out again, under its number: it says nothing any more, and is over before anybody has it. */
const emptied = (state: State, entries: readonly StoredEntry[]): readonly OutboxItem[] =>
  entries.flatMap(({ id }) => state.outbox.get(contentIdOf(id)) ?? []).map((item) =>
    ({ ...item, body: { type: 'message', text: '', attachments: [], expiresAfter: 1 } }))

/** Throws PortError('bad-argument') for what cannot be deleted so, 'conversation-closed' where nobody can be told. */
export function removeMessages(state: State, { conversation, entries: ids, everyone }: ArgumentOf<'message.remove'>): void {
  const room = state.room(conversation)
  const entries = ids.flatMap((id) => {
    const entry = state.store.entry(id)
    return entry?.conversation === conversation ? [entry] : []
  })
  if (entries.some((entry) => !isRemovable(entry))) throw new PortError('bad-argument', 'entries')
  if (everyone) removeForAll(state, room, entries)
  else removeHere(state, room, entries)
}

function removeHere(state: State, room: RoomState, entries: readonly StoredEntry[]): void {
  const unsent = entries.map(({ id }) => contentIdOf(id)).filter((key) => isUnsent(state, key))
  state.transact({
    steps: [{ ...still(room), removed: entries.map(({ id }) => id) }], removedOutbox: unsent,
    registers: entries.map(({ id }) => ({ key: removedKey(id), value: {} })),
  })
}

function removeForAll(state: State, room: RoomState, entries: readonly StoredEntry[]): void {
  const { accountId } = state.self
  if (entries.some((entry) => entry.kind !== 'message' || !entry.own)) throw new PortError('bad-argument', 'entries')
  const unsent = entries.filter(({ id }) => isUnsent(state, contentIdOf(id)))
  const sent = entries.filter((entry) => !unsent.includes(entry) && !(entry.kind === 'message' && entry.state === 'failed'))
  const failed = entries.filter((entry) => entry.kind === 'message' && entry.state === 'failed')
  if (sent.length > 0 && !isOpen(room.room)) throw new PortError('conversation-closed')
  const lines = sent.map(({ id, order, at }): StoredEntry =>
    ({ id, conversation: room.room.id, order, at, kind: 'fact', fact: { fact: 'deleted', who: accountId }, devices: 0 }))
  state.transact({
    // What nobody has seen leaves no line.
    steps: [{ ...still(room), entries: lines, removed: [...unsent, ...failed].map(({ id }) => id) }],
    removedOutbox: unsent.map(({ id }) => contentIdOf(id)),
    // If it has to go out again, under its number, it says nothing any more.
    outbox: emptied(state, sent),
    say: sent.length === 0 ? [] : [{ room: room.room.id, body: removeBody(sent.map(({ id }) => contentIdOf(id))) }],
  })
}

/** Throws PortError('not-allowed' | 'conversation-closed'). */
export function changeTimer(state: State, { conversation, seconds }: ArgumentOf<'conversation.timer'>): void {
  const room = state.room(conversation)
  if (!isOpen(room.room)) throw new PortError('conversation-closed')
  if (!mayTime(room, state.self.accountId)) throw new PortError('not-allowed')
  if (room.room.timer === seconds) return
  const { timerAt, ...step } = setTimer(room, seconds, state.moment())
  state.transact({ steps: [step], say: [{ room: conversation, body: timerBody({ seconds, at: timerAt }) }] })
}

// ---------------------------------------------------------------- by themselves

const batch = 200
/** A computer that sleeps keeps its clocks from running. */
const lookEveryMs = 60_000

/** Deletes what is over, as far as the store lets it. Gives when the next one is, if there is one. */
export function removeExpired(state: State): number | undefined {
  const now = state.ports.now()
  for (;;) {
    const entries = state.store.expired(now, batch)
    if (entries.length === 0) return state.store.nextExpiry()
    const rooms = new Map(entries.map(({ conversation }) => [conversation, entries.filter((one) => one.conversation === conversation)]))
    const steps = [...rooms].flatMap(([id, gone]) => {
      const room = state.rooms.get(id)
      return room === undefined ? [] : [{ ...still(room), removed: gone.map((entry) => entry.id) }]
    })
    const isWaiting = ({ id }: StoredEntry): boolean => isUnsent(state, contentIdOf(id))
    state.transact({
      steps, removedOutbox: entries.filter(isWaiting).map(({ id }) => contentIdOf(id)),
      outbox: emptied(state, entries.filter((entry) => !isWaiting(entry))),
    })
    if (steps.length < rooms.size) return undefined
  }
}

/** Goes on deleting what is over. Gives the function that ends it. */
export function keepTime(state: State): () => void {
  const { ports } = state
  let cancel: (() => void) | undefined
  let isOver = false
  const look = (): void => {
    if (isOver) return
    cancel?.()
    cancel = undefined
    try {
      const next = removeExpired(state)
      if (next !== undefined) cancel = ports.after(Math.min(Math.max(0, next - ports.now()), lookEveryMs), look)
    } catch (error) {
      if (!(error instanceof PortError)) ports.report(error)
      // A disk that is full now may not be later.
      cancel = ports.after(lookEveryMs, look)
    }
  }
  look()
  state.expires = look
  return () => {
    isOver = true
    cancel?.()
  }
}

// ---------------------------------------------------------------- what the list says

/** The messages that are gone after a transaction, by conversation: of the store, and such as only came with it. */
function goneIn(state: State, { steps = [], removedRooms = [] }: Transaction): ReadonlyMap<string, readonly StoredEntry[]> {
  const gone = new Map<string, StoredEntry[]>()
  const fresh = new Map<string, StoredEntry>()
  for (const step of steps) {
    for (const entry of step.entries) if (entry.kind === 'message') fresh.set(entry.id, entry)
    const replaced = step.entries.flatMap((entry) => entry.kind === 'message' ? [] : [entry.id])
    for (const id of [...step.removed, ...replaced]) {
      const before = fresh.get(id) ?? state.store.entry(id)
      if (before?.kind !== 'message' || removedRooms.includes(before.conversation)) continue
      gone.set(before.conversation, [...gone.get(before.conversation) ?? [], before])
    }
  }
  return gone
}

const pageEntries = 50
const pages = 20

/** The newest message that is there after a transaction, among so many entries. */
function newestMessage(state: State, id: string, { steps = [] }: Transaction, gone: ReadonlySet<string>): StoredEntry | undefined {
  const fresh = steps.flatMap(({ entries }) => entries).filter((entry) => entry.conversation === id && entry.kind === 'message' && !gone.has(entry.id))
  let before = 0
  let kept: StoredEntry | undefined
  for (let page = 0; page < pages && kept === undefined; page += 1) {
    const entries = state.store.entriesBefore(id, before, pageEntries)
    kept = entries.findLast((entry) => entry.kind === 'message' && !gone.has(entry.id))
    before = entries[0]?.order ?? 0
    if (before <= 0 || entries.length < pageEntries) break
  }
  return [...kept === undefined ? [] : [kept], ...fresh].sort((a, b) => a.order - b.order).at(-1)
}

/** A conversation's line in the list, and its number of unread messages, after messages have gone. */
export function withSummaries(state: State, transaction: Transaction): Transaction {
  const isTimed = transaction.steps?.some(({ entries }) => entries.some((entry) => entry.kind === 'message' && entry.expiresAt !== undefined)) === true
  const gone = goneIn(state, transaction)
  const steps = [...gone].flatMap(([id, entries]) => {
    const now = transaction.steps?.findLast((step) => step.state.room.id === id)?.state ?? state.rooms.get(id)
    if (now === undefined) return []
    const ids = new Set(entries.map((entry) => entry.id))
    const newest = newestMessage(state, id, transaction, ids)
    const unread = entries.filter((entry) => entry.kind === 'message' && !entry.own && entry.order > now.room.readUpTo).length
    return [still(withRoom(now, {
      last: newest === undefined ? undefined : lastOf(newest, undefined), unread: Math.max(0, now.room.unread - unread),
    }))]
  })
  if (steps.length === 0 && !isTimed) return transaction
  return {
    ...transaction, steps: [...transaction.steps ?? [], ...steps],
    then: [...transaction.then ?? [], ...isTimed ? [() => { state.expires?.() }] : []],
  }
}
