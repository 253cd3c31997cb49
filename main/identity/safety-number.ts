import { concat, decode, encode, equal, MlsError, refHash, struct, type Suite } from '../mls/index.ts'
import { armour, unarmour } from './armour.ts'
import { versioned } from './fields.ts'
import { AccountId } from './genesis.ts'

/**
 * What two people compare, once, to know that nobody stands between them: 60 digits, or a QR code. Made of the two
 * accountIds only, so it survives every change of devices.
 */

/**
 * As Signal's numeric fingerprint (libsignal, rust/protocol/src/fingerprint.rs): 5,200 rounds of hashing per person,
 * which makes a search for an account with the same digits 5,200 times dearer, and 30 digits, about 99.6 bits. Ours
 * hashes with SHA-256 and under a label of its own.
 */
const rounds = 5_200
const digitGroups = 6

/** 30 digits in six groups of five: the account's own, the same on all its devices and in all safety numbers. */
export function digitsOf(suite: Suite, accountId: Uint8Array): string {
  let hash = refHash(suite, 'Coppice safety number 1', accountId)
  for (let round = 1; round < rounds; round++) hash = suite.hash(concat(hash, accountId))
  return Array.from({ length: digitGroups }, (_, at) => {
    // Five bytes modulo 10^5: no group is more likely than another by more than 10^-7.
    const value = hash.subarray(5 * at, 5 * at + 5).reduce((sum, byte) => sum * 256 + byte, 0)
    return String(value % 100_000).padStart(5, '0')
  }).join(' ')
}

/** 60 digits in twelve groups of five, with spaces between; the same whichever account is named first. */
export function safetyNumber(suite: Suite, one: Uint8Array, other: Uint8Array): string {
  if (equal(one, other)) throw new MlsError('misuse', 'a safety number needs two accounts')
  return [digitsOf(suite, one), digitsOf(suite, other)].sort().join(' ')
}

/** Version 1. Whose screen shows the code, and whom that person means to talk with. */
const SafetyCode = versioned(1, struct({ shown: AccountId, meant: AccountId }))
const codeName = 'coppiceverify'

/** The text of the QR code that `own`'s screen shows for the chat with `other`. */
export const safetyCode = (suite: Suite, own: Uint8Array, other: Uint8Array): string =>
  armour(suite, codeName, encode(SafetyCode, { shown: own, meant: other }))

/**
 * - `match`: the other's screen shows the same two accounts. `differs`: it does not: somebody may be in between, or it
 *   is the code of another chat. `own`: this is one's own code.
 */
export type ScannedCode = 'match' | 'differs' | 'own' | 'malformed' | 'newer'

/** What a scanned text means to `own` in the chat with `other`. */
export function compareSafetyCode(
  suite: Suite, text: string, accounts: { readonly own: Uint8Array, readonly other: Uint8Array },
): ScannedCode {
  const read = unarmour(suite, codeName, text)
  if (read.type !== 'bytes') return read.type
  const { own, other } = accounts
  try {
    const { shown, meant } = decode(SafetyCode, read.bytes)
    if (equal(shown, own) && equal(meant, other)) return 'own'
    return equal(shown, other) && equal(meant, own) ? 'match' : 'differs'
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    return error.code === 'unsupported' ? 'newer' : 'malformed'
  }
}
