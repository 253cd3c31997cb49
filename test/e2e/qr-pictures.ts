/** Pictures of QR codes as files: a PNG, and a video that a camera of Chromium can play. */
import { writeFile } from 'node:fs/promises'
import { crc32, deflateSync } from 'node:zlib'
import { encodeQR } from 'qr'

const scale = 6

/** Rows of grey values, 0 or 255, with a white border. */
function greyOf(text: string): readonly Uint8Array[] {
  return encodeQR(text, 'raw', { ecc: 'low', border: 4 }).flatMap((row) => {
    const line = Uint8Array.from(row.flatMap((dark) => Array<number>(scale).fill(dark ? 0 : 255)))
    return Array<Uint8Array>(scale).fill(line)
  })
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}

/** A grey PNG. */
function png(rows: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(rows[0]?.length ?? 0, 0)
  header.writeUInt32BE(rows.length, 4)
  // Eight bits of grey, no interlace.
  header.set([8, 0, 0, 0, 0], 8)
  const lines = Buffer.concat(rows.flatMap((row) => [Buffer.of(0), row]))
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

export const pngOf = (text: string): Buffer => png(greyOf(text))

/** White paper, with nothing on it. */
export const emptyPng = (): Buffer => png(Array<Uint8Array>(200).fill(new Uint8Array(200).fill(255)))

/** What `--use-file-for-fake-video-capture` plays: two frames of the code in the middle of a grey field. */
export async function writeVideo(file: string, text: string): Promise<void> {
  const code = greyOf(text)
  const width = 1_280
  const height = 960
  const side = code.length
  const luma = Buffer.alloc(width * height, 128)
  const left = (width - side) >> 1
  const top = (height - side) >> 1
  code.forEach((row, y) => { luma.set(row, (top + y) * width + left) })
  const chroma = Buffer.alloc((width * height) / 2, 128)
  const frame = Buffer.concat([Buffer.from('FRAME\n'), luma, chroma])
  const header = Buffer.from(`YUV4MPEG2 W${String(width)} H${String(height)} F10:1 Ip A1:1 C420jpeg\n`)
  await writeFile(file, Buffer.concat([header, frame, frame]))
}
