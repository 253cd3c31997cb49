/** Choices that follow from a name: the same name gives the same choices, on every machine. */
export class Dice {
  #state: number

  constructor(name: string) {
    // FNV-1a, 32 bits.
    this.#state = 0x811c9dc5
    for (const octet of new TextEncoder().encode(name)) this.#state = Math.imul(this.#state ^ octet, 0x01000193)
  }

  /** A whole number from 0 to below `limit` (at most 2^32): splitmix32. */
  below(limit: number): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state ^ (this.#state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return Math.floor(((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32 * limit)
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[this.below(from.length)] ?? from[0]
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}
