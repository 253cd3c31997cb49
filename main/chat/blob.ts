import { encode, expandWithLabel, fixed, MlsError, struct, uint32, uint64, uint8, type Suite } from '../mls/index.ts'
import { bucketOf } from './sealed.ts'

/**
 * The bytes of an attachment on the log `b.<id>`: chunks in slots of that log, each sealed under a key that the message
 * carries (docs/attachments.md). A chunk's nonce and additional data name its place and the size of the whole, so that
 * none can be left out, put elsewhere, or taken from another attachment; sealing one again gives the same bytes.
 */

/** Bytes of a chunk before it is sealed; those of the last one are filled up with zeros (sealed.ts `bucketOf`). */
export const chunkBytes = 262_144
export const chunksOf = (size: number): number => Math.max(1, Math.ceil(size / chunkBytes))

/** What a message says of where the bytes are. */
export type BlobPlace = { readonly blob: Uint8Array, readonly key: Uint8Array, readonly size: number }

const AdditionalData = struct({ version: uint8, blob: fixed(16), size: uint64, chunk: uint32 })

function keysOf(suite: Suite, { blob, key, size }: BlobPlace, chunk: number) {
  const both = expandWithLabel(suite, key, 'coppice blob', blob, suite.keyLength + suite.nonceLength)
  const nonce = both.subarray(suite.keyLength)
  // As RFC 9180 §5.2 makes nonces: the number of the chunk in the last octets.
  const counter = encode(uint32, chunk)
  for (const [at, octet] of counter.entries()) {
    const place = nonce.length - counter.length + at
    nonce[place] = (nonce[place] ?? 0) ^ octet
  }
  const additional = encode(AdditionalData, { version: 1, blob, size: BigInt(size), chunk })
  return { key: both.subarray(0, suite.keyLength), nonce, additional }
}

const lengthOf = (size: number, chunk: number): number => Math.min(chunkBytes, size - chunk * chunkBytes)

export function sealBlobChunk(suite: Suite, place: BlobPlace, chunk: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== lengthOf(place.size, chunk)) throw new MlsError('misuse', 'a chunk of another size')
  const padded = new Uint8Array(bucketOf(bytes.length))
  padded.set(bytes)
  const { key, nonce, additional } = keysOf(suite, place, chunk)
  const sealed = suite.seal(key, nonce, additional, padded)
  key.fill(0)
  padded.fill(0)
  return sealed
}

/** Throws `MlsError` for bytes that the sender of the message did not put there. */
export function openBlobChunk(suite: Suite, place: BlobPlace, chunk: number, sealed: Uint8Array): Uint8Array {
  const { key, nonce, additional } = keysOf(suite, place, chunk)
  const padded = suite.open(key, nonce, additional, sealed)
  key.fill(0)
  const length = lengthOf(place.size, chunk)
  if (padded?.length !== bucketOf(length)) throw new MlsError('malformed', 'a chunk that its sender did not seal')
  return padded.slice(0, length)
}
