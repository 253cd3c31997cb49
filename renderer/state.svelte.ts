/**
 * What the window knows: the Snapshot of `app.open`, kept current by Changes. Views read it and ask through `ask`;
 * nothing here decides anything, the main process does.
 */
import type {
  Answer, ArgumentOf, BackupStatus, Bridge, CallName, Change, Closing, Conversation, ConversationNews, Entry, ErrorCode, Link, Me, OwnDevice,
  Phase, Restore, ResultOf, ShellNews, Snapshot,
} from '../preload/api.ts'
import { words } from './i18n/en.ts'
import type { Naming } from './i18n/grammar.ts'
import { desk } from './desk.svelte.ts'
import { opened } from './opened.svelte.ts'
import { Files } from './files.svelte.ts'
import { Timeline } from './timeline.svelte.ts'
import { updates } from './updates.svelte.ts'

declare global {
  interface Window { readonly coppice: Bridge }
}

export type HelpPage = 'protects' | 'shortcuts' | 'about'
export type Theme = 'system' | 'light' | 'dark'
/** `devices`: what to do about it is found there. */
type Notice = { readonly id: number, readonly text: string, readonly devices: boolean }
/** Which dialog of the main window is open. */
export type Dialog =
  'new-chat' | 'new-group' | 'invite' | 'settings' | 'passphrase' | 'remove-passphrase' | 'remove-profile' |
  'report' | 'invites' | 'devices' | 'link' | 'rotate' | 'renew' | 'close-account' | 'backups' |
  'notifications' | 'startup' | 'spelling' | 'network'

const themeKey = 'coppice-theme'
const noticeMs = 9_000
const askingMs = 60_000
const aboutDevices: ReadonlySet<ErrorCode | 'window'> = new Set(['veto-told', 'device-stolen', 'devices-split', 'code-differs'])
/** How often the main process is told that somebody is there. */
const activeMs = 15_000

/** Pinned ones on top, archived ones last. */
const rank = ({ pinned, archived }: Conversation): number => archived ? 2 : pinned ? 0 : 1
const inOrder = (one: Conversation, other: Conversation): number =>
  rank(one) - rank(other) || other.at - one.at || (one.id < other.id ? -1 : 1)

class App {
  phase = $state.raw<Phase>()
  conversations = $state.raw<readonly Conversation[]>([])
  profile = $state('')
  version = $state('')
  selectedId = $state<string>()
  timeline = $state.raw<Timeline>()
  notices = $state.raw<readonly Notice[]>([])
  dialog = $state<Dialog>()
  /** Whose safety number is looked at. */
  person = $state<string>()
  /** The message that is asked about: whether it is to be deleted. */
  deleting = $state.raw<Extract<Entry, { kind: 'message' }>>()
  /** Somebody else's device that this person has just refused: what else to do is shown. */
  refused = $state.raw<OwnDevice>()
  /** The person's own devices; undefined until they were asked for. */
  devices = $state.raw<readonly OwnDevice[]>()
  /** Where linking another device stands, or this one, once its account is here. */
  link = $state.raw<Link>()
  /** How far closing the account is, while it is closed. */
  closing = $state.raw<Closing>()
  backup = $state.raw<BackupStatus>()
  /** Work on a backup: how far it is, or what it came to. */
  restore = $state.raw<Restore>({ at: 'none' })
  /** Set-up is to link this computer; its name is kept when that has to be started again. */
  linkHere = $state(false)
  /** The profile that could not be opened was set aside under this name, so that a backup can be restored. */
  aside = $state<string>()
  computer = $state('')
  /** How many modal dialogs are open; everything behind them is inert. */
  modals = $state(0)
  /** The recovery page was asked for again, from the banner or the settings. */
  recovery = $state(false)
  /** Grows when the list's search is asked for from outside the list. */
  finding = $state(0)
  /** Which page of the help is open, in whatever phase. */
  help = $state<HelpPage>()
  theme = $state<Theme>('system')
  /** The present minute, so that "2 min ago" moves on. */
  now = $state(Date.now())

