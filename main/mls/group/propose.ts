import { MlsError } from '../error.ts'
import type { Secret } from '../secret.ts'
import type { MLSMessage } from '../wire/framing.ts'
import type { FramingOptions, Group, LeafChange, OwnProposal } from './state.ts'

export type Proposed = {
  readonly group: Group
  readonly message: MLSMessage
  /** The ProposalRef by which a commit names it (RFC 9420 §5.2). */
  readonly reference: Uint8Array
  readonly wipe: readonly Secret[]
}

/** Proposes a change to the group (RFC 9420 §12.1); any member may commit it, for some kinds only another one. */
export function propose(group: Group, proposal: OwnProposal, options: FramingOptions = {}): Proposed {
  void group; void proposal; void options
  throw new MlsError('unsupported', 'not written yet')
}

/** Proposes a fresh leaf of one's own, for another member to commit (RFC 9420 §12.1.2). */
export function proposeUpdate(group: Group, options: FramingOptions & LeafChange = {}): Proposed {
  void group; void options
  throw new MlsError('unsupported', 'not written yet')
}
