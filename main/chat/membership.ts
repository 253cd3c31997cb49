import {
  commit, createGroup, encode, fromHex, leafAt, leavesOf, merge, MLSMessage, MlsError, propose, toHex,
  type Extensions, type Group, type Secret,
} from '../mls/index.ts'
import { closeRoom, enterEpoch, membersOf, roomOfPolicy } from './epochs.ts'
import { encodePolicy, extensionTypes, leafCapabilities, leafLifetime, requiredExtensions, type Policy } from './extensions.ts'
import { tellNewcomers } from './history.ts'
import { tokenProof } from './invite.ts'
import { encodeWelcomeMail, inboxLog } from './mail.ts'
import { accountOf } from './account-of.ts'
import { encodeNote } from './note.ts'
import { leafOfKey } from './idle.ts'
import { commitRefusal, viewOf } from './policy.ts'
import { hasDevice, isReadmitted } from './readmit.ts'
import { renewalAfter } from './renewal.ts'
import { isRevoked, isRevokedIn, type Revocation } from './revocations.ts'
import {
  administers, deviceCount, emptyRoom, groupIdOf, isDue, isOpen, isWell, knowsAdmins, still, tellFact, withRoom, type Claimed, type Intent, type PendingCommit, type Room,
  type RoomState, type RoomStep, type Say,
} from './room.ts'
import { commitSlot, groupLog, sealOf, sealRecord } from './sealed.ts'
import type { Moment, Self } from './self.ts'
import { wantedOf } from './wanted.ts'

/** Making a group, and changing who is in it: intents become one commit that either wins its slot or is made again. */

const encodeMessage = (message: MLSMessage): Uint8Array => encode(MLSMessage, message)

/** A new conversation with this device as its only member; `intents` bring the others. */
export function createRoom(moment: Moment, options: {
  readonly kind: Room['kind']
  readonly name: string
  readonly peer: string
  readonly intents: readonly Intent[]
}): RoomStep {
  const { self, now } = moment
  const groupId = self.suite.random(16)
  const policy: Policy = {
    kind: options.kind, name: options.name, admins: [fromHex(self.accountId)], membersMayAdd: true,
    log: self.suite.random(16),
  }
  const group = createGroup(self.suite, {
    groupId, credential: self.credential, signatureKeyPair: self.signatureKeyPair,
    capabilities: leafCapabilities(), lifetime: leafLifetime(now), leafExtensions: self.leafExtensions,
    extensions: [...requiredExtensions(), { extensionType: extensionTypes.policy, extensionData: encodePolicy(policy) }],
  })
  const room: Room = {
    ...emptyRoom(toHex(groupId), now), ...roomOfPolicy(group), peer: options.peer, intents: options.intents,
    state: options.intents.length === 0 ? 'active' : 'creating', renewedBy: self.accountId,
    renewAt: renewalAfter(self.suite, now, 1),
  }
  const state: RoomState = {
    room, group, members: membersOf(group, [], new Set(), now), seals: [sealOf(group)], pending: undefined, waiting: [],
    history: [],
  }
  return tellFact(still(state), now, `${room.id}.0.created`, { fact: 'created', by: self.accountId })
}

/**
 * Whether this device has reason to commit now: something to change, or proposals that wait (RFC 9420 §12.4). Not in an
 * epoch that has ended elsewhere.
 */
export const wantsCommit = (state: RoomState, now: number): boolean =>
  state.group !== undefined && state.pending === undefined && !state.room.leaving && isWell(state.room)
  && state.room.state !== 'request' && state.room.attempt < attemptLimit && state.room.behindAt === 0
  && (state.room.intents.some((intent) => isDue(intent, now)) || state.group.proposals.size > 0)

/** How many records of one epoch's slots may be rubbish before its slots are given up (chat/receive.ts). */
export const attemptLimit = 8

/** Where this device stands in the group's logs: newcomers begin there. */
export type Position = { readonly commits: number, readonly messages: number }

/**
 * Makes the commit for what this device wants and for what waits, and holds it as pending: the next epoch takes
 * effect when the record is read back from its slot, and not before.
 */
