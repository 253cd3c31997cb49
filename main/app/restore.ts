import { encode, equal, toHex, type KeyPair, type Secret } from '../mls/index.ts'
import { cardLog, readCard, type CardGroup, type ReadCard } from '../identity/card.ts'
import { DeviceLogRecord, foldDeviceLog, type DeviceLog } from '../identity/device-log.ts'
import { makeEntry, signPossession, type Operation } from '../identity/entry.ts'
import { cleanName } from '../identity/fields.ts'
import { accountIdFor, deviceIdFor } from '../identity/genesis.ts'
import { deriveRecovery, recoveryKeyPair, recoverySealKeyPair } from '../identity/recovery.ts'
import { contactDocument, formerDocument, membersDocument, roomDocument, type OwnAccount } from '../chat/documents.ts'
import { deviceLogOf, keyPackageLog } from '../chat/mail.ts'
import { restoredRoom } from '../chat/recovery.ts'
import { PortError, type Ports, type Store } from '../ports.ts'
import { adoptAccount, makeAccount } from './account.ts'
import { keepJob, type OpenedBackup } from './opened-backup.ts'
import { readAll } from './read-all.ts'
import { recipientKey, recipientOfSeed } from './recipient.ts'
import { registerDocuments, registerOf } from './registers.ts'
import { suiteOfProduct } from './self.ts'

/**
 * Coming back with nothing but the 24 words: they find and open the recovery card, certify this computer as a new
 * device, and its groups are asked to let it in, as any device asks that has lost its state.
 */

/**
 * Without the words: a new account, to which its person's former one is somebody else, and whose chats are there to be
 * read. Throws PortError('backup-malformed') for a backup of nobody; nothing is kept in the store then.
 */
export function beginAnew(
  ports: Ports, store: Store, { backup, deviceName }: { readonly backup: OpenedBackup | undefined, readonly deviceName: string },
): OwnAccount {
  const name = cleanName(backup?.name ?? '')
  if (backup === undefined || name === '') throw new PortError('backup-malformed', 'account')
  const { accountId } = backup
  store.commit({ documents: [
    { kind: 'contact', key: accountId, bytes: contactDocument.encode({ version: 1, accountId, name, own: true }) },
    { kind: 'setting', key: 'former', bytes: formerDocument.encode({ version: 1, accountId }) },
  ] })
  keepJob(store, backup)
  return makeAccount(ports, store, name, deviceName)
}

type Keys = { readonly recovery: KeyPair, readonly seal: KeyPair, readonly cardName: Secret }

/**
 * Makes this computer a device of the account that the words are of, with the conversations on its card. Rejects with
 * PortError('card-missing' | 'words-replaced' | 'account-closed' | 'delivery-unreachable'); nothing is kept in the store then.
 */
export async function restoreAccount(
  ports: Ports, store: Store, { seed, deviceName, backup }: {
    readonly seed: Secret, readonly deviceName: string
    /** What is taken in as soon as the account is back. */
    readonly backup?: OpenedBackup | undefined
  },
): Promise<OwnAccount> {
  const suite = suiteOfProduct(ports)
  const keys: Keys = {
    recovery: recoveryKeyPair(suite, seed), seal: recoverySealKeyPair(suite, seed),
    cardName: deriveRecovery(suite, seed, 'cardName'),
  }
  try {
    const { accountId, cards } = await findAccount(ports, keys)
    if (backup !== undefined && toHex(accountId) !== backup.accountId) throw new PortError('backup-other')
    const device = suite.signatureKeyPair()
    const log = await certify(ports, { accountId, keys, device, deviceName })
    const newest = cardsOf(cards, log)
    keepRooms(ports, store, { accountId: toHex(accountId), groups: groupsOn(newest) })
    await keepRecipientOf(ports, store, { accountId, seed, device })
    if (backup !== undefined) keepJob(store, backup)
    const account = adoptAccount(ports, store, {
      adopted: {
        accountId, records: await recordsOf(ports, accountId), name: newest[0]?.card.name ?? '',
        recoverySealKey: keys.seal.publicKey, recoveryCardName: keys.cardName.unwrap().slice(),
      },
      device, deviceName,
    })
    if (account === undefined) throw new PortError('card-missing')
    return account
  } finally {
    for (const secret of [keys.recovery.privateKey, keys.seal.privateKey, keys.cardName]) secret.wipe()
  }
}

/** What backups are sealed to, as long as there is the seed. */
async function keepRecipientOf(ports: Ports, store: Store, { accountId, seed, device }: {
  readonly accountId: Uint8Array, readonly seed: Secret, readonly device: KeyPair
}): Promise<void> {
  const value = JSON.stringify(await recipientOfSeed(ports, { accountId, seed }))
  const deviceId = toHex(deviceIdFor(suiteOfProduct(ports), device.publicKey))
  const register = registerOf(undefined, value, { now: ports.now(), deviceId })
  store.commit({ documents: registerDocuments(new Map([[recipientKey, register]])) })
}

const recordsOf = async (ports: Ports, accountId: Uint8Array): Promise<readonly Uint8Array[]> =>
  (await readAll(ports.delivery, deviceLogOf(toHex(accountId)))).map(({ bytes }) => bytes)

async function logOf(ports: Ports, accountId: Uint8Array): Promise<DeviceLog | undefined> {
  return foldDeviceLog(suiteOfProduct(ports), accountId, await recordsOf(ports, accountId)).log
}

