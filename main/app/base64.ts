const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const codes = Uint8Array.from(digits, (digit) => digit.charCodeAt(0))
const padding = 0x3d

/** Base64 (RFC 4648 §4) of bytes that come in pieces of any size, as ASCII. */
export async function* base64(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0)
  for await (const piece of pieces) {
    const bytes = new Uint8Array(rest.length + piece.length)
    bytes.set(rest)
    bytes.set(piece, rest.length)
    const whole = bytes.length - bytes.length % 3
    rest = bytes.slice(whole)
    yield coded(bytes.subarray(0, whole))
  }
  if (rest.length > 0) yield coded(rest)
}

function coded(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(padding)
  for (let at = 0, to = 0; at < bytes.length; at += 3, to += 4) {
    const [a = 0, b = 0, c = 0] = [bytes[at], bytes[at + 1], bytes[at + 2]]
    text[to] = codes[a >> 2] ?? padding
    text[to + 1] = codes[(a & 3) << 4 | b >> 4] ?? padding
    if (at + 1 < bytes.length) text[to + 2] = codes[(b & 15) << 2 | c >> 6] ?? padding
    if (at + 2 < bytes.length) text[to + 3] = codes[c & 63] ?? padding
  }
  return text
}
