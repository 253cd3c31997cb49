import assert from 'node:assert/strict'
import { fromHex, Reader, toHex, Writer } from '../../../main/mls/codec.ts'

type Deserialization = { readonly vlbytes_header: string, readonly length: number }

/** The headers of variable-length vectors (RFC 9420 §2.1.2). */
export function deserialization(testCase: Deserialization): void {
  const reader = new Reader(fromHex(testCase.vlbytes_header))
  assert.equal(reader.length(0x3fff_ffff), testCase.length)
  reader.end()
  const writer = new Writer()
  writer.length(testCase.length)
  assert.equal(toHex(writer.finish()), testCase.vlbytes_header)
}
