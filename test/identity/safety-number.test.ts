import assert from 'node:assert/strict'
import { test } from 'node:test'
import { armour } from '../../main/identity/armour.ts'
import { compareSafetyCode, safetyCode, safetyNumber } from '../../main/identity/safety-number.ts'
import { MlsError } from '../../main/mls/index.ts'
import { newAccount, suite } from './account.ts'

const alice = newAccount().accountId
const bob = newAccount().accountId
const mallory = newAccount().accountId

test('Two people read the same 60 digits to each other, in twelve groups of five', () => {
  const number = safetyNumber(suite, alice, bob)
  assert.match(number, /^\d{5}( \d{5}){11}$/)
  assert.equal(safetyNumber(suite, bob, alice), number)
})

test('A middleman shows two different numbers', () => {
  assert.notEqual(safetyNumber(suite, alice, mallory), safetyNumber(suite, mallory, bob))
  assert.notEqual(safetyNumber(suite, alice, bob), safetyNumber(suite, alice, mallory))
})

test('Nobody has a safety number with themselves', () => {
  assert.throws(() => safetyNumber(suite, alice, alice),
    (error) => error instanceof MlsError && error.code === 'misuse')
})

test('The number of two accounts never changes', () => {
  assert.equal(safetyNumber(suite, new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)), PINNED)
})

test('The code on the other\'s screen matches when both mean each other', () => {
  const bobsScreen = safetyCode(suite, bob, alice)
  assert.equal(compareSafetyCode(suite, bobsScreen, { own: alice, other: bob }), 'match')
  assert.equal(compareSafetyCode(suite, bobsScreen.toUpperCase(), { own: alice, other: bob }), 'match')
})

test('A code made for a middleman, of another chat, or one\'s own does not match', () => {
  const accounts = { own: alice, other: bob }
  assert.equal(compareSafetyCode(suite, safetyCode(suite, bob, mallory), accounts), 'differs')
  assert.equal(compareSafetyCode(suite, safetyCode(suite, mallory, alice), accounts), 'differs')
  assert.equal(compareSafetyCode(suite, safetyCode(suite, alice, mallory), accounts), 'differs')
  assert.equal(compareSafetyCode(suite, safetyCode(suite, alice, bob), accounts), 'own')
})

test('What else a camera sees is told apart: no code, a damaged one, one in a later form', () => {
  const accounts = { own: alice, other: bob }
  const code = safetyCode(suite, bob, alice)
  for (const text of ['', 'https://coppice.invalid', code.slice(0, -1), code.replace('coppiceverify', 'coppice')]) {
    assert.equal(compareSafetyCode(suite, text, accounts), 'malformed')
  }
  assert.equal(compareSafetyCode(suite, code.replace('verify1-', 'verify2-'), accounts), 'newer')
  const later = armour(suite, 'coppiceverify', Uint8Array.of(2, 0, 0))
  assert.equal(compareSafetyCode(suite, later, accounts), 'newer')
  const short = armour(suite, 'coppiceverify', Uint8Array.of(1, 0, 0))
  assert.equal(compareSafetyCode(suite, short, accounts), 'malformed')
})

// Computed with node:crypto alone from the description of the format, not by this code.
const PINNED = '90371 23330 53384 71864 67618 90855 90956 27227 75249 57225 78131 86176'
