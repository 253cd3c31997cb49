import { equal, fromHex, toHex } from '../mls/index.ts'
import type { DeviceLog } from './device-log.ts'
import type { Entry, SignedEntry } from './entry.ts'

/**
 * The certificate path of a key: the entries of the device log that lead from the genesis to it, in log order. Those
 * that brought its key and its issuers' keys into the account, and those that gave the issuers their right.
 */
export function pathTo(log: DeviceLog, publicKey: Uint8Array): readonly SignedEntry[] {
  const needed = new Set<number>()
  needKey({ log, needed }, publicKey)
  return log.entries.filter(({ entry }) => needed.has(entry.n))
}

type Search = { readonly log: DeviceLog, readonly needed: Set<number> }

/** How a key came into the account; those of the genesis are there from the start. */
function needKey(search: Search, publicKey: Uint8Array): void {
  const brought = search.log.entries.find(({ entry: { operation } }) =>
    'publicKey' in operation && operation.type !== 'revoke' && equal(operation.publicKey, publicKey))?.entry
  if (brought !== undefined) needEntry(search, brought)
}

function needEntry(search: Search, entry: Entry): void {
  const { needed } = search
  if (needed.has(entry.n)) return
  needed.add(entry.n)
  needKey(search, entry.issuer)
  const { operation } = entry
  // A device renews its own key without anybody's grant.
  if (operation.type === 'add' || operation.type === 'grant' || operation.type === 'certify') needRight(search, entry)
  // Whose key it is: by whomever it was certified, the path tells how that device came.
  if (operation.type === 'certify') {
    const first = firstKeyOf(search.log, toHex(operation.deviceId))
    if (first !== undefined) needKey(search, first)
  }
}

/** Keys stand in the order in which they came. */
function firstKeyOf(log: DeviceLog, deviceId: string): Uint8Array | undefined {
  const first = [...log.owners].find(([, owner]) => owner === deviceId)?.[0]
  return first === undefined ? undefined : fromHex(first)
}

/**
 * The grant on which the issuer's right rests, by somebody who still has theirs if there is one; the first device and
 * the recovery key have their right by the genesis.
 */
function needRight(search: Search, { issuer, n }: Entry): void {
  const { log } = search
  const deviceId = log.owners.get(toHex(issuer))
  const grants = log.entries.map(({ entry }) => entry).filter(({ operation, n: at }) =>
    operation.type === 'grant' && toHex(operation.deviceId) === deviceId && at < n)
  const grant = grants.find((one) => isInForce(log, one.issuer)) ?? grants[0]
  if (grant !== undefined) needEntry(search, grant)
}

const isInForce = (log: DeviceLog, issuer: Uint8Array): boolean => {
  const owner = log.owners.get(toHex(issuer))
  return owner === 'recovery' || log.devices.some((device) => device.deviceId === owner && !device.revoked)
}
