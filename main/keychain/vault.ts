/** Guards the key of one profile's store, as the Vault port wants it. */
import { randomBytes } from 'node:crypto'
import { rmSync, rmdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { PortError } from '../ports.ts'
import type { Store, Vault } from '../ports.ts'
import { hold, isUsable } from './keytar.ts'
import type { Keychain } from './keytar.ts'
import { unwrapKey, wrapKey } from './passphrase.ts'
import { checkOf, isKeyOf, readSlots, writeSlots } from './slots.ts'
import type { PassphraseSlot, Slot, Slots } from './slots.ts'

export type VaultOptions = {
  /** The profile's folder. */
  readonly folder: string
  /** `undefined` where this system has none. */
  readonly keychain: Keychain | undefined
  /** Opens or makes the store; `prepare` runs when the file is this process's own and before it is opened. */
  readonly openStore: (options: {
    readonly file: string, readonly key: Uint8Array, readonly prepare?: () => void
  }) => Store
  /** Makes the store's file this process's own until the function that it gives is called. */
  readonly lockStore: (file: string) => () => void
}

export const createVault = (options: VaultOptions): Vault => new FileVault(options)

class FileVault implements Vault {
  readonly #options: VaultOptions
  readonly #file: string
  readonly #slotsFile: string
  #store: Store | undefined

  constructor(options: VaultOptions) {
    this.#options = options
    this.#file = path.join(options.folder, 'profile.sqlite')
    this.#slotsFile = path.join(options.folder, 'slots.json')
  }

  async status(): ReturnType<Vault['status']> {
    // Slots without a store are what a crash left of a beginning: nothing was ever kept under their key.
    if (!this.#hasStore()) return 'new'
    const slots = readSlots(this.#slotsFile)
    // A store whose slots somebody deleted is no new profile.
    if (slots === undefined) return 'keychain-lost'
    const hasPassphrase = slots.slots.some((slot) => slot.type === 'passphrase')
    if (!slots.slots.some((slot) => slot.type === 'keychain')) return 'passphrase'
    try {
      wipe(await this.#keyFromKeychain(slots))
      return 'keychain'
    } catch (error) {
      if (hasPassphrase) return 'passphrase'
      if (error instanceof PortError && error.code === 'keychain-locked') return 'keychain-locked'
      if (error instanceof PortError && error.code === 'keychain-lost') return 'keychain-lost'
      throw error
    }
  }

  async keychain(): Promise<'ok' | 'absent'> {
    return await isUsable(this.#options.keychain) ? 'ok' : 'absent'
  }

  async create(passphrase: string | undefined): Promise<Store> {
    const profile = randomBytes(16).toString('hex')
    const key = randomBytes(32)
    try {
      const slot: Slot = passphrase === undefined
        ? await this.#toKeychain(profile, key)
        : await wrapKey(key, passphrase, profile)
      this.#store = this.#make({ profile, check: checkOf(key), slots: [slot] }, key)
      return this.#store
    } catch (error) {
      // Unless a file still points to it.
      if (profileIn(this.#slotsFile) !== profile) await this.#forget(profile)
      throw error
    } finally {
      wipe(key)
    }
  }

  async open(passphrase: string | undefined): Promise<Store> {
    const slots = readSlots(this.#slotsFile)
    if (slots === undefined) throw new PortError('keychain-lost', 'no key slots')
    // Opening never makes a store: an empty one would look like a history that was never there.
    if (!this.#hasStore()) throw new PortError('store-damaged', 'no store')
    const key = passphrase === undefined
      ? await this.#keyFromKeychain(slots)
      : await keyFromPassphrase(slots, passphrase)
    try {
      this.#store = this.#options.openStore({ file: this.#file, key })
      return this.#store
    } finally {
      wipe(key)
    }
  }

  async destroy(): Promise<void> {
    this.#store?.close()
    const release = this.#options.lockStore(this.#file)
    try {
      const profile = profileIn(this.#slotsFile)
      if (profile !== undefined) await this.#forget(profile)
      this.#removeFiles()
    } finally {
      release()
    }
    rmSync(`${this.#file}.lock`, { force: true })
    removeIfEmpty(this.#options.folder)
  }

  /** A file without a byte is what a crash leaves in the moment in which it is made. */
  #hasStore(): boolean {
    return (statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) > 0
  }

  /** The slots come first: a store whose key was never kept could not be opened again. */
  #make(slots: Slots, key: Uint8Array): Store {
    try {
      return this.#options.openStore({
        file: this.#file, key,
        prepare: () => {
          if (this.#hasStore()) throw new PortError('profile-busy')
          writeSlots(this.#slotsFile, slots)
        },
      })
    } catch (error) {
      this.#undo(slots.profile)
      throw error
    }
  }

  /** After a store that could not be made: what stands there may be another process's by now. */
  #undo(profile: string): void {
    try {
      const release = this.#options.lockStore(this.#file)
      if (profileIn(this.#slotsFile) === profile) this.#removeFiles()
      release()
    } catch {
      // What is left over opens, empty, with the key that it was made with.
    }
  }

  #removeFiles(): void {
    for (const ending of ['', '-wal', '-shm', '-journal']) rmSync(this.#file + ending, { force: true })
    for (const name of [this.#slotsFile, `${this.#slotsFile}.new`]) rmSync(name, { force: true })
  }

  async #toKeychain(profile: string, key: Uint8Array): Promise<Slot> {
    const { keychain } = this.#options
    if (!await isUsable(keychain) || keychain === undefined) throw new PortError('keychain-absent')
    const isHeld = await hold(keychain, profile, Buffer.from(key).toString('hex')).catch(() => false)
    if (!isHeld) throw new PortError('keychain-absent')
    return { type: 'keychain' }
  }

  /**
   * @throws PortError 'keychain-lost', 'keychain-locked'; a keychain that says "nothing there" is believed only when
   *   it can hold an item at the same moment, because a locked one says the same
   */
  async #keyFromKeychain(slots: Slots): Promise<Uint8Array> {
    const { keychain } = this.#options
    if (!slots.slots.some((slot) => slot.type === 'keychain')) throw new PortError('passphrase-wrong')
    if (keychain === undefined) throw new PortError('keychain-locked', 'no keychain')
    let text: string | undefined
    try {
      text = await keychain.get(slots.profile)
    } catch {
      throw new PortError('keychain-locked')
    }
    if (text === undefined) throw new PortError(await isUsable(keychain) ? 'keychain-lost' : 'keychain-locked')
    const key = Buffer.from(text, 'hex')
    if (isKeyOf(slots, key)) return key
    throw new PortError('keychain-lost', 'another key')
  }

  /** A keychain that is out of reach keeps an item that opens nothing any more. */
  async #forget(profile: string): Promise<void> {
    await this.#options.keychain?.remove(profile).catch(() => undefined)
  }
}

async function keyFromPassphrase(slots: Slots, passphrase: string): Promise<Uint8Array> {
  const slot = slots.slots.find((each): each is PassphraseSlot => each.type === 'passphrase')
  if (slot === undefined) throw new PortError('passphrase-wrong', 'no passphrase was set')
  const key = await unwrapKey(slot, passphrase, slots.profile)
  if (!isKeyOf(slots, key)) throw new PortError('store-damaged', 'key slots')
  return key
}

/** For removal, where damaged slots are as good as none. */
function profileIn(slotsFile: string): string | undefined {
  try {
    return readSlots(slotsFile)?.profile
  } catch {
    return undefined
  }
}

/** Others (the window's own files) may keep something in the folder. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Not empty, or in use.
  }
}

const wipe = (key: Uint8Array): void => { key.fill(0) }
