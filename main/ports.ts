/**
 * What the app needs from outside, as interfaces whose obligations are prose. Adapters implement them; `app.ts` and
 * `chat/` know nothing else. Every failure of the world is a `PortError` with a code of the contract.
 */
import type { KeyPair, Secret, SuiteOf } from './mls/index.ts'
import type { Change, ErrorCode, LinkFailure, LinkRole } from '../preload/api.ts'
import type { LinkingCode } from './identity/linking-code.ts'
import type { Alias, Event, EventOf } from './events.ts'
import type { Reading, Scratch, Store } from './stored.ts'

export * from './stored.ts'

/** The world failed (disk, network, keychain). `detail` is a name or a number, never a secret or a content. */
export class PortError extends Error {
  override readonly name = 'PortError'
  readonly code: ErrorCode
  readonly detail: string | undefined

  constructor(code: ErrorCode, detail?: string) {
    super(detail === undefined ? code : `${code}: ${detail}`)
    this.code = code
    this.detail = detail
  }
}

// ---------------------------------------------------------------- delivery

export type LogRecord = { readonly seq: number, readonly slot: string | undefined, readonly bytes: Uint8Array }
export type Appended =
  | { readonly type: 'accepted', readonly seq: number }
  | { readonly type: 'taken', readonly bytes: Uint8Array }

const dayMs = 24 * 60 * 60 * 1000
/**
 * How long a record is kept at least, by the kind of its log: the letter before the first dot. Records of other kinds
 * stay for ever.
 */
export const retentionMs: ReadonlyMap<string, number> = new Map([
  ['h', 90 * dayMs], ['m', 60 * dayMs], ['i', 90 * dayMs], ['k', 90 * dayMs], ['r', 10 * 60 * 1000], ['b', 7 * dayMs],
])

/** What a log that lies on this computer takes of it. */
export type Usage = { readonly bytes: number }

/**
 * Append-only logs that everybody who knows a name can read and append to: one log with three verbs. No delete, no
 * update, no logic on the far side.
 *
 * - Ordered per log: `seq` grows and is never reused; two readers see the same order.
 * - At least once: a retry of the same bytes (in the same slot, or without one) is `accepted` with the first `seq`.
 * - A slot means create-if-absent: of all that ever append to it with different bytes, exactly one is `accepted`; the
 *   others get `taken` with the winner's bytes, for ever.
 * - `accepted` means durable as far as the medium can say; the client still reads back before it relies on it.
 * - Records go when they are older than `retentionMs`, sooner or later, each medium by its own housekeeping; what is
 *   left keeps its order and its `seq`. A slot then only looks empty, and a retry is a new record: so a client that has
 *   not seen a log's end for nearly that long must not append to its slots (main/app/recover.ts).
 * - Log and slot names are at most 100 characters of `[a-z0-9.-]`; a record is at most 4 MiB ('too-large').
 * - All methods reject with PortError('delivery-unreachable' | 'store-full' | 'store-read-only' | 'too-large').
 */
export interface Delivery {
  /** Where this delivery is, as it stands in invites ('local' for the embedded log). */
  readonly address: string
  append(log: string, bytes: Uint8Array, slot?: string): Promise<Appended>
  /** At most `limit` records with a greater `seq`, in order. */
  read(log: string, after: number, limit: number): Promise<readonly LogRecord[]>
  /** What stands in a slot, if anything that is kept. */
  slot(log: string, slot: string): Promise<LogRecord | undefined>
  /**
   * Calls `wake` with the name of a log that may have something new: soon after an append by anybody, maybe once too
   * often, never from within `watch` itself. Replaces the earlier list of logs; gives the function that ends it.
   */
  watch(logs: readonly string[], wake: (log: string) => void): () => void
  /** Only where the logs lie on this computer. */
  usage?(): Promise<Usage>
  close(): Promise<void>
}

// ---------------------------------------------------------------- vault

/** How a store is opened. With the words, a new passphrase takes the place of one that was forgotten. */
export type Way =
  | { readonly type: 'keychain' }
  | { readonly type: 'passphrase', readonly passphrase: string }
  | { readonly type: 'words', readonly key: KeyPair, readonly passphrase: string | undefined }

/** Which ways lead into the profile. `keychain`: it opens by itself, or will as soon as the key is put back there. */
export type Ways = { readonly passphrase: boolean, readonly keychain: boolean, readonly words: boolean }

/**
 * `new`: no store. `keychain`: opens by itself. `locked`: `need` is asked for first, and `words` says whether the 24
 * words open it too; `hint` says why the keychain does not.
 */
