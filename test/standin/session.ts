/** A session of the stand-in: protocol handlers, and the app's answer about permissions given to Chromium. */
import type { CDPSession } from 'playwright-core'
import type { ProxyConfig, WebContents, WindowSession } from '../../main/electron.ts'
import type { Record } from './frame.ts'

type Handler = (request: Request) => Response | Promise<Response>
type CheckHandler = Parameters<WindowSession['setPermissionCheckHandler']>[0]
type RequestHandler = Parameters<WindowSession['setPermissionRequestHandler']>[0]
type DisplayHandler = Parameters<WindowSession['setDisplayMediaRequestHandler']>[0]

/** Electron's names of permissions, and how Chromium's debugging protocol calls them. */
const permissions = [
  ['geolocation', { name: 'geolocation' }],
  ['notifications', { name: 'notifications' }],
  ['media', { name: 'camera' }],
  ['media', { name: 'microphone' }],
  ['midi', { name: 'midi' }],
  ['clipboard-read', { name: 'clipboard-read' }],
  ['clipboard-sanitized-write', { name: 'clipboard-write', allowWithoutSanitization: false }],
  ['persistent-storage', { name: 'persistent-storage' }],
] as const

export class StandinSession implements WindowSession {
  readonly #name: string
  readonly #record: Record
  readonly #handlers = new Map<string, Handler>()
  /** What the system would say of its proxies. */
  systemProxy = 'DIRECT'
  #proxy: ProxyConfig = { mode: 'system' }
  readonly availableSpellCheckerLanguages = ['de', 'en-GB', 'en-US', 'hy', 'pt-BR']
  #check: CheckHandler | undefined
  #request: RequestHandler | undefined
  #display: DisplayHandler | undefined
  readonly #applied = new Map<string, 'granted' | 'denied'>()
  readonly protocol = {
    handle: (scheme: string, handler: Handler): void => {
      if (this.#handlers.has(scheme)) throw new Error(`The scheme has been registered: ${scheme}`)
      this.#handlers.set(scheme, handler)
    },
  }

  constructor(name: string, record: Record) {
    this.#name = name
    this.#record = record
  }

  async setProxy(config: ProxyConfig): Promise<void> {
    this.#record('session.setProxy', this.#name, config)
    this.#proxy = config
  }

  async resolveProxy(): Promise<string> {
    return this.#proxy.mode === 'system' ? this.systemProxy : 'PROXY not.asked.invalid:1'
  }

  async closeAllConnections(): Promise<void> { this.#record('session.closeAllConnections', this.#name) }
  setSpellCheckerLanguages(languages: string[]): void { this.#record('session.setSpellCheckerLanguages', languages) }
  setSpellCheckerDictionaryDownloadURL(url: string): void { this.#record('session.setSpellCheckerDictionaryDownloadURL', url) }
  setSpellCheckerEnabled(on: boolean): void { this.#record('session.setSpellCheckerEnabled', on) }
  fetch(address: string, options: { signal: AbortSignal }): Promise<Response> { return fetch(address, options) }
  handlerOf(scheme: string): Handler | undefined { return this.#handlers.get(scheme) }
  setPermissionCheckHandler(handler: CheckHandler): void { this.#check = handler }
  setPermissionRequestHandler(handler: RequestHandler): void { this.#request = handler }
  setDisplayMediaRequestHandler(handler: DisplayHandler): void { this.#display = handler }
  /** What the app answers, each by itself: Chromium is told only what all of them grant. */
  get handlers() { return { check: this.#check, request: this.#request, display: this.#display } }

  /** Whether the app gives a screen to the page that asks for one; as in Electron, nothing without a handler. */
  lendsScreen(): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#display === undefined) resolve(false)
      else this.#display({}, ({ video }) => { resolve(video !== undefined) })
    })
  }

  /** Chromium asks nobody while it runs, so it is told what both handlers of the app say, anew when that changes. */
  async applyPermissions(cdp: CDPSession, contents: WebContents, schemes: ReadonlySet<string>): Promise<void> {
    for (const scheme of schemes) {
      const origin = `https://coppice.${scheme}.invalid`
      for (const [name, permission] of permissions) {
        const setting = this.#grants(contents, { name, permission: permission.name, origin }) ? 'granted' : 'denied'
        const key = `${scheme} ${permission.name}`
        if (this.#applied.get(key) === setting) continue
        this.#applied.set(key, setting)
        await cdp.send('Browser.setPermission', { permission, setting, origin })
      }
    }
  }

  /** Electron's default without a handler is to grant. */
  #grants(contents: WebContents, asked: { name: string, permission: string, origin: string }): boolean {
    const media = { camera: 'video', microphone: 'audio' }[asked.permission] as 'video' | 'audio' | undefined
    const details = { isMainFrame: true, ...media === undefined ? {} : { mediaType: media, mediaTypes: [media] } }
    let granted = this.#check?.(contents, asked.name, asked.origin, details) ?? true
    this.#request?.(contents, asked.name, (answer) => { granted &&= answer }, details)
    return granted
  }
}
