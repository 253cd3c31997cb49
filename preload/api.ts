/**
 * THE contract between the window and the main process: the vocabulary, and one table of Calls from which the types,
 * the handlers, the preload script and the allow-list of the IPC channel follow. Calls go in, Changes come out, and
 * nothing else crosses. This file imports nothing but its argument checks and codes.
 *
 * Identifiers are lower-case hexadecimal strings; times are milliseconds since 1970 (UTC).
 *
 * What never crosses: keys, ratchet state, file paths. Two secrets cross because a person must see or type them, in
 * Calls and never in a Change: the 24 recovery words (`recovery.words`, out, only until confirmed; `setup.recover`, in)
 * and the passphrase (in only).
 */

import { backupCalls, type BackupStatus } from './backup.ts'
import { closingCalls, type Closing } from './closing.ts'
import { errorCodes } from './codes.ts'
import { deviceCalls, historyRanges, type Link, type OwnDevice } from './devices.ts'
import { expiryCalls } from './expiry.ts'
import { fileCalls, type Attachment, type FileProgress } from './files.ts'
import { restoreCalls, type Restore } from './restore.ts'
import { call, count, flag, id, list, object, oneOf, text, type Call } from './check.ts'
import { notificationLevels, proxyModes, shellCalls, type ShellNews } from './shell.ts'

// ---------------------------------------------------------------- vocabulary

/** Where the profile stands. `new`: no account yet; the rest follows the order of set-up. */
export type Phase =
  | { readonly at: 'choose', readonly profiles: readonly ProfileChoice[] }
  /** `keychain`: 'ok' when the system's keychain can hold the key; otherwise a passphrase is needed. */
  | { readonly at: 'new', readonly keychain: 'ok' | 'absent' }
  /**
   * `need` opens it; `words`: so do the 24 words. `hint` says why the keychain does not. Nothing else of the profile is
   * in memory: this is also what locking the app leads to.
   */
  | { readonly at: 'locked', readonly need: 'passphrase' | 'keychain' | 'words', readonly words: boolean,
      readonly hint?: ErrorCode }
  /** `readOnly`: why the history can only be read. Nothing is sent or received then. */
  | { readonly at: 'ready', readonly me: Me, readonly readOnly?: ErrorCode }
  /** This computer is being linked to an account that another device has: the profile is there, the account is not. */
  | { readonly at: 'linking', readonly link: Link }
  /** The profile cannot be opened; `code` says why. `readable`: `setup.read` shows what can still be read. */
  | { readonly at: 'stopped', readonly code: ErrorCode, readonly detail?: string, readonly readable: boolean }

export type ProfileChoice = { readonly profile: string, readonly name?: string }

export type Me = {
  readonly accountId: string
  readonly name: string
  readonly deviceName: string
  /** `waiting`: the words were never confirmed; `later`: the person said "later"; the app keeps asking. */
  readonly recovery: 'waiting' | 'later' | 'confirmed'
  readonly lock: Lock
}

/** Minutes without input after which the app locks; 0: never by itself. */
export const lockMinutes = [0, 1, 5, 15, 60] as const
export type LockMinutes = typeof lockMinutes[number]

export type Lock = {
  /** A passphrase opens the profile; without one the app cannot be locked. */
  readonly passphrase: boolean
  /** The keychain holds the key, or may again: only then can the passphrase be removed. */
  readonly keychain: boolean
  readonly afterMinutes: LockMinutes
}

export type Person = {
  readonly accountId: string
  readonly name: string
  readonly own: boolean
  readonly admin: boolean
  readonly devices: number
  /** When a leaf of this person last renewed its keys in this group. */
  readonly healedAt: number
  readonly trust: Trust
  /** Why it is 'changed'. */
  readonly why?: ChangeReason
  /** Met by an invite of theirs: whoever sent it to this person named exactly this account. That is not verified. */
  readonly byInvite: boolean
}

/**
 * `new`: nobody has compared anything. `verified`: their safety numbers were compared. `changed`: see `ChangeReason`;
 * nothing is sent to them until this person has looked at it.
 */
export type Trust = 'new' | 'verified' | 'changed'

