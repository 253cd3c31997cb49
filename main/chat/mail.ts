import { decode, encode, MlsError, opaque, struct, uint64, uint8, utf8, type Infer } from '../mls/index.ts'

/** Records of the logs `i.<device>` and `k.<device>`, each with a leading version. */

const version = 1

/**
 * A Welcome in a device's inbox. `tokenProof` is empty, or shows that the sender holds an invite (chat/invite.ts).
 * `commitsAfter` and `messagesAfter` are where the group's logs stood: hints to skip what is older, nothing more.
 */
const WelcomeMail = struct({
  version: uint8,
  welcome: opaque(4_194_304),
  tokenProof: opaque(64),
  commitsAfter: uint64,
  messagesAfter: uint64,
})
export type WelcomeMail = Infer<typeof WelcomeMail>

/** A KeyPackage to be claimed; the slot is its reference. `use`: once, or last resort. */
const KeyPackageRecord = struct({ version: uint8, lastResort: uint8, keyPackage: opaque(65_536) })
export type KeyPackageRecord = Infer<typeof KeyPackageRecord>

/** Says that somebody uses a KeyPackage; the slot is `claim.<reference>`. */
const ClaimRecord = struct({ version: uint8, claimant: utf8(64) })

const versioned = (bytes: Uint8Array): Uint8Array => {
  if (bytes[0] !== version) throw new MlsError('unsupported', 'a record in another format')
  return bytes
}

export const encodeWelcomeMail = (mail: Omit<WelcomeMail, 'version'>): Uint8Array =>
  encode(WelcomeMail, { version, ...mail })
/** Throws `MlsError` for anything else. */
export const decodeWelcomeMail = (bytes: Uint8Array): WelcomeMail => decode(WelcomeMail, versioned(bytes))

export const encodeKeyPackageRecord = (record: { readonly lastResort: boolean, readonly keyPackage: Uint8Array }) =>
  encode(KeyPackageRecord, { version, lastResort: record.lastResort ? 1 : 0, keyPackage: record.keyPackage })
/** Throws `MlsError` for anything else. */
export const decodeKeyPackageRecord = (bytes: Uint8Array): KeyPackageRecord =>
  decode(KeyPackageRecord, versioned(bytes))

export const encodeClaim = (claimant: string): Uint8Array => encode(ClaimRecord, { version, claimant })

export const inboxLog = (deviceId: string): string => `i.${deviceId}`
export const keyPackageLog = (deviceId: string): string => `k.${deviceId}`
export const deviceLogOf = (accountId: string): string => `u.${accountId}`
/** Slots of a KeyPackage log: 32 hexadecimal digits of the reference are enough to tell KeyPackages apart. */
export const keyPackageSlot = (reference: string): string => reference.slice(0, 64)
export const claimSlot = (reference: string): string => `claim.${reference.slice(0, 64)}`
