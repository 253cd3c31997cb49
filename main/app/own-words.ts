import { cleanName } from '../identity/fields.ts'
import type { Contact, Declined } from '../chat/documents.ts'
import { closeRoom } from '../chat/epochs.ts'
import { acceptRequest } from '../chat/requests.ts'
import { replacedBy } from '../chat/replaced.ts'
import { groupIdOf, isShown, still, type Room, type RoomState, type RoomStep } from '../chat/room.ts'
import type { RegisterWord, SaidWord } from '../chat/self-group.ts'
import type { StoredEntry } from '../ports.ts'
import { compareCode, isAlarm } from './codes.ts'
import { Folding } from './folding.ts'
import { heal, healTexts, holesIn, lostWords, onLost, openQuestions, settleMissing } from './healing.ts'
import { adoptTold } from './recovery-keys.ts'
import { returnedKey } from './returned.ts'
import { ownGroupOf, parsed, typingMs, type Wish } from './registers.ts'
import { onFileWord } from './shared-files.ts'
import { declinedOn } from './strangers.ts'
import type { State, Transaction } from './state.ts'
import { onTransferWord } from './transfer-words.ts'
import { onTrustRegister, trustRegister } from './trust.ts'

/**
 * The own group beside everything else: what a transaction changes that all own devices keep alike becomes registers of
 * the same transaction, and what they say is folded into it.
 */
export function withOwnWords(state: State, given: Transaction): Transaction {
  const before = ownGroupOf(state.rooms.values())
  const begun = (given.steps ?? []).find(({ state: { room } }) => room.kind === 'self' && !state.rooms.has(room.id))
  // A device that is not in it yet, or not any more, keeps what it has to say.
  const isAlone = before === undefined && state.devices.devices.filter(({ revoked }) => !revoked).length < 2
  if (isAlone && begun === undefined && given.registers === undefined) return given
  const folding = new Folding(state, given)
  for (const step of given.steps ?? []) settle(folding, step)
  const wishes = [...changesIn(state, given), ...given.registers ?? []]
  // Who comes into it later is told how things are, and does not say how they are by default.
  if (before === undefined && begun?.state.group?.context.epoch === 0n) wishes.push(...everything(state))
  for (const wish of wishes) folding.write(wish)
  const words = (given.steps ?? []).flatMap((step) => step.words)
  for (const word of words) take(folding, word)
  ask(folding)
  return folding.done()
}

// ---------------------------------------------------------------- what changes here

function changesIn(state: State, given: Transaction): Wish[] {
  const { accountId } = state.self
  const steps = (given.steps ?? []).filter(({ state: { room } }) => isShown(room))
  const known = (contact: Pick<Contact, 'accountId' | 'name' | 'own'>): boolean => {
    const before = state.contacts.get(contact.accountId)
    // What others call somebody is worth telling where nothing is known.
    return contact.accountId === accountId || (before !== undefined && (!contact.own || before.name === contact.name && before.own))
  }
  const contacts = [...given.contacts ?? [], ...steps.flatMap(({ names }) => names.filter(({ own }) => own))]
  return [
    ...steps.flatMap((step) => roomChanges(state, state.rooms.get(step.state.room.id)?.room, step.state.room)),
    ...steps.flatMap((step) => groupWish(state.rooms.get(step.state.room.id), step.state)),
    ...(given.declined ?? []).map(declinedWish),
    ...contacts.filter((one) => !known(one)).map(contactWish),
    ...given.account === undefined || given.account.name === state.account.name ? []
      : [{ key: 'profile', value: { name: given.account.name } }],
    ...(given.deviceNames ?? []).map(({ deviceId, name, platform }) => ({ key: `device.${deviceId}`, value: { name, platform } })),
    ...(given.trust ?? []).map(trustRegister),
  ]
}

const contactWish = ({ accountId, name, own }: Pick<Contact, 'accountId' | 'name' | 'own'>): Wish =>
  ({ key: `contact.${accountId}`, value: { name, own } })

