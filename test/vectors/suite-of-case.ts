import { fromHex } from '../../main/mls/codec.ts'
import { Secret } from '../../main/mls/secret.ts'
import type { Suite, SuiteOf } from '../../main/mls/suite.ts'

/** The suite that a test case names; the runner has skipped the cases of suites that are not there. */
export function suiteOfCase(testCase: { readonly cipher_suite: number }, suiteOf: SuiteOf): Suite {
  const suite = suiteOf(testCase.cipher_suite)
  if (suite === undefined) throw new Error(`suite ${testCase.cipher_suite} is not there`)
  return suite
}

/**
 * A private key of a test case. The format wants the scalars of ECDSA and ECDH as long as the order, yet some files
 * leave out the zeros before those of P-521; the engine takes 66 bytes only.
 */
export function privateKeyOf(suite: Suite, hex: string): Secret {
  return new Secret(fromHex(suite.id === 5 ? hex.padStart(2 * 66, '0') : hex))
}