/**
 * `recovery`: the account's recovery key was replaced. `equivocation`: one of its devices signed two histories. `split`:
 * its devices tell of different histories. `certificate`: a key that was taken back has made a device. `replaced`: this
 * person said that it is a new account of somebody they know.
 */
export type ChangeReason = 'recovery' | 'equivocation' | 'split' | 'certificate' | 'replaced'

/**
 * `request`: somebody invited this person and nothing was answered. `active`: open. `left`, `removed`: closed, history
 * stays. `creating`: a new conversation whose first commit has not won its slot yet. `stopped`: needs a newer app.
 */
export type ConversationState = 'request' | 'creating' | 'active' | 'left' | 'removed' | 'stopped'

export type Conversation = {
  readonly id: string
  readonly kind: 'direct' | 'group'
  readonly state: ConversationState
  /** The group's name, or the other person's in a direct chat. */
  readonly title: string
  /** What the growth rings are drawn from: the other account in a direct chat, else the group. */
  readonly ringsOf: string
  /** Everybody in it (own account included), in order of name. */
  readonly people: readonly Person[]
  readonly devices: number
  /** Belong to it, but have no device in it now: theirs was silent for long. They come back by themselves. */
  readonly absent: readonly { readonly accountId: string, readonly name: string }[]
  /** May this person add, remove or rename? */
  readonly mayAdd: boolean
  readonly mayRemove: boolean
  readonly mayRename: boolean
  /** How long what is said here stays, in seconds (0: for ever), and whether this person may change that. */
  readonly timer: number
  readonly mayTime: boolean
  /** `attached`: how many files the message has, and what the first one is called. */
  readonly last?: { readonly at: number, readonly text: string, readonly from?: string, readonly own: boolean
    readonly attached?: { readonly count: number, readonly name: string, readonly mediaType: string } }
  readonly unread: number
  readonly draft: string
  /** How this person keeps it, on all their devices. */
  readonly muted: boolean
  readonly pinned: boolean
  readonly archived: boolean
  /** `card`: this computer came back by the 24 words, and it was to come back too; `backup`: it is there to be read. */
  readonly origin?: 'card' | 'backup'
  /** The other person of a direct chat has closed their account. */
  readonly gone?: true
  /** This other device of the account has another group code in the same epoch. */
  readonly codeDiffers?: string
  /** Order in the list: the newest event. */
  readonly at: number
  /** When the current epoch began, and when the newest keys in it were made. */
  readonly epochAt: number
  readonly healedAt: number
  /** This device cannot follow the group and has asked so many times to be let back in. */
  readonly recovering?: { readonly reason: RecoveryReason, readonly since: number, readonly asked: number }
  /** Other own devices that ask to be let back in: they are, at that time, unless this person says it was not them. */
  readonly asking?: readonly { readonly deviceId: string, readonly device: string, readonly until: number }[]
  /** In a request: who asks, and whether they hold an invite of this person. */
  readonly request?: { readonly from: string, readonly byInvite: boolean }
}

/**
 * `path`: a commit had no key for this device. `undecided`: it needs something that did not come. `forked`: others saw
 * another commit. `aged`: away longer than the log keeps records. `cloned`: another copy of this profile sends.
 * `damaged`: the stored state cannot be read. `idle`: an admin took it out because it was silent for long. `restored`:
 * this device is new, and has come back by the recovery words.
 */
export type RecoveryReason = 'path' | 'undecided' | 'forked' | 'aged' | 'cloned' | 'damaged' | 'idle' | 'restored'

export type MessageState = 'sending' | 'sent' | 'delivered' | 'failed' | 'received'

