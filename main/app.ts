import type {
  Answer, ArgumentOf, CallName, Change, LockMinutes, Phase, ResultOf, Snapshot } from '../preload/api.ts'
import type { EventOf } from './events.ts'
import { decodeAccount, type OwnAccount } from './chat/documents.ts'
import { decodeLinking } from './chat/linking.ts'
import { MlsError } from './mls/index.ts'
import { keyOfWords, makeAccount, nameFrom, seedFrom } from './app/account.ts'
import { answers, isOfShell, type Alone } from './app/calls.ts'
import { Idle } from './app/idle.ts'
import { Newcomer } from './app/newcomer.ts'
import { countsOf, notedDelivery } from './app/notes.ts'
import { beginOn, endOn, openOn, toldOn, type Opened } from './app/opened.ts'
import { chooseBackup, handedBackup, openBackup, type OpenedBackup } from './app/opened-backup.ts'
import { withOwnWords } from './app/own-words.ts'
import { ReadOnly } from './app/read-only.ts'
import { checkPassphrase, demandAnswerable, readable, refusal, stopping } from './app/refusals.ts'
import { withSummaries } from './app/removal.ts'
import { beginAnew, restoreAccount } from './app/restore.ts'
import { State } from './app/state.ts'
import { within } from './app/tasks.ts'
import { Teller } from './app/teller.ts'
import { watchful } from './app/watchful.ts'
import { PortError, type Ports, type Store, type Way } from './ports.ts'

/** The app of one profile without window, disk or network: a handler for every Call. */
export interface App {
  /** Answers one Call, whose argument was checked by the table. Never rejects: errors are codes. */
  handle<N extends CallName>(name: N, argument: unknown): Promise<Answer<ResultOf<N>>>
  /** Resolves when nothing is under way and everything is stored. */
  close(): Promise<void>
}

/** How long locking waits for what is under way; after that the store is closed all the same. */
const stopLimitMs = 3_000

/** The app on its ports. Nothing is opened before the window asks (`app.open`). */
export function createApp(ports: Ports): App {
  const profile = new Profile({ ...ports, delivery: notedDelivery(ports) })
  const handle = async (name: CallName, argument: unknown): Promise<Answer<unknown>> => {
    try {
      return { ok: true, value: await profile.answer(name, argument) }
    } catch (error) {
      return { ok: false, ...refusal(error, ports) }
    }
  }
  return { handle: handle as App['handle'], close: () => profile.close() }
}

/** One profile from "nothing is open" to "ready", and back when it is locked. */
class Profile {
  readonly #ports: Ports
  readonly #teller: Teller
  readonly #idle: Idle
  #store: Store | undefined
  #opened: Opened | undefined
  /** This computer is being linked to an account. */
  #newcomer: Newcomer | undefined
  /** What the lock screen asks for, from the moment of locking until the passphrase or the words have opened. */
  #locked: Extract<Phase, { at: 'locked' }> | undefined
  /** What can be read of a profile that cannot be opened; `isShown` once the person has asked for it. */
  #readOnly: ReadOnly | undefined
  #isShown = false
  #opening: Promise<unknown> = Promise.resolve()

  constructor(ports: Ports) {
    this.#ports = ports
    this.#teller = new Teller(ports.ui)
    this.#idle = new Idle(ports, () => { void this.#tolerant(() => this.#alone(() => this.#lock())) })
  }

