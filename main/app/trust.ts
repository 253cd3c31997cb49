import { fromHex, toHex } from '../mls/index.ts'
import { readLinkingCode } from '../identity/linking-code.ts'
import { compareSafetyCode, safetyCode, safetyNumber } from '../identity/safety-number.ts'
import type { TrustRecord } from '../chat/documents.ts'
import { isOpen, still, tellFact, type RoomState, type RoomStep } from '../chat/room.ts'
import type { ChangeReason, ResultOf, Safety } from '../../preload/api.ts'
import { PortError } from '../ports.ts'
import type { State, Transaction } from './state.ts'

/**
 * How far this person trusts that an account is who they take it for. It says nothing about validity: a group works the
 * same whatever it is. 'changed' alone has an effect: nothing is encrypted where that person would read it.
 */

const recordOf = (state: State, accountId: string): TrustRecord =>
  state.trust.get(accountId) ?? { version: 1, accountId, trust: 'new', at: 0, byInvite: false, seen: [] }

/** Everybody who would read what is said there, this account left out. */
const readersOf = (state: State, { room, members }: RoomState): ReadonlySet<string> => {
  const readers = new Set([...members.map(({ accountId }) => accountId), ...room.kind === 'direct' ? [room.peer] : []])
  readers.delete(state.self.accountId)
  return readers
}

const isChanged = (state: State, accountId: string): boolean => state.trust.get(accountId)?.trust === 'changed'

/** Whether nothing may be encrypted there, because this person has not yet looked at what changed about somebody. */
export function isHeld(state: State, id: string): boolean {
  const room = state.rooms.get(id)
  if (room === undefined || ![...state.trust.values()].some(({ trust }) => trust === 'changed')) return false
  return [...readersOf(state, room)].some((accountId) => isChanged(state, accountId))
}

/** Throws PortError('trust-changed') for somebody whom nothing may be sent to. */
export function demandUnchanged(state: State, accountIds: readonly string[]): void {
  if (accountIds.some((accountId) => isChanged(state, accountId))) throw new PortError('trust-changed')
}

/** The same for what would be sent there at once. */
export function demandNotHeld(state: State, id: string): void {
  if (isHeld(state, id)) throw new PortError('trust-changed')
}

/**
 * An alarm about an account: nothing is sent to it until the person has looked, and the conversations with it say why.
 * `evidence` names the proof; the same alarm with the same proof is raised once, whenever it is found again. The own
 * account is no stranger: what its devices do is shown with them.
 */
export function distrust(state: State, accountId: string, why: ChangeReason, evidence = ''): void {
  if (accountId === state.self.accountId) return
  const record = recordOf(state, accountId)
  const alarm = `${why} ${evidence}`
  if (record.seen.includes(alarm)) return
  const now = state.ports.now()
  state.transact({
    trust: [{ ...record, trust: 'changed', why, at: now, seen: [...record.seen, alarm] }],
    steps: toldTo(state, accountId, why),
  })
}

/** The fact in every conversation in which the person reads or would read. */
function toldTo(
  state: State, who: string, why: ChangeReason, rooms: readonly RoomState[] = [...state.rooms.values()],
): readonly RoomStep[] {
  const now = state.ports.now()
  return rooms
    .filter((room) => (isOpen(room.room) || room.room.state === 'request') && readersOf(state, room).has(who))
    .map((room) => tellFact(still(room), now, toHex(state.ports.random(16)), { fact: 'changed', who, why }))
}

/** Whoever sent these invites named exactly these accounts: kept, and shown as no more than that. */
export const metByInvite = (state: State, accountIds: readonly string[]): readonly TrustRecord[] =>
  accountIds.map((accountId) => recordOf(state, accountId)).filter(({ byInvite }) => !byInvite)
    .map((record) => ({ ...record, byInvite: true }))

// ---------------------------------------------------------------- what the person asks and says

/** Throws PortError('bad-argument') for the own account, and for one that this person never met. */
function known(state: State, accountId: string): { readonly own: Uint8Array, readonly other: Uint8Array } {
  const met = accountId !== state.self.accountId && (state.contacts.has(accountId) || state.trust.has(accountId)
    || [...state.rooms.values()].some((room) => readersOf(state, room).has(accountId)))
  if (!met) throw new PortError('bad-argument', 'accountId')
  return { own: fromHex(state.self.accountId), other: fromHex(accountId) }
}

export function safetyOf(state: State, accountId: string): Safety {
  const { own, other } = known(state, accountId)
  const { suite } = state.self
  return {
    name: state.nameOf(accountId), ...state.trustOf(accountId), since: recordOf(state, accountId).at,
    digits: safetyNumber(suite, own, other), code: safetyCode(suite, own, other),
  }
}

/**
 * What the text of a QR means. A match makes a new person a verified one. One who is 'changed' stays that: the number is
 * made of the two accounts alone, so it says nothing about what changed within one.
 */
export function compare(state: State, accountId: string, code: string): ResultOf<'person.compare'> {
  const accounts = known(state, accountId)
  const { suite } = state.self
  const found = compareSafetyCode(suite, code, accounts)
  // Whoever has somebody read such a code in place of another is after the account.
  if (found === 'malformed' && readLinkingCode(suite, code, state.ports.now()).type !== 'malformed') return 'linking'
  if (found === 'match' && !isChanged(state, accountId)) state.transact({ trust: [judged(state, accountId, 'verified')] })
  return found
}

/** The person's own word, after whatever they did to be sure. */
export function trust(state: State, accountId: string, to: 'new' | 'verified'): void {
  known(state, accountId)
  state.transact({ trust: [judged(state, accountId, to)] })
}

const judged = (state: State, accountId: string, to: 'new' | 'verified'): TrustRecord =>
  ({ ...recordOf(state, accountId), trust: to, why: undefined, at: state.ports.now() })

/** The person says that this account is a new one of somebody they know by another: that is confirmed before it counts. */
export function replaces(state: State, accountId: string, replaced: string): void {
  known(state, accountId)
  known(state, replaced)
  if (accountId === replaced) throw new PortError('bad-argument', 'replaced')
  distrust(state, accountId, 'replaced', `${replaced} ${state.ports.now()}`)
}

// ---------------------------------------------------------------- own devices

/** What own devices tell each other of it: the register `trust.<account>`. */
export const trustRegister = ({ accountId, trust, why, at, byInvite, seen }: TrustRecord) =>
  ({ key: `trust.${accountId}`, value: { trust, why, at, byInvite, seen } })

/** What such a register of another own device changes here; told in the conversations where it is an alarm. */
export function onTrustRegister(
  state: State, accountId: string, { value, rooms }: {
    readonly value: ReturnType<typeof trustRegister>['value'], readonly rooms: readonly RoomState[]
  },
): Pick<Transaction, 'trust' | 'steps'> {
  if (accountId === state.self.accountId) return {}
  const before = recordOf(state, accountId)
  const { trust, why, at } = value
  const record: TrustRecord = {
    ...before, trust, why, at, byInvite: before.byInvite || value.byInvite,
    seen: [...new Set([...before.seen, ...value.seen])],
  }
  const isAlarm = trust === 'changed' && why !== undefined && (before.trust !== 'changed' || before.why !== why)
  return { trust: [record], steps: isAlarm ? toldTo(state, accountId, why, rooms) : [] }
}
