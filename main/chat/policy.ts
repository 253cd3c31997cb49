import {
  encode, equal, Extensions, KeyPackage, MlsError, toHex,
  type AppliedCommit, type Group, type GroupContext, type LeafIndex, type LeafNode, type Proposal, type Sender,
} from '../mls/index.ts'
import { accountIdOf } from '../identity/credential.ts'
import { absentIn, absentRefusal, withAbsent } from './absent.ts'
import { accountOf } from './account-of.ts'
import { decodePolicy, encodePolicy, extensionTypes, type Policy } from './extensions.ts'
import { readmittedBy, type Readmitted } from './readmit.ts'
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
      if (accountIdOf(proposal.keyPackage.leafNode.credential) === account) return undefined
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
      // Who is absent changes with the commit that removes or adds them, by its own proposal (see commitRefusal).
      if (!isSame(proposal.extensions, withAbsent(proposal.extensions, absentIn(context.extensions)))) {
        return 'who is absent changes with a commit'
      }
      return after.kind === policy.kind && equal(after.log, policy.log) ? undefined : 'a group keeps its kind and log'
    }
    case 'update': return undefined
    case 'preSharedKey':
    case 'reInit':
    case 'externalInit':
    case 'selfRemove':
    case 'custom': return 'not used in Coppice groups'
  }
}

/** Why this commit breaks the policy, or `undefined`. */
export function commitRefusal(before: Before, applied: AppliedCommit): string | undefined {
  if (applied.external) return 'only members commit'
  const readmitted = readmittedBy(before.group, applied)
  for (const { proposal, sender, byReference } of applied.proposals) {
    // A device's own signed request to be let back in is right enough, whoever commits it.
    if (readmitted.some((one) => belongsTo(one, proposal))) continue
    const judged = byReference ? proposal : besideAbsent(before.group.context, proposal)
    const refusal = judged === undefined ? undefined : proposalRefusal(before, judged, sender)
    if (refusal !== undefined) return refusal
  }
  return absentRefusal(before.group, applied, isAdmin(before, accountOf(applied.committerLeaf)))
}

const isSame = (extensions: Extensions, other: Extensions): boolean =>
  equal(encode(Extensions, extensions), encode(Extensions, other))

/** What a proposal changes beside the list of absent accounts, which `absentRefusal` judges; `undefined`: nothing. */
function besideAbsent({ extensions: before }: GroupContext, proposal: Proposal): Proposal | undefined {
  if (proposal.type !== 'groupContextExtensions') return proposal
  const absent = absentIn(before)
  const extensions = withAbsent(proposal.extensions, absent)
  return isSame(extensions, withAbsent(before, absent)) ? undefined : { ...proposal, extensions }
}

function belongsTo({ removed, keyPackage }: Readmitted, proposal: Proposal): boolean {
  if (proposal.type === 'remove') return proposal.removed === removed
  return proposal.type === 'add' && equal(encode(KeyPackage, proposal.keyPackage), keyPackage)
}