  answer(name: CallName, argument: unknown): unknown {
    if (isOfShell(name)) throw new PortError('not-ready')
    if (name === 'restore.choose') return this.#choose(argument as ArgumentOf<'restore.choose'>)
    if (name in this.#own) {
      const own = this.#own[name as Alone] as (argument: unknown) => Promise<unknown>
      return this.#alone(() => own(argument))
    }
    const newcomer = this.#newcomer
    if (newcomer !== undefined) return this.#alone(async () => newcomer.answer(name, argument))
    if (this.#opened === undefined) return this.#read(name, argument)
    return this.#ask(name as keyof typeof answers, argument)
  }

  readonly #own: { readonly [N in Alone]: (argument: ArgumentOf<N>) => Promise<ResultOf<N>> } = {
    'app.open': () => this.#snapshot(),
    'app.report': async () => ({ lines: this.#ports.log.report(countsOf(this.#opened?.state)) }),
    'setup.create': (argument) => this.#create(argument),
    'setup.unlock': ({ passphrase }) =>
      this.#unlock(passphrase === '' ? { type: 'keychain' } : { type: 'passphrase', passphrase }),
    'setup.recover': (argument) => this.#recover(argument),
    'setup.restore': (argument) => this.#restore(argument),
    'setup.restoreBackup': (argument) => this.#restoreBackup(argument),
    'restore.handed': () => this.#handed(),
    'setup.read': () => this.#show(),
    'setup.link': (argument) => this.#link(argument),
    'profile.remove': ({ name }) => this.#remove(name),
    'lock.now': () => this.#lock(),
    'lock.after': ({ minutes }) => this.#lockAfter(minutes),
    'lock.active': async () => { this.#idle.active(); return undefined },
    'passphrase.set': async (change) => {
      const { state } = this.#ready()
      checkPassphrase(change.passphrase)
      await this.#ports.vault.setPassphrase(change)
      state.show({ phase: state.phase })
      return undefined
    },
    'passphrase.remove': async ({ current }) => {
      const { state } = this.#ready()
      await this.#ports.vault.removePassphrase(current)
      // Nothing could be locked any more.
      this.#idle.stop()
      state.transact({ lockAfter: 0 })
      return undefined
    },
  }

  async close(): Promise<void> {
    await this.#alone(async () => {
      await this.#leave(Infinity)
      await this.#newcomer?.stop()
      await this.#ports.delivery.close()
      this.#closeFiles()
    })
  }

  /** Opening, making, locking and removing a profile exclude each other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#opening.then(work)
    this.#opening = result.catch(() => undefined)
    return result
  }

  /** Throws PortError('not-ready') when no profile is open. */
  #ready(): Opened {
    if (this.#opened === undefined) throw new PortError('not-ready')
    return this.#opened
  }

  async #ask(name: keyof typeof answers, argument: unknown): Promise<unknown> {
    const opened = this.#ready()
    demandAnswerable(opened, name, argument)
    try {
      return await (answers[name] as (opened: unknown, argument: unknown) => unknown)(opened, argument)
    } catch (error) {
      // Locked in the meantime: what it was working on is gone.
      throw this.#opened === opened ? error : new PortError('not-ready')
    }
  }

  #read(name: CallName, argument: unknown): unknown {
    if (this.#readOnly === undefined || !this.#isShown) throw new PortError('not-ready')
    return this.#readOnly.answer(name, argument)
  }

  // -------------------------------------------------------------- what the window sees

