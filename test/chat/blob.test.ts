import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { chunkBytes, chunksOf, openBlobChunk, sealBlobChunk, type BlobPlace } from '../../main/chat/blob.ts'
import { nativeSuites } from '../../main/crypto/native.ts'
import { MlsError, portableSuites } from '../../main/mls/index.ts'

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const suites = [nativeSuites(random)(1), portableSuites(random)(1)].flatMap((suite) => suite ?? [])
const [suite] = suites
assert.ok(suite !== undefined && suites.length === 2)
const place = (size: number): BlobPlace => ({ blob: random(16), key: random(32), size })
const chunkOf = (bytes: Uint8Array, chunk: number): Uint8Array => bytes.slice(chunk * chunkBytes, (chunk + 1) * chunkBytes)

test('what was sealed in chunks opens again, the same on both implementations, and sealing again gives the same bytes', () => {
  for (const size of [0, 1, 255, 256, 257, 70_000, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes]) {
    const bytes = random(size)
    const at = place(size)
    const opened = Array.from({ length: chunksOf(size) }, (_, chunk): Uint8Array => {
      const [sealed, other] = suites.map((one) => sealBlobChunk(one, at, chunk, chunkOf(bytes, chunk)))
      assert.ok(sealed !== undefined && other !== undefined)
      assert.deepEqual(sealed, other)
      return openBlobChunk(suite, at, chunk, sealed)
    })
    assert.deepEqual(Buffer.concat(opened), Buffer.from(bytes))
  }
  assert.deepEqual([0, 1, chunkBytes, chunkBytes + 1].map(chunksOf), [1, 1, 1, 2])
})

test('sizes on the log are few, and chunks of one attachment share no key stream', () => {
  const sizes = new Set(Array.from({ length: 500 }, (_, at) => sealBlobChunk(suite, place(at * 500), 0, new Uint8Array(Math.min(at * 500, chunkBytes))).length))
  assert.ok(sizes.size <= 12, String(sizes.size))
  const at = place(3 * chunkBytes)
  const zeros = new Uint8Array(chunkBytes)
  const starts = [0, 1, 2].map((chunk) => Buffer.from(sealBlobChunk(suite, at, chunk, zeros).subarray(0, 32)).toString('hex'))
  assert.equal(new Set(starts).size, 3)
})

test('a chunk that was moved, changed, cut, or taken from another attachment does not open', () => {
  const size = 2 * chunkBytes + 100
  const at = place(size)
  const bytes = random(size)
  const [first, second, last] = [0, 1, 2].map((chunk) => sealBlobChunk(suite, at, chunk, chunkOf(bytes, chunk)))
  assert.ok(first !== undefined && second !== undefined && last !== undefined)
  const refused = (of: BlobPlace, chunk: number, sealed: Uint8Array): void => {
    assert.throws(() => openBlobChunk(suite, of, chunk, sealed), MlsError)
  }
  refused(at, 1, first)
  refused(at, 0, second)
  refused(at, 2, first.slice(0, last.length))
  for (const one of [first.slice(0, -1), first.slice(1), new Uint8Array(0), Uint8Array.from([...last, 0])]) refused(at, 0, one)
  for (const flipped of [0, 1000, first.length - 1]) {
    const changed = first.slice()
    changed[flipped] = (changed[flipped] ?? 0) ^ 1
    refused(at, 0, changed)
  }
  refused({ ...at, blob: random(16) }, 0, first)
  refused({ ...at, key: random(32) }, 0, first)
  // Fewer chunks than its sender made: the size is part of each.
  refused({ ...at, size: chunkBytes }, 0, first)
  assert.throws(() => sealBlobChunk(suite, at, 2, new Uint8Array(99)), { code: 'misuse' })
})