export type VaultStatus =
  | { readonly at: 'new' | 'keychain' }
  | { readonly at: 'locked', readonly need: 'passphrase' | 'keychain' | 'words', readonly words: boolean,
      readonly hint?: 'keychain-locked' | 'keychain-lost' }

/**
 * Guards the key of one profile's store. The 32-byte key is random and kept only wrapped, in slots: in the system's
 * keychain, under a passphrase (Argon2id), and sealed to the recovery key. While the store is open the vault holds the
 * key, to wrap it anew; `close` wipes it. A check value beside the store tells a wrong or missing key from a new
 * profile, so a locked or lost keychain is never taken for a new user. Nothing is ever written in clear.
 *
 * Wrong passphrases are slow, each one more than the last ('passphrase-wrong', whose detail is how many seconds the
 * next must wait; before that: 'passphrase-wait', with the seconds left).
 */
export interface Vault {
  /** Rejects with 'store-damaged' or 'slots-damaged' where there was a profile, 'store-newer', 'keychain-lost'. */
  status(): Promise<VaultStatus>
  /** Whether the keychain of this system can hold a key: tried by writing, reading back and deleting a test item. */
  keychain(): Promise<'ok' | 'absent'>
  /** A new store. Without a passphrase its key goes to the keychain ('keychain-absent' where there is none). */
  create(passphrase: string | undefined): Promise<Store>
  /**
   * Rejects with 'passphrase-wrong', 'passphrase-wait', 'words-foreign', 'keychain-locked', 'keychain-lost',
   * 'slots-damaged', 'store-damaged', 'store-newer', 'store-full', 'store-read-only', 'profile-busy'. The words without
   * a new passphrase put the key into the keychain, and reject with 'keychain-absent' where that cannot be.
   */
  open(way: Way): Promise<Store>
  /**
   * After `open` was refused for what is wrong with the store or its place, or while it is open: what can still be
   * read, or `undefined`. The store is closed and the key wiped.
   */
  read(): Promise<Reading | undefined>
  /** Of the opened profile. */
  ways(): Ways
  /** Seals the key to the public half of the recovery key, unless it is. Throws PortError where that cannot be kept. */
  sealTo(publicKey: Uint8Array): void
  /** `current` must open the profile where it has a passphrase. Rejects with 'passphrase-short' too. */
  setPassphrase(change: { readonly current: string, readonly passphrase: string }): Promise<void>
  /** Where the keychain holds the key afterwards; else 'keychain-absent', and nothing changes. */
  removePassphrase(current: string): Promise<void>
  /**
   * Puts the key into the keychain of a profile that uses one, or takes it out, so that only passphrase or words open
   * the profile, even after a restart. A keychain out of reach is left as it is.
   */
  keepInKeychain(kept: boolean): Promise<void>
  /** Closes the store and wipes the key. */
  close(): void
  /** Deletes the key wherever it is kept, then the profile's files. */
  destroy(): Promise<void>
}

// ---------------------------------------------------------------- pairing

/** Two devices could not be brought together, or not kept so. */
export class PairingError extends Error {
  override readonly name = 'PairingError'
  readonly why: LinkFailure

  constructor(why: LinkFailure) {
    super(why)
    this.why = why
  }
}

/** What a pairing stands on; `isOver` says that nobody waits for it any more. */
export type Line = Pick<Ports, 'delivery' | 'now' | 'after'> & { readonly isOver: () => boolean }

/** Where two devices meet, as the one in that role knows it. Whoever has `endKey` can end it, and nothing else. */
export type Rendezvous = { readonly id: string, readonly role: LinkRole, readonly endKey: Secret }

/** How long to wait; `until` ends it sooner. */
export type Patience = { readonly limitMs: number, readonly until?: () => boolean }

/**
 * Both ends of it know that nobody changed, left out, repeated, reordered or sent back what came through; whom they
 * talk with only the ten digits tell them. All methods reject with PairingError: 'tampered' when the log shows anything
 * that the other end did not say, or not now; what the other end gave as its reason to stop; 'gone' when it is silent.
 */
export interface Channel {
  /**
   * 32 bytes that are the same at both ends, and at no other channel's: of the code, the keys and two nonces that were
   * committed to before either was seen, so that nobody can choose them.
   */
  readonly transcript: Uint8Array
  send(message: Uint8Array): Promise<void>
  /** The next message; `undefined` when `until` came first. */
  receive(patience: Patience): Promise<Uint8Array | undefined>
}

/**
 * The sealed channel between two devices of which one shows a code and the other reads it, over a log that they meet
 * in. HPKE (RFC 9180 §5.1.2) in PSK mode in both directions. The delivery service away is waited for.
 */
