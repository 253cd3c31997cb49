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
  const draft = draftOf(standing)
  applyTo(draft, entry, { counts, idOf: (publicKey) => toHex(deviceIdFor(suite, publicKey)) })
  return draft
}

/** A standing that nobody else holds: it is changed in place, so that many entries cost no copies. */
export type Draft = {
  recoveryPublicKey: Uint8Array
  readonly devices: Device[]
  readonly owners: Map<string, string>
  closed: number | undefined
}

export const draftOf = ({ recoveryPublicKey, devices, owners, closed }: Standing): Draft =>
  ({ recoveryPublicKey, devices: [...devices], owners: new Map(owners), closed })

/** As `applyEntry`. `idOf`: of the device whose first key this is. */
export function applyTo(draft: Draft, entry: Entry, { counts, idOf }: {
  readonly counts: boolean, readonly idOf: (publicKey: Uint8Array) => string
}): void {
  const { operation } = entry
  const issuer = draft.owners.get(toHex(entry.issuer)) ?? ''
  switch (operation.type) {
    case 'add': {
      const { publicKey, name } = operation
      const deviceId = idOf(publicKey)
      draft.devices.push({
        deviceId, publicKey, name, since: entry.n, addedAt: entry.time, addedBy: issuer, trusted: false, revoked: !counts,
      })
      draft.owners.set(toHex(publicKey), deviceId)
      return
    }
    case 'grant':
      if (counts) change(draft, toHex(operation.deviceId), { trusted: true })
      return
    case 'renew': {
      const { publicKey } = operation
      if (counts) change(draft, issuer, { publicKey })
      draft.owners.set(toHex(publicKey), issuer)
      return
    }
    case 'revoke': {
      const { publicKey } = operation
      change(draft, draft.owners.get(toHex(publicKey)) ?? '', { revoked: true }, (device) => equal(device.publicKey, publicKey))
      return
    }
    case 'certify': {
      const { publicKey } = operation
      const deviceId = toHex(operation.deviceId)
      if (counts) change(draft, deviceId, { publicKey })
      draft.owners.set(toHex(publicKey), deviceId)
      return
    }
    case 'rotateRecovery':
      if (counts) draft.recoveryPublicKey = operation.publicKey
      draft.owners.set(toHex(operation.publicKey), 'recovery')
      return
    case 'close':
      if (!counts) return
      draft.closed = entry.n
      for (const [at, device] of draft.devices.entries()) draft.devices[at] = { ...device, revoked: true }
  }
}

function change(
  { devices }: Draft, deviceId: string, to: Partial<Device>, isMeant: (device: Device) => boolean = () => true,
): void {
  const at = devices.findIndex((device) => device.deviceId === deviceId)
  const device = devices[at]
  if (device !== undefined && isMeant(device)) devices[at] = { ...device, ...to }
}
