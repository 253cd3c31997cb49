import { concat, encode, refHash, type Suite } from '../mls/index.ts'
import { LinkingCode } from '../identity/linking-code.ts'
import type { LinkRole } from '../../preload/api.ts'

/**
 * What makes a channel's transcript its own. Each side says the hash of its nonce, and shows the nonce only when it has
 * the other's hash. Somebody between two channels would have to find nonces that make both show the same digits: each is
 * fixed before the one that it would have to fit is seen.
 */

export const nonceLength = 16

/** The code and both first records: all that the keys of both directions follow from. */
export const keysHash = (suite: Suite, code: LinkingCode, records: readonly Uint8Array[]): Uint8Array =>
  refHash(suite, 'Coppice linking keys 1', concat(encode(LinkingCode, code), ...records))

export const commitment = (suite: Suite, keys: Uint8Array, role: LinkRole, nonce: Uint8Array): Uint8Array =>
  refHash(suite, `Coppice linking commitment 1 ${role}`, concat(keys, nonce))

export const transcriptOf = (
  suite: Suite, keys: Uint8Array, nonces: { readonly elder: Uint8Array, readonly new: Uint8Array },
): Uint8Array => refHash(suite, 'Coppice linking transcript 1', concat(keys, nonces.elder, nonces.new))
