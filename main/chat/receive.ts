import {
  claimedSender, decode, droppedSecrets, encode, equal, MlsError, MLSMessage, receive, toHex,
  type Group, type Received, type RuleId, type Secret,
} from '../mls/index.ts'
import type { GapReason } from '../../preload/api.ts'
import type { LogRecord } from '../ports.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { decodeContent, isCounted, type Content } from './content.ts'
import { enterEpoch, tellClosed } from './epochs.ts'
import { healableSize, hear, sizeOf, type Heard } from './heard.ts'
import type { RejoinReason } from './letter.ts'
import { attemptLimit, settle, winCommit } from './membership.ts'
import { accountOf } from './account-of.ts'
import { followElsewhere, isFarewell, isTakenBack, partBy, refuseTakenBack } from './parting.ts'
import { commitRefusal, proposalRefusal, viewOf } from './policy.ts'
import { onLive, onVeto } from './readmit.ts'
import { beginRecovery } from './recovery.ts'
import {
  append, followedBy, groupIdOf, still, tellFact, withRoom, type Room, type RoomState, type RoomStep,
} from './room.ts'
import { commitSlot, groupLog, hintIn, hintOf, openRecord, recordHash, type Seal } from './sealed.ts'
import type { Moment } from './self.ts'
import { onDelivered, onMessage, onRemove, onTimer, type KnownMessages, type Spoken } from './messages.ts'
import { saidIn, timeOf } from './said.ts'
import { wordIn } from './self-group.ts'
import { provenCommitter, spoilt } from './spoilt.ts'

/** Records of a group, as they come from its two logs. No record stops the queue: what it is, is told or ignored. */

/** How many records may wait for an epoch that has not begun, and how many bytes each may have. */
const waitingLimit = 200
const waitingBytes = 65_536
/** What a transition may ask of the store beyond the room itself. */
export type Known = KnownMessages & {
  readonly heard: (conversation: string, deviceId: string) => Heard | undefined
  /** Whether a device may close its account, as far as the account's log was read. */
  readonly mayClose: (accountId: string, deviceId: string) => boolean
}

/** What may be asked after a step that is not stored yet. */
export const knownAfter = (step: RoomStep, known: Known): Known => ({
  ...known,
  entry: (id) => step.entries.findLast((one) => one.id === id) ?? known.entry(id),
  heard: (conversation, deviceId) =>
    step.heard.findLast((one) => one.deviceId === deviceId) ?? known.heard(conversation, deviceId),
})

const decodeMessages = (messages: readonly Uint8Array[]): readonly MLSMessage[] =>
  messages.map((bytes) => decode(MLSMessage, bytes))

// ---------------------------------------------------------------- commits

/** Whether a record of the commit log stands where this epoch's commit belongs. */
export const endsEpoch = (state: RoomState | undefined, { slot }: LogRecord): boolean =>
  state?.group !== undefined && slot === nextSlot(state)

/**
 * A record of the commit log. `undecided`: it may be the epoch's commit but something is missing; the cursor stays.
 */
export function onCommitRecord(state: RoomState, record: LogRecord, moment: Moment): RoomStep | 'undecided' {
  const { group, pending } = state
  if (group === undefined) return still(state)
  // Slots of other epochs, and what strangers append, are not this epoch's commit.
  if (!endsEpoch(state, record)) return still(state)
  if (pending !== undefined && equal(pending.bytes, record.bytes)) return winCommit(state, pending, moment)
  try {
    return followCommit(dropPending(state), group, record, { moment, refusalOf: commitRefusal })
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    return unfollowed(state, { error, record }, moment)
  }
}

/**
 * Rules that a member judges by what it alone holds: its own place in a path (RFC 9420 §16.12). A path that gives the
 * announced keys gives everybody the same secrets, so a wrong confirmation tag is wrong for all who get that far.
 */
const judgedAlone: ReadonlySet<string> = new Set<RuleId>([
  '5.1.3.open', '5.1.3.public-key', '7.5.derived-key', '12.4.1.path-secret-length',
])

export const isJudgedAlone = ({ rule }: MlsError): boolean => rule !== undefined && judgedAlone.has(rule)

/** The slot that ends this epoch, as far as this device has tried; empty when all are spoilt (chat/move.ts). */
export const nextSlot = ({ group, room }: RoomState): string =>
  group === undefined || room.attempt >= attemptLimit ? '' : commitSlot(group, room.attempt)