export function makeCommit(state: RoomState, moment: Moment, position: Position): RoomStep {
  const { group } = state
  if (group === undefined) return still(state)
  const wanted = wantedOf(state, group, moment)
  const cleaned = withRoom(state, { intents: wanted.intents })
  if (wanted.proposals.length === 0 && group.proposals.size === 0 && !wanted.renews) {
    return still(withRoom(cleaned, cleaned.room.state === 'creating' ? { state: 'active' } : {}))
  }
  const log = groupLog('h', state.room.log)
  const seal = sealOf(group)
  let bytes: Uint8Array | undefined
  const recordOf = (message: MLSMessage): Uint8Array => {
    // A commit travels with the proposals that it references, so that nobody lacks one.
    const proposals = hasReferences(message) ? state.room.proposals.map((one) => fromHex(one.message)) : []
    bytes ??= sealRecord(group.suite, seal, log, [...proposals, encodeMessage(message)])
    return bytes
  }
  const made = commit(withoutRevoked(group, wanted.revocations), {
    proposals: wanted.proposals, authenticatedData: encodeNote(moment.now, wanted.attachments), authentication: moment.self.authentication,
    // What the leaf says is renewed with its keys: this version's capabilities, the newest head of the device log, and
    // the signature key that is in force (RFC 9420 §7.2), with its certificate path.
    credential: moment.self.credential, signatureKeyPair: moment.self.signatureKeyPair,
    capabilities: leafCapabilities(), leafExtensions: ownLeafExtensions(group, moment.self),
    // Fresh keys with every commit, also where RFC 9420 §12.4 would let them be: each change heals the group.
    forcePath: true,
    groupInfoExtensions: (message) => [tellNewcomers([
      { epoch: group.context.epoch, hash: group.suite.hash(recordOf(message)) }, ...state.history,
    ])],
  })
  // Everybody judges it so: one that they refuse would leave this device alone in an epoch of its own.
  const refusal = commitRefusal(viewOf(group, state.members), made.applied)
  if (refusal !== undefined) throw new MlsError('refused', refusal)
  const record = recordOf(made.message)
  const pending: PendingCommit = {
    epoch: group.context.epoch, slot: commitSlot(group, state.room.attempt), bytes: record, next: made.pending,
    applied: made.applied,
    ...made.welcome === undefined ? { welcome: new Uint8Array(0), mails: [] }
      : mailsFor(wanted.claimed, encodeMessage(made.welcome), moment, position),
  }
  return {
    ...still({ ...cleaned, group: made.group, pending }),
    publish: [{ log, slot: pending.slot, bytes: record, target: 'commit' }],
    wipe: [...made.wipe, seal.key],
  }
}

const hasReferences = ({ body }: MLSMessage): boolean => body.type === 'publicMessage'
  && body.publicMessage.content.content.type === 'commit'
  && body.publicMessage.content.content.commit.proposals.some(({ type }) => type === 'reference')

/** Proposals of leaves that the commit itself forbids are not in it (RFC 9420 §12.2). */
function withoutRevoked(group: Group, revocations: readonly Revocation[]): Group {
  const proposals = [...group.proposals].filter(([, { proposal }]) =>
    !(proposal.type === 'add' && isRevoked(revocations, proposal.keyPackage.leafNode))
    && !(proposal.type === 'update' && isRevoked(revocations, proposal.leafNode)))
  return proposals.length === group.proposals.size ? group : { ...group, proposals: new Map(proposals) }
}

/** A leaf by which this device was let back in stays one. */
export const ownLeafExtensions = ({ tree, ownLeaf }: Group, self: Self): Extensions => [
  ...self.leafExtensions,
  ...(leafAt(tree, ownLeaf)?.extensions ?? []).filter((one) => one.extensionType === extensionTypes.incarnation),
]

function mailsFor(
  claimed: readonly Claimed[], welcome: Uint8Array, moment: Moment, position: Position,
): Pick<PendingCommit, 'welcome' | 'mails'> {
  return { welcome, mails: claimed.map((one) => ({
    log: inboxLog(one.deviceId),
    tokenProof: one.token === '' ? new Uint8Array(0) : tokenProof(moment.self.suite, fromHex(one.token), welcome),
    commitsAfter: BigInt(position.commits), messagesAfter: BigInt(position.messages),
  })) }
}

/** The pending commit was read back as the first valid record of its slot: its epoch begins, its Welcomes go out. */
export function winCommit(state: RoomState, pending: PendingCommit, moment: Moment): RoomStep {
  const { group } = state
  if (group === undefined) return still(state)
  const merged = merge(group, pending.next)
  const { slot, bytes } = pending
  const entered = enterEpoch(state, { group: merged.group, applied: pending.applied, record: { slot, bytes } }, moment)
  const added = pending.applied.added.length > 0
  return settle({
    ...entered,
    publish: [...entered.publish, ...pending.mails.map(({ log, ...mail }) => ({
      log, slot: '', bytes: encodeWelcomeMail({ ...mail, welcome: pending.welcome }), target: 'record' as const,
    }))],
    // Newcomers hear from the one who added them how the others are called.
    say: [...entered.say, ...(added ? [{ type: 'introductions' as const }, ...timerSay(state.room)] : [])],
    wipe: [...entered.wipe, ...merged.wipe],
  }, moment)
}

