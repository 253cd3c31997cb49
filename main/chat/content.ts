import {
  choice, decode, encode, fixed, MlsError, opaque, openChoice, struct, uint16, uint32, uint64, uint8, utf8, vector,
  type Infer,
} from '../mls/index.ts'
import { milliseconds } from '../identity/fields.ts'
import { WireAttachments } from './attached.ts'

/**
 * What people say to each other, inside an MLS application message. It carries the semantics of the IETF MIMI content
 * format (draft-ietf-mimi-content: message ids, status reports), so that it can be mapped one to one.
 */

/** Bytes of the random id that a message keeps through every retry and on every device. */
export const contentIdLength = 16
export const nameLimit = 320
const textLimit = 80_000
const receiptLimit = 65_536
/** How many messages are taken back at once, and in bytes. */
export const removalCount = 100
const removalLimit = removalCount * contentIdLength

const ContentId = fixed(contentIdLength)

export const Body = openChoice(uint16, {
  /** Text as a person typed it. */
  text: [1, struct({ text: utf8(textLimit) })],
  /** The sender has accepted the conversation, and calls itself so. */
  hello: [2, struct({ name: utf8(nameLimit) })],
  /** The sender changed its name. */
  profile: [3, struct({ name: utf8(nameLimit) })],
  /** How the sender knows the others, for newcomers; each person's own word replaces it. */
  introductions: [4, struct({
    people: vector(struct({ accountId: fixed(32), name: utf8(nameLimit) }), 1_048_576),
  })],
  /** Status report (draft-ietf-mimi-content §Message Status Report): these messages are stored on the sender's device. */
  delivered: [5, struct({ messages: vector(ContentId, receiptLimit) })],
  /** A device of the sender's account shall not be let back in by a request of this incarnation or an earlier one. */
  veto: [6, struct({ deviceId: fixed(16), incarnation: uint64 })],
  /** To the own devices, in their own group (self-group.ts); it means nothing anywhere else. */
  own: [7, struct({ word: opaque(262_144) })],
  /** A text with what goes with it; `expiresAfter` in seconds, 0: never. Text alone is sent as `text`. */
  message: [8, struct({ text: utf8(textLimit), attachments: WireAttachments, expiresAfter: uint32 })],
  /** Messages of the sender's account are taken back, for everybody. */
  remove: [9, struct({ messages: vector(ContentId, removalLimit) })],
  /** What is said from now on goes so many seconds after it was said (0: never). The latest `at`, in milliseconds, counts. */
  timer: [10, struct({ seconds: uint32, at: milliseconds })],
  /** The sender closes the account: nothing comes from it any more. */
  closed: [11, struct({})],
}, 1_048_576)
export type Body = Infer<typeof Body>

/**
 * One message. `counter` is how many messages for people this device had sent in this conversation with this one: a
 * text has the next number and keeps it through every retry, anything else has that of the last text. So a receiver
 * knows exactly which ones did not arrive. `sentAt` is the sender's clock, milliseconds since 1970.
 */
export const Content = struct({
  version: uint8,
  id: ContentId,
  sentAt: uint64,
  /** The epoch in which these numbers began: 0, or when the device lost count. */
  numbering: uint64,
  /** The epoch in which the device came into the group, and the counter at that time. */
  joined: uint64,
  base: uint32,
  counter: uint32,
  body: Body,
})
export type Content = Infer<typeof Content>

export const contentVersion = 1

export const encodeContent = (content: Omit<Content, 'version'>): Uint8Array =>
  encode(Content, { version: contentVersion, ...content })

/** Throws `MlsError('malformed')`, or `MlsError('unsupported')` for a newer version. */
export const decodeContent = (bytes: Uint8Array): Content => {
  if (bytes[0] !== undefined && bytes[0] > contentVersion) {
    throw new MlsError('unsupported', 'a message in a newer format')
  }
  return decode(Content, bytes)
}

/** Is this one of the messages that counters count? */
export const isCounted = (body: Body): boolean => body.type === 'text' || body.type === 'message' || body.type === 'own'

/** How an item of the outbox waits. */
export const OutboxItem = struct({
  version: uint8,
  room: fixed(16),
  /** Sorts the items of one room. */
  position: uint64,
  id: ContentId,
  sentAt: uint64,
  /** 0 until it is encrypted for the first time, and for what is not counted. */
  counter: uint32,
  body: Body,
})
export type OutboxItem = Infer<typeof OutboxItem>

const appendTarget = choice(uint8, {
  /** Exact bytes of an encrypted message: `items` of the outbox, encrypted under `epoch` of `room`. */
  message: [1, struct({ room: fixed(16), epoch: uint64, items: vector(ContentId, receiptLimit) })],
  /** A proposal of this device for the epoch, e.g. to leave. */
  proposal: [2, struct({ room: fixed(16), epoch: uint64 })],
  /** The pending commit of a room. */
  commit: [3, struct({ room: fixed(16), epoch: uint64 })],
  /** Anything that stays right for ever: KeyPackages, Welcomes, the device log. */
  record: [4, struct({})],
})

/**
 * A record to be appended: exact bytes, so that every retry is the same record. `seq` is 0 until it was accepted; a
 * message or proposal stays until its own record was read back from the log.
 */
export const Publish = struct({
  version: uint8,
  position: uint64,
  log: utf8(100),
  /** Empty: no slot. */
  slot: utf8(100),
  bytes: opaque(4_194_304),
  seq: uint64,
  target: appendTarget,
})
export type Publish = Infer<typeof Publish>
