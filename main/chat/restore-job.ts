import {
  choice, decode, encode, fixed, fromHex, MlsError, secret, struct, toHex, uint32, uint64, uint8, utf8, vector, type Secret,
} from '../mls/index.ts'
import { milliseconds } from '../identity/fields.ts'

/** How far taking in a backup has come, so that it goes on after any end of the program (main/app/restoring.ts). */

const Job = struct({
  version: uint8,
  /** Of the backup (main/app/backup-check.ts). */
  id: fixed(32),
  startedAt: milliseconds,
  /** Messages that were not here when it began. */
  added: uint32,
  /** Where the entries of each conversation begin. */
  bases: vector(struct({ conversation: fixed(16), base: uint64 }), 10_000_000),
  state: choice(uint8, {
    /** Where it lies, and what opens this backup and no other. */
    going: [1, struct({ token: utf8(400), key: secret(16) })],
    /** It was stopped or failed: what is here keeps its place, should it be taken in again. */
    stopped: [2, struct({})],
  }),
})

/** `bases` by conversation. */
export type RestoreJob = {
  readonly id: string
  readonly startedAt: number
  readonly added: number
  readonly bases: ReadonlyMap<string, number>
  readonly going: { readonly token: string, readonly key: Secret } | undefined
}

export const encodeJob = ({ id, startedAt, added, bases, going }: RestoreJob): Uint8Array => encode(Job, {
  version: 1, id: fromHex(id), startedAt, added,
  bases: [...bases].map(([conversation, base]) => ({ conversation: fromHex(conversation), base: BigInt(base) })),
  state: going === undefined ? { type: 'stopped' } : { type: 'going', ...going },
})

export function decodeJob(bytes: Uint8Array): RestoreJob {
  if (bytes[0] !== 1) throw new MlsError('unsupported', 'a restore of another version')
  const { id, startedAt, added, bases, state } = decode(Job, bytes)
  return {
    id: toHex(id), startedAt, added,
    bases: new Map(bases.map(({ conversation, base }) => [toHex(conversation), Number(base)])),
    going: state.type === 'going' ? { token: state.token, key: state.key } : undefined,
  }
}
