import {
  credentialType, decode, encode, extensionType, fixed, mapped, mls10, names, RequiredCapabilities, struct, toHex, uint32,
  uint64, uint8, vector, type Capabilities, type Codec, type Extension, type Extensions, type Infer, type KeyPackage,
  type Lifetime,
} from '../mls/index.ts'
import { maximumLifetime } from '../identity/credential.ts'
import { Name, refined, versioned } from '../identity/fields.ts'
import { AccountId, IdentityKey } from '../identity/genesis.ts'

/** Coppice's own MLS extensions, and what its leaves say they can. */

/** Code points for private use (RFC 9420 §17.3: 0xF000 to 0xFFFF). */
export const extensionTypes = {
  /** GroupContext: what the group is, and who may do what in it. */
  policy: 0xf0c0,
  /** LeafNode: how far this device has seen its own account's device log. */
  deviceLogHead: 0xf0c1,
  /** GroupContext: keys that were taken back, each put there by a commit with the proof. */
  revocations: 0xf0c2,
  /** LeafNode: which of the leaves that this device ever had in a group came later. */
  incarnation: 0xf0c3,
  /** GroupContext: accounts that belong to the group without a leaf in it (absent.ts). 0xf0c4 is history.ts's. */
  absent: 0xf0c5,
} as const

/**
 * GroupContext of a group that goes on in place of another one (continuation.ts). Not required of members: KeyPackages of
 * before know nothing of it.
 */
export const continuesExtension = 0xf0c6

const flag: Codec<boolean> =
  mapped(names(uint8, { no: 0, yes: 1 }), (name) => name === 'yes', (yes) => yes ? 'yes' : 'no')

const differ = (values: readonly Uint8Array[]): boolean => new Set(values.map(String)).size === values.length

/** At most 1,024 admins. */
const Admins = refined(vector(AccountId, 32 * 1024), differ, 'a list of different admins')

/** `coppice_policy`, version 1. */
export const Policy = versioned(1, struct({
  kind: names(uint8, { direct: 1, group: 2, self: 3 }),
  /** Empty in a direct chat and among own devices. */
  name: Name,
  admins: Admins,
  membersMayAdd: flag,
  /** The random name of the group's logs, which is not its MLS group id. */
  log: fixed(16),
}))
export type Policy = Infer<typeof Policy>

/** The extension's data. Throws `MlsError('misuse')` for a policy beyond its limits. */
export const encodePolicy = (policy: Policy): Uint8Array => encode(Policy, policy)
/** Throws `MlsError('unsupported')` for a newer version, `('malformed')` for other bytes. */
export const decodePolicy = (data: Uint8Array): Policy => decode(Policy, data)

/** `device_log_head`, version 1: number and hash of the last entry; 0 and the accountId for the genesis alone. */
export const DeviceLogHead = versioned(1, struct({ n: uint32, hash: fixed(32) }))
export type DeviceLogHead = Infer<typeof DeviceLogHead>

/** The extensions of this device's leaves. */
export const leafExtensions = (head: DeviceLogHead): Extensions =>
  [{ extensionType: extensionTypes.deviceLogHead, extensionData: encode(DeviceLogHead, head) }]

/** The log head in a leaf's extensions, if there is one. Throws as `decodePolicy`. */
export function logHeadIn(extensions: Extensions): DeviceLogHead | undefined {
  const extension = extensions.find((one) => one.extensionType === extensionTypes.deviceLogHead)
  return extension === undefined ? undefined : decode(DeviceLogHead, extension.extensionData)
}

/** `revocations`, version 1: entries of the account's device log that this key issued count up to `lastHonoured`. */
export const Revocations = versioned(1, struct({
  revocations: refined(
    vector(struct({ accountId: AccountId, revokedKey: IdentityKey, lastHonoured: uint32 }), 1_048_576),
    (all) => new Set(all.map((one) => `${toHex(one.accountId)} ${toHex(one.revokedKey)}`)).size === all.length,
    'a list of different keys',
  ),
}))
export type Revocations = Infer<typeof Revocations>

/**
 * `incarnation`, version 1: a number that grows with every leaf by which a device is let back in. A signed request to be
 * let in again is worth nothing once a leaf with its number, or a later one, has stood in the group.
 */
const Incarnation = versioned(1, struct({ number: uint64 }))

export const incarnationExtension = (number: bigint): Extension =>
  ({ extensionType: extensionTypes.incarnation, extensionData: encode(Incarnation, { number }) })

/** 0 for a leaf that came by an ordinary Add. Throws as `decodePolicy`. */
export function incarnationIn(extensions: Extensions): bigint {
  const extension = extensions.find((one) => one.extensionType === extensionTypes.incarnation)
  return extension === undefined ? 0n : decode(Incarnation, extension.extensionData).number
}

const own = Object.values(extensionTypes)

/** What every member of a Coppice group must support (RFC 9420 §11.1), so that its context may hold our extensions. */
export const requiredExtensions = (): Extensions => [{
  extensionType: extensionType.requiredCapabilities,
  extensionData: encode(RequiredCapabilities, {
    extensionTypes: own, proposalTypes: [], credentialTypes: [credentialType.basic],
  }),
}]

/** RFC 9420 §7.2: what this client supports; the proposals and extensions of the RFC itself are not listed. */
export const leafCapabilities = (): Capabilities => ({
  versions: [mls10],
  cipherSuites: [1, 2, 3],
  extensions: [extensionType.lastResort, ...own, continuesExtension],
  proposals: [],
  credentials: [credentialType.basic],
})

const daySeconds = 24 * 60 * 60

/**
 * From a day ago, for clocks that are behind, to 90 days from now (RFC 9420 §7.2, in seconds): as long as the delivery
 * service keeps a KeyPackage in stock. `now` in milliseconds since 1970.
 */
export function leafLifetime(now: number): Lifetime {
  const notBefore = BigInt(Math.floor(now / 1000) - daySeconds)
  return { notBefore, notAfter: notBefore + maximumLifetime }
}

/** When a KeyPackage was made by `leafLifetime`, and when its lifetime ends, in milliseconds since 1970. */
export function lifetimeOf({ leafNode: { leafNodeSource } }: KeyPackage): { readonly madeAt: number, readonly endsAt: number } {
  if (leafNodeSource.type !== 'keyPackage') return { madeAt: 0, endsAt: 0 }
  const { notBefore, notAfter } = leafNodeSource.lifetime
  return { madeAt: (Number(notBefore) + daySeconds) * 1000, endsAt: Number(notAfter) * 1000 }
}
