import {
  droppedSecrets, epochAuthenticator, forgetPast, leafAt, leavesOf, pastEpochLimit, toHex,
  type AppliedCommit, type Group, type LeafNode, type Secret,
} from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { absentIn, extensionsAfter, hasRoom } from './absent.ts'
import { accountOf, deviceNameOf } from './account-of.ts'
import { commitTime } from './note.ts'
import { policyIn } from './policy.ts'
import { withPassed } from './history.ts'
import { afterCommit } from './renewal.ts'
import { isRevoked, revocationsIn } from './revocations.ts'
import { freshEpoch, groupIdOf, still, tellFact, withRoom, type Member, type Room, type RoomState, type RoomStep, type Sighting } from './room.ts'
import { groupLog, sealOf, type Seal } from './sealed.ts'
import type { Moment } from './self.ts'

/** What a new epoch means for a conversation: who is in it, what people see, which keys go. */

/** How long the keys of past epochs are kept, for messages that come late (RFC 9420 §15.3). */
export const pastEpochMs = 24 * 60 * 60 * 1000

/** The accounts of a group with their devices; `healed` are leaves whose keys are new at `at`. */
export function membersOf(
  group: Group, before: readonly Member[], healed: ReadonlySet<number>, at: number,
): readonly Member[] {
  const healedBefore = new Map(before.map((member) => [member.accountId, member.healedAt]))
  const members = new Map<string, Member>()
  for (const { index, leafNode } of leavesOf(group.tree)) {
    const accountId = accountOf(leafNode)
    const known = members.get(accountId)
    const renewed = healed.has(index) || !healedBefore.has(accountId) ? at : 0
    members.set(accountId, {
      accountId,
      devices: (known?.devices ?? 0) + 1,
      healedAt: Math.max(known?.healedAt ?? healedBefore.get(accountId) ?? 0, renewed),
    })
  }
  return [...members.values()]
}

/** The room as the policy in the group's context says (its name, admins and rules). */
export const roomOfPolicy = (group: Group): Pick<Room, 'kind' | 'name' | 'admins' | 'membersMayAdd' | 'absent' | 'log'> => {
  const policy = policyIn(group.context)
  return {
    kind: policy.kind, name: policy.name, admins: policy.admins.map(toHex), membersMayAdd: policy.membersMayAdd,
    absent: absentIn(group.context.extensions).map(({ accountId }) => accountId), log: toHex(policy.log),
  }
}

/** The state after a commit took effect: `group` is the next epoch. Tells the facts, renews the sealing keys. */
export function enterEpoch(
  state: RoomState,
  next: { readonly group: Group, readonly applied: AppliedCommit, readonly record: { readonly slot: string, readonly bytes: Uint8Array } },
  moment: Moment,
): RoomStep {
  const { applied } = next
  const won = { epoch: next.group.context.epoch - 1n, log: groupLog('h', state.room.log), ...next.record }
  const at = commitTime(applied, moment.now)
  const healed = new Set<number>([
    ...applied.added.map((one) => one.index), ...applied.updated.map((one) => one.index),
  ])
  const members = membersOf(next.group, state.members, healed, at)
  const retired = state.seals.map((seal) => seal.endedAt === 0n ? { ...seal, endedAt: BigInt(moment.now) } : seal)
  const entered: RoomState = {
    ...withRoom(state, {
      ...roomOfPolicy(next.group), ...freshEpoch, ...stillBehind(state.room, next.group, at), epochAt: at,
      // Others may have ended the epoch by what came by letter (move.ts): stories will tell.
      ...state.room.moves.some((one) => one !== toHex(won.bytes)) ? { strangeAt: state.room.strangeAt || moment.now } : {},
      ...afterCommit(state.room, {
        suite: next.group.suite, renewed: healed.has(next.group.ownLeaf), devices: leavesOf(next.group.tree).length,
      }, moment.now),
      ...(healed.size === 0 ? {} : { healedAt: at, renewedBy: accountOf(applied.committerLeaf) }),
    }),
    group: next.group,
    members,
    seals: [sealOf(next.group), ...retired],
    pending: undefined,
    history: withPassed(next.group.suite, state.history, won, moment.now),
  }
  const told = tellChanges({ ...still(entered), sightings: sightingsIn(applied, at) }, { before: state, applied, at }, moment)
  const forgotten = forgetOld(told.state, moment.now)
  return { ...told, state: forgotten.state, wipe: [...told.wipe, ...forgotten.wipe] }
}

/**
 * Whoever was told of a later epoch is behind until it is there, or until somebody has gone on from here since: what
 * others did long ago and this device only now, shows nobody who is still here. Where the log has lost what leads on, or
 * has given this device's removal to others only, that is all that it can know.
 */
const stillBehind = (
  { behindAt, behindEpoch }: Room, { context: { epoch } }: Group, at: number,
): Pick<Room, 'behindAt'> => ({ behindAt: behindEpoch !== '' && epoch < BigInt(behindEpoch) && at < behindAt ? behindAt : 0 })

