import { MlsError } from './error.ts'

/**
 * Every requirement of RFC 9420 that a receiver checks, as data: code says `check('7.3.signature', ok)`, a test
 * demands a refusing case for each row, and `npm run rules` prints the table.
 */
export const rules = {
  '2.1.minimal-length': { section: '2.1.2', sentence: 'A variable-length vector header uses the minimum number of bits.' },
  '2.1.length-prefix': { section: '2.1.2', sentence: 'A length header does not start with the bits 11.' },
  '2.1.presence': { section: '2.1.1', sentence: 'The presence octet of an optional value is 0 or 1.' },
  '2.1.truncated': { section: '2.1', sentence: 'The input holds every field that its type has.' },
  '2.1.trailing': { section: '2.1', sentence: 'The input ends where its last field ends.' },
  '2.1.limit': { section: '2.1.2', sentence: 'No vector is longer than the limit that this implementation sets for it.' },
  '2.1.enum': { section: '2.1', sentence: 'A tag without a default case has one of its listed values.' },
  '5.1.3.public-key': { section: '5.1.3', sentence: 'A public key of the KEM is valid, and agrees on a secret that is not all zero.' },
  '5.1.3.open': { section: '5.1.3', sentence: 'A ciphertext opens with the key, the label and the context of its purpose.' },
  '6.3.1.padding': { section: '6.3.1', sentence: 'The padding of a PrivateMessage is all zero.' },
} as const satisfies Record<string, Rule>

export type Rule = { readonly section: string, readonly sentence: string }
export type RuleId = keyof typeof rules

/** Refuses with the rule's id unless `ok`. Throws `MlsError('refused')`. */
export function check(rule: RuleId, ok: boolean): asserts ok {
  if (!ok) throw new MlsError('refused', rules[rule].sentence, rule)
}
