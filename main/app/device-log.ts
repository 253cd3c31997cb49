import { encode, equal, fromHex, toHex, type KeyPair } from '../mls/index.ts'
import { DeviceLogRecord, type DeviceLog } from '../identity/device-log.ts'
import { refusalOf } from '../identity/devices.ts'
import { makeEntry, Operation, type SignedEntry } from '../identity/entry.ts'
import type { WantedEntry } from '../chat/documents.ts'
import { deviceLogOf } from '../chat/mail.ts'
import { PortError, type LogRecord } from '../ports.ts'
import { onClosed, onLogRead } from './alarms.ts'
import { foldOn } from './device-logs.ts'
import { endOf, nextRevocation, revocationOf } from './devices.ts'
import { noteReturned } from './returned.ts'
import type { State } from './state.ts'

/** Reading the device logs of accounts, and writing the own one. */

const readBatch = 500

/** Reads an account's device log to its end. Rejects with PortError('delivery-unreachable'). */
export async function refreshLog(state: State, accountId: string): Promise<DeviceLog | undefined> {
  const log = deviceLogOf(accountId)
  for (let after = state.store.cursor(log); ;) {
    const records = await state.ports.delivery.read(log, after, readBatch)
    if (records.length === 0) return state.deviceLogs.get(accountId)
    takeRecords(state, accountId, records)
    after = Math.max(state.store.cursor(log), records.at(-1)?.seq ?? after)
  }
}

function takeRecords(state: State, accountId: string, records: readonly LogRecord[]): void {
  const log = deviceLogOf(accountId)
  const cursor = state.store.cursor(log)
  const seq = records.at(-1)?.seq ?? cursor
  // Somebody else who reads it may have come further meanwhile.
  if (seq <= cursor) return
  const known = state.deviceLogs.kept(accountId)
  const fresh = records.filter((record) => record.seq > cursor).map(({ bytes }) => bytes)
  const kept = foldOn(state.self.suite, accountId, known.records, fresh)
  // Nobody was found in what a relay showed: it was not this log, which is read from its beginning the next time.
  if (kept.log === undefined) return
  onLogRead(state, accountId, { before: known, after: kept })
  const isNew = kept.records.length > known.records.length
  const before = endOf(state)
  state.transact({
    cursors: [{ log, seq }], ...isNew ? { deviceLogs: [{ accountId, ...kept }], steps: onClosed(state, kept.log, known.log) } : {},
  })
  noteReturned(state)
  const end = endOf(state)
  if (end !== undefined && end !== before) state.show({ phase: state.phase, notice: { code: end } })
}

// ---------------------------------------------------------------- writing

/** What an entry shall say, and by whom; `possession` as `signPossession` gives it, for a new key. */
type Wish = { readonly operation: Operation, readonly possession?: Uint8Array | undefined, readonly issuer: KeyPair }

/**
 * Appends an entry to the own device log, signed by this device, and gives the log in which it stands. Made again when
 * another one got its number. Rejects with PortError('not-allowed') when this device may not, or the world's code: then
 * the entry may still come to stand, because its exact bytes are repeated until it is known.
 */
export const appendEntry = (state: State, operation: Operation, possession?: Uint8Array): Promise<DeviceLog> =>
  issueEntry(state, { operation, possession, issuer: state.self.signatureKeyPair })

/** The same by another key of the account: the recovery key. */
export const issueEntry = (state: State, wish: Wish): Promise<DeviceLog> =>
  inTurn(state, async () => {
    await settle(state)
    return issue(state, nextPosition(state), wish)
  })

/** Keeps what is to be said by this device as soon as the log can be reached, and as often as it takes. */
export function wantEntry(state: State, operation: Operation): void {
  state.transact({ wantedEntries: [wantedEntry(state, operation)] })
}

/** The same, for a transaction that does more. */
export const wantedEntry = (state: State, operation: Operation): WantedEntry =>
  ({ position: nextPosition(state), operation, possession: undefined, signed: undefined })

export function wantRevocation(state: State, deviceId: string): void {
  const device = state.devices.devices.find((one) => one.deviceId === deviceId)
  if (device !== undefined) wantEntry(state, revocationOf(state.devices, device))
}

