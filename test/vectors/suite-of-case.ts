import type { Suite, SuiteOf } from '../../main/mls/suite.ts'

/** The suite that a test case names; the runner has skipped the cases of suites that are not there. */
export function suiteOfCase(testCase: { readonly cipher_suite: number }, suiteOf: SuiteOf): Suite {
  const suite = suiteOf(testCase.cipher_suite)
  if (suite === undefined) throw new Error(`suite ${testCase.cipher_suite} is not there`)
  return suite
}
