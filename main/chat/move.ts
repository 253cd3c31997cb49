import {
  commit, encode, equal, Extensions, fromHex, leavesOf, merge, MlsError, MLSMessage, toHex,
  type AppliedCommit, type Group, type LeafIndex, type OwnProposal,
} from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { accountOf } from './account-of.ts'
import { enterEpoch } from './epochs.ts'
import { leafCapabilities } from './extensions.ts'
import type { Letter, Move } from './letter.ts'
import { attemptLimit, ownLeafExtensions, settle } from './membership.ts'
import { encodeNote } from './note.ts'
import { policyIn, proposalRefusal, withPolicy, type Before } from './policy.ts'
import { followCommit, isJudgedAlone } from './receive.ts'
import { beginRecovery, behindMs } from './recovery.ts'
import { administers, groupIdOf, isOpen, isWell, still, tellFact, withRoom, type RoomState, type RoomStep } from './room.ts'
import { groupLog, hintIn, hintOf, openRecord, recordHash, sealOf, sealRecord } from './sealed.ts'
import type { Moment, Self } from './self.ts'
import { provenCommitter } from './spoilt.ts'

/**
 * When every slot of an epoch is filled with rubbish, the epoch ends by a commit that no slot holds: it goes to each
 * member by letter, removes the devices whose rubbish was signed, and takes the group to a log that they do not know.
 * What it may do follows from the slots, which all members have read; only the name of the new log is its maker's.
 */

/** Whether the slots of this epoch are used up: nothing but a move ends it. */
export const isSpoilt = ({ group, room }: RoomState): boolean =>
  group !== undefined && room.attempt >= attemptLimit && isWell(room)

// ---------------------------------------------------------------- whose turn it is

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** How long after the last slot was spoilt each member acts, unless somebody was faster; then an hour for each more. */
const turnsMs = [0, 10 * minuteMs, hourMs, 6 * hourMs, 24 * hourMs]

/** When this device may move the group. Admins come first, in the order of their leaves; a suspect never. */
export function movesAt({ group, room, members }: RoomState, { deviceId }: Self): number | undefined {
  if (group === undefined || room.state !== 'active' || !isOpen(room)) return undefined
  const able = leavesOf(group.tree).map(({ leafNode }) => leafNode)
    .filter(({ credential }) => !room.suspects.includes(deviceIdOf(credential)))
  const isAdmin = (accountId: string): boolean => administers(room, members, accountId)
  const inTurn = able.toSorted((a, b) => Number(isAdmin(accountOf(b))) - Number(isAdmin(accountOf(a))))
  const turn = inTurn.findIndex(({ credential }) => deviceIdOf(credential) === deviceId)
  if (turn < 0) return undefined
  const last = turnsMs.length - 1
  const at = room.spoiltAt + (turnsMs[Math.min(turn, last)] ?? 0) + Math.max(0, turn - last) * hourMs
  // Others say that the epoch has ended, and send what has ended it.
  return room.behindAt === 0 ? at : Math.max(at, room.behindAt + behindMs)
}

/** The leaves that a move removes. A chat of two does without: it would be one of one. */
const expelledFrom = (group: Group, suspects: readonly string[]): readonly LeafIndex[] =>
  policyIn(group.context).kind === 'direct' ? []
    : leavesOf(group.tree).filter(({ leafNode }) => suspects.includes(deviceIdOf(leafNode.credential)))
      .map(({ index }) => index)

// ---------------------------------------------------------------- making one

export type Moved = { readonly step: RoomStep, readonly letter: Letter, readonly to: readonly string[] }

/** Moves the group: the new epoch begins here at once, and the letter tells it to these devices. Throws `MlsError`. */
export function makeMove(state: RoomState, moment: Moment): Moved {
  const { group, room } = state
  if (group === undefined) throw new MlsError('misuse', 'there is no group to move')
  const { context, suite } = group
  const policy = { ...policyIn(context), log: suite.random(16) }
  const proposals: readonly OwnProposal[] = [
    ...expelledFrom(group, room.suspects).map((removed) => ({ type: 'remove', removed }) as const),
    { type: 'groupContextExtensions', extensions: withPolicy(context.extensions, policy) },
  ]
  const made = commit(group, {
    proposals, authenticatedData: encodeNote(moment.now), authentication: moment.self.authentication, forcePath: true,
    capabilities: leafCapabilities(), leafExtensions: ownLeafExtensions(group, moment.self),
  })
  const byReference = made.applied.proposals.some((one) => one.byReference)
  const seal = sealOf(group)
  const bytes = sealRecord(suite, seal, groupLog('h', room.log), [
    ...byReference ? room.proposals.map(({ message }) => fromHex(message)) : [], encode(MLSMessage, made.message),
  ])
  const merged = merge(made.group, made.pending)
  const entered = enterEpoch(state, { group: merged.group, applied: made.applied, record: { slot: '', bytes } }, moment)
  const step = settle({ ...entered, wipe: [...made.wipe, seal.key, ...entered.wipe, ...merged.wipe] }, moment)
  return {
    step: afterMove(state, step, { by: moment.self.accountId, now: moment.now }),
    letter: { type: 'move', groupId: context.groupId, record: bytes },
    to: leavesOf(merged.group.tree).filter(({ index }) => index !== group.ownLeaf)
      .map(({ leafNode }) => deviceIdOf(leafNode.credential)),
  }
}

function afterMove(
  { group, room }: RoomState, step: RoomStep, { by, now }: { readonly by: string, readonly now: number },
): RoomStep {
  const epoch = String(group?.context.epoch ?? 0n)
  // What waited in the old log for a later epoch is of no epoch that comes.
  const formerLogs = [...room.formerLogs, { log: room.log, epoch }]
  // Whoever saw the epoch end otherwise is in another log from here on, so that neither sees the other's records.
  const moved = { ...withRoom(step.state, { formerLogs, strangeAt: now }), waiting: [] }
  return tellFact({ ...step, state: moved }, now, `${groupIdOf(room)}.${epoch}.moved`, { fact: 'moved', by })
}

