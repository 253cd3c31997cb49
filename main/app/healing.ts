import { encode, fromHex, toHex } from '../mls/index.ts'
import { Body } from '../chat/content.ts'
import { heardDocument, missingDocument, type MissingRecord } from '../chat/documents.ts'
import { hear, type Heard } from '../chat/heard.ts'
import { groupIdOf, isShown, still, withRoom, type RoomState, type RoomStep } from '../chat/room.ts'
import { bodyOfEntry, carriedBy, firstState, messageEntryId, saidIn } from '../chat/said.ts'
import { inWords, type Found, type FoundBody, type FoundMessage, type Missing, type OwnWord } from '../chat/self-group.ts'
import type { StoredEntry } from '../ports.ts'
import type { Folding } from './folding.ts'
import { removedKey } from './registers.ts'
import type { State } from './state.ts'

/**
 * What one own device lacks and another one has: the counters of a sender say what is missing, the device that misses it
 * asks, and one that has it answers, now or when it gets it. Only own devices are heard here.
 */

type Hole = NonNullable<StoredEntry['hole']>

/** How far back an answer is looked for, and how many questions are kept. */
const lookBack = 10_000
const page = 500
const questionLimit = 200

// ---------------------------------------------------------------- asking

export const holesIn = ({ entries }: RoomStep): readonly StoredEntry[] => entries.filter(({ hole }) => hole !== undefined)

/** The questions about gaps that were not there before. */
export const lostWords = (state: State, gaps: readonly StoredEntry[]): readonly OwnWord[] =>
  gaps.filter(({ id }) => state.store.entry(id) === undefined).flatMap(({ hole }) => hole === undefined ? []
    : [{ type: 'lost', ...missingOf(hole) }])

const missingOf = ({ group, deviceId, numbering, from, size }: Hole): Missing => ({
  group: fromHex(group), deviceId: fromHex(deviceId), numbering: BigInt(numbering), from, to: from + size - 1,
})

/** All that is still missing here, for a device that has not heard of it. */
export function openQuestions(state: State): readonly OwnWord[] {
  return state.store.documents('heard').flatMap(({ bytes }) => {
    const { conversation: group, deviceId, missing } = heardDocument.decode(bytes)
    const gaps = new Set(missing.map(({ gap }) => gap))
    return [...gaps].flatMap((gap): readonly OwnWord[] => {
      const hole = state.store.entry(gapId(group, deviceId, gap))?.hole
      return hole === undefined ? [] : [{ type: 'lost', ...missingOf(hole) }]
    })
  })
}

/** As chat/receive.ts names it. */
const gapId = (group: string, deviceId: string, gap: number): string => `${group}.gap.${deviceId}.${gap}`

// ---------------------------------------------------------------- answering

const keyOf = ({ group, deviceId, numbering, from, to }: MissingRecord): string =>
  `${group}.${deviceId}.${numbering}.${from}.${to}`

export function onLost(folding: Folding, word: Missing): void {
  const asked: MissingRecord = {
    version: 1, group: toHex(word.group), deviceId: toHex(word.deviceId),
    numbering: String(word.numbering), from: word.from, to: word.to,
  }
  const room = folding.roomOf(asked.group)
  if (room !== undefined && !isShown(room.room)) return
  const found = room === undefined ? [] : search(folding.state, room, asked)
  tell(folding, asked, found)
  if (found.length <= asked.to - asked.from) keep(folding, asked)
}

/** Not all of it is here: it may still come. */
function keep({ state, also }: Folding, asked: MissingRecord): void {
  const key = keyOf(asked)
  also.documents.push({ kind: 'missing', key, bytes: missingDocument.encode(asked) })
  also.then.push(() => { state.missing.set(key, asked) })
  const oldest = state.missing.size >= questionLimit ? [...state.missing.keys()][0] : undefined
  if (oldest !== undefined) drop({ state, also }, oldest)
}

function drop({ state, also }: Pick<Folding, 'state' | 'also'>, key: string): void {
  also.documents.push({ kind: 'missing', key, bytes: undefined })
  also.then.push(() => { state.missing.delete(key) })
}

/** What comes now and was asked for before. */
export function settleMissing(folding: Folding, { state: room, entries }: RoomStep): void {
  for (const asked of folding.state.missing.values()) {
    if (asked.group === groupIdOf(room.room)) tell(folding, asked, entries.flatMap((entry) => foundIn(asked, entry)))
  }
}

function tell(folding: Folding, asked: MissingRecord, found: readonly FoundBody[]): void {
  const head = { group: fromHex(asked.group), deviceId: fromHex(asked.deviceId), numbering: BigInt(asked.numbering) }
  const texts = found.flatMap(({ body, ...one }): readonly FoundMessage[] =>
    body.type === 'text' ? [{ ...one, text: body.text }] : [])
  for (const messages of inWords(texts, ({ text }) => 3 * text.length + 100)) {
    folding.words.push({ type: 'found', ...head, messages })
  }
  const more = found.filter(({ body }) => body.type !== 'text')
  for (const messages of inWords(more, ({ body }) => encode(Body, body).length + 100)) {
    folding.words.push({ type: 'foundMore', ...head, messages })
  }
}

