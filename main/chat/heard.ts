/**
 * Which messages of each sending device have arrived in a conversation, by its counters (chat/content.ts): so that
 * nothing is ever missing without somebody being told, and told exactly how much.
 */

/** From one number to another, both included; `gap`: the first number of the hole as it was found. */
export type Range = { readonly gap: number, readonly from: number, readonly to: number }

/** Plain data, one JSON document with a leading version, by conversation and device. */
export type Heard = {
  readonly version: 1
  readonly conversation: string
  readonly deviceId: string
  /** The epoch in which the numbers began, decimal. */
  readonly numbering: string
  /** The highest number that was heard of; 0 before the first text of a device whose beginning this one has seen. */
  readonly upTo: number
  /** Below it, what did not arrive, in ascending order. */
  readonly missing: readonly Range[]
  /** The epoch of the newest content, decimal. */
  readonly epoch: string
}

export const heardKey = (conversation: string, deviceId: string): string => `${conversation}.${deviceId}`

/** More holes than these are not told apart any more: the oldest are given up. */
const holeLimit = 200

/** For how many messages of one hole places are kept in the timeline. */
export const healableSize = 1_000

export type Hearing = {
  readonly heard: Heard
  /** What is known to be missing from now on. */
  readonly opened: Range | undefined
  /** The hole that this content belongs to, by its `gap`, and how many are still missing of it. */
  readonly filled: { readonly gap: number, readonly left: number } | undefined
}

/** A content, for the counting. */
export type Heardable = {
  readonly conversation: string
  readonly deviceId: string
  readonly numbering: string
  /** The number of the last message that was not for this device, where it is known: it saw the sender come in. */
  readonly base: number | undefined
  readonly counter: number
  /** It is a message itself; else it only tells how many there are. */
  readonly counted: boolean
  readonly epoch: string
}

/** A content of a device, after what was heard of it before. */
export function hear(before: Heard | undefined, content: Heardable): Hearing {
  const { counter, counted, ...place } = content
  const known = before?.numbering === place.numbering ? before : firstHeard(content)
  const heard: Heard = { ...known, epoch: content.epoch }
  if (counter > known.upTo) {
    const end = counted ? counter - 1 : counter
    const opened = end > known.upTo ? { gap: known.upTo + 1, from: known.upTo + 1, to: end } : undefined
    const missing = opened === undefined ? known.missing : [...known.missing, opened].slice(-holeLimit)
    return { heard: { ...heard, upTo: counter, missing }, opened, filled: undefined }
  }
  const hole = counted ? known.missing.find(({ from, to }) => from <= counter && counter <= to) : undefined
  if (hole === undefined) return { heard, opened: undefined, filled: undefined }
  const parts = [{ ...hole, to: counter - 1 }, { ...hole, from: counter + 1 }].filter(({ from, to }) => from <= to)
  const missing = known.missing.flatMap((one) => one === hole ? parts : [one])
  const left = missing.reduce((sum, one) => one.gap === hole.gap ? sum + sizeOf(one) : sum, 0)
  return { heard: { ...heard, missing }, opened: undefined, filled: { gap: hole.gap, left } }
}

/** Of a device that came in later than this one, everything is for it; of others what it said before was not. */
const firstHeard = ({ base, counted, counter, conversation, deviceId, numbering, epoch }: Heardable): Heard => ({
  version: 1, conversation, deviceId, numbering, upTo: base ?? (counted ? counter - 1 : counter), missing: [], epoch,
})

export const sizeOf = ({ from, to }: Range): number => to - from + 1
