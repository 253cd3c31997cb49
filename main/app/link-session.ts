import { encode, type Suite } from '../mls/index.ts'
import { linkingCodeMs, writeLinkingCode } from '../identity/linking-code.ts'
import { LinkMessage, messageIn, readCode } from '../chat/linking.ts'
import type { Link, LinkFailure, LinkRole } from '../../preload/api.ts'
import { PairingError, PortError, type Channel, type Line, type Patience, type Ports, type Rendezvous } from '../ports.ts'

/** One attempt to link two devices, on either of them: its code, its channel, and what the window is told of it. */

/** How long a person may take for what is asked of them. */
export const personMs = 10 * 60 * 1000
/** How long the other device may take for what it does by itself. */
export const stepMs = 60 * 1000
const pollMs = 100

type Opening = { readonly rendezvous: Rendezvous, readonly open: () => Promise<Channel> }
type Options = { readonly ports: Ports, readonly suite: Suite, readonly role: LinkRole, readonly tell: (link: Link) => void }

export class LinkSession {
  readonly role: LinkRole
  readonly line: Line
  readonly #options: Options
  link: Link | undefined
  rendezvous: Rendezvous | undefined
  #isOver = false

  constructor(options: Options) {
    const { delivery, now, after } = options.ports
    this.#options = options
    this.role = options.role
    this.line = { delivery, now, after: (delayMs, run) => after(delayMs, run), isOver: () => this.#isOver }
  }

  isOver(): boolean { return this.#isOver }

  /** Whether nothing of it goes on. */
  get isSettled(): boolean {
    return this.link === undefined || this.link.at === 'done' || this.link.at === 'failed'
  }

  say(link: Link): void {
    if (this.#isOver || JSON.stringify(link) === JSON.stringify(this.link)) return
    this.link = link
    this.#options.tell(link)
  }

  /** Shows a code, where there is none to be read; `undefined` when the one that is there is of no use. */
  async begin(text: string): Promise<Opening | undefined> {
    const { ports: { pairing }, suite } = this.#options
    const { role, line } = this
    const { address } = line.delivery
    if (text === '') {
      const shown = await pairing.show({ role, address, expiresAt: line.now() + linkingCodeMs })
      const { code, rendezvous } = shown
      this.rendezvous = rendezvous
      this.say({ at: 'showing', role, code: writeLinkingCode(suite, code), expiresAt: code.expiresAt })
      return { rendezvous, open: () => this.#connected(shown.open(line)) }
    }
    const read = readCode(suite, text, { role, address, now: line.now() })
    if (read.type === 'refused') {
      this.say({ at: 'failed', role, why: read.why })
      return undefined
    }
    this.say({ at: 'connecting', role })
    this.rendezvous = pairing.meet(read.code)
    return { rendezvous: this.rendezvous, open: () => this.#connected(pairing.join(line, read.code)) }
  }

  async #connected(opening: Promise<Channel>): Promise<Channel> {
    const channel = await opening
    if (this.#isOver) throw new PairingError('gone')
    this.say({ at: 'connecting', role: this.role })
    return channel
  }

  /** Tells the other device, if it can be told; it finds out by itself otherwise. */
  async tellOther(why: LinkFailure): Promise<void> {
    if (this.rendezvous === undefined) return
    try {
      await this.#options.ports.pairing.end(this.line, this.rendezvous, why)
    } catch (error) {
      if (!(error instanceof PortError)) throw error
    }
  }

  /** Why the other device has given up, if it has. */
  async ended(): Promise<LinkFailure | undefined> {
    return this.rendezvous === undefined ? undefined : this.#options.ports.pairing.ended(this.line, this.rendezvous)
  }

  /** Nothing more is told of it. */
  over(): void {
    this.#isOver = true
  }

  /** Why an error ends it; a bug is reported too. */
  reasonOf(error: unknown): LinkFailure {
    if (error instanceof PairingError) return error.why
    if (error instanceof PortError) return error.code === 'not-allowed' ? 'no-right' : 'gone'
    this.#options.ports.report(error)
    return 'gone'
  }

  pause(): Promise<void> {
    return new Promise((resolve) => { this.line.after(pollMs, resolve) })
  }

  /** Does it until it says so, whatever the delivery service does meanwhile. Gives `undefined` when nobody waits. */
  async until<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
    while (!this.#isOver) {
      const found = await look().catch((error: unknown) => {
        if (error instanceof PortError && error.code === 'delivery-unreachable') return undefined
        throw error
      })
      if (found !== undefined) return found
      await this.pause()
    }
    return undefined
  }
}

export const speak = (channel: Channel, message: LinkMessage): Promise<void> => channel.send(encode(LinkMessage, message))

/** The next message, which has to be of that type. Rejects with PairingError. */
export async function hear<T extends LinkMessage['type']>(
  channel: Channel, type: T, limitMs: number,
): Promise<Extract<LinkMessage, { type: T }>> {
  const bytes = await channel.receive({ limitMs })
  const message = bytes === undefined ? undefined : messageIn(bytes, type)
  if (message === undefined) throw new PairingError('tampered')
  return message
}

/** Waits for the person, while the other device has nothing to say but that it is gone. */
export async function waitFor(channel: Channel, patience: Required<Patience>): Promise<void> {
  if (await channel.receive(patience) !== undefined) throw new PairingError('tampered')
}
