import { nativeSuites, systemRandom } from '../../main/crypto/native.ts'
import { portableSuites } from '../../main/mls/portable.ts'
import type { Suite } from '../../main/mls/suite.ts'

/** Both implementations of one cipher suite. */
export type Pair = { readonly native: Suite, readonly portable: Suite }

const native = nativeSuites(systemRandom)
const portable = portableSuites(systemRandom)

export function pairOf(id: number): Pair {
  const [ofNative, ofPortable] = [native(id), portable(id)]
  if (ofNative === undefined || ofPortable === undefined) throw new Error(`suite ${id} is not there`)
  return { native: ofNative, portable: ofPortable }
}

/** Every suite of RFC 9420 §17.1. */
export const pairs: readonly Pair[] = [1, 2, 3, 4, 5, 6, 7].map(pairOf)
