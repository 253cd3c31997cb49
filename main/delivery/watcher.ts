import type Database from 'better-sqlite3'

type Wake = (log: string) => void
export type WatcherOptions = { readonly connect: () => Database.Database, readonly pollMs: number }

/** Up to where the table was asked; `version` counts the changes that this one connection noticed. */
type Seen = { readonly database: Database.Database, readonly version: number, readonly seq: number }

/** Finds out which of the watched logs grew, by whoever appended to them. */
export class Watcher {
  readonly #options: WatcherOptions
  #logs: ReadonlySet<string> = new Set()
  #wake: Wake | undefined
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  /** `undefined`: the log was out of reach, so any record may be new. */
  #seen: Seen | undefined
  /** Logs to wake whether or not a record is new. */
  #unheard = new Set<string>()

  constructor(options: WatcherOptions) {
    this.#options = options
  }

  /** A log that was not in the earlier list is woken once: nobody knows what came before it was watched. */
  watch(logs: readonly string[], wake: Wake): () => void {
    const earlier = this.#logs
    const watched = new Set(logs)
    this.#logs = watched
    this.#wake = wake
    this.#unheard = new Set(logs.filter((log) => !earlier.has(log) || this.#unheard.has(log)))
    this.#timer ??= setInterval(() => { this.#look({ own: false }) }, this.#options.pollMs)
    this.soon()
    return () => { if (this.#logs === watched) this.end() }
  }

  /** After an append of this process, which the poll does not see. */
  soon(): void {
    if (this.#wake === undefined) return
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined
      this.#look({ own: true })
    })
  }

  end(): void {
    clearInterval(this.#timer)
    clearImmediate(this.#immediate)
    this.#timer = undefined
    this.#immediate = undefined
    this.#logs = new Set()
    this.#wake = undefined
    this.#seen = undefined
  }

  /** `data_version` changes with other connections' commits and costs microseconds; only then the table is asked. */
  #look({ own }: { readonly own: boolean }): void {
    let grown: readonly string[]
    try {
      const database = this.#options.connect()
      const version = Number(database.pragma('data_version', { simple: true }))
      const seen = this.#seen?.database === database ? this.#seen : undefined
      if (!own && seen?.version === version) return
      this.#seen = seen
      grown = this.#grown(database, version)
    } catch {
      // Out of reach: whoever appends or reads is told so; here everything is woken when it is back.
      this.#seen = undefined
      return
    }
    for (const log of grown) if (this.#logs.has(log)) this.#wake?.(log)
  }

  #grown(database: Database.Database, version: number): readonly string[] {
    const seen = this.#seen
    if (seen === undefined) {
      const last = database.prepare<[], number | null>('SELECT max(seq) FROM records').pluck().get() ?? 0
      this.#seen = { database, version, seq: last }
      this.#unheard.clear()
      return [...this.#logs]
    }
    const rows = database.prepare<[number], { log: string, seq: number }>(
      'SELECT log, max(seq) AS seq FROM records WHERE seq > ? GROUP BY log').all(seen.seq)
    this.#seen = { database, version, seq: rows.reduce((most, row) => Math.max(most, row.seq), seen.seq) }
    const logs = new Set([...this.#unheard, ...rows.map((row) => row.log)])
    this.#unheard.clear()
    return [...logs]
  }
}
