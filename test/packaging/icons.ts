/** The app's icons, all drawn from assets/icon.svg by a real browser engine, and the containers that systems want. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { crc32, deflateSync, inflateSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { findBrowser } from '../standin/browser.ts'

export const assets = path.resolve(import.meta.dirname, '..', '..', 'assets')

/** Red, green, blue, opacity; rows from the top. */
export type Picture = { readonly size: number, readonly pixels: Uint8Array }

/** For Linux and the window, one file each: assets/icons/<n>x<n>.png. */
export const pngSizes = [16, 24, 32, 48, 64, 128, 256, 512] as const
const icoSizes = [16, 24, 32, 48, 64, 256]
/** Apple's names of the sizes; a picture may stand under two. */
const icnsNames: Readonly<Record<number, readonly string[]>> = {
  32: ['ic11'], 64: ['ic12'], 128: ['ic07'], 256: ['ic08', 'ic13'], 512: ['ic09', 'ic14'], 1024: ['ic10'],
}
/** macOS wants its icons with a margin of a tenth on each side; the drawing brings 4 of 128. */
const appleView = '-10.5 -10.5 149 149'

/** Every icon file by its path in assets/, drawn anew. */
export async function drawIcons(): Promise<ReadonlyMap<string, Uint8Array>> {
  const svg = readFileSync(path.join(assets, 'icon.svg'), 'utf8')
  const apple = svg.replace('viewBox="0 0 128 128"', `viewBox="${appleView}"`)
  if (apple === svg) throw new Error('assets/icon.svg has another viewBox than the one known here')
  const plain = await rasterise(svg, pngSizes)
  const padded = await rasterise(apple, Object.keys(icnsNames).map(Number))
  return new Map([
    ...plain.map((picture) => [`icons/${picture.size}x${picture.size}.png`, writePng(picture)] as const),
    ['icon.ico', writeIco(plain.filter(({ size }) => icoSizes.includes(size)))],
    ['icon.icns', writeIcns(padded)],
  ])
}

async function rasterise(svg: string, sizes: readonly number[]): Promise<readonly Picture[]> {
  const { executable, environment } = await findBrowser()
  const browser = await chromium.launch({
    executablePath: executable, chromiumSandbox: process.getuid?.() !== 0, env: { ...process.env, ...environment },
  })
  try {
    const page = await browser.newPage()
    const pictures: Picture[] = []
    for (const size of sizes) {
      const pixels = await page.evaluate(drawIn, { address: `data:image/svg+xml;base64,${btoa(svg)}`, size })
      pictures.push({ size, pixels: Buffer.from(pixels, 'base64') })
    }
    return pictures
  } finally {
    await browser.close()
  }
}

/** Runs in the page. */
async function drawIn({ address, size }: { readonly address: string, readonly size: number }): Promise<string> {
  const image = new Image(size, size)
  image.src = address
  await image.decode()
  const canvas = new OffscreenCanvas(size, size).getContext('2d')
  if (canvas === null) throw new Error('no canvas here')
  canvas.drawImage(image, 0, 0, size, size)
  const { data } = canvas.getImageData(0, 0, size, size)
  let text = ''
  for (let at = 0; at < data.length; at += 8_192) text += String.fromCharCode(...data.subarray(at, at + 8_192))
  return btoa(text)
}

const pngMagic = Buffer.from('89504e470d0a1a0a', 'hex')

/** ISO/IEC 15948: 8 bits, colour type 6, one IDAT, every row with the filter Up, which suits flat shapes. */
export function writePng({ size, pixels }: Picture): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([8, 6], 8)
  const width = size * 4
  const rows = Buffer.alloc((width + 1) * size)
  for (let y = 0; y < size; y++) {
    rows[y * (width + 1)] = 2
    for (let x = 0; x < width; x++) {
      const above = y === 0 ? 0 : pixels[(y - 1) * width + x] ?? 0
      rows[y * (width + 1) + 1 + x] = (pixels[y * width + x] ?? 0) - above
    }
  }
  return Buffer.concat([
    pngMagic, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(name: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const whole = Buffer.alloc(named.length + 8)
  whole.writeUInt32BE(data.length, 0)
  whole.set(named, 4)
  whole.writeUInt32BE(crc32(named), named.length + 4)
  return whole
}

/** Reads what `writePng` wrote, and nothing else. */
export function readPng(bytes: Uint8Array): Picture {
  const png = Buffer.from(bytes)
  if (!png.subarray(0, 8).equals(pngMagic) || png.toString('latin1', 37, 41) !== 'IDAT') throw new Error('another PNG')
  const size = png.readUInt32BE(16)
  const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)))
  const width = size * 4
  const pixels = new Uint8Array(width * size)
  for (let at = 0; at < pixels.length; at++) {
    const y = Math.floor(at / width)
    pixels[at] = (rows[at + y + 1] ?? 0) + (y === 0 ? 0 : pixels[at - width] ?? 0)
  }
  return { size, pixels }
}

