import type { Found } from '../../preload/api.ts'
import type { Reading, StoredEntry, Wanted } from '../ports.ts'
import { isMatch, marksIn, searchedIn, wordsOf } from '../words.ts'
import { pageOf } from './page.ts'

/** `found` has one more than `limit` where there are older ones. */
export function foundPage(
  found: readonly StoredEntry[], { text, limit }: Wanted, nameOf: (accountId: string) => string,
): Found {
  const { entries, names } = pageOf(found.slice(0, limit), limit, nameOf)
  const words = wordsOf(text)
  return {
    found: entries.flatMap((entry) => entry.kind === 'message' ? [{ entry, marks: marksIn(entry.text, words) }] : []),
    more: found.length > limit, names,
  }
}

const pageEntries = 500

/** The same as `Store.search` in a store without an index to trust: every message that can be read is looked at. */
export function searchIn(
  reading: Reading, conversations: Iterable<string>, { text, limit }: Wanted,
): readonly StoredEntry[] {
  const words = wordsOf(text)
  if (words.length === 0) return []
  const found: StoredEntry[] = []
  for (const conversation of conversations) {
    let page = reading.entriesBefore(conversation, 0, pageEntries)
    while (page.length > 0) {
      found.push(...page.filter((entry) => entry.kind === 'message' && isMatch(searchedIn(entry), words)))
      const before = page[0]?.order ?? 0
      page = before <= 1 ? [] : reading.entriesBefore(conversation, before, pageEntries)
    }
  }
  return found.sort((a, b) => b.at - a.at || b.order - a.order).slice(0, limit)
}
