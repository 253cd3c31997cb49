/** A session of the stand-in: protocol handlers, and the app's answer about permissions given to Chromium. */
import type { CDPSession } from 'playwright-core'
import type { WebContents, WindowSession } from '../../main/electron.ts'

type Handler = (request: Request) => Response | Promise<Response>
type CheckHandler = (contents: WebContents | null, permission: string, origin: string) => boolean
type RequestHandler = (contents: WebContents, permission: string, answer: (granted: boolean) => void) => void

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
  readonly #handlers = new Map<string, Handler>()
  #check: CheckHandler | undefined
  #request: RequestHandler | undefined
  readonly protocol = {
    handle: (scheme: string, handler: Handler): void => {
      if (this.#handlers.has(scheme)) throw new Error(`The scheme has been registered: ${scheme}`)
      this.#handlers.set(scheme, handler)
    },
  }

  handlerOf(scheme: string): Handler | undefined { return this.#handlers.get(scheme) }
  setPermissionCheckHandler(handler: CheckHandler): void { this.#check = handler }
  setPermissionRequestHandler(handler: RequestHandler): void { this.#request = handler }

  /** Chromium asks nobody while it runs, so it is told at once what both handlers of the app say. */
  async applyPermissions(cdp: CDPSession, contents: WebContents, schemes: ReadonlySet<string>): Promise<void> {
    for (const scheme of schemes) {
      const origin = `https://coppice.${scheme}.invalid`
      for (const [name, permission] of permissions) {
        const setting = this.#grants(contents, name, origin) ? 'granted' : 'denied'
        await cdp.send('Browser.setPermission', { permission, setting, origin })
      }
    }
  }

  /** Electron's default without a handler is to grant. */
  #grants(contents: WebContents, permission: string, origin: string): boolean {
    let granted = this.#check?.(contents, permission, origin) ?? true
    this.#request?.(contents, permission, (answer) => { granted &&= answer })
    return granted
  }
}
