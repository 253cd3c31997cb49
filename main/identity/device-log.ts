import { choice, decode, equal, MlsError, struct, toHex, uint8, type Infer, type Suite } from '../mls/index.ts'
import { applyEntry, applyTo, draftOf, firstStanding, refusalOf, type EntryRefusal, type Standing } from './devices.ts'
import {
  entryHash, follows, headAfter, issuerSigned, newKeySigned, SignedEntry, type Entry, type LogHead,
} from './entry.ts'
import { versioned } from './fields.ts'
import { accountIdFor, SignedGenesis, verifyGenesis } from './genesis.ts'

/**
 * The device log `u.<account>`: the genesis, then a hash chain of entries. Anybody can append rubbish to it, so the
 * log order decides: the first valid entry for a number stands, everything else is ignored, with a reason.
 */

/** Version 1: one record of the log. */
export const DeviceLogRecord = versioned(1, choice(uint8, {
  genesis: [0, struct({ signed: SignedGenesis })],
  entry: [1, struct({ signed: SignedEntry })],
}))
export type DeviceLogRecord = Infer<typeof DeviceLogRecord>

/**
 * - `newer`: in a later format. `other-account`: a genesis that this account's id is not the hash of.
 * - `no-genesis`: an entry before the genesis. `duplicate`: what stands already.
 * - `late`: another entry has that number (a lost race: its issuer tries again). `early`: entries before it are
 *   missing. `previous-hash`: it continues another history.
 * - `signature`, `possession`: not signed by the issuer, or by the new key. Else see `EntryRefusal`.
 */
export type IgnoredReason =
  | 'malformed' | 'newer' | 'other-account' | 'genesis-signature' | 'no-genesis' | 'duplicate' | 'late' | 'early'
  | 'previous-hash' | 'signature' | 'possession' | EntryRefusal

/** Two different entries with one number, both signed by a key that was in force: proof that its owner lies. */
export type Equivocation = { readonly first: SignedEntry, readonly second: SignedEntry }

export type DeviceLog = Standing & {
  /** Lower-case hexadecimal. */
  readonly accountId: string
  readonly genesis: SignedGenesis
  /** Entry n stands at n - 1. Entries that a revocation took back are among them: the chain needs them. */
  readonly entries: readonly SignedEntry[]
  readonly head: LogHead
}

export type FoldedLog = {
  /** Undefined as long as the genesis is missing. */
  readonly log: DeviceLog | undefined
  /** By position in the records. */
  readonly ignored: readonly { readonly index: number, readonly reason: IgnoredReason }[]
  /** Positions of the records that matter for what comes later: what stands, and what an issuer said beside it. */
  readonly telling: readonly number[]
  readonly equivocations: readonly Equivocation[]
}

/** What the records of a log, in its order, say about the account that it is named after. Never throws for bytes. */
export function foldDeviceLog(suite: Suite, accountId: Uint8Array, records: readonly Uint8Array[]): FoldedLog {
  const ignored: { index: number, reason: IgnoredReason }[] = []
  const signed = new Map<string, SignedEntry>()
  const equivocations: Equivocation[] = []
  const telling: number[] = []
  let log: DeviceLog | undefined
  for (const [index, bytes] of records.entries()) {
    const record = readRecord(bytes)
    const next = typeof record === 'string' ? record
      : record.type === 'genesis' ? acceptGenesis(suite, accountId, record.signed, log)
      : log === undefined ? 'no-genesis'
      : acceptEntry(suite, accountId, record.signed, log)
    if (typeof record !== 'string' && record.type === 'entry' && log !== undefined && !unsigned.has(next)) {
      const second = noteSigned(suite, signed, record.signed)
      if (second !== undefined) equivocations.push(second)
      if (typeof next === 'string' && next !== 'duplicate') telling.push(index)
    }
    if (typeof next === 'string') ignored.push({ index, reason: next })
    else {
      log = next
      telling.push(index)
    }
  }
  return { log, ignored, telling, equivocations }
}

/** Reasons after which an entry says nothing about its issuer: it is not (or not any more) a word of the account. */
const unsigned: ReadonlySet<DeviceLog | IgnoredReason> =
  new Set<IgnoredReason>(['issuer-unknown', 'issuer-replaced', 'issuer-revoked', 'signature', 'closed'])

