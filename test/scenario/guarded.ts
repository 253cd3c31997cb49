/** People whose keys lie in a real vault: a keychain in memory, a passphrase, and the words. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { createVault } from '../../main/keychain/vault.ts'
import type { VaultOptions } from '../../main/keychain/vault.ts'
import { lockStore } from '../../main/sqlite/lock.ts'
import { openReading } from '../../main/sqlite/reading.ts'
import { openStore } from '../../main/sqlite/store.ts'
import type { Phase } from '../../preload/api.ts'
import { cheap, memoryKeychain, suite } from '../keychain/samples.ts'
import { Person } from './world.ts'

export const passphrase = 'seven oaks by the mill'

export class Guarded extends Person {
  readonly keychain = memoryKeychain()
  /** Every buffer in which the key of the store was handed out. */
  readonly keys: Uint8Array[] = []
  options: Partial<VaultOptions> = {}

  constructor(name: string, folder: string) {
    super(name, folder)
    this.vaultIn = (own) => createVault({
      folder: own, keychain: this.keychain, suite, openReading, lockStore, cost: cheap,
      openStore: (options) => {
        this.keys.push(options.key)
        this.store = openStore(options)
        return this.store
      },
      ...this.options,
    })
  }

  get ownFolder(): string { return path.join(this.folder, this.name) }
  get file(): string { return path.join(this.ownFolder, 'profile.sqlite') }

  /** Starts and makes the account; its key is in the keychain, and under a passphrase where one is given. */
  async begin(given?: string): Promise<this> {
    mkdirSync(this.ownFolder, { recursive: true })
    await this.start()
    await this.call('setup.create', { name: this.name, passphrase: '' })
    if (given !== undefined) await this.call('passphrase.set', { current: '', passphrase: given })
    return this
  }

  async phase(): Promise<Phase> {
    return (await this.call('app.open', {})).phase
  }
}