function search(state: State, room: RoomState, asked: MissingRecord): readonly FoundBody[] {
  const found = new Map<number, FoundBody>()
  const wanted = asked.to - asked.from + 1
  for (let before = 0, seen = 0; seen < lookBack && found.size < wanted; seen += page) {
    const entries = state.store.entriesBefore(room.room.id, before, page)
    for (const entry of entries) for (const one of foundIn(asked, entry)) found.set(one.counter, one)
    const oldest = entries[0]
    if (oldest === undefined || entries.length < page) break
    before = oldest.order
  }
  return [...found.values()].sort((a, b) => a.counter - b.counter)
}

function foundIn(asked: MissingRecord, entry: StoredEntry): readonly FoundBody[] {
  const { sender } = entry
  if (entry.kind !== 'message' || entry.counter === undefined || sender === undefined) return []
  if (sender.group !== asked.group || sender.deviceId !== asked.deviceId || sender.numbering !== asked.numbering) return []
  const { counter, from, at, people, devices } = entry
  if (counter < asked.from || counter > asked.to) return []
  return [{ id: fromHex(entry.id.slice(33)), counter, from: fromHex(from), sentAt: at, body: bodyOfEntry(entry), people, devices }]
}

// ---------------------------------------------------------------- healing

/** As older devices say it. */
export const healTexts = (folding: Folding, { messages, ...word }: Found): void => {
  heal(folding, { ...word, messages: messages.map(({ text, ...one }) => ({ ...one, body: { type: 'text', text } })) })
}

/** The messages take the places that were kept for them; what this device does not miss is left alone. */
export function heal(folding: Folding, word: Omit<Found, 'messages'> & { readonly messages: readonly FoundBody[] }): void {
  const [group, deviceId] = [toHex(word.group), toHex(word.deviceId)]
  const numbering = String(word.numbering)
  const counters = new Set(word.messages.map(({ counter }) => counter))
  for (const [key, asked] of folding.state.missing) {
    const isAnswered = asked.group === group && asked.deviceId === deviceId && asked.numbering === numbering
      && Array.from({ length: asked.to - asked.from + 1 }, (_, at) => asked.from + at).every((one) => counters.has(one))
    if (isAnswered) drop(folding, key)
  }
  for (const message of word.messages) {
    const room = folding.roomOf(group)
    const heard = room === undefined ? undefined : folding.heard(group, deviceId)
    if (room === undefined || heard?.numbering !== numbering) continue
    const step = healed(folding, room, heard, message)
    if (step !== undefined) folding.step(step)
  }
}

function healed(folding: Folding, state: RoomState, before: Heard, message: FoundBody): RoomStep | undefined {
  const { counter, body, people, devices } = message
  const said = saidIn(body)
  const { conversation: group, deviceId, numbering, epoch } = before
  const { heard, filled } = hear(before, { conversation: group, deviceId, numbering, epoch, base: undefined, counter, counted: true })
  const gap = filled === undefined ? undefined : folding.entry(gapId(group, deviceId, filled.gap))
  const { hole } = gap ?? {}
  if (gap?.kind !== 'gap' || gap.from === undefined || hole === undefined || filled === undefined || said === undefined) return undefined
  if (counter - hole.from >= hole.size) return undefined
  const { accountId } = folding.state.self
  const id = messageEntryId(gap.from, toHex(message.id))
  const own = gap.from === accountId
  const at = Math.min(message.sentAt, folding.state.ports.now())
  const { holds } = folding.state.moment()
  const entry: StoredEntry = {
    id, conversation: state.room.id, order: hole.order + counter - hole.from, at, kind: 'message', from: gap.from, own,
    text: said.text, ...carriedBy(said, at, (one) => firstState(one, state.room, holds)), state: own ? 'sent' : 'received', deliveredTo: 0, people, devices, counter,
    sender: { deviceId, group, numbering },
  }
  const isOver = said.expiresAfter > 0 && at + 1000 * said.expiresAfter <= folding.state.ports.now()
  const isNew = folding.entry(id) === undefined && folding.register(removedKey(id)) === undefined && !isOver
  const { room } = state
  const isUnread = isNew && !own && entry.order > room.readUpTo
  return {
    ...still(withRoom(state, { unread: room.unread + (isUnread ? 1 : 0) })),
    entries: [...isNew ? [entry] : [], ...filled.left === 0 ? [] : [{ ...gap, count: filled.left }]],
    removed: filled.left === 0 ? [gap.id] : [], heard: [heard],
  }
}
