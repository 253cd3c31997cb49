type Event = { readonly at: number, readonly order: number, run: (() => void) | undefined }

/** Time that passes only when nothing else is to be done: events in order, the first ones first. */
export class VirtualClock {
  #now: number
  #order = 0
  /** A binary heap. */
  readonly #events: Event[] = []

  constructor(now: number) {
    this.#now = now
  }

  now = (): number => this.#now

  /** Calls back after a while, once; gives the function that cancels it. */
  after = (delayMs: number, run: () => void): () => void => {
    const event: Event = { at: this.#now + Math.max(0, Math.ceil(delayMs)), order: this.#order++, run }
    this.#push(event)
    return () => { event.run = undefined }
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => { this.after(delayMs, resolve) })
  }

  /** Runs what is due until the time has come to `end`; what is not due then stays. */
  async runUntil(end: number): Promise<void> {
    for (;;) {
      await settled()
      const next = this.#events[0]
      if (next === undefined || next.at > end) break
      this.#pop()
      this.#now = Math.max(this.#now, next.at)
      next.run?.()
    }
    this.#now = Math.max(this.#now, end)
  }

  /** Runs until a promise is fulfilled, however long that takes; fails where nothing more would happen. */
  async runFor<T>(promise: Promise<T>): Promise<T> {
    const state = { done: false }
    const marked = promise.finally(() => { state.done = true })
    marked.catch(() => undefined)
    for (;;) {
      await settled()
      if (state.done) return marked
      const next = this.#pop()
      if (next === undefined) throw new Error('nothing more happens, and the promise still waits')
      this.#now = Math.max(this.#now, next.at)
      next.run?.()
    }
  }

  #push(event: Event): void {
    const heap = this.#events
    heap.push(event)
    for (let at = heap.length - 1; at > 0;) {
      const above = (at - 1) >> 1
      if (!isBefore(event, heap[above])) break
      swap(heap, at, above)
      at = above
    }
  }

  #pop(): Event | undefined {
    const heap = this.#events
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    heap[0] = last
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (isBefore(heap[left], heap[least])) least = left
      if (isBefore(heap[right], heap[least])) least = right
      if (least === at) return first
      swap(heap, at, least)
      at = least
    }
  }
}

function isBefore(a: Event | undefined, b: Event | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function swap(heap: Event[], a: number, b: number): void {
  const [one, other] = [heap[a], heap[b]]
  if (one === undefined || other === undefined) return
  heap[a] = other
  heap[b] = one
}

/** When everything that waits for nothing but its turn has had it. */
const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })
