import {
  decode, fromHex, KeyPackage, leavesOf, MlsError, validateKeyPackage,
  type Group, type LeafIndex, type OwnProposal,
} from '../mls/index.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { absentIn, hasRoom, incarnationOf, withAbsent, type AbsentAccount } from './absent.ts'
import { accountOf } from './account-of.ts'
import type { Policy } from './extensions.ts'
import { leafOfKey } from './idle.ts'
import { attachmentTypes, type Attachment } from './note.ts'
import { policyIn, withPolicy } from './policy.ts'
import { readmission } from './readmit.ts'
import {
  areSame, isRevoked, joinRevocations, provenLog, provenTo, revocationsIn, revokedLeaves, withRevocations, type Revocation,
} from './revocations.ts'
import { administers, isDue, type Claimed, type Intent, type RoomState } from './room.ts'
import type { Moment } from './self.ts'

/** What of a device's intents is still to be done in an epoch. */
export type Wanted = {
  readonly proposals: readonly OwnProposal[]
  /** Those that stay until a commit has brought them about; what is moot or not allowed goes. */
  readonly intents: readonly Intent[]
  readonly claimed: readonly Claimed[]
  readonly attachments: readonly Attachment[]
  /** The own leaf needs new keys, even if there is nothing to propose. */
  readonly renews: boolean
  /** The keys that are taken back when the commit has taken effect. */
  readonly revocations: readonly Revocation[]
}

/** While it is put together. */
type Draft = {
  readonly state: RoomState
  readonly group: Group
  readonly moment: Moment
  readonly admin: boolean
  readonly proposals: OwnProposal[]
  readonly claimed: Claimed[]
  readonly attachments: Attachment[]
  /** Leaves that go because they were silent or taken back, and accounts that come back or shall not come back. */
  readonly dropped: Set<LeafIndex>
  readonly back: Set<string>
  /** Accounts that take keys back; all else that concerns them waits for the next commit. */
  readonly revoking: Set<string>
  revocations: readonly Revocation[]
  policy: Policy
  renews: boolean
}

export function wantedOf(state: RoomState, group: Group, moment: Moment): Wanted {
  const { extensions } = group.context
  const policy = policyIn(group.context)
  const draft: Draft = {
    state, group, moment, admin: administers(state.room, state.members, moment.self.accountId), proposals: [],
    claimed: [], attachments: [], dropped: new Set(), back: new Set(), revoking: new Set(),
    revocations: revocationsIn(extensions), policy, renews: false,
  }
  // What is taken back goes first; and who asks to come back is not dropped.
  const order = (intent: Intent): number => intent.type === 'revoke' ? 0 : intent.type === 'drop' ? 2 : 1
  const intents = state.room.intents.toSorted((a, b) => order(a) - order(b)).flatMap((intent) => want(draft, intent))
  const { proposals, claimed, attachments, renews, revocations } = draft
  const absent = absentAfter(draft)
  const next = withRevocations(draft.policy === policy ? extensions : withPolicy(extensions, draft.policy), revocations)
  const after = absent === undefined ? next : withAbsent(next, absent)
  // RFC 9420 §12.1.7: it replaces all; and §12.2: there is one at most.
  if (draft.policy !== policy || absent !== undefined || draft.revoking.size > 0) {
    proposals.push({ type: 'groupContextExtensions', extensions: after })
  }
  return { proposals, intents, claimed, attachments, renews, revocations }
}

/** Takes up what an intent needs now, and gives what of it stays. */
function want(draft: Draft, intent: Intent): readonly Intent[] {
  switch (intent.type) {
    case 'add': return wantAdd(draft, intent)
    case 'remove': return wantRemove(draft, intent)
    case 'drop': return wantDrop(draft, intent)
    case 'rename': {
      if (!draft.admin || draft.policy.name === intent.name) return []
      draft.policy = { ...draft.policy, name: intent.name }
      return [intent]
    }
    case 'readmit': return wantReadmit(draft, intent)
    case 'renew': {
      if (isDue(intent, draft.moment.now)) draft.renews = true
      return [intent]
    }
    case 'link': return wantLink(draft, intent)
    case 'revoke': return wantRevoke(draft, intent)
  }
}

type Of<T extends Intent['type']> = Extract<Intent, { readonly type: T }>

const isPresent = ({ state }: Draft, accountId: string): boolean =>
  state.members.some((member) => member.accountId === accountId)

function wantAdd(draft: Draft, intent: Of<'add'>): readonly Intent[] {
  const { room, members: present } = draft.state
  // Wanted twice, by two clicks or from two sides: RFC 9420 §12.2 adds a client once.
  const isAdded = (deviceId: string): boolean => draft.claimed.some((one) => one.deviceId === deviceId)
  const members = intent.members.filter((one) =>
    !isPresent(draft, one.accountId) && !isAdded(one.deviceId) && !standsOnRevoked(draft, one.keyPackage))
  const alone = present.length === 1
  if (members.length === 0 || !(draft.admin || room.membersMayAdd || alone)) return []
  for (const one of members) {
    add(draft, one)
    draft.back.add(one.accountId)
  }
  return [{ type: 'add', members }]
}

/** Throws `MlsError` for a KeyPackage that is not valid. */
function add({ group, moment: { self, now }, proposals, claimed }: Draft, one: Claimed): void {
  const keyPackage = decode(KeyPackage, fromHex(one.keyPackage))
  proposals.push({ type: 'add', keyPackage: validateKeyPackage(group.suite, keyPackage, {
    authentication: self.authentication, now: BigInt(Math.floor(now / 1000)),
  }) })
  claimed.push(one)
}

