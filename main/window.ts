/** The one window: what it may load, what it may do, and everything that it may not. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { Electron, ElectronWindow, WebContents, WindowOptions, WindowSession } from './electron.ts'

const scheme = 'app'
/** Every address of the window begins so; the sender check of IPC compares with it. */
export const origin = `${scheme}://coppice/`
const startPage = `${origin}index.html`

/**
 * What the page may do. No inline script or style, no network, no frames; pictures also from the page's own memory; strings become script or markup through
 * two Trusted Types policies: that of Svelte's templates, which are constants of the bundle, and that of the one worker.
 */
export const contentSecurityPolicy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "font-src 'self'",
  "worker-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  "require-trusted-types-for 'script'", 'trusted-types svelte-trusted-html coppice-worker',
].join('; ')

const fixedHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2', '.json': 'application/json',
}

/**
 * The only permission that the window always has: putting text on the clipboard while the person clicks, which a page
 * can do anyway through `document.execCommand`.
 */
const grantedPermission = 'clipboard-sanitized-write'

/** Whether the page shows its reader of QR codes: only then may it use a camera and look at the screen. */
export type Gate = { open: boolean }

/** `media`: what of 'media' is asked for. Nobody ever listens; the clipboard, notifications and all others are denied. */
const isGranted = (gate: Gate, permission: string, media: readonly (string | undefined)[]): boolean =>
  permission === grantedPermission ||
  (gate.open && permission === 'media' && media.length > 0 && media.every((kind) => kind === 'video')) ||
  (gate.open && permission === 'display-capture')

/** A file of the window: its content type and its bytes, read once at start. */
export type ServedFile = { readonly type: string, readonly bytes: Uint8Array<ArrayBuffer> }
export type FileMap = ReadonlyMap<string, ServedFile>

/** Reads a folder into the fixed map from address to file. What is not in it at start does not exist. */
export function readFileMap(folder: string): FileMap {
  const files = new Map<string, ServedFile>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = contentTypes[path.extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = path.join(entry.parentPath, entry.name)
    const address = origin + path.relative(folder, file).split(path.sep).join('/')
    files.set(address, { type, bytes: new Uint8Array(readFileSync(file)) })
  }
  return files
}

/** Answers a request of the window from the map, whatever else the address may say: 404. */
export function serve(files: FileMap, request: Request): Response {
  const file = request.method === 'GET' ? files.get(request.url) : undefined
  if (file === undefined) return new Response('', { status: 404, headers: fixedHeaders })
  return new Response(file.bytes, { headers: { ...fixedHeaders, 'content-type': file.type } })
}

/** Must run before Electron is ready: the scheme, and a sandbox for every renderer that could ever be made. */
export function prepareElectron({ app, protocol }: Electron): void {
  app.enableSandbox()
  protocol.registerSchemesAsPrivileged([
    { scheme, privileges: { standard: true, secure: true, codeCache: true } },
  ])
  app.on('web-contents-created', (_event, contents) => { confine(contents) })
}

/** No navigation, no second window, no webview: for every web contents, not only for the one we make. */
function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  contents.on('will-frame-navigate', (event) => { event.preventDefault() })
  contents.on('will-attach-webview', (event) => { event.preventDefault() })
}

function confineSession(session: WindowSession, files: FileMap, gate: Gate): void {
  session.protocol.handle(scheme, (request) => serve(files, request))
  session.setPermissionRequestHandler((_contents, permission, answer, { mediaTypes = [] }) => {
    answer(isGranted(gate, permission, mediaTypes))
  })
  session.setPermissionCheckHandler((_contents, permission, _origin, { mediaType }) =>
    isGranted(gate, permission, [mediaType]))
}

/** Where the host can show its screens, the reader gets the first of them. */
function lendScreen({ desktopCapturer }: Electron, session: WindowSession, gate: Gate): boolean {
  if (desktopCapturer === undefined) return false
  session.setDisplayMediaRequestHandler((_request, answer) => {
    if (!gate.open) {
      answer({})
      return
    }
    desktopCapturer.getSources({ types: ['screen'], thumbnailSize: { width: 0, height: 0 } }).then(
      ([video]) => { answer(video === undefined ? {} : { video }) }, () => { answer({}) })
  })
  return true
}

/** `screen`: while the gate is open the page may look at the screen too. */
export type Opened = {
  readonly window: ElectronWindow, readonly loaded: Promise<void>, readonly gate: Gate, readonly screen: boolean
}

export const smallest = { width: 420, height: 480 } as const

/** Without "persist:" Chromium keeps nothing of this session on disk. */
const partition = 'coppice'
export const windowSession = (electron: Electron): WindowSession => electron.session.fromPartition(partition, { cache: false })

export type WindowWishes = {
  /** The folder of the build: `renderer/` and `preload/index.cjs` lie in it. */
  readonly built: string
  readonly place: Pick<WindowOptions, 'x' | 'y' | 'width' | 'height'>
  readonly spellcheck: boolean
  /** Before the page is loaded. */
  readonly made: (window: ElectronWindow) => void
}

/** Opens the window, still hidden. */
export function openWindow(electron: Electron, { built, place, spellcheck, made }: WindowWishes): Opened {
  const session = windowSession(electron)
  const gate: Gate = { open: false }
  confineSession(session, readFileMap(path.join(built, 'renderer')), gate)
  const window = new electron.BrowserWindow({
    title: 'Coppice', ...place, minWidth: smallest.width, minHeight: smallest.height, show: false,
    autoHideMenuBar: true, backgroundColor: electron.nativeTheme.shouldUseDarkColors ? '#0e1411' : '#f6f5f0',
    webPreferences: {
      preload: path.join(built, 'preload', 'index.cjs'), partition,
      sandbox: true, contextIsolation: true, nodeIntegration: false, webviewTag: false, spellcheck,
      devTools: !electron.app.isPackaged,
    },
  })
  made(window)
  return { window, loaded: window.loadURL(startPage), gate, screen: lendScreen(electron, session, gate) }
}

/** Brings the window before the person: after a second start of the same profile. */
export function bringToFront(window: ElectronWindow): void {
  if (window.isDestroyed()) return
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}
