import { decode, fromHex, KeyPackage, keyPackageRef, MlsError, toHex, validateKeyPackage } from '../mls/index.ts'
import { foldDeviceLog } from '../identity/device-log.ts'
import { accountIdOf, deviceIdOf } from '../identity/credential.ts'
import { claimSlot, decodeKeyPackageRecord, deviceLogOf, encodeClaim, keyPackageLog } from '../chat/mail.ts'
import type { Claimed } from '../chat/room.ts'
import { PortError, type LogRecord } from '../ports.ts'
import type { State } from './state.ts'

/** Finding the devices of an account and claiming one KeyPackage of each, over the delivery service. */

/** Rejects with PortError('invite-no-device' | 'invite-no-key' | 'delivery-unreachable'). */
export async function claimAccount(state: State, accountId: string, token: string): Promise<readonly Claimed[]> {
  const records = await readAll(state, deviceLogOf(accountId))
  const { log } = foldDeviceLog(state.self.suite, fromHex(accountId), records.map((record) => record.bytes))
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

type Wanted = { readonly accountId: string, readonly deviceId: string, readonly token: string }

async function claimDevice(state: State, wanted: Wanted): Promise<Claimed | undefined> {
  const log = keyPackageLog(wanted.deviceId)
  const records = await readAll(state, log)
  const slots = new Set(records.map((record) => record.slot))
  const offered = records.flatMap((record) => offerIn(state, record, wanted))
  for (const offer of offered.filter((one) => !one.lastResort && !slots.has(claimSlot(one.reference)))) {
    const claim = encodeClaim(toHex(state.ports.random(16)))
    const answer = await state.ports.delivery.append(log, claim, claimSlot(offer.reference))
    if (answer.type === 'accepted') return offer.claimed
  }
  // All are spent: the one of last resort, which the device replaces (draft-ietf-mls-extensions).
  return offered.findLast((one) => one.lastResort)?.claimed
}

type Offer = { readonly reference: string, readonly lastResort: boolean, readonly claimed: Claimed }

/** A KeyPackage that is valid, and certified for the wanted device; anybody may append anything to that log. */
function offerIn(state: State, record: LogRecord, wanted: Wanted): Offer[] {
  try {
    const found = decodeKeyPackageRecord(record.bytes)
    const keyPackage = decode(KeyPackage, found.keyPackage)
    const { credential } = keyPackage.leafNode
    if (accountIdOf(credential) !== wanted.accountId || deviceIdOf(credential) !== wanted.deviceId) return []
    validateKeyPackage(state.self.suite, keyPackage, {
      authentication: state.self.authentication, now: BigInt(Math.floor(state.ports.now() / 1000)),
    })
    const reference = toHex(keyPackageRef(state.self.suite, keyPackage))
    return [{
      reference, lastResort: found.lastResort === 1,
      claimed: { ...wanted, keyPackage: toHex(found.keyPackage) },
    }]
  } catch (error) {
    if (error instanceof MlsError) return []
    throw error
  }
}

async function readAll(state: State, log: string): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = []
  for (;;) {
    const batch = await state.ports.delivery.read(log, records.at(-1)?.seq ?? 0, 500)
    if (batch.length === 0) return records
    records.push(...batch)
  }
}
