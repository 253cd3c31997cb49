import { decode, encode, equal } from '../../main/mls/codec.ts'
import { MlsError } from '../../main/mls/error.ts'
import { allocated } from './allocation.ts'
import type { Format } from './codecs.ts'
import { dream } from './dream.ts'
import { demand, Finding, type Target } from './target.ts'

/** Bytes that claim to be of a format. */
export const formatTarget = ({ name, codec }: Format): Target => ({
  name: `format ${name}`,
  codec,
  sample: (dice) => {
    const dreamt = dream(codec, dice)
    return dreamt === undefined ? new Uint8Array(0) : encode(codec, dreamt.value)
  },
  feed: (input) => {
    const before = allocated()
    let value: unknown
    try {
      value = decode(codec, input)
    } catch (error) {
      if (!(error instanceof MlsError)) throw error
      demand(error.code === 'malformed' || error.code === 'unsupported', `bytes are ${error.code}: ${error.message}`)
      throw error
    } finally {
      // A reader copies what it keeps, and each octet once.
      const taken = allocated() - before
      demand(taken <= input.length, `reading ${input.length} bytes took arrays of ${taken}`)
    }
    demand(equal(written(codec, value), input), 'read, and not written again as it was')
  },
})

function written(codec: Format['codec'], value: unknown): Uint8Array {
  try {
    return encode(codec, value)
  } catch (error) {
    throw new Finding(`read, and cannot be written again: ${String(error)}`)
  }
}
