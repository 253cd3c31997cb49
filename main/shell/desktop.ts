/** The app at home in the desktop: what it keeps for this computer, and how its window comes and goes. */
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Answer, ArgumentOf, CallName, Change, ResultOf, Snapshot } from '../../preload/api.ts'
import {
  isProxy, type KeptSettings, type ShellCommand, type ShellNews, type ShellSettings, type ShellState,
} from '../../preload/shell.ts'
import type { Electron, ElectronWindow, WindowOptions } from '../electron.ts'
import { Network } from '../network.ts'
import { appImageOf } from '../updates/install.ts'
import { bringToFront, windowSession } from '../window.ts'
import { unreadImage } from './icon.ts'
import { startAtLogin, startsAtLogin, type LoginOptions } from './login.ts'
import { applicationMenu, contextMenu } from './menu.ts'
import { Notifier } from './notifier.ts'
import { keepPlace, placed, type Zoom } from './place.ts'
import { chooseProxy } from './proxy.ts'
import { firstSettings, readSettings, writeSettings, type Kept } from './settings.ts'
import { languagesOf, prepareSpelling, type SpellingOptions } from './spelling.ts'
import { Told } from './told.ts'
import { Tray, type TrayState } from './tray.ts'
import { systemWords } from './words.ts'

export type DesktopOptions = {
  readonly electron: Electron
  readonly platform: NodeJS.Platform
  readonly tell: (news: ShellNews) => void
  /** Asks the app, as the window would. */
  readonly ask: <N extends CallName>(name: N, argument: ArgumentOf<N>) => Promise<Answer<ResultOf<N>>>
}

/** Whose settings these are, and where things lie. `data`: where the person named a folder. */
export type Home = {
  readonly profile: string
  readonly folder: string
  /** Of Chromium's own files. */
  readonly chromium: string
  readonly data: string | undefined
}

/** As in electron-builder.yml. */
const appId = 'invalid.coppice.app'
/** No timer of Node waits longer. */
const longestTimerMs = 2 ** 31 - 1

const systems: Readonly<Partial<Record<NodeJS.Platform, ShellState['system']>>> = { darwin: 'mac', win32: 'windows' }

const fileIn = ({ folder }: Home): string => path.join(folder, 'shell.json')

export class Desktop {
  readonly #electron: Electron
  readonly #options: DesktopOptions
  /** None before a profile was chosen. */
  #home: Home | undefined
  readonly network = new Network()
  /** The window was made with its spelling checker. */
  #spells = false
  #kept: Kept = { settings: firstSettings, place: undefined, lost: false }
  #window: ElectronWindow | undefined
  #quitting = false
  readonly #told = new Told()
  readonly #notifier: Notifier
  #tray: Tray | undefined
  /** The conversation that the window shows. */
  #selected = ''
  #badge = 0
  /** What the menu was made for. */
  #menu = ''
  #zoom: (how: Zoom) => void = () => undefined
  #quietTimer: ReturnType<typeof setTimeout> | undefined
  /** The app was started by the system: nobody waits for its window. */
  hidden = false

