/** Accounts with real keys for stories: who they are, and a device log that they write. */
import { randomBytes } from 'node:crypto'
import { nativeSuites } from '../../main/crypto/native.ts'
import { encode, type KeyPair, type Suite } from '../../main/mls/index.ts'
import { DeviceLogRecord } from '../../main/identity/device-log.ts'
import {
  headAfter, makeEntry, newKeyOf, signPossession, type LogHead, type Operation, type SignedEntry,
} from '../../main/identity/entry.ts'
import { accountIdFor, deviceIdFor, makeGenesis, type SignedGenesis } from '../../main/identity/genesis.ts'

/** Suite 1 on the primitives that the app has. */
export function suiteWith(random: (length: number) => Uint8Array): Suite {
  const suite = nativeSuites(random)(1)
  if (suite === undefined) throw new Error('suite 1 is missing')
  return suite
}

export const suite = suiteWith((length) => new Uint8Array(randomBytes(length)))

/** The same "random" bytes in every run, for values that are pinned. */
export function repeatable(): Suite {
  let counter = 0
  return suiteWith((length) => Uint8Array.from({ length }, () => (counter = (counter * 5 + 17) % 251)))
}

export type Account = {
  readonly recovery: KeyPair
  readonly laptop: KeyPair
  readonly genesis: SignedGenesis
  readonly accountId: Uint8Array
}

export const createdAt = Date.UTC(2025, 0, 1)

export function newAccount(of: Suite = suite): Account {
  const recovery = of.signatureKeyPair()
  const laptop = of.signatureKeyPair()
  const genesis = makeGenesis(of, { recovery, device: laptop, createdAt })
  return { recovery, laptop, genesis, accountId: accountIdFor(of, genesis.genesis) }
}

export const genesisRecord = (account: Account): Uint8Array =>
  encode(DeviceLogRecord, { type: 'genesis', signed: account.genesis })
export const entryRecord = (signed: SignedEntry): Uint8Array => encode(DeviceLogRecord, { type: 'entry', signed })

export const add = (device: KeyPair, name = 'a device'): Operation =>
  ({ type: 'add', publicKey: device.publicKey, name })
export const grant = (device: KeyPair): Operation =>
  ({ type: 'grant', deviceId: deviceIdFor(suite, device.publicKey) })
export const renew = (key: KeyPair): Operation => ({ type: 'renew', publicKey: key.publicKey })
export const revoke = (key: KeyPair, lastHonoured: number): Operation =>
  ({ type: 'revoke', publicKey: key.publicKey, lastHonoured })
export const rotateRecovery = (key: KeyPair): Operation => ({ type: 'rotateRecovery', publicKey: key.publicKey })

export const close: Operation = { type: 'close' }

export const certify = (device: KeyPair, key: KeyPair): Operation =>
  ({ type: 'certify', deviceId: deviceIdFor(suite, device.publicKey), publicKey: key.publicKey })

/** An entry after `head`, signed by everybody who must; `newKey` is the pair of the key that it brings. */
export function entryAfter(head: LogHead, account: Account, options: {
  readonly issuer: KeyPair
  readonly operation: Operation
  readonly newKey?: KeyPair | undefined
}): SignedEntry {
  const { issuer, operation, newKey } = options
  const { accountId } = account
  return makeEntry(suite, {
    accountId, head, time: createdAt + 1000 * (head.n + 1), issuer, operation,
    ...(newKey === undefined ? {}
      : { possession: signPossession(suite, newKey, { accountId, issuer: issuer.publicKey, operation }) }),
  })
}

/** Writes a device log, whether its entries are allowed or not. */
export class LogWriter {
  readonly account: Account
  readonly records: Uint8Array[]
  readonly entries: SignedEntry[] = []
  head: LogHead
  readonly #pairs: KeyPair[] = []

  constructor(account: Account) {
    this.account = account
    this.records = [genesisRecord(account)]
    this.head = { n: 0, hash: account.accountId }
  }

  /** A fresh key pair that later operations may bring in. */
  key(): KeyPair {
    const pair = suite.signatureKeyPair()
    this.#pairs.push(pair)
    return pair
  }

  sign(issuer: KeyPair, operation: Operation, head = this.head): SignedEntry {
    const publicKey = newKeyOf(operation)
    const newKey = this.#pairs.find((pair) => pair.publicKey === publicKey)
    return entryAfter(head, this.account, { issuer, operation, newKey })
  }

  /** Appends an entry after the last one, and gives it. */
  write(issuer: KeyPair, operation: Operation): SignedEntry {
    return this.append(this.sign(issuer, operation))
  }

  append(signed: SignedEntry): SignedEntry {
    this.records.push(entryRecord(signed))
    this.entries.push(signed)
    this.head = headAfter(suite, signed.entry)
    return signed
  }
}

/** The same bytes with one bit of one octet changed. */
export function damaged(bytes: Uint8Array, at = bytes.length >> 1): Uint8Array {
  const copy = bytes.slice()
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
