/** Times as people say them. Every function takes milliseconds since 1970 (UTC) and shows local time. */

const locale = 'en-GB'
const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options)
const clockFormat = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const weekdayShort = format({ weekday: 'short' })
const weekdayLong = format({ weekday: 'long' })
const dateShort = format({ day: 'numeric', month: 'short' })
const dateShortYear = format({ day: 'numeric', month: 'short', year: 'numeric' })
const dateLong = format({ weekday: 'long', day: 'numeric', month: 'long' })
const dateLongYear = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
const fullFormat = format({ dateStyle: 'full', timeStyle: 'short' })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

const minuteMs = 60_000
const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** The local midnight that began the day of `at`. */
export const dayStart = (at: number): number => new Date(at).setHours(0, 0, 0, 0)

/** Whole local days from `at` to `now`; rounding swallows the hour of a clock change. */
const daysBetween = (at: number, now: number): number => Math.round((dayStart(now) - dayStart(at)) / dayMs)

const sameYear = (at: number, now: number): boolean => new Date(at).getFullYear() === new Date(now).getFullYear()

export const clock = (at: number): string => clockFormat.format(at)

export const full = (at: number): string => fullFormat.format(at)

export const date = (at: number): string => dateShortYear.format(at)

/** For the conversation list: 12:04, Yesterday, Mon, 3 Mar, 3 Mar 2024. */
export const listTime = (at: number, now: number): string => {
  const days = daysBetween(at, now)
  if (days <= 0) return clock(at)
  if (days === 1) return 'Yesterday'
  if (days < 7) return weekdayShort.format(at)
  return (sameYear(at, now) ? dateShort : dateShortYear).format(at)
}

/** For the separators in a timeline: Today, Yesterday, Monday, Monday 3 March. */
export const dayName = (at: number, now: number): string => {
  const days = daysBetween(at, now)
  if (days <= 0) return 'Today'
  if (days === 1) return 'Yesterday'
  if (days < 7) return weekdayLong.format(at)
  return (sameYear(at, now) ? dateLong : dateLongYear).format(at)
}

/** Inside a sentence, after "since": today 09:12, yesterday 09:12, Monday 09:12, 3 Mar 2024. */
export const moment = (at: number, now: number): string => {
  const days = daysBetween(at, now)
  if (days <= 0) return `today ${clock(at)}`
  if (days === 1) return `yesterday ${clock(at)}`
  if (days < 7) return `${weekdayLong.format(at)} ${clock(at)}`
  return (sameYear(at, now) ? dateShort : dateShortYear).format(at)
}

/** Inside a sentence, of what is to come: today at 18:30, tomorrow at 09:12, on 3 Mar. */
export const ahead = (at: number, now: number): string => {
  const days = daysBetween(now, at)
  if (days <= 0) return `today at ${clock(at)}`
  if (days === 1) return `tomorrow at ${clock(at)}`
  return `on ${(sameYear(at, now) ? dateShort : dateShortYear).format(at)}`
}

/** just now, 5 min ago, 2 h ago, yesterday, 3 days ago, last month. */
export const ago = (at: number, now: number): string => {
  const passedMs = now - at
  if (passedMs < minuteMs) return 'just now'
  if (passedMs < hourMs) return `${Math.floor(passedMs / minuteMs)} min ago`
  const days = daysBetween(at, now)
  if (days === 0 || passedMs < 6 * hourMs) return `${Math.floor(passedMs / hourMs)} h ago`
  if (days < 45) return relative.format(-days, 'day')
  if (days < 365) return relative.format(-Math.round(days / 30), 'month')
  return relative.format(-Math.round(days / 365), 'year')
}

/** today, yesterday, 3 days ago: where the hour does not matter. */
export const day = (at: number, now: number): string => {
  const days = Math.max(0, daysBetween(at, now))
  if (days < 45) return relative.format(-days, 'day')
  return ago(at, now)
}
