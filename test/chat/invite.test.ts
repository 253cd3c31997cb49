import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { matchesToken, readInvite, tokenProof, writeInvite, type ContactCard } from '../../main/chat/invite.ts'
import { armour } from '../../main/identity/armour.ts'
import { cleanName } from '../../main/identity/fields.ts'
import { concat, encode, MlsError, toHex, uint64 } from '../../main/mls/index.ts'
import { newAccount, suite } from '../identity/account.ts'

const now = Date.UTC(2025, 5, 1)
const accountId = newAccount().accountId

const cardOf = (changes: Partial<ContactCard> = {}): ContactCard => ({
  accountId, deviceLog: `u.${toHex(accountId)}`, address: 'local', expiresAt: now + 7 * 24 * 60 * 60 * 1000,
  token: suite.random(16), name: 'Zoë 🌳', ...changes,
})

describe('An invite', () => {
  test('is one line that starts with its form, and gives back the card', () => {
    const card = cardOf()
    const text = writeInvite(suite, card)
    assert.match(text, /^coppice1-[a-z2-7]+$/)
    assert.ok(text.length < 200, `${text.length} characters`)
    assert.deepEqual(readInvite(suite, text, now), { type: 'card', card })
  })

  test('is read as people paste it: broken into lines by a mail program, indented, in capitals', () => {
    const card = cardOf()
    const text = writeInvite(suite, card)
    const mailed = `\ufeff\n  ${(text.match(/.{1,40}/g) ?? []).join('\r\n  ')}\u200b \n\n`
    assert.deepEqual(readInvite(suite, mailed, now), { type: 'card', card })
    assert.deepEqual(readInvite(suite, text.toUpperCase(), now), { type: 'card', card })
  })

  test('that was cut off anywhere is malformed, never something else', () => {
    const text = writeInvite(suite, cardOf())
    for (let length = 0; length < text.length; length++) {
      assert.deepEqual(readInvite(suite, text.slice(0, length), now), { type: 'malformed' }, `${length} characters`)
    }
  })

  test('with one wrong letter is malformed', () => {
    const text = writeInvite(suite, cardOf())
    for (let at = 'coppice1-'.length; at < text.length; at++) {
      const wrong = `${text.slice(0, at)}${text[at] === 'a' ? 'b' : 'a'}${text.slice(at + 1)}`
      assert.deepEqual(readInvite(suite, wrong, now), { type: 'malformed' })
    }
  })

  test('with words around it, or with two of them, is malformed: nobody guesses which part was meant', () => {
    const text = writeInvite(suite, cardOf())
    const around = [`Here: ${text}`, `${text} bye`, `${text} ${text}`, `coppice://${text}`]
    for (const pasted of [...around, 'hello', '', '1'.repeat(9999)]) {
      assert.deepEqual(readInvite(suite, pasted, now), { type: 'malformed' })
    }
  })

  test('of a later Coppice is told from a damaged one, by its text form or by its version', () => {
    const text = writeInvite(suite, cardOf())
    assert.deepEqual(readInvite(suite, text.replace('coppice1-', 'coppice2-'), now), { type: 'newer' })
    assert.deepEqual(readInvite(suite, 'coppice17-+/=?', now), { type: 'newer' })
    assert.deepEqual(readInvite(suite, armour(suite, 'coppice', Uint8Array.of(2, 1, 2, 3)), now), { type: 'newer' })
  })

  test('expires at its time, to the millisecond, and still says whose it was', () => {
    const card = cardOf({ expiresAt: now })
    const text = writeInvite(suite, card)
    assert.equal(readInvite(suite, text, now - 1).type, 'card')
    assert.deepEqual(readInvite(suite, text, now), { type: 'expired', card })
  })

  test('carries another log and any address that is visible text', () => {
    const card = cardOf({ deviceLog: 'u.moved-1', address: 'nats://logs.example:4222/team' })
    assert.deepEqual(readInvite(suite, writeInvite(suite, card), now), { type: 'card', card })
  })

  test('has one encoding: the usual log name spelled out is malformed', () => {
    const usual = new TextEncoder().encode(`u.${toHex(accountId)}`)
    const bytes = concat(
      Uint8Array.of(1), accountId, Uint8Array.of(0x40, usual.length), usual, Uint8Array.of(5),
      new TextEncoder().encode('local'), encode(uint64, BigInt(now + 1)), new Uint8Array(16), Uint8Array.of(0),
    )
    assert.deepEqual(readInvite(suite, armour(suite, 'coppice', bytes), now), { type: 'malformed' })
    const shifted = bytes.slice()
    shifted[1 + 32 + 2] = 0x76 // Another name of the same length is fine: it was this one rule that refused.
    assert.equal(readInvite(suite, armour(suite, 'coppice', shifted), now).type, 'card')
  })

  test('with hostile fields is malformed: a log name with a slash, an address or a name in two lines', () => {
    const field = (text: string): Uint8Array => concat(Uint8Array.of(text.length), new TextEncoder().encode(text))
    const made = (log: string, address: string, name: string): string => armour(suite, 'coppice', concat(
      Uint8Array.of(1), accountId, field(log), field(address), encode(uint64, BigInt(now + 1)), new Uint8Array(16),
      field(name),
    ))
    assert.equal(readInvite(suite, made('', 'local', 'Ada'), now).type, 'card')
    for (const [log, address, name] of [
      ['../x', 'local', 'Ada'], ['', 'lo\ncal', 'Ada'], ['', '', 'Ada'], ['', 'local', 'A\nda'],
      ['', 'local', '\u009b'],
    ] as const) {
      assert.deepEqual(readInvite(suite, made(log, address, name), now), { type: 'malformed' })
    }
  })

  test('is not made of a card beyond the limits', () => {
    for (const changes of [
      { name: 'x'.repeat(81) }, { name: 'a\nb' }, { token: new Uint8Array(15) }, { address: '' }, { deviceLog: '' },
      { deviceLog: 'A' }, { expiresAt: -1 }, { accountId: new Uint8Array(31) },
    ]) {
      assert.throws(() => writeInvite(suite, cardOf(changes)),
        (error) => error instanceof MlsError && error.code === 'misuse', JSON.stringify(changes))
    }
  })

  test('gives back every card, and never throws for any text', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(fc.property(fc.record({
      accountId: bytes(32),
      deviceLog: fc.stringMatching(/^[a-z0-9.-]{1,100}$/),
      address: fc.stringMatching(/^[\x21-\x7e]{1,60}$/),
      expiresAt: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      token: bytes(16),
      name: fc.string({ unit: 'grapheme', maxLength: 40 }).map(cleanName),
    }, { noNullPrototype: true }), (card) => {
      assert.deepEqual(readInvite(suite, writeInvite(suite, card), 0), { type: 'card', card })
    }))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (text, body) => {
      assert.notEqual(readInvite(suite, text, now).type, 'card')
      assert.notEqual(readInvite(suite, armour(suite, 'coppice', body), now).type, 'card')
    }))
  })

  test('never changes its form: this one of version 1 is still read', () => {
    const card: ContactCard = {
      accountId: new Uint8Array(32).fill(7), deviceLog: `u.${'07'.repeat(32)}`, address: 'local',
      expiresAt: 1_750_000_000_000, token: new Uint8Array(16).fill(9), name: 'Ada',
    }
    assert.equal(writeInvite(suite, card), PINNED)
    assert.deepEqual(readInvite(suite, PINNED, 0), { type: 'card', card })
  })
})

