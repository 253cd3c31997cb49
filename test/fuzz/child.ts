import { fromHex, toHex } from '../../main/mls/codec.ts'
import { MlsError } from '../../main/mls/error.ts'
import { allocated, countAllocations } from './allocation.ts'
import { boardAt } from './board.ts'
import { Dice } from './dice.ts'
import { changeFields } from './fields.ts'
import { mutate } from './mutate.ts'
import type { Found, Job, Tally, Told } from './run.ts'
import { sabotage } from './sabotage.ts'
import { Finding, type Target } from './target.ts'

// The process in which samples are fed, so that its parent can end it: a sample may hang.

/** Arrays that one sample may take: more than the largest honest one, and less than a length header may claim. */
const allowance = 32 * 2 ** 20
/** After how many samples of a target the honest ones are tried again. */
const honestEvery = 100

const { seed, seconds, cases, suites, only, input: given, broken, board } = JSON.parse(process.argv[2] ?? '') as Job
const begin = boardAt(board)

countAllocations()
const all = broken === undefined ? (await import('./targets.ts')).targetsOf(suites) : [sabotage[broken]]
const targets = all.filter(({ name }) => only === undefined || name === only)
const tallies = targets.map(({ name }): Tally =>
  ({ name, cases: 0, slowestMs: 0, allocated: 0, outcomes: {} }))
const findings: Found[] = []
let progress = 0

/** A sample whose bytes or whose fields are changed. */
function changed({ sample, codec, others = [] }: Target, dice: Dice): Uint8Array {
  const bytes = sample(dice)
  const fields = codec === undefined || dice.once(3) ? undefined : changeFields(codec, bytes, dice)
  return fields ?? mutate(bytes, dice, others)
}

/** Feeds one sample and says how it ended. */
function outcomeOf(target: Target, input: Uint8Array): string {
  const before = allocated()
  try {
    target.feed(input)
    return 'accepted'
  } catch (error) {
    if (error instanceof MlsError) return error.rule === undefined ? error.code : `${error.code} ${error.rule}`
    throw error
  } finally {
    const taken = allocated() - before
    if (taken > allowance) throw new Finding(`arrays of ${taken} bytes`)
  }
}

function find(target: Target, number: number, input: Uint8Array, error: unknown): void {
  const message = error instanceof Finding ? error.message : error instanceof Error ? error.stack ?? '' : String(error)
  const [line = ''] = message.split('\n')
  // Each defect once: many samples show the same.
  if (findings.some((other) => other.target === target.name && other.message.startsWith(line))) return
  findings.push({ target: target.name, number, hex: toHex(input), message })
}

function feed(target: Target, tally: Tally, number: number): void {
  const dice = new Dice(`${seed} ${target.name} ${number}`)
  const input = given === undefined ? changed(target, dice) : fromHex(given)
  begin({ progress: ++progress, target: targets.indexOf(target), number, input })
  const before = allocated()
  const from = process.cpuUsage()
  let outcome = 'a finding'
  try {
    outcome = outcomeOf(target, input)
  } catch (error) {
    find(target, number, input, error)
  }
  const { user, system } = process.cpuUsage(from)
  tally.slowestMs = Math.max(tally.slowestMs, (user + system) / 1000)
  tally.allocated = Math.max(tally.allocated, allocated() - before)
  tally.cases++
  tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1
  try {
    target.verify?.()
    if (number % honestEvery === 0) target.honest?.()
  } catch (error) {
    find(target, number, input, error)
  }
}

const end = seconds === undefined ? Infinity : performance.now() + seconds * 1000
const last = given === undefined ? cases ?? Infinity : 1
const report = (done: boolean): void => {
  const told: Told = { done, tallies, findings }
  process.send?.(told)
}
report(false) // The names of the targets.
let reported = performance.now()
for (let number = 1; number <= last && performance.now() < end; number++) {
  for (const [at, target] of targets.entries()) {
    const tally = tallies[at]
    if (tally !== undefined && performance.now() < end) feed(target, tally, number)
  }
  if (performance.now() - reported > 5000) {
    reported = performance.now()
    report(false)
  }
}
for (const target of targets) {
  try {
    target.honest?.()
  } catch (error) {
    find(target, 0, new Uint8Array(0), error)
  }
}
report(true)
process.disconnect()
