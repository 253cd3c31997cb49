import { fork, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Dice } from '../fuzz/dice.ts'
import { makeCast, type Cast } from './cast.ts'
import { points, sides, type Plan, type Point, type Side } from './points.ts'
import { judge, type Verdict } from './verdict.ts'

/** Kills processes again and again while ten people talk and change their groups; then looks at what they have. */

export type Crashing = {
  /** How many kills. */
  readonly runs: number
  readonly seed: string
  readonly onProgress?: (progress: Progress) => void
}
export type Progress = { readonly kills: number, readonly doing: string }

/** What a process is told. */
export type Job = {
  readonly folder: string
  readonly names: readonly string[]
  readonly plan?: Plan
  /** The longest break between two operations of one person. */
  readonly breakMs: number
  readonly rest: boolean
}
/** What it says. */
export type Told = { readonly type: 'ready' } | { readonly type: 'rest', readonly busy: readonly string[] }

export type Report = Verdict & {
  readonly seed: string
  readonly kills: number
  /** Kills at a moment that no point names: the parent's, from outside. */
  readonly anywhere: number
  readonly killedAt: ReadonlyMap<Point, Readonly<Record<Side, number>>>
  readonly seconds: number
  /** Kept when something was found, to look closer. */
  readonly folder: string | undefined
}

/** How many processes share the ten people. */
const processes = 4
const breakMs = 400
/** A process that does not come to its plan's point in this time is killed from outside. */
const patienceMs = 3_000
/** One life in so many begins late: meanwhile the others' epochs go by. */
const awayOnce = 15
const longestAwayMs = 8_000
/** One kill in so many comes from outside, at any moment. */
const outsideOnce = 10
const restLimitMs = 120_000

/** Where nothing waits for a disk, so that a thousand kills take minutes; what a kill leaves behind is the same. */
const fastFolder = (): string => existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export async function crash({ runs, seed, onProgress }: Crashing): Promise<Report> {
  const from = performance.now()
  const folder = mkdtempSync(path.join(fastFolder(), 'coppice-crash-'))
  const tally = new Tally()
  const findings: string[] = []
  let kills = 0
  const progress = (doing: string): void => { onProgress?.({ kills, doing }) }
  progress('ten people meet')
  const cast = await makeCast(folder, seed)
  await Promise.all(teams(cast).map(async (names, team) => {
    for (let life = 0; kills < runs; life++) {
      kills += 1
      const dice = new Dice(`${seed} ${team} ${life}`)
      const outside = dice.once(outsideOnce)
      if (dice.once(awayOnce)) await new Promise((resolve) => { setTimeout(resolve, dice.below(longestAwayMs)) })
      const job = { folder, names, breakMs, rest: false, ...outside ? {} : { plan: planOf(dice) } }
      const ended = await live(job, outside ? 300 + dice.below(1_500) : patienceMs)
      tally.add(job.plan, ended)
      if (ended.said !== '') findings.push(`${names.join()}, life ${life}: ${ended.said}`)
      if (kills % 10 === 0) progress('killing')
    }
  }))
  progress('coming to rest')
  findings.push(...await comeToRest(teams(cast).map((names) => ({ folder, names, breakMs, rest: true }))))
  progress('judging')
  const verdict = await judge(folder, cast)
  const all = { ...verdict, findings: [...findings, ...verdict.findings] }
  if (all.findings.length === 0) rmSync(folder, { recursive: true })
  return {
    ...all, seed, kills, anywhere: tally.anywhere, killedAt: tally.killedAt,
    seconds: Math.round((performance.now() - from) / 1000), folder: all.findings.length === 0 ? undefined : folder,
  }
}

const teams = ({ people }: Cast): readonly (readonly string[])[] => Array.from({ length: processes }, (_, team) =>
  people.flatMap(({ name }, at) => at % processes === team ? [name] : []))

