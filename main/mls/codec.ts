import { MlsError } from './error.ts'
import { rules, type RuleId } from './rules.ts'
import { Secret } from './secret.ts'

/**
 * A value with `encode` and `decode` for one type: declaring it is declaring the wire format (RFC 9420 §2.1, the TLS
 * presentation language of RFC 8446 §3 with the variable-length vectors of §2.1.2).
 *
 * Strict: minimal lengths, presence octet 0 or 1, the whole input consumed, a limit for every vector. Decoding throws
 * `MlsError('malformed')` and nothing else; decode then encode gives the same bytes.
 */
export interface Codec<T> {
  write(writer: Writer, value: T): void
  read(reader: Reader): T
}

/** The type of a codec's values. */
export type Infer<C> = C extends Codec<infer T> ? T : never

/** Says which requirement bytes break that are not the encoding they should be. */
export const malformed = (rule: RuleId): never => {
  throw new MlsError('malformed', rules[rule].sentence, rule)
}

/** A zeroed buffer for the next writer: making one costs more than filling it. */
let spare: Uint8Array<ArrayBuffer> | undefined
const spareLength = 4_096

/** A growing buffer of bytes; `finish` empties it. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor() {
    this.#bytes = spare ?? new Uint8Array(spareLength)
    spare = undefined
  }

  /** Room for `count` more bytes, and where it begins. */
  #grow(count: number): number {
    const start = this.#length
    const needed = start + count
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, start))
      this.#bytes.fill(0) // It may hold secrets; the copy is all that stays.
      this.#bytes = larger
    }
    this.#length = needed
    return start
  }

  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length) // Before `#bytes` is looked at: growing replaces it.
    this.#bytes.set(value, at)
  }

  /** Big-endian, `size` octets (1 to 6). */
  uint(value: number, size: number): void {
    let at = this.#grow(size) + size
    let rest = value
    for (let octet = 0; octet < size; octet++) {
      this.#bytes[--at] = rest % 256
      rest = Math.floor(rest / 256)
    }
  }

  /** A vector header: 1, 2 or 4 octets whose top two bits say how many (RFC 9420 §2.1.2). */
  length(value: number): void {
    if (value < 0x40) this.uint(value, 1)
    else if (value < 0x4000) this.uint(value + 0x4000, 2)
    else if (value < 0x4000_0000) this.uint(value + 0x8000_0000, 4)
    else throw new MlsError('misuse', 'a vector of more than 2^30 - 1 bytes cannot be encoded')
  }

  /** What `write` appends, at most `limit` bytes, behind its length. */
  vector(limit: number, write: (body: Writer) => void): void {
    const header = this.#grow(1) // Mostly enough; else the body moves to the right, once it is known.
    write(this)
    const start = header + 1
    const length = this.#length - start
    if (length > limit) throw new MlsError('misuse', `a list of ${length} bytes where ${limit} are allowed`)
    const more = length < 0x40 ? 0 : length < 0x4000 ? 1 : 3
    this.#grow(more)
    if (more > 0) this.#bytes.copyWithin(start + more, start, start + length)
    const end = this.#length
    this.#length = header
    this.length(length)
    this.#length = end
  }

  finish(): Uint8Array {
    const result = this.#bytes.slice(0, this.#length)
    this.#bytes.fill(0, 0, this.#length)
    if (this.#bytes.length === spareLength) spare = this.#bytes
    this.#bytes = new Uint8Array(0)
    this.#length = 0
    return result
  }
}

