import { equal, toHex } from '../codec.ts'
import { impossible, MlsError } from '../error.ts'
import { proposalRef } from '../labelled.ts'
import { check } from '../rules.ts'
import type { MLSMessage } from '../wire/framing.ts'
import type { Proposal } from '../wire/proposal.ts'
import { demandActive, openPrivate, openPublic, type Opened } from './framing.ts'
import { processCommit, type ProcessOptions } from './process.ts'
import { pendingProposal, withProposal } from './propose.ts'
import { refusalOf } from './proposals.ts'
import type { Group, Received } from './state.ts'

/**
 * Reads a PublicMessage or PrivateMessage of this group (RFC 9420 §6, §12.4.2). Where the application does not want a
 * proposal (§12.1.8: one from outside needs its consent) it goes on with the group as it was. Refusals leave `group` as it was:
 *
 * - `refused` with the rule, `malformed`: it is invalid for every member;
 * - `undecided`: of a later epoch, or it needs a proposal or PSK that is not here yet: try again later;
 * - `gone`: of an epoch or a generation whose keys were deleted, for example because it was read before;
 * - `misuse`: an own commit (compare bytes first and `merge`), or no message of a group at all.
 */
export function receive(group: Group, message: MLSMessage, options: ProcessOptions): Received {
  switch (message.body.type) {
    case 'publicMessage': {
      const { publicMessage } = message.body
      checkEpoch(group, publicMessage.content, false)
      return dispatch(group, openPublic(group, publicMessage), options)
    }
    case 'privateMessage': {
      const { privateMessage } = message.body
      checkEpoch(group, privateMessage, privateMessage.contentType === 'application')
      return dispatch(group, openPrivate(group, privateMessage), options)
    }
    case 'welcome':
    case 'groupInfo':
    case 'keyPackage':
      throw new MlsError('misuse', `a ${message.body.type} is not a message to a group`)
  }
}

/** RFC 9420 §12.1, §12.4.2: handshake messages are of the current epoch; §15.3: application data may be late. */
function checkEpoch(
  { context, status }: Group, message: { readonly groupId: Uint8Array, readonly epoch: bigint }, mayBeLate: boolean,
): void {
  check('6.group', equal(message.groupId, context.groupId))
  // RFC 9420 §12.4.2: after a ReInit nobody may "use the group to send messages anymore".
  check('12.4.2.reinitialized', status.type !== 'reinitialized' || message.epoch < context.epoch)
  if (message.epoch > context.epoch) {
    throw new MlsError('undecided', `a message of epoch ${message.epoch}: this member is at ${context.epoch}`)
  }
  check('6.epoch', mayBeLate || message.epoch === context.epoch)
}

function dispatch(before: Group, opened: Opened, options: ProcessOptions): Received {
  const { authenticated: { content: framed } } = opened
  const { content, sender } = framed
  switch (content.type) {
    case 'application': {
      const { group, generation, leafNode, wipe } = opened
      // Only PrivateMessages carry application data, and only members send them: framing has checked both.
      if (sender.type !== 'member' || leafNode === undefined) return impossible('application data from no member')
      const { epoch, authenticatedData } = framed
      const data = content.applicationData
      return {
        type: 'application', group, sender: sender.leafIndex, senderLeaf: leafNode, epoch, generation, data,
        authenticatedData, wipe,
      }
    }
    case 'proposal':
      demandActive(before)
      return receiveProposal(opened, content.proposal, options)
    case 'commit': {
      demandActive(before)
      if (sender.type === 'member' && sender.leafIndex === before.ownLeaf) {
        throw new MlsError('misuse', 'an own commit is not processed: merge the pending one that made it')
      }
      const { group, applied, wipe } = processCommit(opened.group, opened.authenticated, options)
      return { type: 'commit', group, applied, wipe: [...opened.wipe, ...wipe] }
    }
  }
}

/**
 * RFC 9420 §12.1: an authentic proposal is kept for a commit to refer to. An invalid one too, marked: a commit that
 * refers to it must be refused by everybody, and not wait for ever.
 */
function receiveProposal(
  opened: Opened, proposal: Proposal, { authentication, customProposals }: ProcessOptions,
): Received {
  const { group, authenticated, wipe } = opened
  const { sender, authenticatedData } = authenticated.content
  const reference = proposalRef(group.suite, authenticated)
  const known = group.proposals.get(toHex(reference))
  const pending = known ?? pendingProposal(group, authenticated, {
    proposal, ownKeys: undefined, refused: refusalOf(group, {
      proposal, sender, wireFormat: authenticated.wireFormat, authentication, customProposals,
    }),
  })
  const next = known === undefined ? withProposal(group, pending) : group
  const { refused } = pending
  return { type: 'proposal', group: next, reference, proposal, sender, authenticatedData, refused, wipe }
}
