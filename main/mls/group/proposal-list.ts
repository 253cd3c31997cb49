import { encode, toHex } from '../codec.ts'
import { impossible, MlsError } from '../error.ts'
import { check, missing } from '../rules.ts'
import {
  addLeaves, leafAt, leavesOf, removeLeaf, updateLeaf, type IndexedLeaf, type RatchetTree,
} from '../tree/ratchet-tree.ts'
import { allSupportProposal, validateMembers } from '../tree/validate.ts'
import type { Extensions } from '../wire/extension.ts'
import type { Sender } from '../wire/framing.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import type { LeafIndex, LeafNode } from '../wire/node.ts'
import {
  PreSharedKeyID, proposalTypeOf, traitsOf, type CustomProposals, type Proposal, type ProposalOrRef,
} from '../wire/proposal.ts'
import { ClientSet, type Authentication } from './authentication.ts'
import { checkProposal, type View } from './proposals.ts'
import type { AppliedCommit, Group, GroupStatus, PendingProposal } from './state.ts'

// Which lists of proposals a commit may cover, and what they do (RFC 9420 §12.2, §12.3).

/** One proposal of a commit, found and known to be valid by itself. */
export type Listed = {
  readonly proposal: Proposal
  readonly sender: Sender
  /** The proposal's own message, where the commit refers to it. */
  readonly pending: PendingProposal | undefined
}

/** What a list does to a group, before the commit's path. */
export type Effects = Pick<AppliedCommit, 'added' | 'removed' | 'updated' | 'extensionsChanged'> & {
  readonly tree: RatchetTree
  readonly extensions: Extensions
  /** In the order of `added`. */
  readonly keyPackages: readonly KeyPackage[]
  /** In the order of the list (RFC 9420 §8.4). */
  readonly psks: readonly PreSharedKeyID[]
  /** RFC 9420 §8.3: of an external commit. */
  readonly kemOutput: Uint8Array | undefined
  /** RFC 9420 §12.4: whether the commit must have a path. */
  readonly pathRequired: boolean
  /** What the group is after the commit: `reinitialized` by a ReInit (§12.4.2). */
  readonly status: GroupStatus
}

/** Finds and checks what a commit covers. Throws `undecided` for a reference to a proposal that is not here. */
export function resolveProposals(
  group: Group, proposals: readonly ProposalOrRef[], { sender, authentication }: {
    readonly sender: Sender
    readonly authentication: Authentication
  },
): readonly Listed[] {
  return proposals.map((each) => {
    if (each.type === 'reference') return referredTo(group, each.reference)
    checkProposal(group, { proposal: each.proposal, sender, authentication })
    return { proposal: each.proposal, sender, pending: undefined }
  })
}

/** The pending proposal of a reference (RFC 9420 §12.4). It was checked when it came. */
export function referredTo(group: Group, reference: Uint8Array): Listed {
  const pending = group.proposals.get(toHex(reference))
  if (pending === undefined) missing('12.4.reference')
  if (pending.refused !== undefined) {
    throw new MlsError('refused', 'the commit refers to a proposal that is invalid', pending.refused)
  }
  return { proposal: pending.proposal, sender: pending.sender, pending }
}

/** RFC 9420 §12.4: by reference what had a message of its own, by value the rest. */
export const toProposalOrRef = ({ proposal, pending }: Listed): ProposalOrRef =>
  pending === undefined ? { type: 'proposal', proposal } : { type: 'reference', reference: pending.reference }

/**
 * What a list of proposals does (RFC 9420 §12.3), when it is valid as a whole (§12.2). `committer`: `undefined` for
 * an external commit.
 */
