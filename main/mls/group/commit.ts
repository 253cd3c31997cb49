import { MlsError } from '../error.ts'
import type { Authentication } from './authentication.ts'
import type { Committed, FramingOptions, Group, LeafChange, OwnProposal, PskLookup } from './state.ts'

export type CommitOptions = FramingOptions & LeafChange & {
  /** By value, in this order, behind those by reference. */
  readonly proposals?: readonly OwnProposal[]
  /** Which pending proposals to cover: all that are valid together (the default), or exactly these. */
  readonly references?: 'all' | readonly Uint8Array[]
  /** A path even where RFC 9420 §12.4 lets it be omitted (Adds and PSKs only). */
  readonly forcePath?: boolean
  readonly psks?: PskLookup
  readonly authentication: Authentication
}

/**
 * Makes the commit that ends this epoch, and the Welcome for those whom it adds (RFC 9420 §12.4.1). Changes nothing:
 * see `Committed` for what to do when it is accepted and when another one wins.
 */
export function commit(group: Group, options: CommitOptions): Committed {
  void group; void options
  throw new MlsError('unsupported', 'not written yet')
}
