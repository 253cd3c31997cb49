import { MlsError } from '../error.ts'
import type { Secret } from '../secret.ts'
import type { MLSMessage } from '../wire/framing.ts'
import { send, sign } from './framing.ts'
import type { Group } from './state.ts'

/**
 * Encrypts application data for the members of this epoch (RFC 9420 §15). Store `group` before you send `message`:
 * a key must never be used twice. `padding`: how many zero octets to append inside the encryption (§15.1).
 * Throws `misuse` while a valid proposal waits (§12.4 wants a commit first), and where the group is over for this
 * member.
 */
export function protect(group: Group, data: Uint8Array, { authenticatedData, padding = 0 }: {
  readonly authenticatedData?: Uint8Array
  readonly padding?: number
} = {}): {
  readonly group: Group
  readonly message: MLSMessage
  readonly generation: number
  readonly wipe: readonly Secret[]
} {
  // RFC 9420 §12.4: "A group member that has observed one or more valid proposals within an epoch MUST send a Commit
  // message before sending application data."
  if (hasValidProposal(group)) throw new MlsError('misuse', 'a proposal waits: commit it before you send data')
  const signed = sign(group, { type: 'application', applicationData: data }, {
    wireFormat: 'privateMessage', ...(authenticatedData === undefined ? {} : { authenticatedData }),
  })
  const { group: next, message, generation, wipe } = send(group, signed, { padding })
  return { group: next, message, generation, wipe }
}

/** Whether a commit must come before the next application data (RFC 9420 §12.4). */
export const hasValidProposal = (group: Group): boolean =>
  Array.from(group.proposals.values()).some(({ refused }) => refused === undefined)
