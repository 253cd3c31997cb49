import { mapped, MlsError, uint64, utf8, type Codec } from '../mls/index.ts'

/** What Coppice's own formats have in common: a leading version, times, names for people. */

/**
 * A value behind its version octet. Another version is not malformed but somebody's newer (or foreign) format:
 * reading it throws `MlsError('unsupported')`, so that the app can say "needs a newer app".
 */
export const versioned = <T>(version: number, of: Codec<T>): Codec<T> => ({
  write: (writer, value) => {
    writer.uint(version, 1)
    of.write(writer, value)
  },
  read: (reader) => {
    const found = reader.uint(1)
    if (found !== version) throw new MlsError('unsupported', `a format of version ${found} where ${version} is known`)
    return of.read(reader)
  },
})

/** Only the values that pass: others are malformed when read, and misuse when written. */
export const refined = <T>(of: Codec<T>, passes: (value: T) => boolean, what: string): Codec<T> => ({
  write: (writer, value) => {
    if (!passes(value)) throw new MlsError('misuse', `not ${what}`)
    of.write(writer, value)
  },
  read: (reader) => {
    const value = of.read(reader)
    if (!passes(value)) throw new MlsError('malformed', `not ${what}`)
    return value
  },
})

/** Milliseconds since 1970 (UTC) in 8 octets; whole and at most 2^53 - 1. */
export const milliseconds: Codec<number> = mapped(
  refined(uint64, (value) => value <= BigInt(Number.MAX_SAFE_INTEGER), 'a time that can be counted in milliseconds'),
  (value) => Number(value),
  (value) => {
    if (!Number.isSafeInteger(value) || value < 0) throw new MlsError('misuse', 'not a time in whole milliseconds')
    return BigInt(value)
  },
)

/** The longest name of a person, device or group, in UTF-16 units (what a text field counts). */
export const nameLimit = 80

// Line breaks and other controls, lone surrogates, and the marks that turn the direction of the text around a name.
const unfit = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

/** A name that people see: one line of at most 80 UTF-16 units (240 octets of UTF-8), maybe empty. */
export const Name: Codec<string> = refined(
  utf8(3 * nameLimit), (name) => name.length <= nameLimit && !unfit.test(name), 'a name of one line',
)

/** What somebody typed, as a `Name`: unfit characters become spaces, runs of spaces one, the rest is cut at 80. */
export function cleanName(text: string): string {
  const line = text.replace(new RegExp(unfit, 'gu'), ' ').replace(/\s+/g, ' ').trim()
  let name = ''
  for (const character of line) {
    if (name.length + character.length > nameLimit) break
    name += character
  }
  return name.trim()
}

/** Where logs are: at most 512 visible ASCII characters; 'local' for this machine. */
export const Address: Codec<string> =
  refined(utf8(512), (address) => /^[\x21-\x7e]+$/.test(address), 'a delivery address')
