/** Messages that are looked for while somebody types. */
import type { Answer, ArgumentOf, CallName, FoundMessage, ResultOf } from '../preload/api.ts'

const limit = 50
/** A pause in typing. */
const pauseMs = 120

type Asker = { ask<N extends CallName>(name: N, argument: ArgumentOf<N>): Promise<Answer<ResultOf<N>>> }

export class Search {
  found = $state.raw<readonly FoundMessage[]>([])
  names = $state.raw<Readonly<Record<string, string>>>({})
  more = $state(false)
  /** What `found` is the answer to; nothing is said of what was not answered yet. */
  answered = $state('')
  readonly #asker: Asker
  #timer: ReturnType<typeof setTimeout> | undefined
  #asked = 0

  constructor(asker: Asker) {
    this.#asker = asker
  }

  /** Looks for this from now on; an empty text looks for nothing. */
  look(text: string): void {
    clearTimeout(this.#timer)
    const asked = ++this.#asked
    if (text === '') {
      this.#take('', { found: [], names: {}, more: false })
      return
    }
    this.#timer = setTimeout(() => { void this.#ask(text, asked) }, pauseMs)
  }

  async #ask(text: string, asked: number): Promise<void> {
    const answer = await this.#asker.ask('search', { text, limit })
    // Somebody typed on.
    if (asked !== this.#asked) return
    this.#take(text, answer.ok ? answer.value : { found: [], names: {}, more: false })
  }

  #take(text: string, { found, names, more }: ResultOf<'search'>): void {
    this.answered = text
    this.found = found
    this.names = names
    this.more = more
  }
}