export type Fact =
  | { readonly fact: 'created' | 'joined', readonly by: string }
  | { readonly fact: 'added' | 'removed', readonly by: string, readonly who: readonly string[] }
  | { readonly fact: 'left', readonly who: string }
  | { readonly fact: 'renamed', readonly by: string, readonly name: string }
  | { readonly fact: 'accepted', readonly who: string }
  /** A device of `who` could not follow any more, and `by` let it back in. `device`: its name, if it is not this one. */
  | { readonly fact: 'returned', readonly by: string, readonly who: string, readonly device?: string }
  /** `by` took out a device of `who` that was silent for long. `absent`: it was the last one. */
  | { readonly fact: 'dropped', readonly by: string, readonly who: string, readonly absent: boolean }
  /** The list of changes was filled with rubbish, so `by` took the group to a new place. */
  | { readonly fact: 'moved', readonly by: string }
  /** Nobody but its maker (`without`, where it is known) could follow a change; `by` went on with the others. */
  | { readonly fact: 'continued', readonly by: string, readonly without?: string }
  /**
   * `who` linked a device of that name, or took one back (`revoked`; `by` put that into effect here). Without `deviceId`
   * where an earlier version wrote it.
   */
  | { readonly fact: 'linked', readonly who: string, readonly device: string, readonly deviceId?: string }
  | { readonly fact: 'revoked', readonly by: string, readonly who: string, readonly device: string }
  /** `who` took a message back, which stood here. */
  | { readonly fact: 'deleted', readonly who: string }
  /** What is said from now on goes after so many seconds; 0: it stays. */
  | { readonly fact: 'timer', readonly by: string, readonly seconds: number }
  /** `who` closed their account: nobody has it any more. */
  | { readonly fact: 'closed', readonly who: string }
  /** Nothing goes to `who` until this person has looked at it: see `Trust`. */
  | { readonly fact: 'changed', readonly who: string, readonly why: ChangeReason }

/**
 * Why something could not be read. `before-joined`: sent before this device joined. `epoch-too-old`: its keys are
 * deleted. `lost`: counters show that `count` messages never arrived. `away`: sent while this device was out of the
 * group. `malformed`: breaks the rule `rule`. `damaged`: its part of the file cannot be read; a `count` of 0 means that
 * nobody can say how many.
 */
export type GapReason = 'before-joined' | 'epoch-too-old' | 'lost' | 'away' | 'malformed' | 'undecided' | 'damaged'

/** One fact in a conversation as a person sees it. `order` sorts the timeline and never changes. */
export type Entry = {
  readonly id: string
  readonly conversation: string
  readonly order: number
  readonly at: number
  /** It came from another own device, with the past. */
  readonly imported?: true
} & (
  | { readonly kind: 'message', readonly from: string, readonly own: boolean, readonly text: string
      readonly attachments?: readonly Attachment[]
      /** It goes by itself then. */
      readonly expiresAt?: number
      readonly state: MessageState
      /** Own messages: to how many of the other people it was delivered. */
      readonly deliveredTo: number
      /** People and devices that could read it: those of its epoch. */
      readonly people: number, readonly devices: number }
  | { readonly kind: 'fact', readonly fact: Fact, readonly devices: number }
  | { readonly kind: 'gap', readonly reason: GapReason, readonly count: number, readonly from?: string
      readonly rule?: string }
)

/** A node of the ratchet tree as a picture shows it, in the array order of RFC 9420 Appendix C. */
export type TreeNode = { readonly state: 'filled' | 'blank', readonly lit: boolean, readonly accountId?: string }

/** `since`: when it was last heard of. */
export type IdleDevice = { readonly accountId: string, readonly deviceId: string, readonly since: number }

export type Details = {
  readonly conversation: string
  /** Six groups of five digits, from the epoch authenticator. */
  readonly groupCode: string
  readonly tree: readonly TreeNode[]
  readonly renewedBy?: string
  readonly renewedAt: number
  /** Devices that were silent for long and that this person may remove, the longest silent ones first. */
  readonly idle: readonly IdleDevice[]
  readonly epoch: number
  readonly cipherSuite: number
}

/** What the messages that are kept for others (and for this device) take of this computer, all its profiles together. */
export type LogUsage = { readonly bytes: number, readonly keptDays: number }

export type Invite = {
  /** The contact card as one line of text; the QR holds the same. */
  readonly text: string
  readonly expiresAt: number
}

export type InvitePreview = {
  readonly accountId: string
  readonly name: string
  readonly expiresAt: number
  /** An existing direct chat with that account. */
  readonly conversation?: string
}