/** A window on bytes that only moves forward. */
export class Reader {
  readonly #bytes: Uint8Array
  #at: number
  readonly #end: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get left(): number {
    return this.#end - this.#at
  }

  #take(count: number): number {
    if (count > this.left) malformed('2.1.truncated')
    const start = this.#at
    this.#at += count
    return start
  }

  /** A copy of the next `count` bytes. */
  bytes(count: number): Uint8Array {
    const start = this.#take(count)
    return this.#bytes.slice(start, start + count)
  }

  uint(size: number): number {
    const start = this.#take(size)
    let value = 0
    for (let octet = 0; octet < size; octet++) value = value * 256 + (this.#bytes[start + octet] ?? 0)
    return value
  }

  length(limit: number): number {
    const first = this.uint(1)
    const prefix = first >> 6
    // RFC 9420 §2.1.2: "Vectors that start with the prefix '11' are invalid and MUST be rejected."
    if (prefix === 3) malformed('2.1.length-prefix')
    const size = 1 << prefix
    const value = size === 1 ? first : (first & 0x3f) * 256 ** (size - 1) + this.uint(size - 1)
    // RFC 9420 §2.1.2: the encoding MUST use the minimum number of bits.
    if ((size === 2 && value < 0x40) || (size === 4 && value < 0x4000)) malformed('2.1.minimal-length')
    if (value > limit) malformed('2.1.limit')
    return value
  }

  /** A reader of the next vector's bytes. */
  vector(limit: number): Reader {
    const length = this.length(limit)
    const start = this.#take(length)
    return new Reader(this.#bytes, start, start + length)
  }

  end(): void {
    if (this.left !== 0) malformed('2.1.trailing')
  }
}

/** The bytes of a value. Throws `MlsError('misuse')` when the value cannot be encoded. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer()
  codec.write(writer, value)
  return writer.finish()
}

/** The value of exactly these bytes. Throws `MlsError('malformed')` with the rule that they break. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes)
  const value = codec.read(reader)
  reader.end()
  return value
}

const uint = (size: number): Codec<number> => ({
  write: (writer, value) => {
    if (!Number.isInteger(value) || value < 0 || value >= 256 ** size) {
      throw new MlsError('misuse', `not a whole number of ${size} octets`)
    }
    writer.uint(value, size)
  },
  read: (reader) => reader.uint(size),
})

/** One octet. */
export const uint8 = uint(1)
/** Two octets, big-endian. */
export const uint16 = uint(2)
/** Four octets, big-endian. */
export const uint32 = uint(4)

/** 64 bits: epochs and times in seconds (RFC 9420 §6, §7.2). */
export const uint64: Codec<bigint> = {
  write: (writer, value) => {
    if (value < 0n || value >= 1n << 64n) throw new MlsError('misuse', 'not a whole number of 8 octets')
    writer.uint(Number(value >> 32n), 4)
    writer.uint(Number(value & 0xffff_ffffn), 4)
  },
  read: (reader) => (BigInt(reader.uint(4)) << 32n) | BigInt(reader.uint(4)),
}

/** Exactly `length` bytes, without a header; others are misuse. */
export const fixed = (length: number): Codec<Uint8Array> => ({
  write: (writer, value) => {
    if (value.length !== length) throw new MlsError('misuse', `${value.length} bytes where ${length} are needed`)
    writer.bytes(value)
  },
  read: (reader) => reader.bytes(length),
})

/** `opaque x<V>` (RFC 9420 §2.1.2) of at most `limit` bytes: more are malformed when read, misuse when written. */
export const opaque = (limit: number): Codec<Uint8Array> => ({
  write: (writer, value) => {
    if (value.length > limit) throw new MlsError('misuse', `${value.length} bytes where at most ${limit} are allowed`)
    writer.length(value.length)
    writer.bytes(value)
  },
  read: (reader) => reader.bytes(reader.length(limit)),
})

/** `opaque x<V>` that is secret: only for stored state, never for the wire. */
export const secret = (limit: number): Codec<Secret> => {
  const bytes = opaque(limit)
  return {
    write: (writer, value) => { bytes.write(writer, value.unwrap()) },
    read: (reader) => new Secret(bytes.read(reader)),
  }
}

/** `T x<V>` (RFC 9420 §2.1.2): values until the vector of at most `limit` bytes, not elements, ends. */
export const vector = <T>(of: Codec<T>, limit: number): Codec<readonly T[]> => ({
  write: (writer, values) => {
    writer.vector(limit, (body) => { for (const value of values) of.write(body, value) })
  },
  read: (reader) => {
    const inner = reader.vector(limit)
    const values: T[] = []
    while (inner.left > 0) {
      const before = inner.left
      values.push(of.read(inner))
      if (inner.left === before) malformed('2.1.limit') // A type of no bytes would repeat for ever.
    }
    return values
  },
})

/** `optional<T>`: a presence octet, then the value (RFC 9420 §2.1.1). */
export const optional = <T>(of: Codec<T>): Codec<T | undefined> => ({
  write: (writer, value) => {
    writer.uint(value === undefined ? 0 : 1, 1)
    if (value !== undefined) of.write(writer, value)
  },
  read: (reader) => {
    const presence = reader.uint(1)
    if (presence > 1) return malformed('2.1.presence')
    return presence === 1 ? of.read(reader) : undefined
  },
})

type Fields = Readonly<Record<string, Codec<unknown>>>
export type StructOf<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> }

