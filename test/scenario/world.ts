/**
 * People on one machine, without windows: real stores, a real delivery log, real keys. Each person's app is what the
 * window talks to; a scenario says what people do and waits for what they should see.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createApp, type App } from '../../main/app.ts'
import { productSuite } from '../../main/app/self.ts'
import type { Alias } from '../../main/events.ts'
import { sha256Digest } from '../../main/crypto/digest.ts'
import { nativeSuites } from '../../main/crypto/native.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { OpenLog } from '../../main/log/log.ts'
import { hpkePairing } from '../../main/pairing/pairing.ts'
import { openStore, type StoreOptions } from '../../main/sqlite/store.ts'
import type { Delivery, Log, Ports, Store, Vault } from '../../main/ports.ts'
import type {
  Answer, ArgumentOf, CallName, Change, Conversation, Entry, ErrorCode, ResultOf,
} from '../../preload/api.ts'
import { portsOfBackups, TestPlaces } from './places.ts'

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
export const suites = nativeSuites(random)
const product = suites(productSuite)
if (product === undefined) throw new Error('suite 1 is missing')
export const pairing = hpkePairing(product)

/** A refusal of the app, as the window gets it. */
export class Refused extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, detail: string | undefined) {
    super(`${code} ${detail ?? ''}`)
    this.code = code
  }
}

/**
 * A vault over a real store whose key the test holds: keychain and passphrase have tests of their own, and Argon2 would
 * take half a second for each person.
 */
export function vaultOf(
  file: string, key: Uint8Array,
  options: Pick<StoreOptions, 'maxPages' | 'open'> & { readonly through?: (store: Store) => Store },
): Vault {
  let store: Store | undefined
  const open = (): Promise<Store> => {
    const { through = (opened: Store) => opened, ...rest } = options
    store = through(openStore({ file, key: key.slice(), ...rest }))
    return Promise.resolve(store)
  }
  const unbuilt = (): Promise<never> => Promise.reject(new Error('the vault of the scenarios has one way in'))
  return {
    status: () => Promise.resolve({ at: existsSync(file) ? 'keychain' : 'new' }),
    keychain: () => Promise.resolve('ok'),
    ways: () => ({ passphrase: false, keychain: true, words: false }),
    create: open,
    open,
    read: () => Promise.resolve(undefined),
    sealTo: () => undefined,
    setPassphrase: unbuilt,
    removePassphrase: unbuilt,
    keepInKeychain: () => Promise.resolve(),
    close: () => { store?.close() },
    destroy: () => {
      store?.close()
      rmSync(file, { force: true })
      return Promise.resolve()
    },
  }
}

/** Takes everything and keeps nothing. */
export const quietLog = (): Log => ({
  note: () => undefined, alias: () => '00000000' as Alias, report: () => [], forget: () => undefined,
})

export class Person {
  readonly name: string
  readonly changes: Change[] = []
  readonly bugs: unknown[] = []
  /** Hears each Change as it is told. */
  shown: (change: Change) => void = () => undefined
  readonly #folder: string
  readonly key: Uint8Array
  #app: App | undefined
  #closeLog: (() => void) | undefined
  now: () => number = () => Date.now()
  /** Wraps the delivery, for faults. */
  through: (delivery: Delivery) => Delivery = (delivery) => delivery
  /** The same for the store. */
  throughStore: (store: Store) => Store = (store) => store
  /** The one that is open, to look into. */
  store: Store | undefined
  storeOptions: Pick<StoreOptions, 'maxPages' | 'open'> = {}
  /** Makes a vault in the person's folder, for stories about keys and files. */
  vaultIn: (folder: string) => Vault = (folder) =>
    vaultOf(path.join(folder, 'profile.sqlite'), this.key, {
      ...this.storeOptions, through: (store) => { this.store = this.throughStore(store); return this.store },
    })
  idleMs = 0
  /** What was saved out of the app, by name. */
  readonly saved = new Map<string, Buffer>()
  saveFile: Ports['saveFile'] = (name, pieces) => {
    this.saved.set(name, Buffer.concat([...pieces]))
    return Promise.resolve(true)
  }
  readonly places = new TestPlaces()
  /** Replaced where a story looks into the log. */
  logIn: (folder: string) => Log & Partial<OpenLog> = quietLog

  constructor(name: string, folder: string, key = random(32)) {
    this.name = name
    this.#folder = folder
    this.key = key
  }

