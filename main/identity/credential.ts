import {
  decode, encode, equal, MlsError, struct, toHex, vector,
  type Authentication, type Credential, type Infer, type Suite,
} from '../mls/index.ts'
import { applyEntry, firstStanding, refusalOf, type Device, type Standing } from './devices.ts'
import { follows, headAfter, issuerSigned, newKeySigned, SignedEntry, type Entry, type LogHead } from './entry.ts'
import { versioned } from './fields.ts'
import {
  AccountId, accountIdFor, accountIdLength, DeviceId, deviceIdLength, SignedGenesis, verifyGenesis,
} from './genesis.ts'

/**
 * The identity in a basic credential (RFC 9420 §5.3) and the authentication service that judges it (§5.3.1). Validity
 * follows from these bytes alone: no clock, no server, nothing that only one client has seen.
 */

/** An entry has at most about 500 bytes, so that a path that is too long is still read, and refused as such. */
export const pathBytes = 32_768
export const pathLimit = 16

const client = { accountId: AccountId, deviceId: DeviceId } as const

/**
 * Version 1. The path is an excerpt of the device log that leads from the genesis to this device's current key, in
 * log order: `add`, `renew` and `certify` entries, and the `grant` and `rotateRecovery` entries that their issuers' rights rest
 * on. Empty for the first device.
 */
export const Identity = versioned(1, struct({
  ...client, genesis: SignedGenesis, path: vector(SignedEntry, pathBytes),
}))
export type Identity = Infer<typeof Identity>

/** How every identity of version 1 begins: enough to tell whose leaf it is. */
const Beginning = versioned(1, struct(client))
const beginningLength = 1 + accountIdLength + deviceIdLength

export const encodeCredential = (identity: Identity): Credential =>
  ({ type: 'basic', identity: encode(Identity, identity) })

/** Throws `MlsError('unsupported')` for another version or type of credential, `('malformed')` for other bytes. */
export const decodeCredential = (credential: Credential): Identity => decode(Identity, identityBytes(credential))

function identityBytes(credential: Credential): Uint8Array {
  if (credential.type !== 'basic') throw new MlsError('unsupported', `a credential of type ${credential.type}`)
  return credential.identity
}

const beginningOf = (credential: Credential): Infer<typeof Beginning> =>
  decode(Beginning, identityBytes(credential).subarray(0, beginningLength))

/** The account that a credential names, lower-case hexadecimal; not validated. Throws as `decodeCredential`. */
export const accountIdOf = (credential: Credential): string => toHex(beginningOf(credential).accountId)
/** The device that a credential names, lower-case hexadecimal; not validated. Throws as `decodeCredential`. */
export const deviceIdOf = (credential: Credential): string => toHex(beginningOf(credential).deviceId)

/**
 * - `type`, `version`, `malformed`: not an identity that this program reads.
 * - `account-id`: not the hash of the genesis. `genesis-signature`: not signed by both of its keys.
 * - `path-long`: more than 16 entries. `path-operation`: an entry that has no place on a path.
 * - `path-broken`: entries that do not follow, by key or by number and hash, from what is before them.
 * - `path-right`: an entry whose issuer had no right to it. `path-signature`: not signed by issuer and new key.
 * - `leaf-key`: the leaf's signature key is not the one that the path ends with. `device-id`: of another device.
 */
export type CredentialRefusal =
  | 'type' | 'version' | 'malformed' | 'account-id' | 'genesis-signature' | 'path-long' | 'path-operation'
  | 'path-broken' | 'path-right' | 'path-signature' | 'leaf-key' | 'device-id'

/** Why the credential is not valid for that signature key, or `undefined`. Never throws. */
export function validateCredential(
  suite: Suite, credential: Credential, signatureKey: Uint8Array,
): CredentialRefusal | undefined {
  const identity = readIdentity(credential)
  if (typeof identity === 'string') return identity
  const { accountId, deviceId, genesis, path } = identity
  if (!equal(accountIdFor(suite, genesis.genesis), accountId)) return 'account-id'
  if (verifyGenesis(suite, genesis) !== undefined) return 'genesis-signature'
  if (path.length > pathLimit) return 'path-long'
  const device = deviceAtEnd(suite, identity)
  if (typeof device === 'string') return device
  if (!equal(device.publicKey, signatureKey)) return 'leaf-key'
  return device.deviceId === toHex(deviceId) ? undefined : 'device-id'
}