/** A record in the epoch's slot that this device could not follow, and what it means. */
function unfollowed(
  state: RoomState, { error, record }: { readonly error: MlsError, readonly record: LogRecord }, moment: Moment,
): RoomStep | 'undecided' {
  const recover = (reason: RejoinReason, maker = ''): RoomStep =>
    beginRecovery(state, { reason, from: moment.now, maker }, moment)
  switch (error.code) {
    case 'undecided': return 'undecided'
    // Signed by this device's own leaf, and not the commit that it made.
    case 'misuse': return recover('cloned')
    // A policy or a format of a later version: others may follow it.
    case 'unsupported': {
      const dropped = dropPending(state)
      return { ...dropped, state: withRoom(dropped.state, { state: 'stopped' }) }
    }
    case 'gone':
    case 'malformed':
    case 'refused': {
      // The commit stands for those who can follow it; this device has to be let back in.
      if (isJudgedAlone(error)) {
        const maker = provenCommitter(state, record)
        return recover('path', maker === undefined ? undefined : accountOf(maker))
      }
      // Every member computes the same verdict on these bytes, so everybody moves on to the next attempt.
      const dropped = dropPending(state)
      return { ...dropped, state: withRoom(dropped.state, spoilt(state, { error, record }, moment.now)) }
    }
  }
}

/** Another commit won: ours is forgotten and will be made again from the intents. */
function dropPending(state: RoomState): RoomStep {
  const { pending, group } = state
  if (pending === undefined) return still(state)
  return { ...still({ ...state, pending: undefined }), wipe: droppedSecrets(pending.next, group) }
}

/** Throws `MlsError` where the record does not end the epoch. `refusalOf`: the policy for commits of its kind. */
export function followCommit(step: RoomStep, before: Group, record: LogRecord, { moment, refusalOf }: {
  readonly moment: Moment, readonly refusalOf: typeof commitRefusal
}): RoomStep {
  const { state } = step
  const seal = currentSeal(state, before)
  const messages = decodeMessages(openRecord(before.suite, seal, groupLog('h', state.room.log), record.bytes))
  const wipe: Secret[] = []
  const carried = new Set<string>()
  let group = before
  for (const message of messages.slice(0, -1)) {
    const received = receiveProposal(group, message, moment)
    if (received !== undefined) {
      group = received.group
      wipe.push(...received.wipe)
      carried.add(toHex(received.reference))
    }
  }
  const last = commitOf(messages, before, carried)
  const received = receive(group, last, { authentication: moment.self.authentication })
  if (received.type !== 'commit') throw new MlsError('malformed', 'a commit record without a commit')
  const refusal = refusalOf(viewOf(before, state.members), received.applied)
  if (refusal !== undefined) throw new MlsError('malformed', refusal)
  const wiped: RoomStep = { ...step, wipe: [...step.wipe, ...wipe, ...received.wipe] }
  if (received.applied.selfRemoved) return partBy(received.applied, { step, wiped, before }, moment)
  const { slot = '', bytes } = record
  return followedBy(wiped, settle(enterEpoch(state, { ...received, record: { slot, bytes } }, moment), moment))
}

/**
 * The commit of a record, when nothing is missing that it needs: what everybody can tell from the same bytes, so that
 * one record is never undecided for some and clear to others.
 */
function commitOf(messages: readonly MLSMessage[], { context }: Group, carried: ReadonlySet<string>): MLSMessage {
  const last = messages.at(-1)
  // Handshakes are PublicMessages inside the seal: a PrivateMessage would use up keys, and not for all the same ones.
  if (last?.body.type !== 'publicMessage') throw new MlsError('malformed', 'a commit record without a commit')
  const { epoch, content } = last.body.publicMessage.content
  if (epoch !== context.epoch) throw new MlsError('malformed', 'a commit of another epoch')
  if (content.type !== 'commit') throw new MlsError('malformed', 'a commit record without a commit')
  for (const one of content.commit.proposals) {
    if (one.type === 'proposal') {
      if (one.proposal.type === 'preSharedKey') throw new MlsError('malformed', 'Coppice groups use no PSKs')
    } else if (!carried.has(toHex(one.reference))) {
      throw new MlsError('malformed', 'a commit without the proposals that it references')
    }
  }
  return last
}