/** Points that come seldom are not waited for so often. */
const rare: ReadonlySet<Point> = new Set<Point>([
  'write pending commit', 'write epoch', 'append commit', 'append mail', 'append key package', 'append device log',
  'read key packages', 'read device log', 'read slot', 'read mail',
])

/** Accounts are made before the first kill; test/crash/setup.test.ts kills while they are. */
const planned = points.filter((point) => point !== 'append device log' && point !== 'read card')

function planOf(dice: Dice): Plan {
  const point = planned[dice.below(planned.length)] ?? points[0]
  const side = sides[dice.below(sides.length)] ?? sides[0]
  return { point, side, count: 1 + dice.below(rare.has(point) ? 3 : 25) }
}

class Tally {
  anywhere = 0
  readonly killedAt = new Map<Point, Record<Side, number>>(planned.map((point) => [point, { before: 0, after: 0 }]))

  add(plan: Plan | undefined, { fromOutside }: Ended): void {
    const counts = plan === undefined || fromOutside ? undefined : this.killedAt.get(plan.point)
    if (plan === undefined || counts === undefined) this.anywhere += 1
    else counts[plan.side] += 1
  }
}

type Ended = { readonly fromOutside: boolean, readonly said: string }

const child = path.join(import.meta.dirname, 'child.ts')

function begin(job: Job): { readonly child: ChildProcess, readonly said: () => string } {
  const started = fork(child, [JSON.stringify(job)], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    // Each start compiles the same files.
    env: { ...process.env, NODE_COMPILE_CACHE: path.join(job.folder, 'compiled') },
  })
  let said = ''
  started.stderr?.on('data', (text: Buffer) => { said = (said + text.toString()).slice(-20_000) })
  return { child: started, said: () => said }
}

/** One life: until its plan ends it, or `limitMs` after it came to life. */
async function live(job: Job, limitMs: number): Promise<Ended> {
  const { child: living, said } = begin(job)
  let fromOutside = false
  let timer: NodeJS.Timeout | undefined
  const killLater = (ms: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      fromOutside = true
      living.kill('SIGKILL')
    }, ms)
  }
  killLater(60_000)
  living.on('message', (told: Told) => { if (told.type === 'ready') killLater(limitMs) })
  const [code, signal] = await closed(living)
  clearTimeout(timer)
  const text = said()
  return { fromOutside, said: signal === 'SIGKILL' ? text : `ended with ${signal ?? code} ${text}` }
}

const closed = (living: ChildProcess): Promise<readonly [number | null, NodeJS.Signals | null]> =>
  new Promise((resolve) => { living.once('close', (code, signal) => { resolve([code, signal]) }) })

/** All are started once more, undisturbed, until nobody has anything left to do. Gives what stood in the way. */
async function comeToRest(jobs: readonly Job[]): Promise<readonly string[]> {
  const all = jobs.map((job) => ({ ...begin(job), busy: ['did not start'] as readonly string[], quietTimes: 0 }))
  for (const one of all) {
    one.child.on('message', (told: Told) => {
      if (told.type !== 'rest') return
      one.busy = told.busy
      one.quietTimes = told.busy.length === 0 ? one.quietTimes + 1 : 0
    })
  }
  const ends = all.map((one) => closed(one.child))
  const limit = performance.now() + restLimitMs
  // Twice: a record that one has just sent may be news to another who looked before.
  while (!all.every(({ quietTimes }) => quietTimes >= 3) && performance.now() < limit) {
    await new Promise((resolve) => { setTimeout(resolve, 100) })
  }
  const busy = all.flatMap((one) => one.busy.map((what) => `not at rest: ${what}`))
  for (const { child: living } of all) if (living.connected) living.send('over')
  const ended = await Promise.all(ends)
  return [
    ...busy,
    ...all.flatMap(({ said }) => said() === '' ? [] : [`while resting: ${said()}`]),
    ...ended.flatMap(([code, signal]) => code === 0 ? [] : [`while resting a process ended with ${signal ?? code}`]),
  ]
}
