import { equal, toHex, type Suite } from '../mls/index.ts'
import type { Entry } from './entry.ts'
import { deviceIdFor, type Genesis } from './genesis.ts'

/**
 * Who may do what in an account, as a value that entries change: the recovery key, the devices in order of seniority,
 * and every key that ever was one of them. The device log folds it, and so does the path in a credential.
 */

export type Device = {
  /** Lower-case hexadecimal. */
  readonly deviceId: string
  /** The current signature key. */
  readonly publicKey: Uint8Array
  /** As the entry that added it says; the first device has none. */
  readonly name: string | undefined
  /** The number of the entry that added it, 0 for the first one. The smaller is the elder. */
  readonly since: number
  /** Milliseconds since 1970, by the clock of whoever added it. */
  readonly addedAt: number
  /** 'genesis', 'recovery', or the id of the device that added it. */
  readonly addedBy: string
  /** May it add, grant and revoke? */
  readonly trusted: boolean
  /** Its current key was revoked, or the entry that added it does not count any more. */
  readonly revoked: boolean
}

export type Standing = {
  readonly recoveryPublicKey: Uint8Array
  /** In order of seniority, revoked ones included. */
  readonly devices: readonly Device[]
  /** Whose every key is or was, by its hexadecimal digits: 'recovery' or a device's id. A key is never used twice. */
  readonly owners: ReadonlyMap<string, string>
  /** The number of the entry that closed the account for ever; `undefined` while it is open. */
  readonly closed: number | undefined
}

/** The standing after the genesis alone. */
export function firstStanding(suite: Suite, genesis: Genesis): Standing {
  const deviceId = toHex(deviceIdFor(suite, genesis.devicePublicKey))
  return {
    recoveryPublicKey: genesis.recoveryPublicKey,
    devices: [{
      deviceId, publicKey: genesis.devicePublicKey, name: undefined, since: 0, addedAt: genesis.createdAt,
      addedBy: 'genesis', trusted: true, revoked: false,
    }],
    owners: new Map([[toHex(genesis.recoveryPublicKey), 'recovery'], [toHex(genesis.devicePublicKey), deviceId]]),
    closed: undefined,
  }
}

/**
 * - `issuer-unknown`: the issuer's key was never one of this account; `issuer-replaced`: it is not one any more;
 *   `issuer-revoked`: it was revoked.
 * - `right`: the issuer may not do this.
 * - `key-reused`: a new key that is not new. `target-unknown`: no such device or key.
 * - `last-honoured`: a revocation that honours entries which are not there yet. `closed`: nothing follows any more.
 */
export type EntryRefusal =
  | 'issuer-unknown' | 'issuer-replaced' | 'issuer-revoked' | 'right' | 'key-reused' | 'target-unknown'
  | 'last-honoured' | 'closed'

type Issuer = 'recovery' | Device

/** Whose current, unrevoked key issued the entry. */
function issuerOf(standing: Standing, entry: Entry): Issuer | EntryRefusal {
  if (equal(entry.issuer, standing.recoveryPublicKey)) return 'recovery'
  const owner = standing.owners.get(toHex(entry.issuer))
  if (owner === undefined) return 'issuer-unknown'
  const device = standing.devices.find(({ deviceId }) => deviceId === owner)
  if (device?.revoked === true) return 'issuer-revoked'
  return device !== undefined && equal(device.publicKey, entry.issuer) ? device : 'issuer-replaced'
}

/** Whether the issuer may decide about that device: the recovery key about all, a trusted device about younger ones. */
const mayDecide = (issuer: Issuer, target: Device): boolean =>
  issuer === 'recovery' || (issuer.trusted && issuer.since < target.since)

/** Why the entry may not follow in this standing, or `undefined`. Signatures and hash chain are judged elsewhere. */
export function refusalOf(standing: Standing, entry: Entry): EntryRefusal | undefined {
  const issuer = issuerOf(standing, entry)
  if (typeof issuer === 'string' && issuer !== 'recovery') return issuer
  if (standing.closed !== undefined) return 'closed'
  const { operation } = entry
  switch (operation.type) {
    case 'add': {
      if (issuer !== 'recovery' && !issuer.trusted) return 'right'
      return isFresh(standing, operation.publicKey)
    }
    case 'grant': {
      const target = standing.devices.find(({ deviceId }) => deviceId === toHex(operation.deviceId))
      if (target === undefined || target.revoked) return 'target-unknown'
      return mayDecide(issuer, target) ? undefined : 'right'
    }
    case 'renew': return issuer === 'recovery' ? 'right' : isFresh(standing, operation.publicKey)
    case 'revoke': {
      if (operation.lastHonoured >= entry.n) return 'last-honoured'
      return revocationRefusal(standing, issuer, operation.publicKey)
    }
    case 'rotateRecovery': return issuer === 'recovery' ? isFresh(standing, operation.publicKey) : 'right'
    case 'certify': {
      const target = standing.devices.find(({ deviceId }) => deviceId === toHex(operation.deviceId))
      if (target === undefined || target.revoked) return 'target-unknown'
      return mayDecide(issuer, target) ? isFresh(standing, operation.publicKey) : 'right'
    }
    case 'close': return mayEnd(standing, issuer) ? undefined : 'right'
  }
}