export interface Pairing {
  /** Keys for a code to be shown; `expiresAt` in milliseconds since 1970. */
  show(options: Pick<LinkingCode, 'role' | 'expiresAt' | 'address'>): Promise<Shown>
  /** Where the reader of a code meets its shower. */
  meet(code: LinkingCode): Rendezvous
  /** The reader's end. The first one has it; rejects with PairingError('used') for another, who makes the shower know. */
  join(line: Line, code: LinkingCode): Promise<Channel>
  /** Tells the other device that there is nothing more to wait for; as often as one likes. */
  end(line: Line, rendezvous: Rendezvous, why: LinkFailure): Promise<void>
  /** Whether the other device has said so, and why. */
  ended(line: Line, rendezvous: Rendezvous): Promise<LinkFailure | undefined>
}

export type Shown = {
  readonly code: LinkingCode
  readonly rendezvous: Rendezvous
  /** The shower's end, when somebody has read the code. Rejects with PairingError('expired') when nobody did in time. */
  open(line: Line): Promise<Channel>
}

// ---------------------------------------------------------------- backups

/**
 * Where something lies that the person chose in a dialogue of the system. `token` stands for it in what is stored and
 * shown; the path is for adapters alone and never leaves the main process.
 */
export type Place = { readonly token: string, readonly path: string }

/** A folder of backups, a backup that is taken in, a file that is being written. */
export type PlaceUse = 'folder' | 'restore' | 'file'

/** Places on this computer. A dialogue that is closed chooses nothing. */
export interface Places {
  /** `save`: a new file, with a name to begin with; `open`: a file that is there; `folder`: one that is there or made. */
  choose(wanted: { readonly kind: 'save', readonly name: string } | { readonly kind: 'open' | 'folder' }):
  Promise<Place | undefined>
  /** A backup that the system handed over because its file was opened there, once. */
  handed(): Place | undefined
  /** What a token stands for, also after a restart where `keep` was told of it. */
  at(token: string): Place | undefined
  /** These tokens outlive the program; others that did for the same use are forgotten. */
  keep(use: PlaceUse, tokens: readonly string[]): void
  /** What `keep` was told last for that use. */
  kept(use: PlaceUse): readonly string[]
  /** Its last part, as it may be shown to the person. */
  nameOf(place: Place): string
}

/** To whom a backup is sealed: the public half of the backup identity (an age recipient), or a passphrase. */
export type BackupSeal =
  | { readonly type: 'recipient', readonly recipient: string }
  | { readonly type: 'passphrase', readonly passphrase: string }
/**
 * What opens it: the secret that the recovery words derive for backups (32 bytes), the passphrase, or what opens this one
 * backup and nothing else.
 */
export type BackupKey =
  | { readonly type: 'words' | 'file', readonly secret: Secret }
  | { readonly type: 'passphrase', readonly passphrase: string }

