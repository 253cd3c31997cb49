/**
 * What the stand-in has of a desktop: screens, menus, a tray, notifications, drawn pictures. Nothing of it is seen; what
 * the app asks for is written down, and a test does what a person would do with it.
 */
import { EventEmitter } from 'node:events'
import type {
  Display, Electron, ElectronMenu, ElectronNotification, ElectronTray, MenuEntry, NativeImage, NotificationOptions, Rectangle,
} from '../../main/electron.ts'
import type { Record } from './frame.ts'

/** Screens, whose number and size a test may change. */
export class StandinScreen {
  areas: Rectangle[] = [{ x: 0, y: 0, width: 1920, height: 1040 }]
  getAllDisplays(): readonly Display[] { return this.areas.map((workArea) => ({ workArea })) }
  getPrimaryDisplay(): Display { return { workArea: this.areas[0] ?? { x: 0, y: 0, width: 1024, height: 700 } } }
}

export class StandinImage implements NativeImage {
  readonly size: number
  readonly pixels: Buffer
  template = false

  constructor(pixels: Buffer, size: number) {
    this.pixels = pixels
    this.size = size
  }

  addRepresentation({ width, height, buffer }: { width: number, height: number, buffer: Buffer }): void {
    if (buffer.length !== width * height * 4) throw new Error('these are not the pixels of a picture of that size')
  }

  setTemplateImage(option: boolean): void { this.template = option }
}

export class StandinMenu implements ElectronMenu {
  readonly entries: readonly MenuEntry[]
  readonly #record: Record

  constructor(entries: readonly MenuEntry[], record: Record) {
    this.entries = entries
    this.#record = record
  }

  popup(): void { this.#record('menu.popup', this.entries.map(({ label }) => label ?? '-')) }

  /** All entries of all depths. */
  get all(): readonly MenuEntry[] {
    const walk = (entries: readonly MenuEntry[]): readonly MenuEntry[] =>
      entries.flatMap((entry) => [entry, ...walk(entry.submenu ?? [])])
    return walk(this.entries)
  }

  /** Chooses an entry as a person does. */
  click(label: string): void {
    const entry = this.all.find((each) => each.label === label)
    if (entry === undefined) throw new Error(`the menu has no “${label}”`)
    if (entry.enabled === false) throw new Error(`“${label}” cannot be chosen`)
    entry.click?.()
  }
}

export class StandinTray extends EventEmitter implements ElectronTray {
  menu: StandinMenu | undefined
  readonly #record: Record

  constructor(record: Record) {
    super()
    this.#record = record
  }

  setImage(): void { this.#record('tray.setImage') }
  setToolTip(text: string): void { this.#record('tray.setToolTip', text) }
  setContextMenu(menu: ElectronMenu | null): void {
    if (!(menu instanceof StandinMenu)) throw new Error('this menu is of another module')
    this.menu = menu
    this.#record('tray.setContextMenu', menu.entries.map(({ label }) => label ?? '-'))
  }

  destroy(): void { this.#record('tray.destroy') }
}

export class StandinNotification extends EventEmitter implements ElectronNotification {
  readonly options: NotificationOptions
  readonly #record: Record

  constructor(options: NotificationOptions, record: Record) {
    super()
    this.options = options
    this.#record = record
  }

  show(): void { this.#record('notification.show', this.options.title, this.options.body) }
  close(): void { this.#record('notification.close', this.options.title) }
}

export type StandinDesktop = {
  readonly screen: StandinScreen
  readonly menu: () => StandinMenu
  readonly tray: () => StandinTray
  readonly notifications: readonly StandinNotification[]
}
type Module = Pick<Electron, 'Menu' | 'Tray' | 'Notification' | 'nativeImage' | 'screen'>

export function createDesktop(record: Record): { readonly desktop: StandinDesktop, readonly module: Module } {
  const screen = new StandinScreen()
  const notifications: StandinNotification[] = []
  let menu: StandinMenu | undefined
  let tray: StandinTray | undefined
  const module: Module = {
    screen,
    Menu: {
      buildFromTemplate: (entries) => new StandinMenu(entries, record),
      setApplicationMenu: (made) => { menu = made as StandinMenu },
    },
    Tray: class extends StandinTray {
      constructor() {
        super(record)
        record('new Tray')
        tray = this // eslint-disable-line @typescript-eslint/no-this-alias
      }
    },
    Notification: class extends StandinNotification {
      static isSupported(): boolean { return true }
      constructor(options: NotificationOptions) {
        super(options, record)
        notifications.push(this)
      }
    },
    nativeImage: {
      createFromBitmap: (pixels, { width, height }) => {
        if (pixels.length !== width * height * 4) throw new Error('these are not the pixels of a picture of that size')
        return new StandinImage(pixels, width)
      },
    },
  }
  const made = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the app has not made it')
    return value
  }
  return { module, desktop: { screen, notifications, menu: () => made(menu), tray: () => made(tray) } }
}
