import { leavesOf, MlsError, toHex, type Group } from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import type { DeviceLog } from '../identity/device-log.ts'
import type { Device } from '../identity/devices.ts'
import { accountOf } from '../chat/account-of.ts'
import { intend } from '../chat/membership.ts'
import {
  isRevoked, joinRevocations, proofOf, provenTo, revocationsIn, revocationsOf, revokedLeaves,
} from '../chat/revocations.ts'
import { isDue, isOpen, isShown, isWell, still, withRoom, type Intent, type RoomState } from '../chat/room.ts'
import type { Progress } from '../../preload/api.ts'
import { claimDevice, renewClaims } from './claim.ts'
import { refreshLog } from './device-log.ts'
import { answerOf, isRefused, waitReturned } from './returned.ts'
import type { State } from './state.ts'

/**
 * Which devices belong into a conversation follows from device logs and its tree, so nothing is remembered: every
 * device of this person that was not taken back, and nobody's that was. What is missing becomes an intent; a kill at any
 * line, or a commit that others win, only begins it again.
 */

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** The device that added another one brings it in at once; should that one be gone, the others do after a while. */
const elderMs = hourMs
/** How long members leave it to the devices of an account to take back what its log says. */
const membersMs = 5 * minuteMs
const jitterMs = 10 * minuteMs

/** When what is waited for is due. It is of this process alone: after a restart the waiting begins again. */
const dueIn = new WeakMap<State, Map<string, number>>()

const jitter = ({ ports }: State): number => ((ports.random(1)[0] ?? 0) / 256) * jitterMs

/** What was looked at when nothing was to be done: a message that comes in does not make it look at every leaf again. */
type Seen = { readonly tree: unknown, readonly intents: unknown, readonly version: number }
const settled = new WeakMap<State, Map<string, Seen>>()

/** Intends what a conversation lacks. Gives how long until it is to be looked at again, if something waits. */
export async function tendDevices(state: State, id: string): Promise<number | undefined> {
  const known = settled.get(state) ?? new Map<string, Seen>()
  settled.set(state, known)
  const [before, last] = [seenOf(state, id), known.get(id)]
  if (last?.tree === before.tree && last?.intents === before.intents && last?.version === before.version) return undefined
  forgetRevoked(state, id)
  const waits = [...takeBack(state, id), ...await bringIn(state, id)]
  if (waits.length > 0) return Math.max(1_000, Math.min(...waits))
  known.set(id, before)
  return undefined
}

function seenOf(state: State, id: string): Seen {
  const room = tended(state, id)
  return { tree: room?.group.tree, intents: room?.room.intents, version: state.deviceLogs.version }
}

/** The conversation, when it is one that this device may change. */
function tended(state: State, id: string): RoomState & { readonly group: Group } | undefined {
  const room = state.rooms.get(id)
  if (room?.group === undefined || !isOpen(room.room) || !isWell(room.room)) return undefined
  return { ...room, group: room.group }
}

/** In how many of this person's open conversations a device is. */
export function groupsOf(state: State, deviceId: string): Progress {
  const rooms = [...state.rooms.keys()].flatMap((id) => tended(state, id) ?? []).filter(({ room }) => isShown(room))
  return { done: rooms.filter(({ group }) => devicesIn(group).has(deviceId)).length, of: rooms.length }
}

export const devicesIn = ({ tree }: Group): ReadonlySet<string> =>
  new Set(leavesOf(tree).map(({ leafNode }) => deviceIdOf(leafNode.credential)))

/** Of each leaf. */
function accountsIn(state: State, id: string): readonly string[] {
  const room = tended(state, id)
  return room === undefined ? [] : leavesOf(room.group.tree).map(({ leafNode }) => accountOf(leafNode))
}

const logOf = (state: State, accountId: string): DeviceLog | undefined =>
  accountId === state.self.accountId ? state.devices : state.deviceLogs.get(accountId)

/**
 * Before a commit: KeyPackages that are over are claimed anew, and who asked long ago may have been taken back since.
 * Rejects as `claimAccount`.
 */
export async function beforeCommit(state: State, id: string): Promise<void> {
  await renewClaims(state, id)
  const now = state.ports.now()
  const asking = tended(state, id)?.room.intents.flatMap((one) =>
    one.type === 'readmit' && isDue(one, now) ? [one.accountId] : []) ?? []
  for (const accountId of new Set(asking)) await refreshLog(state, accountId)
  forgetRevoked(state, id)
}

/** Nobody is let in, or back in, whose account has taken them back. */
function forgetRevoked(state: State, id: string): void {
  const room = tended(state, id)
  if (room === undefined) return
  const isOver = (intent: Intent): boolean => (intent.type === 'link' || intent.type === 'readmit')
    && logOf(state, intent.type === 'link' ? state.self.accountId : intent.accountId)?.devices
      .some(({ deviceId, revoked }) => deviceId === intent.deviceId && revoked) === true
  const intents = room.room.intents.filter((intent) => !isOver(intent))
  if (intents.length < room.room.intents.length) state.transact({ steps: [still(withRoom(room, { intents }))] })
}

