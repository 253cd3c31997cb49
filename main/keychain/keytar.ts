import { randomBytes } from 'node:crypto'

/** What a vault wants of the system's keychain: small texts by account. Methods reject where it is out of reach. */
export type Keychain = {
  /** `undefined`: there is none, or the keychain is locked and cannot say. */
  readonly get: (account: string) => Promise<string | undefined>
  readonly set: (account: string, secret: string) => Promise<void>
  readonly remove: (account: string) => Promise<void>
}

const service = 'Coppice'

/**
 * The keychain of this system through keytar (macOS Keychain, Windows Credential Manager, Secret Service on Linux), or
 * `undefined` where its library is missing: without libsecret, keytar throws as it is loaded. Only single items are
 * asked for: `findCredentials` crashes on a locked keyring.
 */
export async function openKeychain(): Promise<Keychain | undefined> {
  try {
    const { default: keytar } = await import('keytar')
    return {
      get: async (account) => await keytar.getPassword(service, account) ?? undefined,
      set: (account, secret) => keytar.setPassword(service, account, secret),
      remove: async (account) => { await keytar.deletePassword(service, account) },
    }
  } catch {
    return undefined
  }
}

/** Whether the keychain can hold an item now: one is written, read back and removed. */
export async function isUsable(keychain: Keychain | undefined): Promise<boolean> {
  if (keychain === undefined) return false
  const account = `test-${randomBytes(8).toString('hex')}`
  try {
    const isHeld = await hold(keychain, account, 'may be deleted')
    await keychain.remove(account)
    return isHeld
  } catch {
    return false
  }
}

/** Stores an item and says whether reading it gives the same. */
export async function hold(keychain: Keychain, account: string, secret: string): Promise<boolean> {
  await keychain.set(account, secret)
  return await keychain.get(account) === secret
}
