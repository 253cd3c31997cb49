import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { SuiteOf } from '../../main/mls/index.ts'
import { features } from '../conformance/features.ts'
import { outcomesOf, runnerOf, shows, suiteIds, type Outcome } from '../conformance/outcomes.ts'
import { pageOf, storyFiles, type VectorRow } from '../conformance/page.ts'
import { families } from '../vectors/families.ts'
import { familyOf, implementations, runFile, vectorsFolder } from '../vectors/run.ts'

// `npm run conformance`: runs the tests that show what the engine has of RFC 9420, and writes docs/conformance.md. It
// takes some minutes. Exit code 1: something failed, and nothing was written; 2: the official vectors are not here.

async function main(): Promise<number> {
  const folder = vectorsFolder()
  if (folder === undefined) {
    console.error('The official vectors are not here: set MLS_VECTORS to the folder of the *.json files')
    return 2
  }
  const files = new Set([
    ...features.flatMap(({ tests }) => tests.map(runnerOf)), ...Object.values(storyFiles).flat(),
  ])
  console.log(`Running ${files.size} files of tests`)
  const outcomes = await outcomesOf([...files])
  const failures = [
    ...outcomes.filter(({ passed }) => !passed).map(({ file, titles }) => `${file}: ${titles.join(' > ')}`),
    ...missing(outcomes),
  ]
  if (failures.length > 0) return tell(failures)
  console.log('Running the official vectors')
  const vectors = families.map(({ prefix }) => vectorRow(folder, prefix))
  const failed = vectors.flatMap((row) => row.failures)
  if (failed.length > 0) return tell(failed)
  writeFileSync(path.join(import.meta.dirname, '../../docs/conformance.md'), pageOf({ outcomes, vectors }))
  console.log('Wrote docs/conformance.md')
  return 0
}

function tell(failures: readonly string[]): number {
  for (const failure of failures) console.error(failure)
  return 1
}

/** Tests of the table that were not among those that ran. */
const missing = (outcomes: readonly Outcome[]): readonly string[] => features.flatMap(({ tests }) => tests)
  .filter((named) => !outcomes.some((outcome) => shows(outcome, named)))
  .map(({ file, title }) => `${file} has no test ‘${title}’`)

function vectorRow(folder: string, family: string): VectorRow & { readonly failures: readonly string[] } {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json') && familyOf(file)?.prefix === family)
  const failures: string[] = []
  const passed = Object.fromEntries(implementations.map(({ name, suiteOf }) => {
    // Cases of other suites are skipped; those without a suite run each time, and are counted once.
    const count = (only: SuiteOf): number => files.reduce((total, file) => {
      const outcome = runFile(path.join(folder, file), { name, suiteOf: only })
      failures.push(...outcome.failures.map((failure) => `${file} on the ${name} implementation: ${failure}`))
      return total + outcome.passed
    }, 0)
    const without = count(() => undefined)
    return [name, [without, ...suiteIds.map((id) => count((each) => each === id ? suiteOf(id) : undefined) - without)]]
  }))
  return { family, passed, failures }
}

process.exitCode = await main()
