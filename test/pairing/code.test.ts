import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { concat, encode, refHash } from '../../main/mls/index.ts'
import { readInvite, writeInvite } from '../../main/chat/invite.ts'
import { introduce, isIntroduced, ownDigits, readCode, sharedDigits, typedDigits } from '../../main/chat/linking.ts'
import { LinkingCode, readLinkingCode, rendezvousOf, writeLinkingCode } from '../../main/identity/linking-code.ts'
import { armour } from '../../main/identity/armour.ts'
import { makeKeys, Sealer } from '../../main/pairing/hpke.ts'
import { frameLabel } from '../../main/pairing/records.ts'
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

test('a new device signs all that it says of itself, for one channel', () => {
  const [key, transcript] = [suite.signatureKeyPair(), suite.random(32)]
  const said = introduce(suite, key, transcript, { publicKey: key.publicKey, name: 'Laptop', platform: 'Linux' })
  assert.ok(said.type === 'device')
  const { type: _, ...device } = said
  assert.ok(isIntroduced(suite, transcript, device))
  assert.ok(!isIntroduced(suite, suite.random(32), device))
  for (const other of [{ name: 'Desktop' }, { platform: 'macOS' }, { publicKey: suite.signatureKeyPair().publicKey }]) {
    assert.ok(!isIntroduced(suite, transcript, { ...device, ...other }))
  }
})

describe('digits', () => {
  test('are six of the transcript and four of chance', () => {
    assert.match(sharedDigits(suite, suite.random(32)), /^\d{6}$/)
    const own = new Set(Array.from({ length: 200 }, () => ownDigits(suite)))
    for (const one of own) assert.match(one, /^\d{4}$/)
    assert.ok(own.size > 150)
  })

  test('favour no number: of two octets those are drawn again that would', () => {
    const drawn = [[0xff, 0xff], [0xea, 0x60], [0xea, 0x5f], [0, 0]].map((octets) => Uint8Array.from(octets))
    const scripted = { ...suite, random: () => drawn.shift() ?? assert.fail('nothing left to draw') }
    assert.deepEqual([ownDigits(scripted), ownDigits(scripted), drawn.length], ['9999', '0000', 0])
  })

  test('are read however they were typed, when they are ten', () => {
    assert.equal(typedDigits(' 12345-67890 '), '1234567890')
    for (const wrong of ['123456789', '12345678901', '12345 6789o', '']) assert.equal(typedDigits(wrong), undefined)
  })
})

// RFC 9180 §5.1.2, by what is written down of it alone: what one direction is sealed with, and nothing less.
test('a direction is sealed in PSK mode, under the code, what was said before in it, and the place of the frame', async () => {
  const hpke = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
  const before = [suite.random(80)]
  const label = { rendezvous: suite.random(16), role: 'elder', counter: 0 } as const
  const keys = await makeKeys()
  const sealer = await Sealer.to(keys.publicKey, { suite, code, before })
  const sealed = await sealer.seal(Uint8Array.of(7), frameLabel(label))
  const bytes = encode(LinkingCode, code)
  const buffer = (data: Uint8Array): ArrayBuffer => new Uint8Array(data).buffer
  const opened = async ({ psk = code.psk, id = bytes, info = concat(bytes, ...before), aad = frameLabel(label) }) => {
    const recipient = await hpke.createRecipientContext({
      recipientKey: keys.privateKey, enc: buffer(sealer.enc), info: buffer(refHash(suite, 'Coppice linking direction 1', info)),
      psk: { id: buffer(refHash(suite, 'Coppice linking psk 1', id)), key: buffer(psk) },
    })
    return recipient.open(buffer(sealed), buffer(aad)).then((plain) => [...new Uint8Array(plain)], () => 'not opened')
  }
  assert.deepEqual(await opened({}), [7])
  for (const other of [
    { psk: suite.random(32) }, { id: bytes.with(-1, 0) }, { info: bytes }, { info: concat(...before) },
    { aad: frameLabel({ ...label, counter: 1 }) }, { aad: frameLabel({ ...label, role: 'new' }) },
    { aad: frameLabel({ ...label, rendezvous: suite.random(16) }) },
  ]) assert.equal(await opened(other), 'not opened')
})
