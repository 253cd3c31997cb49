import { MlsError } from '../error.ts'
import type { MLSMessage } from '../wire/framing.ts'
import type { Authentication } from './authentication.ts'
import type { Group, PskLookup, Received } from './state.ts'

/**
 * Reads a PublicMessage or PrivateMessage of this group (RFC 9420 §6, §12.4.2). Refusals leave `group` as it was:
 *
 * - `refused` with the rule, `malformed`: it is invalid for every member;
 * - `undecided`: of a later epoch, or it needs a proposal or PSK that is not here yet: try again later;
 * - `gone`: of an epoch or a generation whose keys were deleted, for example because it was read before;
 * - `misuse`: an own commit (compare bytes first and `merge`), or another group's message.
 */
export function receive(group: Group, message: MLSMessage, options: {
  readonly authentication: Authentication
  readonly psks?: PskLookup
}): Received {
  void group; void message; void options
  throw new MlsError('unsupported', 'not written yet')
}
