import { readdirSync } from 'node:fs'
import path from 'node:path'
import { familyOf, implementations, outcomeText, runFile, vectorsFolder, type Outcome } from '../vectors/run.ts'

// `npm run vectors -- DIR`: the official MLS test vectors of a folder, on both implementations of the cipher suites.
// The last lines are the totals, the portable implementation's at the very end. Exit code 1: a case failed; 2: there
// was nothing to run.

function main(folder: string | undefined): number {
  if (folder === undefined) {
    console.error('Usage: npm run vectors -- DIR   (the folder with the *.json files of the official MLS vectors)')
    return 2
  }
  const files = filesOf(folder)
  if (files.length === 0) {
    console.error(`There are no *.json files in ${folder}`)
    return 2
  }
  const width = Math.max(...files.map((file) => file.length))
  const totals = implementations.map((implementation) => {
    const outcomes = files.map((file) => {
      const outcome = outcomeOf(path.join(folder, file), implementation)
      const note = familyOf(file) === undefined ? '  (no family of this name)' : ''
      console.log(`${implementation.name.padEnd(8)}  ${file.padEnd(width)}  ${outcomeText(outcome)}${note}`)
      for (const failure of outcome.failures) console.log(`          ${failure.replaceAll('\n', '\n          ')}`)
      return outcome
    })
    return { name: implementation.name, total: sum(outcomes) }
  })
  for (const { name, total } of totals) {
    console.log(`\nTotal, ${name}:`)
    console.log(outcomeText(total))
  }
  return totals.some(({ total }) => total.failures.length > 0) ? 1 : 0
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.json')).sort()
  } catch {
    return []
  }
}

/** A file that cannot be read or is no JSON is a failure like any other. */
function outcomeOf(file: string, implementation: (typeof implementations)[number]): Outcome {
  try {
    return runFile(file, implementation)
  } catch (error) {
    return { passed: 0, failures: [error instanceof Error ? error.message : String(error)], skipped: 0 }
  }
}

const sum = (outcomes: readonly Outcome[]): Outcome => ({
  passed: outcomes.reduce((total, { passed }) => total + passed, 0),
  failures: outcomes.flatMap(({ failures }) => failures),
  skipped: outcomes.reduce((total, { skipped }) => total + skipped, 0),
})

process.exitCode = main(process.argv[2] ?? vectorsFolder())