/** The account that the words are the recovery key of now, and what its devices wrote down for this moment. */
async function findAccount(ports: Ports, { recovery, seal, cardName }: Keys) {
  const suite = suiteOfProduct(ports)
  const records = await readAll(ports.delivery, cardLog(cardName.unwrap()))
  const cards = records.flatMap(({ bytes }) => readCard(suite, bytes, { key: seal, cardName: cardName.unwrap() }) ?? [])
  let isReplaced = false
  for (const { card } of cards.toReversed()) {
    const accountId = accountIdFor(suite, card.genesis.genesis)
    const log = await logOf(ports, accountId)
    if (log === undefined) continue
    // Whoever had a device of the account knows this log, and may have put cards of other accounts into it.
    if (!equal(log.recoveryPublicKey, recovery.publicKey)) {
      isReplaced = true
      continue
    }
    if (log.closed !== undefined) throw new PortError('account-closed')
    return { accountId, cards }
  }
  throw new PortError(isReplaced ? 'words-replaced' : 'card-missing')
}

/** By each device that still counts the latest one, the newest first. */
function cardsOf(cards: readonly ReadCard[], log: DeviceLog): readonly ReadCard[] {
  const valid = new Set(log.devices.filter(({ revoked }) => !revoked).map(({ publicKey }) => toHex(publicKey)))
  const latest = new Map<string, ReadCard>()
  for (const one of cards) {
    const known = latest.get(one.writtenBy)
    if (valid.has(one.writtenBy) && (known === undefined || known.card.madeAt <= one.card.madeAt)) {
      latest.set(one.writtenBy, one)
    }
  }
  return [...latest.values()].sort((a, b) => b.card.madeAt - a.card.madeAt)
}

/** What any of them knows: one may have come later than the others. */
function groupsOn(cards: readonly ReadCard[]): readonly CardGroup[] {
  const groups = new Map<string, CardGroup>()
  for (const { card } of cards) {
    for (const group of card.groups) if (!groups.has(toHex(group.groupId))) groups.set(toHex(group.groupId), group)
  }
  return [...groups.values()]
}

/** How long ago an earlier try to come back may have been cut off, for what it left to be cleared away. */
const leftoverMs = 24 * 60 * 60 * 1000

/**
 * Adds this device by the recovery key and gives it the rights of an elder. What an earlier try left behind, a device
 * that never had keys for others to use, is revoked.
 */
async function certify(ports: Ports, { accountId, keys, device, deviceName }: {
  readonly accountId: Uint8Array, readonly keys: Keys, readonly device: KeyPair, readonly deviceName: string
}): Promise<DeviceLog> {
  const suite = suiteOfProduct(ports)
  const add: Operation = { type: 'add', publicKey: device.publicKey, name: deviceName }
  const possession = signPossession(suite, device, { accountId, issuer: keys.recovery.publicKey, operation: add })
  await issue(ports, { accountId, keys, operation: add, possession })
  const log = await issue(ports, {
    accountId, keys, operation: { type: 'grant', deviceId: deviceIdFor(suite, device.publicKey) },
  })
  for (const one of log.devices) {
    if (one.addedBy !== 'recovery' || one.revoked || equal(one.publicKey, device.publicKey)) continue
    // The log forgets KeyPackages: of a device that came long ago it says nothing that none are there.
    if (Math.abs(ports.now() - one.addedAt) > leftoverMs) continue
    const offers = await ports.delivery.read(keyPackageLog(one.deviceId), 0, 1)
    if (offers.length > 0) continue
    await issue(ports, {
      accountId, keys, operation: { type: 'revoke', publicKey: one.publicKey, lastHonoured: one.since },
    })
  }
  return log
}

/** Appends an entry by the recovery key until it, and not another one, has its number. */
async function issue(ports: Ports, wish: {
  readonly accountId: Uint8Array, readonly keys: Keys, readonly operation: Operation, readonly possession?: Uint8Array
}): Promise<DeviceLog> {
  const suite = suiteOfProduct(ports)
  const { accountId, keys, operation, possession } = wish
  for (;;) {
    const before = await logOf(ports, accountId)
    if (before === undefined) throw new PortError('card-missing')
    const signed = makeEntry(suite, {
      accountId, head: before.head, time: ports.now(), issuer: keys.recovery, operation,
      ...possession === undefined ? {} : { possession },
    })
    const bytes = encode(DeviceLogRecord, { type: 'entry', signed })
    await ports.delivery.append(deviceLogOf(toHex(accountId)), bytes)
    const after = await logOf(ports, accountId)
    const standing = after?.entries[signed.entry.n - 1]
    if (after !== undefined && standing !== undefined
      && equal(encode(DeviceLogRecord, { type: 'entry', signed: standing }), bytes)) return after
    if (after?.closed !== undefined) throw new PortError('account-closed')
    // Somebody rotated the recovery key meanwhile: this one may not any more.
    if (after !== undefined && !equal(after.recoveryPublicKey, keys.recovery.publicKey)) throw new PortError('words-replaced')
  }
}

/** Kept before the account is: a store without an account is nobody's. */
function keepRooms(ports: Ports, store: Store, { accountId, groups }: {
  readonly accountId: string, readonly groups: readonly CardGroup[]
}): void {
  const now = ports.now()
  store.commit({ documents: groups.flatMap((group) => {
    const { room, members } = restoredRoom(group, accountId, now)
    const contact = group.kind === 'direct' && group.title !== '' && room.peer !== ''
      ? [{ kind: 'contact' as const, key: room.peer, bytes: contactDocument.encode({
        version: 1, accountId: room.peer, name: group.title, own: false,
      }) }] : []
    return [
      { kind: 'room' as const, key: room.id, bytes: roomDocument.encode(room) },
      { kind: 'people' as const, key: room.id, bytes: membersDocument.encode({ version: 1, members }) }, ...contact,
    ]
  }) })
}
