import type {
  Conversation, ConversationNews, ConversationState, Entry, Fact, Person,
} from '../../preload/api.ts'
import type { StoredEntry } from '../ports.ts'
import type { AppliedCommit, Group, Secret } from '../mls/index.ts'
import type { Heard } from './heard.ts'
import type { Passed } from './history.ts'
import type { RejoinReason } from './letter.ts'
import type { WelcomeMail } from './mail.ts'
import type { Seal } from './sealed.ts'
import type { SaidWord } from './self-group.ts'

/** A KeyPackage that was claimed for an intent to add its owner. */
export type Claimed = {
  readonly accountId: string
  readonly deviceId: string
  /** The encoded KeyPackage, hexadecimal. */
  readonly keyPackage: string
  /** The token of the invite that was used, hexadecimal; empty where none was needed. */
  readonly token: string
}

/** What this device wants the group to become. It stays until a commit that it sees has brought it about. */
export type Intent =
  | { readonly type: 'add', readonly members: readonly Claimed[] }
  | { readonly type: 'remove', readonly accountId: string }
  | { readonly type: 'rename', readonly name: string }
  /** A leaf without its device, which was silent for long (idle.ts): by its encryption key, which any word of it ends. */
  | { readonly type: 'drop', readonly leafKey: string }
  /**
   * A device of a member asks to be let back in; `request` is its SignedRejoin, hexadecimal. Not before that time. What
   * its leaf says after `askedAt` shows that it was not the device that asked. `isNew`: it had no leaf when it asked.
   */
  | { readonly type: 'readmit', readonly accountId: string, readonly deviceId: string, readonly request: string
      readonly notBefore: number, readonly askedAt?: number, readonly isNew?: true }
  /** New keys for this device's own leaf (chat/renewal.ts). Not before that time. */
  | { readonly type: 'renew', readonly notBefore: number }
  /** An own device that belongs into the group: by a KeyPackage that was claimed for it, hexadecimal. */
  | { readonly type: 'link', readonly deviceId: string, readonly keyPackage: string }
  /** A key that its account took back; `proof` (revocations.ts) in hexadecimal digits. */
  | { readonly type: 'revoke', readonly accountId: string, readonly publicKey: string, readonly proof: string }

/** This device cannot follow the group any more and asks to be let back in (chat/recovery.ts). */
export type Recovery = {
  readonly reason: RejoinReason
  readonly since: number
  /** What this device said from then on may not have reached the others. */
  readonly from: number
  /** How many times it asked, and when it asks again. */
  readonly attempts: number
  readonly nextAt: number
  /** The KeyPackageRef of its request, hexadecimal; empty before the first one. */
  readonly reference: string
  /** The account whose commit gave this device no keys, proven by its signature; empty where there is none. */
  readonly maker?: string
  /** The device whose story this one believed; none where it saw for itself (chat/resume.ts). */
  readonly by?: string
  /** The SignedStory that stays instead of this device's own, hexadecimal: whoever is asked hears it first. */
  readonly story?: string
}

/**
 * What is kept of a conversation beside its MLS group: plain data, one JSON document with a leading version. `view` is
 * folded in the same transaction as the entries that it sums up.
 */