/** A named part of a backup. What comes out of one is read once, in order, before the next is asked for, or not at all. */
export type BackupFile = {
  readonly name: string
  readonly size: number
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** Asked and told between pieces of a long work. */
export type BackupWork = {
  readonly cancelled: () => boolean
  /** How many bytes have been read or written, of about how many, where that is known better than before. */
  readonly progress: (bytes: number, of?: number) => void
}

/** What a folder of backups gets of one: only what is not in it yet is asked for. */
export type FolderContent = BackupWork & {
  /** 16 hexadecimal digits that this profile has for this folder alone. */
  readonly writer: string
  readonly madeAt: number
  /** From `about.json` on, in ascending order. */
  readonly lists: readonly BackupFile[]
  /** What has the same stamp as at this writer's last backup is not written again; `size` is a guess. */
  readonly entries: readonly { readonly name: string, readonly stamp: string, readonly size: number }[]
  /** The bytes of one of them, and the attachments that it names, by their hashes. */
  readonly entry: (name: string) => Promise<{ readonly bytes: Uint8Array, readonly files: readonly string[] }>
  /** `undefined`: it is not on this device. */
  readonly attachment: (hash: string) => Pick<BackupFile, 'size' | 'bytes'> | undefined
}

/**
 * Backups in files that anybody can open who has the key (docs/backup-format.md). Memory does not grow with the backup.
 * Rejects with PortError('backup-space' | 'backup-place' | 'backup-cancelled' | 'backup-malformed' | 'backup-newer' |
 * 'backup-key').
 */
export interface Archive {
  /** The public half of the backup identity of this secret. */
  recipientOf(secret: Secret): Promise<string>
  /**
   * Writes these files, whose names ascend and begin with `about.json`, and a manifest of them. What was at the place is
   * replaced at the very end, by a whole backup that is on the disk; nothing is left of one that was not finished.
   */
  write(place: Place, options: BackupWork & {
    readonly seal: BackupSeal, readonly files: AsyncIterable<BackupFile>
    /** About how large it will be: refused at once where there is no room for it. */
    readonly expectedBytes: number
  }): Promise<{ readonly bytes: number }>
  /** The same for something that is not sealed. */
  writePlain(place: Place, options: BackupWork & {
    readonly pieces: AsyncIterable<Uint8Array>, readonly expectedBytes: number
  }): Promise<{ readonly bytes: number }>
  /** Deletes what a process that was killed has left of such a file that it was writing to this place. */
  sweep(place: Place): Promise<void>
  /**
   * The files again, of a backup in one file or of the newest one in a folder (`backup`: of that one). Only when it has
   * come to its end without a refusal was the backup whole, every hash right, and nothing more or less in it than its
   * manifest says: so it is read to its end before anything of it is believed.
   */
  read(place: Place, key: BackupKey, options: BackupWork & { readonly backup?: string }): AsyncIterable<BackupFile>
  /** How many bytes there are to be read, at most. */
  measure(place: Place): Promise<number>
  /** How what lies at a place is opened; `nothing`: a folder without backups. */
  look(place: Place): Promise<'words' | 'passphrase' | 'nothing'>
  /** A key of type 'file' for this backup, so that it can be read several times, also later, without asking again. */
  unlock(place: Place, key: BackupKey): Promise<BackupKey>

  /** The backups in a folder, newest first. */
  list(place: Place): Promise<readonly { readonly backup: string, readonly madeAt: number, readonly writer: string }[]>
  /** Makes a folder one of backups, with a secret of its own that this seal keeps there; again with another seal. */
  begin(place: Place, options: { readonly secret: Secret, readonly seal: BackupSeal }): Promise<void>
  /** The secret of a folder that has one. */
  join(place: Place, key: BackupKey): Promise<Secret>
  /**
   * Adds a backup to a folder. Killed at any moment it leaves every earlier one as it was. `bytes`: what was written;
   * `total`: what the folder holds now.
   */
  add(place: Place, secret: Secret, content: FolderContent): Promise<{ readonly bytes: number, readonly total: number }>
  /**
   * Deletes old backups: of each writer the newest of each of the last seven days and four weeks that have one stay. Then
   * whatever none that is left needs; not while another device may be about to need it.
   */
  prune(place: Place, secret: Secret, now: number): Promise<void>
}

// ---------------------------------------------------------------- the rest

export interface Ui {
  /** Told after the commit, never before. Must not throw. */
  show(change: Change): void
}

/**
 * What happened in the program, for whoever looks for a fault in it. Only what main/events.ts has a kind for can be
 * noted. Kept within fixed bounds, written now and then; never throws, whatever the disk says.
 */
export interface Log {
  note(event: Event): void
  /** What an identifier is called in this run; the next one calls it otherwise, and nobody can go back from it. */
  alias(id: string): Alias
  /** The newest lines, after one about the program and these counts. */
  report(counts: Counts): readonly string[]
  /** Deletes what was kept: the profile was removed. */
  forget(): void
}
export type Counts = Pick<EventOf<'report'>, 'open' | 'conversations' | 'entries' | 'outbox' | 'publishing' | 'recovering'>

/** SHA-256 of what comes in parts. */
export type Digest = { readonly update: (bytes: Uint8Array) => void, readonly end: () => Uint8Array }

export type Ports = {
  readonly profile: string
  readonly version: string
  readonly deviceName: string
  /** 'Linux', 'macOS', 'Windows', or empty. */
  readonly platform: string
  readonly vault: Vault
  readonly delivery: Delivery
  readonly pairing: Pairing
  readonly archive: Archive
  readonly places: Places
  readonly scratch: () => Scratch
  readonly ui: Ui
  readonly suiteOf: SuiteOf
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly digest: () => Digest
  /**
   * Asks where to put a file of that name, and writes it: beside its place first, for nobody else to read, and renamed
   * when all of it is on the disk. False where no place was chosen. Rejects with PortError('save-full' | 'save-failed'),
   * and then nothing is left of it.
   */
  readonly saveFile: (name: string, pieces: Iterable<Uint8Array>) => Promise<boolean>
  /** How long nobody has touched this computer, in milliseconds; always 0 where the system does not say. */
  readonly idleMs: () => number
  /** Calls back after `delayMs`, once; gives the function that cancels it. */
  readonly after: (delayMs: number, run: () => void) => () => void
  readonly log: Log
  /** For what nobody handles: a bug. Gets no content and no secret. */
  readonly report: (error: unknown) => void
}

/** What a transition leaves behind when it was committed: the secrets to wipe. */
export const wipe = (secrets: readonly Secret[]): void => {
  for (const secret of secrets) secret.wipe()
}
