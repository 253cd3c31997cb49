/** The timeline as pure functions: entries by order, and the rows that a view draws from them. */
import type { Entry } from '../preload/api.ts'
import { dayStart } from './i18n/time.ts'

/** The "n new" line: it stands before the entry with this order. */
export type Fresh = { readonly order: number, readonly count: number }

/** One entry with what stands above it; rows and entries are one to one, so that older pages only add rows. */
export type Row = {
  readonly entry: Entry
  /** The first entry of a day. */
  readonly day: boolean
  /** How many are new from here on; 0 where no line stands. */
  readonly fresh: number
  /** First and last bubble of one sender in a run. */
  readonly first: boolean
  readonly last: boolean
}

/** After this long, the same sender's next message starts a new run. */
const runMs = 5 * 60_000

const before = (one: Entry, other: Entry): number => one.order - other.order || (one.id < other.id ? -1 : 1)

/** Puts new versions of entries in place of those held, by id, in order; the input is not changed. */
export const merged = (
  held: readonly Entry[], arrived: readonly Entry[], removed: readonly string[] = [],
): readonly Entry[] => {
  const replaced = new Set(removed)
  for (const entry of arrived) replaced.add(entry.id)
  const kept = held.filter((entry) => !replaced.has(entry.id))
  const newest = kept.at(-1)
  const sorted = [...arrived].sort(before)
  const oldest = sorted[0]
  if (newest === undefined || oldest === undefined || before(newest, oldest) < 0) return [...kept, ...sorted]
  return [...kept, ...sorted].sort(before)
}

const received = (entry: Entry): boolean => entry.kind === 'message' && !entry.own

/** Where the line goes when a conversation with `unread` messages is opened. */
export const freshFrom = (entries: readonly Entry[], unread: number): Fresh | undefined => {
  if (unread === 0) return undefined
  let left = unread
  let order: number | undefined
  for (let at = entries.length - 1; at >= 0 && left > 0; at--) {
    const entry = entries[at]
    if (entry === undefined || !received(entry)) continue
    order = entry.order
    left--
  }
  return order === undefined ? undefined : { order, count: unread }
}

const continues = (entry: Entry, previous: Entry): boolean =>
  entry.kind === 'message' && previous.kind === 'message' && entry.from === previous.from &&
  entry.at - previous.at < runMs

/** The rows of `entries` (oldest first), with day separators, the line of new messages, and runs by sender. */
export const rowsOf = (entries: readonly Entry[], fresh: Fresh | undefined): readonly Row[] => {
  const starts = entries.map((entry, at) => {
    const previous = entries[at - 1]
    const day = previous === undefined || dayStart(previous.at) !== dayStart(entry.at)
    const line = fresh !== undefined && entry.order >= fresh.order &&
      (previous === undefined || previous.order < fresh.order)
    const first = previous === undefined || day || line || !continues(entry, previous)
    return { day, fresh: line ? fresh.count : 0, first }
  })
  return entries.map((entry, at) => {
    const start = starts[at] ?? { day: false, fresh: 0, first: true }
    return { entry, ...start, last: starts[at + 1]?.first ?? true }
  })
}
