/**
 * A stand-in for the `electron` module, for development and tests where Electron's binary cannot be had. It runs the
 * same main process in plain Node, and shows the same bundles in a real Chromium. Never shipped.
 *
 * Every call of `createStandin` is an app instance of its own; several live in one process.
 */
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Page } from 'playwright-core'
import type { Electron, ElectronApp, IpcMain, InvokeEvent, MessageBox, ProxyConfig, WindowOptions } from '../../main/electron.ts'
import type { Browser } from './browser.ts'
import { createDesktop, type StandinDesktop } from './desktop.ts'
import type { Record, Recorded } from './frame.ts'
import { takeLock } from './lock.ts'
import type { Lock } from './lock.ts'
import { StandinSession } from './session.ts'
import { StandinWindow } from './window.ts'
import type { Host } from './window.ts'

export type StandinOptions = {
  readonly browser: Browser
  /** What `app.getPath('appData')` gives. */
  readonly appData: string
  /** A window on the display instead of headless. */
  readonly windowed?: boolean
  /** More arguments for Chromium: a camera that plays a file. */
  readonly browserArguments?: readonly string[]
  /** What is on the screen of this computer, a PNG; without it the host gives no screen. */
  readonly screen?: (() => Promise<Buffer>) | undefined
}

export type Standin = StandinDesktop & {
  readonly electron: Electron
  /** The page of the one window, as soon as it is loaded. */
  readonly page: () => Promise<Page>
  /** Script errors of the page and refusals of its policy, from the first load on. */
  readonly complaints: readonly string[]
  /** Every call to the module that shows something on the desktop, in order. */
  readonly calls: Recorded[]
  /** The app, to be told what the system says. */
  readonly app: EventEmitter
  /** The computer goes off. */
  readonly goOff: () => void
  /** The one window. */
  readonly window: () => StandinWindow
  /** Folders that were opened in the file manager. */
  readonly opened: string[]
  /** Questions of the system, and what the person clicks: the number of a button. */
  readonly asked: MessageBox[]
  answer: number
  /** The file or folder that the person opens; undefined: the dialogue is closed. */
  chosen: string | undefined
  /** Addresses that the system's browser got. */
  readonly browsed: string[]
  /** Where the person puts the next file that is saved; without it the dialogue is closed. */
  saveTo: string | undefined
  /** Names that were proposed for files. */
  readonly proposed: string[]
  /** What the system says about the last input, in seconds. */
  idleSeconds: number
  /** The exit code, once the app has quit. */
  readonly exited: Promise<number>
}

type Handler = (event: InvokeEvent, ...values: unknown[]) => unknown

class StandinApp extends EventEmitter implements ElectronApp {
  readonly isPackaged = false
  readonly #appData: string
  readonly #record: Record
  #userData: string
  #lock: Lock | undefined
  #quitting = false
  #ended = false
  readonly windows = new Set<StandinWindow>()
  readonly exited: Promise<number>
  #end: (code: number) => void = () => undefined

