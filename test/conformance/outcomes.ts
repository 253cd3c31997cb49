import path from 'node:path'
import { run } from 'node:test'
import { nativeSuites, systemRandom } from '../../main/crypto/native.ts'
import type { ShowingTest } from './features.ts'

const root = path.resolve(import.meta.dirname, '../..')

/** How a test, or a group of tests, ended. */
export type Outcome = {
  /** Where the test stands, from the root of the project. */
  readonly file: string
  /** Its title behind those of the groups that it is in. */
  readonly titles: readonly string[]
  readonly passed: boolean
}

/** What node:test tells of a test. */
type Event = { readonly file?: string, readonly nesting: number, readonly name: string }

/** Runs files of tests, each in a process of its own. */
export async function outcomesOf(files: readonly string[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  const around = new Map<string, string[]>()
  const stream = run({ files: files.map((file) => path.join(root, file)), concurrency: 2 })
  stream.on('test:start', ({ file = '', nesting, name }) => {
    const titles = around.get(file)?.slice(0, nesting) ?? []
    around.set(file, [...titles, name])
  })
  const note = (passed: boolean) => ({ file = '', nesting, name }: Event): void => {
    const titles = [...around.get(file)?.slice(0, nesting) ?? [], name]
    outcomes.push({ file: path.relative(root, file).split(path.sep).join('/'), titles, passed })
  }
  stream.on('test:pass', note(true))
  stream.on('test:fail', note(false))
  for await (const _ of stream); // To the end.
  return outcomes
}

/** The cipher suites of RFC 9420 §17.1. */
export const suiteIds: readonly number[] = [1, 2, 3, 4, 5, 6, 7]

const suiteOf = nativeSuites(systemRandom)
const idByName = new Map(suiteIds.map((id) => [suiteOf(id)?.name ?? '', id]))

/** The suites that the titles of a test name, by number or by name. */
export function suitesIn({ titles }: Pick<Outcome, 'titles'>): ReadonlySet<number> {
  const named = titles.flatMap((title) => [
    ...Array.from(title.matchAll(/\bsuite (\d)\b/g), ([, digit]) => Number(digit)),
    ...Array.from(title.matchAll(/\bMLS_\w+/g), ([name]) => idByName.get(name) ?? 0),
  ])
  return new Set(named)
}

/** The implementation that the titles of a test name: the first letter of it. */
export function implementationIn({ titles }: Outcome): string {
  const [, name] = / on the (native|portable) implementation/.exec(titles.join('\n')) ?? []
  return name === undefined ? '✓' : name.slice(0, 1)
}

/** Runs the other modules of test/rules. */
const rulesFile = 'test/rules/rules.test.ts'

/** The file by which a test is run. */
export const runnerOf = ({ file }: ShowingTest): string => file.startsWith('test/rules/') ? rulesFile : file

/** Whether a test, or one of the groups around it, is the one that is named: `…` stands for anything. */
export function shows({ file, titles }: Outcome, named: ShowingTest): boolean {
  if (file !== named.file) return false
  const { title } = named
  const parts = title.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = new RegExp(`^${parts.join('.+')}$`)
  return titles.some((each) => pattern.test(each))
}
