import { MlsError } from '../../main/mls/error.ts'
import type { Codec } from '../../main/mls/codec.ts'
import { demand, samplesOf, type Target } from './target.ts'
import { formatTarget } from './format.ts'

// Targets with defects, which the fuzzer must find: a check that cannot fail is none.

const broken = (name: string, feed: (input: Uint8Array) => void, rest: Partial<Target> = {}): Target =>
  ({ name, ...samplesOf([new Uint8Array(8)]), feed, ...rest })

/** A presence octet that is taken for anything but 0. */
const lax: Codec<unknown> = {
  write: (writer, value) => { writer.uint(value === true ? 1 : 0, 1) },
  read: (reader) => reader.uint(1) > 0,
}

let changed = false

export const sabotage = {
  throws: broken('throws', (input) => { if (input.length > 8) throw new TypeError('not an MlsError') }),
  hangs: broken('hangs', (input) => { while (input.length > 8); }),
  allocates: broken('allocates', (input) => { if (input.length > 8) new Uint8Array(2 ** 26) }),
  hoards: broken('hoards', (input) => {
    if (input.length > 8) Array.from({ length: 2 ** 27 }, (_, at) => ({ at }))
  }),
  changes: broken('changes', (input) => {
    changed ||= input.length > 8
    throw new MlsError('refused', 'no')
  }, { verify: () => { demand(!changed, 'a group has changed') } }),
  forgets: broken('forgets', () => { throw new MlsError('refused', 'no') },
    { honest: () => { throw new MlsError('refused', 'nobody any more') } }),
  miscopies: { ...formatTarget({ name: '', codec: lax }), name: 'miscopies' },
} as const
