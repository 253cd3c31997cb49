/**
 * The parts of Electron that this app uses, and no others. The real module fits (main/index.ts hands it over, so the
 * compiler checks it), and so does the stand-in of the tests.
 */

export type Electron = {
  readonly app: ElectronApp
  readonly BrowserWindow: new (options: WindowOptions) => ElectronWindow
  readonly ipcMain: IpcMain
  readonly protocol: { registerSchemesAsPrivileged(schemes: SchemeOfApp[]): void }
  readonly session: {
    readonly defaultSession: WindowSession
    fromPartition(partition: string, options?: { cache: boolean }): WindowSession
  }
  readonly powerMonitor: {
    /** Seconds since the last input anywhere on this computer. */
    getSystemIdleTime(): number
    /** The computer goes off, on Linux and macOS. */
    on(event: 'shutdown', listener: () => void): unknown
  }
  readonly Menu: {
    buildFromTemplate(template: MenuEntry[]): ElectronMenu
    setApplicationMenu(menu: ElectronMenu | null): void
  }
  /** `image` is a NativeImage of the same module, of which this file knows only a part. */
  readonly Tray: new (image: never) => ElectronTray
  readonly Notification: {
    new (options: NotificationOptions): ElectronNotification
    isSupported(): boolean
  }
  readonly nativeImage: {
    /** Rows of pixels from the top, each blue, green, red, alpha; colours multiplied by alpha. */
    createFromBitmap(pixels: Buffer, options: { width: number, height: number, scaleFactor?: number }): NativeImage
  }
  readonly screen: { getAllDisplays(): readonly Display[], getPrimaryDisplay(): Display }
  readonly shell: {
    /** Opens a folder in the file manager; gives what went wrong, or an empty text. */
    openPath(folder: string): Promise<string>
    /** Hands an address to the system's browser. */
    openExternal(address: string): Promise<void>
  }
  readonly dialog: {
    /** Gives the number of the button. */
    showMessageBox(window: AnyWindow, box: MessageBox): Promise<{ readonly response: number }>
    /** `filePath` is empty where the dialogue was closed. */
    showSaveDialog(options: { readonly defaultPath: string }): Promise<{ readonly canceled: boolean, readonly filePath: string }>
    /** Closed without a choice: no path. */
    showOpenDialog(options: OpenBox): Promise<{ readonly filePaths: string[] }>
  }
  /** Absent where the host shows no screens. */
  readonly desktopCapturer?: {
    getSources(options: { types: 'screen'[], thumbnailSize: { width: number, height: number } }): Promise<ScreenSource[]>
  }
  readonly nativeTheme: { themeSource: 'system' | 'light' | 'dark', readonly shouldUseDarkColors: boolean }
}

export interface ElectronApp {
  readonly isPackaged: boolean
  whenReady(): Promise<unknown>
  enableSandbox(): void
  getVersion(): string
  getPath(name: 'appData'): string
  /** The folder of the app, which a development build of Electron is given to run. */
  getAppPath(): string
  /** Not on Linux. `args`: on Windows alone, where they tell one entry from another. */
  getLoginItemSettings(options?: { args?: string[] }): { openAtLogin: boolean }
  setLoginItemSettings(settings: { openAtLogin: boolean, args?: string[] }): void
  /** For what belongs to no session. */
  setProxy(config: ProxyConfig): Promise<void>
  setPath(name: 'userData' | 'sessionData', folder: string): void
  requestSingleInstanceLock(): boolean
  /** The number at the app's icon, in the dock and some launchers. */
  setBadgeCount(count: number): boolean
  /** Windows tells apps apart by it, and shows notifications of those alone that it knows. */
  setAppUserModelId(id: string): void
  setAsDefaultProtocolClient(scheme: string, program: string, args: string[]): boolean
  quit(): void
  exit(code?: number): void
  /**
   * `second-instance`: another process of the same profile was started; it ends, this one comes to the front. `folder`: it was started there.
   * `before-quit`: from now on closing a window means to quit. `activate`: its icon in the dock was clicked.
   */
  on(event: 'second-instance', listener: (event: unknown, args: string[], folder: string) => void): unknown
  /** macOS: an address of the app's own scheme, after `will-finish-launching`. */
  on(event: 'open-url', listener: (event: Preventable, address: string) => void): unknown
  /** macOS: a file that this app opens. */
  on(event: 'open-file', listener: (event: Preventable, file: string) => void): unknown
  on(event: 'window-all-closed' | 'before-quit' | 'activate', listener: () => void): unknown
  /** All windows are closed; `preventDefault` keeps the process until `quit` is called again. */
  on(event: 'will-quit', listener: (event: Preventable) => void): unknown
  on(event: 'web-contents-created', listener: (event: unknown, contents: WebContents) => void): unknown
}