export type Room = {
  readonly version: 1
  /**
   * The MLS group id and the name of its logs, 32 hexadecimal digits each. A conversation keeps its id when another group
   * goes on in its place (chat/continuation.ts); `groupId` is that of the newest one then, else empty.
   */
  readonly id: string
  readonly groupId: string
  readonly log: string
  /** `self`: what own devices tell each other (self-group.ts), which nobody sees as a conversation. */
  readonly kind: 'direct' | 'group' | 'self'
  readonly state: ConversationState
  readonly name: string
  /** The other account of a direct chat, known before it is a member. */
  readonly peer: string
  readonly admins: readonly string[]
  readonly membersMayAdd: boolean
  /** Accounts that belong to the group without a leaf in it (absent.ts). */
  readonly absent: readonly string[]
  readonly epochAt: number
  readonly healedAt: number
  readonly renewedBy: string
  /** When this device's own leaf is to be renewed (chat/renewal.ts). */
  readonly renewAt: number
  /** Which attempt at the current epoch's commit slot is next (0 at first). */
  readonly attempt: number
  readonly intents: readonly Intent[]
  /** This device has said that it leaves; it goes on until it sees itself removed. */
  readonly leaving: boolean
  /** How many messages this device has sent in this conversation (chat/content.ts), and had when it came in. */
  readonly counter: number
  readonly counterBase: number
  /** The epoch in which these numbers began, decimal. */
  readonly numbering: string
  readonly nextOrder: number
  /** The lowest order in the timeline: what is older and comes later, from another own device, takes those below. */
  readonly firstOrder: number
  readonly readUpTo: number
  readonly unread: number
  readonly draft: string
  /** How this person keeps it. An archived one comes back with the next message, unless it is muted. */
  readonly muted: boolean
  readonly pinned: boolean
  readonly archived: boolean
  readonly at: number
  readonly last: Conversation['last'] | undefined
  readonly request: Conversation['request'] | undefined
  /** Messages stored before this person accepted: their receipts wait for it. */
  readonly receiptsDue: readonly string[]
  /** Encoded MLSMessages of this epoch's proposals, hexadecimal: a commit travels with those that it references. */
  readonly proposals: readonly { readonly reference: string, readonly message: string }[]
  readonly recovery: Recovery | undefined
  /**
   * How this device came into a group that goes on in place of another one, or may still be let into this one: kept for a
   * while (chat/continuation.ts, chat/resume.ts).
   */
  readonly answered: { readonly reference: string, readonly at: number, readonly maker: string } | undefined
  /** The first epoch of this device in the group, and of its last return (empty for none); decimal. */
  readonly joinedAt: string
  readonly returnedAt: string
  /** Since when there are records that it cannot place (0: there are none): the group may have split. */
  readonly strangeAt: number
  /** Since when members are known to be further on than the log leads (0: they are not). */
  readonly behindAt: number
  /** The device that said so, and the epoch that it was in (decimal; empty where no one has said so). */
  readonly behindBy: string
  readonly behindEpoch: string
  /** Devices whose stories led nowhere, and until when they are not believed. */
  readonly doubted: readonly { readonly deviceId: string, readonly until: number }[]
  /** When this device last saw the end of the group's logs, and since when it has heard everything in them. */
  readonly headAt: number
  readonly watchedFrom: number
  /** The newest records of this device in an epoch, by generation: one that is not among them is of a copy of it. */
  readonly ownRecords: { readonly epoch: string
    readonly records: readonly { readonly generation: number, readonly hash: string }[] }
  /** Devices whose signed commits of this epoch were invalid (chat/spoilt.ts). */
  readonly suspects: readonly string[]
  /** Since when every slot of this epoch is spoilt; of an earlier epoch, unless `attempt` says so. */
  readonly spoiltAt: number
  /** Records that came by letter and may end this epoch when its slots are spoilt (chat/move.ts), hexadecimal. */
  readonly moves: readonly string[]
  /** Logs of before, and the last epoch in each, decimal: what is said late under its keys is still read there. */
  readonly formerLogs: readonly { readonly log: string, readonly epoch: string }[]
  /** Who was with this device before it came back, and is not in the group as it is: they are told what stays. */
  readonly apart: readonly { readonly accountId: string, readonly deviceId: string }[]
  /** Whom a device asks that has no group yet, because it came back by the recovery words; empty for all others. */
  readonly helpers: readonly { readonly accountId: string, readonly deviceId: string }[]
  /**
   * Whence this device knows it, where it was not in it from the beginning: the recovery card, by which it asks to be let
   * in, or a backup, which is there to be read.
   */
  readonly origin: 'card' | 'backup' | ''
  /** Requests to be let back in that their own account refused (chat/readmit.ts), and earlier ones of these devices. */
  readonly vetoed: readonly Veto[]
  /** How long what is said here stays, in seconds (0: for ever), and when that was said, of those that said it last. */
  readonly timer: number
  readonly timerAt: number
  /** The other person of a direct chat has closed their account: there is nobody to write to. */
  readonly gone: boolean
  /** The codes of the newest epochs, and the epoch in which an own device has another one (main/app/codes.ts). */
  readonly codes: readonly CodeSeen[]
  readonly differs: { readonly deviceId: string, readonly group: string, readonly epoch: number } | undefined
}

