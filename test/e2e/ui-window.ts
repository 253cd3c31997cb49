/** Shows the built window (dist/renderer) in a real browser, over a scripted Bridge, under the app's own policy. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { readFileMap, serve } from '../../main/window.ts'
import type { CallName, Change } from '../../preload/api.ts'
import { findBrowser } from '../standin/browser.ts'
import { decode, encode } from '../standin/wire.ts'
import type { Wire } from '../standin/wire.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import type { BridgeOptions } from './ui-bridge.ts'
import { now } from './ui-samples.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const origin = 'https://coppice.invalid/'
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

type Violation = { id: string, help: string, nodes: { html: string, failureSummary?: string }[] }
/** What structured cloning carries, bytes among it. */
declare const scriptedWire: { encode: typeof encode, decode: typeof decode }
declare const axe: { run: (context: unknown, options: object) => Promise<{ violations: Violation[] }> }
declare global {
  interface Window {
    scriptedCall: (name: string, argument: Wire) => Promise<Wire>
    scriptedPush: (change: Change) => void
    scriptedReady: () => Promise<void>
    refused: string[]
  }
}

export type Look = { readonly width?: number, readonly height?: number, readonly theme?: 'light' | 'dark' }
export type Shown = { readonly page: Page, readonly bridge: ScriptedBridge }

/** One browser with one page, in which one window after the other is shown. */
export type Stage = {
  readonly open: () => Promise<void>
  /** The window at a size and in a theme, opened on a script; the one before it is gone. */
  readonly show: (script?: BridgeOptions | ScriptedBridge, look?: Look) => Promise<Shown>
  /** Fails if the policy refused something or the page threw. */
  readonly check: () => Promise<void>
  readonly close: () => Promise<void>
}

async function openBrowser(): Promise<Browser> {
  const browser = await findBrowser()
  return chromium.launch({
    executablePath: browser.executable, headless: true, env: { ...process.env, ...browser.environment },
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
      '--no-first-run',
    ],
  })
}

/** Runs before the page: the Bridge, as the preload script would expose it, and a list of what the policy refuses. */
const expose = (): void => {
  let receive: (change: Change) => void = () => undefined
  window.refused = []
  document.addEventListener('securitypolicyviolation', (event) => {
    const { violatedDirective, blockedURI, sample, sourceFile, lineNumber } = event
    window.refused.push(`${violatedDirective} ${blockedURI} ${sample} ${sourceFile}:${String(lineNumber)}`)
  })
  window.scriptedPush = (change) => { receive(change) }
  const bridge = {
    call: async (name: string, argument: unknown) =>
      scriptedWire.decode(await window.scriptedCall(name, scriptedWire.encode(argument))),
    onChange: (wanted: (change: Change) => void) => {
      receive = wanted
      void window.scriptedReady()
      return () => { receive = () => undefined }
    },
  }
  Object.defineProperty(window, 'coppice', { value: bridge })
}

export function newStage(): Stage {
  const seat: Seat = { bridge: new ScriptedBridge(), next: new ScriptedBridge() }
  const thrown: string[] = []
  let browser: Browser | undefined
  let page: Page | undefined
  const opened = (): Page => {
    assert(page, 'the stage is not open')
    return page
  }
  return {
    open: async () => {
      browser = await openBrowser()
      const context = await browser.newContext({ reducedMotion: 'reduce', timezoneId: 'UTC', locale: 'en-GB' })
      await serveWindow(context)
      page = await context.newPage()
      page.setDefaultTimeout(10_000)
      page.on('pageerror', (error) => { thrown.push(String(error)) })
      page.on('console', (line) => { if (line.type() === 'error') thrown.push(line.text()) })
      await page.clock.install({ time: now })
      await connect(page, seat)
      await page.addInitScript({ path: axePath })
    },
    show: async (script = {}, { width = 1400, height = 860, theme = 'light' } = {}) => {
      seat.next = script instanceof ScriptedBridge ? script : new ScriptedBridge(script)
      await opened().setViewportSize({ width, height })
      await opened().emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
      await opened().clock.setSystemTime(now)
      await opened().goto(`${origin}index.html`)
      return { page: opened(), bridge: seat.next }
    },
    check: async () => {
      assert.deepEqual([...thrown.splice(0), ...await opened().evaluate(() => window.refused)], [], 'the window complains')
    },
    close: async () => { await browser?.close() },
  }
}

async function serveWindow(context: BrowserContext): Promise<void> {
  const files = readFileMap(path.join(root, 'dist', 'renderer'))
  await context.route('**/*', async (route) => {
    const asked = route.request().url().replace(origin, 'app://coppice/')
    const response = serve(files, { method: 'GET', url: asked } as Request)
    await route.fulfill({
      status: response.status, headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    })
  })
}

/** The Bridge of the window that is shown, and the one that takes its place when the next window is there. */
type Seat = { bridge: ScriptedBridge, next: ScriptedBridge }

async function connect(page: Page, seat: Seat): Promise<void> {
  const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
  let pushes: Promise<unknown> = Promise.resolve()
  await page.exposeFunction('scriptedReady', () => {
    // Calls of the window before it that are still on their way have all come before this one.
    seat.bridge = seat.next
    seat.bridge.onChange((change) => {
      const push = (): Promise<void> => page.evaluate((each) => { window.scriptedPush(each) }, plain(change))
      pushes = pushes.then(push).catch(() => undefined)
    })
  })
  await page.exposeFunction('scriptedCall', async (name: CallName, argument: Wire) => {
    const answer = await seat.bridge.call(name, decode(argument))
    await pushes
    return encode(answer)
  })
  await page.addInitScript(`globalThis.scriptedWire = { encode: ${encode.toString()}, decode: ${decode.toString()} }`)
  await page.addInitScript(expose)
}

/** What axe-core finds wrong with the page as it stands; one text per kind. Contrast takes half of the time. */
export async function auditOf(page: Page, what: 'all' | 'contrast' | 'structure'): Promise<readonly string[]> {
  const { violations } = await page.evaluate((what) => axe.run(document, {
    resultTypes: ['violations'],
    ...what === 'contrast' ? { runOnly: ['color-contrast'] } : {},
    ...what === 'structure' ? { rules: { 'color-contrast': { enabled: false } } } : {},
  }), what)
  return violations.map(({ id, help, nodes }) =>
    `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary ?? ''}`).join('\n')}`)
}
