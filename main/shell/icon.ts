/** The small pictures that the desktop shows: growth rings for the tray, and a dot for what is new. Drawn, not loaded. */
import type { Electron, NativeImage } from '../electron.ts'

/** Red, green, blue. */
type Colour = readonly [number, number, number]
const leaf: Colour = [0x3f, 0xa0, 0x6c]
const amber: Colour = [0xf0, 0x8c, 0x1e]
const ink: Colour = [0, 0, 0]

/** In a square from -1 to 1: rings around a pith, each broken somewhere else. */
const rings = [
  { radius: 0.86, gapAt: 0.6 }, { radius: 0.55, gapAt: 3.4 },
] as const
const ringWidth = 0.17
const gapWidth = 0.5
const pith = 0.24
/** The dot, at the lower right, with a border where the rings give way. */
const dot = { x: 0.58, y: 0.58, radius: 0.4, border: 0.14 } as const

type Painted = 'ring' | 'dot' | undefined

function at(x: number, y: number, unread: boolean): Painted {
  if (unread) {
    const away = Math.hypot(x - dot.x, y - dot.y)
    if (away < dot.radius) return 'dot'
    if (away < dot.radius + dot.border) return undefined
  }
  const radius = Math.hypot(x, y)
  if (radius < pith) return 'ring'
  const ring = rings.find((each) => Math.abs(radius - each.radius) < ringWidth / 2)
  if (ring === undefined) return undefined
  const angle = Math.abs(((Math.atan2(y, x) - ring.gapAt) % (2 * Math.PI) + 3 * Math.PI) % (2 * Math.PI) - Math.PI)
  return angle < gapWidth / 2 ? undefined : 'ring'
}

const samples = 4

/** Pixels as Electron wants them: blue, green, red, alpha, colours multiplied by alpha; smooth by many looks at each. */
function paint(size: number, colourAt: (x: number, y: number) => Colour | undefined): Buffer {
  const pixels = Buffer.alloc(size * size * 4)
  for (let pixel = 0; pixel < size * size; pixel++) {
    const sum = [0, 0, 0, 0]
    for (let look = 0; look < samples * samples; look++) {
      const x = (pixel % size + (look % samples + 0.5) / samples) / size * 2 - 1
      const y = (Math.floor(pixel / size) + (Math.floor(look / samples) + 0.5) / samples) / size * 2 - 1
      const colour = colourAt(x, y)
      if (colour !== undefined) [colour[2], colour[1], colour[0], 255].forEach((part, index) => { sum[index] = (sum[index] ?? 0) + part })
    }
    sum.forEach((part, index) => { pixels[pixel * 4 + index] = Math.round(part / samples ** 2) })
  }
  return pixels
}

type Images = Electron['nativeImage']

function image(images: Images, size: number, colourAt: (x: number, y: number) => Colour | undefined): NativeImage {
  const made = images.createFromBitmap(paint(size, colourAt), { width: size, height: size, scaleFactor: 1 })
  made.addRepresentation({ scaleFactor: 2, width: size * 2, height: size * 2, buffer: paint(size * 2, colourAt) })
  return made
}

/** For the tray. On macOS black and clear, which the system colours itself. */
export function trayImage(images: Images, { mac, unread }: { readonly mac: boolean, readonly unread: boolean }): NativeImage {
  const colours = mac ? { ring: ink, dot: ink } : { ring: leaf, dot: amber }
  const made = image(images, mac ? 18 : 16, (x, y) => {
    const painted = at(x, y, unread)
    return painted === undefined ? undefined : colours[painted]
  })
  if (mac) made.setTemplateImage(true)
  return made
}

/** For the task bar of Windows. */
export const unreadImage = (images: Images): NativeImage =>
  image(images, 16, (x, y) => Math.hypot(x, y) < 0.8 ? amber : undefined)
