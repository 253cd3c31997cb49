import type { OwnKeyPackage } from './mail.ts'
import { lifetimeOf } from './extensions.ts'

/**
 * Which KeyPackages a device keeps ready for others to claim (RFC 9420 §10), and how long their private keys stay. All
 * of it follows from the KeyPackages themselves, so that nothing has to be remembered beside them.
 */

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs

/** Used once each. Made again when half of them are gone. */
export const stockSize = 50
const refillBelow = 25
/** An older one counts as gone, long before its lifetime or the log's memory (both 90 days) ends. */
const freshMs = 60 * dayMs
/** Strangers who claim for nothing get no more than so many in a day; the last resort stays. */
const dailyLimit = 3 * stockSize

/** The one of last resort is used by everybody who finds no other, so it changes often; after a use soon. */
const lastResortMs = 7 * dayMs
const usedMs = hourMs
/** How long what others may have on its way can still be opened. */
const underWayMs = 14 * dayMs

export type StockPlan = {
  /** How many to make that are used once, and whether one of last resort. */
  readonly make: number
  readonly lastResort: boolean
  /** Those whose private keys have to go, when the inbox was read to its end. */
  readonly forget: readonly OwnKeyPackage[]
  /** When there is something to do again by the mere passing of time. */
  readonly nextAt: number
}

type Aged = { readonly own: OwnKeyPackage, readonly madeAt: number, readonly endsAt: number }

/** What was made under a clock that ran ahead is not valid for others yet. */
const aged = (held: Iterable<OwnKeyPackage>, now: number): readonly Aged[] => [...held]
  .map((own) => ({ own, ...lifetimeOf(own.keyPackage) })).filter(({ madeAt }) => madeAt < now + dayMs)

const isReady = ({ own, madeAt }: Aged, now: number): boolean =>
  !own.lastResort && !own.claimed && madeAt > now - freshMs

/** Does it present this device as it is now? Another one is good for whoever has it, but is not counted any more. */
export type Current = (own: OwnKeyPackage) => boolean
const always: Current = () => true

const lastResorts = (all: readonly Aged[]): readonly Aged[] =>
  all.filter(({ own }) => own.lastResort).sort((a, b) => b.madeAt - a.madeAt)

/** What others should find in the log: the newest one of last resort, and those that are ready. */
export function offered(held: Iterable<OwnKeyPackage>, now: number, current: Current = always): {
  readonly lastResort: OwnKeyPackage | undefined, readonly ready: readonly OwnKeyPackage[]
} {
  const all = aged(held, now)
  return { lastResort: lastResorts(all)[0]?.own, ready: all.filter((one) => isReady(one, now) && current(one.own)).map(({ own }) => own) }
}

export function planStock(held: Iterable<OwnKeyPackage>, now: number, current: Current = always): StockPlan {
  const all = aged(held, now)
  const single = all.filter(({ own }) => !own.lastResort)
  const resorts = lastResorts(all)
  const ready = single.filter((one) => isReady(one, now) && current(one.own))
  const today = single.filter(({ madeAt }) => madeAt > now - dayMs)
  const missing = ready.length < refillBelow ? stockSize - ready.length : 0
  const [newest] = resorts
  const changeAt = newest === undefined || !current(newest.own) ? now : newest.madeAt + (newest.own.claimed ? usedMs : lastResortMs)
  const over = [
    ...single.map(({ own, endsAt }) => ({ own, at: endsAt + underWayMs })),
    // From when the next one took its place.
    ...resorts.slice(1).map(({ own }, index) => ({ own, at: (resorts[index]?.madeAt ?? now) + underWayMs })),
  ]
  const later = [changeAt, ...over.map(({ at }) => at), ...ready.map(({ madeAt }) => madeAt + freshMs)]
  return {
    make: Math.max(0, Math.min(missing, dailyLimit - today.length)),
    lastResort: changeAt <= now,
    forget: over.filter(({ at }) => at <= now).map(({ own }) => own),
    nextAt: Math.min(now + dayMs, ...later.filter((at) => at > now)),
  }
}

/** How many have been claimed for an invitation that never came. */
export const unanswered = (held: Iterable<OwnKeyPackage>): number =>
  [...held].filter((own) => !own.lastResort && own.claimed).length

/**
 * Claims are for nothing now and then; a whole stock of them is none of people's doing. Said once for each one that
 * was taken.
 */
export const isDrained = (before: number, after: number): boolean =>
  Math.floor(after / stockSize) > Math.floor(before / stockSize)
