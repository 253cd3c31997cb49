import {
  choice, decode, decodePending, encode, encodePending, KeyPackage, KeyPackagePrivate, LeafIndex, LeafNode, MlsError,
  opaque, Proposal, Secret, secret, Sender, struct, uint32, uint64, uint8, utf8, vector, optional,
  type AppliedCommit, type Codec, type Group, type Infer, type SuiteOf,
} from '../mls/index.ts'
import type { ChangeReason, Closing, LockMinutes, Person, Trust } from '../../preload/api.ts'
import { pathBytes } from '../identity/credential.ts'
import { Operation, SignedEntry } from '../identity/entry.ts'
import { IdentitySignature } from '../identity/genesis.ts'
import { OutboxItem, Publish } from './content.ts'
import type { Heard } from './heard.ts'
import { emptyRoom, type Member, type PendingCommit, type Room, type Waiting } from './room.ts'
import { decodeMail, type OwnKeyPackage } from './mail.ts'
import { Seals, type Seal } from './sealed.ts'
import type { Register } from './self-group.ts'

/** How the documents of the store are encoded: cryptographic state as codecs, plain data as JSON, all versioned. */

const documentLimit = 268_435_456

/** `before`: what a document of an earlier version of the app did not say. */
const json = <T extends { readonly version: 1 }>(what: string, before?: T) => ({
  encode: (value: T): Uint8Array => new TextEncoder().encode(JSON.stringify(value)),
  /** Throws `MlsError`: a document of another version, or a damaged one. */
  decode: (bytes: Uint8Array): T => {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as { readonly version?: unknown }
    if (value.version !== 1) throw new MlsError('unsupported', `a ${what} of another version`)
    return { ...before, ...value as T }
  },
})

export const roomDocument = json<Room>('conversation', emptyRoom('', 0))
export const membersDocument = json<{ readonly version: 1, readonly members: readonly Member[] }>('list of members')

export const heardDocument = json<Heard>('record of what was heard')

/** When a device was heard of in a conversation, and when its leaf there got new keys (0: not known). */
export const sightingDocument = json<{ readonly version: 1, readonly at: number, readonly healedAt: number }>(
  'sighting', { version: 1, at: 0, healedAt: 0 })

/** What own devices keep alike. */
export const registerDocument = json<Register>('register')

/** A request that was declined, and who was in it: to this person they stay strangers. */
export type Declined = { readonly id: string, readonly people: readonly string[] }
const declinedBody = json<{ readonly version: 1, readonly people: readonly string[] }>('declined request')
export const declinedDocument = {
  encode: ({ people }: Declined): Uint8Array => declinedBody.encode({ version: 1, people }),
  /** Who was in it. Earlier versions of the app kept one octet, and nobody. */
  people: (bytes: Uint8Array): readonly string[] => bytes.length === 1 ? [] : declinedBody.decode(bytes).people,
}

/** Messages that another own device asks for, by their numbers. `numbering` is decimal. */
export type MissingRecord = {
  readonly version: 1
  readonly group: string
  readonly deviceId: string
  readonly numbering: string
  readonly from: number
  readonly to: number
}
export const missingDocument = json<MissingRecord>('list of what is missing')

/**
 * An attachment that goes to the log: so many of its chunks are there. `send`: its message waits for it. `again`: another
 * own device has asked for it.
 */
export type Upload = { readonly version: 1, readonly why: 'send' | 'again', readonly done: number }
export const uploadDocument = json<Upload>('upload')
/** An attachment that is fetched; all else stands in its entry. */
export const fetchDocument = json<{ readonly version: 1 }>('fetch')

/** What its owner calls a device. */
export const deviceNameDocument =
  json<{ readonly version: 1, readonly name: string, readonly platform: string }>('device name')

/** A person this device knows: the name, and whether it is their own word. */
export type Contact = { readonly version: 1, readonly accountId: string, readonly name: string, readonly own: boolean }
export const contactDocument = json<Contact>('contact')

/**
 * What this person knows of an account beside its name. `at`: when `trust` became so. `byInvite`: met by an invite of
 * theirs. `seen`: alarms that were raised once, so that looking at one is enough.
 */
export type TrustRecord = {
  readonly version: 1
  readonly accountId: string
  readonly trust: Trust
  readonly why?: ChangeReason | undefined
  readonly at: number
  readonly byInvite: boolean
  readonly seen: readonly string[]
}
export const trustDocument = json<TrustRecord>('trust')

/** As the window sees it; of whom nothing is kept, nobody has compared anything. */
export const tellTrust = (record: TrustRecord | undefined): Pick<Person, 'trust' | 'why' | 'byInvite'> => ({
  trust: record?.trust ?? 'new', byInvite: record?.byInvite ?? false,
  ...record?.why === undefined ? {} : { why: record.why },
})