/** Remembers the entry as its issuer's word; gives the proof when the issuer said something else at that number. */
function noteSigned(suite: Suite, signed: Map<string, SignedEntry>, second: SignedEntry): Equivocation | undefined {
  const key = `${toHex(second.entry.issuer)}/${second.entry.n}`
  const first = signed.get(key)
  if (first === undefined) {
    signed.set(key, second)
    return undefined
  }
  return equal(entryHash(suite, first.entry), entryHash(suite, second.entry)) ? undefined : { first, second }
}

function readRecord(bytes: Uint8Array): DeviceLogRecord | 'malformed' | 'newer' {
  try {
    return decode(DeviceLogRecord, bytes)
  } catch (error) {
    if (error instanceof MlsError) return error.code === 'unsupported' ? 'newer' : 'malformed'
    throw error
  }
}

function acceptGenesis(
  suite: Suite, accountId: Uint8Array, signed: SignedGenesis, log: DeviceLog | undefined,
): DeviceLog | IgnoredReason {
  if (!equal(accountIdFor(suite, signed.genesis), accountId)) return 'other-account'
  if (log !== undefined) return 'duplicate'
  if (verifyGenesis(suite, signed) !== undefined) return 'genesis-signature'
  return {
    ...firstStanding(suite, signed.genesis), accountId: toHex(accountId), genesis: signed, entries: [],
    head: { n: 0, hash: accountId },
  }
}

/** Cheap checks first: only an issuer that the account knows makes anybody verify a signature. */
function acceptEntry(
  suite: Suite, accountId: Uint8Array, signed: SignedEntry, log: DeviceLog,
): DeviceLog | IgnoredReason {
  const { entry } = signed
  const { head, entries } = log
  const refusal = refusalOf(log, entry)
  if (refusal === 'issuer-unknown') return refusal
  const present = entries[entry.n - 1]
  if (present !== undefined && equal(entryHash(suite, present.entry), entryHash(suite, entry))) return 'duplicate'
  if (refusal === 'issuer-replaced' || refusal === 'issuer-revoked' || refusal === 'closed') return refusal
  if (!issuerSigned(suite, accountId, signed)) return 'signature'
  if (entry.n <= head.n) return 'late'
  if (entry.n > head.n + 1) return 'early'
  if (!follows(entry, head)) return 'previous-hash'
  if (refusal !== undefined) return refusal
  if (!newKeySigned(suite, accountId, signed)) return 'possession'
  const next = [...entries, signed]
  const after = takesBack(entry, entries)
    ? standingAfter(suite, log, next.map((one) => one.entry))
    : applyEntry(suite, log, entry, true)
  if (undoesItself(after, entry)) return 'right'
  return { ...log, ...after, entries: next, head: headAfter(suite, entry) }
}

/** Whether a revocation takes back an entry of before: only then do all of them have to be gone through again. */
const takesBack = ({ operation }: Entry, before: readonly SignedEntry[]): boolean => operation.type === 'revoke'
  && before.slice(operation.lastHonoured).some(({ entry }) => equal(entry.issuer, operation.publicKey))

/**
 * The standing after entries that were accepted one by one, where a later revocation may take back earlier entries of
 * the revoked key, and with them whatever rested on these. A revocation itself is never taken back, not even by
 * revoking its issuer: trust only shrinks, so nobody has to un-remove a leaf, and a wronged device is added afresh.
 */
function standingAfter(suite: Suite, { genesis, owners }: DeviceLog, entries: readonly Entry[]): Standing {
  const honoured = new Map<string, number>()
  for (const { operation } of entries) {
    if (operation.type !== 'revoke') continue
    const key = toHex(operation.publicKey)
    honoured.set(key, Math.min(operation.lastHonoured, honoured.get(key) ?? operation.lastHonoured))
  }
  const standing = draftOf(firstStanding(suite, genesis.genesis))
  const idOf = (publicKey: Uint8Array): string => owners.get(toHex(publicKey)) ?? ''
  for (const entry of entries) {
    const isHonoured = entry.n <= (honoured.get(toHex(entry.issuer)) ?? entry.n)
    applyTo(standing, entry, { counts: isHonoured && refusalOf(standing, entry) === undefined, idOf })
  }
  return standing
}

/** Whether a revocation takes away the ground on which its own issuer stands; revoking the own current key is fine. */
function undoesItself(after: Standing, { issuer, operation }: Entry): boolean {
  if (operation.type !== 'revoke' || equal(operation.publicKey, issuer)) return false
  if (equal(after.recoveryPublicKey, issuer)) return false
  return !after.devices.some((device) => equal(device.publicKey, issuer) && !device.revoked)
}
