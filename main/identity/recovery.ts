import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { MlsError, Secret, type KeyPair, type Suite } from '../mls/index.ts'

/**
 * The recovery key: 32 random bytes that a person keeps as 24 words (BIP-39, English list, 8 bits of checksum), and
 * what is derived from them. It is shown at set-up, kept wrapped until its owner confirmed the words, then forgotten.
 */

export const seedLength = 32
export const wordCount = 24

/** A new seed of 32 random bytes. */
export const newSeed = (suite: Suite): Secret => new Secret(suite.random(seedLength))

/** The 24 words of a seed, in order. */
export const wordsOf = (seed: Secret): readonly string[] => entropyToMnemonic(seed.unwrap(), wordlist).split(' ')

export type EnteredWords =
  | { readonly type: 'seed', readonly seed: Secret }
  /** Not 24 words but `count`. */
  | { readonly type: 'count', readonly count: number }
  /** These positions (1 to 24) hold no word of the list. */
  | { readonly type: 'unknown', readonly positions: readonly number[] }
  /** All are words of the list, but not in an order that some seed has: one is wrong, or two are exchanged. */
  | { readonly type: 'checksum' }

/** The words in what somebody typed or pasted: case, numbering, commas and line breaks do not matter. */
export const wordsIn = (text: string): readonly string[] => text.normalize('NFKD').toLowerCase().match(/[a-z]+/g) ?? []

/** The seed of entered words, or what is wrong with them. */
export function seedOf(text: string): EnteredWords {
  const words = wordsIn(text)
  if (words.length !== wordCount) return { type: 'count', count: words.length }
  const positions = words.flatMap((word, at) => wordlist.includes(word) ? [] : [at + 1])
  if (positions.length > 0) return { type: 'unknown', positions }
  try {
    return { type: 'seed', seed: new Secret(mnemonicToEntropy(words.join(' '), wordlist)) }
  } catch {
    return { type: 'checksum' } // Of 24 words of the list nothing else can be wrong (BIP-39, "Generating the mnemonic").
  }
}

/** Which of the answers differ from the seed's words: their positions (1 to 24), in the order asked. */
export function wrongPositions(
  seed: Secret, answers: readonly { readonly position: number, readonly word: string }[],
): readonly number[] {
  const words = wordsOf(seed)
  return answers
    .filter(({ position, word }) => {
      const entered = wordsIn(word)
      return entered.length !== 1 || entered[0] !== words[position - 1]
    })
    .map(({ position }) => position)
}

/** Three different positions from 1 to 24 in ascending order, every choice equally likely. */
export function askedPositions(suite: Suite): readonly number[] {
  const positions = new Set<number>()
  while (positions.size < 3) {
    const [octet = 255] = suite.random(1)
    // 240 is the largest multiple of 24 in an octet: the rest would favour the first positions.
    if (octet < 240) positions.add(octet % wordCount + 1)
  }
  return [...positions].sort((a, b) => a - b)
}

/**
 * What a seed is used for, each under a label of its own: the signature key of genesis and device log; the HPKE key
 * to which the recovery card and the store's key are sealed (their HPKE `info` tells them apart); the secret of the
 * backup identity; the name of the recovery card's log.
 */
const purposes = {
  signature: 'Coppice recovery 1 signature',
  seal: 'Coppice recovery 1 seal',
  backup: 'Coppice recovery 1 backup',
  cardName: 'Coppice recovery 1 card name',
} as const
export type RecoveryPurpose = keyof typeof purposes

/** 32 bytes for one purpose: HKDF-SHA-256 (RFC 5869) of the seed without salt, with the purpose's label as `info`. */
export function deriveRecovery(suite: Suite, seed: Secret, purpose: RecoveryPurpose): Secret {
  if (seed.length !== seedLength) throw new MlsError('misuse', `a recovery seed has ${seedLength} bytes`)
  const key = suite.extract(new Uint8Array(0), seed.unwrap())
  const derived = suite.expand(key, new TextEncoder().encode(purposes[purpose]), 32)
  key.fill(0)
  return new Secret(derived)
}

/** The Ed25519 key pair that signs the genesis and, later, recovery operations. */
export function recoveryKeyPair(suite: Suite, seed: Secret): KeyPair {
  const privateKey = deriveRecovery(suite, seed, 'signature')
  const pair = suite.signatureKeyPairFrom(privateKey.unwrap())
  privateKey.wipe()
  return pair
}

/** The X25519 key pair to whose public half things are sealed that the words shall open. */
export function recoverySealKeyPair(suite: Suite, seed: Secret): KeyPair {
  const input = deriveRecovery(suite, seed, 'seal')
  const pair = suite.deriveKeyPair(input.unwrap())
  input.wipe()
  return pair
}
