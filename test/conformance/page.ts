import { features } from './features.ts'
import { implementationIn, shows, suiteIds, suitesIn, type Outcome } from './outcomes.ts'

// docs/conformance.md, of what was seen.

/** How many cases of one family of vectors passed, by suite (0: cases without one), for each implementation. */
export type VectorRow = { readonly family: string, readonly passed: Readonly<Record<string, readonly number[]>> }

export type Seen = {
  readonly outcomes: readonly Outcome[]
  readonly vectors: readonly VectorRow[]
}

/** Where stories are told in several suites, and listed by nobody: each title of these files is a row. */
export const storyFiles: Readonly<Record<string, readonly string[]>> = {
  'With ts-mls, each of the two as founder': [
    'test/interop/ts-mls/stories.test.ts', 'test/interop/ts-mls/successors.test.ts',
  ],
  'Through the interop interface of the MLS working group': ['test/interop/mls-client.test.ts'],
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

/** What the tests showed in one suite: n(ative), p(ortable), or ✓ where the title names no implementation. */
function cell(outcomes: readonly Outcome[], suite: number | undefined): string {
  const seen = outcomes.filter((outcome) => {
    const suites = suitesIn(outcome)
    return suite === undefined ? suites.size === 0 : suites.has(suite)
  })
  const marks = new Set(seen.map(implementationIn))
  // Titles of groups name a suite for all that is inside.
  return ['n', 'p', '✓'].filter((mark) => marks.has(mark) && (mark !== '✓' || marks.size === 1)).join(' ')
}

const columns = [...suiteIds, undefined]

export function featureTable(outcomes: readonly Outcome[]): string {
  const rows = features.map(({ section, feature, tests }) => {
    const own = outcomes.filter((outcome) => tests.some((each) => shows(outcome, each)))
    const shown = tests.map(({ file, title }) => `${file.replace(/(?:\.test)?\.ts$/, '')}: ${title}`).join('; ')
    return [section, feature, ...columns.map((suite) => cell(own, suite)), shown]
  })
  return table(['Section', 'Feature', ...suiteIds.map(String), 'any', 'Shown by'], rows)
}

/** The stories of some files by their titles, in the suites that the groups around them name. */
function storyTable(files: readonly string[], outcomes: readonly Outcome[]): string {
  const stories = outcomes.filter(({ file, titles }) =>
    files.includes(file) && suitesIn({ titles: titles.slice(0, -1) }).size > 0)
  const titles = [...new Set(stories.map(({ titles: all }) => all.at(-1) ?? ''))]
  const rows = titles.map((title) => {
    const own = stories.filter(({ titles: all }) => all.at(-1) === title)
    return [title, ...suiteIds.map((suite) => cell(own, suite))]
  })
  return table(['Story', ...suiteIds.map(String)], rows)
}

function vectorTable(vectors: readonly VectorRow[]): string {
  const suites = [...suiteIds, 0]
  const cells = (counts: Readonly<Record<string, readonly number[]>>): readonly string[] => suites.map((suite) => {
    const [native = 0, portable = 0] = Object.values(counts).map((each) => each[suite] ?? 0)
    return native === portable ? (native === 0 ? '' : String(native)) : `${native} / ${portable}`
  })
  const sum = (name: string): readonly number[] => suites.reduce<number[]>((totals, suite) => {
    totals[suite] = vectors.reduce((total, { passed }) => total + (passed[name]?.[suite] ?? 0), 0)
    return totals
  }, [])
  const totals = { native: sum('native'), portable: sum('portable') }
  return table(['Family', ...suiteIds.map(String), 'no suite'], [
    ...vectors.map(({ family, passed }) => [family, ...cells(passed)]),
    ['**all**', ...cells(totals)],
  ])
}

export const pageOf = ({ outcomes, vectors }: Seen): string => `# Conformance

Made by \`npm run conformance\` from tests that ran; do not edit it. It shows what of RFC 9420 the engine has, in which
of the cipher suites 1 to 7 (§17.1), and which test shows it.

## Features

n: seen on the native implementation, p: on the portable one, ✓: on that of the test. *any*: a test that names no suite.

${featureTable(outcomes)}

## Official vectors

How many cases passed, and none failed: on the native and on the portable implementation, as one number where it is the
same for both.

${vectorTable(vectors)}

${Object.entries(storyFiles).map(([name, file]) => `## ${name}\n\n${storyTable(file, outcomes)}`).join('\n\n')}
`