  get folder(): string { return this.#folder }

  get deliveryFile(): string { return path.join(this.#folder, 'delivery.sqlite') }

  async start(): Promise<void> {
    await mkdir(path.join(this.#folder, this.name), { recursive: true })
    const vault = this.vaultIn(path.join(this.#folder, this.name))
    this.places.file = path.join(this.#folder, this.name, 'places.json')
    const timers = new Set<NodeJS.Timeout>()
    const log = this.logIn(path.join(this.#folder, this.name))
    this.#closeLog = log.close?.bind(log)
    this.#app = createApp({
      profile: this.name, version: '0', deviceName: `${this.name}'s computer`,
      platform: 'Linux', vault,
      delivery: this.through(openSqliteDelivery({ file: this.deliveryFile, pollMs: 20, now: () => this.now() })),
      ui: { show: (change) => { this.changes.push(change); this.shown(change) } },
      pairing, suiteOf: suites, now: () => this.now(), random, idleMs: () => this.idleMs,
      digest: sha256Digest, saveFile: (name, pieces) => this.saveFile(name, pieces),
      ...portsOfBackups(path.join(this.#folder, this.name), this.places),
      after: (delayMs, run) => {
        const timer = setTimeout(() => { timers.delete(timer); run() }, delayMs)
        timers.add(timer)
        return () => { clearTimeout(timer) }
      },
      log,
      report: (error) => { this.bugs.push(error); log.bug?.(error); process.stderr.write(`${this.name}: ${error instanceof Error ? error.stack ?? '' : String(error)}\n`) },
    })
    await this.call('app.open', {})
  }

  async stop(): Promise<void> {
    await this.#app?.close()
    this.#app = undefined
    this.#closeLog?.()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** As the window gets it. */
  answer<N extends CallName>(name: N, argument: ArgumentOf<N>): Promise<Answer<ResultOf<N>>> {
    if (this.#app === undefined) throw new Error(`${this.name} is not running`)
    return this.#app.handle(name, argument)
  }

  async call<N extends CallName>(name: N, argument: ArgumentOf<N>): Promise<ResultOf<N>> {
    const answer = await this.answer(name, argument)
    if (!answer.ok) throw new Refused(answer.code, answer.detail)
    return answer.value
  }

  async invite(): Promise<string> {
    return (await this.call('invite.show', {})).text
  }

  async conversations(): Promise<readonly Conversation[]> {
    return (await this.call('app.open', {})).conversations
  }

  async conversation(id: string): Promise<Conversation | undefined> {
    return (await this.conversations()).find((one) => one.id === id)
  }

  async entries(conversation: string): Promise<readonly Entry[]> {
    return (await this.call('entries.page', { conversation, before: 0, limit: 500 })).entries
  }

  async texts(conversation: string): Promise<readonly string[]> {
    return (await this.entries(conversation)).flatMap((entry) => entry.kind === 'message' ? [entry.text] : [])
  }

  async say(conversation: string, text: string): Promise<void> {
    await this.call('message.send', { conversation, key: Buffer.from(random(16)).toString('hex'), text })
  }

  /** Waits for a request and accepts it. Gives the conversation. */
  async accept(): Promise<string> {
    const request = await until(`${this.name} gets a request`, async () =>
      (await this.conversations()).find((one) => one.state === 'request'))
    await this.call('conversation.accept', { conversation: request.id })
    return request.id
  }
}

/** Writes down the words of a person, as linking and backups ask for. */
export async function confirmWords(person: Person): Promise<void> {
  const words = await person.call('recovery.words', {})
  await person.call('recovery.confirm', { words: [2, 9, 24].map((position) => ({ position, word: words[position - 1] ?? '' })) })
}

/** Waits until `look` gives something; fails with what was waited for. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

/** People with accounts on one machine; `end` stops them and deletes everything. `prepare`: before one is started. */
export async function people<const N extends readonly string[]>(
  names: N, prepare?: (person: Person) => void,
): Promise<{
  readonly all: { readonly [K in keyof N]: Person }
  readonly end: () => Promise<void>
}> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-scenario-'))
  const all: Person[] = []
  for (const name of names) {
    const person = new Person(name, folder)
    prepare?.(person)
    await person.start()
    await person.call('setup.create', { name, passphrase: '' })
    all.push(person)
  }
  return {
    all: all as unknown as { readonly [K in keyof N]: Person },
    end: async () => {
      for (const person of all) await person.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

