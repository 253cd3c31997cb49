import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readInvite, writeInvite } from '../../main/chat/invite.ts'
import { ownDigits, readCode, sharedDigits, typedDigits } from '../../main/chat/linking.ts'
import { readLinkingCode, rendezvousOf, writeLinkingCode, type LinkingCode } from '../../main/identity/linking-code.ts'
import { armour } from '../../main/identity/armour.ts'
import { suite } from '../scenario/devices.ts'

const now = 1_000_000
const code: LinkingCode = {
  role: 'elder', publicKey: suite.random(32), psk: suite.random(32), expiresAt: now + 1, address: 'local',
}
const text = writeLinkingCode(suite, code)
const invite = writeInvite(suite, {
  accountId: suite.random(32), deviceLog: 'u.x', address: 'local', expiresAt: now + 1, token: suite.random(16), name: 'Ben',
})
const own = { role: 'new', address: 'local', now } as const

describe('a linking code', () => {
  test('is one line of text, no URL, that says what it holds', () => {
    assert.match(text, /^coppicelink1-[a-z2-7]+$/)
    assert.deepEqual(readLinkingCode(suite, text.toUpperCase(), now), { type: 'code', code })
    assert.deepEqual(readCode(suite, ` ${text.slice(0, 30)}\n${text.slice(30)}`, own), { type: 'code', code })
  })

  test('is refused when it is too old, damaged, newer, for the same role, or for other logs', () => {
    const why = (read: ReturnType<typeof readCode>): string => read.type === 'refused' ? read.why : read.type
    assert.equal(why(readCode(suite, text, { ...own, now: now + 1 })), 'expired')
    for (let at = 'coppicelink1-'.length; at < text.length; at += 7) {
      const other = text[at] === 'a' ? 'b' : 'a'
      assert.equal(why(readCode(suite, text.slice(0, at) + other + text.slice(at + 1), own)), 'malformed')
    }
    assert.equal(why(readCode(suite, 'hello', own)), 'malformed')
    assert.equal(why(readCode(suite, armour(suite, 'coppicelink', Uint8Array.of(2, 1, 1)), own)), 'newer')
    assert.equal(why(readCode(suite, text, { ...own, role: 'elder' })), 'role')
    assert.equal(why(readCode(suite, text, { ...own, address: 'nats://a' })), 'elsewhere')
  })

  test('is never an invite, nor an invite a linking code', () => {
    assert.deepEqual(readInvite(suite, text, now), { type: 'linking' })
    assert.deepEqual(readInvite(suite, text, now + 10), { type: 'linking' })
    assert.deepEqual(readCode(suite, invite, own), { type: 'refused', why: 'invite' })
    assert.deepEqual(readCode(suite, invite, { ...own, now: now + 10 }), { type: 'refused', why: 'invite' })
    // Not by another beginning either: the checksum is of the kind.
    assert.equal(readInvite(suite, text.replace('coppicelink', 'coppice'), now).type, 'malformed')
    assert.equal(readLinkingCode(suite, invite.replace('coppice', 'coppicelink'), now).type, 'malformed')
  })

  test('names a meeting place that only its readers can name', () => {
    assert.match(rendezvousOf(suite, code), /^[0-9a-f]{32}$/)
    assert.notEqual(rendezvousOf(suite, code), rendezvousOf(suite, { ...code, psk: suite.random(32) }))
  })
})

describe('digits', () => {
  test('are six of the transcript and four of chance', () => {
    assert.match(sharedDigits(suite, suite.random(32)), /^\d{6}$/)
    const own = new Set(Array.from({ length: 200 }, () => ownDigits(suite)))
    for (const one of own) assert.match(one, /^\d{4}$/)
    assert.ok(own.size > 150)
  })

  test('are read however they were typed, when they are ten', () => {
    assert.equal(typedDigits(' 12345-67890 '), '1234567890')
    for (const wrong of ['123456789', '12345678901', '12345 6789o', '']) assert.equal(typedDigits(wrong), undefined)
  })
})
