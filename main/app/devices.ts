import { equal, fromHex, leavesOf, toHex } from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import type { DeviceLog } from '../identity/device-log.ts'
import { refusalOf, type Device } from '../identity/devices.ts'
import type { Operation } from '../identity/entry.ts'
import { accountOf } from '../chat/account-of.ts'
import type { OwnAccount, WantedEntry } from '../chat/documents.ts'
import { isOpen, isShown, type RoomState, type RoomStep } from '../chat/room.ts'
import type { Self } from '../chat/self.ts'
import type { OwnDevice } from '../../preload/api.ts'
import type { Ports, Store } from '../ports.ts'
import type { Registers } from './registers.ts'
import { questionOf, returnedKey } from './returned.ts'
import { lastOf } from './sightings.ts'
import type { Documents } from './stored-rooms.ts'

/** The person's own devices as the window sees them: what the device log, the groups' trees and the sightings say. */

/** What of an opened profile that needs. */
export type Household = {
  readonly self: Self
  readonly account: OwnAccount
  readonly ports: Pick<Ports, 'deviceName' | 'now'>
  readonly devices: DeviceLog
  readonly deviceNames: ReadonlyMap<string, DeviceName>
  readonly wantedEntries: ReadonlyMap<number, WantedEntry>
  readonly rooms: ReadonlyMap<string, RoomState>
  readonly store: Pick<Store, 'document'>
  readonly registers: Pick<Registers, 'value'>
}
/** What its owner calls a device. */
export type DeviceName = { readonly name: string, readonly platform: string }

const dayMs = 24 * 60 * 60 * 1000
/** A device that was linked by somebody else's trick shall not be trusted in the same hour. */
export const grantAfterMs = 7 * dayMs

export function ownDevices(household: Household): readonly OwnDevice[] {
  const { self, devices, rooms } = household
  const open = [...rooms.values()].filter(({ room, group }) => group !== undefined && isOpen(room) && isShown(room))
  const present = open.map((state) => ownLeavesIn(state, self.accountId))
  return devices.devices.map((device) => {
    const { deviceId, addedAt, addedBy, trusted } = device
    const sightings = [...rooms.keys()].map((room) => lastOf(household.store, room, deviceId))
    const newest = (times: readonly number[]): number => times.reduce((a, b) => Math.max(a, b), 0)
    return {
      deviceId, ...namesOf(household, device), isThis: deviceId === self.deviceId, addedAt, addedBy,
      seenAt: newest(sightings.map(({ at }) => at)), healedAt: newest(sightings.map(({ healedAt }) => healedAt)),
      groups: present.filter((leaves) => leaves.has(deviceId)).length, ofGroups: open.length,
      trusted, revoked: isGoing(household, device), ...rightsOver(household, device), ...askedAbout(household, device),
    }
  })
}

const leaves = new WeakMap<object, ReadonlySet<string>>()
/** The account's devices in a group; once for each tree. */
function ownLeavesIn({ group }: RoomState, accountId: string): ReadonlySet<string> {
  if (group === undefined) return new Set()
  const known = leaves.get(group.tree)
  if (known !== undefined) return known
  const own = new Set(leavesOf(group.tree).filter(({ leafNode }) => accountOf(leafNode) === accountId)
    .map(({ leafNode }) => deviceIdOf(leafNode.credential)))
  leaves.set(group.tree, own)
  return own
}

function namesOf({ self, account, ports, deviceNames }: Household, { deviceId, name = '' }: Device): DeviceName {
  const called = deviceNames.get(deviceId)
  if (deviceId !== self.deviceId) return called ?? { name, platform: '' }
  return { name: called?.name ?? (account.deviceName || ports.deviceName), platform: account.platform }
}

/** Taken back, or to be as soon as the log can be reached: the person has decided. */
function isGoing({ devices, wantedEntries }: Household, { deviceId, revoked }: Device): boolean {
  return revoked || [...wantedEntries.values()].some(({ operation }) =>
    operation.type === 'revoke' && devices.owners.get(toHex(operation.publicKey)) === deviceId)
}

