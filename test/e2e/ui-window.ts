/** Shows the built window (dist/renderer) in a real browser engine, over a scripted Bridge, under the app's own policy. */
import { createRequire } from 'node:module'
import path from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { readFileMap, serve } from '../../main/window.ts'
import type { CallName, Change } from '../../preload/api.ts'
import { findBrowser } from '../standin/browser.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import type { BridgeOptions } from './ui-bridge.ts'
import { now } from './ui-samples.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const origin = 'https://coppice.invalid/'
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

declare const axe: {
  run: (context: unknown, options: object) => Promise<{ violations: { id: string, help: string, nodes: { html: string, failureSummary?: string }[] }[] }>
}
declare global {
  interface Window {
    scriptedCall: (name: string, argument: unknown) => Promise<unknown>
    scriptedPush: (change: Change) => void
    scriptedReady: () => Promise<void>
    refused: string[]
  }
}

export type Look = {
  readonly width?: number
  readonly height?: number
  readonly theme?: 'light' | 'dark'
  readonly reducedMotion?: boolean
}

export type Shown = {
  readonly page: Page
  readonly bridge: ScriptedBridge
  /** Begins anew in the same page, with another script and another size. */
  readonly restart: (script: BridgeOptions, size: { readonly width: number, readonly height: number }) => Promise<void>
  /** What the content security policy refused and what the page threw: must stay empty. */
  readonly faults: () => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

export async function openBrowser(): Promise<Browser> {
  const browser = await findBrowser()
  return chromium.launch({
    executablePath: browser.executable, headless: true, env: { ...process.env, ...browser.environment },
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  })
}

/** Runs before the page: the Bridge, as the preload script would expose it, and a list of what the policy refuses. */
const expose = (): void => {
  let receive: (change: Change) => void = () => undefined
  window.refused = []
  document.addEventListener('securitypolicyviolation', (event) => {
    window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample} ${event.sourceFile}:${String(event.lineNumber)}`)
  })
  window.scriptedPush = (change) => { receive(change) }
  const bridge = {
    call: (name: string, argument: unknown) => window.scriptedCall(name, argument),
    onChange: (wanted: (change: Change) => void) => {
      receive = wanted
      void window.scriptedReady()
      return () => { receive = () => undefined }
    },
  }
  Object.defineProperty(window, 'coppice', { value: bridge })
}

/** The window at a size and in a theme, opened on a script. */
export async function show(browser: Browser, script: BridgeOptions | ScriptedBridge = {}, look: Look = {}): Promise<Shown> {
  const bridge = script instanceof ScriptedBridge ? script : new ScriptedBridge(script)
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1400, height: look.height ?? 860 }, colorScheme: look.theme ?? 'light',
    reducedMotion: look.reducedMotion === false ? 'no-preference' : 'reduce', timezoneId: 'UTC', locale: 'en-GB',
  })
  const page = await context.newPage()
  const thrown: string[] = []
  page.setDefaultTimeout(5_000)
  page.on('pageerror', (error) => { thrown.push(String(error)) })
  page.on('console', (line) => { if (line.type() === 'error') thrown.push(line.text()) })
  await serveWindow(context)
  await page.clock.install({ time: now })
  const seat = { bridge }
  await connect(page, seat)
  await page.addInitScript({ path: axePath })
  await page.goto(`${origin}index.html`)
  return {
    page, bridge, close: () => context.close(),
    restart: async (script, size) => {
      seat.bridge = new ScriptedBridge(script)
      await page.setViewportSize(size)
      await page.reload()
    },
    faults: async () => [...thrown, ...await page.evaluate(() => window.refused)],
  }
}

async function serveWindow(context: BrowserContext): Promise<void> {
  const files = readFileMap(path.join(root, 'dist', 'renderer'))
  await context.route('**/*', async (route) => {
    const asked = route.request().url().replace(origin, 'app://coppice/')
    const response = serve(files, { method: 'GET', url: asked } as Request)
    await route.fulfill({
      status: response.status, headers: Object.fromEntries(response.headers), body: Buffer.from(await response.arrayBuffer()),
    })
  })
}

async function connect(page: Page, seat: { readonly bridge: ScriptedBridge }): Promise<void> {
  const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
  let pushes: Promise<unknown> = Promise.resolve()
  await page.exposeFunction('scriptedReady', () => {
    seat.bridge.onChange((change) => {
      pushes = pushes.then(() => page.evaluate((each) => { window.scriptedPush(each) }, plain(change))).catch(() => undefined)
    })
  })
  await page.exposeFunction('scriptedCall', async (name: CallName, argument: unknown) => {
    const answer = await seat.bridge.call(name, argument)
    await pushes
    return plain(answer)
  })
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
