import {
  commit, decode, encode, epochAuthenticator, merge, MLSMessage, MlsError, nodesOf, receive, toHex,
  type Group, type Proposed, type Received,
} from '../../main/mls/index.ts'
import { authentication, dropPending, keep, lookupIn, type Member } from './book.ts'
import type { RequestOf, ResponseOf } from './definition.ts'
import { describedProposal, writeTree } from './messages.ts'

// Proposals and commits of a member, as the interface moves them.

/** Keeps an own proposal, which its maker cannot read again. */
export function sendProposal(member: Member, proposed: Proposed): ResponseOf<'AddProposal'> {
  keep(member, proposed)
  const proposal = encode(MLSMessage, proposed.message)
  remember(member, proposal, proposed.reference)
  return { proposal }
}

function remember(member: Member, message: Uint8Array, reference: Uint8Array): void {
  member.references = new Map([...member.references, [toHex(message), reference]])
}

function open(member: Member, message: Uint8Array): Received {
  return receive(member.group, decode(MLSMessage, message), { authentication, psks: lookupIn(member.psks) })
}

/** The ProposalRefs of these messages, of which each is read once. */
function readProposals(member: Member, messages: readonly Uint8Array[]): readonly Uint8Array[] {
  return messages.map((message) => {
    const known = member.references.get(toHex(message))
    if (known !== undefined) return known
    const received = open(member, message)
    if (received.type !== 'proposal') throw new MlsError('misuse', `a ${received.type} where a proposal is needed`)
    keep(member, received)
    remember(member, message, received.reference)
    return received.reference
  })
}

function describedBy({ byValue }: RequestOf<'Commit'>, { suite, context: { groupId }, tree }: Group) {
  const nodes = nodesOf(tree)
  return byValue.map((description) => describedProposal(description, { suite, groupId, nodes }))
}

/** Makes a commit that waits for `acceptCommit`; an older one that still waits is dropped. */
export function makeCommit(member: Member, request: RequestOf<'Commit'>): ResponseOf<'Commit'> {
  const references = readProposals(member, request.byReference)
  const { wireFormat, psks } = member
  const { forcePath, externalTree } = request
  const made = commit(member.group, {
    authentication, references, wireFormat, forcePath, ratchetTree: !externalTree, psks: lookupIn(psks),
    proposals: describedBy(request, member.group),
  })
  dropPending(member)
  keep(member, made)
  member.pending = made.pending
  return {
    commit: encode(MLSMessage, made.message),
    welcome: made.welcome === undefined ? new Uint8Array(0) : encode(MLSMessage, made.welcome),
    ratchetTree: writeTree(made.pending, request),
  }
}

export function acceptCommit(member: Member): void {
  if (member.pending === undefined) throw new MlsError('misuse', 'no commit of this state waits')
  keep(member, merge(member.group, member.pending))
}

/** Follows somebody else's commit; an own one that still waits has lost. */
export function followCommit(member: Member, { proposal, commit: message }: RequestOf<'HandleCommit'>): void {
  readProposals(member, proposal)
  const received = open(member, message)
  if (received.type !== 'commit') throw new MlsError('misuse', `a ${received.type} where a commit is needed`)
  dropPending(member)
  keep(member, received)
}

export const joined = (stateId: number, { group }: Pick<Member, 'group'>): ResponseOf<'HandleCommit'> =>
  ({ stateId, epochAuthenticator: epochAuthenticator(group) })