/** A directory and its pictures: bitmaps, which installers read too, and a PNG for 256. */
function writeIco(pictures: readonly Picture[]): Uint8Array {
  const images = pictures.map((picture) => picture.size < 256 ? bitmap(picture) : Buffer.from(writePng(picture)))
  const head = Buffer.alloc(6 + 16 * images.length)
  head.writeUInt16LE(1, 2)
  head.writeUInt16LE(images.length, 4)
  let offset = head.length
  for (const [at, image] of images.entries()) {
    const entry = 6 + 16 * at
    head.fill((pictures[at]?.size ?? 0) % 256, entry, entry + 2)
    head.writeUInt16LE(1, entry + 4)
    head.writeUInt16LE(32, entry + 6)
    head.writeUInt32LE(image.length, entry + 8)
    head.writeUInt32LE(offset, entry + 12)
    offset += image.length
  }
  return Buffer.concat([head, ...images])
}

/** BITMAPINFOHEADER, twice as high for its mask; blue, green, red, opacity from the lowest row; an empty mask. */
function bitmap({ size, pixels }: Picture): Buffer {
  const header = Buffer.alloc(40)
  for (const [at, value] of [[0, 40], [4, size], [8, size * 2]] as const) header.writeUInt32LE(value, at)
  header.writeUInt16LE(1, 12)
  header.writeUInt16LE(32, 14)
  const body = Buffer.alloc(size * size * 4)
  for (let at = 0; at < body.length; at += 4) {
    const row = size - 1 - Math.floor(at / (size * 4))
    const [red = 0, green = 0, blue = 0, opacity = 0] = pixels.subarray(row * size * 4 + at % (size * 4))
    body.set([blue, green, red, opacity], at)
  }
  return Buffer.concat([header, body, Buffer.alloc(size * Math.ceil(size / 32) * 4)])
}

function writeIcns(pictures: readonly Picture[]): Uint8Array {
  const parts = pictures.flatMap((picture) => (icnsNames[picture.size] ?? []).map((name) => {
    const png = writePng(picture)
    const head = Buffer.alloc(8)
    head.write(name, 0, 'latin1')
    head.writeUInt32BE(png.length + 8, 4)
    return Buffer.concat([head, png])
  }))
  const head = Buffer.alloc(8)
  head.write('icns', 0, 'latin1')
  head.writeUInt32BE(8 + parts.reduce((sum, { length }) => sum + length, 0), 4)
  return Buffer.concat([head, ...parts])
}

/** The pictures of an icon file, in its order: of a PNG the one, of an ICO or ICNS all. */
export function picturesIn(file: string, bytes: Uint8Array): readonly Picture[] {
  if (file.endsWith('.png')) return [readPng(bytes)]
  return file.endsWith('.ico') ? picturesOfIco(Buffer.from(bytes)) : picturesOfIcns(Buffer.from(bytes))
}

function picturesOfIco(ico: Buffer): readonly Picture[] {
  return Array.from({ length: ico.readUInt16LE(4) }, (_, at) => {
    const from = ico.readUInt32LE(6 + 16 * at + 12)
    const image = ico.subarray(from, from + ico.readUInt32LE(6 + 16 * at + 8))
    if (image[0] === pngMagic[0]) return readPng(image)
    const size = image.readUInt32LE(4)
    const pixels = new Uint8Array(size * size * 4)
    for (let pixel = 0; pixel < pixels.length; pixel += 4) {
      const row = size - 1 - Math.floor(pixel / (size * 4))
      const [blue = 0, green = 0, red = 0, opacity = 0] = image.subarray(40 + row * size * 4 + pixel % (size * 4))
      pixels.set([red, green, blue, opacity], pixel)
    }
    return { size, pixels }
  })
}

function picturesOfIcns(icns: Buffer): readonly Picture[] {
  if (icns.toString('latin1', 0, 4) !== 'icns' || icns.readUInt32BE(4) !== icns.length) throw new Error('no ICNS')
  const pictures: Picture[] = []
  for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) {
    pictures.push(readPng(icns.subarray(at + 8, at + icns.readUInt32BE(at + 4))))
  }
  return pictures
}
