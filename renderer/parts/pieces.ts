/** What a message's text is drawn from: plain text, fixed-width text between backticks, and addresses of the web. */

type Piece = { readonly text: string, readonly kind: 'plain' | 'code' | 'address' }

const addresses = /\bhttps?:\/\/[^\s<>"`\p{Cc}\p{Cf}]+/giu
/** What stands at the end of an address in a sentence and does not belong to it. */
const trailing = /[.,;:!?'*_~\u2019\u201d\u2026)\]}]$/u
const opening: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

/** A closing bracket belongs to an address that has the opening one. */
const belongs = (address: string): boolean => {
  const last = address.at(-1) ?? ''
  const first = opening[last]
  return first !== undefined && address.split(first).length >= address.split(last).length
}

function trimmed(found: string): string {
  let address = found
  while (trailing.test(address) && !belongs(address)) address = address.slice(0, -1)
  return address
}

function* withAddresses(text: string): Generator<Piece> {
  let at = 0
  for (const match of text.matchAll(addresses)) {
    const address = trimmed(match[0])
    // Nothing is to be clicked that no browser would open.
    if (!URL.canParse(address)) continue
    if (match.index > at) yield { text: text.slice(at, match.index), kind: 'plain' }
    yield { text: address, kind: 'address' }
    at = match.index + address.length
  }
  if (at < text.length) yield { text: text.slice(at), kind: 'plain' }
}

/** All of the text, in order; the backticks around code are left out, when all of them are closed. */
export function piecesOf(text: string): readonly Piece[] {
  const split = text.split('`')
  if (split.length % 2 === 0) return [...withAddresses(text)]
  return split.flatMap((part, at): readonly Piece[] => at % 2 === 1 ? [{ text: part, kind: 'code' }] : [...withAddresses(part)])
}