describe('The proof in a Welcome', () => {
  const token = suite.random(16)
  const welcome = suite.random(900)

  test('shows the maker of an invite that its holder sent this Welcome', () => {
    const proof = tokenProof(suite, token, welcome)
    assert.equal(proof.length, 32)
    assert.ok(matchesToken(suite, token, welcome, proof))
  })

  test('is worth nothing for another Welcome, another token, or cut short', () => {
    const proof = tokenProof(suite, token, welcome)
    assert.equal(matchesToken(suite, token, suite.random(900), proof), false)
    assert.equal(matchesToken(suite, suite.random(16), welcome, proof), false)
    assert.equal(matchesToken(suite, token, welcome, proof.subarray(0, 31)), false)
    assert.equal(matchesToken(suite, token, welcome, new Uint8Array(0)), false)
  })
})

describe('A name as somebody typed it', () => {
  test('becomes one line without tricks, of at most 80 units, never cut inside a character', () => {
    assert.equal(cleanName('  Ada \n\t Lovelace\u202e  '), 'Ada Lovelace')
    assert.equal(cleanName('\ud800x'), 'x')
    assert.equal(cleanName('🌳'.repeat(41)), '🌳'.repeat(40))
    assert.equal(cleanName(`x${'🌳'.repeat(41)}`), `x${'🌳'.repeat(39)}`)
    assert.equal(cleanName('مرحبا'), 'مرحبا')
  })

  test('is then always a name that fits into a card', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      writeInvite(suite, cardOf({ name: cleanName(text) }))
    }))
  })
})

// Computed with node:crypto alone from the description of the format, not by this code.
const PINNED = 'coppice1-aedqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqoaafnrxwgylmaaaadf3uedoaacijb'
  + 'eeqscijbeeqscijbeeqscidifsgdkaxwvkq'
