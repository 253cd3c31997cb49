import { tellEntry } from '../chat/room.ts'
import type { Entry, EntryPage } from '../../preload/api.ts'
import type { StoredEntry } from '../ports.ts'

/** A page of the timeline with the names in it. `found` has one entry more than `limit` where there are older ones. */
export function pageOf(
  found: readonly StoredEntry[], limit: number, nameOf: (accountId: string) => string,
): EntryPage {
  const entries = found.slice(-limit).map(tellEntry)
  const people = new Set(entries.flatMap(peopleIn))
  const names = Object.fromEntries([...people].map((accountId) => [accountId, nameOf(accountId)]))
  return { entries, more: found.length > limit, names }
}

const peopleIn = (entry: Entry): readonly string[] => {
  switch (entry.kind) {
    case 'message': return [entry.from]
    case 'gap': return entry.from === undefined ? [] : [entry.from]
    case 'fact': break
  }
  const { fact } = entry
  switch (fact.fact) {
    case 'created':
    case 'joined':
    case 'moved':
    case 'timer':
    case 'renamed': return [fact.by]
    case 'added':
    case 'removed': return [fact.by, ...fact.who]
    case 'returned':
    case 'revoked':
    case 'dropped': return [fact.by, fact.who]
    case 'continued': return fact.without === undefined ? [fact.by] : [fact.by, fact.without]
    case 'left':
    case 'linked':
    case 'closed':
    case 'deleted':
    case 'changed':
    case 'accepted': return [fact.who]
  }
}
