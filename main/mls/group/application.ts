import { MlsError } from '../error.ts'
import type { Secret } from '../secret.ts'
import type { MLSMessage } from '../wire/framing.ts'
import type { Group } from './state.ts'

/**
 * Encrypts application data for the members of this epoch (RFC 9420 §15). Store `group` before you send `message`:
 * a key must never be used twice. `padding`: how many zero octets to append inside the encryption (§15.1).
 * Throws `misuse` while a valid proposal waits: §12.4 wants a commit first.
 */
export function protect(group: Group, data: Uint8Array, options: {
  readonly authenticatedData?: Uint8Array
  readonly padding?: number
} = {}): {
  readonly group: Group
  readonly message: MLSMessage
  readonly generation: number
  readonly wipe: readonly Secret[]
} {
  void group; void data; void options
  throw new MlsError('unsupported', 'not written yet')
}
