import { toHex } from '../mls/index.ts'
import type { Fact } from '../../preload/api.ts'
import type { StoredEntry } from '../ports.ts'
import type { Content } from './content.ts'
import { append, deviceCount, groupIdOf, mayTime, still, tellFact, withRoom, type RoomState, type RoomStep } from './room.ts'
import { carriedBy, firstState, messageEntryId, timeOf, type Said } from './said.ts'
import type { Moment } from './self.ts'

/** What people see of what was said: messages, how far they got, and that they are gone again. */

const dayMs = 24 * 60 * 60 * 1000

/** Members of a group beyond which nobody sends receipts. */
export const receiptPeople = 50

/** What a transition may ask of the store beyond the room itself. */
export type KnownMessages = Moment & {
  readonly entry: (id: string) => StoredEntry | undefined
  /** Whether an attachment is here, by its hash. */
  readonly holds: (hash: string) => boolean
  /** Whether this person has deleted the message of that id for themselves, on any of their devices. */
  readonly isRemoved: (entry: string) => boolean
}

/** What somebody said, by which of their devices. */
export type Spoken = { readonly content: Content, readonly from: string, readonly deviceId: string }

const entryIn = (step: RoomStep, id: string, known: KnownMessages): StoredEntry | undefined =>
  step.entries.findLast((one) => one.id === id) ?? known.entry(id)

export function onMessage(step: RoomStep, spoken: Spoken & { readonly said: Said | undefined }, known: KnownMessages): RoomStep {
  const { content, from, said } = spoken
  const contentId = toHex(content.id)
  const id = messageEntryId(from, contentId)
  const { state } = step
  // The sender did not know that the first copy arrived: at least once on the way, once on the screen.
  if (said === undefined || entryIn(step, id, known) !== undefined || known.isRemoved(id)) return step
  const own = from === known.self.accountId
  const at = timeOf(content, known.now)
  // It is over already: nobody who was away for that long sees it, and a late repeat brings nothing back.
  if (said.expiresAfter > 0 && at + 1000 * said.expiresAfter <= known.now) return step
  const told = append(step, at, {
    id, kind: 'message', from, own, text: said.text, ...carriedBy(said, at, (one) => firstState(one, state.room, known.holds)), state: own ? 'sent' : 'received', deliveredTo: 0,
    people: state.members.length, devices: deviceCount(state),
    counter: content.counter, sender: { deviceId: spoken.deviceId, group: groupIdOf(state.room), numbering: String(content.numbering) },
  })
  if (own || state.members.length > receiptPeople) return told
  return { ...told, state: withRoom(told.state, { receiptsDue: [...told.state.room.receiptsDue, contentId] }) }
}

/** Status reports of other people's devices. */
export function onDelivered(
  step: RoomStep, report: { readonly from: string, readonly messages: readonly string[] }, known: KnownMessages,
): RoomStep {
  if (report.from === known.self.accountId) return step
  let told = step
  for (const message of report.messages) {
    const id = messageEntryId(known.self.accountId, message)
    const entry = entryIn(told, id, known)
    if (entry?.kind !== 'message' || entry.conversation !== step.state.room.id) continue
    const deliveredBy = entry.deliveredBy ?? []
    if (deliveredBy.includes(report.from)) continue
    told = { ...told, entries: [...told.entries, deliveredEntry(entry, [...deliveredBy, report.from], told.state)] }
  }
  return told
}

/** Delivered: at least one device of each other person, as the conversation is now, has stored it. */
export function deliveredEntry(entry: StoredEntry, deliveredBy: readonly string[], state: RoomState): StoredEntry {
  if (entry.kind !== 'message') return entry
  const others = state.members.filter((member) => member.accountId !== entry.from)
  const everybody = others.length > 0 && others.every((member) => deliveredBy.includes(member.accountId))
  return { ...entry, deliveredBy, deliveredTo: deliveredBy.length, state: everybody ? 'delivered' : entry.state }
}

/**
 * A sender takes messages of its own account back; an id of another's names nothing here. What stays is a line that says
 * so, in the place of the message, or of its removal where that comes first: then the message comes to nothing.
 */
export function onRemove(
  step: RoomStep, { content, from, messages }: Spoken & { readonly messages: readonly string[] }, known: KnownMessages,
): RoomStep {
  const fact = { fact: 'deleted', who: from } as const satisfies Fact
  return messages.reduce((told, message) => {
    const id = messageEntryId(from, message)
    const entry = entryIn(told, id, known)
    if (known.isRemoved(id)) return told
    if (entry === undefined) return tellFact(told, timeOf(content, known.now), id, fact)
    if (entry.kind !== 'message' || entry.conversation !== told.state.room.id) return told
    const { conversation, order, at } = entry
    return { ...told, entries: [...told.entries, { id, conversation, order, at, kind: 'fact', fact, devices: 0 }] }
  }, step)
}

/** How long messages stay from now on. Of two who change it at once the later one counts, for all alike. */
export function onTimer(
  step: RoomStep, { content, from, seconds, at }: Spoken & { readonly seconds: number, readonly at: number }, known: KnownMessages,
): RoomStep {
  const { room } = step.state
  // A clock that is far ahead would keep everybody else from changing it.
  if (at <= room.timerAt || at > known.now + dayMs || !mayTime(step.state, from)) return step
  const timed = { ...step, state: withRoom(step.state, { timer: seconds, timerAt: at }) }
  if (seconds === room.timer) return timed
  return tellFact(timed, timeOf(content, known.now), `${room.id}.timer.${at}`, { fact: 'timer', by: from, seconds })
}

/** Whoever may change the group, and both people of a direct chat. */
export function setTimer(state: RoomState, seconds: number, moment: Moment): RoomStep & { readonly timerAt: number } {
  const timerAt = Math.max(moment.now, state.room.timerAt + 1)
  const timed = { ...still(state), state: withRoom(state, { timer: seconds, timerAt }) }
  return { timerAt, ...tellFact(timed, moment.now, `${state.room.id}.timer.${timerAt}`, { fact: 'timer', by: moment.self.accountId, seconds }) }
}