type ReceivedProposal = Extract<Received, { readonly type: 'proposal' }>

/** A proposal that travels with its commit; it may have come by the message log already. */
function receiveProposal(group: Group, message: MLSMessage, moment: Moment): ReceivedProposal | undefined {
  try {
    const received = receive(group, message, { authentication: moment.self.authentication })
    return received.type === 'proposal' ? received : undefined
  } catch (error) {
    // Ignored alone: if the commit needs it, that one is refused.
    if (error instanceof MlsError) return undefined
    throw error
  }
}

function currentSeal(state: RoomState, group: Group): Seal {
  const seal = state.seals.find((one) => one.epoch === group.context.epoch)
  if (seal === undefined) throw new MlsError('misuse', 'the current epoch has a sealing key')
  return seal
}

// ---------------------------------------------------------------- messages and proposals

/**
 * A record of the message log, or of one that the group had before. One of a later epoch waits, bounded, until the
 * commit log has brought that epoch.
 */
export function onMessageRecord(
  state: RoomState, record: LogRecord, known: Known, log = groupLog('m', state.room.log),
): RoomStep {
  const { group } = state
  const hint = hintIn(record.bytes)
  if (group === undefined || hint === undefined) return still(state)
  const seal = state.seals.find((one) => hintOf(one.epoch) === hint)
  if (seal !== undefined) return readRecord(state, { group, seal, log }, record, known)
  if (!isAhead(group, hint) || log !== groupLog('m', state.room.log)) return still(state) // Before this device joined, or its keys are deleted.
  if (record.bytes.length > waitingBytes) return still(state)
  const waiting = [...state.waiting, { seq: record.seq, hint, bytes: record.bytes }].slice(-waitingLimit)
  return still({ ...state, waiting })
}

const isAhead = (group: Group, hint: number): boolean => {
  const ahead = (hint - hintOf(group.context.epoch)) >>> 0
  return ahead > 0 && ahead <= 10_000
}

/** How many records ahead of their epoch are passed over, before the rest is left for when that has begun. */
const passedOver = 20

/** The records that can be taken before the next commit is: those of this epoch and the ones before it, and few others. */
export function untilAhead(state: RoomState | undefined, records: readonly LogRecord[]): readonly LogRecord[] {
  if (state?.group === undefined) return []
  const { group } = state
  let places = passedOver - state.waiting.length
  const end = records.findIndex(({ bytes }) => {
    const hint = hintIn(bytes)
    return hint !== undefined && isAhead(group, hint) && places-- <= 0
  })
  return end < 0 ? records : records.slice(0, end)
}

/** What waited for the epoch that has begun. */
export function onEpochBegun(state: RoomState, known: Known): RoomStep {
  const hints = new Set(state.seals.map((seal) => hintOf(seal.epoch)))
  const ready = state.waiting.filter((one) => hints.has(one.hint))
  let step = still({ ...state, waiting: state.waiting.filter((one) => !hints.has(one.hint)) })
  for (const one of ready) {
    const record = { seq: one.seq, slot: undefined, bytes: one.bytes }
    step = followedBy(step, onMessageRecord(step.state, record, knownAfter(step, known)))
  }
  return step
}

function readRecord(
  state: RoomState, keys: { readonly group: Group, readonly seal: Seal, readonly log: string }, record: LogRecord,
  known: Known,
): RoomStep {
  const { log } = keys
  let messages: readonly MLSMessage[]
  try {
    messages = decodeMessages(openRecord(keys.group.suite, keys.seal, log, record.bytes))
  } catch (error) {
    // Nobody who holds the epoch's key wrote this: a stranger, or somebody in another story of the same epoch.
    if (error instanceof MlsError) return still(withRoom(state, { strangeAt: state.room.strangeAt || known.now }))
    throw error
  }
  let step = still(state)
  for (const [index, message] of messages.entries()) {
    const id = `${state.room.id}.${log}.${record.seq}.${index}`
    step = followedBy(step, readMessage(step.state, message, { id, known: knownAfter(step, known), record }))
  }
  return step
}

/** Where a message was found; `id` is for what it may become in the timeline. */
type Place = { readonly id: string, readonly known: Known, readonly record: LogRecord }