/** An invite of this person: its token is the key under which it is kept. `madeAt`: 0 where no version said it yet. */
export type OwnInvite = {
  readonly version: 1, readonly token: string, readonly expiresAt: number
  readonly madeAt: number, readonly uses: number, readonly withdrawn: boolean
}
export const inviteDocument = json<OwnInvite>('invite', {
  version: 1, token: '', expiresAt: 0, madeAt: 0, uses: 0, withdrawn: false,
})

/** After how many minutes without input the app locks; 0: never. */
export const lockDocument = json<{ readonly version: 1, readonly afterMinutes: LockMinutes }>('lock setting')

/** How far closing the account is (main/app/closing.ts), and the conversations that are told. */
export type ClosingRecord = {
  readonly version: 1
  readonly step: Closing['at']
  readonly rooms: readonly string[]
}
export const closingDocument = json<ClosingRecord>('closing of an account')

/** When this device first read that another one came back by the 24 words (main/app/returned.ts). */
export const returnedDocument = json<{ readonly version: 1, readonly at: number }>('record of a device that came back')

/** Whose history this account has taken in, because its person had a backup and not the words (main/app/restore.ts). */
export const formerDocument = json<{ readonly version: 1, readonly accountId: string }>('record of a former account')

/** What the newest recovery card of this device says, as a digest. */
export const cardDocument = json<{ readonly version: 1, readonly content: string }>('recovery card')

const version = 1
const versioned = (bytes: Uint8Array): Uint8Array => {
  if (bytes[0] !== version) throw new MlsError('unsupported', 'a document of another version')
  return bytes
}

export const encodeSeals = (seals: readonly Seal[]): Uint8Array => encode(Seals, { version, seals })
export const decodeSeals = (bytes: Uint8Array): readonly Seal[] => decode(Seals, versioned(bytes)).seals

const WaitingRecords = struct({
  version: uint8,
  records: vector(struct({ seq: uint64, hint: uint32, bytes: opaque(65_536) }), documentLimit),
})
export const encodeWaiting = (waiting: readonly Waiting[]): Uint8Array =>
  encode(WaitingRecords, { version, records: waiting.map((one) => ({ ...one, seq: BigInt(one.seq) })) })
export const decodeWaiting = (bytes: Uint8Array): readonly Waiting[] =>
  decode(WaitingRecords, versioned(bytes)).records.map((one) => ({ ...one, seq: Number(one.seq) }))

const Applied: Codec<AppliedCommit> = struct({
  committer: LeafIndex,
  committerLeaf: LeafNode,
  external: flagCodec(),
  authenticatedData: opaque(documentLimit),
  proposals: vector(struct({ proposal: Proposal, sender: Sender, byReference: flagCodec() }), documentLimit),
  added: vector(struct({ index: LeafIndex, leafNode: LeafNode }), documentLimit),
  removed: vector(struct({ index: LeafIndex, leafNode: LeafNode }), documentLimit),
  updated: vector(struct({ index: LeafIndex, before: LeafNode, after: LeafNode }), documentLimit),
  extensionsChanged: flagCodec(),
  selfRemoved: flagCodec(),
})

function flagCodec(): Codec<boolean> {
  return {
    write: (writer, value) => { uint8.write(writer, value ? 1 : 0) },
    read: (reader) => uint8.read(reader) === 1,
  }
}

const pendingFields = {
  version: uint8,
  epoch: uint64,
  slot: utf8(100),
  bytes: opaque(documentLimit),
  next: secret(documentLimit),
  applied: Applied,
}

/** Version 1 had the Welcome in each mail. */
const FirstPendingDocument = struct({
  ...pendingFields, mails: vector(struct({ log: utf8(100), bytes: opaque(documentLimit) }), documentLimit),
})
const PendingDocument = struct({
  ...pendingFields,
  welcome: opaque(documentLimit),
  mails: vector(struct({
    log: utf8(100), tokenProof: opaque(64), commitsAfter: uint64, messagesAfter: uint64,
  }), documentLimit),
})
const pendingVersion = 2

/** `group` is the current epoch, as it is stored in the same transaction. */
export function encodePendingCommit(group: Group, pending: PendingCommit): Uint8Array {
  const next = new Secret(encodePending(group, pending.next))
  const bytes = encode(PendingDocument, { ...pending, version: pendingVersion, next })
  next.wipe()
  return bytes
}

export function decodePendingCommit(suiteOf: SuiteOf, group: Group, bytes: Uint8Array): PendingCommit {
  const { version: _, next, ...rest } = bytes[0] === pendingVersion ? decode(PendingDocument, bytes) : firstPending(bytes)
  const pending = { ...rest, next: decodePending(suiteOf, group, next.unwrap()) }
  next.wipe()
  return pending
}

function firstPending(bytes: Uint8Array): Infer<typeof PendingDocument> {
  const { mails, ...rest } = decode(FirstPendingDocument, versioned(bytes))
  const sent = mails.flatMap(({ log, bytes: mail }) => {
    const read = decodeMail(mail)
    return read.type === 'welcome' ? [{ log, ...read }] : []
  })
  return {
    ...rest, welcome: sent[0]?.welcome ?? new Uint8Array(0),
    mails: sent.map(({ log, tokenProof, commitsAfter, messagesAfter }) => ({ log, tokenProof, commitsAfter, messagesAfter })),
  }
}

