import type { Appended, Delivery, LogRecord } from '../../main/ports.ts'

/** A delivery log that costs nothing, so that only the app is measured. Records of a dammed log wait to be let through. */
export class MemoryLog implements Delivery {
  readonly address = 'local'
  readonly #logs = new Map<string, LogRecord[]>()
  readonly #dams = new Map<string, number>()
  #seq = 0
  #wake: ((log: string) => void) | undefined

  #log(name: string): LogRecord[] {
    const known = this.#logs.get(name)
    if (known !== undefined) return known
    const log: LogRecord[] = []
    this.#logs.set(name, log)
    return log
  }

  async append(name: string, bytes: Uint8Array, slot?: string): Promise<Appended> {
    const there = slot === undefined ? undefined : await this.slot(name, slot)
    if (there !== undefined) return { type: 'taken', bytes: there.bytes }
    this.#seq += 1
    this.#log(name).push({ seq: this.#seq, slot, bytes })
    if (!this.#dams.has(name)) this.#wake?.(name)
    return { type: 'accepted', seq: this.#seq }
  }

  /** From here on nothing of this log is seen. */
  dam(name: string): void {
    this.#dams.set(name, this.#log(name).length)
  }

  /** In place of what the app itself has appended behind the dam. */
  async appendBehind(name: string, bytes: Uint8Array): Promise<void> {
    const log = this.#log(name)
    log.splice(this.#dams.get(name) ?? log.length, log.length)
    this.#seq += 1
    log.push({ seq: this.#seq, slot: undefined, bytes })
  }

  /** The next record behind the dam. */
  letThrough(name: string): void {
    this.#dams.set(name, (this.#dams.get(name) ?? 0) + 1)
    this.#wake?.(name)
  }

  async read(name: string, after: number, limit: number): Promise<readonly LogRecord[]> {
    const seen = this.#log(name).slice(0, this.#dams.get(name))
    const from = seen.findIndex(({ seq }) => seq > after)
    return from < 0 ? [] : seen.slice(from, from + limit)
  }

  async slot(name: string, slot: string): Promise<LogRecord | undefined> {
    return this.#log(name).find((record) => record.slot === slot)
  }

  watch(logs: readonly string[], wake: (log: string) => void): () => void {
    const wanted = new Set(logs)
    const own = (log: string): void => { if (wanted.has(log)) setImmediate(wake, log) }
    this.#wake = own
    for (const log of logs) own(log)
    return () => { if (this.#wake === own) this.#wake = undefined }
  }

  async close(): Promise<void> {
    this.#wake = undefined
  }
}