/** What two people compare. `digits`: twelve groups of five; `code`: what a QR shows. */
export type Safety = Pick<Person, 'name' | 'trust' | 'why' | 'byInvite'> & {
  /** Since when it is so; 0: since the first meeting. */
  readonly since: number, readonly digits: string, readonly code: string
}

/** An invite that was made. `uses`: how many have started a chat with it. */
export type MadeInvite = Invite & {
  readonly id: string, readonly madeAt: number, readonly uses: number, readonly withdrawn: boolean
}

/** What a Change says of a conversation: without its people where nothing about them has changed. */
export type ConversationNews = Omit<Conversation, 'people'> & { readonly people?: Conversation['people'] }

/** What the UI is told after a commit to the store. Revisions count up by one; a hole means: open again. */
export type Change = {
  readonly revision: number
  readonly phase?: Phase
  readonly conversations?: readonly ConversationNews[]
  readonly removedConversations?: readonly string[]
  readonly entries?: readonly Entry[]
  readonly removedEntries?: readonly string[]
  /** All of them, when something about one has changed. */
  readonly devices?: readonly OwnDevice[]
  /** Where linking stands; `undefined` is told as `{ at: 'none' }`. */
  readonly link?: Link | { readonly at: 'none' }
  /** The same for closing the account. */
  readonly closing?: Closing | { readonly at: 'none' }
  readonly backup?: BackupStatus
  /** The same for work on a backup. */
  readonly restore?: Restore
  /** From the shell, outside the count: its revision is 0. */
  readonly shell?: ShellNews
  /** How far attachments have come that are on their way. */
  readonly files?: readonly FileProgress[]
  /** Something the person should know now; shown once. */
  readonly notice?: { readonly code: ErrorCode | 'window', readonly detail?: string }
}

export type Snapshot = {
  readonly revision: number
  readonly phase: Phase
  readonly profile: string
  readonly version: string
  readonly conversations: readonly Conversation[]
  /** Where linking stands, where it is under way. */
  readonly link?: Link
  readonly closing?: Closing
  readonly backup?: BackupStatus
  readonly restore?: Restore
}

/** The names of people, for entries whose sender is no longer a member: accountId to name. */
export type EntryPage = {
  readonly entries: readonly Entry[]
  readonly more: boolean
  readonly names: Readonly<Record<string, string>>
}

/** Messages that were found, the newest first, and the names of their senders. */
export type Found = {
  readonly found: readonly FoundMessage[], readonly more: boolean, readonly names: Readonly<Record<string, string>>
}
/** `marks`: where the text has what was looked for, each from one UTF-16 unit up to another. */
export type FoundMessage = {
  readonly entry: Extract<Entry, { readonly kind: 'message' }>
  readonly marks: readonly (readonly [from: number, to: number])[]
}

export { timerSeconds } from './expiry.ts'
export type { TimerSeconds } from './expiry.ts'
export { errorCodes, historyRanges, notificationLevels, proxyModes }
export { fileBytesLimit, filePieceBytes, filesLimit } from './files.ts'
export type { Call } from './check.ts'
export { backupRhythms, backupSeals, plainFormats } from './backup.ts'
export type * from './backup.ts'
export type * from './closing.ts'
export type * from './devices.ts'
export type * from './files.ts'
export type * from './restore.ts'
export type * from './shell.ts'
export { asideCodes } from './shell.ts'
export type ErrorCode = typeof errorCodes[number]

/** How an invoke answers: errors are codes, never stack traces. */
export type Answer<T> =
  | { readonly ok: true, readonly value: T }
  | { readonly ok: false, readonly code: ErrorCode, readonly detail?: string }

// ---------------------------------------------------------------- the Calls

const name = text(80, 1)
const passphrase = text(1024)