/** Whose leaf is new was there, and so was who committed. */
const sightingsIn = (applied: AppliedCommit, at: number): readonly Sighting[] => {
  const renewed = [...applied.added.map(({ leafNode }) => leafNode), ...applied.updated.map(({ after }) => after)]
  return [
    { deviceId: deviceIdOf(applied.committerLeaf.credential), at },
    ...renewed.map(({ credential }) => ({ deviceId: deviceIdOf(credential), at, healed: true })),
  ]
}

/** Drops the keys of epochs that are too old, by count and by time; the sealing keys go with them. */
export function forgetOld(state: RoomState, now: number): { readonly state: RoomState, readonly wipe: readonly Secret[] } {
  if (state.group === undefined) return { state, wipe: [] }
  const fresh = (seal: Seal): boolean => seal.endedAt === 0n || Number(seal.endedAt) > now - pastEpochMs
  const seals = state.seals.filter(fresh).slice(0, pastEpochLimit + 1)
  if (seals.length === state.seals.length && state.group.past.length <= pastEpochLimit) return { state, wipe: [] }
  const oldest = seals.at(-1)?.epoch ?? state.group.context.epoch
  const forgotten = forgetPast(state.group, { keep: pastEpochLimit, olderThan: oldest })
  const dropped = state.seals.filter((seal) => !seals.includes(seal)).map((seal) => seal.key)
  const formerLogs = state.room.formerLogs.filter((one) => seals.some(({ epoch }) => epoch <= BigInt(one.epoch)))
  const kept = formerLogs.length === state.room.formerLogs.length ? state : withRoom(state, { formerLogs })
  return { state: { ...kept, seals, group: forgotten.group }, wipe: [...forgotten.wipe, ...dropped] }
}

/** How long until the next of them is too old, if there is one; a clock that was set does not make it longer. */
export function forgetsIn({ seals }: RoomState, now: number): number | undefined {
  const ended = seals.filter(({ endedAt }) => endedAt !== 0n).map(({ endedAt }) => Number(endedAt))
  return ended.length === 0 ? undefined : Math.min(pastEpochMs, Math.min(...ended) + pastEpochMs - now)
}

function tellChanges(
  step: RoomStep,
  change: { readonly before: RoomState, readonly applied: AppliedCommit, readonly at: number }, moment: Moment,
): RoomStep {
  const { before, applied, at } = change
  const group = step.state.group
  if (group === undefined) return step
  const was = new Set(before.members.map((member) => member.accountId))
  const is = new Set(step.state.members.map((member) => member.accountId))
  const by = accountOf(applied.committerLeaf)
  const id = (name: string): string => `${groupIdOf(step.state.room)}.${group.context.epoch}.${name}`
  const leaves = leafChanges(before, applied)
  const lost = new Set(leaves.revoked.map(accountOf))
  const gone = [...was].filter((accountId) => !is.has(accountId) && !lost.has(accountId))
  const absent = gone.filter((accountId) => step.state.room.absent.includes(accountId))
  const left = gone.filter((accountId) => leftByThemselves(before, applied, accountId))
  // Who was absent and does not come back is removed as well.
  const removed = [...gone, ...before.room.absent.filter((accountId) => !is.has(accountId))]
    .filter((accountId) => !left.includes(accountId) && !step.state.room.absent.includes(accountId))
  const come = [...is].filter((accountId) => !was.has(accountId))
  const back = come.filter((accountId) => before.room.absent.includes(accountId))
  const added = come.filter((accountId) => !back.includes(accountId))
  const of = (who: string): string => who.slice(0, 16)
  const device = (leaf: LeafNode): string => deviceIdOf(leaf.credential).slice(0, 16)
  let told = step
  // Who loses the last leaf so belongs to the group still, unless their account was closed.
  const closed = new Set([...lost].filter((who) => was.has(who) && !is.has(who) && isStruck(step.state.room, who)))
  for (const who of closed) told = tellClosed(told, who, { at, moment })
  for (const leaf of leaves.revoked) {
    if (closed.has(accountOf(leaf))) continue
    told = tellFact(told, at, id(`revoked.${device(leaf)}`), {
      fact: 'revoked', by, who: accountOf(leaf), device: deviceNameOf(leaf),
    })
  }
  if (removed.length > 0) told = tellFact(told, at, id('removed'), { fact: 'removed', by, who: removed })
  for (const who of left) told = tellFact(told, at, id(`left.${of(who)}`), { fact: 'left', who })
  for (const who of new Set([...absent, ...leaves.dropped.map(accountOf).filter((accountId) => is.has(accountId))])) {
    told = tellFact(told, at, id(`dropped.${of(who)}`), { fact: 'dropped', by, who, absent: !is.has(who) })
  }
  if (added.length > 0) told = tellFact(told, at, id('added'), { fact: 'added', by, who: added })
  for (const leaf of leaves.linked) {
    told = tellFact(told, at, id(`linked.${device(leaf)}`), {
      fact: 'linked', who: accountOf(leaf), device: deviceNameOf(leaf), deviceId: deviceIdOf(leaf.credential),
    })
  }
  for (const who of back) told = tellFact(told, at, id(`returned.${of(who)}`), { fact: 'returned', by, who })
  for (const leaf of leaves.returned) {
    told = tellFact(told, at, id(`returned.${device(leaf)}`), {
      fact: 'returned', by, who: accountOf(leaf), device: deviceNameOf(leaf),
    })
  }
  if (before.room.name !== told.state.room.name) {
    told = tellFact(told, at, id('renamed'), { fact: 'renamed', by, name: told.state.room.name })
  }
  return told
}

