/** Guards the key of one profile's store, as the Vault port wants it. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, rmdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Suite } from '../mls/index.ts'
import { PortError } from '../ports.ts'
import type { Reading, Store, Vault, VaultStatus, Way, Ways } from '../ports.ts'
import { hold, isUsable } from './keytar.ts'
import type { Keychain } from './keytar.ts'
import { unwrapKey, usualCost, wrapKey } from './passphrase.ts'
import type { Cost } from './passphrase.ts'
import { sealKey, unsealKey } from './recovery.ts'
import { checkOf, isKeyOf, mendSlots, readSlots, removeSlots, slotIn, withoutSlot, withSlot, writeSlots } from './slots.ts'
import type { KeychainSlot, PassphraseSlot, Slots } from './slots.ts'
import { Tries } from './tries.ts'

type StoreFile = { readonly file: string, readonly key: Uint8Array }

export type VaultOptions = {
  /** The profile's folder. */
  readonly folder: string
  /** `undefined` where this system has none. */
  readonly keychain: Keychain | undefined
  /** Seals to the recovery key. */
  readonly suite: Suite
  /** Opens or makes the store; `prepare` runs when the file is this process's own and before it is opened. */
  readonly openStore: (options: StoreFile & { readonly prepare?: () => void }) => Store
  /** Opens what can still be read of the store. */
  readonly openReading: (options: StoreFile) => Promise<Reading>
  /** Makes the store's file this process's own until the function that it gives is called. */
  readonly lockStore: (file: string) => () => void
  /** For tests: milliseconds of a clock, and what a guess of the passphrase costs. */
  readonly now?: () => number
  readonly cost?: Cost
}

export const createVault = (options: VaultOptions): Vault => new FileVault(options)

/** The key of the opened store with the slots around it. */
type Held = { readonly key: Uint8Array, slots: Slots }

type HintOfKeychain = 'keychain-locked' | 'keychain-lost'

class FileVault implements Vault {
  readonly #options: VaultOptions
  readonly #file: string
  readonly #slotsFile: string
  readonly #tries: Tries
  #store: Store | undefined
  #held: Held | undefined

  constructor(options: VaultOptions) {
    this.#options = options
    this.#file = path.join(options.folder, 'profile.sqlite')
    this.#slotsFile = path.join(options.folder, 'slots.json')
    this.#tries = new Tries(options.now ?? (() => performance.now()))
  }

  async status(): Promise<VaultStatus> {
    const slots = this.#slots()
    if (slots === undefined) return { at: 'new' }
    const words = slotIn(slots, 'recovery') !== undefined
    let hint: HintOfKeychain | undefined
    if (slotIn(slots, 'keychain')?.held === true) {
      hint = await this.#refusalOfKeychain(slots)
      if (hint === undefined) return { at: 'keychain' }
    }
    const locked = (need: 'passphrase' | 'keychain' | 'words'): VaultStatus =>
      ({ at: 'locked', need, words, ...hint === undefined ? {} : { hint } })
    if (slotIn(slots, 'passphrase') !== undefined) return locked('passphrase')
    if (hint === 'keychain-locked') return locked('keychain')
    if (words) return locked('words')
    throw new PortError('keychain-lost')
  }

