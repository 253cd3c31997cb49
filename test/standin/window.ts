/** A BrowserWindow of the stand-in: one Chromium, driven through a pipe by playwright-core. */
import { EventEmitter } from 'node:events'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { BrowserContext, CDPSession, Page, Request as PageRequest, Route } from 'playwright-core'
import type { ElectronWindow, InvokeEvent, Preventable, WebContents, WindowOptions } from '../../main/electron.ts'
import type { Browser } from './browser.ts'
import { StandinFrame, type Record } from './frame.ts'
import type { StandinSession } from './session.ts'
import { decode, encode } from './wire.ts'
import type { Wire } from './wire.ts'
import { callBinding, deliverFunction, screenBinding, worldScripts } from './worlds.ts'

/** What a window needs of the app that it belongs to. */
export type Host = {
  readonly browser: Browser
  readonly windowed: boolean
  readonly browserArguments: readonly string[]
  /** A picture of the screen, a PNG; undefined where there is none. */
  readonly screen: (() => Promise<Buffer>) | undefined
  readonly record: Record
  readonly sessionOf: (partition: string) => StandinSession
  readonly schemes: ReadonlySet<string>
  readonly themeSource: () => 'system' | 'light' | 'dark'
  readonly handlerOf: (channel: string) => ((event: InvokeEvent, ...values: unknown[]) => unknown) | undefined
  /** What the page reports that it should not: script errors and refusals of the policy. */
  readonly complain: (line: string) => void
  readonly opened: (window: StandinWindow) => void
  readonly closed: (window: StandinWindow) => void
}

const worldName = 'standin-preload'

// Chromium knows no schemes but its own: app://coppice/x is https://coppice.app.invalid/x to it.
const toWeb = (url: string): string => url.replace(/^([a-z]+):\/\/([^/]+)/, 'https://$2.$1.invalid')
const toApp = (url: string): string => url.replace(/^https:\/\/([^/]+)\.([a-z]+)\.invalid/, '$2://$1')
const schemeOf = (url: string): string => url.slice(0, Math.max(0, url.indexOf(':')))

export class StandinContents extends EventEmitter implements WebContents {
  readonly #window: StandinWindow
  readonly #record: Record
  #zoom = 0
  openHandler: ((details: { url: string }) => { action: 'deny' }) | undefined

  constructor(window: StandinWindow, record: Record) {
    super()
    this.#window = window
    this.#record = record
  }