/** `group` is an MLS group id. */
export type CodeSeen = { readonly group: string, readonly epoch: number, readonly code: string }

/** `incarnation` is decimal. */
export type Veto = { readonly accountId: string, readonly deviceId: string, readonly incarnation: string }

/** The MLS group that the conversation is now. */
export const groupIdOf = ({ id, groupId }: Pick<Room, 'id' | 'groupId'>): string => groupId === '' ? id : groupId

/** What a room has of its epoch alone. */
export const freshEpoch = { attempt: 0, suspects: [], moves: [], proposals: [] } as const satisfies Partial<Room>

/** Where the timeline of a conversation begins that another own device has had before: the past has its place below. */
export const historyBase = 1_000_000_000

export const emptyRoom = (id: string, now: number): Room => ({
  version: 1, id, groupId: '', log: '', kind: 'group', state: 'request', name: '', peer: '', admins: [], membersMayAdd: false,
  absent: [], epochAt: now, healedAt: now, renewedBy: '', renewAt: now, attempt: 0, intents: [], leaving: false,
  counter: 0, counterBase: 0, numbering: '0', nextOrder: 1, firstOrder: 1, readUpTo: 0, unread: 0, draft: '', at: now,
  muted: false, pinned: false, archived: false,
  last: undefined, request: undefined, receiptsDue: [], proposals: [], recovery: undefined, answered: undefined, joinedAt: '0',
  returnedAt: '', strangeAt: 0, behindAt: 0, behindBy: '', behindEpoch: '', doubted: [], headAt: now, watchedFrom: now, ownRecords: { epoch: '', records: [] },
  suspects: [], spoiltAt: 0, moves: [], formerLogs: [], apart: [], helpers: [], origin: '', vetoed: [], timer: 0, timerAt: 0, gone: false,
  codes: [], differs: undefined,
})

/** The people of a group as its tree and the entries say; kept apart from the room, because it grows with the group. */
export type Member = {
  readonly accountId: string
  readonly devices: number
  readonly healedAt: number
}

/** A record that waits for its epoch. */
export type Waiting = { readonly seq: number, readonly hint: number, readonly bytes: Uint8Array }

/** A commit of our own that is on its way. */
export type PendingCommit = {
  readonly epoch: bigint
  readonly slot: string
  readonly bytes: Uint8Array
  readonly next: Group
  readonly applied: AppliedCommit
  /** To be sent when it has won: the Welcome, the same for all whom it adds, and what goes with it into each inbox. */
  readonly welcome: Uint8Array
  readonly mails: readonly (Omit<WelcomeMail, 'welcome'> & { readonly log: string })[]
}

/** Everything about one conversation, in memory: a value that transitions replace. */
export type RoomState = {
  readonly room: Room
  readonly members: readonly Member[]
  readonly group: Group | undefined
  readonly seals: readonly Seal[]
  readonly pending: PendingCommit | undefined
  readonly waiting: readonly Waiting[]
  /** Which records ended the epochs before, newest first. */
  readonly history: readonly Passed[]
}

/** What a transition of one conversation returns: stored in one transaction, then told, then wiped. */
export type RoomStep = {
  readonly state: RoomState
  readonly entries: readonly StoredEntry[]
  /** Ids of entries that are no longer true. */
  readonly removed: readonly string[]
  /** What was heard of which sender, as it is now. */
  readonly heard: readonly Heard[]
  /** Which devices were heard of, and when. */
  readonly sightings: readonly Sighting[]
  /** Bodies for the outbox, in order. */
  readonly say: readonly Say[]
  /** Exact records to append. */
  readonly publish: readonly Outgoing[]
  /** Names that were learned; `own`: by the person's own word. */
  readonly names: readonly { readonly accountId: string, readonly name: string, readonly own: boolean }[]
  /** What other devices of this person say in their own group. */
  readonly words: readonly SaidWord[]
  readonly wipe: readonly Secret[]
}

/** `healed`: with new keys. */
export type Sighting = { readonly deviceId: string, readonly at: number, readonly healed?: boolean }

export type Say =
  | { readonly type: 'hello' | 'introductions' }
  | { readonly type: 'delivered', readonly messages: readonly string[] }
  | { readonly type: 'timer', readonly seconds: number, readonly at: number }