export const calls = {
  ...backupCalls,
  ...closingCalls,
  ...restoreCalls,
  /** The whole state; Changes with a higher revision follow. */
  'app.open': call({}).returns<Snapshot>(),
  /** The newest lines of the log, for whoever looks for a fault: no name, text, key, identifier or path is in them. */
  'app.report': call({}).returns<{ readonly lines: readonly string[] }>(),
  /** Which profile of this machine to open, where there are several. */
  'profile.choose': call({ profile: text(40, 1) }).returns<undefined>(),
  /** Set-up: makes the account. An empty passphrase means: the key goes to the system's keychain. */
  'setup.create': call({ name, passphrase }).returns<undefined>(),
  /** An empty passphrase asks the keychain again. */
  'setup.unlock': call({ passphrase }).returns<undefined>(),
  /**
   * The 24 words, as they were typed or pasted. The passphrase takes the place of a forgotten one; an empty one means
   * that the keychain holds the key again.
   */
  'setup.recover': call({ words: text(1000, 1), passphrase }).returns<undefined>(),
  /** On a computer without an account: the 24 words alone bring it back. `name` is the computer's. */
  'setup.restore': call({ words: text(1000, 1), name, passphrase }).returns<undefined>(),
  /** Shows what can still be read of a profile that stopped with `readable`. */
  'setup.read': call({}).returns<undefined>(),
  /** The 24 words, only until they are confirmed. */
  'recovery.words': call({}).returns<readonly string[]>(),
  /** Three of them, by position (1 to 24). When right, the key is forgotten by this device. */
  'recovery.confirm': call({
    words: list(object({ position: count(1, 24), word: text(20, 1) }), 3),
  }).returns<undefined>(),
  'recovery.later': call({}).returns<undefined>(),
  /** Replaces the recovery key, by its present 24 words; the new ones are shown and confirmed as at set-up. */
  'recovery.rotate': call({ words: text(1000, 1) }).returns<undefined>(),
  /** Takes any device back, also an older one than this: the recovery key may. */
  'recovery.revoke': call({ words: text(1000, 1), deviceId: id }).returns<undefined>(),
  'profile.rename': call({ name }).returns<undefined>(),
  /** Deletes this profile's keys and history from this computer; `name` must be the profile's own name. */
  'profile.remove': call({ name }).returns<undefined>(),
  /** Opens the profile's folder in the file manager of this computer. */
  'profile.folder': call({}).returns<undefined>(),

  /** Locks the app now: the store is closed and its key wiped. Needs a passphrase. */
  'lock.now': call({}).returns<undefined>(),
  'lock.after': call({ minutes: oneOf(lockMinutes) }).returns<undefined>(),
  /** Somebody is using the window. */
  'lock.active': call({}).returns<undefined>(),
  /** `current` is the passphrase that it replaces, empty where there is none. */
  'passphrase.set': call({ current: passphrase, passphrase }).returns<undefined>(),
  /** Only where the keychain holds the key then. */
  'passphrase.remove': call({ current: passphrase }).returns<undefined>(),

  /** Asks the person whether their browser may open this address of a message, and hands it over. */
  'address.open': call({ address: text(2048, 1) }).returns<undefined>(),
  /**
   * The reader of QR codes is shown, or gone: only while it is there may the page use a camera. `screen`: it may look
   * at the screen too. Answered in every phase.
   */
  'reader.open': call({ open: flag }).returns<{ readonly screen: boolean }>(),

  /** What is kept for this computer, also while the profile is not open. */
  ...shellCalls,

  'invite.show': call({}).returns<Invite>(),
  'invite.read': call({ invite: text(4096, 1) }).returns<InvitePreview>(),

  /** A direct chat by an invite (the existing one where there is one). Gives the conversation's id. */
  'conversation.direct': call({ invite: text(4096, 1) }).returns<{ readonly conversation: string }>(),
  /** A group with a name; `people` are accounts of known people, `invites` are pasted ones. */
  'conversation.group': call({ name, people: list(id, 500), invites: list(text(4096, 1), 100) })
    .returns<{ readonly conversation: string }>(),
  'conversation.accept': call({ conversation: id }).returns<undefined>(),
  'conversation.decline': call({ conversation: id }).returns<undefined>(),
  'conversation.rename': call({ conversation: id, name }).returns<undefined>(),
  'conversation.add': call({ conversation: id, people: list(id, 500), invites: list(text(4096, 1), 100) })
    .returns<undefined>(),
  'conversation.remove': call({ conversation: id, accountId: id }).returns<undefined>(),
  /** Removes a device that was silent for long; with its last one a person becomes absent. */
  'conversation.drop': call({ conversation: id, deviceId: id }).returns<undefined>(),
  /** "This was not me": refuses an own device's request to be let back in, for everybody in the conversation. */
  'conversation.veto': call({ conversation: id, deviceId: id }).returns<undefined>(),
  'conversation.leave': call({ conversation: id }).returns<undefined>(),
  'conversation.details': call({ conversation: id }).returns<Details>(),
  /** Nothing where messages are kept elsewhere. */
  'delivery.usage': call({}).returns<LogUsage | undefined>(),
  /** People known from conversations, to add to a group: never a stranger. */
  'people.known': call({}).returns<readonly { readonly accountId: string, readonly name: string }[]>(),

  /** The newest `limit` entries before `order` (0: from the end), oldest first. */
  'entries.page': call({ conversation: id, before: count(0, Number.MAX_SAFE_INTEGER), limit: count(1, 500) })
    .returns<EntryPage>(),
  /** Messages with each of these words, or words that begin with them, in every conversation but requests. */
  'search': call({ text: text(200), limit: count(1, 100) }).returns<Found>(),
  /** `key` makes a repeated Call the same message: 32 hexadecimal digits chosen by the window. */
  'message.send': call({ conversation: id, key: id, text: text(20_000, 1) }).returns<undefined>(),
  /** Everything up to `order` was seen. */
  'conversation.read': call({ conversation: id, order: count(0, Number.MAX_SAFE_INTEGER) }).returns<undefined>(),
  'conversation.draft': call({ conversation: id, text: text(20_000) }).returns<undefined>(),
  'conversation.keep': call({ conversation: id, muted: flag, pinned: flag, archived: flag }).returns<undefined>(),

  ...deviceCalls,

  /** On the device that has the account. An empty `code`: this one shows its own; else what was read or pasted. */
  'link.start': call({ code: text(4096) }).returns<undefined>(),
  /** On a computer without an account, in place of `setup.create`: `name` is the computer's. */
  'setup.link': call({ name, code: text(4096), passphrase }).returns<undefined>(),
  'link.digits': call({ digits: text(20, 1) }).returns<undefined>(),
  /** The elder's yes. */
  'link.confirm': call({ history: oneOf(historyRanges) }).returns<undefined>(),
  /** The new one's "this is me". */
  'link.recognise': call({}).returns<undefined>(),
  /** Ends it at any step, on either side: nothing is left of it. After 'done' and 'failed': puts it away. */
  'link.cancel': call({}).returns<undefined>(),

  'person.safety': call({ accountId: id }).returns<Safety>(),
  /** What the text of a QR means. A match is remembered. */
  'person.compare': call({ accountId: id, code: text(4096, 1) })
    .returns<'match' | 'differs' | 'own' | 'linking' | 'malformed' | 'newer'>(),
  /** The person has compared the digits (or takes that back), or has looked at what changed. */
  'person.trust': call({ accountId: id, trust: oneOf(['new', 'verified'] as const) }).returns<undefined>(),
  /** This account is a new one of somebody known by another: nothing is sent to it until that is confirmed. */
  'person.replaces': call({ accountId: id, replaced: id }).returns<undefined>(),

  'invite.list': call({}).returns<readonly MadeInvite[]>(),
  'invite.make': call({}).returns<MadeInvite>(),
  'invite.withdraw': call({ invite: id }).returns<undefined>(),
  ...fileCalls,
  ...expiryCalls,
} as const

export type Calls = typeof calls
export type CallName = keyof Calls
export type ArgumentOf<N extends CallName> = Calls[N] extends Call<infer A, unknown> ? A : never
export type ResultOf<N extends CallName> = Calls[N] extends { readonly result?: infer R } ? R : never

/** The one channel of invokes, and the one that pushes Changes. */
export const invokeChannel = 'coppice:call'
export const pushChannel = 'coppice:change'

/** What the preload script exposes as `window.coppice`. */
export type Bridge = {
  readonly call: <N extends CallName>(name: N, argument: ArgumentOf<N>) => Promise<Answer<ResultOf<N>>>
  /** Registers the one receiver of Changes and gives the function that removes it. */
  readonly onChange: (receive: (change: Change) => void) => () => void
}