  replaceMisspelling(text: string): void { this.#record('contents.replaceMisspelling', text) }
  getZoomLevel(): number { return this.#zoom }
  setZoomLevel(level: number): void {
    this.#record('contents.setZoomLevel', level)
    this.#zoom = level
  }

  send(channel: string, ...values: unknown[]): void { this.#window.deliver({ channel, value: encode(values) }) }
  reload(): void { void this.#window.page?.reload().catch(() => undefined) }
  isDestroyed(): boolean { return this.#window.isDestroyed() }
  setWindowOpenHandler(handler: (details: { url: string }) => { action: 'deny' }): void { this.openHandler = handler }
}

export class StandinWindow extends StandinFrame implements ElectronWindow {
  readonly webContents: StandinContents
  readonly #host: Host
  readonly #options: WindowOptions
  readonly #session: StandinSession
  /** The page of the window once `loadURL` was called. */
  page: Page | undefined
  #context: BrowserContext | undefined
  #cdp: CDPSession | undefined
  /** Chromium's number of the preload world of the page now shown. */
  #world: number | undefined
  #outbox: { readonly world: number, readonly text: string }[] = []
  #sending = false
  #loaded = false
  #destroyed = false

  constructor(host: Host, options: WindowOptions) {
    super(host.record, { x: options.x ?? 100, y: options.y ?? 80, width: options.width, height: options.height })
    this.webContents = new StandinContents(this, host.record)
    this.#host = host
    this.#options = options
    this.#session = host.sessionOf(options.webPreferences.partition)
    host.opened(this)
  }

  isDestroyed(): boolean { return this.#destroyed }
  override focus(): void {
    super.focus()
    void this.page?.bringToFront().catch(() => undefined)
  }

  async loadURL(url: string): Promise<void> {
    const context = await this.#launch()
    this.#context = context
    const page = context.pages()[0] ?? await context.newPage()
    this.page = page
    page.on('pageerror', (error) => { this.#host.complain(error.message) })
    page.on('console', (message) => { if (message.type() === 'error') this.#host.complain(message.text()) })
    page.on('close', () => { this.#gone() })
    context.on('close', () => { this.#gone() })
    // Headless Chromium blocks second windows by its flag, Chromium with a window does not: there they are closed.
    context.on('page', (popup) => { if (popup !== page) void popup.close().catch(() => undefined) })
    await context.route('**/*', (route) => this.#answer(route))
    await this.#prepare(page)
    await this.#offerScreen(page)
    await this.applyTheme()
    await page.goto(toWeb(url))
    this.#loaded = true
    this.webContents.emit('did-finish-load')
    page.on('load', () => { this.webContents.emit('did-finish-load') })
    this.emit('ready-to-show')
  }

  async applyTheme(): Promise<void> {
    const source = this.#host.themeSource()
    await this.page?.emulateMedia({ colorScheme: source === 'system' ? null : source })
  }

  /** As its button does: whoever listens may keep it open. */
  async close(): Promise<void> {
    if (!this.#destroyed && this.mayClose()) await this.destroy()
  }

  async destroy(): Promise<void> {
    await this.#context?.close().catch(() => undefined)
    this.#gone()
  }

  /** Sends to the preload world, in order; without a page there is nobody to hear it. */
  deliver(message: { channel?: string, reply?: number, ok?: boolean, value: Wire }, world = this.#world): void {
    if (world === undefined) return
    this.#outbox.push({ world, text: JSON.stringify(message) })
    if (!this.#sending) void this.#flush()
  }

  async #flush(): Promise<void> {
    this.#sending = true
    for (let next = this.#outbox.shift(); next !== undefined; next = this.#outbox.shift()) {
      await this.#cdp?.send('Runtime.callFunctionOn', {
        functionDeclaration: `function (text) { ${deliverFunction}(text) }`,
        executionContextId: next.world, arguments: [{ value: next.text }],
      }).catch(() => undefined)
    }
    this.#sending = false
  }

  #gone(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#world = undefined
    void this.#context?.close().catch(() => undefined)
    this.emit('closed')
    this.#host.closed(this)
  }

  async #launch(): Promise<BrowserContext> {
    const { browser, windowed } = this.#host
    const { width, height } = this.#options
    const launch = (chromiumSandbox: boolean): Promise<BrowserContext> => chromium.launchPersistentContext('', {
      executablePath: browser.executable, headless: !windowed, chromiumSandbox,
      env: { ...process.env, ...browser.environment },
      viewport: windowed ? null : { width, height },
      // The process outlives a Ctrl-C long enough to save; the app closes its windows itself.
      handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
      args: [
        // There popups fail inside Chromium, as they do in Electron when the handler says "deny".
        ...this.#host.browserArguments,
        '--block-new-web-contents', '--disable-background-networking', '--disable-component-update', '--no-first-run',
        ...windowed ? ['--app=data:text/html,', `--window-size=${String(width)},${String(height)}`, '--test-type'] : [],
      ],
      ...windowed && { ignoreDefaultArgs: ['--enable-automation'] },
    })
    const isRoot = process.getuid?.() === 0
    return launch(!isRoot).catch((error: unknown) => {
      // A container or a kernel without user namespaces; this browser shows only our own files.
      if (isRoot || !/sandbox|namespace/i.test(String(error))) throw error
      return launch(false)
    })
  }

  /** Answers every request of the page: by the app's protocol handler, or not at all. */
  async #answer(route: Route): Promise<void> {
    const request = route.request()
    const url = toApp(request.url())
    const handler = this.#session.handlerOf(schemeOf(url))
    try {
      if (request.isNavigationRequest() && this.#isForbidden(request, url)) await route.fulfill({ status: 204 })
      else if (handler === undefined) await route.abort('blockedbyclient')
      else {
        const response = await handler(new Request(url, { method: request.method() }))
        await route.fulfill({
          status: response.status, headers: Object.fromEntries(response.headers),
          body: Buffer.from(await response.arrayBuffer()),
        })
      }
    } catch {
      // The page went in the meantime, or it is a popup that has no frame yet.
      await route.abort('blockedbyclient').catch(() => undefined)
    }
  }

  /** Asks the app whether the page may go there. Loading the start page and reloading are not asked. */
  #isForbidden(request: PageRequest, url: string): boolean {
    const isReload = request.frame() === this.page?.mainFrame() && url === toApp(this.page.url())
    if (!this.#loaded || isReload) return false
    let prevented = false
    const event: Preventable & { url: string } = { url, preventDefault: () => { prevented = true } }
    this.webContents.emit('will-frame-navigate', event)
    return prevented
  }

  async #prepare(page: Page): Promise<void> {
    const cdp = await page.context().newCDPSession(page)
    this.#cdp = cdp
    await cdp.send('Page.enable')
    await cdp.send('Runtime.enable')
    const mainFrame = (await cdp.send('Page.getFrameTree')).frameTree.frame.id
    cdp.on('Runtime.executionContextCreated', ({ context }) => {
      const { frameId } = context.auxData as { frameId?: string }
      if (context.name === worldName && frameId === mainFrame) this.#world = context.id
    })
    cdp.on('Runtime.executionContextsCleared', () => { this.#world = undefined })
    cdp.on('Page.windowOpen', ({ url }) => { this.webContents.openHandler?.({ url }) })
    cdp.on('Runtime.bindingCalled', ({ name, payload, executionContextId }) => {
      if (name === callBinding) void this.#invoke(payload, executionContextId)
    })
    await cdp.send('Runtime.addBinding', { name: callBinding, executionContextName: worldName })
    const preload = readFileSync(this.#options.webPreferences.preload, 'utf8')
    const scripts = worldScripts(randomBytes(16).toString('hex'), preload)
    // The page's end of the bridge first: the preload script exposes its functions at once.
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source: scripts.page })
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source: scripts.isolated, worldName })
    await this.#session.applyPermissions(cdp, this.webContents, this.#host.schemes)
  }

  /** Each time the page asks for the screen the app is asked, as by Electron; then the page may look. */
  async #offerScreen(page: Page): Promise<void> {
    const { screen } = this.#host
    if (screen === undefined) return
    let isLent = false
    await page.exposeFunction(screenBinding, async (isNew: boolean) => {
      if (isNew) isLent = await this.#session.lendsScreen()
      return isLent ? (await screen()).toString('base64') : ''
    })
  }

  async #invoke(payload: string, world: number): Promise<void> {
    const { id, channel, values } = JSON.parse(payload) as { id: number, channel: string, values: Wire }
    const url = toApp(this.page?.mainFrame().url() ?? '')
    const event: InvokeEvent = { sender: this.webContents, senderFrame: { url, parent: null } }
    try {
      const handler = this.#host.handlerOf(channel)
      if (handler === undefined) throw new Error(`No handler registered for '${channel}'`)
      const value = encode(await handler(event, ...decode(values) as unknown[]))
      // The Call may have changed what the app grants.
      if (this.#cdp !== undefined) {
        await this.#session.applyPermissions(this.#cdp, this.webContents, this.#host.schemes)
      }
      this.deliver({ reply: id, ok: true, value }, world)
    } catch (error) {
      const text = `Error invoking remote method '${channel}': ${String(error)}`
      this.deliver({ reply: id, ok: false, value: text }, world)
    }
  }
}
