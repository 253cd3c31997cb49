import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { fuzz, type Found, type Tally } from '../fuzz/run.ts'

// `npm run fuzz -- --seconds N [--seed S] [--suites 1,2,3]`: gives changed bytes to every codec and every transition of
// the engine. `--target NAME --input HEX` shows one finding again. Exit code 1: there is a finding.

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    suites: { type: 'string', default: '1,2,3' },
    target: { type: 'string' },
    input: { type: 'string' },
  },
})

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

function main(tallies: readonly Tally[], findings: readonly Found[]): number {
  const groups = tallies.filter(({ name }) => !name.startsWith('format'))
  const formats = tallies.filter(({ name }) => name.startsWith('format'))
  for (const tally of groups) print(tally)
  if (formats.length > 0) print(together(`${formats.length} formats`, formats))
  const slowest = tallies.toSorted((a, b) => b.slowestMs - a.slowestMs)[0]
  const largest = tallies.toSorted((a, b) => b.allocated - a.allocated)[0]
  console.log(`\nSlowest sample: ${slowest?.slowestMs.toFixed(0) ?? 0} ms, ${slowest?.name ?? ''}`)
  console.log(`Most bytes of arrays for one sample: ${largest?.allocated ?? 0}, ${largest?.name ?? ''}`)
  for (const { target, number, hex, message } of findings) {
    console.error(`\nFINDING in ${target}, sample ${number} of seed ${values.seed}:\n${message}`)
    console.error(`npm run fuzz -- --suites ${values.suites} --target '${target}' --input ${hex}`)
  }
  console.log(`\n${sum(tallies.map(({ cases }) => cases))} samples, ${findings.length} findings, seed ${values.seed}`)
  return findings.length > 0 ? 1 : 0
}

function print({ name, cases, slowestMs, outcomes }: Tally): void {
  console.log(`\n${name}: ${cases} samples, the slowest ${slowestMs.toFixed(1)} ms`)
  const sorted = Object.entries(outcomes).sort(([, a], [, b]) => b - a)
  for (const [outcome, times] of sorted) console.log(`  ${String(times).padStart(8)}  ${outcome}`)
}

function together(name: string, tallies: readonly Tally[]): Tally {
  const outcomes: Record<string, number> = {}
  for (const tally of tallies) {
    for (const [outcome, times] of Object.entries(tally.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + times
  }
  return {
    name, outcomes, cases: sum(tallies.map(({ cases }) => cases)), allocated: 0,
    slowestMs: Math.max(...tallies.map(({ slowestMs }) => slowestMs)),
  }
}

console.log(`Seed ${values.seed}`)
const report = await fuzz({
  seed: values.seed,
  suites: values.suites.split(',').map(Number),
  seconds: Number(values.seconds),
  ...values.target === undefined ? {} : { only: values.target },
  ...values.input === undefined ? {} : { input: values.input },
  onProgress: (tallies) => { console.log(`${sum(tallies.map(({ cases }) => cases))} samples`) },
})
process.exitCode = main(report.tallies, report.findings)
