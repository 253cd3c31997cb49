import { concat } from '../../main/mls/codec.ts'
import type { Dice } from './dice.ts'

// What may happen to bytes on their way, by accident or by malice.

/** Length headers at their borders (RFC 9420 §2.1.2): minimal and not, the longest ones, and the forbidden prefix. */
const lengths: readonly [Uint8Array, ...Uint8Array[]] = [
  Uint8Array.of(0x00), Uint8Array.of(0x3f), Uint8Array.of(0x40, 0x00), Uint8Array.of(0x40, 0x3f),
  Uint8Array.of(0x7f, 0xff), Uint8Array.of(0x80, 0x00, 0x00, 0x00), Uint8Array.of(0x80, 0xff, 0xff, 0xff),
  Uint8Array.of(0xbf, 0xff, 0xff, 0xff), Uint8Array.of(0xc0), Uint8Array.of(0xff, 0xff, 0xff, 0xff),
]

/** Places are chosen at the beginning more often: there stand the tags and the lengths of everything. */
const place = (bytes: Uint8Array, dice: Dice): number =>
  dice.below(1 + (dice.once(3) ? Math.min(bytes.length, 48) : bytes.length))

const replaced = (bytes: Uint8Array, at: number, by: Uint8Array, count: number = by.length): Uint8Array =>
  concat(bytes.subarray(0, at), by, bytes.subarray(Math.min(bytes.length, at + count)))

const part = (bytes: Uint8Array, dice: Dice): Uint8Array => {
  const at = dice.below(1 + bytes.length)
  return bytes.slice(at, at + 1 + dice.below(dice.pick([4, 40, bytes.length + 1])))
}

type Mutation = (bytes: Uint8Array, dice: Dice, others: readonly Uint8Array[]) => Uint8Array

const mutations: readonly [Mutation, ...Mutation[]] = [
  // Flip a bit.
  (bytes, dice) => {
    const at = place(bytes, dice)
    return replaced(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << dice.below(8))))
  },
  // Set a byte, mostly to a small or an extreme number.
  (bytes, dice) => replaced(bytes, place(bytes, dice), Uint8Array.of(dice.pick([0, 1, 2, 3, 0xff, dice.below(256)]))),
  // Set a few bytes at once: counts, indexes, epochs.
  (bytes, dice) => replaced(bytes, place(bytes, dice), new Uint8Array(dice.pick([2, 4, 8])).fill(dice.pick([0, 0xff]))),
  // Set a length to an extreme.
  (bytes, dice) => replaced(bytes, place(bytes, dice), dice.pick(lengths), dice.pick([1, 2, 4])),
  // Insert.
  (bytes, dice) => replaced(bytes, place(bytes, dice), dice.bytes(1 + dice.below(dice.pick([2, 40]))), 0),
  // Delete.
  (bytes, dice) => replaced(bytes, place(bytes, dice), new Uint8Array(0), 1 + dice.below(dice.pick([2, 40]))),
  // Duplicate a part, here or elsewhere.
  (bytes, dice) => replaced(bytes, place(bytes, dice), part(bytes, dice), dice.pick([0, 0, 4])),
  // Splice in a part of another message.
  (bytes, dice, others) => {
    const other = others[dice.below(others.length)] ?? bytes
    return replaced(bytes, place(bytes, dice), part(other, dice), dice.pick([0, 1, 40]))
  },
  // Cut the end off, or add one.
  (bytes, dice) => bytes.slice(0, place(bytes, dice)),
  (bytes, dice) => concat(bytes, dice.bytes(1 + dice.below(8))),
]

/** The bytes after one to four mutations. `others`: what may be spliced in. */
export function mutate(bytes: Uint8Array, dice: Dice, others: readonly Uint8Array[]): Uint8Array {
  let mutated = bytes
  for (let times = dice.pick([1, 1, 1, 2, 4]); times > 0; times--) mutated = dice.pick(mutations)(mutated, dice, others)
  return mutated
}
