import { encode, generateKeyPackage, KeyPackage, keyPackageRef, toHex } from '../mls/index.ts'
import { leafCapabilities, leafLifetime } from '../chat/extensions.ts'
import { claimSlot, encodeKeyPackageRecord, keyPackageLog, keyPackageSlot } from '../chat/mail.ts'
import type { OwnKeyPackage } from '../chat/mail.ts'
import type { LogRecord } from '../ports.ts'
import type { NewPublish, State } from './state.ts'

/** KeyPackages that others may claim to add this device (RFC 9420 §10), and one of last resort. */
const stockSize = 20
const refillBelow = 10

/** Makes and publishes what is missing: private keys are stored before the public ones are told. */
export function refillKeyPackages(state: State): void {
  const ready = [...state.keyPackages.values()].filter((one) => !one.lastResort && !one.claimed)
  const lastResort = [...state.keyPackages.values()].some((one) => one.lastResort)
  const missing = ready.length < refillBelow ? stockSize - ready.length : 0
  const made: OwnKeyPackage[] = Array.from({ length: missing }, () => makeKeyPackage(state, false))
  if (!lastResort) made.push(makeKeyPackage(state, true))
  if (made.length === 0) return
  state.transact({ keyPackages: made, publish: made.map((own) => recordOf(state, own)) })
}

function makeKeyPackage(state: State, lastResort: boolean): OwnKeyPackage {
  const { self } = state
  const made = generateKeyPackage(self.suite, {
    credential: self.credential, signatureKeyPair: self.signatureKeyPair, capabilities: leafCapabilities(),
    lifetime: leafLifetime(state.ports.now()), leafExtensions: self.leafExtensions, lastResort,
  })
  const reference = toHex(keyPackageRef(self.suite, made.keyPackage))
  return { reference, keyPackage: made.keyPackage, privateKeys: made.privateKeys, lastResort, claimed: false }
}

const recordOf = (state: State, own: OwnKeyPackage): NewPublish => ({
  log: keyPackageLog(state.self.deviceId),
  slot: keyPackageSlot(own.reference),
  bytes: encodeKeyPackageRecord({ lastResort: own.lastResort, keyPackage: encode(KeyPackage, own.keyPackage) }),
  target: { type: 'record' },
})

/** Claims by others: what is claimed counts no longer, but its private keys wait for the Welcome. */
export function onKeyPackageLog(state: State, log: string, records: readonly LogRecord[]): void {
  const slots = new Set(records.map((record) => record.slot))
  const claimed = [...state.keyPackages.values()]
    .filter((own) => !own.lastResort && !own.claimed && slots.has(claimSlot(own.reference)))
    .map((own) => ({ ...own, claimed: true }))
  state.transact({ keyPackages: claimed, cursors: [{ log, seq: records.at(-1)?.seq ?? 0 }] })
}