  async #snapshot(): Promise<Snapshot> {
    const phase = await this.#phase()
    return {
      revision: this.#teller.revision, phase, profile: this.#ports.profile, version: this.#ports.version,
      conversations: this.#conversations(), ...this.#opened === undefined ? {} : toldOn(this.#opened),
    }
  }

  #conversations(): Snapshot['conversations'] {
    return this.#opened?.state.conversations() ?? (this.#isShown ? this.#readOnly?.conversations() : undefined) ?? []
  }

  /** Opens what opens by itself; a profile that was there and cannot be opened is never a new one. */
  async #phase(): Promise<Phase> {
    const { vault } = this.#ports
    const now = this.#current()
    if (now !== undefined) return now
    try {
      if (this.#store === undefined) {
        const status = await vault.status()
        if (status.at === 'locked') return status
        if (status.at === 'keychain') await this.#enter({ type: 'keychain' })
      }
      return this.#current() ?? { at: 'new', keychain: await vault.keychain() }
    } catch (error) {
      if (error instanceof PortError && error.code === 'keychain-locked') {
        return { at: 'locked', need: 'keychain', words: false }
      }
      return this.#stopped(error)
    }
  }

  #current(): Phase | undefined {
    if (this.#opened !== undefined) return this.#opened.state.phase
    if (this.#newcomer !== undefined) return { at: 'linking', link: this.#newcomer.link }
    if (this.#readOnly !== undefined && this.#isShown) {
      return { at: 'ready', me: this.#readOnly.me, readOnly: this.#readOnly.code }
    }
    return this.#locked
  }

  #stopped(error: unknown): Phase {
    const refused = refusal(error, this.#ports)
    this.#ports.log.note({ event: 'not-opened', code: refused.code })
    return { at: 'stopped', ...refused, readable: this.#readOnly !== undefined }
  }

  #tell(phase: Phase, change: Omit<Change, 'revision' | 'phase'> = {}): void {
    this.#teller.show({ phase, conversations: this.#conversations(), ...change })
  }

  // -------------------------------------------------------------- opening

  async #create({ name, passphrase }: ArgumentOf<'setup.create'>): Promise<undefined> {
    nameFrom(name)
    const store = await this.#newStore(passphrase)
    const startedAt = this.#ports.now()
    this.#start(store, makeAccount(this.#ports, store, name))
    this.#noteOpened('created', startedAt)
    this.#tell(await this.#phase())
    return undefined
  }

  async #newStore(passphrase: string): Promise<Store> {
    if (this.#current() !== undefined) throw new PortError('not-ready')
    if (passphrase !== '') checkPassphrase(passphrase)
    // A store without an account, where set-up was interrupted in between: nothing was ever kept in it.
    if (this.#store !== undefined) await this.#ports.vault.destroy()
    this.#store = await this.#ports.vault.create(passphrase === '' ? undefined : passphrase)
    return this.#store
  }

  async #link({ name, code, passphrase }: ArgumentOf<'setup.link'>): Promise<undefined> {
    nameFrom(name)
    this.#newcomer = this.#newcomerOn(await this.#newStore(passphrase))
    await this.#newcomer.begin(name, code).catch(async (error: unknown) => {
      await this.#discard()
      throw error
    })
    return undefined
  }

  /** What was begun and failed leaves nothing behind: this computer is as new as before. */
  async #restore({ words, name, passphrase }: ArgumentOf<'setup.restore'>, backup?: OpenedBackup): Promise<undefined> {
    if (this.#current() !== undefined) throw new PortError('not-ready')
    const { vault } = this.#ports
    const deviceName = nameFrom(name)
    if (passphrase !== '') checkPassphrase(passphrase)
    const anew = words.trim() === '' ? backup : undefined
    const seed = anew === undefined ? seedFrom(words) : undefined
    const startedAt = this.#ports.now()
    try {
      const store = await this.#newStore(passphrase)
      this.#start(store, seed === undefined ? beginAnew(this.#ports, store, { backup: anew, deviceName })
        : await restoreAccount(this.#ports, store, { seed, deviceName, backup }))
    } catch (error) {
      this.#store = undefined
      await this.#tolerant(() => vault.destroy())
      throw error
    } finally {
      seed?.wipe()
    }
    this.#noteOpened('restored', startedAt)
    this.#tell(await this.#phase())
    return undefined
  }

  async #restoreBackup({ token, typed, ...rest }: ArgumentOf<'setup.restoreBackup'>): Promise<undefined> {
    if (this.#current() !== undefined) throw new PortError('not-ready')
    // What is wrong with it, or with what was typed, is said before anything is made.
    const backup = await openBackup(this.#ports, token, typed)
    try {
      await this.#restore(rest, backup)
      return undefined
    } finally {
      backup.key.wipe()
    }
  }

  /** As long as the system's dialogue is open everything else goes on, locking too. */
  async #choose({ kind }: ArgumentOf<'restore.choose'>): Promise<ResultOf<'restore.choose'>> {
    await this.#alone(() => this.#demandUse())
    return chooseBackup(this.#ports, kind)
  }

  /** It waits until there is something to do with it. */
  async #handed(): Promise<ResultOf<'restore.handed'>> {
    await this.#demandUse()
    return handedBackup(this.#ports)
  }

  async #demandUse(): Promise<void> {
    if (!['new', 'ready'].includes((await this.#phase()).at)) throw new PortError('not-ready')
  }

  #newcomerOn(store: Store): Newcomer {
    return new Newcomer({
      ports: this.#ports, store,
      tell: (link) => { this.#teller.show({ phase: { at: 'linking', link }, link }) },
      arrived: (account) => {
        this.#newcomer = undefined
        this.#start(store, account)
        this.#noteOpened('created', this.#ports.now())
        this.#tell(this.#ready().state.phase)
      },
      leave: async () => {
        await this.#discard()
        this.#tell(await this.#phase(), { link: { at: 'none' } })
      },
    })
  }

  async #recover({ words, passphrase }: ArgumentOf<'setup.recover'>): Promise<undefined> {
    if (passphrase !== '') checkPassphrase(passphrase)
    const key = keyOfWords(this.#ports, words)
    try {
      await this.#unlock({ type: 'words', key, passphrase: passphrase === '' ? undefined : passphrase })
      return undefined
    } finally {
      key.privateKey.wipe()
    }
  }

  async #unlock(way: Way): Promise<undefined> {
    if (this.#opened !== undefined || this.#store !== undefined) return undefined
    if (this.#locked !== undefined && way.type === 'keychain') throw new PortError('passphrase-missing')
    try {
      await this.#enter(way)
    } catch (error) {
      if (!(error instanceof PortError) || !stopping.has(error.code)) throw error
      this.#tell(this.#stopped(error))
      return undefined
    }
    this.#locked = undefined
    this.#tell(await this.#phase())
    return undefined
  }

  /**
   * Opens the profile. Where its file does not allow that, what can be read of it is kept for `setup.read`, and the
   * reason is thrown.
   */
  async #enter(way: Way): Promise<void> {
    const { vault } = this.#ports
    this.#closeFiles()
    const startedAt = this.#ports.now()
    try {
      const store = await vault.open(way)
      this.#store = store
      const account = store.document('account', 'own')
      if (account === undefined && !await this.#linksOn(store)) return
      const lockAfter = account === undefined ? 0 : this.#start(store, decodeAccount(account))
      if (account !== undefined) this.#noteOpened(way.type, startedAt)
      // Where the keychain had lost the key it gets it again; where the app locks by itself it must not have it.
      if (way.type === 'keychain' && lockAfter === 0) return
      await this.#tolerant(() => vault.keepInKeychain(lockAfter === 0))
    } catch (error) {
      throw await this.#fallBack(error)
    }
  }

  /** A store without an account: goes on with linking it; false, and it is gone, where that came to nothing. */
  async #linksOn(store: Store): Promise<boolean> {
    const stored = store.document('linking', 'own')
    if (stored === undefined) return true
    const newcomer = this.#newcomerOn(store)
    if (await newcomer.resume(decodeLinking(stored))) this.#newcomer = newcomer
    else await this.#discard()
    return this.#newcomer !== undefined
  }

  async #fallBack(error: unknown): Promise<unknown> {
    this.#store = undefined
    this.#opened = undefined
    const { vault } = this.#ports
    if (error instanceof PortError && readable.has(error.code)) {
      this.#readOnly = ReadOnly.of(await vault.read(), this.#ports, error.code)
      return error
    }
    vault.close()
    if (!(error instanceof MlsError)) return error
    // A document that this version does not know.
    this.#ports.report(error)
    return new PortError('store-newer', error.rule)
  }

  #start(store: Store, account: OwnAccount): LockMinutes {
    const watched = watchful(store, (error) => {
      this.#ports.log.note({ event: 'store-refused', code: error.code })
      if (error.code === 'store-damaged') this.#ports.after(0, () => { this.#damaged(store, error) })
    })
    const state = new State(watched, this.#ports, { account, teller: this.#teller, complete: (of, given) => withSummaries(of, withOwnWords(of, given)) })
    const opened = openOn(state, () => this.#alone(() => this.#giveBack()))
    this.#opened = opened
    void this.#tolerant(async () => { this.#ports.vault.sealTo(account.recoverySealKey) })
    this.#idle.start(state.lockAfter)
    // After the answer: the window paints what is stored before it hears what is new.
    this.#ports.after(0, () => { if (this.#opened === opened) beginOn(opened) })
    return state.lockAfter
  }

  #noteOpened(way: EventOf<'opened'>['way'], startedAt: number): void {
    const conversations = this.#opened?.state.rooms.size ?? 0
    this.#ports.log.note({ event: 'opened', way, ms: Math.max(0, this.#ports.now() - startedAt), conversations })
  }

  /** For what is tried again at the next opening. */
  async #tolerant(work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) => { if (!(error instanceof PortError)) this.#ports.report(error) })
  }

  // -------------------------------------------------------------- closing

  async #lock(): Promise<undefined> {
    const { state } = this.#ready()
    const { passphrase, words } = this.#ports.vault.ways()
    if (!passphrase) throw new PortError('passphrase-missing')
    this.#locked = { at: 'locked', need: 'passphrase', words }
    // Before anything else is done, nothing is to be seen, nor of what comes meanwhile.
    state.show({ phase: this.#locked, removedConversations: [...state.rooms.keys()] })
    state.silence()
    // A restart shall not open by itself what was locked. No keychain that hangs keeps the store open.
    const takenOut = this.#tolerant(() => this.#ports.vault.keepInKeychain(false))
    await Promise.all([this.#leave(stopLimitMs), within(this.#ports, stopLimitMs, takenOut)])
    this.#closeFiles()
    this.#ports.log.note({ event: 'locked' })
    return undefined
  }

  async #lockAfter(minutes: LockMinutes): Promise<undefined> {
    const { state } = this.#ready()
    const { vault } = this.#ports
    if (minutes !== 0 && !vault.ways().passphrase) throw new PortError('passphrase-missing')
    state.transact({ lockAfter: minutes })
    this.#idle.start(minutes)
    await vault.keepInKeychain(minutes === 0)
    return undefined
  }

  /** A page of the open store turned out to be damaged: nothing is written to it any more. */
  #damaged(store: Store, error: PortError): void {
    this.#alone(async () => {
      if (this.#opened === undefined || this.#store !== store) return
      await this.#leave(stopLimitMs)
      await this.#fallBack(error)
      this.#tell(this.#stopped(error))
    }).catch(this.#ports.report)
  }

  /** Stops everything that works on the opened profile, and wipes what it had in memory. */
  async #leave(limitMs: number): Promise<void> {
    const opened = this.#opened
    if (opened === undefined) return
    this.#opened = undefined
    this.#idle.stop()
    // Whatever goes wrong with that, nothing stays open.
    await this.#tolerant(() => within(this.#ports, limitMs, endOn(opened)))
    opened.state.forget()
  }

  #closeFiles(): void {
    this.#ports.vault.close()
    this.#store = undefined
    this.#readOnly?.close()
    this.#readOnly = undefined
    this.#isShown = false
  }

  async #show(): Promise<undefined> {
    if (this.#readOnly === undefined) throw new PortError('not-ready')
    this.#isShown = true
    this.#tell(await this.#phase())
    return undefined
  }

  /** `name` is the profile's own, typed by the person: nothing else undoes this. */
  async #remove(name: string): Promise<undefined> {
    const { state, closing } = this.#ready()
    if (name !== state.account.name) throw new PortError('name-differs')
    if (closing.isDecided) throw new PortError('account-closing')
    await this.#giveBack(() => {
      this.#ports.log.forget()
      this.#ports.log.note({ event: 'removed' })
    })
    return undefined
  }

  async #giveBack(done = (): void => undefined): Promise<void> {
    const removedConversations = [...this.#opened?.state.rooms.keys() ?? []]
    await this.#discard()
    done()
    this.#tell({ at: 'new', keychain: await this.#ports.vault.keychain() }, { removedConversations })
  }

  /** Nothing of this profile stays. */
  async #discard(): Promise<void> {
    await this.#leave(Infinity)
    this.#newcomer = undefined
    for (const use of ['folder', 'restore'] as const) this.#ports.places.keep(use, [])
    this.#closeFiles()
    await this.#ports.vault.destroy()
  }
}
