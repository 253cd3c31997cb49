/**
 * Tells the person of what is new, as much as they want to be told: of the conversation that they look at nothing, of
 * muted ones nothing, of requests only that there is one. What was read is taken back.
 */
import type { Conversation } from '../../preload/api.ts'
import type { NotificationLevel } from '../../preload/shell.ts'
import type { Electron, ElectronNotification, NotificationOptions } from '../electron.ts'
import type { Happened, Told } from './told.ts'
import { systemWords } from './words.ts'

const words = systemWords.notification
/** So long is gathered before anything is shown: after an absence much comes at once. */
const gatherMs = 300
/** No second sound for one conversation within this time. */
const soundMs = 10_000
const longestText = 240
/** One notification for everything, where it must not say more. */
const everything = ''
const lock = 'lock'
const question = 'question'

export type NotifierOptions = {
  readonly electron: Electron
  readonly platform: NodeJS.Platform
  readonly told: Told
  readonly level: () => NotificationLevel
  readonly isQuiet: () => boolean
  /** Does the person look at this conversation; at the window, where none is given? */
  readonly isSeen: (conversation?: string) => boolean
  readonly open: (conversation: string | undefined) => void
  /** Gives what is to be said where the reply did not go out. */
  readonly reply: (conversation: string, text: string) => Promise<string | undefined>
  /** Something new is there, whether or not it is shown. */
  readonly call: () => void
  readonly now: () => number
}

type Shown = { readonly notification: ElectronNotification, readonly soundAt: number }
type Said = { readonly title: string, readonly body: string, readonly reply?: string }

export class Notifier {
  readonly #options: NotifierOptions
  readonly #shown = new Map<string, Shown>()
  readonly #waiting = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: NotifierOptions) {
    this.#options = options
  }

  hear({ fresh, settled, locked, asked }: Happened): void {
    for (const id of settled) {
      this.#waiting.delete(id)
      this.#withdraw(id)
    }
    if (!this.#options.told.messages) this.#withdraw(everything)
    if (locked) this.#locked()
    if (this.#options.told.open) this.#withdraw(lock)
    if (asked === 'over') this.#withdraw(question)
    if (asked === 'fresh') this.#ask()
    for (const { id } of fresh) this.#waiting.add(id)
    if (this.#waiting.size > 0) this.#timer ??= setTimeout(() => { this.#tell() }, gatherMs)
  }

  /** Less is to be said from now on, or the app ends: nothing stays that says more. */
  withdrawAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.clear()
    for (const id of [...this.#shown.keys()]) this.#withdraw(id)
  }

  #tell(): void {
    this.#timer = undefined
    const { told, isSeen, isQuiet, call } = this.#options
    const fresh = [...this.#waiting].flatMap((id) => told.conversations.get(id) ?? [])
      .filter(({ id, muted }) => !muted && !isSeen(id))
    this.#waiting.clear()
    if (fresh.length === 0 || isQuiet()) return
    call()
    for (const conversation of fresh) this.#tellOf(conversation)
  }

  #tellOf(conversation: Conversation): void {
    const { id, state } = conversation
    const level = this.#options.level()
    if (level === 'off') return
    if (state === 'request') this.#show(id, { title: systemWords.name, body: words.request }, id)
    else if (level === 'bare') this.#show(everything, { title: systemWords.name, body: words.message }, undefined)
    else this.#show(id, { ...said(conversation, level), reply: id }, id)
  }

  /** Nothing else is known while it is locked. */
  #locked(): void {
    this.withdrawAll()
    const { level, isQuiet, isSeen } = this.#options
    if (level() !== 'off' && !isQuiet() && !isSeen()) this.#show(lock, { title: words.locked, body: '' }, undefined)
  }

  /** Somebody may be coming in by this person's words: also where it is quiet, and it names nothing. */
  #ask(): void {
    const { level, isSeen, call } = this.#options
    if (isSeen() || level() === 'off') return
    call()
    this.#show(question, { title: words.asked, body: words.askedText }, undefined)
  }

  #show(key: string, { title, body, reply }: Said, opens: string | undefined): void {
    const { electron, platform, open, now } = this.#options
    if (!electron.Notification.isSupported()) return
    const before = this.#shown.get(key)
    this.#withdraw(key)
    const silent = before !== undefined && now() - before.soundAt < soundMs
    const hasReply = reply !== undefined && platform === 'darwin'
    const clean = platform === 'linux' ? withoutMarkup : (text: string) => text
    const options: NotificationOptions = {
      title: clean(title), body: clean(body), silent, hasReply, replyPlaceholder: hasReply ? words.reply : '',
    }
    const notification = new electron.Notification(options)
    notification.on('click', () => {
      this.#withdraw(key)
      open(opens)
    })
    if (hasReply) notification.on('reply', (details) => { void this.#reply(reply, details.reply) })
    notification.show()
    this.#shown.set(key, { notification, soundAt: silent ? before.soundAt : now() })
  }

  async #reply(conversation: string, text: string): Promise<void> {
    this.#withdraw(conversation)
    const refused = await this.#options.reply(conversation, text)
    if (refused !== undefined) this.#show(conversation, { title: systemWords.name, body: refused }, conversation)
  }

  #withdraw(key: string): void {
    const shown = this.#shown.get(key)
    this.#shown.delete(key)
    shown?.notification.close()
  }
}

function said({ kind, title, people, last }: Conversation, level: 'name' | 'text'): Said {
  const name = people.find(({ accountId }) => accountId === last?.from)?.name ?? words.somebody
  const text = shorten(last?.text ?? '')
  if (kind === 'direct') return { title, body: level === 'name' || text === '' ? words.message : text }
  return { title, body: level === 'name' || text === '' ? words.messageOf(name) : words.said(name, text) }
}

const shorten = (text: string): string =>
  text.length <= longestText ? text : `${text.slice(0, longestText).replace(/[\uD800-\uDBFF]$/, '')}…`

/** Some desktops of Linux take a body for markup, with links and pictures in it. */
const withoutMarkup = (text: string): string =>
  text.replaceAll('<', '‹').replaceAll('>', '›').replace(/&(?=#?\w+;)/g, '＆')