// ---------------------------------------------------------------- out

/** Intends to take back what device logs take back and the group does not yet: the own ones at once. */
function takeBack(state: State, id: string): readonly number[] {
  const waits: number[] = []
  for (const accountId of new Set(accountsIn(state, id))) {
    const room = tended(state, id)
    const intent = room === undefined ? undefined : revocation(state, room, accountId)
    if (room === undefined || intent === undefined) continue
    const isOwn = accountId === state.self.accountId
    const waitMs = waitFor(state, `${id} ${intent.publicKey}`, isOwn ? 0 : membersMs + jitter(state))
    if (waitMs > 0) waits.push(waitMs)
    else state.transact({ steps: [intend(room, intent)] })
  }
  return waits
}

function revocation(
  state: State, { group, room }: RoomState & { readonly group: Group }, accountId: string,
): Extract<Intent, { readonly type: 'revoke' }> | undefined {
  const log = logOf(state, accountId)
  if (log === undefined || revocationsOf(log).length === 0) return undefined
  const known = revocationsIn(group.context.extensions)
  const after = joinRevocations(known, provenTo(known, log))
  const hit = revokedLeaves(group, after)
  // This device itself was taken back.
  if (hit.some(({ index }) => index === group.ownLeaf)) return undefined
  const key = after.find((one) => one.accountId === accountId && hit.some(({ leafNode }) => isRevoked([one], leafNode)))
  if (key === undefined || room.intents.some((one) => one.type === 'revoke' && one.publicKey === key.revokedKey)) {
    return undefined
  }
  const proof = proofIn(log)
  return proof === undefined ? undefined : { type: 'revoke', accountId, publicKey: key.revokedKey, proof }
}

/** Nothing for a log beyond every measure. */
function proofIn(log: DeviceLog): string | undefined {
  try {
    return toHex(proofOf(log))
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

/** How long still, counted from the first time that this is asked. */
function waitFor(state: State, what: string, waitMs: number): number {
  const due = dueIn.get(state) ?? new Map<string, number>()
  dueIn.set(state, due)
  const now = state.ports.now()
  const at = due.get(what) ?? now + waitMs
  if (at > now) due.set(what, at)
  else due.delete(what)
  return Math.max(0, at - now)
}

// ---------------------------------------------------------------- in

/** Claims a KeyPackage of each own device that is missing, once for each conversation, and intends to add it. */
async function bringIn(state: State, id: string): Promise<readonly number[]> {
  const waits: number[] = []
  for (const device of missing(state, id)) {
    const { deviceId } = device
    // What was waited for before its person vouched for it is waited for no more.
    const what = `${id} ${deviceId} ${answerOf(state, deviceId) ?? ''}`
    const waitMs = waitFor(state, what, patience(state, id, device))
    if (waitMs > 0) {
      waits.push(waitMs)
      continue
    }
    const claimed = await claimDevice(state, { accountId: state.self.accountId, deviceId, token: '' })
    const room = tended(state, id)
    // Brought in, or taken back, while the network answered.
    if (room === undefined || !missing(state, id).some((one) => one.deviceId === deviceId)) continue
    if (claimed === undefined) waits.push(waitFor(state, what, untilKeys(state, device)))
    else state.transact({ steps: [intend(room, { type: 'link', deviceId, keyPackage: claimed.keyPackage })] })
  }
  return waits
}

function missing(state: State, id: string): readonly Device[] {
  const room = tended(state, id)
  if (room === undefined) return []
  const present = devicesIn(room.group)
  const intended = new Set(room.room.intents.flatMap((one) => one.type === 'link' ? [one.deviceId] : []))
  return state.devices.devices.filter((device) => !device.revoked && !present.has(device.deviceId)
    && !intended.has(device.deviceId) && !isRefused(state, room.room, device))
}

function patience(state: State, id: string, { addedBy, addedAt, deviceId: asked }: Device): number {
  const { accountId, deviceId } = state.self
  const own = accountsIn(state, id).filter((one) => one === accountId)
  const since = state.ports.now() - addedAt
  // As long as members wait with it, because the words may have been stolen.
  if (addedBy === 'recovery') return waitReturned(state, asked)
  return addedBy === deviceId || own.length <= 1 ? 0 : Math.max(0, elderMs - since) + jitter(state)
}

/**
 * A new device has no KeyPackages before its person has recognised the account on it; one that has none for long may be
 * gone, and is asked for less and less.
 */
const untilKeys = ({ ports }: State, { addedAt }: Device): number =>
  Math.min(hourMs, Math.max(1_000, (ports.now() - addedAt) / 4))
