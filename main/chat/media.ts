import { concat } from '../mls/index.ts'

/**
 * Pictures as far as Coppice looks into them: what they are, by their content and never by their name; how large they
 * are; and the same picture without what a camera or a program has written beside it (place, time, device, author,
 * small copies of what was cut away). Nothing is decoded here: that is for the window's sandbox.
 */

export type PictureType = 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
/** The media types that the window shows as pictures. */
export const pictureTypes: ReadonlySet<string> =
  new Set<PictureType>(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

/** How many bytes of a file tell what it is. */
export const headBytes = 16

const ascii = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length))
const big = (bytes: Uint8Array, at: number, length: number): number => {
  let value = 0
  for (let offset = 0; offset < length; offset += 1) value = value * 256 + (bytes[at + offset] ?? 0)
  return value
}
const little = (bytes: Uint8Array, at: number, length: number): number => {
  let value = 0
  for (let offset = length - 1; offset >= 0; offset -= 1) value = value * 256 + (bytes[at + offset] ?? 0)
  return value
}

/** What kind of picture begins so. */
export function pictureTypeOf(head: Uint8Array): PictureType | undefined {
  if (ascii(head, 0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png'
  if (big(head, 0, 3) === 0xffd8ff) return 'image/jpeg'
  if (/^GIF8[79]a$/.test(ascii(head, 0, 6))) return 'image/gif'
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 4) === 'WEBP') return 'image/webp'
  return undefined
}

export type Dimensions = { readonly width: number, readonly height: number }
/** The picture as it is sent, and how it is shown. */
export type Cleaned = Dimensions & { readonly bytes: Uint8Array }

/**
 * The picture without metadata, as it looked before. `undefined` for one that does not hold together, of which nobody
 * can say what is left in it.
 */
export function cleaned(type: PictureType, bytes: Uint8Array): Cleaned | undefined {
  switch (type) {
    case 'image/png': return cleanedPng(bytes)
    case 'image/jpeg': return cleanedJpeg(bytes)
    case 'image/gif': return cleanedGif(bytes)
    case 'image/webp': return cleanedWebp(bytes)
  }
}

const shown = (bytes: readonly Uint8Array[], { width, height }: Dimensions): Cleaned | undefined =>
  width === 0 || height === 0 || width > 0xffff || height > 0xffff ? undefined : { bytes: concat(...bytes), width, height }

// ---------------------------------------------------------------- PNG

/** Chunks that say how the picture looks (PNG Third Edition §11); of text, time and EXIF nothing is kept. */
const pngChunks = new Set([
  'IHDR', 'PLTE', 'IDAT', 'IEND', 'tRNS', 'cHRM', 'gAMA', 'iCCP', 'sBIT', 'sRGB', 'cICP', 'mDCV', 'cLLI', 'bKGD', 'hIST',
  'pHYs', 'sPLT', 'acTL', 'fcTL', 'fdAT',
])

function cleanedPng(bytes: Uint8Array): Cleaned | undefined {
  const kept: Uint8Array[] = [bytes.subarray(0, 8)]
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = big(bytes, at, 4)
    const name = ascii(bytes, at + 4, 4)
    const end = at + 12 + length
    if (end > bytes.length || (at === 8) !== (name === 'IHDR')) return undefined
    if (pngChunks.has(name)) kept.push(bytes.subarray(at, end))
    if (name === 'IEND') return shown(kept, { width: big(bytes, 16, 4), height: big(bytes, 20, 4) })
    at = end
  }
  return undefined
}

// ---------------------------------------------------------------- JPEG

const marker = { sos: 0xda, eoi: 0xd9, app0: 0xe0, app1: 0xe1, app2: 0xe2, app14: 0xee, app15: 0xef, com: 0xfe }

function cleanedJpeg(bytes: Uint8Array): Cleaned | undefined {
  const kept: Uint8Array[] = []
  let size: Dimensions = { width: 0, height: 0 }
  let orientation = 1
  for (let at = 2; at + 2 <= bytes.length;) {
    // Fill octets may stand before any marker (ITU-T T.81 §B.1.1.2).
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at += 1
    const code = bytes[at + 1] ?? 0
    if (bytes[at] !== 0xff) return undefined
    if (code === marker.eoi) {
      const turned = orientation > 4 ? { width: size.height, height: size.width } : size
      return shown([bytes.subarray(0, 2), ...orientationSegment(orientation), ...kept, bytes.subarray(at, at + 2)], turned)
    }
    const end = at + 2 + big(bytes, at + 2, 2)
    if (end > bytes.length || end < at + 4) return undefined
    const segment = bytes.subarray(at, end)
    if (code === marker.app1) orientation = orientationIn(segment) ?? orientation
    if (isFrame(code)) size = { height: big(segment, 5, 2), width: big(segment, 7, 2) }
    kept.push(...jpegSegment(code, segment))
    at = end
    if (code !== marker.sos) continue
    const scanEnd = endOfScan(bytes, at)
    kept.push(bytes.subarray(at, scanEnd))
    at = scanEnd
  }
  return undefined
}

/** SOF0 to SOF15, without the three codes among them that are none. */
const isFrame = (code: number): boolean => code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc

