import { equal, leafAt, leavesOf, MlsError, toHex, type Group, type LeafNode } from '../mls/index.ts'
import { decodeCredential, deviceIdOf } from '../identity/credential.ts'
import type { DeviceLog } from '../identity/device-log.ts'
import { logHeadIn, type DeviceLogHead } from './extensions.ts'

/**
 * Gossip (DESIGN §4): each leaf says how far its device has seen its own account's device log. None of it decides about
 * validity; what does not fit together is a reason for an alarm.
 */

/** The head in a leaf; `undefined` where there is none that can be read. */
export function headOf({ extensions }: LeafNode): DeviceLogHead | undefined {
  try {
    return logHeadIn(extensions)
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

/** Whether a log goes through that head. `ahead`: it does not reach so far, and may yet. */
export function agreement(log: DeviceLog, { n, hash }: DeviceLogHead): 'agrees' | 'differs' | 'ahead' {
  if (n > log.head.n) return 'ahead'
  const known = n === log.head.n ? log.head.hash : log.entries[n]?.entry.previousHash
  return known !== undefined && equal(known, hash) ? 'agrees' : 'differs'
}

/** Leaves whose head went back when they were replaced by the same device: it has forgotten what it signed before. */
export function headsBack(before: Group, after: Group): readonly LeafNode[] {
  return leavesOf(after.tree).flatMap(({ index, leafNode }) => {
    const old = leafAt(before.tree, index)
    if (old === undefined || old === leafNode) return []
    if (deviceIdOf(old.credential) !== deviceIdOf(leafNode.credential)) return []
    // By an Add in the same commit: a stocked KeyPackage stays usable, however old its head is.
    if (leafNode.leafNodeSource.type === 'keyPackage') return []
    const [was, is] = [headOf(old), headOf(leafNode)]
    if (was === undefined || is === undefined) return []
    const isBack = is.n < was.n || (is.n === was.n && !equal(is.hash, was.hash))
    return isBack ? [leafNode] : []
  })
}

/**
 * The number of the entry on a leaf's certificate path that does not count any more, because its issuer's key was taken
 * back before: whoever holds that key has made this device. `undefined` where there is none.
 */
export function dishonoured({ entries, closed }: DeviceLog, { credential }: LeafNode): number | undefined {
  const revocations = entries.flatMap(({ entry: { operation } }) => operation.type === 'revoke' ? [operation] : [])
  if (revocations.length === 0 && closed === undefined) return undefined
  return decodeCredential(credential).path.find(({ entry: { n, issuer } }) => (closed !== undefined && n > closed) ||
    revocations.some(({ publicKey, lastHonoured }) => n > lastHonoured && equal(publicKey, issuer)))?.entry.n
}

export const nameOfHead = ({ n, hash }: DeviceLogHead): string => `${n} ${toHex(hash)}`
