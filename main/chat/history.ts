import {
  decode, encode, equal, MlsError, opaque, struct, uint64, uint8, utf8, vector,
  type Extension, type Extensions, type Infer, type Suite,
} from '../mls/index.ts'

/**
 * What this device has seen win: a hash of each commit's record, and for a while its sealed bytes. With them a log that
 * lost its end is repaired, and one that tells two stories is found out. The bytes stay sealed under keys that are gone,
 * so keeping them costs no forward secrecy.
 */

/** How many commits of a group are remembered by hash. */
const rememberedCommits = 1_000
/** How long the bytes are kept. */
const keptBytesMs = 7 * 24 * 60 * 60 * 1000
/** How many of the newest slots are looked at again after an absence. */
export const checkedSlots = 3

/** The record that ended an epoch. `at`: when this device saw it win, milliseconds since 1970. */
const Passed = struct({
  version: uint8,
  epoch: uint64,
  log: utf8(100),
  slot: utf8(100),
  hash: opaque(64),
  /** Empty when they are not kept any more. */
  bytes: opaque(4_194_304),
  at: uint64,
})
export type Passed = Infer<typeof Passed>

const version = 1
export const encodePassed = (passed: Passed): Uint8Array => encode(Passed, passed)
export const decodePassed = (bytes: Uint8Array): Passed => {
  if (bytes[0] !== version) throw new MlsError('unsupported', 'a document of another version')
  return decode(Passed, bytes)
}

/** A private extension of a GroupInfo (RFC 9420 §17.3): newcomers learn which story of the group they came into. */
const storyExtension = 0xf0c4
const told = 64
const Told = struct({ version: uint8, seen: vector(struct({ epoch: uint64, hash: opaque(64) }), 8_192) })

/** The newest records that won as far as its maker knows, for a Welcome; the first is the one that lets them in. */
export const tellNewcomers = (history: readonly Seen[]): Extension => ({
  extensionType: storyExtension,
  extensionData: encode(Told, { version, seen: history.slice(0, told).map(({ epoch, hash }) => ({ epoch, hash })) }),
})

/** What the maker of a Welcome saw win, and what brings it about; of these records only the hashes are known. Nothing, where nothing was told. */
export function toldToNewcomer(extensions: Extensions, now: number): readonly Passed[] {
  const extension = extensions.find(({ extensionType }) => extensionType === storyExtension)
  if (extension?.extensionData[0] !== version) return []
  const none = new Uint8Array(0)
  return decode(Told, extension.extensionData).seen
    .map(({ epoch, hash }) => ({ version, epoch, log: '', slot: '', hash, bytes: none, at: BigInt(now) }))
}

/** The name of an epoch's document: sorted as the epochs are. */
export const passedKey = (room: string, epoch: bigint): string => `${room}.${String(epoch).padStart(20, '0')}`

/** The history after a commit won, newest first. */
export function withPassed(
  suite: Suite, history: readonly Passed[], won: Pick<Passed, 'epoch' | 'log' | 'slot' | 'bytes'>, now: number,
): readonly Passed[] {
  const passed: Passed = { version, ...won, hash: suite.hash(won.bytes), at: BigInt(now) }
  return [passed, ...withoutOldBytes(history, now)].slice(0, rememberedCommits)
}

/** The same history where nothing was too old. */
function withoutOldBytes(history: readonly Passed[], now: number): readonly Passed[] {
  const old = (one: Passed): boolean => one.bytes.length > 0 && Number(one.at) < now - keptBytesMs
  return history.some(old) ? history.map((one) => old(one) ? { ...one, bytes: new Uint8Array(0) } : one) : history
}

/** What somebody saw win at the end of an epoch. */
export type Seen = { readonly epoch: bigint, readonly hash: Uint8Array }
/** Where somebody is, and by which records they came there. */
export type Way = { readonly epoch: bigint, readonly seen: readonly Seen[] }

/** `same`, `ahead`, `behind`: both went the same way as far as both remember, and this device as far, further, less far. */
export type Comparison = 'same' | 'ahead' | 'behind' | 'ours-stays' | 'theirs-stays'

/**
 * Of two stories the one stays whose first differing record has the smaller hash: a rule that both sides compute, and
 * that nobody can bend without finding hashes. Without a common epoch there is nothing to compare.
 */
export function compareStories(ours: Way, theirs: Way): Comparison {
  const other = new Map(theirs.seen.map(({ epoch, hash }) => [epoch, hash]))
  const byEpoch = [...ours.seen].sort((a, b) => a.epoch < b.epoch ? -1 : 1)
  for (const { epoch, hash } of byEpoch) {
    const there = other.get(epoch)
    if (there === undefined || equal(there, hash)) continue
    return isSmaller(hash, there) ? 'ours-stays' : 'theirs-stays'
  }
  if (ours.epoch === theirs.epoch) return 'same'
  return ours.epoch > theirs.epoch ? 'ahead' : 'behind'
}

function isSmaller(a: Uint8Array, b: Uint8Array): boolean {
  for (const [at, octet] of a.entries()) {
    const difference = octet - (b[at] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return a.length < b.length
}
