import { copyFileSync, existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { sha256Digest } from '../../main/crypto/digest.ts'
import { createApp, type App } from '../../main/app.ts'
import { attemptLimit } from '../../main/chat/membership.ts'
import { commitSlot, groupLog, sealOf, sealRecord } from '../../main/chat/sealed.ts'
import { nativeSuites } from '../../main/crypto/native.ts'
import type { ArgumentOf, CallName, Change, Conversation, Entry, ResultOf } from '../../preload/api.ts'
import { heldIn } from '../scenario/attacker.ts'
import { portsOfBackups } from '../scenario/places.ts'
import { pairing, quietLog, vaultOf } from '../scenario/world.ts'
import type { ChaosLogs } from './delivery.ts'
import { SeededRandom } from './random.ts'

/** A text that a client wrote, as the simulation knows it. */
export type Said = { readonly conversation: string, readonly text: string, readonly at: number }

/** What was seen of a client's conversations, to be counted at the end. */
export type Sightings = { returned: number, forks: number, notices: Map<string, number> }

/** One person's app on a real store, in a time and on logs that the simulation makes. */
export class Client {
  readonly name: string
  readonly said: Said[] = []
  readonly bugs: unknown[] = []
  readonly seen: Sightings = { returned: 0, forks: 0, notices: new Map() }
  readonly #file: string
  readonly #logs: ChaosLogs
  readonly #random: SeededRandom
  readonly #key: Uint8Array
  readonly #recovering = new Map<string, string>()
  #app: App | undefined
  #count = 0
  /** Being started or stopped: nobody else touches it. */
  busy = false
  accountId = ''
  wasPutBack = false

  constructor(name: string, folder: string, logs: ChaosLogs, seed: string) {
    this.name = name
    this.#file = path.join(folder, `${name}.sqlite`)
    this.#logs = logs
    this.#random = new SeededRandom(`${seed} ${name}`)
    this.#key = this.#random.bytes(32)
  }

  get isRunning(): boolean {
    return this.#app !== undefined && !this.busy
  }

  async start(): Promise<void> {
    if (this.#app !== undefined) return
    const { clock } = this.#logs
    this.#app = createApp({
      profile: this.name, version: '0', deviceName: this.name, platform: 'Linux', vault: vaultOf(this.#file, this.#key, {}),
      delivery: this.#logs.view(this.name), ui: { show: (change) => { this.#see(change) } },
      pairing, suiteOf: nativeSuites(this.#random.bytes), now: clock.now, random: this.#random.bytes, after: clock.after,
      digest: sha256Digest, saveFile: () => Promise.resolve(false), idleMs: () => 0, ...portsOfBackups(path.dirname(this.#file)),
      log: quietLog(), report: (error) => { this.bugs.push(error) },
    })
    const { phase } = await this.call('app.open', {})
    if (phase.at === 'ready') this.accountId = phase.me.accountId
  }

  async stop(): Promise<void> {
    const app = this.#app
    this.#app = undefined
    await app?.close()
  }

  async setUp(): Promise<void> {
    await this.start()
    await this.call('setup.create', { name: this.name, passphrase: '' })
    const { phase } = await this.call('app.open', {})
    if (phase.at === 'ready') this.accountId = phase.me.accountId
  }

  /** Keeps a copy of the stopped profile, as a backup of the disk would. */
  copy(): void {
    copyFileSync(this.#file, `${this.#file}.copy`)
  }

  get hasCopy(): boolean {
    return existsSync(`${this.#file}.copy`)
  }

  /** Puts the copy back: everything since then is forgotten, and what was written meanwhile may be known to others. */
  putBack(): void {
    copyFileSync(`${this.#file}.copy`, this.#file)
    rmSync(`${this.#file}.copy`)
    this.wasPutBack = true
  }

  /** Fills every slot of a conversation's epoch, as far as this stopped client knows it, with what is no commit. */
  async spoil(conversation: string): Promise<boolean> {
    const state = heldIn(this.#file, this.#key, conversation)
    if (state === undefined) return false
    const delivery = this.#logs.view(this.name)
    for (let attempt = 0; attempt < attemptLimit; attempt += 1) {
      const bytes = sealRecord(state.group.suite, sealOf(state.group), groupLog('h', state.log), [this.#random.bytes(40)])
      // Where the service is away, a slot stays as it is.
      await delivery.append(groupLog('h', state.log), bytes, commitSlot(state.group, attempt)).catch(() => undefined)
    }
    await delivery.close()
    return true
  }

  async call<N extends CallName>(name: N, argument: ArgumentOf<N>): Promise<ResultOf<N>> {
    if (this.#app === undefined) throw new Error(`${this.name} is not running`)
    const answer = await this.#app.handle(name, argument)
    if (!answer.ok) throw new Error(answer.code)
    return answer.value
  }

  async say(conversation: string): Promise<void> {
    const text = `${this.name} ${++this.#count}`
    const key = Buffer.from(this.#random.bytes(16)).toString('hex')
    await this.call('message.send', { conversation, key, text })
    this.said.push({ conversation, text, at: this.#logs.clock.now() })
  }

  async conversations(): Promise<readonly Conversation[]> {
    return (await this.call('app.open', {})).conversations
  }

  async entries(conversation: string): Promise<readonly Entry[]> {
    const all: Entry[] = []
    for (let before = 0; ;) {
      const page = await this.call('entries.page', { conversation, before, limit: 500 })
      all.unshift(...page.entries)
      if (!page.more || page.entries[0] === undefined) return all
      before = page.entries[0].order
    }
  }

  #see(change: Change): void {
    if (change.notice !== undefined) {
      const { code } = change.notice
      this.seen.notices.set(code, (this.seen.notices.get(code) ?? 0) + 1)
    }
    for (const { id, state, recovering } of change.conversations ?? []) {
      const before = this.#recovering.get(id)
      if (recovering !== undefined && before === undefined && recovering.reason === 'forked') this.seen.forks += 1
      if (recovering === undefined) this.#recovering.delete(id)
      else this.#recovering.set(id, recovering.reason)
      if (before !== undefined && recovering === undefined && state === 'active') this.seen.returned += 1
      if (state === 'request') this.#answer(id)
    }
  }

  /** Accepts what others invite it to, after a while. */
  #answer(id: string): void {
    this.#logs.clock.after(1_000 + this.#random.below(120_000), () => {
      if (this.isRunning) void this.call('conversation.accept', { conversation: id }).catch(() => undefined)
    })
  }
}
