import { randomBytes } from 'node:crypto'
import { nativeSuites } from '../../main/crypto/native.ts'
import { newSeed, recoverySealKeyPair } from '../../main/identity/recovery.ts'
import type { Keychain } from '../../main/keychain/keytar.ts'
import type { KeyPair, Suite } from '../../main/mls/index.ts'

const found = nativeSuites((length) => new Uint8Array(randomBytes(length)))(1)
if (found === undefined) throw new Error('this host has no cipher suite 1')
export const suite: Suite = found

/** The key pair to which a store's key is sealed, of some 24 words. */
export const recoveryKey = (): KeyPair => recoverySealKeyPair(suite, newSeed(suite))

/** A keychain in memory: `items` is what it holds; locked, it says that nothing is there and refuses to write. */
export function memoryKeychain(): Keychain & { readonly items: Map<string, string>, locked: boolean } {
  const items = new Map<string, string>()
  const keychain = {
    items, locked: false,
    get: async (account: string) => keychain.locked ? undefined : items.get(account),
    set: async (account: string, secret: string) => {
      if (keychain.locked) throw new Error('locked')
      items.set(account, secret)
    },
    remove: async (account: string) => { if (!keychain.locked) items.delete(account) },
  }
  return keychain
}

/** Cheap guesses, for tests that are not about their cost. */
export const cheap = { memoryKiB: 1024, passes: 1 }
