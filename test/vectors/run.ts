import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { nativeSuites, systemRandom } from '../../main/crypto/native.ts'
import { portableSuites } from '../../main/mls/portable.ts'
import type { SuiteOf } from '../../main/mls/suite.ts'
import { families, type Family } from './families.ts'

export type Implementation = { readonly name: 'native' | 'portable', readonly suiteOf: SuiteOf }

/** What every vector runs on; the portable one comes last. */
export const implementations: readonly Implementation[] = [
  { name: 'native', suiteOf: nativeSuites(systemRandom) },
  { name: 'portable', suiteOf: portableSuites(systemRandom) },
]

export type Outcome = {
  readonly passed: number
  /** One sentence for each failed case. */
  readonly failures: readonly string[]
  readonly skipped: number
}

export const outcomeText = ({ passed, failures, skipped }: Outcome): string =>
  `${passed} passed, ${failures.length} failed, ${skipped} skipped`

/** The family whose prefix a file's name has. */
export const familyOf = (file: string): Family | undefined =>
  families.find(({ prefix }) => path.basename(file).startsWith(prefix))

/**
 * Runs the cases of one file. Skipped are the cases of cipher suites that the implementation does not have (a case
 * without a suite runs always), and all cases of a file that belongs to no family.
 */
export function runFile(file: string, { suiteOf }: Implementation): Outcome {
  const family = familyOf(file)
  const cases: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!Array.isArray(cases)) return { passed: 0, failures: ['the file is not a list of cases'], skipped: 0 }
  if (family === undefined) return { passed: 0, failures: [], skipped: cases.length }

  let passed = 0
  let skipped = 0
  const failures: string[] = []
  for (const [index, testCase] of cases.entries()) {
    const suite = cipherSuiteOf(testCase)
    if (suite !== undefined && suiteOf(suite) === undefined) {
      skipped++
      continue
    }
    try {
      family.verify(testCase, suiteOf)
      passed++
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      failures.push(`case ${index}${suite === undefined ? '' : ` (suite ${suite})`}: ${message}`)
    }
  }
  return { passed, failures, skipped }
}

function cipherSuiteOf(testCase: unknown): number | undefined {
  if (typeof testCase !== 'object' || testCase === null || !('cipher_suite' in testCase)) return undefined
  return Number(testCase.cipher_suite)
}

/** The folder of the official vectors: $MLS_VECTORS, or where it lies beside the checkout; undefined: neither. */
export function vectorsFolder(): string | undefined {
  const named = process.env['MLS_VECTORS']
  if (named !== undefined && named !== '') return named
  const beside = path.join(import.meta.dirname, '../../../shared/mls-vectors')
  return existsSync(beside) ? beside : undefined
}
