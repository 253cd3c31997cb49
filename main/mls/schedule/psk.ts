import { encode } from '../codec.ts'
import { expandWithLabel } from '../labelled.ts'
import { Secret } from '../secret.ts'
import type { Suite } from '../suite.ts'
import { PSKLabel, type PreSharedKeyID } from '../wire/proposal.ts'

/** A pre-shared key under the identifier by which a commit or a Welcome names it. */
export type PreSharedKey = { readonly id: PreSharedKeyID, readonly psk: Secret }

/**
 * `psk_secret` (RFC 9420 §8.4) of the PSKs in the order of the commit or of the GroupSecrets; all zero without any.
 */
export function pskSecret(suite: Suite, psks: readonly PreSharedKey[]): Secret {
  const zero = new Uint8Array(suite.hashLength)
  let result: Uint8Array = new Uint8Array(suite.hashLength)
  for (const [index, { id, psk }] of psks.entries()) {
    const extracted = suite.extract(zero, psk.unwrap())
    const label = encode(PSKLabel, { id, index, count: psks.length })
    const input = expandWithLabel(suite, extracted, 'derived psk', label, suite.hashLength)
    const next = suite.extract(input, result)
    for (const consumed of [extracted, input, result]) consumed.fill(0)
    result = next
  }
  return new Secret(result)
}
