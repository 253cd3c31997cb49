import { MlsError } from '../../main/mls/error.ts'
import { Reader, type Codec } from '../../main/mls/codec.ts'
import type { Dice } from './dice.ts'

/**
 * A reader without bytes, which makes up what is asked of it. What a codec reads from it is an arbitrary value of the
 * codec's type: whoever declares a codec has declared how to test it.
 */
class Dream extends Reader {
  readonly #dice: Dice
  readonly #depth: number
  #left: number

  constructor(dice: Dice, depth: number, left: number) {
    super(new Uint8Array(0))
    this.#dice = dice
    this.#depth = depth
    this.#left = left
  }

  override get left(): number {
    return this.#left
  }

  /** Every value takes a step, so that a vector ends. */
  #step(): void {
    this.#left = Math.max(0, this.#left - 1)
  }

  override bytes(count: number): Uint8Array {
    this.#step()
    // Zeros now and then: padding is nothing else.
    return this.#dice.once(4) ? new Uint8Array(count) : this.#dice.bytes(count)
  }

  /** Mostly small: tags, presence octets and versions are. */
  override uint(size: number): number {
    this.#step()
    const largest = 256 ** size - 1
    switch (this.#dice.below(8)) {
      case 0: return this.#dice.below(largest + 1)
      case 1: return this.#dice.pick([largest, largest - 1, 0, 256 ** (size - 1)])
      default: return Math.min(largest, this.#dice.below(this.#dice.pick([4, 4, 10])))
    }
  }

  override length(limit: number): number {
    this.#step()
    // Now and then as long as it may be, or where the header grows (RFC 9420 §2.1.2).
    if (this.#dice.once(40)) return Math.min(limit, this.#dice.pick([0x3f, 0x40, 0x3fff, 0x4000, limit]), 0x5000)
    return Math.min(limit, this.#dice.below(this.#dice.pick([1, 5, 33, 33, 65])))
  }

  override vector(): Reader {
    this.#step()
    // `left` is a budget of steps: a list of about as many fields.
    const steps = this.#depth > 4 ? 0 : this.#dice.below(this.#dice.pick([1, 8, 24]))
    return new Dream(this.#dice, this.#depth + 1, steps)
  }
}

/** An arbitrary value of a codec's type; `undefined` when luck ran out, which is rare. */
export function dream<T>(codec: Codec<T>, dice: Dice): { readonly value: T } | undefined {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      return { value: codec.read(new Dream(dice, 0, dice.below(3))) }
    } catch (error) {
      // A tag that is no tag, or a field whose own rules the dream does not know.
      if (!(error instanceof MlsError)) throw error
    }
  }
  return undefined
}
