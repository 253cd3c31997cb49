import { encode, fromHex, leafAt, MLSMessage, protect, toHex, type Secret } from '../mls/index.ts'
import type { StoredEntry } from '../ports.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { encodeContent, isCounted, type Body, type OutboxItem } from './content.ts'
import {
  append, deviceCount, groupIdOf, isDue, isOpen, isWell, still, withRoom, type Member, type RoomState, type RoomStep, type Say,
  type Veto,
} from './room.ts'
import { groupLog, recordHash, sealOf, sealRecord } from './sealed.ts'
import type { Moment } from './self.ts'
import { carriedBy, messageEntryId, saidIn, type Said } from './said.ts'

/** From what a person typed to a record: stored as plaintext first, encrypted when the epoch is certain. */

/** How many items one turn encrypts, so that a long outbox does not hold up what comes in. */
export const outboxBatch = 100

/** A message as it enters the timeline: "sending", under the id that it keeps, with attachments that are here. */
export function compose(
  state: RoomState, { contentId, said }: { readonly contentId: string, readonly said: Said }, moment: Moment,
): RoomStep {
  return append(still(state), moment.now, {
    id: messageEntryId(moment.self.accountId, contentId), kind: 'message', from: moment.self.accountId,
    own: true, text: said.text, ...carriedBy(said, moment.now, () => 'here'), state: 'sending', deliveredTo: 0,
    people: state.members.length, devices: deviceCount(state),
  })
}

/**
 * Whether the outbox may be encrypted now: the group is read to head (the caller knows), no commit is on its way, and
 * no proposal waits (RFC 9420 §12.4: a commit goes before application data). In a direct chat whose other person has no
 * device in it at the moment, what is said waits for them.
 */
export const maySend = (state: RoomState, now: number): boolean =>
  state.group !== undefined && isOpen(state.room) && isWell(state.room) && state.room.state === 'active'
  && state.pending === undefined && state.group.proposals.size === 0
  && (state.room.kind !== 'direct' || state.members.length > 1)
  && !state.room.intents.some((intent) => isDue(intent, now))

/** How many of this device's newest records it can tell from those of a copy of it. */
const rememberedRecords = 64

export type Encrypted = {
  readonly state: RoomState
  /** Items that got their counter. */
  readonly counted: readonly OutboxItem[]
  /** One record for each item, in order: exact bytes, to be stored with the new ratchet before they are sent. */
  readonly records: readonly { readonly item: OutboxItem, readonly log: string, readonly bytes: Uint8Array
    readonly epoch: bigint }[]
  readonly entries: readonly StoredEntry[]
  readonly wipe: readonly Secret[]
}

/**
 * Encrypts outbox items under the current epoch (RFC 9420 §15.2), so that nobody who was removed meanwhile can read
 * them and everybody who is present can.
 */
export function encryptItems(
  state: RoomState, items: readonly OutboxItem[], entry: (id: string) => StoredEntry | undefined, self: string,
): Encrypted {
  let { group } = state
  if (group === undefined) return { state, counted: [], records: [], entries: [], wipe: [] }
  const log = groupLog('m', state.room.log)
  const seal = sealOf(group)
  const wipe: Secret[] = [seal.key]
  const records: Encrypted['records'][number][] = []
  const entries: StoredEntry[] = []
  const counted: OutboxItem[] = []
  let { counter } = state.room
  const epoch = String(group.context.epoch)
  const sent = state.room.ownRecords.epoch === epoch ? [...state.room.ownRecords.records] : []
  const devices = deviceCount(state)
  const leaf = leafAt(group.tree, group.ownLeaf)
  const sender = {
    deviceId: leaf === undefined ? '' : deviceIdOf(leaf.credential), group: groupIdOf(state.room),
    numbering: state.room.numbering,
  }
  for (const item of items) {
    const { id, sentAt, body } = item
    // A number of an earlier numbering is worth nothing in this one.
    const isNumbered = item.counter > 0 && item.counter <= state.room.counter
    if (isCounted(body) && !isNumbered) {
      counter += 1
      counted.push({ ...item, counter })
    }
    const own = isCounted(body) && isNumbered ? item.counter : counter
    const made = protect(group, encodeContent({
      id, sentAt, numbering: BigInt(state.room.numbering), joined: BigInt(state.room.joinedAt),
      base: state.room.counterBase, counter: own, body,
    }))
    group = made.group
    wipe.push(...made.wipe)
    const bytes = sealRecord(group.suite, seal, log, [encode(MLSMessage, made.message)])
    records.push({ item, log, bytes, epoch: group.context.epoch })
    sent.push({ generation: made.generation, hash: recordHash(group.suite, bytes) })
    // Who can read it is decided now: the members of this epoch.
    const shown = saidIn(body) !== undefined ? entry(messageEntryId(self, toHex(id))) : undefined
    if (shown?.kind === 'message') entries.push({ ...shown, people: state.members.length, devices, counter: own, sender })
  }
  const ownRecords = { epoch, records: sent.slice(-rememberedRecords) }
  return { state: { ...withRoom(state, { counter, ownRecords }), group }, counted, records, entries, wipe }
}

/** How many messages a receipt names at most; so many entries change at once where it is read. */
export const receiptBatch = 500

/** Receipts for what was stored, when the person has accepted; fewer than `least` wait for more. */
export function receipts(state: RoomState, least = 1): RoomStep {
  const { room } = state
  const { receiptsDue } = room
  if (receiptsDue.length < least || room.state !== 'active' || !isOpen(room)) return still(state)
  return {
    ...still(withRoom(state, { receiptsDue: [] })),
    say: Array.from({ length: Math.ceil(receiptsDue.length / receiptBatch) }, (_, at) =>
      ({ type: 'delivered', messages: receiptsDue.slice(at * receiptBatch, (at + 1) * receiptBatch) })),
  }
}

/** The bodies that this device says by itself. */
export const profileBody = (name: string): Body => ({ type: 'profile', name })
export const vetoBody = ({ deviceId, incarnation }: Veto): Body =>
  ({ type: 'veto', deviceId: fromHex(deviceId), incarnation: BigInt(incarnation) })
export const deliveredBody = (messages: readonly string[]): Body =>
  ({ type: 'delivered', messages: messages.map(fromHex) })

export const removeBody = (messages: readonly string[]): Body => ({ type: 'remove', messages: messages.map(fromHex) })
export const timerBody = ({ seconds, at }: { readonly seconds: number, readonly at: number }): Body =>
  ({ type: 'timer', seconds, at })

/** What a transition wants to be said. */
export function bodyOf(
  say: Say, members: readonly Member[], known: {
    readonly account: { readonly name: string }, readonly nameOf: (accountId: string) => string
  },
): Body {
  switch (say.type) {
    case 'hello': return { type: 'hello', name: known.account.name }
    case 'delivered': return deliveredBody(say.messages)
    case 'timer': return timerBody(say)
    case 'introductions': return {
      type: 'introductions',
      people: members.map(({ accountId }) => ({ accountId: fromHex(accountId), name: known.nameOf(accountId) })),
    }
  }
}