/** Not even absent. A list that is full says nothing of who is not on it. */
const isStruck = ({ absent }: Room, who: string): boolean => !absent.includes(who) && hasRoom(absent)

/** Somebody has closed their account, as the log of its devices says, or one that may write that into it: told once. */
export function tellClosed(
  step: RoomStep, who: string, { at, moment }: { readonly at: number, readonly moment: Moment },
): RoomStep {
  const id = `${step.state.room.id}.closed.${who.slice(0, 32)}`
  const { kind, peer, gone } = step.state.room
  const isTold = moment.entry?.(id) !== undefined || step.entries.some((entry) => entry.id === id)
  const told = isTold ? step : tellFact(step, at, id, { fact: 'closed', who })
  return kind === 'direct' && peer === who && !gone ? { ...told, state: withRoom(told.state, { gone: true }) } : told
}

/**
 * What became of devices. `linked`: a new one of somebody who was there. `returned`: its leaf was replaced. `revoked`:
 * it was taken back. `dropped`: it went, whatever became of its person.
 */
function leafChanges({ group, members }: RoomState, applied: AppliedCommit): {
  readonly [K in 'linked' | 'returned' | 'revoked' | 'dropped']: readonly LeafNode[]
} {
  const idOf = ({ credential }: LeafNode): string => deviceIdOf(credential)
  const present = new Set(members.map(({ accountId }) => accountId))
  const removed = applied.removed.map(({ leafNode }) => leafNode)
  const added = applied.added.map(({ leafNode }) => leafNode)
  const [out, back] = [new Set(removed.map(idOf)), new Set(added.map(idOf))]
  const revocations = group === undefined ? [] : revocationsIn(extensionsAfter(group, applied))
  const revoked = removed.filter((leafNode) => isRevoked(revocations, leafNode))
  return {
    // With what a new conversation begins is not worth a word.
    linked: added.filter((leafNode) =>
      group?.context.epoch !== 0n && present.has(accountOf(leafNode)) && !out.has(idOf(leafNode))),
    returned: added.filter((leafNode) => out.has(idOf(leafNode))),
    revoked,
    dropped: removed.filter((leafNode) => !revoked.includes(leafNode) && !back.has(idOf(leafNode))),
  }
}

/** Whether a device of the account itself proposed that it goes. */
export const leftByThemselves = (before: RoomState, applied: AppliedCommit, accountId: string): boolean =>
  applied.proposals.some(({ proposal, sender }) => {
    if (proposal.type !== 'remove' || sender.type !== 'member' || before.group === undefined) return false
    const proposer = leafAt(before.group.tree, sender.leafIndex)
    const removed = leafAt(before.group.tree, proposal.removed)
    return proposer !== undefined && removed !== undefined
      && accountOf(proposer) === accountId && accountOf(removed) === accountId
  })

/** Ends this device's part in the group: its keys are dropped, the history stays. */
export function closeRoom(step: RoomStep, state: 'left' | 'removed'): RoomStep {
  const { group, pending, seals } = step.state
  return {
    ...step,
    state: {
      ...withRoom(step.state, {
        state, intents: [], proposals: [], leaving: false, receiptsDue: [], recovery: undefined, suspects: [],
        moves: [], formerLogs: [], apart: [], answered: undefined,
        ownRecords: { epoch: '', records: [] },
      }),
      group: undefined, pending: undefined, seals: [], waiting: [], history: [],
    },
    wipe: [
      ...step.wipe, ...(group === undefined ? [] : droppedSecrets(group, undefined)),
      ...(pending === undefined ? [] : droppedSecrets(pending.next, group)), ...seals.map((seal) => seal.key),
    ],
  }
}

/** Six groups of five digits that are equal for all who agree on this epoch (RFC 9420 §8.7). */
export function groupCode(group: Group): string {
  const bytes = group.suite.hash(epochAuthenticator(group))
  const digits: string[] = []
  for (let at = 0; at < 6; at++) {
    // Five bytes modulo 10^5: the bias is below 2^-23.
    const value = [...bytes.subarray(at * 5, at * 5 + 5)].reduce((sum, byte) => sum * 256 + byte, 0)
    digits.push(String(value % 100_000).padStart(5, '0'))
  }
  return digits.join(' ')
}
