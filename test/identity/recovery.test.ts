import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex, MlsError, Secret, toHex } from '../../main/mls/index.ts'
import {
  askedPositions, deriveRecovery, newSeed, recoveryKeyPair, recoverySealKeyPair, seedOf, wordsIn, wordsOf,
  wrongPositions, type RecoveryPurpose,
} from '../../main/identity/recovery.ts'
import { suite, suiteWith } from './account.ts'

const zeroWords = [...Array.from({ length: 23 }, () => 'abandon'), 'art']

describe('The recovery words', () => {
  test('are those of BIP-39: its vectors for 32 octets give the same words', () => {
    assert.deepEqual(wordsOf(new Secret(new Uint8Array(32))), zeroWords)
    const entropy = fromHex('f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f')
    assert.equal(
      wordsOf(new Secret(entropy)).join(' '),
      'void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group '
      + 'space point ten exist slush involve unfold',
    )
  })

  test('lead back to the seed they were made of', () => {
    const seed = newSeed(suite)
    const words = wordsOf(seed)
    assert.equal(words.length, 24)
    const entered = seedOf(words.join(' '))
    assert.equal(entered.type, 'seed')
    assert.equal(toHex(entered.seed.unwrap()), toHex(seed.unwrap()))
  })

  test('are read in capitals, numbered, with commas and line breaks, as people copy them', () => {
    const seed = newSeed(suite)
    const words = wordsOf(seed)
    const copied = `  ${words.map((word, at) => `${at + 1}. ${word.toUpperCase()},`).join('\r\n\t')}\n`
    assert.deepEqual(wordsIn(copied), words)
    assert.equal(seedOf(copied).type, 'seed')
  })

  test('are counted when one is missing', () => {
    assert.deepEqual(seedOf(zeroWords.slice(1).join(' ')), { type: 'count', count: 23 })
    assert.deepEqual(seedOf(''), { type: 'count', count: 0 })
  })

  test('that are in no list are named by their position', () => {
    const words = zeroWords.with(2, 'abandn').with(23, 'zzz')
    assert.deepEqual(seedOf(words.join(' ')), { type: 'unknown', positions: [3, 24] })
  })

  test('in the wrong order fail the checksum', () => {
    const words = zeroWords.with(0, 'art').with(23, 'abandon')
    assert.deepEqual(seedOf(words.join(' ')), { type: 'checksum' })
  })
})

describe('The check that somebody wrote the words down', () => {
  test('asks for three different positions in ascending order, and every position comes up', () => {
    const seen = new Set<number>()
    for (let round = 0; round < 400; round++) {
      const positions = askedPositions(suite)
      assert.equal(new Set(positions).size, 3)
      assert.deepEqual(positions, positions.toSorted((a, b) => a - b))
      for (const position of positions) seen.add(position)
    }
    assert.deepEqual([...seen].sort((a, b) => a - b), Array.from({ length: 24 }, (_, at) => at + 1))
  })

  test('does not favour the first positions: octets from 240 on are drawn again', () => {
    const octets = [240, 255, 23, 23, 47, 0, 1]
    const scripted = suiteWith(() => Uint8Array.of(octets.shift() ?? 0))
    assert.deepEqual(askedPositions(scripted), [1, 2, 24])
    assert.equal(octets.length, 0)
  })

  test('says which answers are wrong', () => {
    const seed = new Secret(new Uint8Array(32))
    assert.deepEqual(wrongPositions(seed, [
      { position: 1, word: ' Abandon ' }, { position: 24, word: 'abandon' }, { position: 7, word: 'abandon abandon' },
      { position: 8, word: '' }, { position: 25, word: 'art' },
    ]), [24, 7, 8, 25])
    assert.deepEqual(wrongPositions(seed, [{ position: 24, word: 'ART' }]), [])
  })
})

describe('What is derived from the seed', () => {
  test('is different for each purpose, and the same each time', () => {
    const seed = newSeed(suite)
    const purposes: readonly RecoveryPurpose[] = ['signature', 'seal', 'backup', 'cardName']
    const derived = purposes.map((purpose) => toHex(deriveRecovery(suite, seed, purpose).unwrap()))
    assert.equal(new Set(derived).size, purposes.length)
    assert.equal(toHex(deriveRecovery(suite, seed, 'backup').unwrap()), derived[2])
    assert.ok(derived.every((one) => one.length === 64))
  })

  test('never changes: words written down today open everything in later versions', () => {
    const seed = new Secret(new Uint8Array(32))
    assert.equal(toHex(recoveryKeyPair(suite, seed).publicKey), PINNED.signature)
    assert.equal(toHex(recoverySealKeyPair(suite, seed).publicKey), PINNED.seal)
    assert.equal(toHex(deriveRecovery(suite, seed, 'backup').unwrap()), PINNED.backup)
    assert.equal(toHex(deriveRecovery(suite, seed, 'cardName').unwrap()), PINNED.cardName)
  })

  test('signs: the key pair of the words is one of Ed25519', () => {
    const pair = recoveryKeyPair(suite, newSeed(suite))
    const message = Uint8Array.of(1, 2, 3)
    assert.equal(pair.publicKey.length, 32)
    assert.ok(suite.verify(pair.publicKey, message, suite.sign(pair.privateKey, message)))
  })

  test('needs 32 bytes: half a seed is a mistake of the program', () => {
    assert.throws(() => deriveRecovery(suite, new Secret(new Uint8Array(16)), 'backup'),
      (error) => error instanceof MlsError && error.code === 'misuse')
  })
})

// Computed with node:crypto alone from the description of the format, not by this code.
const PINNED = {
  signature: '5b5db7d246d3968f7506fb75a3342b54eacb97d097aa89cff5d4ae0f073de8ca',
  seal: 'a1b19a2a0f51ad520c056768255079acbdf9ec7a2910fdc487ff90124ad2d234',
  backup: 'e5eb960528130acf15f4f7b5582de77e0100440428733cb6f0c2d0987e473e1a',
  cardName: '49ef2c601dcb36e0dbbb0d1dc84fc83e5a8e832a9b32e021df491db0c13a719d',
}