export const encodeOutboxItem = (item: Omit<OutboxItem, 'version'>): Uint8Array =>
  encode(OutboxItem, { version, ...item })
export const decodeOutboxItem = (bytes: Uint8Array): OutboxItem => decode(OutboxItem, versioned(bytes))
export const encodePublish = (publish: Omit<Publish, 'version'>): Uint8Array => encode(Publish, { version, ...publish })
export const decodePublish = (bytes: Uint8Array): Publish => decode(Publish, versioned(bytes))

const KeyPackageDocument = struct({
  version: uint8, keyPackage: KeyPackage, privateKeys: KeyPackagePrivate, lastResort: flagCodec(),
  claimed: flagCodec(),
})
export const encodeOwnKeyPackage = (own: OwnKeyPackage): Uint8Array => encode(KeyPackageDocument, { version, ...own })
export const decodeOwnKeyPackage = (reference: string, bytes: Uint8Array): OwnKeyPackage => {
  const { version: _, ...own } = decode(KeyPackageDocument, versioned(bytes))
  return { reference, ...own }
}

const recoveryState = choice(uint8, { waiting: [1, struct({})], later: [2, struct({})], confirmed: [3, struct({})] })

/** Version 1 knew the first device of an account alone. */
const FirstAccountDocument = struct({
  version: uint8, name: utf8(320), createdAt: uint64, genesis: opaque(4_096), deviceId: opaque(16),
  devicePublicKey: opaque(64), devicePrivateKey: secret(64), recoverySeed: optional(secret(32)),
  recoverySealKey: opaque(64), recoveryCardName: opaque(32), recovery: recoveryState,
})

/**
 * The account on this device. The recovery seed is kept, under the store's encryption, until its owner has confirmed
 * the words; then it is forgotten.
 */
export const AccountDocument = struct({
  version: uint8,
  name: utf8(320),
  createdAt: uint64,
  genesis: opaque(4_096),
  deviceId: opaque(16),
  devicePublicKey: opaque(64),
  devicePrivateKey: secret(64),
  /** The certificate path of the device's key; empty for the first device. */
  path: vector(SignedEntry, pathBytes),
  /** Signature keys that were replaced, as long as a group still knows this device by one of them. */
  formerKeys: vector(struct({ publicKey: opaque(64), privateKey: secret(64) }), 65_536),
  /** The one that is to take the place of the present one. */
  nextKey: optional(struct({ publicKey: opaque(64), privateKey: secret(64) })),
  /** What the device is called; empty: as the computer is. */
  deviceName: utf8(320),
  platform: utf8(40),
  recoverySeed: optional(secret(32)),
  /** Of a recovery key that is to take the place of the one in force. */
  nextRecoverySeed: optional(secret(32)),
  /** What stays when the seed is forgotten: where things are sealed that the words open, and the recovery card's name. */
  recoverySealKey: opaque(64),
  recoveryCardName: opaque(32),
  recovery: recoveryState,
})
export type AccountDocument = Infer<typeof AccountDocument>
const accountVersion = 2

/** What the app keeps of it in memory. */
export type OwnAccount = Omit<AccountDocument, 'version'>
export const encodeAccount = (account: OwnAccount): Uint8Array =>
  encode(AccountDocument, { ...account, version: accountVersion })
export function decodeAccount(bytes: Uint8Array): OwnAccount {
  if (bytes[0] === accountVersion) return withoutVersion(decode(AccountDocument, bytes))
  const first = withoutVersion(decode(FirstAccountDocument, versioned(bytes)))
  return { ...first, path: [], formerKeys: [], deviceName: '', platform: '', nextKey: undefined, nextRecoverySeed: undefined }
}

const withoutVersion = <T extends { readonly version: number }>({ version: _, ...rest }: T): Omit<T, 'version'> => rest

/** What is kept of an account's device log: the records that tell something, in its order. */
const DeviceLogDocument = struct({ version: uint8, records: vector(opaque(4_096), documentLimit) })
export const encodeDeviceLog = (records: readonly Uint8Array[]): Uint8Array =>
  encode(DeviceLogDocument, { version, records })
export const decodeDeviceLog = (bytes: Uint8Array): readonly Uint8Array[] =>
  decode(DeviceLogDocument, versioned(bytes)).records

/** What this device wants the log of its own account to say; `signed` once it was its turn. */
const WantedEntryDocument = struct({
  version: uint8, position: uint32, operation: Operation, possession: optional(IdentitySignature),
  signed: optional(SignedEntry),
})
export type WantedEntry = Omit<Infer<typeof WantedEntryDocument>, 'version'>
export const encodeWantedEntry = (wanted: WantedEntry): Uint8Array =>
  encode(WantedEntryDocument, { version, ...wanted })
export const decodeWantedEntry = (bytes: Uint8Array): WantedEntry =>
  withoutVersion(decode(WantedEntryDocument, versioned(bytes)))
