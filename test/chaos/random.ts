import { createCipheriv, createHash } from 'node:crypto'

/** Numbers and bytes that follow from a seed, so that a run can be repeated. */
export class SeededRandom {
  readonly #cipher

  constructor(seed: string) {
    const key = createHash('sha256').update(seed).digest()
    this.#cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  }

  bytes = (length: number): Uint8Array => new Uint8Array(this.#cipher.update(new Uint8Array(length)))

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Buffer.from(this.bytes(6)).readUIntBE(0, 6) % limit
  }

  /** True in `share` of all cases. */
  chance(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000
  }

  pick<T>(values: readonly T[]): T | undefined {
    return values.length === 0 ? undefined : values[this.below(values.length)]
  }
}