export type OpenBox = { properties: ('openFile' | 'openDirectory' | 'createDirectory')[] }

export type MessageBox = {
  type: 'question'
  title: string
  message: string
  detail: string
  buttons: string[]
  defaultId: number
  cancelId: number
  noLink: boolean
}

export type Preventable = { preventDefault(): void }
export type SchemeOfApp = {
  scheme: string
  privileges: { standard: boolean, secure: boolean, codeCache: boolean }
}

export type MenuRole =
  | 'undo' | 'redo' | 'cut' | 'copy' | 'paste' | 'pasteAndMatchStyle' | 'delete' | 'selectAll' | 'togglefullscreen'
  | 'minimize' | 'zoom' | 'front' | 'close' | 'services' | 'hide' | 'hideOthers' | 'unhide' | 'quit' | 'reload'
  | 'toggleDevTools' | 'window' | 'help'
export type MenuEntry = {
  label?: string
  role?: MenuRole
  type?: 'separator'
  accelerator?: string
  enabled?: boolean
  visible?: boolean
  submenu?: MenuEntry[]
  click?: () => void
}
export interface ElectronMenu {
  popup(): void
}

export interface NativeImage {
  /** The same picture for a denser screen, as pixels. */
  addRepresentation(options: { scaleFactor: number, width: number, height: number, buffer: Buffer }): void
  /** macOS draws it in the colour of the menu bar. */
  setTemplateImage(option: boolean): void
}

export interface ElectronTray {
  setImage(image: never): void
  setToolTip(text: string): void
  setContextMenu(menu: ElectronMenu | null): void
  on(event: 'click', listener: () => void): unknown
  destroy(): void
}

export type NotificationOptions = {
  title: string
  body: string
  silent: boolean
  hasReply: boolean
  replyPlaceholder: string
}
export interface ElectronNotification {
  show(): void
  close(): void
  on(event: 'click', listener: () => void): unknown
  on(event: 'reply', listener: (details: { readonly reply: string }) => void): unknown
}

export type Rectangle = { readonly x: number, readonly y: number, readonly width: number, readonly height: number }
/** `workArea`: without bars and docks. */
export type Display = { readonly workArea: Rectangle }

export type WindowOptions = {
  title: string
  x?: number
  y?: number
  width: number
  height: number
  minWidth: number
  minHeight: number
  show: boolean
  backgroundColor: string
  autoHideMenuBar: boolean
  webPreferences: {
    preload: string
    partition: string
    sandbox: true
    contextIsolation: true
    nodeIntegration: false
    webviewTag: false
    devTools: boolean
    /** Chromium's spelling checker would fetch its dictionaries from the network: main/shell/spelling.ts. */
    spellcheck: boolean
  }
}

export interface AnyWindow {
  isMinimized(): boolean
  isMaximized(): boolean
  isFullScreen(): boolean
  isFocused(): boolean
  isVisible(): boolean
  isDestroyed(): boolean
  /** Where it is, or would be, were it neither minimized, maximized nor full screen. */
  getNormalBounds(): Rectangle
  restore(): void
  maximize(): void
  setFullScreen(on: boolean): void
  flashFrame(on: boolean): void
  /** The system leaves the window out of pictures and films of the screen. */
  setContentProtection(on: boolean): void
  /** Windows only: a small picture at the app's entry in the task bar. */
  setOverlayIcon(image: NativeImage | null, description: string): void
  show(): void
  hide(): void
  focus(): void
}

