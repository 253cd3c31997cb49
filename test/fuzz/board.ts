/** What a thread is busy with, for a parent to read when the thread does not answer any more. */
export type Board = { readonly numbers: Int32Array, readonly bytes: Uint8Array }

const capacity = 2 ** 20
const header = 16

export const newBoard = (): SharedArrayBuffer => new SharedArrayBuffer(header + capacity)

export const boardOf = (shared: SharedArrayBuffer): Board =>
  ({ numbers: new Int32Array(shared, 0, header / 4), bytes: new Uint8Array(shared, header) })

type Busy = { readonly target: number, readonly number: number, readonly input: Uint8Array }

/** An input longer than a mebibyte is cut: its beginning tells. */
export function write({ numbers, bytes }: Board, { target, number, input }: Busy): void {
  const shown = input.subarray(0, capacity)
  numbers.set([target, number, shown.length], 1)
  bytes.set(shown)
  Atomics.add(numbers, 0, 1)
}

/** How many samples were begun. */
export const progress = ({ numbers }: Board): number => Atomics.load(numbers, 0)

export const read = ({ numbers, bytes }: Board): Busy =>
  ({ target: numbers[1] ?? 0, number: numbers[2] ?? 0, input: bytes.slice(0, numbers[3]) })