const timerSay = ({ timer, timerAt }: Room): readonly Say[] =>
  timerAt === 0 ? [] : [{ type: 'timer', seconds: timer, at: timerAt }]

/** After any commit: an intent that is fulfilled goes, a new conversation opens, an empty direct chat closes. */
export function settle(step: RoomStep, moment: Moment): RoomStep {
  const { room, members, group } = step.state
  const present = new Set(members.map((member) => member.accountId))
  const intents = room.intents.flatMap((intent): readonly Intent[] => {
    switch (intent.type) {
      case 'add': {
        const missing = intent.members.filter((one) => !present.has(one.accountId))
        return missing.length === 0 ? [] : [{ type: 'add', members: missing }]
      }
      case 'remove': {
        return present.has(intent.accountId) || room.absent.includes(intent.accountId) ? [intent] : []
      }
      case 'drop': return group === undefined || leafOfKey(group, intent.leafKey) === undefined ? [] : [intent]
      case 'rename': return room.name === intent.name ? [] : [intent]
      case 'readmit': return group === undefined || isReadmitted(group, intent) ? [] : [intent]
      case 'renew': return [intent]
      case 'link': return group === undefined || hasDevice(group, intent.deviceId) ? [] : [intent]
      case 'revoke': return group === undefined || isRevokedIn(group, intent) ? [] : [intent]
    }
  })
  const state = withRoom(step.state, { intents, state: room.state === 'creating' ? 'active' : room.state })
  const settled = { ...step, state }
  const alone = members.length === 1 && members[0]?.accountId === moment.self.accountId && room.absent.length === 0
  if (room.kind === 'direct' && alone && room.state !== 'creating') return closeRoom(settled, 'left')
  return room.leaving ? proposeLeaving(settled, moment) : settled
}

/**
 * Leaves: closed at once for this person, and every own leaf is proposed for removal (RFC 9420 §12.1.3); any member
 * commits that. Repeated in each epoch until this device sees itself removed.
 */
export function leaveRoom(state: RoomState, moment: Moment): RoomStep {
  const told = tellFact(still(state), moment.now, `${groupIdOf(state.room)}.left.${state.group?.context.epoch ?? 0}`, {
    fact: 'left', who: moment.self.accountId,
  })
  const alone = told.state.members.every((member) => member.accountId === moment.self.accountId)
  // Who cannot follow the group cannot propose to it either: the leaf stays until it is idle for long.
  if (told.state.group === undefined || !isWell(state.room)) return closeRoom(told, 'left')
  if (alone) return closeRoom(deviceCount(state) > 1 ? sayFarewell(told, moment) : told, 'left')
  const leaving = { ...told, state: withRoom(told.state, { leaving: true, state: 'left', intents: [], unread: 0 }) }
  // A commit of our own that is on its way decides first: it may be accepted already.
  return leaving.state.pending === undefined ? proposeLeaving(leaving, moment) : leaving
}

/** Nobody else is here to commit it: the own devices close the conversation when they hear of it. */
function sayFarewell(told: RoomStep, moment: Moment): RoomStep {
  const said = proposeLeaving(told, moment)
  return { ...said, publish: said.publish.map((one) => ({ ...one, target: 'record' })) }
}

function proposeLeaving(step: RoomStep, moment: Moment): RoomStep {
  let { group } = step.state
  if (group === undefined) return step
  const messages: { reference: string, message: string }[] = []
  const wipe: Secret[] = []
  for (const { index, leafNode } of leavesOf(group.tree)) {
    if (accountOf(leafNode) !== moment.self.accountId) continue
    const proposed = propose(group, { type: 'remove', removed: index })
    group = proposed.group
    wipe.push(...proposed.wipe)
    messages.push({ reference: toHex(proposed.reference), message: toHex(encodeMessage(proposed.message)) })
  }
  const log = groupLog('m', step.state.room.log)
  const seal = sealOf(group)
  const bytes = sealRecord(group.suite, seal, log, messages.map((one) => fromHex(one.message)))
  return {
    ...step,
    state: { ...withRoom(step.state, { proposals: [...step.state.room.proposals, ...messages] }), group },
    publish: [...step.publish, { log, slot: '', bytes, target: 'proposal' }],
    wipe: [...step.wipe, ...wipe, seal.key],
  }
}

/** Adds an intent. The caller has checked that the conversation is open. */
export const intend = (state: RoomState, intent: Intent): RoomStep =>
  still(withRoom(state, { intents: [...state.room.intents, intent] }))

export const mayChange = (state: RoomState, change: Intent['type'], accountId: string): boolean => {
  const { room, members } = state
  if (room.kind !== 'group' || !isOpen(room) || !knowsAdmins(room)) return false
  return administers(room, members, accountId) || (change === 'add' && room.membersMayAdd)
}

