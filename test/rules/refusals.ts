import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { MlsError, type RuleId } from '../../main/mls/index.ts'

// Which rules were seen to refuse, by which test and at which line of the engine. rules.test.ts demands all of them,
// and `npm run rules` prints them. Nothing but a refusal that was seen gets into the list.

/** Places are `file:line`, from the root of the project. */
export type Refusal = { readonly rule: RuleId, readonly test: string, readonly site: string }

const seen: Refusal[] = []
export const refusals: readonly Refusal[] = seen

/** Through these the engine refuses: the line that counts is the one which calls them. */
export const refusing: ReadonlySet<string> = new Set(['check', 'checkVerdict', 'malformed', 'missing'])

/** Demands that this is refused by exactly this rule. */
export function refused(rule: RuleId, attempt: () => unknown): void {
  // The outermost frame of a test is the statement in its body, whatever helpers lie between.
  refusedAt(testFrames().at(-1), rule, attempt)
}

/** A test whose `attempt` breaks one rule, and is refused for that and nothing else. */
export function refuses(rule: RuleId, because: string, attempt: () => unknown): void {
  const [at] = testFrames()
  test(`${because} (${rule})`, () => { refusedAt(at, rule, attempt) })
}

function refusedAt(at: Frame | undefined, rule: RuleId, attempt: () => unknown): void {
  const error = failureOf(attempt)
  if (!(error instanceof MlsError)) throw error ?? new Error(`not refused: ${rule}`)
  assert.equal(error.rule, rule, error.message)
  const site = framesOf(error).find(({ place, name }) => place.startsWith('main/mls/') && !refusing.has(name))
  assert.ok(at !== undefined && site !== undefined, 'a refusal without a place')
  seen.push({ rule, test: at.place, site: site.place })
}

function failureOf(attempt: () => unknown): Error | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
}

type Frame = { readonly name: string, readonly place: string }

const root = path.resolve(import.meta.dirname, '../..')

/** The frames of the calling test, innermost first. */
function testFrames(): readonly Frame[] {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 100
  const frames = framesOf(new Error('here'))
  Error.stackTraceLimit = limit
  return frames.filter(({ place }) => /^test\/rules\/(?!refusals\.ts)/.test(place))
}

const framesOf = ({ stack = '' }: Error): readonly Frame[] =>
  Array.from(stack.matchAll(/^ +at (?:(?:async )?(?:new )?(\S+) \()?file:\/\/(\/\S+?):(\d+):\d+\)?$/gm),
    ([, name = '', file = '', line = '']) => ({ name, place: `${path.relative(root, file)}:${line}` }))