function readMessage(state: RoomState, message: MLSMessage, place: Place): RoomStep {
  const { group } = state
  const { known } = place
  if (group === undefined) return still(state)
  let received: Received
  try {
    received = receive(group, message, { authentication: known.self.authentication })
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    if (error.code === 'gone' && isOfCopy(state, message, place)) {
      return beginRecovery(state, { reason: 'cloned', from: known.now }, known)
    }
    // A proposal that comes too late, or is no good, is nothing that people could miss.
    return message.body.type === 'privateMessage' ? refusedMessage(state, error, place) : still(state)
  }
  switch (received.type) {
    case 'application': {
      // Keys of what this device itself has sent are gone: only a copy of it can have sent this.
      if (received.sender === group.ownLeaf) return beginRecovery(state, { reason: 'cloned', from: known.now }, known)
      return onContent({ ...still({ ...state, group: received.group }), wipe: received.wipe }, received, place)
    }
    case 'proposal': return onProposal(state, received, { message, moment: known })
    // Commits travel in the commit log only, where slots order them.
    // The epoch goes on, so what the commit would have ended stays: only its own secrets die.
    case 'commit': return { ...still(state), wipe: droppedSecrets(received.group, group) }
  }
}

/** A record under a key of this device that is not the one which this device made with that key. */
function isOfCopy({ group, room }: RoomState, message: MLSMessage, { record }: Place): boolean {
  if (group === undefined || room.ownRecords.epoch !== String(group.context.epoch)) return false
  const claimed = claimedSender(group, message)
  if (claimed?.leafIndex !== group.ownLeaf) return false
  const own = room.ownRecords.records.find(({ generation }) => generation === claimed.generation)
  return own !== undefined && own.hash !== recordHash(group.suite, record.bytes)
}

function refusedMessage(state: RoomState, error: MlsError, place: Place): RoomStep {
  const gap = (reason: GapReason): RoomStep => append(still(state), place.known.now, {
    id: place.id, kind: 'gap', reason, count: 1, ...(error.rule === undefined ? {} : { rule: error.rule }),
  })
  switch (error.code) {
    // A replay: it was read before, or it is an own record.
    case 'gone':
    case 'misuse': return still(state)
    case 'undecided': return gap('undecided')
    case 'malformed':
    case 'refused':
    case 'unsupported': return gap('malformed')
  }
}

function onProposal(
  state: RoomState, received: ReceivedProposal, { message, moment }: { readonly message: MLSMessage, readonly moment: Moment },
): RoomStep {
  const { group } = state
  if (group === undefined || received.refused !== undefined) return still(state)
  // What the policy forbids is not taken up, so that nobody commits it by reference.
  if (proposalRefusal(viewOf(group, state.members), received.proposal, received.sender) !== undefined) return still(state)
  const kept = { reference: toHex(received.reference), message: toHex(encode(MLSMessage, message)) }
  const known = state.room.proposals.some((one) => one.reference === kept.reference)
  const taken = {
    ...still({
      ...withRoom(state, known ? {} : { proposals: [...state.room.proposals, kept] }), group: received.group,
    }),
    wipe: received.wipe,
  }
  return isFarewell(state, received, moment.self) ? followElsewhere(taken, moment) : taken
}

// ---------------------------------------------------------------- what people said

type ReceivedMessage = Extract<Received, { readonly type: 'application' }>

function onContent(
  step: RoomStep, received: ReceivedMessage, place: Place,
): RoomStep {
  const from = accountOf(received.senderLeaf)
  if (isTakenBack(step.state, received)) return refuseTakenBack(step, received.senderLeaf, place.known)
  let content: Content
  try {
    content = decodeContent(received.data)
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    return append(step, place.known.now, {
      id: place.id, kind: 'gap', reason: 'malformed', count: 1, from, rule: 'content',
    })
  }
  const sighting = { deviceId: deviceIdOf(received.senderLeaf.credential), at: timeOf(content, place.known.now) }
  const seen: RoomStep = {
    ...step, state: onLive(step.state, { ...sighting, at: Number(content.sentAt) }),
    sightings: [...step.sightings, sighting],
  }
  const spoken = { content, from, deviceId: sighting.deviceId }
  return onSpoken(onHeard(seen, received, spoken, place), spoken, place)
}

