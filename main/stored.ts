/** What a profile keeps, and the port that keeps it. */
import type { GroupParts } from './mls/index.ts'
import type { Entry } from '../preload/api.ts'

/** Small records by kind and key; the bytes are a Codec's of `chat/`, each with a leading version. */
export type DocumentKind =
  | 'account' | 'room' | 'people' | 'seals' | 'pending' | 'waiting' | 'outbox' | 'publish' | 'contact' | 'invite'
  | 'key-package' | 'declined' | 'setting' | 'passed' | 'heard' | 'seen' | 'trust'
  | 'device-log' | 'wanted-entry' | 'device-name' | 'linking' | 'register' | 'missing' | 'transfer'
  | 'upload' | 'fetch' | 'backup' | 'restore'

/** An Entry as it is kept: with what only the main process needs. */
export type StoredEntry = Entry & {
  readonly deliveredBy?: readonly string[]
  /** The number of a message among those of its device (chat/content.ts), and which device that is. */
  readonly counter?: number
  readonly sender?: { readonly deviceId: string, readonly group: string, readonly numbering: string }
  /** Of each attachment, in their order: where its bytes lie on the log, and the key that opens them (chat/blob.ts). */
  readonly blobs?: readonly { readonly blob: string, readonly key: string }[]
  /** Of a gap: the messages that are missing there, from that number on, and the orders that are kept free for them. */
  readonly hole?: { readonly deviceId: string, readonly group: string, readonly numbering: string, readonly from: number
    readonly order: number, readonly size: number }
}

export type GroupState = {
  readonly head: Uint8Array
  readonly nodes: ReadonlyMap<number, Uint8Array>
  readonly ratchets: ReadonlyMap<string, Uint8Array>
}

/** What one input changes: everything in one transaction, or nothing. Lists are applied in the order of the fields. */
export type StoreWrite = {
  /** `bytes` undefined: delete. */
  readonly documents?: readonly { readonly kind: DocumentKind, readonly key: string,
    readonly bytes: Uint8Array | undefined }[]
  /** `parts` undefined: delete the group and all its secrets. Else upsert what is there, delete what is undefined. */
  readonly groups?: readonly { readonly group: string, readonly parts: GroupParts | undefined }[]
  /** Inserted or replaced by id. */
  readonly entries?: readonly StoredEntry[]
  readonly removedEntries?: readonly string[]
  /** Deletes every entry of these conversations. */
  readonly clearedConversations?: readonly string[]
  readonly cursors?: readonly { readonly log: string, readonly seq: number }[]
  /** Pieces of attachments, inserted or replaced; `size` is that of the whole attachment. */
  readonly pieces?: readonly {
    readonly hash: string, readonly piece: number, readonly bytes: Uint8Array, readonly size: number
  }[]
  /** What was kept under a name of its own until its hash was known; one that is there already stays. */
  readonly renamedAttachments?: readonly { readonly from: string, readonly to: string }[]
  readonly removedAttachments?: readonly string[]
}

/** Bytes of a piece of an attachment; the last one may have fewer, and an empty attachment has one without any. */
export const pieceBytes = 262_144
export const piecesOf = (size: number): number => Math.max(1, Math.ceil(size / pieceBytes))

/** A thousand orders of a conversation, from `1000 * segment`; `stamp` is another after each change. */
export type Segment = {
  readonly conversation: string, readonly segment: number, readonly stamp: string
  /** About how many bytes its entries are. */
  readonly size: number
}

/** A store for a while: its file is gone after `discard`, or at the next start if that never came. */
export type Scratch = { readonly store: Store, readonly discard: () => void }

/** What is looked for, and in which conversations not. */
export type Wanted = { readonly text: string, readonly limit: number, readonly except?: ReadonlySet<string> }

/**
 * One profile's encrypted file. Synchronous: a transition and its transaction interleave with nothing. What is deleted
 * is gone from the file (secure delete). Throws PortError('store-full' | 'store-damaged' | 'store-read-only'); after a
 * refusal the file is as it was before. Once closed it throws PortError('not-ready').
 */
export interface Store {
  /** Writes all of it durably (synchronous=FULL), or throws and writes nothing. */
  commit(write: StoreWrite): void
  document(kind: DocumentKind, key: string): Uint8Array | undefined
  documents(kind: DocumentKind): readonly { readonly key: string, readonly bytes: Uint8Array }[]
  group(id: string): GroupState | undefined
  entry(id: string): StoredEntry | undefined
  /** Which of these entries are here. */
  present(ids: readonly string[]): ReadonlySet<string>
  /** The newest `limit` entries with a smaller order (0: of all), oldest first. */
  entriesBefore(conversation: string, before: number, limit: number): readonly StoredEntry[]
  /** How many received messages of a conversation have a greater order. */
  unreadAfter(conversation: string, order: number): number
  /** The greatest order in a conversation; 0 where there is none. */
  lastOrder(conversation: string): number
  /** All that hold an entry, by conversation and number, ascending. */
  segments(): readonly Segment[]
  /** The entries of one, oldest first. */
  entriesIn(conversation: string, segment: number): readonly StoredEntry[]
  /**
   * The newest messages with each word of a text, or words that begin with them (main/words.ts), newest first.
   * What is deleted or replaced is found no more, from the same transaction on.
   */
  search(wanted: Wanted): readonly StoredEntry[]
  /** Messages whose `expiresAt` is not after a time, the oldest first. */
  expired(now: number, limit: number): readonly StoredEntry[]
  /** The next `expiresAt` of any message. */
  nextExpiry(): number | undefined
  /** How far a log was read; 0 at the beginning. */
  cursor(log: string): number
  /**
   * Attachments are kept by the hash of their bytes, once however many entries name them (`attachments` of a message).
   * One goes in the transaction in which the last entry goes that named it; one that none has named yet stays.
   */
  piece(hash: string, piece: number): Uint8Array | undefined
  /** Only when all of it is here. */
  attachment(hash: string): { readonly size: number, readonly pieces: number } | undefined
  /** Of all attachments together. */
  attachmentBytes(): number
  /** How many pieces of an attachment are here. */
  heldPieces(hash: string): number
  /** Ids of the entries that name it, whether it is here or not. */
  entriesNaming(hash: string): readonly string[]
  /** Hashes of what is here, whole or not, and named by no entry. */
  unnamedAttachments(): readonly string[]
  close(): void
}

/**
 * What can still be read of a profile that cannot be opened: a copy, so that nothing in the profile changes. What lies
 * on a damaged page is left out of `documents`, is `undefined` as a document, and is a gap in the timeline.
 */
export type Reading = Pick<Store, 'document' | 'documents' | 'entriesBefore' | 'close'> & {
  /** Of which there are entries, whether their own documents are left or not. */
  readonly conversations: () => readonly string[]
}
