/**
 * THE table of what may stand in a log: the names of events, and of which kind each field is. The types follow from it,
 * and so does the writing: a field is written because its kind lets it through, so there is nothing to be filtered out.
 *
 * No kind holds free text. Names, texts, identifiers, keys, paths, addresses and the messages of errors have none that
 * they fit; a conversation or a log is called by an alias that dies with the process.
 */
import { errorCodes } from '../preload/api.ts'
import { count as countOf, flag, list, oneOf, type Check } from '../preload/check.ts'
import { rules, type MlsErrorCode, type RuleId } from './mls/index.ts'

/** Eight hexadecimal digits that nobody can trace back when the run is over (Log.alias). */
export type Alias = string & { readonly kind: 'alias' }
/** A function of this app and where it stands in its source: "kick main/app/sync.ts:51". */
export type Frame = string & { readonly kind: 'frame' }
/** A library's or the system's own name for a failure: "SQLITE_CORRUPT", "ENOSPC". */
export type ForeignCode = string & { readonly kind: 'foreign-code' }
export type Version = string & { readonly kind: 'version' }

const pattern = <T extends string>(expected: RegExp): Check<T> =>
  (value): value is T => typeof value === 'string' && expected.test(value)

const count = countOf(0, Number.MAX_SAFE_INTEGER)
export const isVersion = pattern<Version>(/^\d{1,4}\.\d{1,4}\.\d{1,4}(?:-[a-z]{1,8}(?:\.\d{1,4})?)?$/)
export const isFrame =
  pattern<Frame>(/^(?:[\w$#]{1,40}(?:\.[\w$#]{1,40}){0,3} )?main(?:\/[\w-]{1,40}){1,3}(?:\.worker)?\.[jt]s:\d{1,6}$/)
export const isForeignCode = pattern<ForeignCode>(/^(?:E[A-Z0-9]{2,15}|(?:SQLITE|ERR)(?:_[A-Z0-9]{1,20}){1,6})$/)
const alias = pattern<Alias>(/^[0-9a-f]{8}$/)
const code = oneOf(errorCodes)
const isRule: Check<RuleId> = (value): value is RuleId => typeof value === 'string' && Object.hasOwn(rules, value)

const mlsCodes = ['malformed', 'refused', 'undecided', 'unsupported', 'gone', 'misuse'] as const satisfies MlsErrorCode[]
/** Classes of errors; one of any other class is `other`, and what is thrown without being an error `none`. */
export const errorClasses = [
  'MlsError', 'PortError', 'SqliteError', 'Error', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError',
  'AssertionError', 'AggregateError', 'DOMException', 'other', 'none',
] as const

const recoveryReason = oneOf(['path', 'undecided', 'forked', 'aged', 'cloned', 'damaged', 'idle', 'restored'])
const gapReason =
  oneOf(['before-joined', 'epoch-too-old', 'lost', 'away', 'malformed', 'undecided', 'damaged'])
/** What a log is for: commits, messages, an inbox, KeyPackages, or anything else. */
const logKind = oneOf(['commits', 'messages', 'inbox', 'key-packages', 'other'])
export type LogKind = typeof logKind extends Check<infer T> ? T : never

const platform = oneOf(['linux', 'darwin', 'win32', 'freebsd', 'openbsd', 'other'])
const architecture = oneOf(['x64', 'arm64', 'arm', 'ia32', 'other'])
export const isPlatform = platform
export const isArchitecture = architecture

const primitives = [
  'sha256', 'sha384', 'sha512', 'aes128gcm', 'aes256gcm', 'chacha20poly1305', 'ed25519', 'ed448', 'x25519', 'x448',
  'ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ecdh-p256', 'ecdh-p384', 'ecdh-p521',
] as const
/** Of the engine: hashes, AEADs, signatures and key agreements. */
export type PrimitiveName = typeof primitives[number]
const someOf = list(oneOf(primitives), primitives.length)

const program = { version: isVersion, platform, architecture, runtime: isVersion }

export const events = {
  started: program,
  quit: { ms: count },
  opened: { way: oneOf(['created', 'keychain', 'passphrase', 'words', 'restored']), ms: count, conversations: count },
  locked: {},
  removed: {},
  /** The profile could not be opened. */
  'not-opened': { code },
  'store-refused': { code },
  /** A log was read to its end; `log` is the conversation's. */
  read: { kind: logKind, log: alias, records: count, ms: count },
  skipped: { log: alias, reason: gapReason, records: count },
  'broke-rule': { log: alias, rule: isRule },
  'commit-made': { log: alias, attempt: count },
  'commit-won': { log: alias },
  'commit-lost': { log: alias },
  /** What stood in the slot was no commit: members go on to the next attempt. */
  'slot-spoilt': { log: alias, attempt: count },
  'recovery-begun': { log: alias, reason: recoveryReason },
  'recovery-asked': { log: alias, times: count },
  'recovery-ended': { log: alias, reason: recoveryReason, ms: count },
  'delivery-away': { code, doing: oneOf(['append', 'read', 'slot', 'usage']) },
  'delivery-back': { ms: count, failures: count },
  /** `code`: of this app's errors; `library`: somebody else's; `engine` and `rule`: the engine's. */
  bug: {
    of: oneOf(errorClasses), place: list(isFrame, 8), code: optional(code), engine: optional(oneOf(mlsCodes)),
    rule: optional(isRule), library: optional(isForeignCode),
  },
  /** Lines that could not be written, or were too many. */
  missing: { lines: count },
  /** The first line of a report. `open`: whether the counts are known. */
  report: {
    ...program, native: someOf, portable: someOf,
    open: flag, conversations: count, entries: count, outbox: count, publishing: count, recovering: count,
  },
} as const

function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value): value is T | undefined => value === undefined || check(value)
}

type Events = typeof events
type Fields<N extends keyof Events> =
  { readonly [K in keyof Events[N]]: Events[N][K] extends Check<infer T> ? T : never }
/** One fact about the program, never about what people do with it. */
export type Event = { [N in keyof Events]: { readonly event: N } & Fields<N> }[keyof Events]
export type EventOf<N extends keyof Events> = Extract<Event, { readonly event: N }>
export type Described = Omit<EventOf<'bug'>, 'event'>

/** One line of JSON; only what the table has, and nothing at all where a field is not of its kind. */
export function encodeEvent(at: number, event: Event): string | undefined {
  if (!Number.isSafeInteger(at) || !Object.hasOwn(events, event.event)) return undefined
  const fields: Record<string, unknown> = {}
  for (const [name, check] of Object.entries<Check<unknown>>(events[event.event])) {
    const value = (event as unknown as Record<string, unknown>)[name]
    if (!check(value)) return undefined
    fields[name] = value
  }
  return JSON.stringify({ at: new Date(at).toISOString(), event: event.event, ...fields })
}

/** Whether a line is one that `encodeEvent` writes: what stands in a file may be anything. */
export function isLine(line: string): boolean {
  try {
    const { at, ...event } = JSON.parse(line) as { readonly at: string } & Event
    return encodeEvent(Date.parse(at), event) === line
  } catch {
    return false
  }
}
