import { isDeepStrictEqual } from 'node:util'
import type { Codec } from '../../main/mls/codec.ts'
import { commit, merge, MlsError, protect, trusting, type Group } from '../../main/mls/index.ts'
import { bytes, snapshot } from '../mls/group-world.ts'
import type { Dice } from './dice.ts'
import { psks } from './scene.ts'

/** Something that takes bytes from others. */
export type Target = {
  readonly name: string
  /** Bytes as an honest person makes them, to be changed. */
  readonly sample: (dice: Dice) => Uint8Array
  /** What the bytes are, where it is known: their fields can then be changed one by one. */
  readonly codec?: Codec<unknown>
  /** More samples, to splice in parts of. */
  readonly others?: readonly Uint8Array[]
  /** Gives them to the engine. Returning is acceptance; throws what the engine throws, or a Finding. */
  readonly feed: (input: Uint8Array) => void
  /** Throws a Finding when something has changed that was to stay as it is. */
  readonly verify?: () => void
  /** Throws when an honest person is refused after all that. */
  readonly honest?: () => void
}

/** What must not happen: a defect of the engine, which a sample shows. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

export function demand(ok: boolean, what: string): void {
  if (!ok) throw new Finding(what)
}

/** How the tests' members judge. */
export const options = { authentication: trusting, psks } as const

/** A group that must stay as it is, whatever is done with it. */
export function unchanged(...groups: readonly Group[]): () => void {
  const before = groups.map(snapshot)
  return () => { demand(isDeepStrictEqual(groups.map(snapshot), before), 'a group has changed') }
}

export const samplesOf = (
  samples: readonly Uint8Array[], codec?: Codec<unknown>,
): Pick<Target, 'sample' | 'others' | 'codec'> => ({
  sample: (dice) => samples[dice.below(samples.length)] ?? new Uint8Array(0),
  others: samples,
  ...codec === undefined ? {} : { codec },
})

/** The group is one that can be used: what it cannot do, it refuses. */
export function use(group: Group): void {
  const uses = [
    () => protect(group, bytes('words')),
    () => commit(group, options),
    () => {
      const made = commit(group, { ...options, references: [], forcePath: true, wireFormat: 'privateMessage' })
      return protect(merge(made.group, made.pending).group, bytes('words'))
    },
  ]
  for (const each of uses) {
    try {
      each()
    } catch (error) {
      if (!(error instanceof MlsError)) throw error
    }
  }
}
