import { MlsError } from '../error.ts'
import { proposalRef } from '../labelled.ts'
import { check } from '../rules.ts'
import type { MLSMessage } from '../wire/framing.ts'
import { signatureKeyOf } from './framing.ts'
import type { Listed } from './proposal-list.ts'
import { checkProposal, type View } from './proposals.ts'
import { unprotectPublic } from './protect.ts'
import { sendProposal, type Proposed } from './propose.ts'
import { trusting } from './authentication.ts'
import type { Group } from './state.ts'

// The SelfRemove proposal of draft-ietf-mls-extensions: a member leaves, and even one who joins at that moment by an
// external commit can bring it about.

/**
 * Proposes that this member leaves (draft-ietf-mls-extensions); any other member may commit it, and whoever joins by an
 * external commit does. Throws `refused` unless all members support it, `misuse` for a second one in an epoch.
 */
export function proposeSelfRemove(group: Group, { authenticatedData }: {
  readonly authenticatedData?: Uint8Array
} = {}): Proposed {
  // "A client MUST NOT issue more than one SelfRemove proposal per epoch."
  if (Array.from(group.proposals.values()).some(({ proposal, sender }) =>
    proposal.type === 'selfRemove' && sender.type === 'member' && sender.leafIndex === group.ownLeaf)) {
    throw new MlsError('misuse', 'this member has said already that it leaves: send that message again')
  }
  return sendProposal(group, { type: 'selfRemove' }, {
    wireFormat: 'publicMessage', ...(authenticatedData === undefined ? {} : { authenticatedData }),
  })
}

/**
 * The SelfRemoves that an external commit refers to. "The new joiner MUST validate the SelfRemove Proposal before
 * including it by reference, except that it skips the validation of the `membership_tag`." Throws `refused`.
 */
export function readSelfRemoves(view: View, messages: readonly MLSMessage[]): readonly Listed[] {
  const { suite, context } = view
  return messages.map(({ body }) => {
    check('self-remove.public-message', body.type === 'publicMessage')
    const { publicMessage: message } = body
    const authenticated = unprotectPublic(suite, {
      message, context, membershipKey: undefined, signatureKeyOf: (content) => signatureKeyOf(view, content),
    })
    const { content: { content, sender }, wireFormat } = authenticated
    check('12.4.3.2.reference', content.type === 'proposal' && content.proposal.type === 'selfRemove')
    const { proposal } = content
    checkProposal(view, { proposal, sender, wireFormat, authentication: trusting })
    const reference = proposalRef(suite, authenticated)
    return { proposal, sender, pending: { reference, proposal, sender, refused: undefined, ownKeys: undefined } }
  })
}