function roomChanges(state: State, before: Room | undefined, after: Room): Wish[] {
  const { id, draft, muted, pinned, archived, readUpTo } = after
  const wishes: Wish[] = []
  if (draft !== (before?.draft ?? '')) {
    state.registers.typedAt.set(id, state.ports.now())
    wishes.push({ key: `draft.${id}`, value: draft })
  }
  if (muted !== (before?.muted ?? false) || pinned !== (before?.pinned ?? false) || archived !== (before?.archived ?? false)) {
    wishes.push({ key: `keep.${id}`, value: { muted, pinned, archived } })
  }
  if (readUpTo > (before?.readUpTo ?? 0)) wishes.push(...readWish(state, id, readUpTo))
  if (before?.state === 'request' && after.state === 'active') {
    wishes.push({ key: `accepted.${id}`, value: { epoch: Number(after.joinedAt) } })
  }
  return wishes
}

/** Which conversation a group is that goes on in place of another one: not every device was there from its beginning. */
function groupWish(before: RoomState | undefined, { room, group }: RoomState): Wish[] {
  const isSame = before !== undefined && before.room.groupId === room.groupId && (before.group === undefined) === (group === undefined)
  if (group === undefined || isSame || replacedBy(group.context).length === 0) return []
  return [{ key: `group.${groupIdOf(room)}`, value: room.id }]
}

/**
 * Each device has a mark of its own, named by a message, because orders differ from device to device; what was read is
 * the furthest of them, so that no two marks can fight.
 */
function readWish(state: State, id: string, readUpTo: number): Wish[] {
  const entry = state.store.entriesBefore(id, readUpTo + 1, 50).findLast((one) => one.kind === 'message' && !one.own)
  return entry === undefined ? [] : [{ key: `read.${id}.${state.self.deviceId}`, value: entry.id }]
}

const declinedWish = ({ id, people }: Declined): Wish => ({ key: `declined.${id}`, value: { people } })

/** For the first own device beside this one. */
function everything(state: State): Wish[] {
  const rooms = [...state.rooms.values()].filter(({ room }) => isShown(room))
  return [
    ...rooms.flatMap(({ room }) => roomChanges(state, undefined, room)),
    ...rooms.flatMap((room) => groupWish(undefined, room)),
    ...declinedOn(state).map(declinedWish),
    ...[...state.contacts.values()].map(contactWish),
    ...[...state.deviceNames].map(([deviceId, named]) => ({ key: `device.${deviceId}`, value: named })),
    ...[...state.trust.values()].map(trustRegister),
    { key: 'profile', value: { name: state.account.name } },
    ...state.deviceNames.has(state.self.deviceId) ? []
      : [{ key: `device.${state.self.deviceId}`, value: { name: state.me.deviceName, platform: state.account.platform } }],
  ]
}

// ---------------------------------------------------------------- what others say

/** A word of another own device. */
function take(folding: Folding, word: SaidWord): void {
  switch (word.type) {
    case 'registers': {
      const later = word.registers.flatMap((one) => {
        if (!mayWrite(folding, word.by, one)) return []
        const register = folding.take(one)
        return register === undefined ? [] : [{ key: one.key, register }]
      })
      // What is a matter of safety comes first, before anything else changes these conversations.
      for (const { key, register } of later.toSorted((a, b) => Number(isSafety(b.key)) - Number(isSafety(a.key)))) {
        fold(folding, key, parsed(register))
      }
      return
    }
    case 'again': folding.saysAll = true; return
    case 'lost': onLost(folding, word); return
    case 'found': healTexts(folding, word); return
    case 'foundMore': heal(folding, word); return
    case 'filesWanted':
    case 'filesThere': onFileWord(folding, word); return
    case 'history': if (isElder(folding, word.by)) onTransferWord(folding, word); return
    case 'historyDone':
    case 'historyBroken': onTransferWord(folding, word); return
    case 'custom': return
  }
}

