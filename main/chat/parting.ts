import { leafAt, type AppliedCommit, type Group, type LeafNode, type Proposal, type Sender } from '../mls/index.ts'
import type { StoredEntry } from '../ports.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { absentIn, extensionsAfter } from './absent.ts'
import { accountOf, deviceNameOf } from './account-of.ts'
import { closeRoom, leftByThemselves } from './epochs.ts'
import { readmittedBy } from './readmit.ts'
import { beginRecovery } from './recovery.ts'
import { isRevoked, revocationsIn } from './revocations.ts'
import { append, followedBy, groupIdOf, tellFact, withRoom, type RoomState, type RoomStep } from './room.ts'
import type { Moment, Self } from './self.ts'

/** A commit that removes this device, and why: it left, was taken back, was silent, or somebody else wanted it. */

/** `before`: the group that the commit ends. `wiped`: the same step, with the secrets that die when it is over. */
export function partBy(
  applied: AppliedCommit, { step, wiped, before }: {
    readonly step: RoomStep, readonly wiped: RoomStep, readonly before: Group
  }, moment: Moment,
): RoomStep {
  const { room } = step.state
  const who = moment.self.accountId
  const by = accountOf(applied.committerLeaf)
  const id = (name: string, epoch = before.context.epoch + 1n): string => `${groupIdOf(room)}.${epoch}.${name}`
  if (room.leaving) return closeRoom(wiped, 'left')
  const own = leafAt(before.tree, before.ownLeaf)
  const extensions = extensionsAfter(before, applied)
  // It has nothing to ask for.
  if (own !== undefined && isRevoked(revocationsIn(extensions), own)) {
    const fact = { fact: 'revoked', by, who, device: deviceNameOf(own) } as const
    return closeRoom(tellFact(wiped, moment.now, id('out'), fact), 'removed')
  }
  // Silent for so long that it was taken out; its account belongs to the group still, so it asks.
  if (absentIn(extensions).some(({ accountId }) => accountId === who)) {
    const told = tellFact(step, moment.now, id('out', before.context.epoch), { fact: 'dropped', by, who, absent: true })
    return followedBy(told, beginRecovery(told.state, { reason: 'idle', from: moment.now }, moment))
  }
  // By its own request, which it needs no more: the Welcome may have come to a key that is gone, so it asks.
  if (readmittedBy(before, applied).some(({ deviceId }) => deviceId === moment.self.deviceId)) {
    return followedBy(step, beginRecovery(step.state, { reason: 'undecided', from: moment.now }, moment))
  }
  // On another device this person has said that they leave.
  if (leftByThemselves(step.state, applied, who)) {
    return closeRoom(tellFact(wiped, moment.now, id('left'), { fact: 'left', who }), 'left')
  }
  return closeRoom(tellFact(wiped, moment.now, id('out'), { fact: 'removed', by, who: [who] }), 'removed')
}

/** Whether another device of this person says that they leave, and proposes that this one goes as well. */
export function isFarewell(
  { group, room }: RoomState, { proposal, sender }: { readonly proposal: Proposal, readonly sender: Sender }, self: Self,
): boolean {
  if (group === undefined || room.leaving || proposal.type !== 'remove' || proposal.removed !== group.ownLeaf) return false
  const proposer = sender.type === 'member' ? leafAt(group.tree, sender.leafIndex) : undefined
  return proposer !== undefined && accountOf(proposer) === self.accountId
}

/** It leaves as well, so it does not commit; where nobody else could, it is out at once. */
export function followElsewhere(step: RoomStep, { now, self }: Moment): RoomStep {
  const { group, room, members } = step.state
  const told = tellFact(step, now, `${groupIdOf(room)}.${group?.context.epoch ?? 0}.left`, { fact: 'left', who: self.accountId })
  if (members.every(({ accountId }) => accountId === self.accountId)) return closeRoom(told, 'left')
  return { ...told, state: withRoom(told.state, { leaving: true, state: 'left', intents: [], unread: 0 }) }
}

/**
 * What was said before a device was taken back was read before (app/sync.ts reads an epoch to its end): this came after
 * that, under keys of before.
 */
export const isTakenBack = (
  { group }: RoomState, { epoch, senderLeaf }: { readonly epoch: bigint, readonly senderLeaf: LeafNode },
): boolean => group !== undefined && epoch < group.context.epoch
  && isRevoked(revocationsIn(group.context.extensions), senderLeaf)

/** One line for all that a device says so. `entry`: what is stored. */
export function refuseTakenBack(
  step: RoomStep, leafNode: LeafNode, { now, entry }: {
    readonly now: number, readonly entry: (id: string) => StoredEntry | undefined
  },
): RoomStep {
  const id = `${step.state.room.id}.revoked.${deviceIdOf(leafNode.credential)}`
  const told = step.entries.findLast((one) => one.id === id) ?? entry(id)
  if (told?.kind === 'gap') return { ...step, entries: [...step.entries, { ...told, count: told.count + 1 }] }
  return append(step, now, {
    id, kind: 'gap', reason: 'malformed', count: 1, from: accountOf(leafNode), rule: 'device.revoked',
  })
}
