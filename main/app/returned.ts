import type { Room } from '../chat/room.ts'
import { vetoMs } from '../chat/readmit.ts'
import { returnedDocument } from '../chat/documents.ts'
import type { Self } from '../chat/self.ts'
import type { DeviceLog } from '../identity/device-log.ts'
import type { Device } from '../identity/devices.ts'
import type { Ports, Store } from '../ports.ts'
import type { Registers } from './registers.ts'
import type { Documents } from './stored-rooms.ts'

/**
 * Own devices that came back by the 24 words. Whoever finds the paper looks the same, so every device that was there
 * before asks its person until one of them answers, and the others wait a day. All of it follows from the account's log:
 * a thief needs an entry in it, and would ask no device of the owner for anything.
 */

/** What of an opened profile that needs. */
type Household = {
  readonly self: Self
  readonly devices: DeviceLog
  readonly store: Pick<Store, 'document'>
  readonly registers: Pick<Registers, 'value'>
}

/** Of the answer, which is a register of the own devices, and of when this device first read of it. */
export const returnedKey = (deviceId: string): string => `returned.${deviceId}`

/** What this person has said about it. */
export type Answer = 'mine' | 'refused'

export function answerOf({ registers }: Pick<Household, 'registers'>, deviceId: string): Answer | undefined {
  const value = registers.value(returnedKey(deviceId))
  return value === 'mine' || value === 'refused' ? value : undefined
}

/** The time in its entry is the word of whoever made it, so it counts for nothing. */
function seenAt(store: Pick<Store, 'document'>, deviceId: string): number | undefined {
  const bytes = store.document('setting', returnedKey(deviceId))
  return bytes === undefined ? undefined : returnedDocument.decode(bytes).at
}

/** Keeps since when this device knows of those that its log tells of. */
export function noteReturned(household: Omit<Household, 'registers'> & {
  readonly ports: Pick<Ports, 'now'>, readonly transact: (transaction: { readonly documents: Documents }) => void
}): void {
  const { self, devices, store, ports } = household
  const fresh = devices.devices.filter(({ deviceId, addedBy, revoked }) =>
    addedBy === 'recovery' && !revoked && deviceId !== self.deviceId && seenAt(store, deviceId) === undefined)
  if (fresh.length === 0) return
  const bytes = returnedDocument.encode({ version: 1, at: ports.now() })
  household.transact({ documents: fresh.map(({ deviceId }) => ({ kind: 'setting', key: returnedKey(deviceId), bytes })) })
}

/** What this device's person is to be asked about another one; `until`: then it is let in. */
export function questionOf(household: Household, device: Device): { readonly until: number } | undefined {
  const { self, devices, store } = household
  const { deviceId, addedBy, since } = device
  const own = devices.devices.find((one) => one.deviceId === self.deviceId)
  // Whoever sits at one that came later may be the same thief.
  if (addedBy !== 'recovery' || own === undefined || own.since >= since) return undefined
  const at = seenAt(store, deviceId)
  return at === undefined || answerOf(household, deviceId) !== undefined ? undefined : { until: at + vetoMs }
}

/** How long this device still waits before it brings it in. */
export function waitReturned(household: Household & { readonly ports: Pick<Ports, 'now'> }, deviceId: string): number {
  const now = household.ports.now()
  if (answerOf(household, deviceId) === 'mine') return 0
  return Math.max(0, (seenAt(household.store, deviceId) ?? now) + vetoMs - now)
}

/** Nobody brings it in, also where it could not be taken back. */
export const isRefused = (household: Household, { vetoed }: Room, { deviceId, addedBy }: Device): boolean =>
  addedBy === 'recovery' && (answerOf(household, deviceId) === 'refused'
    || vetoed.some((veto) => veto.deviceId === deviceId && veto.accountId === household.self.accountId))
