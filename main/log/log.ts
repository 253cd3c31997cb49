import { createHmac, randomBytes } from 'node:crypto'
import { appendFileSync, chmodSync, readFileSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs'
import path from 'node:path'
import {
  encodeEvent, isArchitecture, isLine, isPlatform, isVersion, type Alias, type Event, type EventOf, type PrimitiveName,
} from '../events.ts'
import type { Counts, Log } from '../ports.ts'
import { describe } from './describe.ts'

/** The log of one profile, in its folder: `log.jsonl`, and `log.old.jsonl` before it. */
export interface OpenLog extends Log {
  /** Something that nobody handles; written at once. */
  readonly bug: (error: unknown) => void
  /** Writes what is left. Nothing is written afterwards. */
  close(): void
}

export type LogOptions = {
  readonly folder: string
  /** The folder of main/, as far as stacks know it. */
  readonly source: string
  readonly version: string
  readonly native: readonly PrimitiveName[]
  readonly portable: readonly PrimitiveName[]
  readonly now: () => number
  /** For tests: the most that one file holds. */
  readonly fileBytes?: number
}

const fileBytes = 512 * 1024
/** On a disk with less than this free, nothing is written: what people say needs the room. */
const scarceBytes = 8 * 1024 * 1024
const flushMs = 5_000
const flushLines = 100
/** How many lines are kept in memory, for a report. */
const recentLines = 400

export const logFiles = ['log.old.jsonl', 'log.jsonl'] as const

/** Opens the log, which never fails: what cannot be written is left out and counted. */
export function openLog(options: LogOptions): OpenLog {
  return new FileLog(options)
}

class FileLog implements OpenLog {
  readonly #options: LogOptions
  readonly #file: string
  readonly #old: string
  readonly #limit: number
  readonly #startedAt: number
  readonly #aliasKey = randomBytes(32)
  readonly #recent: string[]
  #waiting: string[] = []
  #missing = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: LogOptions) {
    this.#options = options
    this.#old = path.join(options.folder, logFiles[0])
    this.#file = path.join(options.folder, logFiles[1])
    this.#limit = options.fileBytes ?? fileBytes
    this.#startedAt = options.now()
    this.#recent = [this.#old, this.#file].flatMap(linesOf).slice(-recentLines).filter(isLine)
    this.note({ event: 'started', ...this.#program() })
  }

  note(event: Event): void {
    if (this.#closed) return
    const line = encodeEvent(this.#options.now(), event)
    if (line === undefined) {
      this.#missing += 1
      return
    }
    this.#recent.push(line)
    if (this.#recent.length > 2 * recentLines) this.#recent.splice(0, recentLines)
    this.#waiting.push(line)
    if (this.#waiting.length >= flushLines) this.#flush()
    else this.#timer ??= setTimeout(() => { this.#flush() }, flushMs).unref()
  }

  /** The key of the run is kept nowhere: from an alias nobody finds out what it stood for, not even by trying. */
  alias(id: string): Alias {
    return createHmac('sha256', this.#aliasKey).update(id).digest('hex').slice(0, 8) as Alias
  }

  /** Bound, so that it can be handed on. */
  readonly bug = (error: unknown): void => {
    try {
      this.note({ event: 'bug', ...describe(error, this.#options.source) })
    } catch {
      this.#missing += 1
    }
    this.#flush()
  }

  report(counts: Counts): readonly string[] {
    const { native, portable, now } = this.#options
    const first = encodeEvent(now(), { event: 'report', ...this.#program(), native, portable, ...counts })
    return [...first === undefined ? [] : [first], ...this.#recent.slice(-recentLines)]
  }

  forget(): void {
    this.#waiting = []
    this.#recent.length = 0
    try {
      for (const file of [this.#old, this.#file]) rmSync(file, { force: true })
    } catch {
      // Where nothing can be deleted: there is nothing of anybody in it.
    }
  }

  close(): void {
    if (this.#closed) return
    this.note({ event: 'quit', ms: Math.max(0, this.#options.now() - this.#startedAt) })
    this.#flush()
    this.#closed = true
  }

  #program(): Omit<EventOf<'started'>, 'event'> {
    const { platform, arch } = process
    const versions: Readonly<Record<string, string | undefined>> = process.versions
    return {
      version: versionIn(this.#options.version), platform: isPlatform(platform) ? platform : 'other',
      architecture: isArchitecture(arch) ? arch : 'other', runtime: versionIn(versions['electron'] ?? versions['node'] ?? ''),
    }
  }

  /** A log must not disturb what it tells of: whatever the disk says, the app hears nothing of it. */
  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lines = this.#waiting
    this.#waiting = []
    if (lines.length === 0) return
    try {
      this.#append(lines)
    } catch {
      this.#missing += lines.length
    }
  }

  #append(lines: readonly string[]): void {
    const { bavail, bsize } = statfsSync(this.#options.folder)
    if (bavail * bsize < scarceBytes) {
      this.#missing += lines.length
      return
    }
    const missing = this.#missing === 0 ? undefined
      : encodeEvent(this.#options.now(), { event: 'missing', lines: this.#missing })
    const text = [...missing === undefined ? [] : [missing], ...lines].map((line) => `${line}\n`).join('')
    const size = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0
    if (size > 0 && size + text.length > this.#limit) renameSync(this.#file, this.#old)
    appendFileSync(this.#file, text, { mode: 0o600 })
    chmodSync(this.#file, 0o600)
    this.#missing = 0
  }
}

const unknownVersion = '0.0.0'
function versionIn(text: string): EventOf<'started'>['version'] {
  return (isVersion(text) ? text : unknownVersion) as EventOf<'started'>['version']
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}
