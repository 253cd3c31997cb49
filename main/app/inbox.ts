import { decode, fromHex, KeyPackage, MlsError, toHex } from '../mls/index.ts'
import { accountIdOf, deviceIdOf } from '../identity/credential.ts'
import { closeRoom } from '../chat/epochs.ts'
import type { Letter, SignedRejoin, SignedStory } from '../chat/letter.ts'
import { hearMove } from '../chat/move.ts'
import { decodeMail, openLetter, type Mail, type OwnKeyPackage } from '../chat/mail.ts'
import { onRejoinRequest, toBeTold } from '../chat/readmit.ts'
import type { Helper } from '../chat/recovery.ts'
import { invitationIn, receiveWelcome, type Invitation } from '../chat/requests.ts'
import { bodyOfEntry } from '../chat/said.ts'
import type { LogRecord } from '../ports.ts'
import { refreshLog } from './device-log.ts'
import { contentIdOf, joinTwins } from './direct.ts'
import { heldInvite } from './invites.ts'
import { addressed, addressesOf } from './recover.ts'
import { conversationSaid, roomAfter, roomOf } from './rooms.ts'
import type { State } from './state.ts'

/** How many unanswered requests are kept; a flood of them must not fill the list. */
const requestLimit = 200
/** How far back own messages are said again after a return. */
const sayAgainLimit = 500

type Cursor = { readonly log: string, readonly seq: number }

/**
 * What is left to do for a record of the inbox: weigh a story, or tell the own one.
 */
export type Left = { readonly story: SignedStory } | { readonly other: string } | undefined
/** Take it again when that conversation was read, or that account's log. */
type First = { readonly behind: string } | { readonly unread: string }
/** A request that the other devices of whoever asks are to see. */
type Passed = { readonly request: SignedRejoin, readonly to: readonly Helper[] }
/** What was read for this record. */
type Read = { readonly group: boolean, readonly log: boolean }

/**
 * One record of this device's inbox: a Welcome becomes a request, a request to be let back in an intent; anything else
 * is skipped. What it asks to be read first is read. Rejects as the delivery service does: then it is taken again.
 */
export async function takeMail(state: State, { log, record }: { readonly log: string, readonly record: LogRecord }, sync: {
  readonly catchUp: (conversation: string) => Promise<void>, readonly isStopped: () => boolean
}): Promise<Left> {
  let read: Read = { group: false, log: false }
  for (;;) {
    const left = onInbox(state, { log, record }, read)
    if (left !== undefined && 'request' in left) {
      await passOn(state, left)
      return undefined
    }
    if (left === undefined || 'story' in left || 'other' in left) return left
    if ('behind' in left) await sync.catchUp(left.behind)
    else await refreshLog(state, left.unread)
    if (sync.isStopped()) return undefined
    read = 'behind' in left ? { ...read, group: true } : { ...read, log: true }
  }
}

/**
 * Who asks chooses whom to ask: a thief would leave out the other devices of the account, which alone may object. So
 * whoever waits for these tells them.
 */
async function passOn(state: State, { request, to }: Passed): Promise<void> {
  const publish = addressed(state, await addressesOf(state, to), { type: 'rejoin', ...request })
  if (publish.length > 0) state.transact({ publish })
}

function onInbox(
  state: State, { log, record }: { readonly log: string, readonly record: LogRecord }, read: Read,
): Left | First | Passed {
  const cursor = { log, seq: record.seq }
  const mail = mailIn(record.bytes)
  if (mail?.type === 'sealed') return onLetter(state, mail, { cursor, read })
  if (mail?.type === 'welcome') return onWelcome(state, { invitation: invitationIn(mail), cursor, read })
  state.transact({ cursors: [cursor] })
  return undefined
}

