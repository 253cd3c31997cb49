import {
  decode, encode, fixed, MlsError, openChoice, secret, struct, uint16, uint32, uint64, utf8, vector, type Infer,
} from '../mls/index.ts'
import { milliseconds } from '../identity/fields.ts'
import { Body } from './content.ts'

/**
 * What the devices of one person tell each other, in a group of their own that has no other members (policy.ts): what
 * was read and typed, names, how conversations are kept, messages that one of them lacks, where history lies.
 */

const DeviceId = fixed(16)
const GroupId = fixed(16)
const wordLimit = 262_144

/**
 * Something that all own devices keep alike, by its key; the value is JSON. The last writer wins (`isLater`). `time` is
 * the writer's clock, and later than any value of that key it knew: so a clock that is wrong cannot shut others out.
 */
export const RegisterWord = struct({
  key: utf8(200), value: utf8(100_000), time: milliseconds, deviceId: DeviceId,
})
export type RegisterWord = Infer<typeof RegisterWord>

/** Messages of a device, by their numbers (content.ts), both ends included. */
const Missing = struct({ group: GroupId, deviceId: DeviceId, numbering: uint64, from: uint32, to: uint32 })
export type Missing = Infer<typeof Missing>

const FoundMessage = struct({
  id: fixed(16), counter: uint32, from: fixed(32), sentAt: milliseconds, text: utf8(80_000), people: uint32,
  devices: uint32,
})
export type FoundMessage = Infer<typeof FoundMessage>

const Found = struct({
  group: GroupId, deviceId: DeviceId, numbering: uint64, messages: vector(FoundMessage, wordLimit),
})
export type Found = Infer<typeof Found>

/** The same for what is more than text, which devices of before do not know. */
const FoundBody = struct({
  id: fixed(16), counter: uint32, from: fixed(32), sentAt: milliseconds, body: Body, people: uint32, devices: uint32,
})
export type FoundBody = Infer<typeof FoundBody>
const FoundMore = struct({
  group: GroupId, deviceId: DeviceId, numbering: uint64, messages: vector(FoundBody, wordLimit),
})

/** Attachments of entries, by their places in them. */
const Spots = struct({ spots: vector(struct({ entry: utf8(100), index: uint16 }), wordLimit) })

/** Where a new device finds the past: sealed chunks in the slots of `b.<id>` (main/app/transfer.ts). */
const HistoryOffer = struct({ to: DeviceId, id: fixed(16), key: secret(32), entries: uint32 })
export type HistoryOffer = Infer<typeof HistoryOffer>

const OwnWord = openChoice(uint16, {
  registers: [1, struct({ registers: vector(RegisterWord, wordLimit) })],
  /** Something that was said here did not arrive: say all of it. */
  again: [2, struct({})],
  lost: [3, Missing],
  found: [4, Found],
  history: [5, HistoryOffer],
  /** All of it is stored on the new device. */
  historyDone: [6, struct({ id: fixed(16) })],
  /** It cannot be read, or is not there any more. */
  historyBroken: [7, struct({ id: fixed(16) })],
  foundMore: [16, FoundMore],
  /** They are not on the log any more: whoever has them puts them there again. */
  filesWanted: [17, Spots],
  filesThere: [18, Spots],
}, wordLimit)
export type OwnWord = Infer<typeof OwnWord>

/** `by`: the device that said it, lower-case hexadecimal. */
export type SaidWord = OwnWord & { readonly by: string }

export const ownBody = (word: OwnWord): Body => ({ type: 'own', word: encode(OwnWord, word) })

/** Nothing for bytes that make no sense here: of a later version. */
export function wordIn(bytes: Uint8Array): readonly OwnWord[] {
  try {
    return [decode(OwnWord, bytes)]
  } catch (error) {
    if (error instanceof MlsError) return []
    throw error
  }
}

/** A value as a device keeps it. `sent`: the others were told, or told this one. */
export type Register = {
  readonly version: 1
  readonly value: string
  readonly time: number
  readonly deviceId: string
  readonly sent: boolean
}

/** The same on every device, in whatever order they come. */
export const isLater = (one: Pick<Register, 'time' | 'deviceId'>, other: Pick<Register, 'time' | 'deviceId'>): boolean =>
  one.time === other.time ? one.deviceId > other.deviceId : one.time > other.time

/** A record waits for its epoch only up to a size (receive.ts): so no word is much longer than this. */
const wordBytes = 24_000

/** Lists that fit into one word each. */
export function inWords<T>(items: readonly T[], sizeOf: (item: T) => number): readonly (readonly T[])[] {
  const words: T[][] = []
  let left = 0
  for (const item of items) {
    const size = sizeOf(item)
    const word = words.at(-1)
    if (word === undefined || size > left) {
      words.push([item])
      left = wordBytes - size
    } else {
      word.push(item)
      left -= size
    }
  }
  return words
}
