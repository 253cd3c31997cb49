import { isCounted } from '../chat/content.ts'
import { answeredMs } from '../chat/continuation.ts'
import { forgetOld, forgetsIn } from '../chat/epochs.ts'
import { idleDevices, type IdleDevice } from '../chat/idle.ts'
import { intend } from '../chat/membership.ts'
import { isOutdated, renewal, wantsRenewal } from '../chat/renewal.ts'
import { still, withRoom } from '../chat/room.ts'
import { toHex } from '../mls/index.ts'
import type { LogUsage } from '../../preload/api.ts'
import { PortError, retentionMs, type Ports } from '../ports.ts'
import { seenAt } from './sightings.ts'
import type { State } from './state.ts'

/** What keeps a device, its groups and its log in good health: done now and then, or offered to the person. */

const dayMs = 24 * 60 * 60 * 1000

/** What the log takes of this computer, if it lies here. */
export async function usageOf({ delivery }: Ports): Promise<LogUsage | undefined> {
  const usage = await delivery.usage?.()
  return usage === undefined ? undefined : { ...usage, keptDays: (retentionMs.get('m') ?? 0) / dayMs }
}

/** When it is time, new keys for the own leaf: before what waits to be said, which then goes out under them. */
export function renewInTime(state: State, id: string): void {
  const room = state.rooms.get(id)
  if (room === undefined) return
  const speaks = [...state.outbox.values()].some(({ room: of, body }) => toHex(of) === id && isCounted(body))
  if (isOutdated(room, state.self) || wantsRenewal(room, { now: state.ports.now(), speaks })) state.transact({ steps: [intend(room, renewal())] })
}

/** Keys of epochs that are over for a day go (RFC 9420 §15.3). Gives how long until the next of them, if there is one. */
export function forgetInTime(state: State, id: string): number | undefined {
  const room = state.rooms.get(id)
  if (room === undefined) return undefined
  const now = state.ports.now()
  const { state: after, wipe } = forgetOld(room, now)
  if (after !== room) state.transact({ steps: [{ ...still(after), wipe }] })
  return forgetsIn(after, now)
}

/** The KeyPackage by which this device came into a group that goes on for another one, when no second one is due. */
export function forgetAnswered(state: State, id: string): void {
  const room = state.rooms.get(id)
  const { answered } = room?.room ?? {}
  if (room === undefined || answered === undefined || state.ports.now() < answered.at + answeredMs) return
  state.transact({ steps: [still(withRoom(room, { answered: undefined }))] })
}

/** Devices in a conversation that were silent for long, as far as this person may remove them. */
export const idleIn = (state: State, id: string): readonly IdleDevice[] => idleDevices(state.room(id), {
  self: state.self.accountId, now: state.ports.now(), seenAt: (deviceId) => seenAt(state.store, id, deviceId),
}).slice(0, shownIdle)

const shownIdle = 50

export const toldIdle = ({ accountId, deviceId, since }: IdleDevice) => ({ accountId, deviceId, since })

/** Throws PortError('device-heard') when it is not silent any more, or is not there. */
export function dropDevice(state: State, id: string, deviceId: string): void {
  const idle = idleIn(state, id).find((one) => one.deviceId === deviceId)
  if (idle === undefined) throw new PortError('device-heard')
  state.transact({ steps: [intend(state.room(id), { type: 'drop', leafKey: idle.leafKey })] })
}