export interface ElectronWindow extends AnyWindow {
  readonly webContents: WebContents
  loadURL(url: string): Promise<void>
  once(event: 'ready-to-show' | 'leave-full-screen', listener: () => void): unknown
  /** `preventDefault` keeps it open. */
  on(event: 'close', listener: (event: Preventable) => void): unknown
  /** `session-end`, on Windows only: the person logs out, or the computer goes off. */
  on(event: PlaceEvent | 'focus' | 'closed' | 'session-end', listener: () => void): unknown
}

/** It has another place on the screen. */
export type PlaceEvent =
  'resize' | 'move' | 'maximize' | 'unmaximize' | 'enter-full-screen' | 'leave-full-screen'

export interface WebContents {
  send(channel: string, ...values: unknown[]): void
  reload(): void
  isDestroyed(): boolean
  getZoomLevel(): number
  setZoomLevel(level: number): void
  setWindowOpenHandler(handler: (details: { url: string }) => { action: 'deny' }): void
  on(event: 'will-frame-navigate', listener: (event: Preventable & { readonly url: string }) => void): unknown
  on(event: 'will-attach-webview', listener: (event: Preventable) => void): unknown
  on(event: 'did-finish-load', listener: () => void): unknown
  on(event: 'context-menu', listener: (event: unknown, params: ContextParams) => void): unknown
  replaceMisspelling(text: string): void
  /** The mouse wheel, with Ctrl. */
  on(event: 'zoom-changed', listener: (event: unknown, direction: 'in' | 'out') => void): unknown
}

export type ContextParams = {
  readonly isEditable: boolean
  readonly selectionText: string
  readonly misspelledWord: string
  readonly dictionarySuggestions: readonly string[]
}

export type ProxyConfig =
  | { mode: 'system' }
  | { mode: 'fixed_servers', proxyRules: string, proxyBypassRules: string }

export type ScreenSource = { readonly id: string, readonly name: string }

export interface WindowSession {
  /** As in the web, by the session's proxy. */
  fetch: (address: string, options: { signal: AbortSignal }) => Promise<Response>
  readonly protocol: { handle(scheme: string, handler: (request: Request) => Response | Promise<Response>): void }
  setPermissionRequestHandler(
    handler: (
      contents: WebContents, permission: string, answer: (granted: boolean) => void,
      details: { readonly isMainFrame: boolean, readonly mediaTypes?: readonly ('video' | 'audio')[] },
    ) => void): void
  setPermissionCheckHandler(
    handler: (
      contents: WebContents | null, permission: string, origin: string,
      details: { readonly isMainFrame: boolean, readonly mediaType?: 'video' | 'audio' | 'unknown' },
    ) => boolean): void
  setProxy(config: ProxyConfig): Promise<void>
  /** "PROXY a:1; SOCKS5 b:2; DIRECT" */
  resolveProxy(url: string): Promise<string>
  closeAllConnections(): Promise<void>
  /** On macOS the system checks; these three have no effect there. */
  readonly availableSpellCheckerLanguages: string[]
  setSpellCheckerLanguages(languages: string[]): void
  setSpellCheckerDictionaryDownloadURL(url: string): void
  setSpellCheckerEnabled(on: boolean): void
  /** Who asks to see the screen gets the source that is answered, or nothing. */
  setDisplayMediaRequestHandler(
    handler: (request: unknown, answer: (streams: { video?: ScreenSource }) => void) => void): void
}

export interface IpcMain {
  handle(channel: string, listener: (event: InvokeEvent, ...values: unknown[]) => unknown): void
}

export type InvokeEvent = {
  readonly sender: unknown
  /** `null` when the frame has gone in the meantime. */
  readonly senderFrame: { readonly url: string, readonly parent: unknown } | null
}
