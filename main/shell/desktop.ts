/** The app at home in the desktop: what it keeps for this computer, and how its window comes and goes. */
import path from 'node:path'
import type { Answer, ArgumentOf, CallName, ResultOf } from '../../preload/api.ts'
import type { KeptSettings, ShellNews, ShellSettings, ShellState } from '../../preload/shell.ts'
import type { Electron, ElectronWindow, WindowOptions } from '../electron.ts'
import { bringToFront } from '../window.ts'
import { keepPlace, placed } from './place.ts'
import { firstSettings, readSettings, writeSettings, type Kept } from './settings.ts'

export type DesktopOptions = {
  readonly electron: Electron
  readonly platform: NodeJS.Platform
  readonly tell: (news: ShellNews) => void
}

const systems: Readonly<Partial<Record<NodeJS.Platform, ShellState['system']>>> = { darwin: 'mac', win32: 'windows' }

export class Desktop {
  readonly #electron: Electron
  readonly #options: DesktopOptions
  /** Where the settings are kept; none before a profile was chosen. */
  #file: string | undefined
  #kept: Kept = { settings: firstSettings, place: undefined, lost: false }
  #window: ElectronWindow | undefined
  #quitting = false
  /** The app was started by the system: nobody waits for its window. */
  hidden = false

  constructor(options: DesktopOptions) {
    this.#options = options
    this.#electron = options.electron
    const { app } = options.electron
    app.on('before-quit', () => { this.#quitting = true })
    app.on('second-instance', () => { this.present() })
    app.on('activate', () => { this.present() })
  }

  /** Takes what is kept for a profile. */
  settle(folder: string): void {
    this.#file = path.join(folder, 'shell.json')
    this.#kept = readSettings(this.#file)
  }

  get place(): Pick<WindowOptions, 'x' | 'y' | 'width' | 'height'> {
    return placed(this.#kept.place, this.#electron.screen)
  }

  /** The one window was made; nothing is loaded yet. */
  attach(window: ElectronWindow): void {
    const { place } = this.#kept
    this.#window = window
    keepPlace(window, place, (moved) => { this.#moved(moved) })
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
  answer<N extends CallName>(name: N, argument: unknown): Answer<ResultOf<N>> | undefined {
    switch (name) {
      case 'shell.settings': return { ok: true, value: this.#state as ResultOf<N> }
      case 'shell.change':
        return this.#change((argument as ArgumentOf<'shell.change'>).settings) as Answer<ResultOf<N>>
      default: return undefined
    }
  }

  get #state(): ShellState {
    const { settings, lost } = this.#kept
    return {
      settings: { ...settings, autostart: false }, system: systems[this.#options.platform] ?? 'linux', lost,
      notifies: false, spellingLater: false,
    }
  }

  #change({ autostart: _, ...settings }: ShellSettings): Answer<ShellState> {
    return this.#keep({ settings }) ? { ok: true, value: this.#state } : { ok: false, code: 'settings-not-kept' }
  }

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
      if (this.#file !== undefined) writeSettings(this.#file, kept)
    } catch {
      return false
    }
    this.#kept = kept
    return true
  }
}
