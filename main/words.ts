/**
 * What a word is, for searching: a run of letters and digits, without case and accents. Of scripts that do not put
 * spaces between words each character is one, and so is each pictograph.
 */
const single = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}` +
  String.raw`\p{Script=Khmer}\p{Script=Myanmar}\p{Extended_Pictographic}]`
const pattern = new RegExp(String.raw`${single}\p{M}*|(?:(?!${single})[\p{L}\p{N}]\p{M}*)+`, 'gu')

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/** The words of a text or of what somebody looks for, folded, in order. Nothing else in it means anything. */
export const wordsOf = (text: string): readonly string[] => fold(text).match(pattern) ?? []

/** What of a message is searched: its text, and what its files are called. */
export const searchedIn = (
  { text, attachments = [] }: { readonly text: string, readonly attachments?: readonly { readonly name: string }[] },
): string => [text, ...attachments.map(({ name }) => name)].join('\n')

/** Does each of these folded words begin a word of the text? */
export const isMatch = (text: string, wanted: readonly string[]): boolean => {
  const words = wordsOf(text)
  return wanted.every((each) => words.some((word) => word.startsWith(each)))
}

/** Where the text has what was looked for: from one UTF-16 unit up to another. */
export type Mark = readonly [from: number, to: number]

export function marksIn(text: string, wanted: readonly string[]): readonly Mark[] {
  return Array.from(text.matchAll(pattern)).flatMap((match): readonly Mark[] => {
    const folded = fold(match[0])
    const longest = Math.max(0, ...wanted.filter((each) => folded.startsWith(each)).map(({ length }) => length))
    return longest === 0 ? [] : [[match.index, match.index + lengthOf(match[0], longest)]]
  })
}

/** How much of a word folds to so many units. */
function lengthOf(word: string, folded: number): number {
  let end = 0
  for (const { segment } of graphemes.segment(word)) {
    end += segment.length
    if (fold(word.slice(0, end)).length >= folded) break
  }
  return end
}
const graphemes = new Intl.Segmenter()
