/** The icon in the tray, where the person wants one: how much is new, quiet for a while, and the way back to the window. */
import type { Electron, ElectronTray, MenuEntry } from '../electron.ts'
import { trayImage } from './icon.ts'
import { systemWords } from './words.ts'

const words = systemWords.tray
const hourMs = 60 * 60 * 1000
/** Nobody wants to hear of it at midnight. */
const morningHour = 8

export type TrayState = {
  readonly unread: number
  readonly lockable: boolean
  /** 0: not quiet. */
  readonly quietUntil: number
}

export type TrayActs = {
  readonly show: () => void
  readonly lock: () => void
  readonly quiet: (until: number) => void
  readonly quit: () => void
}

export const inAnHour = (now: number): number => now + hourMs
export function tomorrow(now: number): number {
  const morning = new Date(now)
  morning.setDate(morning.getDate() + 1)
  morning.setHours(morningHour, 0, 0, 0)
  return morning.getTime()
}

export function trayMenu({ lockable, quietUntil }: TrayState, { show, lock, quiet, quit }: TrayActs, now: () => number): MenuEntry[] {
  const silence: MenuEntry[] = quietUntil === 0
    ? [
        { label: words.quiet, click: () => { quiet(inAnHour(now())) } },
        { label: words.quietTomorrow, click: () => { quiet(tomorrow(now())) } },
      ]
    : [{ label: words.quietUntil(quietUntil), enabled: false }, { label: words.loud, click: () => { quiet(0) } }]
  return [
    { label: words.show, click: show }, { type: 'separator' }, ...silence, { type: 'separator' },
    ...lockable ? [{ label: systemWords.menu.lock, click: lock }] : [], { label: systemWords.menu.quit, click: quit },
  ]
}

type Options = { readonly electron: Electron, readonly mac: boolean, readonly acts: TrayActs, readonly now: () => number }

export class Tray {
  readonly #options: Options
  readonly #tray: ElectronTray
  #state: TrayState | undefined

  constructor(options: Options, state: TrayState) {
    const { electron, mac, acts } = options
    this.#options = options
    this.#tray = new electron.Tray(trayImage(electron.nativeImage, { mac, unread: state.unread > 0 }) as never)
    // On macOS a click opens the menu.
    if (!mac) this.#tray.on('click', acts.show)
    this.show(state)
  }

  show(state: TrayState): void {
    const { electron, mac, acts, now } = this.#options
    const before = this.#state
    this.#state = state
    if (before?.unread !== state.unread) {
      this.#tray.setToolTip(words.tip(state.unread))
      const wasUnread = before !== undefined && before.unread > 0
      if (before !== undefined && wasUnread !== state.unread > 0) {
        this.#tray.setImage(trayImage(electron.nativeImage, { mac, unread: state.unread > 0 }) as never)
      }
    }
    if (before?.lockable === state.lockable && before.quietUntil === state.quietUntil) return
    this.#tray.setContextMenu(electron.Menu.buildFromTemplate(trayMenu(state, acts, now)))
  }

  close(): void {
    this.#tray.destroy()
  }
}