  selected = $derived(this.conversations.find(({ id }) => id === this.selectedId))
  me = $derived<Me | undefined>(this.phase?.at === 'ready' ? this.phase.me : undefined)
  /** Why this profile can only be read, where it can. */
  readOnly = $derived(this.phase?.at === 'ready' ? this.phase.readOnly : undefined)
  /** This device does not belong to an account any more: what it has stays readable, with all that it knows of devices. */
  isOut = $derived(this.readOnly === 'device-revoked' || this.readOnly === 'account-closed')
  /** A muted conversation does not call. */
  unread = $derived(this.conversations.reduce((sum, { unread, muted }) => muted ? sum : sum + unread, 0))

  /** Own devices that came back by the 24 words, and nobody has said yet whether that was this person. */
  asked = $derived(this.readOnly === undefined ? (this.devices ?? []).filter(({ asked }) => asked !== undefined) : [])

  /** Another device of this person may be in a chat, and object to this one. */
  hasElder = $derived((this.devices ?? []).some(({ isThis, revoked }) => !isThis && !revoked))

  readonly files = new Files((name, argument) => this.ask(name, argument))

  #bridge: Bridge | undefined
  #revision = -1
  #opening: Promise<void> | undefined
  /** Changes that came while `app.open` was under way. */
  #waiting: Change[] = []
  #notices = 0
  #toldActiveAt = 0
  /** Everybody that any conversation named, so that who is gone from one keeps a name in it. */
  readonly #names = new Map<string, string>()
  /** This computer has just been linked, and the window has not been told yet how far that is. */
  #shows = false
  /** A conversation to open when it appears. */
  #wanted: string | undefined

  start(bridge: Bridge): void {
    this.#bridge = bridge
    bridge.onChange((change) => { this.apply(change) })
    this.setTheme(readTheme())
    const tick = (): void => {
      this.now = Date.now()
      setTimeout(tick, 60_000 - (Date.now() % 60_000))
    }
    tick()
    void this.open()
  }

  /** Asks the main process; a broken bridge answers like a failed Call. */
  async ask<N extends CallName>(name: N, argument: ArgumentOf<N>): Promise<Answer<ResultOf<N>>> {
    if (this.#bridge === undefined) return { ok: false, code: 'not-ready' }
    try {
      return await this.#bridge.call(name, argument)
    } catch {
      return { ok: false, code: 'bug' }
    }
  }

  /** Takes the whole state anew. */
  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => { this.#opening = undefined })
    return this.#opening
  }

  async #open(): Promise<void> {
    const answer = await this.ask('app.open', {})
    if (!answer.ok) {
      const detail = answer.detail === undefined ? {} : { detail: answer.detail }
      this.phase = { at: 'stopped', code: answer.code, readable: false, ...detail }
      return
    }
    this.#take(answer.value)
    const waiting = this.#waiting
    this.#waiting = []
    for (const change of waiting) if (change.revision > this.#revision) this.#merge(change)
    if (this.selected?.state !== 'request') await this.timeline?.load(this.selected?.unread ?? 0)
  }

  #take(snapshot: Snapshot): void {
    this.#revision = snapshot.revision
    this.phase = snapshot.phase
    this.profile = snapshot.profile
    this.version = snapshot.version
    if (snapshot.phase.at !== 'ready') this.#forget()
    this.#learn(snapshot.conversations)
    this.conversations = [...snapshot.conversations].sort(inOrder)
    this.#keepSelection()
    this.link = snapshot.phase.at === 'ready' ? snapshot.link : undefined
    this.closing = snapshot.phase.at === 'ready' ? snapshot.closing : undefined
    this.backup = snapshot.phase.at === 'ready' ? snapshot.backup : undefined
    this.restore = snapshot.restore ?? { at: 'none' }
    if (snapshot.phase.at === 'ready') void this.#loadDevices()
  }