/** `undefined` for bytes that are no mail: a stranger may append anything. */
function mailIn(bytes: Uint8Array): Mail | undefined {
  try {
    return decodeMail(bytes)
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

function onLetter(
  state: State, sealed: Extract<Mail, { readonly type: 'sealed' }>,
  { cursor, read }: { readonly cursor: Cursor, readonly read: Read },
): Left | First | Passed {
  const letter = letterIn(state, sealed)
  if (letter?.type === 'rejoin') {
    const room = roomAfter(state, toHex(letter.request.groupId))
    const standing = room === undefined ? 'stranger' : askerIn(state, letter, read)
    if (typeof standing === 'object') return standing
    const step = room === undefined || standing === 'stranger' ? undefined : ifAuthentic(() => onRejoinRequest(room, letter, state.moment()))
    state.transact({ cursors: [cursor], ...step === undefined ? {} : { steps: [step] } })
    const to = step === undefined || step.state === room ? [] : toBeTold(step.state, letter, state.moment())
    return to.length === 0 ? undefined : { request: letter, to }
  }
  const room = letter?.type === 'move' ? roomOf(state, toHex(letter.groupId)) : undefined
  const heard = letter?.type !== 'move' || room === undefined ? 'known' : hearMove(room, letter)
  if (room !== undefined && heard === 'ahead' && !read.group) return { behind: room.room.id }
  state.transact({ cursors: [cursor], ...typeof heard === 'string' ? {} : { steps: [heard] } })
  if (room !== undefined && heard === 'other') return { other: room.room.id }
  return letter?.type === 'story' ? { story: letter } : undefined
}

function letterIn(state: State, sealed: Extract<Mail, { readonly type: 'sealed' }>): Letter | undefined {
  const own = state.keyPackages.get(toHex(sealed.reference))
  if (own === undefined) return undefined
  const key = { publicKey: own.keyPackage.initKey, privateKey: own.privateKeys.initPrivateKey }
  return ifAuthentic(() => openLetter(state.self.suite, state.self.deviceId, key, sealed))
}

function ifAuthentic<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

/** Whether a device of the account asks, as far as its log says; that is read first. */
function askerIn(state: State, { request }: SignedRejoin, read: Read): 'device' | 'stranger' | First {
  const credential = ifAuthentic(() => decode(KeyPackage, request.keyPackage).leafNode.credential)
  const who = credential === undefined ? undefined : ifAuthentic(() => ({ accountId: accountIdOf(credential), deviceId: deviceIdOf(credential) }))
  if (who === undefined) return 'stranger'
  const standing = standingOf(state, who.accountId, { deviceId: who.deviceId, read })
  return standing === 'unread' ? { unread: who.accountId } : standing
}

/** Of a device that some certificate names. An account whose log nobody can find says nothing against it. */
function standingOf(
  { deviceLogs }: State, accountId: string, { deviceId, read }: { readonly deviceId: string, readonly read: Read },
): 'device' | 'stranger' | 'unread' {
  if (!read.log) return 'unread'
  const log = deviceLogs.get(accountId)
  return log === undefined || log.devices.some((one) => one.deviceId === deviceId && !one.revoked) ? 'device' : 'stranger'
}

function onWelcome(state: State, { invitation, cursor, read }: {
  readonly invitation: Invitation | undefined, readonly cursor: Cursor, readonly read: Read
}): Left | First {
  const reference = invitation?.references.find((one) => state.keyPackages.has(one))
  const own = reference === undefined ? undefined : state.keyPackages.get(reference)
  if (invitation === undefined || own === undefined) {
    state.transact({ cursors: [cursor] })
    return undefined
  }
  try {
    return welcome(state, { invitation, own, cursor, read })
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    // Damaged on the way, or made by somebody who breaks the rules: said once, and the queue goes on.
    const detail = error.rule === undefined ? {} : { detail: error.rule }
    state.transact({ cursors: [cursor], notice: { code: 'invitation-broken', ...detail } })
    return undefined
  }
}

const isTakenBack = ({ deviceLogs }: State, accountId: string, deviceId: string): boolean =>
  deviceLogs.get(accountId)?.devices.some((one) => one.deviceId === deviceId && one.revoked) === true

function welcome(state: State, input: {
  readonly invitation: Invitation, readonly own: OwnKeyPackage, readonly cursor: Cursor, readonly read: Read
}): Left | First {
  const { invitation, own, cursor, read } = input
  const invite = heldInvite(state, invitation.mail)
  const received = receiveWelcome(invitation, own, {
    moment: state.moment(), suiteOf: state.ports.suiteOf, byInvite: invite !== undefined,
    known: (groupId) => roomOf(state, groupId), conversation: (id) => state.rooms.get(id),
    after: (groupId) => roomAfter(state, groupId),
    ownDevices: new Set(state.devices.devices.flatMap((one) => one.revoked ? [] : [one.deviceId])),
    isTakenBack: (accountId, deviceId) => isTakenBack(state, accountId, deviceId),
    standing: (accountId, deviceId) => {
      const standing = standingOf(state, accountId, { deviceId, read })
      // Of one that the log does not tell of yet it is an alarm, when it stays so, and no reason to lose what was said.
      return standing === 'stranger' && !isTakenBack(state, accountId, deviceId) ? 'device' : standing
    },
    conversationOf: (groupId) => conversationSaid(state, groupId),
  })
  if (received !== undefined && 'unread' in received) return received
  const isBehind = received !== undefined && 'behind' in received
  if (isBehind && !read.group) return received
  const invited = isBehind ? undefined : received
  // RFC 9420 §10: a KeyPackage is used once, except one of last resort, which then is replaced soon.
  const kept = invited?.step.state.room.answered?.reference === own.reference
  const spent = own.lastResort || kept ? {} : { removedKeyPackages: [own.reference] }
  const used = own.lastResort && !own.claimed ? { keyPackages: [{ ...own, claimed: true }] } : {}
  const wipe = own.lastResort || kept ? [] : Object.values(own.privateKeys)
  const room = invited?.step.state.room
  const isNew = room !== undefined && !state.rooms.has(room.id)
  if (invited === undefined || room === undefined || state.declined.has(room.id) || (isNew && tooMany(state))) {
    const unwanted = invited === undefined ? [] : closeRoom(invited.step, 'left').wipe
    state.transact({ cursors: [cursor], ...spent, ...used, wipe: [...wipe, ...unwanted] })
    return undefined
  }
  const again = isNew ? undefined : sayAgain(state, room.id)
  const joined = joinTwins(state, invited.step)
  state.transact({
    ...joined, entries: [...joined.entries ?? [], ...again?.entries ?? []], say: [...joined.say ?? [], ...again?.say ?? []],
    ...spent, ...used, wipe: [...wipe, ...invited.wipe, ...joined.wipe ?? []],
    invites: invite === undefined || !isNew ? [] : [{ ...invite, uses: invite.uses + 1 }],
    cursors: [cursor, ...startOf(invitation, room.log)],
    // Made for the group as it was; what people said goes out again from the outbox.
    removedPublish: [...state.publishes].flatMap(([key, { target }]) =>
      target.type !== 'record' && toHex(target.room) === room.id ? [key] : []),
  })
  return undefined
}

/**
 * What this device said since it lost the others may not have reached them: it goes out again under its id, by which
 * those who have it drop the double.
 */
function sayAgain(state: State, id: string) {
  const room = state.rooms.get(id)?.room
  const from = room?.recovery?.from ?? room?.answered?.at
  const mine = from === undefined ? [] : state.store.entriesBefore(id, 0, sayAgainLimit)
    .filter((entry) => entry.kind === 'message' && entry.own && entry.at >= from)
  const unsaid = mine.flatMap((entry) => entry.kind !== 'message' || state.outbox.has(contentIdOf(entry.id)) ? [] : [entry])
  return {
    entries: unsaid.map((entry) => ({ ...entry, state: 'sending' as const })),
    say: unsaid.map((entry) =>
      ({ room: id, id: fromHex(contentIdOf(entry.id)), counter: entry.counter ?? 0, body: bodyOfEntry(entry) })),
  }
}

/** The group's logs are read from where they stood when this device was added; hints, so nothing depends on them. */
const startOf = ({ mail }: Invitation, log: string): readonly Cursor[] => [
  { log: `h.${log}`, seq: Number(mail.commitsAfter) }, { log: `m.${log}`, seq: Number(mail.messagesAfter) },
]

const tooMany = (state: State): boolean =>
  [...state.rooms.values()].filter(({ room }) => room.state === 'request').length >= requestLimit
