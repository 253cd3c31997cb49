import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { armour, unarmour } from '../../main/identity/armour.ts'
import { suite } from './account.ts'

test('Bytes of any length come back from their text, under their own name only', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 90 }), (bytes) => {
    const text = armour(suite, 'thing', bytes)
    assert.deepEqual(unarmour(suite, 'thing', text), { type: 'bytes', bytes })
    assert.deepEqual(unarmour(suite, 'thin', text), { type: 'malformed' })
    assert.deepEqual(unarmour(suite, 'other', text.replace('thing', 'other')), { type: 'malformed' })
  }))
})

test('The alphabet is that of RFC 4648 §6', () => {
  const text = armour(suite, 'thing', new TextEncoder().encode('foobarfoob'))
  assert.ok(text.startsWith('thing1-mzxw6ytboj'), text)
})

test('A text is the only one of its bytes: no letter more, none less, no stray bits at its end', () => {
  for (let length = 1; length <= 10; length++) {
    const text = armour(suite, 'thing', new Uint8Array(length))
    assert.deepEqual(unarmour(suite, 'thing', `${text}a`), { type: 'malformed' }, `${length} bytes and a letter`)
    assert.deepEqual(unarmour(suite, 'thing', text.slice(0, -1)), { type: 'malformed' })
    const last = 'abcdefghijklmnopqrstuvwxyz234567'.indexOf(text.at(-1) ?? '')
    const other = 'abcdefghijklmnopqrstuvwxyz234567'.charAt(last ^ 1)
    assert.deepEqual(unarmour(suite, 'thing', text.slice(0, -1) + other), { type: 'malformed' })
  }
})

test('A text without any bytes, or of a checksum alone, is malformed', () => {
  for (const text of ['thing1-', 'thing1-a', 'thing1-aaaaaaa', armour(suite, 'thing', new Uint8Array(0))]) {
    assert.deepEqual(unarmour(suite, 'thing', text), { type: 'malformed' })
  }
})
