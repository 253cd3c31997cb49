/** What the window was told of the profile, as far as the desktop shows it. Nothing of it is kept once it is locked. */
import type { Change, Conversation, Phase, Snapshot } from '../../preload/api.ts'

/** What a Change means for who is not looking at the window. */
export type Happened = {
  /** Conversations in which something new was said, and new requests. */
  readonly fresh: readonly Conversation[]
  /** In these nothing is new any more, here or on another own device. */
  readonly settled: readonly string[]
  readonly locked: boolean
  /** A device came back by the 24 words, and this person is to say whether that was them. `over`: nobody asks any more. */
  readonly asked?: 'fresh' | 'over'
}

export class Told {
  #phase: Phase | undefined
  readonly conversations = new Map<string, Conversation>()
  #asked: ReadonlySet<string> = new Set()

  get open(): boolean {
    return this.#phase?.at === 'ready'
  }

  get writable(): boolean {
    return this.#phase?.at === 'ready' && this.#phase.readOnly === undefined
  }

  get lockable(): boolean {
    return this.#phase?.at === 'ready' && this.#phase.me.lock.passphrase
  }

  /** A muted conversation does not call; a request counts once. */
  get unread(): number {
    let sum = 0
    for (const { state, muted, unread } of this.conversations.values()) {
      if (!muted) sum += state === 'request' ? 1 : unread
    }
    return sum
  }

  get messages(): boolean {
    return [...this.conversations.values()].some(({ state, muted, unread }) => state !== 'request' && !muted && unread > 0)
  }

  /** The window asked for everything: nothing of it is news. */
  take({ phase, conversations }: Snapshot): void {
    this.#phase = phase
    this.conversations.clear()
    for (const each of conversations) this.conversations.set(each.id, each)
  }

  hear({ phase, conversations = [], removedConversations = [], devices }: Change): Happened {
    const wasOpen = this.open
    if (phase !== undefined) this.#phase = phase
    const fresh: Conversation[] = []
    const settled = [...removedConversations]
    for (const { people, ...news } of conversations) {
      const before = this.conversations.get(news.id)
      const now: Conversation = { ...news, people: people ?? before?.people ?? [] }
      this.conversations.set(now.id, now)
      // What was there when the profile opened is no news.
      if (wasOpen && isFresh(before, now)) fresh.push(now)
      if (isSettled(before, now)) settled.push(now.id)
    }
    for (const id of removedConversations) this.conversations.delete(id)
    if (!this.open) {
      settled.push(...this.conversations.keys())
      this.conversations.clear()
      this.#asked = new Set()
    }
    return { fresh, settled, locked: wasOpen && phase?.at === 'locked', ...this.#hearDevices(devices) }
  }

  #hearDevices(devices: Change['devices']): Pick<Happened, 'asked'> {
    if (devices === undefined) return {}
    const before = this.#asked
    this.#asked = new Set(devices.filter(({ asked }) => asked !== undefined).map(({ deviceId }) => deviceId))
    if (this.#asked.size === 0) return { asked: 'over' }
    return [...this.#asked].every((deviceId) => before.has(deviceId)) ? {} : { asked: 'fresh' }
  }
}

const isFresh = (before: Conversation | undefined, now: Conversation): boolean => {
  if (now.state === 'request') return before === undefined
  return now.unread > (before?.unread ?? 0) && now.last !== undefined && !now.last.own
}

const isSettled = (before: Conversation | undefined, now: Conversation): boolean =>
  now.muted || (now.state === 'request' ? false : now.unread === 0 || before?.state === 'request')
