import { MlsError } from '../error.ts'
import type { SuiteOf } from '../suite.ts'
import type { Group } from './state.ts'

/**
 * A group as parts that a store keeps under separate keys, so that a message writes its ratchet and a commit the
 * nodes that it touched. Every part begins with its format's version.
 */
export type GroupParts = {
  /** The state of the epoch; `undefined`: unchanged. */
  readonly head: Uint8Array | undefined
  /** By node index (RFC 9420 Appendix C); `undefined`: delete. */
  readonly nodes: readonly (readonly [number, Uint8Array | undefined])[]
  /** Ratchets, past epochs and pending proposals, by `<epoch>/<part>`; `undefined`: delete. */
  readonly ratchets: readonly (readonly [string, Uint8Array | undefined])[]
}

/** What to write so that the store, which holds `before`, holds `group`; everything when `before` is `undefined`. */
export function changedParts(group: Group, before: Group | undefined): GroupParts {
  void group; void before
  throw new MlsError('unsupported', 'not written yet')
}

/** The group of its stored parts. Throws `malformed` for damaged ones, `unsupported` for a suite or version unknown. */
export function groupFromParts(suiteOf: SuiteOf, parts: {
  readonly head: Uint8Array
  readonly nodes: ReadonlyMap<number, Uint8Array>
  readonly ratchets: ReadonlyMap<string, Uint8Array>
}): Group {
  void suiteOf; void parts
  throw new MlsError('unsupported', 'not written yet')
}

/** A pending commit's next epoch as one value beside the stored current one: its difference from `group`. */
export function encodePending(group: Group, pending: Group): Uint8Array {
  void group; void pending
  throw new MlsError('unsupported', 'not written yet')
}

/** The next epoch again, from the stored current one, as it was loaded, and the bytes of `encodePending`. */
export function decodePending(suiteOf: SuiteOf, group: Group, bytes: Uint8Array): Group {
  void suiteOf; void group; void bytes
  throw new MlsError('unsupported', 'not written yet')
}
