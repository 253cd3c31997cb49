import assert from 'node:assert/strict'
import { fromHex, toHex } from '../../../main/mls/codec.ts'
import { pskSecret } from '../../../main/mls/schedule/psk.ts'
import { Secret } from '../../../main/mls/secret.ts'
import type { SuiteOf } from '../../../main/mls/suite.ts'
import { suiteOfCase } from '../suite-of-case.ts'

type PskSecret = {
  readonly cipher_suite: number
  readonly psks: readonly { readonly psk_id: string, readonly psk: string, readonly psk_nonce: string }[]
  readonly psk_secret: string
}

/** The PSK secret of RFC 9420 §8.4, of no PSK up to ten. */
export function pskSecretFamily(testCase: PskSecret, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  const psks = testCase.psks.map(({ psk_id, psk, psk_nonce }) => ({
    id: { psk: { type: 'external', pskId: fromHex(psk_id) }, pskNonce: fromHex(psk_nonce) } as const,
    psk: new Secret(fromHex(psk)),
  }))
  assert.equal(toHex(pskSecret(suite, psks).unwrap()), testCase.psk_secret)
}