/** What stays of a segment: how the picture looks, and no application's own words. */
function jpegSegment(code: number, segment: Uint8Array): readonly Uint8Array[] {
  // Without the small copy of the picture that may follow.
  if (code === marker.app0) {
    return ascii(segment, 4, 5) !== 'JFIF\0' || segment.length < 18 ? []
      : [new Uint8Array([0xff, code, 0, 16]), segment.subarray(4, 16), new Uint8Array(2)]
  }
  if (code === marker.app2) return ascii(segment, 4, 12) === 'ICC_PROFILE\0' ? [segment] : []
  if (code === marker.app14) return ascii(segment, 4, 5) === 'Adobe' ? [segment] : []
  return (code >= marker.app0 && code <= marker.app15) || code === marker.com ? [] : [segment]
}

/** The first marker that is neither a stuffed octet nor a restart. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = start; at + 1 < bytes.length; at += 1) {
    const next = bytes[at + 1] ?? 0
    if (bytes[at] === 0xff && next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at
  }
  return bytes.length
}

/** How the camera was held: of all that EXIF says the one thing that changes how the picture looks. */
function orientationIn(segment: Uint8Array): number | undefined {
  if (ascii(segment, 4, 6) !== 'Exif\0\0') return undefined
  const tiff = segment.subarray(10)
  const order = ascii(tiff, 0, 2)
  const number = order === 'II' ? little : big
  if (order !== 'II' && order !== 'MM') return undefined
  const directory = number(tiff, 4, 4)
  for (let entry = 0; entry < number(tiff, directory, 2); entry += 1) {
    const at = directory + 2 + 12 * entry
    if (at + 12 > tiff.length) return undefined
    const value = number(tiff, at + 8, 2)
    if (number(tiff, at, 2) === 0x0112) return value >= 1 && value <= 8 ? value : undefined
  }
  return undefined
}

/** EXIF with nothing in it but that. */
const orientationSegment = (orientation: number): readonly Uint8Array[] => orientation === 1 ? [] : [new Uint8Array([
  0xff, marker.app1, 0, 34, ...Array.from('Exif\0\0MM', (sign) => sign.charCodeAt(0)), 0, 42, 0, 0, 0, 8,
  0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0,
])]

// ---------------------------------------------------------------- GIF

function cleanedGif(bytes: Uint8Array): Cleaned | undefined {
  const colours = (flags: number): number => (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1)
  let at = 13 + colours(bytes[10] ?? 0)
  const kept: Uint8Array[] = [bytes.subarray(0, at)]
  while (at < bytes.length) {
    const start = at
    const label = bytes[at + 1] ?? 0
    switch (bytes[at]) {
      case 0x3b: return shown([...kept, bytes.subarray(at, at + 1)], { width: little(bytes, 6, 2), height: little(bytes, 8, 2) })
      case 0x2c: at += 11 + colours(bytes[at + 9] ?? 0); break
      case 0x21: at += 2; break
      default: return undefined
    }
    const name = ascii(bytes, at + 1, 11)
    while ((bytes[at] ?? 0) !== 0) at += 1 + (bytes[at] ?? 0)
    at += 1
    // Comments, and what applications write; how often it is played is one of the latter.
    const isSpoken = bytes[start] === 0x21 && (label === 0xfe || (label === 0xff && name !== 'NETSCAPE2.0'))
    if (!isSpoken) kept.push(bytes.subarray(start, at))
  }
  return undefined
}

// ---------------------------------------------------------------- WebP

const webpChunks = new Set(['VP8X', 'VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF', 'ICCP'])

function cleanedWebp(bytes: Uint8Array): Cleaned | undefined {
  const kept: Uint8Array[] = []
  let size: Dimensions | undefined
  const end = Math.min(bytes.length, 8 + little(bytes, 4, 4))
  for (let at = 12; at + 8 <= end;) {
    const name = ascii(bytes, at, 4)
    const length = little(bytes, at + 4, 4)
    // Chunks are filled up to an even length.
    const next = at + 8 + length + length % 2
    if (at + 8 + length > end) return undefined
    const chunk = concat(bytes.subarray(at, at + 8 + length), new Uint8Array(length % 2))
    size ??= webpSize(name, chunk)
    // Its flags no longer promise EXIF or XMP.
    if (name === 'VP8X') chunk[8] = (chunk[8] ?? 0) & ~0x0c
    if (webpChunks.has(name)) kept.push(chunk)
    at = next
  }
  if (size === undefined) return undefined
  const length = 4 + kept.reduce((sum, chunk) => sum + chunk.length, 0)
  const head = new Uint8Array([...bytes.subarray(0, 4), ...[0, 8, 16, 24].map((shift) => (length >>> shift) & 0xff), ...bytes.subarray(8, 12)])
  return shown([head, ...kept], size)
}

function webpSize(name: string, chunk: Uint8Array): Dimensions | undefined {
  switch (name) {
    case 'VP8X': return { width: 1 + little(chunk, 12, 3), height: 1 + little(chunk, 15, 3) }
    case 'VP8 ': return { width: little(chunk, 14, 2) & 0x3fff, height: little(chunk, 16, 2) & 0x3fff }
    case 'VP8L': {
      const bits = little(chunk, 9, 4)
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
    }
    default: return undefined
  }
}