/** A struct: the fields in the order they are written here, which is the order of the RFC. */
export const struct = <const F extends Fields>(fields: F): Codec<StructOf<F>> => {
  const entries = Object.entries(fields)
  return {
    write: (writer, value) => {
      for (const [name, codec] of entries) codec.write(writer, (value as Record<string, unknown>)[name])
    },
    read: (reader) => {
      const value: Record<string, unknown> = {}
      for (const [name, codec] of entries) value[name] = codec.read(reader)
      return value as StructOf<F>
    },
  }
}

/** A struct without fields: no bytes. */
export const empty = struct({})

type Arms = Readonly<Record<string, readonly [number, Codec<unknown>]>>
export type ChoiceOf<A extends Arms> = { [K in keyof A]: { readonly type: K } & Infer<A[K][1]> }[keyof A]

/**
 * `select` on a tag: a union whose arms carry the literal `type`. A tag without an arm is malformed.
 */
export const choice = <const A extends Arms>(tag: Codec<number>, arms: A): Codec<ChoiceOf<A>> => {
  const byTag = new Map(Object.entries(arms).map(([type, [number, codec]]) => [number, { type, codec }]))
  return {
    write: (writer, value) => {
      const arm = arms[value.type as string]
      if (arm === undefined) throw new MlsError('misuse', `no such type: ${String(value.type)}`)
      tag.write(writer, arm[0])
      arm[1].write(writer, value)
    },
    read: (reader) => {
      const arm = byTag.get(tag.read(reader))
      if (arm === undefined) return malformed('2.1.enum')
      return { type: arm.type, ...(arm.codec.read(reader) as object) } as ChoiceOf<A>
    },
  }
}

/** A choice whose unlisted tags are carried through as `{type: 'custom', tag, data}` (RFC 9420 §13). */
export const openChoice = <const A extends Arms>(
  tag: Codec<number>, arms: A, limit: number,
): Codec<ChoiceOf<A> | { readonly type: 'custom', readonly tag: number, readonly data: Uint8Array }> => {
  const known = choice(tag, arms)
  const byTag = new Map(Object.entries(arms).map(([type, [number, codec]]) => [number, { type, codec }]))
  const data = opaque(limit)
  return {
    write: (writer, value) => {
      if (value.type !== 'custom') {
        known.write(writer, value as ChoiceOf<A>)
        return
      }
      const custom = value as { readonly tag: number, readonly data: Uint8Array }
      if (byTag.has(custom.tag)) throw new MlsError('misuse', `${custom.tag} is not a custom type`)
      tag.write(writer, custom.tag)
      data.write(writer, custom.data)
    },
    read: (reader) => {
      const number = tag.read(reader)
      const arm = byTag.get(number)
      if (arm === undefined) return { type: 'custom', tag: number, data: data.read(reader) }
      return { type: arm.type, ...(arm.codec.read(reader) as object) } as ChoiceOf<A>
    },
  }
}

/** An enum without fields: its name as a literal. An unlisted number is malformed. */
export const names = <const N extends Readonly<Record<string, number>>>(tag: Codec<number>, of: N): Codec<keyof N> => {
  const byNumber = new Map(Object.entries(of).map(([name, number]) => [number, name]))
  return {
    write: (writer, value) => {
      const number = of[value as string]
      if (number === undefined) throw new MlsError('misuse', `no such name: ${String(value)}`)
      tag.write(writer, number)
    },
    read: (reader) => byNumber.get(tag.read(reader)) ?? malformed('2.1.enum'),
  }
}

/** The same bytes as another type: `to` on reading, `from` on writing. */
export const mapped = <T, U>(codec: Codec<T>, to: (value: T) => U, from: (value: U) => T): Codec<U> => ({
  write: (writer, value) => { codec.write(writer, from(value)) },
  read: (reader) => to(codec.read(reader)),
})

/** UTF-8 text of at most `limit` bytes; other bytes are malformed. Writing makes half a surrogate pair U+FFFD. */
export const utf8 = (limit: number): Codec<string> => {
  const bytes = opaque(limit)
  return {
    write: (writer, value) => { bytes.write(writer, new TextEncoder().encode(value)) },
    read: (reader) => {
      const raw = bytes.read(reader)
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw)
      } catch {
        throw new MlsError('malformed', 'not UTF-8')
      }
    },
  }
}

/** Whether two byte strings are equal; the time depends on the lengths only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0)
  return difference === 0
}

/** One byte string after another, in a new array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.length
  }
  return result
}

/** Lower-case hexadecimal digits. */
export const toHex = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += octets[byte] ?? ''
  return text
}
const octets = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

/** The bytes of hexadecimal digits. Throws `MlsError('malformed')` for anything else. */
export const fromHex = (text: string): Uint8Array => {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new MlsError('malformed', 'not hexadecimal digits')
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16))
}