/** Does what is still wanted, and reads what others wrote. */
export const tendDeviceLog = (state: State): Promise<DeviceLog> =>
  inTurn(state, async () => {
    await settle(state)
    return ownLog(state)
  })

const positions = new WeakMap<State, number>()
/** Never the same twice, also before the first of them is stored. */
function nextPosition(state: State): number {
  const position = Math.max(0, positions.get(state) ?? 0, ...state.wantedEntries.keys()) + 1
  positions.set(state, position)
  return position
}

const turns = new WeakMap<State, Promise<unknown>>()
/** One after the other: a key that signs two different entries for one number convicts itself. */
function inTurn<T>(state: State, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(state) ?? Promise.resolve()).then(work)
  turns.set(state, turn.catch(() => undefined))
  return turn
}

async function ownLog(state: State): Promise<DeviceLog> {
  await refreshLog(state, state.self.accountId)
  return state.devices
}

/** What was wanted before, maybe before a restart. */
async function settle(state: State): Promise<void> {
  for (const wanted of [...state.wantedEntries.values()].sort((a, b) => a.position - b.position)) {
    try {
      await settleOne(state, wanted)
    } catch (error) {
      // Nobody waits for it any more, and it will never be allowed.
      if (!(error instanceof PortError) || error.code !== 'not-allowed') throw error
      state.transact({ removedWanted: [wanted.position] })
    }
  }
}

async function settleOne(state: State, { position, operation, possession, signed }: WantedEntry): Promise<void> {
  if (signed !== undefined) await publishEntry(state, signed)
  const { publicKey, privateKey } = state.self.signatureKeyPair
  // The recovery key is not here any more: if its entry does not stand, its owner has to do it again.
  const issuer = signed === undefined || equal(signed.entry.issuer, publicKey) ? { publicKey, privateKey } : undefined
  await issue(state, position, { operation, possession, issuer })
}

/** Until it stands. Gives the log in which it does. */
async function issue(
  state: State, position: number, wish: Omit<Wish, 'issuer'> & { readonly issuer: KeyPair | undefined },
): Promise<DeviceLog> {
  for (;;) {
    const log = await ownLog(state)
    const operation = stillWanted(log, wish.operation)
    if (operation === undefined) {
      if (state.wantedEntries.has(position)) state.transact({ removedWanted: [position] })
      return log
    }
    const { possession, issuer } = wish
    if (issuer === undefined) throw new PortError('not-allowed')
    const signed = signedBy(state, log, { operation, possession, issuer })
    state.transact({ wantedEntries: [{ position, operation: wish.operation, possession, signed }] })
    await publishEntry(state, signed)
  }
}

/** What is left to be said; `undefined` when the log says it already, by whomever. */
function stillWanted(log: DeviceLog, operation: Operation): Operation | undefined {
  const owner = operation.type === 'revoke' ? log.owners.get(toHex(operation.publicKey)) : undefined
  if (operation.type === 'revoke' && owner !== undefined && owner !== 'recovery') {
    // The device, whatever key it has by now: a thief must not get away by renewing it.
    const publicKey = nextRevocation(log, owner, operation.lastHonoured)
    return publicKey === undefined ? undefined : { ...operation, publicKey }
  }
  const bytes = encode(Operation, operation)
  return log.entries.some(({ entry }) => equal(encode(Operation, entry.operation), bytes)) ? undefined : operation
}

/** Throws PortError('not-allowed') when the issuer has no right to it, or it makes no sense any more. */
function signedBy(state: State, log: DeviceLog, { operation, possession, issuer }: Wish): SignedEntry {
  const { suite, accountId } = state.self
  const signed = makeEntry(suite, {
    accountId: fromHex(accountId), head: log.head, time: state.ports.now(), issuer, operation,
    ...possession === undefined ? {} : { possession },
  })
  const refusal = refusalOf(log, signed.entry)
  if (refusal !== undefined) throw new PortError('not-allowed', refusal)
  return signed
}

/** Appends it, again or for the first time, unless another one has its number. */
async function publishEntry(state: State, signed: SignedEntry): Promise<void> {
  if (state.devices.head.n >= signed.entry.n) return
  const bytes = encode(DeviceLogRecord, { type: 'entry', signed })
  await state.ports.delivery.append(deviceLogOf(state.self.accountId), bytes)
}
