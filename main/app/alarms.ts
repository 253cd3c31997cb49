import { equal, toHex } from '../mls/index.ts'
import { accountOf } from '../chat/account-of.ts'
import { tellClosed } from '../chat/epochs.ts'
import { headOf, headsBack, nameOfHead } from '../chat/heads.ts'
import { isShown, still, type RoomState, type RoomStep } from '../chat/room.ts'
import type { DeviceLog } from '../identity/device-log.ts'
import type { ChangeReason } from '../../preload/api.ts'
import type { Kept } from './device-logs.ts'
import { distrust } from './trust.ts'
import type { State } from './state.ts'

/** What does not fit together in what accounts say of their devices. Alarms, never a matter of validity (DESIGN §4). */

/** Raised before what shows it is stored, so that it is raised again after a kill; the same proof counts once. */
export function alarm(state: State, accountId: string, why: Alarm, evidence: string): void {
  if (accountId !== state.self.accountId) distrust(state, accountId, why, evidence)
  // Of the own devices, what to do is for the person; who replaced the own recovery key knows it.
  else if (why !== 'recovery') state.show({ notice: { code: why === 'split' ? 'devices-split' : 'device-stolen' } })
}
export type Alarm = Exclude<ChangeReason, 'replaced'>

/** What was read of an account's log beyond what was known. */
export function onLogRead(state: State, accountId: string, read: { readonly before: Kept, readonly after: Kept }): void {
  const { before, after } = read
  const known = new Set(before.equivocations.map(({ first: { entry } }) => `${toHex(entry.issuer)} ${entry.n}`))
  for (const { first: { entry } } of after.equivocations) {
    const evidence = `${toHex(entry.issuer)} ${entry.n}`
    if (!known.has(evidence)) alarm(state, accountId, 'equivocation', evidence)
  }
  const key = after.log?.recoveryPublicKey
  if (before.log === undefined || key === undefined || equal(before.log.recoveryPublicKey, key)) return
  alarm(state, accountId, 'recovery', toHex(key))
}

/** The log says that an account was closed: its person's conversations say so, and nothing is written to it any more. */
export function onClosed(state: State, log: DeviceLog | undefined, before: DeviceLog | undefined): readonly RoomStep[] {
  if (log?.closed === undefined || before?.closed !== undefined || log.accountId === state.self.accountId) return []
  const { accountId, closed, entries } = log
  const moment = state.moment()
  const at = Math.min(entries[closed - 1]?.entry.time ?? moment.now, moment.now)
  return [...state.rooms.values()]
    .filter(({ room, members }) => isShown(room) && (room.peer === accountId || members.some((one) => one.accountId === accountId)))
    .map((room) => tellClosed(still(room), accountId, { at, moment }))
}

/** Whose accounts a step says were closed. */
export const closedIn = ({ entries }: RoomStep): readonly string[] =>
  entries.flatMap((entry) => entry.kind === 'fact' && entry.fact.fact === 'closed' ? [entry.fact.who] : [])

/** What a commit does to the heads in the leaves that it replaces. */
export function onLeavesReplaced(state: State, before: RoomState, after: RoomState): void {
  if (before.group === undefined || after.group === undefined || before.group.tree === after.group.tree) return
  for (const leafNode of headsBack(before.group, after.group)) {
    const head = headOf(leafNode)
    if (head !== undefined) alarm(state, accountOf(leafNode), 'split', `back ${nameOfHead(head)}`)
  }
}
