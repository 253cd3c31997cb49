import type { Secret } from '../mls/index.ts'
import type { Change, LockMinutes } from '../../preload/api.ts'
import type { Contact, Declined, OwnAccount, OwnInvite, TrustRecord, WantedEntry } from '../chat/documents.ts'
import type { Body, OutboxItem, Publish } from '../chat/content.ts'
import type { OwnKeyPackage } from '../chat/mail.ts'
import type { RoomStep } from '../chat/room.ts'
import type { StoredEntry, StoreWrite } from '../ports.ts'
import type { Kept } from './device-logs.ts'
import type { DeviceName } from './devices.ts'
import type { Wish } from './registers.ts'
import type { Documents } from './stored-rooms.ts'

/** What one input changes. All of it is committed in one transaction; only then memory, the window and the net follow. */
export type Transaction = {
  readonly steps?: readonly RoomStep[]
  /** Entries changed beside the steps, by id. */
  readonly entries?: readonly StoredEntry[]
  /** The same of the past, which nobody is told of: there may be very many. */
  readonly past?: readonly StoredEntry[]
  /** Items of the outbox as they are from now on. */
  readonly outbox?: readonly OutboxItem[]
  readonly removedRooms?: readonly string[]
  readonly account?: OwnAccount
  /** Device logs as they were read, this account's own among them. */
  readonly deviceLogs?: readonly (Kept & { readonly accountId: string })[]
  readonly wantedEntries?: readonly WantedEntry[]
  /** How far linking another device has come (chat/linking.ts); without bytes: nothing of it stays. */
  readonly linking?: { readonly bytes: Uint8Array | undefined }
  readonly removedWanted?: readonly number[]
  readonly deviceNames?: readonly (DeviceName & { readonly deviceId: string })[]
  readonly lockAfter?: LockMinutes
  readonly cardContent?: string
  readonly contacts?: readonly Contact[]
  readonly invites?: readonly OwnInvite[]
  readonly trust?: readonly TrustRecord[]
  readonly keyPackages?: readonly OwnKeyPackage[]
  readonly removedKeyPackages?: readonly string[]
  readonly declined?: readonly Declined[]
  readonly say?: readonly {
    readonly room: string, readonly id?: Uint8Array, readonly counter?: number, readonly body: Body
  }[]
  readonly publish?: readonly NewPublish[]
  readonly removedOutbox?: readonly string[]
  readonly removedPublish?: readonly string[]
  readonly cursors?: readonly { readonly log: string, readonly seq: number }[]
  readonly wipe?: readonly Secret[]
  /** What own devices shall keep alike, beside what the rest of this changes (own-words.ts). */
  readonly registers?: readonly Wish[]
  readonly documents?: Documents
  readonly pieces?: StoreWrite['pieces']
  readonly renamedAttachments?: StoreWrite['renamedAttachments']
  readonly removedAttachments?: StoreWrite['removedAttachments']
  /** What follows in memory. */
  readonly then?: readonly (() => void)[]
  readonly notice?: Change['notice']
}

export type NewPublish = Pick<Publish, 'log' | 'slot' | 'bytes' | 'target'>
