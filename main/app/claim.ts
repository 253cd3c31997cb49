import { decode, fromHex, KeyPackage, keyPackageRef, MlsError, toHex, validateKeyPackage } from '../mls/index.ts'
import { accountIdOf, deviceIdOf } from '../identity/credential.ts'
import { claimSlot, decodeKeyPackageRecord, encodeClaim, keyPackageLog } from '../chat/mail.ts'
import { lifetimeOf } from '../chat/extensions.ts'
import { still, withRoom, type Claimed, type Intent, type RoomState } from '../chat/room.ts'
import { PortError, type LogRecord } from '../ports.ts'
import { refreshLog } from './device-log.ts'
import { readAll } from './read-all.ts'
import type { State } from './state.ts'

/** Finding the devices of an account and claiming one KeyPackage of each, over the delivery service. */

/** Rejects with PortError('account-closed' | 'invite-no-device' | 'invite-no-key' | 'delivery-unreachable'). */
export async function claimAccount(state: State, accountId: string, token: string): Promise<readonly Claimed[]> {
  const log = await refreshLog(state, accountId)
  if (log?.closed !== undefined) throw new PortError('account-closed')
  const devices = log?.devices.filter((device) => !device.revoked) ?? []
  if (devices.length === 0) throw new PortError('invite-no-device')
  const claimed: Claimed[] = []
  for (const device of devices) {
    const one = await claimDevice(state, { accountId, deviceId: device.deviceId, token })
    if (one !== undefined) claimed.push(one)
  }
  // A device without KeyPackages is added later, when it has some; without any, there is nobody to write to.
  if (claimed.length === 0) throw new PortError('invite-no-key')
  return claimed
}

/**
 * KeyPackages that were claimed long ago, for a commit that could not be made until now, may be over: others take their
 * place. Whose device has none any more is not added, and the person is told. Rejects as `claimAccount`.
 */
export async function renewClaims(state: State, id: string): Promise<void> {
  const over = claimsIn(state.rooms.get(id)).filter((one) => isOver(one, state.ports.now()))
  if (over.length === 0) return
  const renewed = new Map<string, Claimed | undefined>()
  for (const one of over) renewed.set(one.keyPackage, await claimDevice(state, one))
  const room = state.rooms.get(id)
  if (room === undefined) return
  const intents = room.room.intents.flatMap((intent): readonly Intent[] => {
    if (intent.type !== 'add') return [intent]
    const members = intent.members.flatMap((one) => renewed.has(one.keyPackage) ? renewed.get(one.keyPackage) ?? [] : [one])
    return members.length === 0 ? [] : [{ ...intent, members }]
  })
  const lost = [...renewed.values()].includes(undefined)
  state.transact({
    steps: [still(withRoom(room, { intents }))], ...lost ? { notice: { code: 'invite-no-key' as const } } : {},
  })
}

const claimsIn = (state: RoomState | undefined): readonly Claimed[] =>
  state?.room.intents.flatMap((intent) => intent.type === 'add' ? intent.members : []) ?? []

/** RFC 9420 §7.2: what is not valid any more cannot be added. */
const isOver = ({ keyPackage }: Claimed, now: number): boolean =>
  lifetimeOf(decode(KeyPackage, fromHex(keyPackage))).endsAt <= now

type Wanted = { readonly accountId: string, readonly deviceId: string, readonly token: string }

/** One of a device's KeyPackages, or `undefined` while it has none. Rejects with PortError('delivery-unreachable'). */
export async function claimDevice(state: State, wanted: Wanted): Promise<Claimed | undefined> {
  const log = keyPackageLog(wanted.deviceId)
  const records = await readAll(state.ports.delivery, log)
  const slots = new Set(records.map((record) => record.slot))
  const offers = records.flatMap((record) => offerIn(state, record))
  for (const offer of offers.filter((one) => !one.lastResort && !slots.has(claimSlot(one.reference)))) {
    if (!isValid(state, offer, wanted)) continue
    const claim = encodeClaim(toHex(state.ports.random(16)))
    const answer = await state.ports.delivery.append(log, claim, claimSlot(offer.reference))
    if (answer.type === 'accepted') return { ...wanted, keyPackage: offer.bytes }
  }
  // All are spent: the one of last resort, which the device replaces (draft-ietf-mls-extensions).
  const last = offers.findLast((one) => one.lastResort && isValid(state, one, wanted))
  return last === undefined ? undefined : { ...wanted, keyPackage: last.bytes }
}

type Offer = {
  readonly reference: string
  readonly lastResort: boolean
  readonly keyPackage: KeyPackage
  /** Encoded, hexadecimal. */
  readonly bytes: string
}

/** A KeyPackage in a log to which anybody may append anything. */
function offerIn(state: State, record: LogRecord): Offer[] {
  return unlessMalformed(() => {
    const { lastResort, keyPackage: bytes } = decodeKeyPackageRecord(record.bytes)
    const keyPackage = decode(KeyPackage, bytes)
    const reference = toHex(keyPackageRef(state.self.suite, keyPackage))
    return [{ reference, lastResort: lastResort === 1, keyPackage, bytes: toHex(bytes) }]
  }) ?? []
}

/** Whether it is valid now, and certified for the wanted device. */
function isValid(state: State, { keyPackage }: Offer, wanted: Wanted): boolean {
  return unlessMalformed(() => {
    const { credential } = keyPackage.leafNode
    if (accountIdOf(credential) !== wanted.accountId || deviceIdOf(credential) !== wanted.deviceId) return false
    validateKeyPackage(state.self.suite, keyPackage, {
      authentication: state.self.authentication, now: BigInt(Math.floor(state.ports.now() / 1000)),
    })
    return true
  }) ?? false
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}
