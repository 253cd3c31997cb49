/**
 * Bytes that must not be printed, serialised by accident, or outlive their use. Whoever commits the transition that
 * drops a secret wipes it (RFC 9420 §9.2: consumed values are deleted).
 */
export class Secret {
  #bytes: Uint8Array

  /** Takes ownership of `bytes`: they are zeroed by `wipe`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The bytes themselves, for a primitive or a codec; never for a message, a log or a Change. */
  unwrap(): Uint8Array {
    return this.#bytes
  }

  get length(): number {
    return this.#bytes.length
  }

  /** Zeroes the bytes, as far as JavaScript allows: copies made by the engine underneath are out of reach. */
  wipe(): void {
    this.#bytes.fill(0)
  }

  toString(): string {
    return `Secret(${this.#bytes.length} bytes)`
  }

  toJSON(): never {
    throw new TypeError('a Secret cannot be serialised; use its codec')
  }
}