const standsOnRevoked = ({ revocations }: Draft, keyPackage: string): boolean =>
  isRevoked(revocations, decode(KeyPackage, fromHex(keyPackage)).leafNode)

/** A device of this person comes in, once; not while they leave. One whose KeyPackage is over is claimed anew. */
function wantLink(draft: Draft, intent: Of<'link'>): readonly Intent[] {
  const { group, moment: { self } } = draft
  const { deviceId, keyPackage } = intent
  const own = leavesOf(group.tree).filter(({ leafNode }) => accountOf(leafNode) === self.accountId)
  const isThere = own.some(({ leafNode }) => deviceIdOf(leafNode.credential) === deviceId)
  if (isThere || draft.claimed.some((one) => one.deviceId === deviceId)) return []
  if (draft.revoking.has(self.accountId) || own.some(({ index }) => alreadyRemoved(draft, index))) return [intent]
  try {
    if (standsOnRevoked(draft, keyPackage)) return []
    add(draft, { accountId: self.accountId, deviceId, keyPackage, token: '' })
    return [intent]
  } catch (error) {
    if (error instanceof MlsError) return []
    throw error
  }
}

/** All that the log of an account takes back, at once: its leaves go, and with the last one its person is absent. */
function wantRevoke(draft: Draft, intent: Of<'revoke'>): readonly Intent[] {
  const { group, revocations, revoking, state: { room } } = draft
  const { accountId } = intent
  const proof = fromHex(intent.proof)
  const log = provenLog(group.suite, proof)
  if (log?.accountId !== accountId || !(isPresent(draft, accountId) || room.absent.includes(accountId))) return []
  // Of two proofs for one account the other one comes next, if it says more.
  if (revoking.has(accountId)) return [intent]
  const after = joinRevocations(revocations, provenTo(revocations, log))
  const hit = revokedLeaves(group, after)
  // Done; or it is this device that was taken back, and others see to it.
  if (areSame(revocations, after) && hit.length === 0) return []
  if (hit.some(({ index }) => index === group.ownLeaf)) return []
  for (const { index } of hit) {
    draft.proposals.push({ type: 'remove', removed: index })
    draft.dropped.add(index)
  }
  // Whoever has closed their account does not belong to the group any more.
  if (log.closed !== undefined && !room.absent.includes(accountId)) draft.back.add(accountId)
  draft.revocations = after
  revoking.add(accountId)
  draft.attachments.push({ type: attachmentTypes.revocation, data: proof })
  return [intent]
}

function wantRemove(draft: Draft, intent: Of<'remove'>): readonly Intent[] {
  const { accountId } = intent
  if (!draft.admin || !(isPresent(draft, accountId) || draft.state.room.absent.includes(accountId))) return []
  if (draft.revoking.has(accountId)) return [intent]
  draft.back.add(accountId)
  for (const { index, leafNode } of leavesOf(draft.group.tree)) {
    if (accountOf(leafNode) === accountId && !alreadyRemoved(draft, index)) {
      draft.proposals.push({ type: 'remove', removed: index })
    }
  }
  return [intent]
}

/** An admin removes silent devices; a person their own ones. */
function wantDrop(draft: Draft, intent: Of<'drop'>): readonly Intent[] {
  const { group, state, moment: { self } } = draft
  const leaf = leafOfKey(group, intent.leafKey)
  if (leaf === undefined || leaf.index === group.ownLeaf) return []
  const { index, leafNode } = leaf
  if (!(draft.admin && state.room.kind === 'group') && accountOf(leafNode) !== self.accountId) return []
  if (alreadyRemoved(draft, index)) return [intent]
  draft.proposals.push({ type: 'remove', removed: index })
  draft.dropped.add(index)
  return [intent]
}

/** The absent accounts after the commit, if they change: whose last leaf was dropped is listed, who is back is not. */
function absentAfter({ group, dropped, back }: Draft): readonly AbsentAccount[] | undefined {
  const before = absentIn(group.context.extensions)
  const leaves = leavesOf(group.tree).map(({ index, leafNode }) => ({ index, accountId: accountOf(leafNode) }))
  const staying = new Set(leaves.filter(({ index }) => !dropped.has(index)).map(({ accountId }) => accountId))
  const gone = new Set(leaves.map(({ accountId }) => accountId).filter((accountId) => !staying.has(accountId)))
  const after = before.filter(({ accountId }) => !back.has(accountId))
  for (const accountId of gone) {
    const incarnation = incarnationOf(group, accountId)
    if (incarnation !== undefined && !back.has(accountId) && hasRoom(after)) after.push({ accountId, incarnation })
  }
  return after.length === before.length && gone.size === 0 ? undefined : after
}

function wantReadmit(draft: Draft, intent: Of<'readmit'>): readonly Intent[] {
  if (!isDue(intent, draft.moment.now) || draft.revoking.has(intent.accountId)) return [intent]
  const readmitted = readmission(draft.group, intent, draft.moment)
  if (readmitted === undefined) return []
  draft.proposals.push(...readmitted.proposals)
  draft.claimed.push(readmitted.claimed)
  draft.attachments.push(readmitted.attachment)
  draft.back.add(intent.accountId)
  return [intent]
}

/** RFC 9420 §12.2: a commit does not remove a leaf twice; somebody proposed it already. */
const alreadyRemoved = ({ group, proposals }: Draft, index: LeafIndex): boolean =>
  [...[...group.proposals.values()].map(({ proposal }) => proposal), ...proposals]
    .some((proposal) => proposal.type === 'remove' && proposal.removed === index)
