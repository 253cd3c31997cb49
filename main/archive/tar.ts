import { PortError } from '../ports.ts'

/**
 * The tar of a backup: POSIX ustar (IEEE 1003.1-1988) with plain files only, written and read in a stream. Reading is
 * strict, because the file may come from anybody: no links, folders, devices, absolute or climbing paths, long-name
 * extensions, or sparse files. Names come in ascending order, so that each is there once
 * and a reader needs to remember one.
 */

const block = 512
/** A file in a backup is a part of a list, or an attachment. */
const sizeLimit = 4 * 1024 ** 3
/** Names in a backup are short and plain: no dot leads a part of them, so none climbs. */
const nameForm = /^(?=.{1,100}$)[a-z0-9][a-z0-9.-]*(?:\/[a-z0-9][a-z0-9.-]*)*$/

/** The header of a file of so many bytes. Throws PortError('backup-malformed') for a name that no backup has. */
export function tarHeader(name: string, size: number): Uint8Array {
  if (!nameForm.test(name) || !Number.isSafeInteger(size) || size < 0 || size >= sizeLimit) {
    throw new PortError('backup-malformed', 'tar')
  }
  const header = Buffer.alloc(block)
  const put = (at: number, value: string): void => { header.write(value, at, 'latin1') }
  const octal = (at: number, length: number, value: number): void => {
    put(at, value.toString(8).padStart(length - 1, '0'))
  }
  put(0, name)
  octal(100, 8, 0o600)
  octal(108, 8, 0)
  octal(116, 8, 0)
  octal(124, 12, size)
  octal(136, 12, 0)
  put(148, '        ')
  put(156, '0')
  put(257, 'ustar\0' + '00')
  put(148, `${sumOf(header).toString(8).padStart(6, '0')}\0 `)
  return header
}

function sumOf(header: Uint8Array): number {
  let sum = 0
  for (const octet of header) sum += octet
  return sum
}

/** The zeroes that fill the last block of a file. */
export const tarPadding = (size: number): Uint8Array => new Uint8Array((block - size % block) % block)
/** Two empty blocks end the archive. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * block)

export type TarEvent =
  | { readonly type: 'file', readonly name: string, readonly size: number }
  /** A piece of the file that was named last. */
  | { readonly type: 'data', readonly bytes: Uint8Array }
  /** The end was seen; whatever comes after it is refused. */
  | { readonly type: 'end' }

/**
 * What a tar says, piece by piece. Rejects with PortError('backup-malformed', what) for anything but a whole tar of
 * plain files, and as `pieces` does. Memory: one piece.
 */
export async function* readTar(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<TarEvent, undefined> {
  let last = ''
  let held = new Uint8Array(0)
  let left = 0
  let padding = 0
  let zeroes = 0
  for await (const piece of pieces) {
    let at = 0
    while (at < piece.length) {
      if (left > 0) {
        const bytes = piece.subarray(at, at + left)
        yield { type: 'data', bytes }
        left -= bytes.length
        at += bytes.length
        continue
      }
      const wanted = padding > 0 ? padding - held.length : block - held.length
      const more = piece.subarray(at, at + wanted)
      at += more.length
      held = joined(held, more)
      if (held.length < (padding > 0 ? padding : block)) continue
      const whole = held
      held = new Uint8Array(0)
      if (padding > 0) {
        padding = 0
        if (whole.some((octet) => octet !== 0)) throw malformed('padding')
        continue
      }
      if (whole[0] === 0 && whole.every((octet) => octet === 0)) {
        zeroes += 1
        continue
      }
      if (zeroes > 0) throw malformed('end')
      const { name, size } = headerIn(whole)
      if (name <= last) throw malformed('order')
      last = name
      yield { type: 'file', name, size }
      left = size
      padding = tarPadding(size).length
    }
  }
  // In the middle of a file there were no zeroes yet.
  if (held.length > 0 || zeroes < 2) throw malformed('cut-off')
  yield { type: 'end' }
}

const malformed = (what: string): PortError => new PortError('backup-malformed', what)

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** Only what `tarHeader` writes: bytes that differ from it anywhere are refused. */
function headerIn(header: Uint8Array): { readonly name: string, readonly size: number } {
  const octets = Buffer.from(header.buffer, header.byteOffset, header.length)
  const field = (at: number, length: number): string => {
    const end = octets.indexOf(0, at)
    return octets.toString('latin1', at, end < 0 ? at + length : Math.min(end, at + length))
  }
  const name = field(0, 100)
  const digits = field(124, 12)
  if (!nameForm.test(name)) throw malformed('name')
  if (header[156] !== 0x30) throw malformed('kind')
  if (!/^[0-7]{11}$/.test(digits)) throw malformed('size')
  const size = Number.parseInt(digits, 8)
  if (size >= sizeLimit) throw malformed('size')
  const same = tarHeader(name, size)
  if (!octets.equals(same)) throw malformed('header')
  return { name, size }
}