export function applyProposals(view: View, listed: readonly Listed[], { committer, authentication, customProposals }: {
  readonly committer: LeafIndex | undefined
  readonly authentication: Authentication
  readonly customProposals?: CustomProposals | undefined
}): Effects {
  checkTypes(view, listed, committer)
  checkTargets(listed, committer)
  checkClients(view, listed, authentication)
  // RFC 9420 §12.4: "if len(commit.proposals) == 0 || pathRequired".
  const pathRequired =
    listed.length === 0 || listed.some(({ proposal }) => traitsOf(proposal, customProposals).pathRequired)
  return { ...applyInOrder(view, listed), pathRequired }
}

/**
 * RFC 9420 §12.2: a list is invalid if "after processing the Commit the ratchet tree is invalid". `after`: the tree
 * with the commit's path in it.
 */
export function checkResult(view: View, { effects, after }: {
  readonly effects: Effects
  readonly after: RatchetTree
}): void {
  if (after === view.tree && !effects.extensionsChanged) return
  validateMembers({ before: view.tree, after, groupExtensions: effects.extensions })
}

type Of<T extends Proposal['type']> = Extract<Proposal, { readonly type: T }>

/** The proposals of one type in the order of the list. */
const ofType = <const T extends Proposal['type']>(listed: readonly Listed[], type: T): readonly Of<T>[] =>
  listed.flatMap(({ proposal }) => proposal.type === type ? [proposal as Of<T>] : [])

/** RFC 9420 §12.2: how many of which types may stand together. */
function checkTypes(view: View, listed: readonly Listed[], committer: LeafIndex | undefined): void {
  const count = (type: Proposal['type']): number => ofType(listed, type).length
  // RFC 9420 §12.2: "multiple PreSharedKey proposals that reference the same PreSharedKeyID".
  const psks = ofType(listed, 'preSharedKey').map(({ psk }) => toHex(encode(PreSharedKeyID, psk)))
  check('12.2.psk-twice', new Set(psks).size === psks.length)
  if (committer === undefined) {
    // RFC 9420 §12.2: "For an external Commit, the list is valid if it contains only the following proposals".
    // draft-ietf-mls-extensions: it "can contain zero or more SelfRemove proposals" besides.
    const types: readonly Proposal['type'][] = ['externalInit', 'remove', 'preSharedKey', 'selfRemove']
    check('12.2.external-commit-types', listed.every(({ proposal }) => types.includes(proposal.type)))
    check('12.2.external-commit-init', count('externalInit') === 1)
    check('12.2.external-commit-remove', count('remove') <= 1)
    return
  }
  check('12.2.extensions-twice', count('groupContextExtensions') <= 1)
  check('12.2.reinit-alone', count('reInit') === 0 || listed.length === 1)
  checkSupport(view, listed)
}

/** RFC 9420 §12.2: non-default types need the support of all "that will process the Commit", so not of the removed. */
function checkSupport({ tree }: View, listed: readonly Listed[]): void {
  const types = new Set(ofType(listed, 'custom').map(proposalTypeOf))
  if (types.size === 0) return
  const removed = new Set(removedBy(listed))
  check('12.2.unsupported-type', [...types].every((type) => allSupportProposal(tree, type, removed)))
}

/** The leaf that an Update, Remove or SelfRemove changes. */
export function targetOf({ proposal, sender }: Pick<Listed, 'proposal' | 'sender'>): LeafIndex | undefined {
  if (proposal.type === 'remove') return proposal.removed
  // draft-ietf-mls-extensions: "by looking in the Sender `leaf_index` of the original Proposal".
  const own = proposal.type === 'update' || proposal.type === 'selfRemove'
  return own && sender.type === 'member' ? sender.leafIndex : undefined
}

/** The leaves that a list removes; draft-ietf-mls-extensions: SelfRemoves before Removes. */
const removedBy = (listed: readonly Listed[]): readonly LeafIndex[] =>
  (['selfRemove', 'remove'] as const).flatMap((type) =>
    listed.flatMap((each) => each.proposal.type === type ? targetOf(each) ?? [] : []))

