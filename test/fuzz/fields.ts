import { Reader, Writer, type Codec } from '../../main/mls/codec.ts'
import type { Dice } from './dice.ts'

// The fields of an encoding, as its codec reads them: one is changed, and every length around it is right again.
// Bytes that are changed blindly mostly die at a length.

type Field =
  | { readonly kind: 'uint', readonly size: number, readonly value: number }
  /** Bytes with a length before them, or without one where the codec knows it. */
  | { readonly kind: 'bytes', readonly headed: boolean, readonly value: Uint8Array }
  | { readonly kind: 'vector', readonly fields: Field[] }

/** A reader that keeps what was read from it. */
class Tracer extends Reader {
  readonly fields: Field[] = []
  #headed = false

  override uint(size: number): number {
    const value = super.uint(size)
    this.fields.push({ kind: 'uint', size, value })
    return value
  }

  override length(limit: number): number {
    const before = this.fields.length
    const value = super.length(limit)
    this.fields.length = before // The octets of the header, which are written anew.
    this.#headed = true
    return value
  }

  override bytes(count: number): Uint8Array {
    const value = super.bytes(count)
    this.fields.push({ kind: 'bytes', headed: this.#headed, value })
    this.#headed = false
    return value
  }

  override vector(limit: number): Reader {
    const inner = new Tracer(super.bytes(this.length(limit)))
    this.#headed = false
    this.fields.push({ kind: 'vector', fields: inner.fields })
    return inner
  }
}

function write(writer: Writer, fields: readonly Field[]): void {
  for (const field of fields) {
    switch (field.kind) {
      case 'uint': writer.uint(field.value, field.size); break
      case 'bytes':
        if (field.headed) writer.length(field.value.length)
        writer.bytes(field.value)
        break
      case 'vector': writer.vector(2 ** 30 - 1, (inner) => { write(inner, field.fields) }); break
    }
  }
}

type Place = { readonly list: Field[], readonly at: number, readonly field: Field }

const placesIn = (list: Field[]): readonly Place[] => list.flatMap((field, at): readonly Place[] =>
  [{ list, at, field }, ...field.kind === 'vector' ? placesIn(field.fields) : []])

function changedUint(dice: Dice, size: number, value: number): number {
  const limit = 256 ** size
  const next = dice.pick([0, 1, 2, 3, value + 1, value - 1, limit - 1, limit / 2, value ^ 1, dice.below(limit)])
  return Math.min(limit - 1, Math.max(0, next))
}

/** Another value, the value of a field elsewhere, or a value of another length. */
function changedBytes(dice: Dice, value: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const other = others[dice.below(others.length)] ?? value
  const alike = others.filter(({ length }) => length === value.length)
  switch (dice.below(6)) {
    case 0: {
      const flipped = value.slice()
      const at = dice.below(flipped.length)
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << dice.below(8))
      return flipped
    }
    case 1: return alike[dice.below(alike.length)] ?? other
    case 2: return other
    case 3: return value.slice(0, dice.below(value.length))
    case 4: return Uint8Array.of(...value, ...dice.bytes(1 + dice.below(3)))
    default: return new Uint8Array(dice.pick([0, value.length])).fill(dice.pick([0, 0xff]))
  }
}

/** Some fields of a list fewer, twice or many times, or in another order. */
function changeList(dice: Dice, list: Field[]): void {
  const at = dice.below(list.length + 1)
  const some = list.slice(at, at + 1 + dice.below(dice.pick([2, 12, list.length + 1])))
  switch (dice.below(5)) {
    case 0: list.splice(at, some.length); break
    case 3: for (let times = dice.pick([2, 50, 300]); times > 0; times--) list.splice(at, 0, ...some); break
    case 1: list.splice(at, 0, ...some); break
    case 2: list.splice(at, some.length, ...some.toReversed()); break
    default: list.length = 0
  }
}

/** The encoding with a few of its fields changed; `undefined` where it is none. */
export function changeFields(codec: Codec<unknown>, bytes: Uint8Array, dice: Dice): Uint8Array | undefined {
  const tracer = new Tracer(bytes)
  try {
    codec.read(tracer)
  } catch {
    return undefined
  }
  for (let times = dice.pick([1, 1, 2, 3]); times > 0; times--) {
    const places = placesIn(tracer.fields)
    const place = places[dice.below(places.length)]
    if (place === undefined) continue
    const { list, at, field } = place
    switch (field.kind) {
      case 'uint': list[at] = { ...field, value: changedUint(dice, field.size, field.value) }; break
      case 'bytes': {
        const others = places.flatMap((each) => each.field.kind === 'bytes' ? [each.field.value] : [])
        list[at] = { ...field, value: changedBytes(dice, field.value, others) }
        break
      }
      case 'vector': changeList(dice, field.fields); break
    }
  }
  const writer = new Writer()
  write(writer, tracer.fields)
  return writer.finish()
}