/** Who may take back every other device may take back all at once, if it was ever given such rights. */
const mayEnd = ({ devices }: Standing, issuer: Issuer): boolean => issuer === 'recovery' || (issuer.trusted
  && devices.every((device) => device.revoked || device.deviceId === issuer.deviceId || mayDecide(issuer, device)))

/** Whether a device may close the account now. */
export const mayClose = (standing: Standing, deviceId: string): boolean => standing.closed === undefined
  && standing.devices.some((device) => device.deviceId === deviceId && !device.revoked && mayEnd(standing, device))

const isFresh = (standing: Standing, publicKey: Uint8Array): EntryRefusal | undefined =>
  standing.owners.has(toHex(publicKey)) ? 'key-reused' : undefined

function revocationRefusal(standing: Standing, issuer: Issuer, publicKey: Uint8Array): EntryRefusal | undefined {
  const owner = standing.owners.get(toHex(publicKey))
  if (owner === undefined) return 'target-unknown'
  if (owner === 'recovery') {
    // The current recovery key is replaced, not revoked; its successor may take back what an earlier one did.
    return issuer === 'recovery' && !equal(publicKey, standing.recoveryPublicKey) ? undefined : 'right'
  }
  const target = standing.devices.find(({ deviceId }) => deviceId === owner)
  if (target === undefined) return 'target-unknown'
  const own = issuer !== 'recovery' && issuer.deviceId === owner
  return own || mayDecide(issuer, target) ? undefined : 'right'
}

/**
 * The standing after an entry. One that does not count (any more) still uses up its key: the device that it would
 * have added is there as a revoked one. A revocation always counts.
 */
export function applyEntry(suite: Suite, standing: Standing, entry: Entry, counts: boolean): Standing {
  const { operation } = entry
  const change = (of: (device: Device) => boolean, to: Partial<Device>): readonly Device[] =>
    standing.devices.map((device) => of(device) ? { ...device, ...to } : device)
  const owned = (publicKey: Uint8Array, owner: string): ReadonlyMap<string, string> =>
    new Map([...standing.owners, [toHex(publicKey), owner]])
  switch (operation.type) {
    case 'add': {
      const { publicKey, name } = operation
      const deviceId = toHex(deviceIdFor(suite, publicKey))
      const device: Device = {
        deviceId, publicKey, name, since: entry.n, addedAt: entry.time,
        addedBy: standing.owners.get(toHex(entry.issuer)) ?? '', trusted: false, revoked: !counts,
      }
      return { ...standing, devices: [...standing.devices, device], owners: owned(publicKey, deviceId) }
    }
    case 'grant': {
      if (!counts) return standing
      const deviceId = toHex(operation.deviceId)
      return { ...standing, devices: change((device) => device.deviceId === deviceId, { trusted: true }) }
    }
    case 'renew': {
      const { publicKey } = operation
      const deviceId = standing.owners.get(toHex(entry.issuer)) ?? ''
      const devices = counts ? change((device) => device.deviceId === deviceId, { publicKey }) : standing.devices
      return { ...standing, devices, owners: owned(publicKey, deviceId) }
    }
    case 'revoke': {
      const devices = change(({ publicKey }) => equal(publicKey, operation.publicKey), { revoked: true })
      return { ...standing, devices }
    }
    case 'certify': {
      const { publicKey } = operation
      const deviceId = toHex(operation.deviceId)
      const devices = counts ? change((device) => device.deviceId === deviceId, { publicKey }) : standing.devices
      return { ...standing, devices, owners: owned(publicKey, deviceId) }
    }
    case 'rotateRecovery': {
      const { publicKey } = operation
      return {
        ...standing,
        recoveryPublicKey: counts ? publicKey : standing.recoveryPublicKey,
        owners: owned(publicKey, 'recovery'),
      }
    }
    case 'close': return counts ? { ...standing, devices: change(() => true, { revoked: true }), closed: entry.n } : standing
  }
}
