import {
  decode, fromHex, KeyPackage, leavesOf, validateKeyPackage, type Group, type LeafIndex, type OwnProposal,
} from '../mls/index.ts'
import { absentIn, hasRoom, incarnationOf, withAbsent, type AbsentAccount } from './absent.ts'
import { accountOf } from './account-of.ts'
import type { Policy } from './extensions.ts'
import { leafOfKey } from './idle.ts'
import type { Attachment } from './note.ts'
import { policyIn, withPolicy } from './policy.ts'
import { readmission } from './readmit.ts'
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
  /** Leaves that go because they were silent, and accounts that come back or shall not come back. */
  readonly dropped: Set<LeafIndex>
  readonly back: Set<string>
  policy: Policy
  renews: boolean
}

export function wantedOf(state: RoomState, group: Group, moment: Moment): Wanted {
  const { extensions } = group.context
  const policy = policyIn(group.context)
  const draft: Draft = {
    state, group, moment, admin: administers(state.room, state.members, moment.self.accountId), proposals: [],
    claimed: [], attachments: [], dropped: new Set(), back: new Set(), policy, renews: false,
  }
  // Who asks to come back is not dropped.
  const inOrder = state.room.intents.toSorted((a, b) => Number(a.type === 'drop') - Number(b.type === 'drop'))
  const intents = inOrder.flatMap((intent) => want(draft, intent))
  const { proposals, claimed, attachments, renews } = draft
  const absent = absentAfter(draft)
  if (draft.policy !== policy || absent !== undefined) {
    // RFC 9420 §12.1.7: it replaces all; and §12.2: there is one at most.
    const next = withPolicy(extensions, draft.policy)
    proposals.push({ type: 'groupContextExtensions', extensions: absent === undefined ? next : withAbsent(next, absent) })
  }
  return { proposals, intents, claimed, attachments, renews }
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
  }
}

type Of<T extends Intent['type']> = Extract<Intent, { readonly type: T }>

const isPresent = ({ state }: Draft, accountId: string): boolean =>
  state.members.some((member) => member.accountId === accountId)

function wantAdd(draft: Draft, intent: Of<'add'>): readonly Intent[] {
  const { state: { room, members: present }, group, moment: { self, now } } = draft
  // Wanted twice, by two clicks or from two sides: RFC 9420 §12.2 adds a client once.
  const isAdded = (deviceId: string): boolean => draft.claimed.some((one) => one.deviceId === deviceId)
  const members = intent.members.filter((one) => !isPresent(draft, one.accountId) && !isAdded(one.deviceId))
  const alone = present.length === 1
  if (members.length === 0 || !(draft.admin || room.membersMayAdd || alone)) return []
  for (const one of members) {
    const keyPackage = decode(KeyPackage, fromHex(one.keyPackage))
    draft.proposals.push({ type: 'add', keyPackage: validateKeyPackage(group.suite, keyPackage, {
      authentication: self.authentication, now: BigInt(Math.floor(now / 1000)),
    }) })
    draft.claimed.push(one)
    draft.back.add(one.accountId)
  }
  return [{ type: 'add', members }]
}

function wantRemove(draft: Draft, intent: Of<'remove'>): readonly Intent[] {
  const { accountId } = intent
  if (!draft.admin || !(isPresent(draft, accountId) || draft.state.room.absent.includes(accountId))) return []
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
  if (!isDue(intent, draft.moment.now)) return [intent]
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
