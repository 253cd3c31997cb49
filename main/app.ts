import type { Answer, ArgumentOf, CallName, ErrorCode, Phase, ResultOf, Snapshot } from '../preload/api.ts'
import { decodeAccount, type AccountDocument } from './chat/documents.ts'
import { MlsError } from './mls/index.ts'
import { makeAccount, nameFrom, selfOf } from './app/account.ts'
import { answers } from './app/calls.ts'
import { State } from './app/state.ts'
import { Sync } from './app/sync.ts'
import { PortError, type Ports, type Store } from './ports.ts'

/** The app of one profile without window, disk or network: a handler for every Call. */
export interface App {
  /** Answers one Call, whose argument was checked by the table. Never rejects: errors are codes. */
  handle<N extends CallName>(name: N, argument: unknown): Promise<Answer<ResultOf<N>>>
  /** Resolves when nothing is under way and everything is stored. */
  close(): Promise<void>
}

const shortestPassphrase = 8

/** The app on its ports. Nothing is opened before the window asks (`app.open`). */
export function createApp(ports: Ports): App {
  const profile = new Profile(ports)
  const handle = async (name: CallName, argument: unknown): Promise<Answer<unknown>> => {
    try {
      return { ok: true, value: await profile.answer(name, argument) }
    } catch (error) {
      return { ok: false, ...refusal(error, ports) }
    }
  }
  return { handle: handle as App['handle'], close: () => profile.close() }
}

const refusal = (error: unknown, ports: Ports): { readonly code: ErrorCode, readonly detail?: string } => {
  if (error instanceof PortError) {
    return { code: error.code, ...(error.detail === undefined ? {} : { detail: error.detail }) }
  }
  ports.report(error)
  return { code: 'bug', ...(error instanceof MlsError && error.rule !== undefined ? { detail: error.rule } : {}) }
}

/** One profile from "nothing is open" to "ready". */
class Profile {
  readonly #ports: Ports
  #store: Store | undefined
  #opened: { readonly state: State, readonly sync: Sync } | undefined
  #opening: Promise<unknown> = Promise.resolve()

  constructor(ports: Ports) {
    this.#ports = ports
  }

  answer(name: CallName, argument: unknown): unknown {
    switch (name) {
      case 'app.open': return this.#alone(() => this.#snapshot())
      case 'setup.create': return this.#alone(() => this.#create(argument as ArgumentOf<'setup.create'>))
      case 'setup.unlock': return this.#alone(() => this.#unlock((argument as ArgumentOf<'setup.unlock'>).passphrase))
      case 'profile.remove': return this.#alone(() => this.#remove((argument as ArgumentOf<'profile.remove'>).name))
      case 'profile.choose': throw new PortError('not-ready')
      default: {
        if (this.#opened === undefined) throw new PortError('not-ready')
        const answer = answers[name] as (opened: unknown, argument: unknown) => unknown
        return answer(this.#opened, argument)
      }
    }
  }

  async close(): Promise<void> {
    await this.#alone(async () => {
      const opened = this.#opened
      this.#opened = undefined
      await opened?.sync.stop()
      await this.#ports.delivery.close()
      this.#store?.close()
      this.#store = undefined
    })
  }

  /** Opening, making and removing a profile exclude each other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#opening.then(work)
    this.#opening = result.catch(() => undefined)
    return result
  }

  async #snapshot(): Promise<Snapshot> {
    const phase = await this.#phase()
    const state = this.#opened?.state
    return {
      revision: state?.revision ?? 0, phase, profile: this.#ports.profile, version: this.#ports.version,
      conversations: state?.conversations() ?? [],
    }
  }

  async #phase(): Promise<Phase> {
    const { vault } = this.#ports
    try {
      if (this.#opened === undefined && this.#store === undefined) {
        const status = await vault.status()
        switch (status) {
          case 'new': break
          case 'passphrase': return { at: 'locked', need: 'passphrase' }
          case 'keychain-locked': return { at: 'locked', need: 'keychain' }
          case 'keychain-lost': return { at: 'stopped', code: 'keychain-lost' }
          case 'keychain': this.#enter(await vault.open(undefined)); break
        }
      }
      if (this.#opened !== undefined) return { at: 'ready', me: this.#opened.state.me }
      return { at: 'new', keychain: await vault.keychain() }
    } catch (error) {
      if (error instanceof PortError && error.code === 'keychain-locked') return { at: 'locked', need: 'keychain' }
      const { code, detail } = refusal(error, this.#ports)
      return { at: 'stopped', code: error instanceof MlsError ? 'store-newer' : code, ...(detail === undefined ? {} : { detail }) }
    }
  }

  async #create(argument: ArgumentOf<'setup.create'>): Promise<undefined> {
    if (this.#opened !== undefined) throw new PortError('not-ready')
    nameFrom(argument.name)
    const { passphrase } = argument
    if (passphrase !== '' && passphrase.length < shortestPassphrase) throw new PortError('passphrase-short')
    // A store without an account: set-up was interrupted in between.
    this.#store ??= await this.#ports.vault.create(passphrase === '' ? undefined : passphrase)
    this.#start(this.#store, makeAccount(this.#ports, this.#store, argument.name))
    this.#ready()
    return undefined
  }

  async #unlock(passphrase: string): Promise<undefined> {
    if (this.#opened !== undefined || this.#store !== undefined) return undefined
    this.#enter(await this.#ports.vault.open(passphrase === '' ? undefined : passphrase))
    this.#ready()
    return undefined
  }

  #enter(store: Store): void {
    this.#store = store
    const account = store.document('account', 'own')
    if (account !== undefined) this.#start(store, decodeAccount(account))
  }

  #start(store: Store, account: AccountDocument): void {
    const state = new State(store, this.#ports, { account, self: selfOf(this.#ports, account) })
    const sync = new Sync(state)
    this.#opened = { state, sync }
    // After the answer: the window paints what is stored before it hears what is new.
    this.#ports.after(0, () => { if (this.#opened?.sync === sync) sync.start() })
  }

  #ready(): void {
    const state = this.#opened?.state
    state?.show({ phase: { at: 'ready', me: state.me }, conversations: state.conversations() })
  }

  /** `name` is the profile's own, typed by the person: nothing else undoes this. */
  async #remove(name: string): Promise<undefined> {
    const opened = this.#opened
    if (opened === undefined) throw new PortError('not-ready')
    if (name !== opened.state.account.name) throw new PortError('name-differs')
    this.#opened = undefined
    await opened.sync.stop()
    this.#store?.close()
    this.#store = undefined
    await this.#ports.vault.destroy()
    opened.state.show({ phase: { at: 'new', keychain: await this.#ports.vault.keychain() }, removedConversations: [...opened.state.rooms.keys()] })
    return undefined
  }
}