/**
 * A device that came in by somebody's trick cannot vouch for people, nor put away an alarm, nor delete what was said:
 * only one that may link and revoke others can, whoever's word it passes on. Raising an alarm is any device's right. Of
 * its own codes each speaks for itself.
 */
function mayWrite(folding: Folding, by: string, word: RegisterWord): boolean {
  switch (word.key.split('.')[0]) {
    case 'code': return word.key.endsWith(`.${by}`)
    case 'trust': return fieldsOf(parsed(word))['trust'] === 'changed' || isElder(folding, by)
    case 'removed': return isElder(folding, by)
    case 'history': return isElder(folding, by) || word.key.endsWith(`.${by}`)
    case 'returned': return parsed(word) === 'refused' || isAbove(folding, by, word.key.slice(returnedKey('').length))
    default: return true
  }
}

const isElder = ({ state }: Folding, by: string): boolean =>
  state.devices.devices.some(({ deviceId, trusted, revoked }) => deviceId === by && trusted && !revoked)

/** No device vouches for itself, nor for one that was there before it. */
function isAbove({ state }: Folding, by: string, deviceId: string): boolean {
  const sinceOf = (id: string): number | undefined =>
    state.devices.devices.find((one) => one.deviceId === id && !one.revoked && (id === deviceId || one.trusted))?.since
  const [elder, younger] = [sinceOf(by), sinceOf(deviceId)]
  return elder !== undefined && younger !== undefined && elder < younger
}

/** What has waited for this step: a mark for its message, the registers of a conversation that is new here. */
function settle(folding: Folding, step: RoomStep): void {
  const { room } = step.state
  const { rooms, store, registers } = folding.state
  const before = rooms.get(room.id)?.room
  if (room.kind === 'self') {
    // This device has brought another one in, or back.
    if (step.say.some(({ type }) => type === 'introductions')) folding.saysAll = true
    // What it missed before it came.
    if (before === undefined) folding.words.push(...openQuestions(folding.state))
    if (step.entries.some(({ kind, id }) => kind === 'gap' && store.entry(id) === undefined)) folding.words.push({ type: 'again' })
    return
  }
  if (before === undefined) for (const what of ['keep', 'draft']) foldKnown(folding, `${what}.${room.id}`)
  if (room.state === 'request' && before?.state !== 'request') foldKnown(folding, `accepted.${room.id}`)
  for (const entry of step.entries) {
    if (entry.kind === 'message' && registers.awaited.has(entry.id)) readTo(folding, room.id, entry)
  }
  settleMissing(folding, step)
}

/** Asks for what is missing since this transaction; a device that lost a word is asked again for all. */
function ask(folding: Folding): void {
  if (folding.saysAll) folding.words.push(...openQuestions(folding.state))
  for (const step of folding.steps) {
    if (isShown(step.state.room)) folding.words.push(...lostWords(folding.state, holesIn(step)))
  }
}

function foldKnown(folding: Folding, key: string): void {
  const register = folding.register(key)
  if (register !== undefined) fold(folding, key, parsed(register))
}

const isSafety = (key: string): boolean => key.startsWith('trust.')