  constructor(options: DesktopOptions) {
    this.#options = options
    this.#electron = options.electron
    const { electron, platform } = options
    const { app } = electron
    this.#notifier = new Notifier({
      electron, platform, told: this.#told, now: () => Date.now(),
      level: () => this.#kept.settings.notifications,
      isQuiet: () => this.#quietUntil !== 0,
      isSeen: (id) => this.#window?.isFocused() === true && (id === undefined || id === this.#selected),
      open: (id) => { this.#openConversation(id) },
      reply: (conversation, text) => this.#reply(conversation, text),
      call: () => { if (this.#kept.settings.flash && this.#window?.isFocused() === false) this.#window.flashFrame(true) },
    })
    if (platform === 'win32') app.setAppUserModelId(appId)
    app.on('before-quit', () => {
      this.#quitting = true
      this.#notifier.withdrawAll()
    })
    app.on('second-instance', () => { this.present() })
    app.on('activate', () => { this.present() })
  }

  /** Takes what is kept for a profile. */
  settle(home: Home): void {
    this.#home = home
    this.#kept = readSettings(fileIn(home))
    this.#window?.setContentProtection(this.#kept.settings.protection)
    this.#refresh()
  }

  /** Sends whatever goes over a network by the person's proxy; what they chose and is lost lets nothing out. */
  async choose(): Promise<void> {
    const { settings, lost } = this.#kept
    await chooseProxy(this.#electron, this.network, lost ? undefined : settings.proxy)
  }

  /** Before the window is made: whether spelling is checked in it. */
  prepareSpelling(): boolean {
    const { spelling, languages } = this.#kept.settings
    this.#spells = prepareSpelling(this.#spelling, { on: spelling, languages })
    return this.#spells
  }

  get place(): Pick<WindowOptions, 'x' | 'y' | 'width' | 'height'> {
    return placed(this.#kept.place, this.#electron.screen)
  }

  /** The one window was made; nothing is loaded yet. */
  attach(window: ElectronWindow): void {
    const { place } = this.#kept
    this.#window = window
    if (this.#kept.settings.protection) window.setContentProtection(true)
    this.#zoom = keepPlace(window, place, (moved) => { this.#moved(moved) })
    this.#refresh()
    window.on('focus', () => { if (this.#kept.settings.flash) window.flashFrame(false) })
    window.on('closed', () => {
      clearTimeout(this.#quietTimer)
      this.#tray?.close()
      this.#tray = undefined
    })
    const { webContents: contents } = window
    contents.on('context-menu', (_event, params) => {
      const entries = contextMenu(params, (word) => { contents.replaceMisspelling(word) })
      if (entries.length > 0) this.#electron.Menu.buildFromTemplate(entries).popup()
    })
    window.on('close', (event) => {
      if (this.#quitting || !this.#staysOpen) return
      event.preventDefault()
      this.#hide(window)
    })
    // Whoever logs out or turns the computer off does not wait for long.
    const quit = (): void => { this.#electron.app.quit() }
    window.on('session-end', quit)
    this.#electron.powerMonitor.on('shutdown', quit)
    window.once('ready-to-show', () => {
      if (this.hidden && this.#staysOpen) return
      if (place?.maximized === true) window.maximize()
      window.show()
      if (place?.fullScreen === true) window.setFullScreen(true)
    })
  }

  /** Brings the window before the person, wherever it is. */
  present(): void {
    if (this.#window !== undefined) bringToFront(this.#window)
  }

  /** Answers the Calls that are about this computer, whatever state the profile is in. */
  answer<N extends CallName>(name: N, argument: unknown): Promise<Answer<ResultOf<N>>> | undefined {
    return this.#answer(name, argument) as Promise<Answer<ResultOf<N>>> | undefined
  }

  #answer(name: CallName, argument: unknown): Promise<Answer<unknown>> | undefined {
    switch (name) {
      case 'shell.settings': return Promise.resolve({ ok: true, value: this.#state })
      case 'shell.change': return this.#change((argument as ArgumentOf<'shell.change'>).settings)
      case 'shell.shown':
        this.#selected = (argument as ArgumentOf<'shell.shown'>).conversation
        return Promise.resolve({ ok: true, value: undefined })
      default: return undefined
    }
  }

  /** The window has asked for everything, and gets this. */
  opened(snapshot: Snapshot): void {
    this.#selected = ''
    this.#told.take(snapshot)
    this.#refresh()
  }

  /** The window is told this. */
  heard(change: Change): void {
    this.#notifier.hear(this.#told.hear(change))
    this.#refresh()
  }

  get #state(): ShellState {
    const { settings, lost } = this.#kept
    const dictionaries = languagesOf(this.#spelling)
    const checks = settings.languages.some((language) => dictionaries?.includes(language) !== false)
    return {
      settings: { ...settings, quietUntil: this.#quietUntil, autostart: this.#startsAtLogin }, lost,
      system: systems[this.#options.platform] ?? 'linux', notifies: this.#electron.Notification.isSupported(),
      ...dictionaries === undefined ? {} : { dictionaries },
      spellingLater: settings.spelling && !this.#spells && (dictionaries === undefined || checks),
    }
  }

  get #spelling(): SpellingOptions {
    return {
      session: windowSession(this.#electron), platform: this.#options.platform,
      folder: path.join(this.#home?.chromium ?? '', 'Dictionaries'),
    }
  }

  get #login(): LoginOptions | undefined {
    if (this.#home === undefined) return undefined
    const { app } = this.#electron
    const { profile, data } = this.#home
    const program = appImageOf(process.env, process.execPath) ?? process.execPath
    return {
      electron: this.#electron, platform: this.#options.platform, profile,
      command: [
        program, ...app.isPackaged ? [] : [app.getAppPath()], '--profile', profile,
        ...data === undefined ? [] : ['--data', data], '--hidden',
      ],
    }
  }

  get #startsAtLogin(): boolean {
    return this.#login !== undefined && startsAtLogin(this.#login)
  }

  /** 0 when it is over. */
  get #quietUntil(): number {
    const { quietUntil } = this.#kept.settings
    return quietUntil > Date.now() ? quietUntil : 0
  }

  async #change({ autostart, ...wanted }: ShellSettings): Promise<Answer<ShellState>> {
    if (!isProxy(wanted.proxy)) return { ok: false, code: 'proxy-malformed' }
    const { settings: before, lost } = this.#kept
    const asked = lost || JSON.stringify(before.proxy) !== JSON.stringify(wanted.proxy)
    // A script in the page must not lead the app around the person's proxy.
    const goesElsewhere = asked && (wanted.proxy.mode === 'tor' || await this.#mayGoElsewhere())
    if (lost && !goesElsewhere) return { ok: false, code: 'network-held' }
    const settings = goesElsewhere ? wanted : { ...wanted, proxy: before.proxy }
    if (!this.#keep({ settings }) || !this.#startAtLogin(autostart)) return { ok: false, code: 'settings-not-kept' }
    if (before.notifications !== settings.notifications) this.#notifier.withdrawAll()
    if (before.protection !== settings.protection) this.#window?.setContentProtection(settings.protection)
    // A window that was made without the checker gets it with the next start.
    if (this.#spells) prepareSpelling(this.#spelling, { on: settings.spelling, languages: settings.languages })
    if (goesElsewhere) await this.choose()
    this.#refresh()
    return { ok: true, value: this.#state }
  }

  /** Asks in a window of the system, which no script of the page can answer. */
  async #mayGoElsewhere(): Promise<boolean> {
    if (this.#window === undefined) return false
    const { ask: message, detail, yes, no } = systemWords.network
    const { response } = await this.#electron.dialog.showMessageBox(this.#window, {
      type: 'question', title: systemWords.name, message, detail, buttons: [no, yes], defaultId: 0, cancelId: 0, noLink: true,
    })
    return response === 1
  }

  #startAtLogin(on: boolean): boolean {
    if (this.#login === undefined || startsAtLogin(this.#login) === on) return true
    try {
      startAtLogin(this.#login, on)
      return true
    } catch {
      return false
    }
  }

  #quiet(quietUntil: number): void {
    this.#keep({ settings: { ...this.#kept.settings, quietUntil } })
    this.#refresh()
    this.#options.tell({ state: this.#state })
  }

  #command(command: ShellCommand): void {
    this.present()
    this.#options.tell({ command })
  }

  #openConversation(open: string | undefined): void {
    this.present()
    if (open !== undefined) this.#options.tell({ open })
  }

  /** A reply that does not go out waits as the draft, after what is there. */
  async #reply(conversation: string, text: string): Promise<string | undefined> {
    if (text.trim() === '') return undefined
    const { ask } = this.#options
    const sent = await ask('message.send', { conversation, key: randomBytes(16).toString('hex'), text })
    if (sent.ok) return undefined
    const draft = this.#told.conversations.get(conversation)?.draft ?? ''
    const kept = await ask('conversation.draft', { conversation, text: draft === '' ? text : `${draft}\n${text}` })
    return kept.ok ? systemWords.notification.notSent : systemWords.notification.lostReply
  }

  // -------------------------------------------------------------- what the desktop shows

  #refresh(): void {
    if (this.#window === undefined || this.#window.isDestroyed()) return
    this.#showBadge(this.#window, this.#told.unread)
    this.#showMenu()
    this.#showTray()
    clearTimeout(this.#quietTimer)
    if (this.#quietUntil === 0) return
    this.#quietTimer = setTimeout(() => {
      this.#refresh()
      this.#options.tell({ state: this.#state })
    }, Math.min(this.#quietUntil - Date.now() + 1, longestTimerMs))
  }

  #showBadge(window: ElectronWindow, unread: number): void {
    if (unread === this.#badge) return
    const { app, nativeImage } = this.#electron
    this.#badge = unread
    app.setBadgeCount(unread)
    if (this.#options.platform !== 'win32') return
    window.setOverlayIcon(unread > 0 ? unreadImage(nativeImage) : null, systemWords.tray.tip(unread))
  }

  #showMenu(): void {
    const { open, writable, lockable } = this.#told
    const made = [open, writable, lockable].join()
    if (made === this.#menu) return
    this.#menu = made
    const { app, Menu } = this.#electron
    Menu.setApplicationMenu(Menu.buildFromTemplate(applicationMenu({
      mac: this.#options.platform === 'darwin', packaged: app.isPackaged, open, writable, lockable,
      act: (command) => { this.#command(command) }, zoom: (how) => { this.#zoom(how) },
    })))
  }

  #showTray(): void {
    if (!this.#kept.settings.tray) {
      this.#tray?.close()
      this.#tray = undefined
      return
    }
    const state: TrayState = {
      unread: this.#told.unread, lockable: this.#told.lockable, quietUntil: this.#quietUntil,
    }
    if (this.#tray !== undefined) {
      this.#tray.show(state)
      return
    }
    this.#tray = new Tray({
      electron: this.#electron, mac: this.#options.platform === 'darwin', now: () => Date.now(),
      acts: {
        show: () => { this.present() }, lock: () => { this.#options.tell({ command: 'lock' }) },
        quiet: (until) => { this.#quiet(until) }, quit: () => { this.#electron.app.quit() },
      },
    }, state)
  }

  // -------------------------------------------------------------- closing and keeping

  /** A window of this app goes on where it is closed: by custom on macOS, elsewhere because the person wants that. */
  get #staysOpen(): boolean {
    return this.#options.platform === 'darwin' || this.#kept.settings.tray
  }

  #hide(window: ElectronWindow): void {
    if (!window.isFullScreen()) {
      window.hide()
      return
    }
    // macOS leaves an empty black screen behind otherwise.
    window.once('leave-full-screen', () => { window.hide() })
    window.setFullScreen(false)
  }

  #moved(place: NonNullable<Kept['place']>): void {
    // A place that cannot be kept is not worth a word; what was lost is not overwritten without one.
    if (!this.#kept.lost && JSON.stringify(place) !== JSON.stringify(this.#kept.place)) this.#keep({ place })
  }

  #keep(more: { readonly settings?: KeptSettings, readonly place?: Kept['place'] }): boolean {
    const kept: Kept = { ...this.#kept, ...more, lost: false }
    try {
      if (this.#home !== undefined) writeSettings(fileIn(this.#home), kept)
    } catch {
      return false
    }
    this.#kept = kept
    return true
  }
}