// ---------------------------------------------------------------- following one

/** How many of them one device is sent again at once. */
const movesAgain = 4

/** The moves by which epochs from this one on ended, as letters, as far as their records are still kept. */
export const movesSince = ({ room, history }: RoomState, epoch: bigint): readonly Letter[] => history
  .filter((one) => one.epoch >= epoch && one.slot === '' && one.bytes.length > 0).toReversed().slice(0, movesAgain)
  .map(({ bytes }) => ({ type: 'move', groupId: fromHex(groupIdOf(room)), record: bytes }))

/** How many of them are kept until they may count. */
const keptMoves = 2

/**
 * A move that came by letter. `kept`: for this epoch, to be looked at when the log was read. `ahead`: for an epoch that
 * this device has not reached. `other`: that epoch has ended here, and by something else.
 */
export function hearMove(state: RoomState, { record }: Move): RoomStep | 'ahead' | 'other' | 'known' {
  const { group, room, history } = state
  const hint = hintIn(record)
  if (group === undefined || hint === undefined || !isWell(room)) return 'known'
  const { epoch } = group.context
  if (hint !== hintOf(epoch)) {
    const passed = history.find((one) => hintOf(one.epoch) === hint)
    if (passed !== undefined) return equal(passed.hash, group.suite.hash(record)) ? 'known' : 'other'
    return (hint - hintOf(epoch)) >>> 0 < 10_000 ? 'ahead' : 'known'
  }
  if (!isOfEpoch(state, group, record)) return 'known'
  return still(withRoom(state, { moves: inOrder(group, [...new Set([...room.moves, toHex(record)])]).slice(0, keptMoves) }))
}

/** Whether somebody who is in the epoch wrote it. */
function isOfEpoch({ room, seals }: RoomState, { suite, context }: Group, record: Uint8Array): boolean {
  const seal = seals.find(({ epoch }) => epoch === context.epoch)
  try {
    return seal !== undefined && openRecord(suite, seal, groupLog('h', room.log), record).length > 0
  } catch (error) {
    if (error instanceof MlsError) return false
    throw error
  }
}

/** Of two moves the one counts whose record has the smaller hash, where both came before either was followed. */
const inOrder = ({ suite }: Group, moves: readonly string[]): readonly string[] => {
  const hashes = new Map(moves.map((one) => [one, recordHash(suite, fromHex(one))]))
  return moves.toSorted((a, b) => (hashes.get(a) ?? '') < (hashes.get(b) ?? '') ? -1 : 1)
}

/** Follows the first good one of the moves that came, when the slots are used up; `undefined`: there is none. */
export function takeMove(state: RoomState, moment: Moment): RoomStep | undefined {
  const { group, room } = state
  if (group === undefined || !isSpoilt(state) || room.moves.length === 0) return undefined
  let unreadable: string | undefined
  for (const move of inOrder(group, room.moves)) {
    const record = { seq: 0, slot: '', bytes: fromHex(move) }
    try {
      let by = ''
      const step = followCommit(still(state), group, record, { moment, refusalOf: (before, applied) => {
        by = accountOf(applied.committerLeaf)
        return moveRefusal(before, applied, room.suspects)
      } })
      // Not where this device is told only that it is out.
      return step.state.group === undefined || step.state.room.log === room.log ? step : afterMove(state, step, { by, now: moment.now })
    } catch (error) {
      if (!(error instanceof MlsError)) throw error
      // The next one may be better. One that is bad for this device alone stands for the others, unless a suspect made it.
      const maker = isJudgedAlone(error) ? provenCommitter(state, record) : undefined
      if (maker !== undefined && !room.suspects.includes(deviceIdOf(maker.credential))) unreadable = accountOf(maker)
    }
  }
  const none = withRoom(state, { moves: [] })
  return unreadable === undefined ? still(none)
    : beginRecovery(none, { reason: 'path', from: moment.now, maker: unreadable }, moment)
}

/**
 * Why a commit is no move that this epoch may end by, or `undefined`. It does exactly what follows from the spoilt
 * slots, so it needs no right but to be no suspect.
 */
export function moveRefusal(before: Before, applied: AppliedCommit, suspects: readonly string[]): string | undefined {
  const { group } = before
  if (applied.external || suspects.includes(deviceIdOf(applied.committerLeaf.credential))) return 'a suspect moves nothing'
  const own = applied.proposals.filter(({ byReference }) => !byReference).map(({ proposal }) => proposal)
  for (const { proposal, sender, byReference } of applied.proposals) {
    const refusal = byReference ? proposalRefusal(before, proposal, sender) : undefined
    if (refusal !== undefined) return refusal
  }
  const expelled = new Set(expelledFrom(group, suspects))
  const gone = new Set(applied.removed.map(({ index }) => index))
  if (![...expelled].every((index) => gone.has(index))) return 'a move removes every suspect'
  const changes = own.filter((one) => one.type !== 'remove' || !expelled.has(one.removed))
  const [change] = changes
  if (changes.length !== 1 || change?.type !== 'groupContextExtensions') return 'a move does nothing else'
  const was = policyIn(group.context)
  const is = policyIn({ ...group.context, extensions: change.extensions })
  const expected = withPolicy(group.context.extensions, { ...was, log: is.log })
  if (!equal(encode(Extensions, change.extensions), encode(Extensions, expected))) return 'a move changes nothing but the log'
  return equal(is.log, was.log) ? 'a move goes to another log' : undefined
}