  constructor(appData: string, record: Record) {
    super()
    this.#record = record
    this.#appData = appData
    this.#userData = path.join(appData, 'standin')
    this.exited = new Promise((resolve) => { this.#end = resolve })
  }

  async whenReady(): Promise<void> { await new Promise((resolve) => setImmediate(resolve)) }
  /** Chromium's renderers are always sandboxed where the system lets them. */
  enableSandbox(): void { this.#record('app.enableSandbox') }
  getPath(): string { return this.#appData }
  setPath(name: 'userData' | 'sessionData', folder: string): void { if (name === 'userData') this.#userData = folder }
  getVersion(): string {
    const manifest = readFileSync(path.join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')
    return (JSON.parse(manifest) as { version: string }).version
  }

  getAppPath(): string { return path.join(import.meta.dirname, '..', '..') }
  /** Of systems that keep that themselves. */
  opensAtLogin = false
  getLoginItemSettings(): { openAtLogin: boolean } { return { openAtLogin: this.opensAtLogin } }
  setLoginItemSettings(settings: { openAtLogin: boolean, args?: string[] }): void {
    this.#record('app.setLoginItemSettings', settings)
    this.opensAtLogin = settings.openAtLogin
  }

  async setProxy(config: ProxyConfig): Promise<void> { this.#record('app.setProxy', config) }
  setAppUserModelId(id: string): void { this.#record('app.setAppUserModelId', id) }
  setBadgeCount(count: number): boolean {
    this.#record('app.setBadgeCount', count)
    return true
  }

  requestSingleInstanceLock(): boolean {
    this.#lock ??= takeLock(this.#userData, () => this.emit('second-instance', {}, [], process.cwd()))
    return this.#lock !== undefined
  }

  setAsDefaultProtocolClient(): boolean { throw new Error('only packaged apps claim a scheme') }

  quit(): void { void this.#quit() }

  async #quit(): Promise<void> {
    if (this.#quitting || this.#ended) return
    this.#quitting = true
    this.emit('before-quit')
    for (const window of this.windows) await window.close()
    if (this.windows.size > 0) {
      this.#quitting = false
      return
    }
    const event = { prevented: false, preventDefault() { this.prevented = true } }
    this.emit('will-quit', event)
    this.#quitting = false
    if (!event.prevented) this.exit(0)
  }

  exit(code = 0): void {
    if (this.#ended) return
    this.#ended = true
    this.#lock?.release()
    void Promise.all([...this.windows].map((window) => window.destroy())).then(() => { this.#end(code) })
  }

  windowClosed(window: StandinWindow): void {
    this.windows.delete(window)
    if (this.windows.size === 0 && !this.#quitting && !this.#ended) this.emit('window-all-closed')
  }
}

class StandinIpc implements IpcMain {
  readonly handlers = new Map<string, Handler>()
  handle(channel: string, handler: Handler): void {
    if (this.handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`)
    this.handlers.set(channel, handler)
  }
}

/** The file manager, the browser and the questions of a system, which a test looks into and answers. */
const systemOf = (
  standin: () => Standin, { screen }: StandinOptions,
): Pick<Electron, 'shell' | 'dialog' | 'desktopCapturer'> => ({
  ...screen !== undefined && { desktopCapturer: { getSources: async () => [{ id: 'screen:0:0', name: 'The screen' }] } },
  shell: {
    openPath: async (folder) => { standin().opened.push(folder); return '' },
    openExternal: async (address) => { standin().browsed.push(address) },
  },
  dialog: {
    showMessageBox: async (_window, box) => { standin().asked.push(box); return { response: standin().answer } },
    showSaveDialog: async ({ defaultPath }) => {
      const { proposed, saveTo } = standin()
      proposed.push(defaultPath)
      return { canceled: saveTo === undefined, filePath: saveTo ?? '' }
    },
    showOpenDialog: async () => ({ filePaths: [standin().chosen ?? []].flat() }),
  },
})

/** One session for each partition. */
function sessionsBy(record: Record): (partition: string) => StandinSession {
  const sessions = new Map<string, StandinSession>()
  return (partition) => {
    const session = sessions.get(partition) ?? new StandinSession(partition, record)
    sessions.set(partition, session)
    return session
  }
}

/** Makes one app instance: hand its `electron` to `start`. */
export function createStandin(options: StandinOptions): Standin {
  const ipcMain = new StandinIpc()
  const schemes = new Set<string>()
  const sessionOf = sessionsBy((...call) => { record(...call) })
  const complaints: string[] = []
  const calls: Recorded[] = []
  const record = (...call: Recorded): void => { calls.push(call) }
  const app = new StandinApp(options.appData, record)
  const { desktop, module } = createDesktop(record)
  const powerMonitor = Object.assign(new EventEmitter(), { getSystemIdleTime: () => standin.idleSeconds })
  let themeSource: 'system' | 'light' | 'dark' = 'system'
  const host: Host = {
    browser: options.browser, windowed: options.windowed === true, browserArguments: options.browserArguments ?? [],
    record, sessionOf, schemes, screen: options.screen,
    themeSource: () => themeSource,
    handlerOf: (channel) => ipcMain.handlers.get(channel),
    complain: (line) => { complaints.push(line) },
    opened: (window) => {
      app.windows.add(window)
      window.once('ready-to-show', () => app.emit('standin-page', window.page))
      app.emit('web-contents-created', {}, window.webContents)
    },
    closed: (window) => { app.windowClosed(window) },
  }
  const page = new Promise<Page>((resolve) => { app.once('standin-page', resolve) })
  const standin: Standin = {
    electron: {
      ...module, ...systemOf(() => standin, options), app, ipcMain, powerMonitor,
      BrowserWindow: class extends StandinWindow {
        constructor(window: WindowOptions) {
          super(host, window)
          const { x, y, width, height, show } = window
          record('new BrowserWindow', { x, y, width, height, show })
        }
      },
      protocol: { registerSchemesAsPrivileged: (list) => {
        record('protocol.registerSchemesAsPrivileged', list)
        for (const { scheme } of list) schemes.add(scheme)
      } },
      session: {
        fromPartition: (partition, options) => {
          record('session.fromPartition', partition, options)
          return sessionOf(partition)
        },
        defaultSession: sessionOf(''),
      },
      nativeTheme: {
        get themeSource() { return themeSource },
        set themeSource(source) {
          themeSource = source
          for (const window of app.windows) void window.applyTheme()
        },
        get shouldUseDarkColors() { return themeSource === 'dark' },
      },
    },
    page: () => Promise.race([page, app.exited.then((code): never => {
      throw new Error(`the app exited with ${String(code)} before it showed a page`)
    })]),
    app, goOff: () => { powerMonitor.emit('shutdown') },
    window: () => {
      const [window] = app.windows
      if (window === undefined) throw new Error('the app has no window')
      return window
    },
    ...desktop, complaints, calls, opened: [], asked: [], answer: 0, chosen: undefined, browsed: [], proposed: [], saveTo: undefined,
    idleSeconds: 0, exited: app.exited,
  }
  return standin
}
