/** Pictures with things in them that nobody means to send, made octet by octet. */
import { crc32, deflateSync } from 'node:zlib'

export const chunk = (name: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

export type Painted = {
  readonly width?: number, readonly height?: number, readonly colour?: readonly [number, number, number]
  readonly pixel?: (x: number, y: number) => readonly [number, number, number]
  /** Chunks before the pixels. */
  readonly extra?: readonly Buffer[]
  /** As large as if it were noise. */
  readonly stored?: boolean
}

/** A picture of one colour, or of any. */
export function pngOf({
  width = 8, height = 8, colour = [40, 90, 60], pixel = () => colour, extra = [], stored = false,
}: Painted = {}): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8)
  const pixels = Buffer.concat(Array.from({ length: height }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: width }, (__, x) => pixel(x, y)).flat()])))
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), ...extra,
    chunk('IDAT', deflateSync(pixels, stored ? { level: 0 } : {})), chunk('IEND', Buffer.alloc(0)),
  ])
}

const segment = (code: number, data: Buffer): Buffer => {
  const head = Buffer.from([0xff, code, 0, 0])
  head.writeUInt16BE(data.length + 2, 2)
  return Buffer.concat([head, data])
}

/** TIFF with an orientation, a place, and a small copy of the picture. */
export function exif(orientation: number, secret: string, order: 'II' | 'MM' = 'MM'): Buffer {
  const two = (value: number): Buffer => {
    const bytes = Buffer.alloc(2)
    if (order === 'MM') bytes.writeUInt16BE(value)
    else bytes.writeUInt16LE(value)
    return bytes
  }
  const four = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    if (order === 'MM') bytes.writeUInt32BE(value)
    else bytes.writeUInt32LE(value)
    return bytes
  }
  const made = Buffer.concat([two(0x010f), two(2), four(secret.length), four(38)])
  const turned = Buffer.concat([two(0x0112), two(3), four(1), two(orientation), two(0)])
  return Buffer.concat([
    Buffer.from(order), two(42), four(8), two(2), made, turned, four(0), Buffer.from(secret),
  ])
}

/**
 * What a camera writes, around any scan: `secret` stands in EXIF, in XMP, in IPTC, in a comment, in the small copy and
 * behind the end of the picture.
 */
export function jpegOf({ width = 8, height = 6, orientation = 1, order = 'MM' as 'II' | 'MM', secret = 'secret' }): Buffer {
  const frame = Buffer.from([8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0])
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, Buffer.concat([Buffer.from('JFIF\0\x01\x02\0\0\x01\0\x01\x02\x02', 'latin1'), Buffer.from(secret)])),
    segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), exif(orientation, secret, order)])),
    segment(0xe1, Buffer.from(`http://ns.adobe.com/xap/1.0/\0${secret}`)),
    segment(0xe2, Buffer.from('ICC_PROFILE\0\x01\x01colours', 'latin1')),
    segment(0xe2, Buffer.from(`MPF\0${secret}`)),
    segment(0xed, Buffer.from(`Photoshop 3.0\0${secret}`)),
    segment(0xfe, Buffer.from(secret)),
    segment(0xdb, Buffer.alloc(65)), segment(0xc0, frame),
    segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])), Buffer.from([1, 2, 0xff, 0, 3, 0xff, 0xd0, 4]),
    segment(0xfe, Buffer.from(secret)), segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])), Buffer.from([5, 6]),
    Buffer.from([0xff, 0xd9]), Buffer.from(secret),
  ])
}