  async #loadDevices(): Promise<void> {
    // Where little of a profile can be read, its devices cannot.
    if (this.readOnly !== undefined && !this.isOut) return
    const answer = await this.ask('devices.list', {})
    if (answer.ok && this.phase?.at === 'ready') this.devices = answer.value
  }

  /** Locked or closed: nothing that was shown stays in the window. */
  #forget(): void {
    this.refused = undefined
    this.conversations = []
    this.files.clear()
    this.select(undefined)
    this.#wanted = undefined
    this.#names.clear()
    this.notices = []
    this.dialog = undefined
    this.person = undefined
    this.deleting = undefined
    this.recovery = false
    this.devices = undefined
    this.link = undefined
    this.closing = undefined
    this.backup = undefined
    this.restore = { at: 'none' }
  }

  /** Locks the app; what is being written is kept as a draft first. */
  async lock(): Promise<void> {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    const answer = await this.ask('lock.now', {})
    if (!answer.ok) this.tellCode(answer.code)
  }

  /** Takes a backup that was opened outside, for the page that is shown next. False: there is none. */
  async takeHanded(): Promise<boolean> {
    const answer = await this.ask('restore.handed', {})
    if (!answer.ok && answer.code !== 'not-ready') this.tellCode(answer.code)
    if (!answer.ok || answer.value === undefined) return false
    opened.backup = answer.value
    return true
  }

  /** Somebody touched the window. */
  active(): void {
    const now = Date.now()
    if ((this.me?.lock.afterMinutes ?? 0) === 0 || Math.abs(now - this.#toldActiveAt) < activeMs) return
    this.#toldActiveAt = now
    void this.ask('lock.active', {})
  }

  /** Merges one Change; a hole in the revisions means that something was missed, so everything is taken anew. */
  apply(change: Change): void {
    if (change.shell !== undefined) this.#hearShell(change.shell)
    if (this.#opening !== undefined) {
      this.#waiting.push(change)
      return
    }
    if (change.revision <= this.#revision) return
    if (change.revision > this.#revision + 1) {
      void this.open()
      this.#waiting.push(change)
      return
    }
    this.#merge(change)
  }

  /** The menu, the tray or a notification was clicked. What is under way in a dialog is not thrown away for it. */
  #hearShell({ command, open, state, link, backup, update }: ShellNews): void {
    if (state !== undefined) desk.state = state
    if (link === true || backup === true) opened.knocks++
    if (update !== undefined) updates.state = update
    const { me } = this
    if (command === 'lock' && me?.lock.passphrase === true) void this.lock()
    if (this.modals > 0) return
    if (open !== undefined && me !== undefined) this.selectWhenThere(open)
    if (command === 'help') this.help = 'protects'
    else if (command === 'shortcuts' || command === 'about') this.help = command
    else if (command === 'find') this.finding++
    else if (command === 'report' || command === 'settings') this.dialog = me === undefined ? undefined : command
    else if (command === 'new-chat' || command === 'new-group') {
      this.dialog = me === undefined || this.readOnly !== undefined ? undefined : command
    }
  }

  #merge(change: Change): void {
    this.#revision = change.revision
    const { at } = this.phase ?? {}
    const wasReady = at === 'ready'
    if (change.phase !== undefined) this.phase = change.phase
    if (this.phase?.at !== 'ready') this.#forget()
    else {
      this.linkHere = false
      this.aside = undefined
      if (change.closing !== undefined) this.#close(change.closing)
      if (change.restore !== undefined) this.restore = change.restore
      // What was taken in was not told one by one.
      if (change.restore?.at === 'restored') void this.open()
      if (change.link !== undefined) this.link = change.link.at === 'none' ? undefined : change.link
      // The account is here: what is still to come is shown on.
      if (at === 'linking') this.#shows = true
      if (this.#shows && this.link !== undefined) {
        this.dialog = 'link'
        this.#shows = false
      }
      if (change.backup !== undefined) this.backup = change.backup
      if (change.devices !== undefined) this.devices = change.devices
      else if (!wasReady) void this.#loadDevices()
    }
    if (change.conversations !== undefined || change.removedConversations !== undefined) {
      this.#learn(change.conversations ?? [])
      const before = new Map(this.conversations.map(({ id, people }) => [id, people]))
      const changed = new Map(change.conversations?.map((news): [string, Conversation] =>
        [news.id, { ...news, people: news.people ?? before.get(news.id) ?? [] }]))
      const gone = new Set(change.removedConversations)
      this.conversations = [
        ...this.conversations.filter(({ id }) => !changed.has(id) && !gone.has(id)),
        ...changed.values(),
      ].sort(inOrder)
      this.#keepSelection()
    }
    this.#loadTimeline()
    this.timeline?.merge(change.entries ?? [], change.removedEntries ?? [])
    this.files.forget([...change.removedEntries ?? [], ...(change.entries ?? []).flatMap((entry) =>
      entry.kind === 'fact' && entry.fact.fact === 'deleted' ? [entry.id] : [])])
    for (const { entry, hash, done, of } of change.files ?? []) {
      if (done < of) this.files.progress.set(`${entry} ${hash}`, { done, of })
      else this.files.progress.delete(`${entry} ${hash}`)
    }
    if (change.notice !== undefined) {
      const { code } = change.notice
      this.tell(code === 'window' ? words.app.inFront : words.code(code), aboutDevices.has(code))
    }
  }

  /** The account is being closed, which has a page of its own; or it is kept after all. */
  #close(closing: Closing | { readonly at: 'none' }): void {
    this.closing = closing.at === 'none' ? undefined : closing
    if (this.closing !== undefined) this.dialog = undefined
  }

  #keepSelection(): void {
    const wanted = this.#wanted
    if (wanted !== undefined && this.conversations.some(({ id }) => id === wanted)) {
      this.#wanted = undefined
      this.select(wanted)
    }
    const there = this.phase?.at === 'ready' && this.conversations.some(({ id }) => id === this.selectedId)
    if (!there) this.select(undefined)
  }

  select(id: string | undefined): void {
    if (id === this.selectedId) return
    this.selectedId = id
    void this.ask('shell.shown', { conversation: id ?? '' })
    this.timeline = id === undefined ? undefined : new Timeline(id, this)
    this.#loadTimeline()
  }

  /** A request has no timeline until it is accepted. */
  #loadTimeline(): void {
    const { timeline, selected } = this
    if (timeline === undefined || selected === undefined || selected.state === 'request') return
    if (!timeline.loaded && !timeline.loading) void timeline.load(selected.unread)
  }

  /** Opens a conversation as soon as its Change is here: an answer may come before it. */
  selectWhenThere(id: string): void {
    this.#wanted = id
    this.#keepSelection()
  }

  /** Shows a sentence once, for a while; longer where there is something to do about it. */
  tell(text: string, devices = false): void {
    const id = this.#notices++
    this.notices = [...this.notices.filter((notice) => notice.text !== text), { id, text, devices }]
    setTimeout(() => { this.dismiss(id) }, devices ? askingMs : noticeMs)
  }

  /** From whatever is shown to the list of devices. */
  showDevices(): void {
    this.person = undefined
    this.deleting = undefined
    this.dialog = 'devices'
  }

  tellCode(code: ErrorCode): void {
    this.tell(words.code(code))
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((notice) => notice.id !== id)
  }

  setTheme(theme: Theme): void {
    this.theme = theme
    if (theme === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme
    try {
      localStorage.setItem(themeKey, theme)
    } catch {
      // A window without storage forgets the choice; nothing else hangs on it.
    }
  }

  /** Mutes, pins or archives a conversation, or takes that back. */
  async keep(kept: ArgumentOf<'conversation.keep'>): Promise<void> {
    const answer = await this.ask('conversation.keep', kept)
    if (!answer.ok) this.tellCode(answer.code)
  }

  /** What a device is called here; one that is gone has no name any more. */
  deviceName(deviceId: string): string {
    const device = this.devices?.find((each) => each.deviceId === deviceId)
    return device === undefined ? words.devices.another : words.devices.name(device)
  }

  #learn(conversations: readonly ConversationNews[]): void {
    for (const { people = [] } of conversations) for (const { accountId, name } of people) this.#names.set(accountId, name)
  }

  /** Names for sentences about `conversation`: its people, whoever wrote in it, people of old, nobody in particular. */
  naming(conversation: Conversation): Naming {
    const names = new Map(conversation.people.map((person) => [person.accountId, person.name]))
    const written = this.timeline?.names
    return {
      own: this.me?.accountId ?? '',
      nameOf: (accountId) =>
        names.get(accountId) ?? written?.get(accountId) ?? this.#names.get(accountId) ?? words.app.someone,
    }
  }
}

const readTheme = (): Theme => {
  try {
    const kept = localStorage.getItem(themeKey)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}

export const app = new App()