function readIdentity(credential: Credential): Identity | CredentialRefusal {
  if (credential.type !== 'basic') return 'type'
  try {
    return decodeCredential(credential)
  } catch (error) {
    if (error instanceof MlsError) return error.code === 'unsupported' ? 'version' : 'malformed'
    throw error
  }
}

/**
 * The device to which the path leads, every entry judged on what stands before it. A key is certified afresh only for a
 * device whose first key is on the path: that key agreed to be of this account, and names the device. Else the owner of
 * one account could call a device of another theirs.
 */
function deviceAtEnd(suite: Suite, { accountId, genesis, path }: Identity): Device | CredentialRefusal {
  let standing = firstStanding(suite, genesis.genesis)
  let head: LogHead = { n: 0, hash: accountId }
  for (const signed of path) {
    const refusal = stepRefusal(standing, head, signed.entry)
    if (refusal !== undefined) return refusal
    if (!issuerSigned(suite, accountId, signed) || !newKeySigned(suite, accountId, signed)) return 'path-signature'
    standing = applyEntry(suite, standing, signed.entry, true)
    head = headAfter(suite, signed.entry)
  }
  const last = path.at(-1)?.entry.operation
  const publicKey = last === undefined ? genesis.genesis.devicePublicKey
    : last.type === 'add' || last.type === 'renew' || last.type === 'certify' ? last.publicKey
    : undefined
  const device = standing.devices.find((one) => publicKey !== undefined && equal(one.publicKey, publicKey))
  return device ?? 'path-broken' // A path ends where the leaf's key begins.
}

/** Entries may be left out of a path, so that the hash chain shows only between neighbours. */
function stepRefusal(standing: Standing, head: LogHead, entry: Entry): CredentialRefusal | undefined {
  if (entry.operation.type === 'revoke' || entry.operation.type === 'close') return 'path-operation'
  if (entry.n <= head.n || (entry.n === head.n + 1 && !follows(entry, head))) return 'path-broken'
  switch (refusalOf(standing, entry)) {
    case undefined: return undefined
    case 'right': return 'path-right'
    case 'issuer-unknown':
    case 'issuer-replaced':
    case 'issuer-revoked':
    case 'key-reused':
    case 'target-unknown':
    case 'last-honoured':
    case 'closed': return 'path-broken'
  }
}

/** A client is a device of an account; a credential of another kind is nobody's. */
function clientOf(credential: Credential): string | undefined {
  try {
    const { accountId, deviceId } = beginningOf(credential)
    return `${toHex(accountId)} ${toHex(deviceId)}`
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

export type SuccessorRefusal = 'type' | 'version' | 'malformed' | 'successor-account' | 'successor-device'

/** Why `after` may not replace `before` in one leaf, or `undefined`: a leaf stays with its device. */
function successorRefusal(before: Credential, after: Credential): SuccessorRefusal | undefined {
  try {
    const [old, next] = [beginningOf(before), beginningOf(after)]
    if (!equal(old.accountId, next.accountId)) return 'successor-account'
    return equal(old.deviceId, next.deviceId) ? undefined : 'successor-device'
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    if (before.type !== 'basic' || after.type !== 'basic') return 'type'
    return error.code === 'unsupported' ? 'version' : 'malformed'
  }
}

/** RFC 9420 §7.2: the longest lifetime of a leaf, in seconds: 91 days. */
export const maximumLifetime = 91n * 24n * 60n * 60n

/**
 * The authentication service of Coppice (RFC 9420 §5.3.1). `suite` is one with Ed25519 and SHA-256 (suite 1):
 * identities are signed and hashed with it in groups of every suite.
 */
export const authentication = (suite: Suite): Authentication => ({
  validate: (credential, signatureKey) => validateCredential(suite, credential, signatureKey),
  validateLifetime: ({ notBefore, notAfter }) =>
    notAfter - notBefore <= maximumLifetime ? undefined : 'lifetime',
  validateSuccessor: successorRefusal,
  clientOf,
})
