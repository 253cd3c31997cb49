import { cpus, totalmem } from 'node:os'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { nativeSuites, systemRandom } from '../../main/crypto/native.ts'
import { equal } from '../../main/mls/codec.ts'
import { appTables } from './app.ts'
import { backupTables } from './backup.ts'
import type { Candidate, Contender, Seat } from './contender.ts'
import { coppice, seatOf } from './coppice.ts'
import { crowd, type Shape } from './crowd.ts'
import { shellTable } from './shell.ts'
import { Table } from './table.ts'
import { tsMls } from './ts-mls.ts'

// `npm run bench [-- --quick] [-- --app] [-- --backup] [-- --shell]`: this engine and ts-mls in the same run, in groups of several sizes, from
// encoded bytes to encoded bytes; then, or with --app alone, the whole app on its store. The tables go to the standard
// output, the progress to the standard error.

const { values: { quick, app, backup, shell } } = parseArgs({ options: {
  shell: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false }, app: { type: 'boolean', default: false },
  backup: { type: 'boolean', default: false },
} })
// The program as a program, by itself: it needs a build.
if (shell) {
  console.log(await shellTable())
  process.exit()
}
const sizes = quick ? [10, 100] : [10, 100, 1000]
const bulks = quick ? [1, 100] : [1, 100, 1000]
const budgetMs = quick ? 150 : 1500
const fewestRuns = quick ? 3 : 5
const mostRuns = 300
const text = new Uint8Array(1024).fill(1)

const suite = nativeSuites(systemRandom)(1)
if (suite === undefined) throw new Error('suite 1 is not there')
const ours = coppice(suite)
const theirs = await tsMls('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')

type Two<T> = readonly [ours: T, theirs: T]
const two = async <T>(make: (contender: Contender) => Promise<T>): Promise<Two<T>> =>
  [await make(ours), await make(theirs)]

const times = new Table('median, ms', 'Coppice', 'ts-mls', 'ratio', 'CPU: Coppice', 'ts-mls', 'ratio', 'runs')
const weights = new Table('bytes', 'Coppice', 'ts-mls')

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const inMs = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)

/** Both medians and how many times the second one is the first. */
const compared = ([a, b]: Two<readonly number[]>): readonly string[] =>
  [inMs(median(a)), inMs(median(b)), (median(b) / median(a)).toFixed(1)]

type Times = { readonly clock: number[], readonly processors: number[] }

/** One run that does not count, then as many as there is time for. */
async function timed<T>(lane: () => Promise<T>): Promise<Times & { readonly result: T }> {
  const times: Times = { clock: [], processors: [] }
  const result = await lane()
  const end = performance.now() + budgetMs
  for (let run = 0; run < mostRuns && (run < fewestRuns || performance.now() < end); run++) {
    const [start, before] = [performance.now(), process.cpuUsage()]
    await lane()
    const { user, system } = process.cpuUsage(before)
    times.clock.push(performance.now() - start)
    times.processors.push((user + system) / 1000)
  }
  return { ...times, result }
}

/**
 * Runs one after the other, so that neither pays for the other one's garbage. Beside the time on the clock, the time on
 * all processors: ts-mls computes in several threads, and of the clock's time others may have a share.
 */
async function race<T>(what: string, [ours, theirs]: Two<() => Promise<T>>): Promise<Two<T>> {
  const [a, b] = [await timed(ours), await timed(theirs)]
  const onClock = compared([a.clock, b.clock])
  const runs = `${a.clock.length}, ${b.clock.length}`
  times.add(what, ...onClock, ...compared([a.processors, b.processors]), runs)
  process.stderr.write(`${what}: ${onClock.slice(0, 2).join(' / ')} ms\n`)
  return [a.result, b.result]
}

const keyPackages = async (count: number): Promise<readonly Uint8Array[]> =>
  Promise.all(Array.from({ length: count }, async (_, at) => (await ours.candidate(`guest ${at}`)).keyPackage))

const weigh = (what: string, [a, b]: Two<Uint8Array | undefined>): void => {
  weights.add(what, String(a?.length), String(b?.length))
}

async function newGroups(): Promise<void> {
  const founders = await two((contender) => contender.candidate('founder'))
  const seats = await race('create', [() => founders[0].create(), () => founders[1].create()])
  for (const count of bulks) {
    const guests = await keyPackages(count)
    const what = `add ${count} to a new group`
    const made = await race(what, [() => seats[0].add(guests), () => seats[1].add(guests)])
    weigh(`${what}: commit`, [made[0].message, made[1].message])
    weigh(`${what}: Welcome`, [made[0].welcome, made[1].welcome])
  }
}