  async keychain(): Promise<'ok' | 'absent'> {
    return await isUsable(this.#options.keychain) ? 'ok' : 'absent'
  }

  ways(): Ways {
    const { slots } = this.#opened()
    return {
      passphrase: slotIn(slots, 'passphrase') !== undefined, keychain: slotIn(slots, 'keychain') !== undefined,
      words: slotIn(slots, 'recovery') !== undefined,
    }
  }

  // -------------------------------------------------------------- opening

  async create(passphrase: string | undefined): Promise<Store> {
    const profile = randomBytes(16).toString('hex')
    const key = randomBytes(32)
    try {
      const slot = passphrase === undefined
        ? await this.#toKeychain(profile, key)
        : await this.#toPassphrase(profile, key, passphrase)
      const slots: Slots = { profile, check: checkOf(key), beginning: false, slots: [slot] }
      this.#store = this.#make(slots, key)
      this.#held = { key, slots }
      return this.#store
    } catch (error) {
      wipe(key)
      // Unless a file still points to it.
      if (profileIn(this.#slotsFile) !== profile) await this.#forget(profile)
      throw error
    }
  }

  async open(way: Way): Promise<Store> {
    this.close()
    // Opening never makes a store: an empty one would look like a history that was never there.
    const slots = this.#slots()
    if (slots === undefined) throw new PortError('store-damaged', 'no store')
    const key = await this.#keyBy(slots, way)
    this.#held = { key, slots }
    try {
      const after = way.type === 'words' ? await this.#renewed(this.#held, way.passphrase) : slots
      this.#store = this.#options.openStore({ file: this.#file, key })
      if (after !== slots) this.#change(() => after)
      else mendSlots(this.#slotsFile, slots)
      return this.#store
    } catch (error) {
      this.#store?.close()
      // What is wrong with the file may leave something to read, which needs the key once more.
      if (!(error instanceof PortError) || !ofTheFile.has(error.code)) this.close()
      throw error
    }
  }

  async read(): Promise<Reading | undefined> {
    this.#store?.close()
    try {
      return this.#held === undefined ? undefined
        : await this.#options.openReading({ file: this.#file, key: this.#held.key })
    } catch (error) {
      if (error instanceof PortError) return undefined
      throw error
    } finally {
      this.close()
    }
  }

  close(): void {
    this.#store?.close()
    this.#store = undefined
    if (this.#held !== undefined) wipe(this.#held.key)
    this.#held = undefined
  }

  async destroy(): Promise<void> {
    this.close()
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

  // -------------------------------------------------------------- changing the slots

  sealTo(publicKey: Uint8Array): void {
    const { slots, key } = this.#opened()
    const slot = slotIn(slots, 'recovery')
    if (slot !== undefined && Buffer.from(publicKey).equals(slot.publicKey)) return
    this.#change((now) => withSlot(now, sealKey(this.#options.suite, key, { publicKey, owner: slots.profile })))
  }

  async setPassphrase({ current, passphrase }: { current: string, passphrase: string }): Promise<void> {
    const { slots, key } = this.#opened()
    if (slotIn(slots, 'passphrase') !== undefined) wipe(await this.#keyFromPassphrase(slots, current))
    const slot = await this.#toPassphrase(slots.profile, key, passphrase)
    this.#change((now) => withSlot(now, slot), key)
  }

  async removePassphrase(current: string): Promise<void> {
    const { slots, key } = this.#opened()
    if (slotIn(slots, 'passphrase') === undefined) return
    wipe(await this.#keyFromPassphrase(slots, current))
    const slot = await this.#toKeychain(slots.profile, key)
    this.#change((now) => withoutSlot(withSlot(now, slot), 'passphrase'), key)
  }

  async keepInKeychain(kept: boolean): Promise<void> {
    const { slots, key } = this.#opened()
    const slot = slotIn(slots, 'keychain')
    if (slot === undefined) return
    if (kept) {
      if (slot.held && await this.#refusalOfKeychain(slots) === undefined) return
      const isThere = await this.#toKeychain(slots.profile, key).then(() => true, () => false)
      if (isThere) this.#change((now) => withSlot(now, { type: 'keychain', held: true }), key)
      return
    }
    if (slotIn(slots, 'passphrase') === undefined) throw new PortError('passphrase-missing')
    // The file first: what it does not count on, a crash or a keychain out of reach may leave behind.
    if (slot.held) this.#change((now) => withSlot(now, { type: 'keychain', held: false }), key)
    await this.#forget(slots.profile)
  }

  #opened(): Held {
    if (this.#held === undefined) throw new PortError('not-ready')
    return this.#held
  }

  /** Writes changed slots, unless the key that they are around was wiped meanwhile. */
  #change(change: (slots: Slots) => Slots, key = this.#held?.key): void {
    const held = this.#opened()
    if (held.key !== key || !isKeyOf(held.slots, key)) throw new PortError('not-ready')
    const after = change(held.slots)
    writeSlots(this.#slotsFile, after)
    held.slots = after
  }

  // -------------------------------------------------------------- the files

  /** The slots of the profile, `undefined` where there is none. What was there and is gone is damage, never new. */
  #slots(): Slots | undefined {
    const slots = readSlots(this.#slotsFile)
    if (this.#hasStore()) {
      if (slots === undefined) throw new PortError('slots-damaged', 'no key slots')
      return slots
    }
    // What a crash left of a beginning: nothing was ever kept under this key.
    if (slots === undefined || slots.beginning) return undefined
    throw new PortError('store-damaged', 'no store')
  }

  #hasStore(): boolean {
    return (statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) > 0
  }

  /** The slots come first: a store whose key was never kept could not be opened again. */
  #make(slots: Slots, key: Uint8Array): Store {
    let store: Store | undefined
    try {
      // It goes with the profile that was in it.
      mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 })
      store = this.#options.openStore({
        file: this.#file, key,
        prepare: () => {
          if (this.#slots() !== undefined) throw new PortError('profile-busy')
          writeSlots(this.#slotsFile, { ...slots, beginning: true })
        },
      })
      writeSlots(this.#slotsFile, slots)
      return store
    } catch (error) {
      store?.close()
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
    removeSlots(this.#slotsFile)
  }

  // -------------------------------------------------------------- the ways to the key

  #keyBy(slots: Slots, way: Way): Promise<Uint8Array> {
    switch (way.type) {
      case 'keychain': return this.#keyFromKeychain(slots)
      case 'passphrase': return this.#keyFromPassphrase(slots, way.passphrase)
      case 'words': {
        const slot = slotIn(slots, 'recovery')
        if (slot === undefined) return Promise.reject(new PortError('words-foreign', 'no words were set'))
        return this.#checked(slots, () => unsealKey(this.#options.suite, slot, { key: way.key, owner: slots.profile }))
      }
    }
  }

  /** The slots as they shall be after the words opened: the lost way is made anew. */
  async #renewed({ slots, key }: Held, passphrase: string | undefined): Promise<Slots> {
    if (passphrase !== undefined) return withSlot(slots, await this.#toPassphrase(slots.profile, key, passphrase))
    return withSlot(slots, await this.#toKeychain(slots.profile, key))
  }

  #keyFromPassphrase(slots: Slots, passphrase: string): Promise<Uint8Array> {
    const slot = slotIn(slots, 'passphrase')
    if (slot === undefined) return Promise.reject(new PortError('passphrase-wrong', 'no passphrase was set'))
    return this.#checked(slots, () => this.#tries.guarded(() => unwrapKey(slot, passphrase, slots.profile)))
  }

  /** What a slot gives must be the key: the file of slots can be changed, the check value with it cannot be met. */
  async #checked(slots: Slots, unwrap: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
    const key = await unwrap()
    if (isKeyOf(slots, key)) return key
    wipe(key)
    throw new PortError('slots-damaged', 'check value')
  }

  #toPassphrase(owner: string, key: Uint8Array, passphrase: string): Promise<PassphraseSlot> {
    return wrapKey(key, { passphrase, owner, cost: this.#options.cost ?? usualCost })
  }

  async #toKeychain(profile: string, key: Uint8Array): Promise<KeychainSlot> {
    const { keychain } = this.#options
    if (!await isUsable(keychain) || keychain === undefined) throw new PortError('keychain-absent')
    const isHeld = await hold(keychain, profile, Buffer.from(key).toString('hex')).catch(() => false)
    if (!isHeld) throw new PortError('keychain-absent')
    return { type: 'keychain', held: true }
  }

  /** Why the keychain does not give the key, or undefined when it does. */
  async #refusalOfKeychain(slots: Slots): Promise<HintOfKeychain | undefined> {
    try {
      wipe(await this.#keyFromKeychain(slots))
      return undefined
    } catch (error) {
      if (!(error instanceof PortError)) throw error
      return error.code === 'keychain-lost' ? 'keychain-lost' : 'keychain-locked'
    }
  }

  /**
   * @throws PortError 'keychain-lost', 'keychain-locked'; a keychain that says "nothing there" is believed only when
   *   it can hold an item at the same moment, because a locked one says the same
   */
  async #keyFromKeychain(slots: Slots): Promise<Uint8Array> {
    const { keychain } = this.#options
    if (slotIn(slots, 'keychain')?.held !== true) throw new PortError('passphrase-wrong')
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

/** What is wrong with the store or its place, when its key is right. */
const ofTheFile: ReadonlySet<string> = new Set(['store-damaged', 'store-full', 'store-read-only'])

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
