import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  decode, empty, fromHex, names, opaque, optional, Sender, struct, uint8, uint16, vector, type Codec, type RuleId,
} from '../../main/mls/index.ts'
import { refused } from './refusals.ts'

/** Demands that these bytes are malformed by exactly this rule (RFC 9420 §2.1). */
function isMalformed<T>(rule: RuleId, codec: Codec<T>, hex: string): void {
  refused(rule, () => decode(codec, fromHex(hex)))
}

describe('bytes are malformed', () => {
  const few = opaque(70)

  test('and honest ones are not', () => {
    assert.equal(decode(few, fromHex('02aabb')).length, 2)
    assert.equal(decode(few, fromHex(`4040${'00'.repeat(64)}`)).length, 64)
  })

  test('when a length takes more octets than it needs (2.1.minimal-length)', () => {
    isMalformed('2.1.minimal-length', few, '4002aabb')
    isMalformed('2.1.minimal-length', few, `80000040${'00'.repeat(64)}`)
  })

  test('when a length begins with the bits 11 (2.1.length-prefix)', () => {
    isMalformed('2.1.length-prefix', few, 'c000000000000002aabb')
  })

  test('when a presence octet is neither 0 nor 1 (2.1.presence)', () => {
    isMalformed('2.1.presence', optional(uint8), '0205')
  })

  test('when they end too early (2.1.truncated)', () => {
    isMalformed('2.1.truncated', few, '03aabb')
    isMalformed('2.1.truncated', struct({ a: uint8, b: uint16 }), '0102')
    isMalformed('2.1.truncated', few, '')
  })

  test('when something follows (2.1.trailing)', () => {
    isMalformed('2.1.trailing', few, '02aabbcc')
  })

  test('when a vector is longer than its limit, before anything is read (2.1.limit)', () => {
    isMalformed('2.1.limit', few, '4047')
    isMalformed('2.1.limit', few, 'bfffffff')
    // Values of no bytes would never fill it.
    isMalformed('2.1.limit', vector(empty, 70), '0100')
  })

  test('when a tag is none of those listed (2.1.enum)', () => {
    isMalformed('2.1.enum', names(uint8, { member: 1 }), '07')
    isMalformed('2.1.enum', Sender, '0500000000')
    isMalformed('2.1.enum', Sender, '00')
  })
})
