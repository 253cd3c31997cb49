import { encode, toHex } from '../codec.ts'
import { MlsError } from '../error.ts'
import { PreSharedKeyID, type Proposal } from '../wire/proposal.ts'
import type { Authentication } from './authentication.ts'
import { applyProposals, checkResult, targetOf, type Listed } from './proposal-list.ts'
import type { Group, PskLookup } from './state.ts'

type Choosing = {
  /** What the committer covers by value. */
  readonly own: readonly Listed[]
  readonly authentication: Authentication
  readonly psks: PskLookup
}

/**
 * The list of a commit that covers all that it can (RFC 9420 §12.4: "SHOULD include all proposals that it has received
 * during the current epoch that are valid ... as long as this results in a valid proposal list"), the pending ones
 * first. Throws `refused` when `own` is invalid by itself.
 */
export function choosePending(group: Group, choosing: Choosing): readonly Listed[] {
  const candidates = withoutRivals(group, choosing)
  // draft-ietf-mls-extensions: beside a SelfRemove of the same leaf, "the Remove proposal is invalid".
  const leaving = new Set(candidates.flatMap((each) => each.proposal.type === 'selfRemove' ? targetOf(each) ?? [] : []))
  const own = choosing.own.filter(({ proposal }) => proposal.type !== 'remove' || !leaving.has(proposal.removed))
  const chosen = validTogether(group, candidates, { ...choosing, own })
  return chosen.length === 0 && own.length === 0 ? pendingReInit(group) : [...chosen, ...own]
}

/** Which of the candidates may stand together with the own ones, which the commit judges by themselves. */
function validTogether(group: Group, candidates: readonly Listed[], choosing: Choosing): readonly Listed[] {
  const { own } = choosing
  const chosen: Listed[] = []
  // Some do not go together, which only members who mean it bring about: halves are tried, and not each one by itself.
  const take = (some: readonly Listed[]): void => {
    if (isValidList(group, [...chosen, ...some, ...own], choosing)) {
      chosen.push(...some)
    } else if (some.length > 1) {
      take(some.slice(0, some.length >> 1))
      take(some.slice(some.length >> 1))
    }
  }
  if (candidates.length > 0) take(candidates)
  return chosen
}

/** The pending proposals that this committer may cover, one for each leaf and thing. */
function withoutRivals(group: Group, { own, psks, authentication }: Choosing): readonly Listed[] {
  const taken = new Set(own.map((each) => subjectOf(each, authentication)))
  const chosen = new Map<string, Listed>()
  for (const pending of group.proposals.values()) {
    const { proposal, sender, refused } = pending
    const each: Listed = { proposal, sender, pending }
    const subject = subjectOf(each, authentication)
    // RFC 9420 §12.2: nothing that changes the committer's own leaf, nothing twice.
    if (refused !== undefined || targetOf(each) === group.ownLeaf) continue
    if (taken.has(subject) && proposal.type !== 'selfRemove') continue
    if (proposal.type === 'preSharedKey' && psks(proposal.psk) === undefined) continue
    // RFC 9420 §12.2: "SHOULD prefer any Remove received, or the most recent Update if there are no Removes".
    if (rankOf(proposal) < rankOf(chosen.get(subject)?.proposal)) continue
    // RFC 9420 §12.2: other proposals go before a ReInit, which stands alone.
    if (proposal.type === 'reInit' || proposal.type === 'externalInit') continue
    chosen.delete(subject)
    chosen.set(subject, each)
  }
  return [...chosen.values()]
}

/** Of those that change one leaf, which goes before which. */
const ranks = ['update', 'remove', 'selfRemove']
const rankOf = (proposal: Proposal | undefined): number => ranks.indexOf(proposal?.type ?? '')

/** RFC 9420 §12.2: without other proposals, which "they SHOULD prefer ... over the ReInit", the latest one. */
function pendingReInit(group: Group): readonly Listed[] {
  const valid = Array.from(group.proposals.values()).filter((pending) =>
    pending.proposal.type === 'reInit' && pending.refused === undefined)
  return valid.slice(-1).map((pending) => ({ proposal: pending.proposal, sender: pending.sender, pending }))
}

/** Proposals of one subject exclude each other. */
function subjectOf(each: Listed, authentication: Authentication): string {
  const { proposal } = each
  switch (proposal.type) {
    case 'add': {
      const { credential, signatureKey } = proposal.keyPackage.leafNode
      return `client ${authentication.clientOf(credential) ?? toHex(signatureKey)}`
    }
    case 'update':
    case 'remove':
    case 'selfRemove':
      return `leaf ${targetOf(each)}`
    case 'preSharedKey': return `psk ${toHex(encode(PreSharedKeyID, proposal.psk))}`
    case 'reInit':
    case 'externalInit':
    case 'groupContextExtensions':
      return proposal.type
    // What goes together is for the application to say (RFC 9420 §12.2); each stands for itself.
    case 'custom': return `custom ${toHex(each.pending?.reference ?? proposal.data)}`
  }
}

function isValidList(group: Group, listed: readonly Listed[], { authentication }: Choosing): boolean {
  try {
    const effects = applyProposals(group, listed, { committer: group.ownLeaf, authentication })
    checkResult(group, { effects, after: effects.tree })
    return true
  } catch (error) {
    if (error instanceof MlsError) return false
    throw error
  }
}
