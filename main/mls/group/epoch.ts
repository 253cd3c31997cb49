import { MlsError } from '../error.ts'
import type { Secret } from '../secret.ts'
import type { Group } from './state.ts'

/**
 * The next epoch, once one's own commit was accepted. What was read in the current one meanwhile is carried over, so
 * that a used key stays used (RFC 9420 §9.2). `wipe`: what neither needs any more.
 */
export function merge(group: Group, pending: Group): { readonly group: Group, readonly wipe: readonly Secret[] } {
  void group; void pending
  throw new MlsError('unsupported', 'not written yet')
}

/** The secrets that `dropped` holds and `kept` does not: for a pending commit that lost, or a group that is left. */
export function droppedSecrets(dropped: Group, kept: Group | undefined): readonly Secret[] {
  void dropped; void kept
  throw new MlsError('unsupported', 'not written yet')
}

/** `MLS-Exporter` of the current epoch (RFC 9420 §8.5): `length` bytes. */
export function exportSecret(group: Group, label: string, context: Uint8Array, length: number): Secret {
  void group; void label; void context; void length
  throw new MlsError('unsupported', 'not written yet')
}

/** RFC 9420 §8.7: equal for all members who agree on this epoch; `KDF.Nh` bytes, not secret among them. */
export function epochAuthenticator(group: Group): Uint8Array {
  return group.secrets.epochAuthenticator.unwrap().slice()
}

/** Forgets past epochs beyond the newest `keep`, and those below `olderThan` (RFC 9420 §15.3). */
export function forgetPast(group: Group, options: { readonly keep: number, readonly olderThan?: bigint }): {
  readonly group: Group
  readonly wipe: readonly Secret[]
} {
  void group; void options
  throw new MlsError('unsupported', 'not written yet')
}
