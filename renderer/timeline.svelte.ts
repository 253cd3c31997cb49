/** The entries of the conversation that is open: its newest page first, older ones as they are scrolled to. */
import type { Answer, ArgumentOf, CallName, Entry, ErrorCode, ResultOf } from '../preload/api.ts'
import { freshFrom, merged, rowsOf, type Fresh } from './timeline.ts'

const pageEntries = 60
const maxPageEntries = 500

type Asker = { ask<N extends CallName>(name: N, argument: ArgumentOf<N>): Promise<Answer<ResultOf<N>>> }

export class Timeline {
  readonly conversation: string
  entries = $state.raw<readonly Entry[]>([])
  names = $state.raw<ReadonlyMap<string, string>>(new Map())
  more = $state(false)
  loaded = $state(false)
  loading = $state(false)
  code = $state<ErrorCode>()
  fresh = $state.raw<Fresh>()
  /** The newest received message that came while the window was open, for announcement. */
  arrived = $state.raw<Extract<Entry, { kind: 'message' }>>()
  /** The last growth was a page of older entries: the view keeps its distance from the end. */
  grewAtStart = $state(false)
  rows = $derived(rowsOf(this.entries, this.fresh))

  /** Set by the view: whether the newest entry is on the screen and the person is looking. */
  watching = true
  readonly #asker: Asker
  #seen = -1

  constructor(conversation: string, asker: Asker) {
    this.conversation = conversation
    this.#asker = asker
  }

  /** Takes the newest page, with the line of new messages before the first of `unread`. */
  async load(unread: number): Promise<void> {
    const limit = Math.min(maxPageEntries, pageEntries + unread)
    const answer = await this.#page(0, limit)
    if (answer === undefined) return
    // What came while the page was under way is newer than the page.
    const newest = answer.entries.at(-1)?.order ?? -1
    this.entries = merged(answer.entries, this.entries.filter((entry) => entry.order > newest))
    this.more = answer.more
    this.fresh ??= freshFrom(this.entries, unread)
    this.loaded = true
  }

  /** Takes the page before the oldest entry held. */
  async older(): Promise<void> {
    const oldest = this.entries[0]
    if (!this.more || this.loading || oldest === undefined) return
    const answer = await this.#page(oldest.order, pageEntries)
    if (answer === undefined) return
    this.grewAtStart = true
    this.entries = merged(this.entries, answer.entries)
    this.more = answer.more
  }

  async #page(before: number, limit: number): Promise<ResultOf<'entries.page'> | undefined> {
    this.loading = true
    const answer = await this.#asker.ask('entries.page', { conversation: this.conversation, before, limit })
    this.loading = false
    this.code = answer.ok ? undefined : answer.code
    if (!answer.ok) return undefined
    this.names = new Map([...this.names, ...Object.entries(answer.value.names)])
    return answer.value
  }

  merge(changed: readonly Entry[], removed: readonly string[]): void {
    const own = changed.filter((entry) => entry.conversation === this.conversation)
    const oldest = this.more ? this.entries[0]?.order ?? 0 : -1
    // Entries older than what is held come with their page.
    const within = own.filter((entry) => entry.order >= oldest)
    if (within.length === 0 && removed.length === 0) return
    const newest = this.entries.at(-1)?.order ?? -1
    this.grewAtStart = false
    this.entries = merged(this.entries, within, removed)
    let last = newest
    for (const entry of within) {
      if (entry.kind !== 'message' || entry.order <= last) continue
      if (entry.own) this.fresh = undefined
      else this.#received(entry, last)
      last = entry.order
    }
  }

  #received(entry: Extract<Entry, { kind: 'message' }>, newestBefore: number): void {
    this.arrived = entry
    if (this.watching) return
    // A line that was seen to its end is over; the next message starts another.
    const line = this.#seen >= newestBefore ? undefined : this.fresh
    this.fresh = { order: line?.order ?? entry.order, count: (line?.count ?? 0) + 1 }
  }

  /** Tells the main process that everything up to `order` was seen. */
  seen(order: number): void {
    if (order <= this.#seen) return
    this.#seen = order
    void this.#asker.ask('conversation.read', { conversation: this.conversation, order })
  }
}