/** What the sender's counter says of messages that did not arrive, and of one that came after all. */
function onHeard(
  step: RoomStep, received: ReceivedMessage, { content, from, deviceId }: Spoken, place: Place,
): RoomStep {
  const { room } = step.state
  const { known } = place
  const last = step.heard.findLast((one) => one.deviceId === deviceId) ?? known.heard(groupIdOf(room), deviceId)
  // What was heard in an earlier membership says nothing: what came between was not for this device.
  const before = last !== undefined && BigInt(last.epoch) >= BigInt(room.joinedAt) ? last : undefined
  const { counter, base, joined, numbering } = content
  const isLater = joined > BigInt(room.joinedAt) || numbering > BigInt(room.joinedAt)
  const { heard, opened, filled } = hear(before, {
    conversation: groupIdOf(room), deviceId, counter, counted: isCounted(content.body), epoch: String(received.epoch),
    numbering: String(numbering), base: isLater ? base : undefined,
  })
  const told: RoomStep = { ...step, heard: [...step.heard, heard] }
  const id = (gap: number): string => `${groupIdOf(room)}.gap.${deviceId}.${gap}`
  if (opened !== undefined) {
    // Another device of this person may have them: then they take these places.
    const hole = {
      deviceId, group: groupIdOf(room), numbering: String(numbering), from: opened.from, order: room.nextOrder,
      size: Math.min(sizeOf(opened), healableSize),
    }
    const behind = { ...told, state: withRoom(told.state, { nextOrder: room.nextOrder + hole.size }) }
    return append(behind, known.now, {
      id: id(opened.gap), kind: 'gap', reason: reasonFor(room, before), count: sizeOf(opened), from, hole,
    })
  }
  if (filled === undefined) return told
  const entry = told.entries.findLast((one) => one.id === id(filled.gap)) ?? known.entry(id(filled.gap))
  if (entry?.kind !== 'gap') return told
  return filled.left === 0 ? { ...told, removed: [...told.removed, entry.id] }
    : { ...told, entries: [...told.entries, { ...entry, count: filled.left }] }
}

/** Out of the group since the sender was last heard: what was said meanwhile was not for this device. */
const reasonFor = (room: Room, before: Heard | undefined): GapReason =>
  room.returnedAt !== '' && before !== undefined && BigInt(before.epoch) < BigInt(room.returnedAt) ? 'away' : 'lost'

function onSpoken(step: RoomStep, spoken: Spoken, place: Place): RoomStep {
  const { content, from } = spoken
  const { known } = place
  const { body } = content
  switch (body.type) {
    case 'text':
    case 'message': return onMessage(step, { ...spoken, said: saidIn(body) }, known)
    case 'hello': {
      const named: RoomStep = { ...step, names: [...step.names, { accountId: from, name: body.name, own: true }] }
      const id = `${step.state.room.id}.hello.${from.slice(0, 32)}`
      if (from === known.self.accountId || known.entry(id) !== undefined) return named
      return tellFact(named, timeOf(content, known.now), id, { fact: 'accepted', who: from })
    }
    case 'profile': return { ...step, names: [...step.names, { accountId: from, name: body.name, own: true }] }
    case 'introductions': {
      const names = body.people.map((one) => {
        const accountId = toHex(one.accountId)
        return { accountId, name: one.name, own: accountId === from }
      })
      return { ...step, names: [...step.names, ...names] }
    }
    case 'veto': {
      const deviceId = toHex(body.deviceId)
      const veto = { accountId: from, deviceId, incarnation: String(body.incarnation) }
      return { ...step, state: onVeto(step.state, veto) }
    }
    case 'own': return step.state.room.kind === 'self' ? { ...step, words: [...step.words, ...wordIn(body.word).map((word) => ({ ...word, by: spoken.deviceId }))] } : step
    // Of a device that has no such right it is no more than a claim: the log will tell.
    case 'closed': return known.mayClose(from, spoken.deviceId)
      ? tellClosed(step, from, { at: timeOf(content, known.now), moment: known }) : step
    case 'remove': return onRemove(step, { ...spoken, messages: body.messages.map(toHex) }, known)
    case 'timer': return onTimer(step, { ...spoken, ...body }, known)
    case 'delivered': return onDelivered(step, { from, messages: body.messages.map(toHex) }, known)
    case 'custom': return append(step, timeOf(content, known.now), {
      id: place.id, kind: 'gap', reason: 'malformed', count: 1, from, rule: 'content.newer',
    })
  }
}
