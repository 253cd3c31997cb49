import { equal, fromHex, leafAt, type KeyPair, type Secret } from '../mls/index.ts'
import { pathLimit } from '../identity/credential.ts'
import type { DeviceLog } from '../identity/device-log.ts'
import { signPossession, type Operation } from '../identity/entry.ts'
import { pathTo } from '../identity/path.ts'
import { deriveRecovery, newSeed, recoveryKeyPair, recoverySealKeyPair } from '../identity/recovery.ts'
import { claimSlot, encodeClaim, keyPackageLog, type OwnKeyPackage } from '../chat/mail.ts'
import { PortError } from '../ports.ts'
import { seedFrom } from './account.ts'
import { issueEntry, tendDeviceLog } from './device-log.ts'
import { revocationOf } from './devices.ts'
import { adoptTold, recoveryWish } from './recovery-keys.ts'
import type { State } from './state.ts'

/**
 * Keys that take the place of others: this device's signature key, and the account's recovery key. The new one is
 * stored before the log hears of it, and is used once the log says that it stands; a kill in between changes nothing.
 */

/** How long what others made for a former key may be on its way. */
const underWayMs = 14 * 24 * 60 * 60 * 1000

/**
 * Gives this device a new signature key, and its KeyPackages too; its leaves follow by a commit in each conversation.
 * Rejects with PortError('not-allowed') where the certificate path would become too long: the 24 words then certify the
 * key afresh, so that the path is short again.
 */
export async function renewKey(state: State, words: string): Promise<void> {
  const { account, self } = state
  // What leads to the device's first key stays, also when its key is certified afresh.
  const since = state.devices.devices.find(({ deviceId }) => deviceId === self.deviceId)?.since ?? 0
  const left = words === '' ? account.path : account.path.filter(({ entry: { n } }) => n <= since)
  if (left.length >= pathLimit) throw new PortError('not-allowed', 'path')
  const recovery = words === '' ? undefined : recoveryOf(state, words)
  const next = account.nextKey ?? self.suite.signatureKeyPair()
  try {
    if (account.nextKey === undefined) state.transact({ account: { ...account, nextKey: next } })
    const operation: Operation = recovery === undefined ? { type: 'renew', publicKey: next.publicKey }
      : { type: 'certify', deviceId: account.deviceId, publicKey: next.publicKey }
    const issuer = recovery ?? self.signatureKeyPair
    await issueEntry(state, { operation, issuer, possession: consent(state, { next, issuer, operation }) })
  } finally {
    recovery?.privateKey.wipe()
  }
  adopt(state)
}

/** The recovery key of the words. Throws PortError with what is wrong with them. */
function recoveryOf({ self, devices }: State, words: string): KeyPair {
  const seed = seedFrom(words)
  const key = recoveryKeyPair(self.suite, seed)
  seed.wipe()
  if (equal(key.publicKey, devices.recoveryPublicKey)) return key
  key.privateKey.wipe()
  throw new PortError('words-foreign')
}

/**
 * Replaces the recovery key, by its present words; the new ones are shown and confirmed as at set-up. Throws PortError
 * with what is wrong with the words: 'words-foreign' for those of another key, or of one that was replaced before.
 */
export async function rotateRecovery(state: State, words: string): Promise<void> {
  const { suite } = state.self
  const issuer = recoveryOf(state, words)
  const spent: Secret[] = [issuer.privateKey]
  try {
    const nextRecoverySeed = state.account.nextRecoverySeed ?? newSeed(suite)
    if (state.account.nextRecoverySeed === undefined) state.transact({ account: { ...state.account, nextRecoverySeed } })
    const next = recoveryKeyPair(suite, nextRecoverySeed)
    spent.push(next.privateKey)
    const operation: Operation = { type: 'rotateRecovery', publicKey: next.publicKey }
    await issueEntry(state, { operation, issuer, possession: consent(state, { next, issuer, operation }) })
  } finally {
    for (const secret of spent) secret.wipe()
  }
  adopt(state)
}

/**
 * Takes a device back by the recovery key. Rejects as `rotateRecovery`, and with PortError('bad-argument') for a device
 * that is not there or was taken back before.
 */
export async function revokeByWords(state: State, words: string, deviceId: string): Promise<void> {
  const seed = seedFrom(words)
  const issuer = recoveryKeyPair(state.self.suite, seed)
  seed.wipe()
  try {
    if (!equal(issuer.publicKey, state.devices.recoveryPublicKey)) throw new PortError('words-foreign')
    const device = state.devices.devices.find((one) => one.deviceId === deviceId && !one.revoked)
    if (device === undefined) throw new PortError('bad-argument', 'deviceId')
    await issueEntry(state, { operation: revocationOf(state.devices, device), issuer })
  } finally {
    issuer.privateKey.wipe()
  }
}

/** By the recovery key: no device is above this one any more, and it has an elder's rights. Rejects as `rotateRecovery`. */
export async function takeOver(state: State, words: string): Promise<void> {
  const issuer = recoveryOf(state, words)
  try {
    const { devices: { devices }, self: { deviceId } } = state
    const own = devices.findIndex((one) => one.deviceId === deviceId)
    for (const device of devices.slice(0, own)) {
      if (!device.revoked) await issueEntry(state, { operation: revocationOf(state.devices, device), issuer })
    }
    if (devices[own]?.trusted === true) return
    await issueEntry(state, { operation: { type: 'grant', deviceId: fromHex(deviceId) }, issuer })
  } finally {
    issuer.privateKey.wipe()
  }
}

