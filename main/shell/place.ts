/** Where the window is on the screen, kept over restarts, and what to do when that screen is gone. */
import { smallest } from '../window.ts'
import type { ElectronWindow, Display, PlaceEvent, Rectangle, WindowOptions } from '../electron.ts'

export type WindowPlace = {
  readonly bounds: Rectangle
  readonly maximized: boolean
  readonly fullScreen: boolean
  /** Chromium's: each step is a fifth. */
  readonly zoom: number
}

const first = { width: 1200, height: 800 } as const
const zoomLimit = 6
/** So much of the window's upper edge must be within reach of the pointer. */
const grip = { width: 120, height: 40 } as const

const isNumber = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= 100_000

export function isWindowPlace(value: unknown): value is WindowPlace {
  if (typeof value !== 'object' || value === null) return false
  const { bounds, maximized, fullScreen, zoom } = value as Record<string, unknown>
  if (typeof bounds !== 'object' || bounds === null) return false
  const { x, y, width, height } = bounds as Record<string, unknown>
  return [x, y, width, height].every(Number.isInteger) && [x, y, width, height, zoom].every(isNumber) &&
    typeof maximized === 'boolean' && typeof fullScreen === 'boolean'
}

type Screen = { getAllDisplays(): readonly Display[], getPrimaryDisplay(): Display }

/** Size and place for a new window. Without a place the system puts it where it thinks best. */
export function placed(
  kept: WindowPlace | undefined, screen: Screen,
): Pick<WindowOptions, 'x' | 'y' | 'width' | 'height'> {
  const { width, height } = kept?.bounds ?? first
  if (kept !== undefined && screen.getAllDisplays().some(({ workArea }) => isInReach(kept.bounds, workArea))) {
    return { x: kept.bounds.x, y: kept.bounds.y, width, height }
  }
  const area = screen.getPrimaryDisplay().workArea
  return {
    width: Math.max(smallest.width, Math.min(width, area.width)),
    height: Math.max(smallest.height, Math.min(height, area.height)),
  }
}

/** Can the person take hold of it there? */
function isInReach({ x, y, width }: Rectangle, area: Rectangle): boolean {
  const shown = Math.min(x + width, area.x + area.width) - Math.max(x, area.x)
  return shown >= grip.width && y >= area.y - grip.height / 2 && y + grip.height <= area.y + area.height
}

const placeEvents: readonly PlaceEvent[] =
  ['resize', 'move', 'maximize', 'unmaximize', 'enter-full-screen', 'leave-full-screen']
const quietMs = 400

export type Zoom = 'in' | 'out' | 'reset'
const zoomSteps = { in: 0.5, out: -0.5, reset: 0 } as const
const zoomWithin = (level: number): number => Math.max(-zoomLimit, Math.min(zoomLimit, level))

/**
 * Calls `moved` a moment after the window has another place or zoom, and when it closes. Gives what makes it larger or
 * smaller by half a step, or as it was made.
 */
export function keepPlace(
  window: ElectronWindow, kept: WindowPlace | undefined, moved: (place: WindowPlace) => void,
): (how: Zoom) => void {
  const contents = window.webContents
  let level = zoomWithin(kept?.zoom ?? 0)
  let timer: ReturnType<typeof setTimeout> | undefined
  const tell = (): void => {
    clearTimeout(timer)
    if (window.isDestroyed()) return
    moved({
      bounds: window.getNormalBounds(), maximized: window.isMaximized(), fullScreen: window.isFullScreen(), zoom: level,
    })
  }
  const later = (): void => {
    clearTimeout(timer)
    timer = setTimeout(tell, quietMs)
  }
  const zoom = (how: Zoom): void => {
    level = how === 'reset' ? 0 : zoomWithin(level + zoomSteps[how])
    contents.setZoomLevel(level)
    later()
  }
  for (const event of placeEvents) window.on(event, later)
  window.on('close', tell)
  window.on('closed', () => { clearTimeout(timer) })
  // The window's session lives in memory only, so each page is told anew.
  contents.on('did-finish-load', () => { if (level !== 0) contents.setZoomLevel(level) })
  contents.on('zoom-changed', (_event, direction) => { zoom(direction) })
  return zoom
}
