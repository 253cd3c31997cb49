import { encode, equal, generateKeyPackage, KeyPackage, keyPackageRef, toHex } from '../mls/index.ts'
import { leafCapabilities, leafLifetime } from '../chat/extensions.ts'
import { claimSlot, deviceLogOf, encodeKeyPackageRecord, keyPackageLog, keyPackageSlot } from '../chat/mail.ts'
import type { OwnKeyPackage } from '../chat/mail.ts'
import { isDrained, offered, planStock, unanswered } from '../chat/stock.ts'
import type { LogRecord } from '../ports.ts'
import type { NewPublish, State } from './state.ts'

/**
 * Makes and publishes what is missing, private keys stored before the public ones are told, and drops what is over:
 * that only when the inbox was read to its end, because something may wait there. Gives when to come back.
 */
export function tendStock(state: State, { inboxRead }: { readonly inboxRead: boolean }): number {
  const plan = planStock(state.keyPackages.values(), state.ports.now(), currentOf(state))
  const made = [
    ...Array.from({ length: plan.make }, () => makeKeyPackage(state, false)),
    ...plan.lastResort ? [makeKeyPackage(state, true)] : [],
  ]
  const forgotten = inboxRead ? plan.forget : []
  if (made.length > 0 || forgotten.length > 0) {
    state.transact({
      keyPackages: made, publish: made.map((own) => recordOf(state, own)),
      removedKeyPackages: forgotten.map((own) => own.reference),
      wipe: forgotten.flatMap(({ privateKeys }) => Object.values(privateKeys)),
    })
  }
  return plan.nextAt
}

/** Certified as this device is now. */
const currentOf = ({ self }: State) => ({ keyPackage: { leafNode } }: OwnKeyPackage): boolean =>
  leafNode.credential.type === 'basic' && self.credential.type === 'basic'
  && equal(leafNode.credential.identity, self.credential.identity)

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
  const before = unanswered(state.keyPackages.values())
  state.transact({
    keyPackages: claimed, cursors: [{ log, seq: records.at(-1)?.seq ?? 0 }],
    ...isDrained(before, before + claimed.length) ? { notice: { code: 'keys-drained' } } : {},
  })
}

/**
 * A log that was lost and made anew has nobody's keys: what this device had told is told again. Appending the same
 * bytes twice changes nothing.
 */
export async function restock(state: State): Promise<void> {
  const { self, ports, keyPackages } = state
  const log = keyPackageLog(self.deviceId)
  const { lastResort, ready } = offered(keyPackages.values(), ports.now(), currentOf(state))
  if (lastResort === undefined) return
  const slot = keyPackageSlot(lastResort.reference)
  const isUnderWay = [...state.publishes.values()].some((one) => one.slot === slot)
  if (isUnderWay || await ports.delivery.slot(log, slot) !== undefined) return
  const devices = state.deviceLogs.kept(self.accountId).records.map((bytes): NewPublish =>
    ({ log: deviceLogOf(self.accountId), slot: '', bytes, target: { type: 'record' } }))
  state.transact({ publish: [...devices, ...[lastResort, ...ready].map((own) => recordOf(state, own))] })
}
