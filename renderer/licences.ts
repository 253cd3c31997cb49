/** What the packaged app holds besides its own code; test/e2e/ui-shell.test.ts compares it with docs/dependencies.md. */
export const licences: readonly (readonly [name: string, licence: string])[] = [
  ['electron', 'MIT'], ['better-sqlite3', 'MIT'], ['keytar', 'MIT'], ['sodium-native', 'MIT'], ['@hpke/core', 'MIT'],
  ['@noble/ciphers', 'MIT'], ['@noble/curves', 'MIT'], ['@noble/hashes', 'MIT'], ['@scure/base', 'MIT'],
  ['@scure/bip39', 'MIT'], ['age-encryption', 'BSD-3-Clause'], ['hash-wasm', 'MIT'], ['@lucide/svelte', 'ISC'],
  ['bits-ui', 'MIT'], ['qr', '(MIT OR Apache-2.0)'], ['svelte', 'MIT'], ['virtua', 'MIT'],
]
