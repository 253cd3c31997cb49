import { decode, encode, toHex, type KeyPair, type Suite } from '../mls/index.ts'
import { authentication, encodeCredential } from '../identity/credential.ts'
import { DeviceLogRecord } from '../identity/device-log.ts'
import { cleanName } from '../identity/fields.ts'
import { accountIdFor, deviceIdFor, makeGenesis, SignedGenesis } from '../identity/genesis.ts'
import {
  deriveRecovery, newSeed, recoveryKeyPair, recoverySealKeyPair, seedOf, wordsOf, wrongPositions,
} from '../identity/recovery.ts'
import { encodeAccount, encodePublish, type AccountDocument } from '../chat/documents.ts'
import { leafExtensions } from '../chat/extensions.ts'
import { deviceLogOf } from '../chat/mail.ts'
import type { Self } from '../chat/self.ts'
import { PortError, type Ports, type Store } from '../ports.ts'
import type { NewPublish, State } from './state.ts'

/** The cipher suite of the product's groups and of all identity operations: Ed25519, X25519, AES-128-GCM, SHA-256. */
export const productSuite = 1

/** The suite of every group that this app makes. Throws PortError('bug') on a host without it. */
export function suiteOfProduct(ports: Ports): Suite {
  const suite = ports.suiteOf(productSuite)
  if (suite === undefined) throw new PortError('bug', 'cipher suite 1 is missing')
  return suite
}

/** Makes the account: its recovery key, its first device, and the genesis, kept before it is published. */
export function makeAccount(ports: Ports, store: Store, name: string): AccountDocument {
  const suite = suiteOfProduct(ports)
  const recoverySeed = newSeed(suite)
  const recovery = recoveryKeyPair(suite, recoverySeed)
  const seal = recoverySealKeyPair(suite, recoverySeed)
  const cardName = deriveRecovery(suite, recoverySeed, 'cardName')
  const device = suite.signatureKeyPair()
  const signed = makeGenesis(suite, { recovery, device, createdAt: ports.now() })
  recovery.privateKey.wipe()
  seal.privateKey.wipe()
  const account: AccountDocument = {
    version: 1, name: nameFrom(name), createdAt: BigInt(ports.now()), genesis: encode(SignedGenesis, signed),
    deviceId: deviceIdFor(suite, device.publicKey), devicePublicKey: device.publicKey,
    devicePrivateKey: device.privateKey, recoverySeed, recoverySealKey: seal.publicKey,
    recoveryCardName: cardName.unwrap(), recovery: { type: 'waiting' },
  }
  const accountId = toHex(accountIdFor(suite, signed.genesis))
  store.commit({ documents: [
    { kind: 'account', key: 'own', bytes: encodeAccount(account) },
    { kind: 'publish', key: toHex(ports.random(16)), bytes: encodePublish({
      position: 0n, seq: 0n, ...genesisRecord(accountId, signed),
    }) },
  ] })
  return account
}

/** The first record of the account's device log. */
export const genesisRecord = (accountId: string, signed: SignedGenesis): NewPublish => ({
  log: deviceLogOf(accountId), slot: '', target: { type: 'record' },
  bytes: encode(DeviceLogRecord, { type: 'genesis', signed }),
})

/** A name that people can see. Throws PortError('bad-argument') when nothing is left of it. */
export function nameFrom(text: string): string {
  const name = cleanName(text)
  if (name === '') throw new PortError('bad-argument', 'name')
  return name
}

/** This device as its groups see it. */
export function selfOf(ports: Ports, account: AccountDocument): Self {
  const suite = suiteOfProduct(ports)
  const genesis = decode(SignedGenesis, account.genesis)
  const accountId = accountIdFor(suite, genesis.genesis)
  const signatureKeyPair: KeyPair = { publicKey: account.devicePublicKey, privateKey: account.devicePrivateKey }
  return {
    accountId: toHex(accountId), deviceId: toHex(account.deviceId), suite, signatureKeyPair,
    credential: encodeCredential({ accountId, deviceId: account.deviceId, genesis, path: [] }),
    // The log's head is the genesis: number 0, whose hash is the accountId.
    leafExtensions: leafExtensions({ n: 0, hash: accountId }),
    authentication: authentication(suite),
  }
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

/**
 * The key pair that opens what was sealed to the recovery key, from the 24 words as somebody typed them. Throws
 * PortError with what is wrong with them; the caller wipes the private key.
 */
export function keyOfWords(ports: Ports, text: string): KeyPair {
  const entered = seedOf(text)
  switch (entered.type) {
    case 'count': throw new PortError('words-count', String(entered.count))
    case 'unknown': throw new PortError('words-unknown', entered.positions.join(' '))
    case 'checksum': throw new PortError('words-order')
    case 'seed': break
  }
  const key = recoverySealKeyPair(suiteOfProduct(ports), entered.seed)
  entered.seed.wipe()
  return key
}