/** Of the new key to its part in the account. */
const consent = ({ self }: State, { next, issuer, operation }: {
  readonly next: KeyPair, readonly issuer: KeyPair, readonly operation: Operation
}): Uint8Array => signPossession(self.suite, next, {
  accountId: fromHex(self.accountId), issuer: issuer.publicKey, operation,
})

/** What is wanted of the device log, and what follows from it for this device's keys. */
export async function tendKeys(state: State): Promise<void> {
  await tendDeviceLog(state)
  adopt(state)
  await retireKeyPackages(state)
  dropFormerKeys(state)
}

/** Takes into use what the log says is in force. */
function adopt(state: State): void {
  const { self: { deviceId, suite }, devices } = state
  const { nextKey, nextRecoverySeed } = state.account
  const own = devices.devices.find((device) => device.deviceId === deviceId)
  if (nextKey !== undefined && own !== undefined && equal(own.publicKey, nextKey.publicKey)) useKey(state, nextKey)
  if (nextRecoverySeed === undefined) {
    adoptTold(state)
    return
  }
  const next = recoveryKeyPair(suite, nextRecoverySeed)
  if (equal(next.publicKey, devices.recoveryPublicKey)) useRecovery(state, nextRecoverySeed, next)
  next.privateKey.wipe()
}

function useKey(state: State, { publicKey, privateKey }: KeyPair): void {
  const { account, devices } = state
  const former = { publicKey: account.devicePublicKey, privateKey: account.devicePrivateKey }
  state.transact({ account: {
    ...account, devicePublicKey: publicKey, devicePrivateKey: privateKey, nextKey: undefined,
    path: [...pathTo(devices, publicKey)], formerKeys: [...account.formerKeys, former],
  } })
}

function useRecovery(state: State, recoverySeed: Secret, recovery: KeyPair): void {
  const { account, self: { suite } } = state
  const seal = recoverySealKeyPair(suite, recoverySeed)
  seal.privateKey.wipe()
  const keys = {
    recoverySealKey: seal.publicKey, recoveryCardName: deriveRecovery(suite, recoverySeed, 'cardName').unwrap(),
  }
  state.transact({
    account: { ...account, ...keys, recoverySeed, nextRecoverySeed: undefined, recovery: { type: 'waiting' } },
    registers: [recoveryWish(state, keys, recovery)],
    wipe: account.recoverySeed === undefined ? [] : [account.recoverySeed],
  })
  state.ports.vault.sealTo(seal.publicKey)
}

// ---------------------------------------------------------------- former keys

const isUnder = (own: OwnKeyPackage, key: KeyPair): boolean => equal(own.keyPackage.leafNode.signatureKey, key.publicKey)

const underFormer = ({ keyPackages, self }: State): readonly OwnKeyPackage[] =>
  [...keyPackages.values()].filter((own) => self.formerKeys.some((key) => isUnder(own, key)))

/** What nobody has claimed of the stock under a former key is claimed by this device itself: nobody shall use it. */
async function retireKeyPackages(state: State): Promise<void> {
  const { deviceId } = state.self
  for (const own of underFormer(state)) {
    if (own.lastResort || own.claimed) continue
    const claim = encodeClaim(deviceId)
    const answer = await state.ports.delivery.append(keyPackageLog(deviceId), claim, claimSlot(own.reference))
    if (answer.type === 'accepted') drop(state, [own])
  }
}

/** A former key goes with the last leaf and KeyPackage that show it; what may be on its way is waited for. */
function dropFormerKeys(state: State): void {
  const { account, ports } = state
  if (account.formerKeys.length === 0) return
  if (ports.now() - renewedAt(state.devices, account.devicePublicKey) >= underWayMs) drop(state, underFormer(state))
  const over = account.formerKeys.filter((key) => !isUsed(state, key))
  if (over.length === 0) return
  state.transact({
    account: { ...account, formerKeys: account.formerKeys.filter((key) => !over.includes(key)) },
    wipe: over.map(({ privateKey }) => privateKey),
  })
}

const renewedAt = ({ entries }: DeviceLog, publicKey: Uint8Array): number =>
  entries.find(({ entry: { operation } }) => 'publicKey' in operation && operation.type !== 'revoke'
    && equal(operation.publicKey, publicKey))?.entry.time ?? 0

function isUsed(state: State, key: KeyPair): boolean {
  if (underFormer(state).some((own) => isUnder(own, key))) return true
  return [...state.rooms.values()].some(({ group, pending }) => [group, pending?.next].some((one) =>
    one !== undefined && equal(leafAt(one.tree, one.ownLeaf)?.signatureKey ?? new Uint8Array(0), key.publicKey)))
}

function drop(state: State, keyPackages: readonly OwnKeyPackage[]): void {
  if (keyPackages.length === 0) return
  state.transact({
    removedKeyPackages: keyPackages.map(({ reference }) => reference),
    wipe: keyPackages.flatMap(({ privateKeys }) => Object.values(privateKeys)),
  })
}
