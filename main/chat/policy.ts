import {
  encode, equal, Extensions, KeyPackage, leafAt, MlsError, toHex,
  type AppliedCommit, type Group, type GroupContext, type LeafIndex, type LeafNode, type Proposal, type Sender,
} from '../mls/index.ts'
import { accountIdOf } from '../identity/credential.ts'
import { absentIn, absentRefusal, withAbsent } from './absent.ts'
import { accountOf } from './account-of.ts'
import { decodePolicy, encodePolicy, extensionTypes, type Policy } from './extensions.ts'
import { readmittedBy, type Readmitted } from './readmit.ts'
import {
  areSame, isRevoked, lostTo, revocationsIn, revokedBy, revokedPath, standingRefusal, withRevocations, type Revoking,
} from './revocations.ts'
import { administers } from './room.ts'

/** Who may do what in a group: every client enforces it on every commit, from bytes that all members have. */

/** The group's policy. Throws `MlsError('malformed')` without one, `('unsupported')` for a newer version. */
export function policyIn(context: GroupContext): Policy {
  const extension = context.extensions.find((one) => one.extensionType === extensionTypes.policy)
  if (extension === undefined) throw new MlsError('malformed', 'a group without a Coppice policy')
  return decodePolicy(extension.extensionData)
}

/** The GroupContext's extensions with another policy. */
export const withPolicy = (extensions: Extensions, policy: Policy): Extensions =>
  extensions.map((one) => one.extensionType !== extensionTypes.policy ? one
    : { extensionType: one.extensionType, extensionData: encodePolicy(policy) })

export type PolicyMembers = readonly { readonly accountId: string }[]

/** The other members as leaves, before the commit. */
export type Before = {
  readonly group: Group
  readonly members: PolicyMembers
  readonly leafOf: (index: LeafIndex) => LeafNode | undefined
}

export const viewOf = (group: Group, members: PolicyMembers): Before =>
  ({ group, members, leafOf: (index) => leafAt(group.tree, index) })

const isAdmin = ({ group, members }: Before, accountId: string): boolean =>
  administers({ admins: policyIn(group.context).admins.map(toHex) }, members, accountId)

/** Why this proposal breaks the policy of the epoch it was made in, or `undefined`. */
export function proposalRefusal(before: Before, proposal: Proposal, sender: Sender): string | undefined {
  if (sender.type !== 'member') return 'only members change a group'
  const leaf = before.leafOf(sender.leafIndex)
  if (leaf === undefined) return 'the sender is not a member'
  const account = accountOf(leaf)
  const policy = policyIn(before.group.context)
  const admin = isAdmin(before, account)
  switch (proposal.type) {
    case 'add': {
      if (isRevokedIn(before, proposal.keyPackage.leafNode)) return revokedPath
      if (accountIdOf(proposal.keyPackage.leafNode.credential) === account) return undefined
      if (policy.kind === 'self') return 'among own devices there is nobody else'
      const first = before.members.length === 1
      if (policy.kind === 'direct') return first ? undefined : 'a direct chat stays between two people'
      return admin || policy.membersMayAdd ? undefined : 'only an admin adds people'
    }
    case 'remove': {
      const removed = before.leafOf(proposal.removed)
      if (removed === undefined || accountOf(removed) === account) return undefined
      return admin && policy.kind === 'group' ? undefined : 'only an admin removes others'
    }
    case 'groupContextExtensions': {
      if (!admin) return 'only an admin changes the group'
      const { context } = before.group
      const after = policyIn({ ...context, extensions: proposal.extensions })
      // Both change with the commit that removes or adds the leaves, by its own proposal (see commitRefusal).
      const { extensions } = proposal
      if (!isSame(withAbsent(extensions, absentIn(extensions)), withAbsent(extensions, absentIn(context.extensions)))) {
        return 'who is absent changes with a commit'
      }
      if (!areSame(revocationsIn(extensions), revocationsIn(context.extensions))) {
        return 'what was taken back changes with a commit'
      }
      return after.kind === policy.kind && equal(after.log, policy.log) ? undefined : 'a group keeps its kind and log'
    }
    case 'update': return isRevokedIn(before, proposal.leafNode) ? revokedPath : undefined
    case 'preSharedKey':
    case 'reInit':
    case 'externalInit':
    case 'selfRemove':
    case 'custom': return 'not used in Coppice groups'
  }
}

/** Why this commit breaks the policy, or `undefined`. */
export function commitRefusal(before: Before, applied: AppliedCommit): string | undefined {
  const { group } = before
  if (applied.external) return 'only members commit'
  const readmitted = readmittedBy(group, applied)
  const revoking = revokedBy(group, applied)
  if (typeof revoking === 'string') return revoking
  const standing = standingRefusal(group, applied, revoking)
  if (standing !== undefined) return standing
  for (const { proposal, sender, byReference } of applied.proposals) {
    // A device's own signed request to be let back in is right enough, whoever commits it; so is a proof.
    if (isProven(revoking, proposal) || readmitted.some((one) => belongsTo(one, proposal))) continue
    const judged = byReference ? proposal : besideLists(group.context, proposal)
    const refusal = judged === undefined ? undefined : proposalRefusal(before, judged, sender)
    if (refusal !== undefined) return refusal
  }
  return absentRefusal(group, applied, {
    admin: isAdmin(before, accountOf(applied.committerLeaf)), lost: lostTo(revoking, group),
  })
}

const isRevokedIn = ({ group }: Before, leafNode: LeafNode): boolean =>
  isRevoked(revocationsIn(group.context.extensions), leafNode)

const isProven = ({ leaves }: Revoking, proposal: Proposal): boolean =>
  proposal.type === 'remove' && leaves.has(proposal.removed)

const isSame = (extensions: Extensions, other: Extensions): boolean =>
  equal(encode(Extensions, extensions), encode(Extensions, other))

/**
 * What a proposal changes beside the lists of absent accounts and of keys that were taken back, which `absentRefusal`
 * and `revokedBy` judge; `undefined`: nothing.
 */
function besideLists({ extensions: before }: GroupContext, proposal: Proposal): Proposal | undefined {
  if (proposal.type !== 'groupContextExtensions') return proposal
  const withLists = (extensions: Extensions): Extensions =>
    withRevocations(withAbsent(extensions, absentIn(before)), revocationsIn(before))
  const extensions = withLists(proposal.extensions)
  return isSame(extensions, withLists(before)) ? undefined : { ...proposal, extensions }
}

function belongsTo({ removed, keyPackage }: Readmitted, proposal: Proposal): boolean {
  if (proposal.type === 'remove') return proposal.removed === removed
  return proposal.type === 'add' && equal(encode(KeyPackage, proposal.keyPackage), keyPackage)
}
