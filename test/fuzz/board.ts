import { openSync, readFileSync, writeSync } from 'node:fs'
import { concat, decode, encode, opaque, struct, uint32, type Infer } from '../../main/mls/codec.ts'

// What a process is busy with, in a file: its parent reads it when the process does not answer any more.

const Busy = struct({ progress: uint32, target: uint32, number: uint32, input: opaque(2 ** 24) })
export type Busy = Infer<typeof Busy>

/** Writes over what stands there, by one call. */
export function boardAt(file: string): (busy: Busy) => void {
  const descriptor = openSync(file, 'w')
  return (busy) => {
    const bytes = encode(Busy, busy)
    writeSync(descriptor, concat(encode(uint32, bytes.length), bytes), 0, undefined, 0)
  }
}

/** `undefined`: nothing was begun yet, or it is just being written. */
export function readBoard(file: string): Busy | undefined {
  try {
    const bytes = new Uint8Array(readFileSync(file))
    const length = decode(uint32, bytes.slice(0, 4))
    return decode(Busy, bytes.slice(4, 4 + length))
  } catch {
    return undefined
  }
}
