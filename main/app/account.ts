import { encode, equal, toHex, type KeyPair, type Secret, type Suite } from '../mls/index.ts'
import { foldDeviceLog } from '../identity/device-log.ts'
import type { SignedEntry } from '../identity/entry.ts'
import { cleanName } from '../identity/fields.ts'
import { pathTo } from '../identity/path.ts'
import { accountIdFor, deviceIdFor, makeGenesis, SignedGenesis } from '../identity/genesis.ts'
import {
  deriveRecovery, newSeed, recoveryKeyPair, recoverySealKeyPair, seedOf, wordsOf, wrongPositions,
} from '../identity/recovery.ts'
import { encodeAccount, encodeDeviceLog, encodePublish, type OwnAccount } from '../chat/documents.ts'
import { deviceLogOf } from '../chat/mail.ts'
import { PortError, type Ports, type Store } from '../ports.ts'
import { genesisRecordOf, suiteOfProduct } from './self.ts'
import type { State } from './state.ts'

/** Makes the account: its recovery key, its first device, and the genesis, kept before it is published. */
export function makeAccount(ports: Ports, store: Store, name: string, deviceName?: string): OwnAccount {
  const suite = suiteOfProduct(ports)
  const recoverySeed = newSeed(suite)
  const recovery = recoveryKeyPair(suite, recoverySeed)
  const seal = recoverySealKeyPair(suite, recoverySeed)
  const cardName = deriveRecovery(suite, recoverySeed, 'cardName')
  const device = suite.signatureKeyPair()
  const signed = makeGenesis(suite, { recovery, device, createdAt: ports.now() })
  recovery.privateKey.wipe()
  seal.privateKey.wipe()
  const account: OwnAccount = {
    name: nameFrom(name), createdAt: BigInt(ports.now()), genesis: encode(SignedGenesis, signed),
    ...deviceOf(ports, { suite, device, path: [], ...deviceName === undefined ? {} : { name: deviceName } }),
    recoverySeed, recoverySealKey: seal.publicKey, recoveryCardName: cardName.unwrap(), recovery: { type: 'waiting' },
  }
  const accountId = toHex(accountIdFor(suite, signed.genesis))
  store.commit({ documents: [
    { kind: 'account', key: 'own', bytes: encodeAccount(account) },
    { kind: 'publish', key: toHex(ports.random(16)), bytes: encodePublish({
      position: 0n, seq: 0n, log: deviceLogOf(accountId), slot: '', bytes: genesisRecordOf(account),
      target: { type: 'record' },
    }) },
  ] })
  return account
}

/** The computer that becomes a device. */
type Host = Pick<Ports, 'suiteOf' | 'now' | 'deviceName' | 'platform'>

/** What the account says of this device. */
const deviceOf = (ports: Host, { suite, device, path, name = ports.deviceName }: {
  readonly suite: Suite, readonly device: KeyPair, readonly path: readonly SignedEntry[], readonly name?: string
}) => ({
  deviceId: deviceIdFor(suite, device.publicKey), devicePublicKey: device.publicKey,
  devicePrivateKey: device.privateKey, path: [...path], formerKeys: [], deviceName: cleanName(name),
  platform: ports.platform, nextKey: undefined, nextRecoverySeed: undefined,
})

/** What a new device is told of the account that it is linked to. */
export type Adopted = Pick<OwnAccount, 'name' | 'recoverySealKey' | 'recoveryCardName'> & {
  readonly accountId: Uint8Array
  /** The account's device log, in its order, with the entry that adds this device. */
  readonly records: readonly Uint8Array[]
}

/**
 * Makes this computer a device of an account, kept before anything is published. `undefined`, and nothing is kept, for a
 * log that is not that account's, or in which this device is none (any more).
 */
export function adoptAccount(ports: Host, store: Store, { adopted, device, deviceName }: {
  readonly adopted: Adopted, readonly device: KeyPair, readonly deviceName: string
}): OwnAccount | undefined {
  const suite = suiteOfProduct(ports)
  const { accountId, records, name, recoverySealKey, recoveryCardName } = adopted
  const { log, telling } = foldDeviceLog(suite, accountId, records)
  const own = log?.devices.find(({ publicKey }) => equal(publicKey, device.publicKey))
  if (log === undefined || own === undefined || own.revoked) return undefined
  const account: OwnAccount = {
    name: nameFrom(name), createdAt: BigInt(ports.now()), genesis: encode(SignedGenesis, log.genesis),
    ...deviceOf(ports, { suite, device, path: pathTo(log, device.publicKey), name: deviceName }),
    recoverySeed: undefined, recoverySealKey, recoveryCardName, recovery: { type: 'confirmed' },
  }
  store.commit({ documents: [
    { kind: 'account', key: 'own', bytes: encodeAccount(account) },
    { kind: 'device-log', key: log.accountId, bytes: encodeDeviceLog(records.filter((_, at) => telling.includes(at))) },
  ] })
  return account
}

/** A name that people can see. Throws PortError('bad-argument') when nothing is left of it. */
export function nameFrom(text: string): string {
  const name = cleanName(text)
  if (name === '') throw new PortError('bad-argument', 'name')
  return name
}

/** The 24 words, as long as their owner has not confirmed them. Throws PortError('words-gone'). */
export function recoveryWords(state: State): readonly string[] {
  if (state.account.recoverySeed === undefined) throw new PortError('words-gone')
  return wordsOf(state.account.recoverySeed)
}

/** When the three words are right, the key is forgotten: the words on paper are all there is. */
export function confirmWords(
  state: State, words: readonly { readonly position: number, readonly word: string }[],
): void {
  const { recoverySeed, ...account } = state.account
  if (recoverySeed === undefined) throw new PortError('words-gone')
  const different = new Set(words.map((one) => one.position))
  if (different.size !== 3) throw new PortError('bad-argument', 'words')
  const wrong = wrongPositions(recoverySeed, words)
  if (wrong.length > 0) throw new PortError('words-differ', wrong.join(' '))
  state.transact({
    account: { ...account, recoverySeed: undefined, recovery: { type: 'confirmed' } }, wipe: [recoverySeed],
  })
}

/** The seed of the 24 words as somebody typed them. Throws PortError with what is wrong with them. */
export function seedFrom(text: string): Secret {
  const entered = seedOf(text)
  switch (entered.type) {
    case 'count': throw new PortError('words-count', String(entered.count))
    case 'unknown': throw new PortError('words-unknown', entered.positions.join(' '))
    case 'checksum': throw new PortError('words-order')
    case 'seed': return entered.seed
  }
}

/**
 * The key pair that opens what was sealed to the recovery key, from the 24 words. Throws as `seedFrom`; the caller wipes
 * the private key.
 */
export function keyOfWords(ports: Ports, text: string): KeyPair {
  const seed = seedFrom(text)
  const key = recoverySealKeyPair(suiteOfProduct(ports), seed)
  seed.wipe()
  return key
}