export type Outgoing = {
  readonly log: string
  readonly slot: string
  readonly bytes: Uint8Array
  readonly target: 'proposal' | 'commit' | 'record'
}

export const still = (state: RoomState): RoomStep =>
  ({ state, entries: [], removed: [], heard: [], sightings: [], say: [], publish: [], names: [], words: [], wipe: [] })

/** One step after another, as one. */
export const followedBy = (first: RoomStep, second: RoomStep): RoomStep => ({
  state: second.state,
  entries: [...first.entries, ...second.entries],
  removed: [...first.removed, ...second.removed],
  heard: [...first.heard, ...second.heard],
  sightings: [...first.sightings, ...second.sightings],
  say: [...first.say, ...second.say],
  publish: [...first.publish, ...second.publish],
  names: [...first.names, ...second.names],
  words: [...first.words, ...second.words],
  wipe: [...first.wipe, ...second.wipe],
})

export const withRoom = (state: RoomState, changes: Partial<Room>): RoomState =>
  ({ ...state, room: { ...state.room, ...changes } })

/** Members wait with some of what they want; the rest is for the next commit. */
export const isDue = (intent: Intent, now: number): boolean => !('notBefore' in intent) || intent.notBefore <= now

/** Is the group's own state of use: may this device send to it and change it? */
export const isWell = (room: Room): boolean => room.recovery === undefined

/** Is it a conversation that people see? */
export const isShown = (room: Pick<Room, 'kind'>): boolean => room.kind !== 'self'

/** May the conversation be written to and changed? */
export const isOpen = (room: Room): boolean =>
  !room.leaving && !room.gone && (room.state === 'active' || room.state === 'creating')

/** Adds an entry at the end of the timeline and folds it into the summary. */
export function append(
  step: RoomStep, at: number,
  entry: { readonly id: string } & Pick<StoredEntry, 'deliveredBy' | 'counter' | 'sender' | 'hole' | 'blobs'> & Told,
): RoomStep {
  const { room } = step.state
  const stored = { ...entry, conversation: room.id, order: room.nextOrder, at } as StoredEntry
  const received = stored.kind === 'message' && !stored.own
  const last = lastOf(stored, room.last)
  return {
    ...step,
    entries: [...step.entries, stored],
    state: withRoom(step.state, {
      nextOrder: room.nextOrder + 1,
      at: stored.kind === 'gap' ? room.at : Math.max(at, room.at),
      last,
      unread: room.unread + (received ? 1 : 0),
      archived: room.archived && (room.muted || !received),
    }),
  }
}

type Told = Entry extends infer E ? E extends Entry ? Omit<E, 'id' | 'conversation' | 'order' | 'at'> : never : never

/** What the list shows of a conversation, after that entry. */
export function lastOf(entry: StoredEntry, before: Room['last']): Room['last'] {
  if (entry.kind !== 'message') return before
  const { at, text, own, from, attachments = [] } = entry
  const [first] = attachments
  return {
    at, text: text.length > 200 ? text.slice(0, 200) : text, own, ...own ? {} : { from },
    ...first === undefined ? {} : {
      attached: { count: attachments.length, name: first.name, mediaType: first.mediaType },
    },
  }
}

export const tellFact = (step: RoomStep, at: number, id: string, fact: Fact): RoomStep =>
  append(step, at, { id, kind: 'fact', fact, devices: deviceCount(step.state) })

export const deviceCount = ({ members }: Pick<RoomState, 'members'>): number => countedIn(members).devices

/** What is asked of the members with every message, counted once for each list of them: those are never changed. */
function countedIn(members: readonly Listed[]): Counted {
  const known = counted.get(members)
  if (known !== undefined) return known
  const all: Counted = {
    devices: members.reduce((sum, { devices = 0 }) => sum + devices, 0),
    accounts: new Set(members.map(({ accountId }) => accountId)),
  }
  counted.set(members, all)
  return all
}
type Listed = { readonly accountId: string, readonly devices?: number }
type Counted = { readonly devices: number, readonly accounts: ReadonlySet<string> }
const counted = new WeakMap<readonly Listed[], Counted>()

/** The entry as the window sees it. */
export function tellEntry(stored: StoredEntry): Entry {
  const { deliveredBy: _, counter: __, sender: ___, hole: ____, blobs: _____, ...entry } = stored
  return entry
}