/** What a later value of another device means here, by the first part of its key. Values of later versions mean nothing. */
function fold(folding: Folding, key: string, value: unknown): void {
  const at = key.indexOf('.')
  const [kind, rest] = at < 0 ? [key, ''] : [key.slice(0, at), key.slice(at + 1)]
  folds[kind]?.(folding, rest, value)
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
const textIn = (value: unknown): string => typeof value === 'string' ? value : ''

const folds: Readonly<Record<string, (folding: Folding, rest: string, value: unknown) => void>> = {
  read: (folding, rest, value) => {
    const id = rest.slice(0, 32)
    const entry = folding.entry(textIn(value))
    if (entry === undefined) folding.also.then.push(() => { folding.state.registers.awaited.set(textIn(value), id) })
    else readTo(folding, id, entry)
  },
  draft: (folding, id, value) => {
    const { registers, ports } = folding.state
    const room = folding.room(id)?.room
    if (room === undefined || typeof value !== 'string') return
    // The person is typing here: this is the draft, and the others take it.
    if (ports.now() - (registers.typedAt.get(id) ?? 0) < typingMs) folding.write({ key: `draft.${id}`, value: room.draft })
    else if (room.draft !== value) folding.change(id, { draft: value })
  },
  keep: (folding, id, value) => {
    const { muted, pinned, archived } = fieldsOf(value)
    folding.change(id, { muted: muted === true, pinned: pinned === true, archived: archived === true })
  },
  accepted: (folding, id, value) => {
    const room = folding.room(id)
    const { epoch } = fieldsOf(value)
    // One that this person is asked to again, after they were out of it, is a new request.
    if (room?.room.state !== 'request' || typeof epoch !== 'number' || Number(room.room.joinedAt) > epoch) return
    folding.step({ ...acceptRequest(room), say: [] })
  },
  declined: (folding, id, value) => {
    const room = folding.room(id)
    if (room !== undefined && room.room.state !== 'request') return
    const { people } = fieldsOf(value)
    folding.also.declined.push({ id, people: Array.isArray(people) ? people.filter((one) => typeof one === 'string') : [] })
    if (room === undefined) return
    folding.also.removedRooms.push(id)
    folding.also.wipe.push(...closeRoom(still(room), 'left').wipe)
  },
  // It is kept by now, and counts by the key that has signed it.
  recovery: (folding) => { folding.also.then.push(() => { adoptTold(folding.state) }) },
  code: (folding, rest, value) => {
    const before = folding.room(rest.slice(0, 32))
    if (before?.group === undefined) return
    const after = compareCode(before, { deviceId: rest.slice(33), own: folding.state.self.deviceId, value })
    if (after === before) return
    folding.step(still(after))
    if (isAlarm(before, after)) folding.also.then.push(() => {
      folding.state.registers.differing.add(after.room.id)
      folding.state.show({ notice: { code: 'code-differs' } })
    })
  },
  contact: (folding, accountId, value) => {
    const { state } = folding
    const { name, own } = fieldsOf(value)
    const known = state.contacts.get(accountId)
    if (accountId === state.self.accountId || accountId.length !== 64 || textIn(name) === '') return
    // A person's own word is never replaced by what others say of them.
    if (known?.own === true && own !== true) folding.write(contactWish(known))
    else folding.also.contacts.push({ version: 1, accountId, name: textIn(name), own: own === true })
  },
  removed: (folding, entry) => {
    const gone = folding.entry(entry)
    const room = gone === undefined ? undefined : folding.room(gone.conversation)
    if (room !== undefined) folding.step({ ...still(room), removed: [entry] })
  },
  profile: (folding, _rest, value) => {
    const name = cleanName(textIn(fieldsOf(value)['name']))
    if (name !== '' && name !== folding.account.name) folding.account = { ...folding.account, name }
  },
  device: (folding, deviceId, value) => {
    const { name, platform } = fieldsOf(value)
    const cleaned = cleanName(textIn(name))
    if (cleaned !== '') folding.also.deviceNames.push({ deviceId, name: cleaned, platform: cleanName(textIn(platform)) })
  },
  trust: (folding, accountId, value) => {
    const fields = fieldsOf(value)
    if (accountId.length !== 64 || !Array.isArray(fields['seen'])) return
    const told = onTrustRegister(folding.state, accountId, {
      value: fields as ReturnType<typeof trustRegister>['value'], rooms: folding.rooms(),
    })
    folding.also.trust.push(...told.trust ?? [])
    for (const step of told.steps ?? []) folding.step(step)
  },
}

/** Everything up to this message was seen on another device. */
function readTo(folding: Folding, id: string, entry: StoredEntry): void {
  const room = folding.room(id)?.room
  folding.also.then.push(() => { folding.state.registers.awaited.delete(entry.id) })
  if (room === undefined || entry.conversation !== id || entry.order <= room.readUpTo) return
  folding.change(id, { readUpTo: entry.order, unread: folding.unreadAfter(id, entry.order) })
}