/** What this device may do about another one, by its seniority (DESIGN §4) and by the time that has passed. */
function rightsOver(household: Household, device: Device): Pick<OwnDevice, 'mayRevoke' | 'mayGrant'> {
  if (isGoing(household, device)) return { mayRevoke: false, mayGrant: false }
  const old = household.ports.now() - device.addedAt >= grantAfterMs
  return {
    mayRevoke: mayDo(household, revocationOf(household.devices, device)),
    mayGrant: old && !device.trusted && mayDo(household, { type: 'grant', deviceId: fromHex(device.deviceId) }),
  }
}

function askedAbout(household: Household, device: Device): Pick<OwnDevice, 'asked'> {
  const asked = isGoing(household, device) ? undefined : questionOf(household, device)
  return asked === undefined ? {} : { asked }
}

/** What it has done so far stays; what it does from now on does not count. */
export const revocationOf = ({ head }: DeviceLog, { publicKey }: Device): Operation =>
  ({ type: 'revoke', publicKey, lastHonoured: head.n })

const mayDo = ({ self, devices, ports }: Household, operation: Operation): boolean =>
  refusalOf(devices, {
    n: devices.head.n + 1, previousHash: devices.head.hash, time: ports.now(),
    issuer: self.signatureKeyPair.publicKey, operation,
  }) === undefined

/** What a transaction changes that may show in the list of devices. */
type Touched = {
  readonly [N in 'account' | 'deviceLogs' | 'wantedEntries' | 'removedWanted' | 'deviceNames']?: unknown
} & { readonly steps?: readonly RoomStep[], readonly removedRooms?: readonly string[], readonly documents?: Documents }

/** Tells the list of devices when something in it has changed; a message that comes in does not make it look. */
export class DeviceNews {
  readonly #rooms = new Map<string, string>()
  #told = ''

  of(household: Household, touched: Touched): { readonly devices?: readonly OwnDevice[] } {
    const { account, deviceLogs, wantedEntries, removedWanted, deviceNames, steps = [], removedRooms = [], documents = [] } = touched
    const own = new Set(household.devices.devices.map(({ deviceId }) => deviceId))
    const isTouched = [account, deviceLogs, wantedEntries, removedWanted, deviceNames].some((one) => one !== undefined)
      || documents.some(({ key }) => key.startsWith(returnedKey('')))
    const isMoved = steps.filter((step) => this.#notes(household, step, own)).length > 0
    for (const id of removedRooms) this.#rooms.delete(id)
    if (!isTouched && !isMoved && removedRooms.length === 0) return {}
    const devices = ownDevices(household)
    const told = JSON.stringify(devices)
    if (told === this.#told) return {}
    this.#told = told
    return { devices }
  }

  /** Whether a conversation opened or closed, an own device came or went, or was heard of. */
  #notes({ self }: Household, { state, sightings }: RoomStep, own: ReadonlySet<string>): boolean {
    const { room, group, members } = state
    const present = members.find(({ accountId }) => accountId === self.accountId)?.devices ?? 0
    const is = [isOpen(room), group !== undefined, present].join()
    const was = this.#rooms.get(room.id)
    this.#rooms.set(room.id, is)
    return was !== is || sightings.some(({ deviceId }) => own.has(deviceId))
  }
}

/** Whether this device's own keys were taken back: it can read on what it has, and nothing more. */
export const isRevoked = ({ self, devices }: Pick<Household, 'self' | 'devices'>): boolean =>
  devices.devices.some(({ deviceId, revoked }) => deviceId === self.deviceId && revoked)

/** Why what is here can only be read, if it can. */
export const endOf = (household: Pick<Household, 'self' | 'devices'>): 'device-revoked' | 'account-closed' | undefined =>
  !isRevoked(household) ? undefined : household.devices.closed === undefined ? 'device-revoked' : 'account-closed'

/**
 * The next key of a device that a revocation has to name: the one in force, and former ones that have issued something
 * which shall not count. `undefined` when nothing is left to be taken back.
 */
export function nextRevocation(log: DeviceLog, deviceId: string, lastHonoured: number): Uint8Array | undefined {
  const device = log.devices.find((one) => one.deviceId === deviceId)
  if (device?.revoked === false) return device.publicKey
  const issued = log.entries.filter(({ entry: { n, issuer } }) => n > lastHonoured && log.owners.get(toHex(issuer)) === deviceId)
  return issued.map(({ entry }) => entry.issuer).find((key) => !log.entries.some(({ entry: { operation } }) =>
    operation.type === 'revoke' && operation.lastHonoured <= lastHonoured && equal(operation.publicKey, key)))
}
