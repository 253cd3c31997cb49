import path from 'node:path'
import { run } from 'node:test'
import { rules, type Rule } from '../../main/mls/index.ts'
import { refusals } from '../rules/refusals.ts'

// `npm run rules`: every rule of the engine, and the test that sees it refuse, as the tests themselves tell it while
// they run here. Exit code 1: a rule without a test, or a test that failed.

async function main(): Promise<number> {
  const failures = await runTests(path.join(import.meta.dirname, '../rules/rules.test.ts'))
  const rows = Object.entries<Rule>(rules).map(([id, { section, sentence }]) => {
    const tests = [...new Set(refusals.filter(({ rule }) => rule === id).map((refusal) => refusal.test))]
    return { id, section, sentence, test: tests[0] ?? 'NO TEST', more: Math.max(0, tests.length - 1) }
  })
  rows.sort((a, b) => bySection(a.section, b.section) || bySection(a.id, b.id))
  const widest = (field: 'id' | 'section' | 'sentence'): number => Math.max(...rows.map((row) => row[field].length))
  for (const { id, section, sentence, test, more } of rows) {
    const columns = [id.padEnd(widest('id')), section.padEnd(widest('section')), sentence.padEnd(widest('sentence'))]
    console.log([...columns, more === 0 ? test : `${test} (+${more})`].join('  '))
  }
  const missing = rows.filter(({ test }) => test === 'NO TEST').length
  console.log(`\n${rows.length} rules, ${missing} without a test, ${failures.length} failed tests`)
  for (const failure of failures) console.error(failure)
  return missing > 0 || failures.length > 0 ? 1 : 0
}

/** Runs a file of tests in this process, so that what they note of refusals is here; the names of those that fail. */
async function runTests(file: string): Promise<readonly string[]> {
  const failures: string[] = []
  const stream = run({ files: [file], isolation: 'none' })
  stream.on('test:fail', ({ name, details }) => { failures.push(`${name}: ${details.error.message}`) })
  for await (const _ of stream); // To the end.
  return failures
}

/** The order of the RFC, 7.9.2 before 7.10, and drafts behind it. */
const bySection = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true })

process.exitCode = await main()
