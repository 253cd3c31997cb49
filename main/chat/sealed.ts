import {
  decode, encode, expandWithLabel, exportSecret, fixed, MlsError, opaque, secret, struct, toHex, uint32, uint64,
  uint8, vector, type Group, type Infer, type Secret, type Suite,
} from '../mls/index.ts'

/**
 * Records of a group as the delivery service sees them: an epoch hint and random-looking bytes of a few fixed sizes.
 * Senders, kinds of message and sizes are inside; commit slots have names that only members of the epoch can compute.
 */

const sealedVersion = 1
const saltLength = 16

/** Version 1. The hint is the low 32 bits of the epoch under whose key the record is sealed. */
export const SealedRecord = struct({
  version: uint8,
  hint: uint32,
  salt: fixed(saltLength),
  ciphertext: opaque(4_194_304),
})

/** What is sealed: MLSMessages, a commit behind the proposals that it references. */
const Payload = vector(opaque(4_194_304), 4_194_304)
const AdditionalData = struct({ version: uint8, hint: uint32, salt: fixed(saltLength), log: opaque(100) })

/** The sealing key of one epoch, kept as long as the epoch's message keys. */
export const Seal = struct({ epoch: uint64, key: secret(32), endedAt: uint64 })
export type Seal = Infer<typeof Seal>
export const Seals = struct({ version: uint8, seals: vector(Seal, 65_536) })

export const hintOf = (epoch: bigint): number => Number(epoch & 0xffff_ffffn)

/** The epoch's sealing key: 32 bytes from the exporter (RFC 9420 §8.5). `endedAt` 0: the current epoch. */
export const sealOf = (group: Group): Seal => ({
  epoch: group.context.epoch,
  key: exportSecret(group, 'coppice seal', new Uint8Array(0), 32),
  endedAt: 0n,
})

/** The name of the epoch's commit slot for this attempt, which outsiders and removed members cannot compute. */
export const commitSlot = (group: Group, attempt: number): string => {
  const name = exportSecret(group, 'coppice slot', encode(uint8, attempt), 16)
  return `c.${toHex(name.unwrap())}`
}

/**
 * Sizes of the padded plaintext, in bytes: powers of two from 256 to 64 KiB, then multiples of 64 KiB. A text message
 * of ordinary length is always in the second one.
 */
export const bucketOf = (length: number): number => {
  const step = 65_536
  if (length > step) return Math.ceil(length / step) * step
  let bucket = 256
  while (bucket < length) bucket *= 2
  return bucket
}

/** Key and nonce of one record: never used for another, because the salt is random. */
const keysOf = (suite: Suite, key: Secret, salt: Uint8Array) => {
  const both = expandWithLabel(suite, key.unwrap(), 'coppice record', salt, suite.keyLength + suite.nonceLength)
  return { key: both.subarray(0, suite.keyLength), nonce: both.subarray(suite.keyLength) }
}

export function sealRecord(suite: Suite, seal: Seal, log: string, messages: readonly Uint8Array[]): Uint8Array {
  const payload = encode(Payload, messages)
  const padded = new Uint8Array(bucketOf(payload.length))
  padded.set(payload)
  const hint = hintOf(seal.epoch)
  const salt = suite.random(saltLength)
  const keys = keysOf(suite, seal.key, salt)
  const ciphertext = suite.seal(keys.key, keys.nonce, additionalData(hint, salt, log), padded)
  return encode(SealedRecord, { version: sealedVersion, hint, salt, ciphertext })
}

const additionalData = (hint: number, salt: Uint8Array, log: string): Uint8Array =>
  encode(AdditionalData, { version: sealedVersion, hint, salt, log: new TextEncoder().encode(log) })

/** Tells records apart: the first 8 bytes of their hash, hexadecimal. */
export const recordHash = (suite: Suite, bytes: Uint8Array): string => toHex(suite.hash(bytes).subarray(0, 8))

/** The epoch hint of a record, or `undefined` for bytes that are no sealed record of this version. */
export function hintIn(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== sealedVersion || bytes.length < 5) return undefined
  return decode(uint32, bytes.slice(1, 5))
}

/** The messages in a record. Throws `MlsError`: somebody without the epoch's key wrote it, or it was damaged. */
export function openRecord(suite: Suite, seal: Seal, log: string, bytes: Uint8Array): readonly Uint8Array[] {
  const record = decode(SealedRecord, bytes)
  if (record.version !== sealedVersion) throw new MlsError('unsupported', 'a record in another format')
  const keys = keysOf(suite, seal.key, record.salt)
  const padded = suite.open(keys.key, keys.nonce, additionalData(record.hint, record.salt, log), record.ciphertext)
  if (padded === undefined) throw new MlsError('malformed', 'a record that is not sealed under its epoch')
  return decode(PaddedPayload, padded).messages
}

/** The payload, then zeroes up to the bucket. */
const PaddedPayload = {
  write: () => { throw new MlsError('misuse', 'written by sealRecord') },
  read: (reader: Parameters<typeof Payload.read>[0]) => {
    const messages = Payload.read(reader)
    if (reader.bytes(reader.left).some((octet) => octet !== 0)) {
      throw new MlsError('malformed', 'the padding of a record is not zero')
    }
    return { messages }
  },
}

/** The name of a log of a group: `h` for commits, `m` for messages and proposals. */
export const groupLog = (kind: 'h' | 'm', log: string): string => `${kind}.${log}`

/** Where what is said in a conversation stands: its log, and those that it had before, as long as they matter. */
export const messageLogs = (
  room: { readonly log: string, readonly formerLogs: readonly { readonly log: string }[] } | undefined,
): readonly string[] =>
  room === undefined ? [] : [...room.formerLogs, room].map(({ log }) => groupLog('m', log))
