import { concat, equal, refHash, type Suite } from '../mls/index.ts'

/**
 * Bytes as one line of text that people copy, photograph and mistype: `<name>1-` and base32 in lower case (RFC 4648
 * §6, without padding) of the bytes and a checksum. Letters of either case are read, so a QR code may show it in
 * capitals, which QR's alphanumeric mode packs tighter. The digit is the version of the text form itself.
 */
const textVersion = 1
const checksumLength = 4
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
/** Longer texts are refused before any work. */
const textLimit = 4096

export type Unarmoured =
  | { readonly type: 'bytes', readonly bytes: Uint8Array }
  /** Not such a text, or damaged: cut off, mistyped. */
  | { readonly type: 'malformed' }
  /** Undamaged as far as one can tell, but in a later form. */
  | { readonly type: 'newer' }

/** The text of these bytes; `name` is lower-case letters that say what it is. */
export function armour(suite: Suite, name: string, bytes: Uint8Array): string {
  return `${name}${textVersion}-${base32(concat(bytes, checksum(suite, name, bytes)))}`
}

/** The bytes of such a text. White space and invisible characters are ignored wherever a mail program put them. */
export function unarmour(suite: Suite, name: string, text: string): Unarmoured {
  if (text.length > textLimit) return { type: 'malformed' }
  const line = text.replace(/[\s\p{Cf}]/gu, '').toLowerCase()
  const parts = new RegExp(`^${name}([1-9][0-9]{0,3})-(.+)$`).exec(line)
  if (parts === null) return { type: 'malformed' }
  if (Number(parts[1]) !== textVersion) return { type: 'newer' }
  const whole = fromBase32(parts[2] ?? '')
  if (whole === undefined || whole.length <= checksumLength) return { type: 'malformed' }
  const bytes = whole.slice(0, -checksumLength)
  const intact = equal(whole.subarray(-checksumLength), checksum(suite, name, bytes))
  return intact ? { type: 'bytes', bytes } : { type: 'malformed' }
}

/** Against accidents only: 4 octets of a hash tell a damaged text from one in another version. */
const checksum = (suite: Suite, name: string, bytes: Uint8Array): Uint8Array =>
  refHash(suite, `Coppice text 1 ${name}`, bytes).subarray(0, checksumLength)

function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet.charAt((held >> (bits - 5)) & 31)
    held &= 0xff
  }
  return bits === 0 ? text : text + alphabet.charAt((held << (5 - bits)) & 31)
}

/** Undefined unless this is the one text of some bytes: the bits beyond the last octet are zero (RFC 4648 §3.5). */
function fromBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor(text.length * 5 / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (const letter of text) {
    const value = alphabet.indexOf(letter)
    if (value < 0) return undefined
    held = ((held & 0x7f) << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = (held >> bits) & 0xff
  }
  const rest = held & ((1 << bits) - 1)
  return bits < 5 && rest === 0 ? bytes : undefined
}