/** What this person knows of people. */
export type Acquaintance = {
  readonly nameOf: (accountId: string) => string
  readonly trustOf: (accountId: string) => Pick<Person, 'trust' | 'why' | 'byInvite'>
}

/** The conversation as the window sees it. */
export const tellConversation = (state: RoomState, self: string, known: Acquaintance): Conversation =>
  ({ ...tellSummary(state, self, known), people: tellPeople(state, self, known) })

/** The same for a Change, so that it does not grow with the group: its people only where they are not as they were. */
export const tellNews = (
  state: RoomState, before: RoomState | undefined, self: string, known: Acquaintance,
): ConversationNews => state.members === before?.members && state.room.admins === before.room.admins
  ? tellSummary(state, self, known) : tellConversation(state, self, known)

function tellPeople({ room, members }: RoomState, self: string, { nameOf, trustOf }: Acquaintance): readonly Person[] {
  const admins = adminsIn(room, members)
  return members
    .map((member) => ({
      ...member,
      name: nameOf(member.accountId),
      own: member.accountId === self,
      admin: knowsAdmins(room) && (admins === 'everybody' || admins.has(member.accountId)),
      ...trustOf(member.accountId),
    }))
    .sort((a, b) => inOrder.compare(a.name, b.name) || (a.accountId < b.accountId ? -1 : 1))
}
const inOrder = new Intl.Collator()

function tellSummary(state: RoomState, self: string, { nameOf }: Acquaintance): Omit<Conversation, 'people'> {
  const { room } = state
  const isAdmin = (accountId: string): boolean => administers(room, state.members, accountId)
  const open = isOpen(room) && room.kind === 'group' && knowsAdmins(room)
  return {
    id: room.id,
    kind: room.kind === 'direct' ? 'direct' : 'group',
    state: room.leaving && room.state !== 'removed' ? 'left' : room.state,
    title: room.kind === 'group' ? room.name : nameOf(room.peer),
    ringsOf: room.kind === 'group' ? room.id : room.peer,
    devices: deviceCount(state),
    absent: room.absent.map((accountId) => ({ accountId, name: nameOf(accountId) })),
    mayAdd: open && (room.membersMayAdd || isAdmin(self)),
    mayRemove: open && isAdmin(self),
    mayRename: open && isAdmin(self),
    timer: room.timer, mayTime: isOpen(room) && mayTime(state, self),
    ...(room.last === undefined ? {} : { last: room.last }),
    unread: room.unread,
    draft: room.draft,
    muted: room.muted,
    pinned: room.pinned,
    archived: room.archived,
    ...room.gone ? { gone: true } : {},
    ...room.origin === '' ? {} : { origin: room.origin },
    ...room.differs === undefined ? {} : { codeDiffers: room.differs.deviceId },
    at: room.at,
    epochAt: room.epochAt,
    healedAt: room.healedAt,
    ...(room.recovery === undefined ? {} : { recovering: {
      reason: room.recovery.reason, since: room.recovery.since, asked: room.recovery.attempts,
    } }),
    ...(room.request === undefined || room.state !== 'request' ? {} : { request: room.request }),
  }
}

/** May this account say how long messages stay? */
export const mayTime = ({ room, members }: Pick<RoomState, 'room' | 'members'>, accountId: string): boolean =>
  room.kind === 'direct' || (knowsAdmins(room) && administers(room, members, accountId))

/** The group alone says who they are: a device that has just come back has not seen it yet. */
export const knowsAdmins = ({ recovery }: Pick<Room, 'recovery'>): boolean => recovery?.reason !== 'restored'

/** Admins are named by the policy; when the last one is gone, everyone is one. */
export const administers = (policy: Pick<Room, 'admins'>, members: readonly Listed[], accountId: string): boolean => {
  const admins = adminsIn(policy, members)
  return admins === 'everybody' || admins.has(accountId)
}

function adminsIn({ admins }: Pick<Room, 'admins'>, members: readonly Listed[]): ReadonlySet<string> | 'everybody' {
  const { accounts } = countedIn(members)
  const present = admins.filter((admin) => accounts.has(admin))
  return present.length === 0 ? 'everybody' : new Set(present)
}
