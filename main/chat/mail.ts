import {
  choice, decode, decryptWithLabel, encode, encryptWithLabel, fromHex, MlsError, opaque, struct, uint64, uint8, utf8,
  type Infer, type KeyPackage, type KeyPackagePrivate, type KeyPair, type Suite,
} from '../mls/index.ts'
import { Letter } from './letter.ts'

/** A KeyPackage of this device with its private halves; `reference` is its KeyPackageRef, hexadecimal. */
export type OwnKeyPackage = {
  readonly reference: string
  readonly keyPackage: KeyPackage
  readonly privateKeys: KeyPackagePrivate
  readonly lastResort: boolean
  /** Somebody has said that they use it; of one of last resort: somebody has used it. */
  readonly claimed: boolean
}

/** Records of the logs `i.<device>` and `k.<device>`, each with a leading version. */

const version = 1

/**
 * A Welcome in a device's inbox. `tokenProof` is empty, or shows that the sender holds an invite (chat/invite.ts).
 * `commitsAfter` and `messagesAfter` are where the group's logs stood: hints to skip what is older, nothing more.
 */
const WelcomeMail = struct({
  welcome: opaque(4_194_304),
  tokenProof: opaque(64),
  commitsAfter: uint64,
  messagesAfter: uint64,
})
export type WelcomeMail = Infer<typeof WelcomeMail>

/** A letter to one device, sealed to the init key of one of its KeyPackages: only its owner learns what it says. */
const SealedMail = struct({ reference: opaque(64), kemOutput: opaque(1_024), ciphertext: opaque(1_048_576) })
type SealedMail = Infer<typeof SealedMail>

/** Version 1. */
const Mail = choice(uint8, { welcome: [1, WelcomeMail], sealed: [2, SealedMail] })
export type Mail = Infer<typeof Mail>
const VersionedMail = struct({ version: uint8, mail: Mail })

/** A KeyPackage to be claimed; the slot is its reference. `use`: once, or last resort. */
const KeyPackageRecord = struct({ version: uint8, lastResort: uint8, keyPackage: opaque(65_536) })
export type KeyPackageRecord = Infer<typeof KeyPackageRecord>

/** Says that somebody uses a KeyPackage; the slot is `claim.<reference>`. */
const ClaimRecord = struct({ version: uint8, claimant: utf8(64) })

const versioned = (bytes: Uint8Array): Uint8Array => {
  if (bytes[0] !== version) throw new MlsError('unsupported', 'a record in another format')
  return bytes
}

const encodeMail = (mail: Mail): Uint8Array => encode(VersionedMail, { version, mail })
export const encodeWelcomeMail = (mail: WelcomeMail): Uint8Array => encodeMail({ type: 'welcome', ...mail })
/** Throws `MlsError` for anything else. */
export const decodeMail = (bytes: Uint8Array): Mail => decode(VersionedMail, versioned(bytes)).mail

const sealLabel = 'Coppice letter 1'

/** A letter to the device whose KeyPackage that is. Throws `MlsError('refused')` for a key that is none. */
export function sealLetter(
  suite: Suite, to: { readonly deviceId: string, readonly reference: string, readonly initKey: Uint8Array },
  letter: Letter,
): Uint8Array {
  const context = fromHex(to.deviceId)
  const sealed = encryptWithLabel(suite, to.initKey, sealLabel, context, encode(Letter, letter))
  return encodeMail({ type: 'sealed', reference: fromHex(to.reference), ...sealed })
}

/** Throws `MlsError` for a letter that is not for this key, or is none. */
export function openLetter(suite: Suite, deviceId: string, key: KeyPair, sealed: SealedMail): Letter {
  return decode(Letter, decryptWithLabel(suite, key, sealLabel, fromHex(deviceId), sealed))
}

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
