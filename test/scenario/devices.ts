import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { decode, encode, toHex, type KeyPair, type Suite } from '../../main/mls/index.ts'
import { adoptAccount } from '../../main/app/account.ts'
import { decodeAccount, type OwnAccount } from '../../main/chat/documents.ts'
import { deviceLogOf } from '../../main/chat/mail.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { DeviceLogRecord, foldDeviceLog, type DeviceLog } from '../../main/identity/device-log.ts'
import { makeEntry, signPossession, type Operation, type SignedEntry } from '../../main/identity/entry.ts'
import { accountIdFor, SignedGenesis } from '../../main/identity/genesis.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { Person, suites, until } from './world.ts'

/** Several devices of one person, without the screens of linking; and hands that write into a device log. */

const suiteOne = suites(1)
if (suiteOne === undefined) throw new Error('suite 1 is missing')
export const suite: Suite = suiteOne

/** What a device's store says of its account. The keys are copies: they outlive the app. */
export function accountOn(person: Person): OwnAccount {
  const bytes = person.store?.document('account', 'own')
  if (bytes === undefined) throw new Error(`${person.name} has no account`)
  return decodeAccount(bytes)
}

export const keyOn = (person: Person): KeyPair => {
  const { devicePublicKey, devicePrivateKey } = accountOn(person)
  return { publicKey: devicePublicKey, privateKey: devicePrivateKey }
}

export const accountIdOn = (person: Person): Uint8Array =>
  accountIdFor(suite, decode(SignedGenesis, accountOn(person).genesis).genesis)

/** Everything that was appended to the device log of a person's account. */
export async function recordsOf(person: Person): Promise<readonly Uint8Array[]> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  try {
    return (await delivery.read(deviceLogOf(toHex(accountIdOn(person))), 0, 1_000)).map(({ bytes }) => bytes)
  } finally {
    await delivery.close()
  }
}

export const logOf = (person: Person): Promise<DeviceLog> =>
  until('the genesis is published', async () =>
    foldDeviceLog(suite, accountIdOn(person), await recordsOf(person)).log)

/** Appends bytes to the device log of a person's account, as anybody can who knows its name. */
export async function appendToLog(person: Person, bytes: Uint8Array): Promise<void> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  try {
    await delivery.append(deviceLogOf(toHex(accountIdOn(person))), bytes)
  } finally {
    await delivery.close()
  }
}

/** An entry behind the log's end, by any key; `newKey` is the one that it brings. */
export async function signEntry(
  person: Person, { issuer, operation, newKey }: {
    readonly issuer: KeyPair, readonly operation: Operation, readonly newKey?: KeyPair
  },
): Promise<SignedEntry> {
  const accountId = accountIdOn(person)
  const { head } = await logOf(person)
  return makeEntry(suite, {
    accountId, head, time: person.now(), issuer, operation,
    ...newKey === undefined ? {}
      : { possession: signPossession(suite, newKey, { accountId, issuer: issuer.publicKey, operation }) },
  })
}

export const entryRecord = (signed: SignedEntry): Uint8Array => encode(DeviceLogRecord, { type: 'entry', signed })

/** By a person's device itself, as its app would. */
export async function writeEntry(
  person: Person, operation: Operation, { issuer = keyOn(person), newKey }: {
    readonly issuer?: KeyPair, readonly newKey?: KeyPair
  } = {},
): Promise<SignedEntry> {
  const signed = await signEntry(person, { issuer, operation, ...newKey === undefined ? {} : { newKey } })
  await appendToLog(person, entryRecord(signed))
  return signed
}

/**
 * A second device of a running person, on a store of its own, whose `add` entry the elder has signed; it runs. What
 * linking tells a new device stands in its store; nothing of the conversations does.
 */
export async function linkedDevice(
  elder: Person, name = `${elder.name} 2`, prepare?: (person: Person) => void,
): Promise<Person> {
  const device = suite.signatureKeyPair()
  await writeEntry(elder, { type: 'add', publicKey: device.publicKey, name }, { newKey: device })
  return adopted(elder, { name, device, ...prepare === undefined ? {} : { prepare } })
}

/** The device of a key that the log has already. */
export async function adopted(elder: Person, { name, device, records, prepare }: {
  readonly name: string, readonly device: KeyPair, readonly prepare?: (person: Person) => void
  /** In place of the log as it is. */
  readonly records?: readonly Uint8Array[]
}): Promise<Person> {
  const person = new Person(name, elder.folder)
  person.now = elder.now
  prepare?.(person)
  const folder = path.join(elder.folder, name)
  mkdirSync(folder, { recursive: true })
  const store = openStore({ file: path.join(folder, 'profile.sqlite'), key: person.key.slice() })
  const { name: called, recoverySealKey, recoveryCardName } = accountOn(elder)
  const account = adoptAccount(
    { suiteOf: suites, now: person.now, deviceName: name, platform: 'Linux' }, store, {
      adopted: {
        accountId: accountIdOn(elder), records: records ?? await recordsOf(elder), name: called, recoverySealKey, recoveryCardName,
      },
      device, deviceName: name,
    })
  store.close()
  if (account === undefined) throw new Error(`the log does not have ${name}`)
  await person.start()
  return person
}