/** A member of each implementation in one group of `size`, and another one whose messages both of them get. */
async function gather(size: number, shape: Shape): Promise<{ readonly founder: Seat, readonly seats: Two<Seat> }> {
  if (suite === undefined) throw new Error('suite 1 is not there')
  let founder = seatOf(crowd(suite, size - 2, shape))
  const seats: Seat[] = []
  for (const contender of [ours, theirs]) {
    const candidate = await contender.candidate(contender.name)
    const { seat, message, welcome } = await founder.add([candidate.keyPackage])
    if (welcome === undefined) throw new Error('no Welcome')
    founder = seat
    for (const [at, each] of seats.entries()) seats[at] = await each.process(message)
    seats.push(await candidate.join(welcome))
    if (shape === 'new') continue
    // Each merges its own leaf, so that no parent lists an unmerged one: ts-mls refuses to join by most such trees.
    const update = await (seats.at(-1) ?? founder).update()
    founder = await founder.process(update.message)
    for (const [at, each] of seats.entries()) {
      seats[at] = at === seats.length - 1 ? update.seat : await each.process(update.message)
    }
  }
  const [a, b] = seats as unknown as Two<Seat>
  if (![a, b].every(({ authenticator }) => equal(authenticator, founder.authenticator))) throw new Error('no agreement')
  return { founder, seats: [a, b] }
}

/** Writing and reading, each on from where the last run ended. */
async function talk(size: number, founder: Seat, seats: Two<Seat>): Promise<void> {
  const writers: [Seat, Seat] = [...seats]
  const write = (at: 0 | 1) => async () => { writers[at] = (await writers[at].encrypt(text)).seat }
  await race(`encrypt 1 KiB at ${size}`, [write(0), write(1)])
  const messages: Uint8Array[] = []
  let speaker = founder
  for (let at = 0; at <= mostRuns; at++) {
    const { seat, message } = await speaker.encrypt(text)
    speaker = seat
    messages.push(message)
  }
  const readers: [Seat, Seat] = [...seats]
  const read = (at: 0 | 1) => {
    const next = messages.values()
    return async () => { readers[at] = (await readers[at].decrypt(next.next().value ?? new Uint8Array(0))).seat }
  }
  await race(`decrypt 1 KiB at ${size}`, [read(0), read(1)])
}

async function grownGroup(size: number): Promise<void> {
  const { founder, seats } = await gather(size, 'used')
  const [guest] = await keyPackages(1)
  if (guest === undefined) throw new Error('no guest')
  const added = await race(`add 1 at ${size}`, [() => seats[0].add([guest]), () => seats[1].add([guest])])
  weigh(`add 1 at ${size}: Welcome`, [added[0].welcome, added[1].welcome])
  const newcomers = await two(async (contender) => {
    const candidate: Candidate = await contender.candidate('newcomer')
    const { welcome = new Uint8Array(0) } = await founder.add([candidate.keyPackage])
    return () => candidate.join(welcome)
  })
  await race(`join at ${size}`, newcomers)
  const updates = await race(`update at ${size}`, [() => seats[0].update(), () => seats[1].update()])
  weigh(`update at ${size}: commit`, [updates[0].message, updates[1].message])
  const { message } = await founder.update()
  await race(`process an update at ${size}`, [() => seats[0].process(message), () => seats[1].process(message)])
  const { message: add } = await founder.add([guest])
  await race(`process an add at ${size}`, [() => seats[0].process(add), () => seats[1].process(add)])
  await talk(size, founder, seats)
}

/** Right after one commit added everybody: all parents are blank, and a path goes to each leaf by itself. */
async function blankGroup(size: number): Promise<void> {
  const { founder, seats } = await gather(size, 'new')
  const updates = await race(`first update at ${size}`, [() => seats[0].update(), () => seats[1].update()])
  weigh(`first update at ${size}: commit`, [updates[0].message, updates[1].message])
  const { message } = await founder.update()
  await race(`process a first update at ${size}`, [() => seats[0].process(message), () => seats[1].process(message)])
}

if (!app && !backup) {
  await newGroups()
  for (const size of sizes) await grownGroup(size)
  for (const size of sizes) await blankGroup(size)
}
const ofApp = backup ? await backupTables(quick) : await appTables(suite, quick)
const [cpu] = cpus()
console.log(`${cpu?.model ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; `
  + `${process.platform} ${process.arch}, Node ${process.versions.node}; ${suite.name}\n`)
if (!app && !backup) console.log(`${times.toString()}\n\n${weights.toString()}\n`)
console.log(ofApp)
