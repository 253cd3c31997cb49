import {
  choice, decode, encode, fixed, MlsError, names, Secret, secret, struct, uint32, uint64, uint8, utf8,
  type Infer, type Suite,
} from '../mls/index.ts'
import { milliseconds } from '../identity/fields.ts'
import type { StoredEntry } from '../ports.ts'
import { tellEntry, type Room, type RoomState } from './room.ts'

/**
 * The past, for a new device: chunks of JSON Lines, each sealed under a key of this transfer alone, in the slots of a log
 * that only the own devices know. Newest first within a conversation, so that what matters is there soon.
 */

const flag = names(uint8, { no: 0, yes: 1 })

/** Where a transfer stands on this device, so that it goes on after any end of the program. */
export const Transfer = struct({
  version: uint8,
  id: fixed(16),
  key: secret(32),
  /** The device that gets it, or gave it. */
  device: fixed(16),
  startedAt: milliseconds,
  done: uint32,
  of: uint32,
  /** The next one to be made, or to be read. */
  chunk: uint32,
  role: choice(uint8, {
    /** `room`, `before`: how far conversations were gone through, first to count, then to seal. */
    elder: [1, struct({ since: milliseconds, counted: flag, sealed: flag, room: utf8(32), before: uint64 })],
    new: [2, struct({})],
  }),
})
export type Transfer = Infer<typeof Transfer>
export type ElderTransfer = Transfer & { readonly role: Extract<Transfer['role'], { type: 'elder' }> }

export const encodeTransfer = (transfer: Transfer): Uint8Array => encode(Transfer, transfer)
export function decodeTransfer(bytes: Uint8Array): Transfer {
  if (bytes[0] !== 1) throw new MlsError('unsupported', 'a transfer of another version')
  return decode(Transfer, bytes)
}

export const blobLog = (id: string): string => `b.${id}`

/** In bytes of JSON; and how many entries are looked at at once. */
export const chunkBytes = 500_000
export const chunkEntries = 500

/** A conversation as it stands above its entries. */
export type PastRoom = Pick<Room, 'id' | 'kind' | 'name' | 'peer' | 'admins' | 'membersMayAdd' | 'at' | 'last'> & {
  readonly state: 'left' | 'removed', readonly members: readonly string[]
}
export type PastEntry = StoredEntry & { readonly read: boolean }
export type Chunk = { readonly room: PastRoom | undefined, readonly last: boolean, readonly entries: readonly PastEntry[] }

export const pastRoom = ({ room, members }: RoomState): PastRoom => ({
  id: room.id, kind: room.kind, name: room.name, peer: room.peer, admins: room.admins, membersMayAdd: room.membersMayAdd,
  at: room.at, last: room.last, state: room.state === 'removed' ? 'removed' : 'left',
  members: members.map(({ accountId }) => accountId),
})

/** What of an entry goes along; nothing of one that has not been sent, which the new device gets like everybody else. */
export function pastEntry(entry: StoredEntry, readUpTo: number): PastEntry | undefined {
  if (entry.kind === 'message' && (entry.state === 'sending' || entry.state === 'failed')) return undefined
  const { counter, sender, deliveredBy, blobs } = entry
  return {
    ...tellEntry(entry), ...blobs === undefined ? {} : { blobs }, read: entry.order <= readUpTo,
    ...counter === undefined ? {} : { counter }, ...sender === undefined ? {} : { sender },
    ...deliveredBy === undefined ? {} : { deliveredBy },
  }
}

const nonceOf = (suite: Suite, chunk: number): Uint8Array => {
  const nonce = new Uint8Array(suite.nonceLength)
  nonce.set(encode(uint32, chunk), suite.nonceLength - 4)
  return nonce
}
const additionalData = (id: Uint8Array, chunk: number): Uint8Array =>
  encode(struct({ version: uint8, id: fixed(16), chunk: uint32 }), { version: 1, id, chunk })

type Place = Pick<Transfer, 'id' | 'key' | 'chunk'>

/** Each number is sealed once: what is to be sent is stored with the number of the next. */
export function sealChunk(suite: Suite, { id, key, chunk }: Place, { room, last, entries }: Chunk): Uint8Array {
  const lines = [{ version: 1, room, last }, ...entries].map((line) => JSON.stringify(line)).join('\n')
  return suite.seal(key.unwrap(), nonceOf(suite, chunk), additionalData(id, chunk), new TextEncoder().encode(lines))
}

/** Throws `MlsError` for bytes that this transfer's elder did not seal for this place. */
export function openChunk(suite: Suite, { id, key, chunk }: Place, bytes: Uint8Array): Chunk {
  const lines = suite.open(key.unwrap(), nonceOf(suite, chunk), additionalData(id, chunk), bytes)
  if (lines === undefined) throw new MlsError('malformed', 'a chunk of the past that nobody sealed')
  const [head, ...entries] = new TextDecoder().decode(lines).split('\n').map((line) => JSON.parse(line) as unknown)
  const { version, room, last } = head as Omit<Chunk, 'entries'> & { readonly version: number }
  if (version !== 1) throw new MlsError('unsupported', 'a chunk of the past in a newer format')
  return { room, last, entries: entries as PastEntry[] }
}

export const newKey = (suite: Suite): Secret => new Secret(suite.random(suite.keyLength))
