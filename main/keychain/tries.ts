import { PortError } from '../ports.ts'

/** The first two are free: who mistypes is not punished. Then 1 s, 2 s, 4 s, and so on up to a minute. */
const freeTries = 2
const longestMs = 60_000

/** Makes guessing slower with every wrong passphrase. Kept in memory: a restart forgets it, Argon2id stays. */
export class Tries {
  /** Milliseconds of a clock that nobody sets. */
  readonly #now: () => number
  #wrong = 0
  #until = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** @throws PortError 'passphrase-wait' with the seconds left, and whatever `guess` throws */
  async guarded<T>(guess: () => Promise<T>): Promise<T> {
    const leftMs = this.#until - this.#now()
    if (leftMs > 0) throw new PortError('passphrase-wait', seconds(leftMs))
    try {
      const found = await guess()
      this.#wrong = 0
      return found
    } catch (error) {
      throw error instanceof PortError && error.code === 'passphrase-wrong' ? this.#count() : error
    }
  }

  #count(): PortError {
    this.#wrong++
    if (this.#wrong <= freeTries) return new PortError('passphrase-wrong')
    const waitMs = Math.min(longestMs, 1_000 * 2 ** (this.#wrong - freeTries - 1))
    this.#until = this.#now() + waitMs
    return new PortError('passphrase-wrong', seconds(waitMs))
  }
}

const seconds = (ms: number): string => String(Math.ceil(ms / 1_000))