/** RFC 9420 §12.2: what "an old version" of the one who commits from outside was: removed, and not by a SelfRemove. */
export const replacedLeaves = (listed: readonly Listed[], { removed }: Effects): readonly IndexedLeaf[] =>
  removed.filter(({ index }) => ofType(listed, 'remove').some((proposal) => proposal.removed === index))

/** RFC 9420 §12.2: each leaf is changed once, and the committer's not at all. */
function checkTargets(listed: readonly Listed[], committer: LeafIndex | undefined): void {
  const targets = new Set<LeafIndex>()
  for (const each of listed) {
    const target = targetOf(each)
    if (target === undefined) continue
    check(each.proposal.type === 'update' ? '12.2.own-update' : '12.2.own-removal', target !== committer)
    check('12.2.one-change', !targets.has(target))
    targets.add(target)
  }
}

/** RFC 9420 §12.2: nobody is added twice, nor who is a member and stays one. */
function checkClients({ tree }: View, listed: readonly Listed[], authentication: Authentication): void {
  const adds = ofType(listed, 'add').map(({ keyPackage }) => keyPackage.leafNode)
  if (adds.length === 0) return
  const removed = new Set(removedBy(listed))
  const added = new ClientSet(authentication)
  for (const leafNode of adds) {
    check('12.2.add-twice', !added.has(leafNode))
    added.add(leafNode)
  }
  check('12.2.add-member', leavesOf(tree).every(({ index, leafNode }) => removed.has(index) || !added.has(leafNode)))
}

/** RFC 9420 §12.3: applies a valid list in the order that the section gives. */
function applyInOrder(view: View, listed: readonly Listed[]): Omit<Effects, 'pathRequired'> {
  const [newExtensions] = ofType(listed, 'groupContextExtensions')
  let tree = view.tree
  const updated: { index: LeafIndex, before: LeafNode, after: LeafNode }[] = []
  const removed: IndexedLeaf[] = []
  // "Apply any Update proposals to the ratchet tree, in any order."
  for (const { proposal, sender } of listed) {
    if (proposal.type !== 'update' || sender.type !== 'member') continue
    updated.push({ index: sender.leafIndex, before: memberAt(tree, sender.leafIndex), after: proposal.leafNode })
    tree = updateLeaf(tree, sender.leafIndex, proposal.leafNode)
  }
  // "Apply any Remove proposals to the ratchet tree, in any order."
  for (const index of removedBy(listed)) {
    removed.push({ index, leafNode: memberAt(tree, index) })
    tree = removeLeaf(tree, index)
  }
  // "Apply any Add proposals to the ratchet tree, in the order they appear in the list."
  const keyPackages = ofType(listed, 'add').map(({ keyPackage }) => keyPackage)
  const leafNodes = keyPackages.map(({ leafNode }) => leafNode)
  const { tree: full, indexes } = leafNodes.length === 0 ? { tree, indexes: [] } : addLeaves(tree, leafNodes)
  const added = leafNodes.flatMap((leafNode, at) => {
    const index = indexes[at]
    return index === undefined ? [] : [{ index, leafNode }]
  })
  return {
    tree: full,
    extensions: newExtensions?.extensions ?? view.context.extensions,
    extensionsChanged: newExtensions !== undefined,
    updated, removed, added, keyPackages,
    psks: ofType(listed, 'preSharedKey').map(({ psk }) => psk),
    kemOutput: ofType(listed, 'externalInit')[0]?.kemOutput,
    status: statusAfter(listed),
  }
}

/** RFC 9420 §12.3: "If there is a ReInit proposal, note its parameters for application later". */
function statusAfter(listed: readonly Listed[]): GroupStatus {
  const [proposal] = ofType(listed, 'reInit')
  if (proposal === undefined) return { type: 'active' }
  const { type: _, ...reInit } = proposal
  return { type: 'reinitialized', reInit }
}

const memberAt = (tree: RatchetTree, index: LeafIndex): LeafNode =>
  leafAt(tree, index) ?? impossible('a change of a blank leaf in a list that is valid')
