import { toHex, type Suite } from '../mls/index.ts'
import type { BackupAccount, BackupEntry } from '../chat/backup.ts'
import type { BackupHolds } from '../../preload/api.ts'
import { PortError } from '../ports.ts'
import type { BackupPart } from './backup-parts.ts'

/** Whether the parts of a backup fit together, and what it holds. */

/** The entries of a conversation: how many, how many of them are not here, and how many stand before a segment. */
export type Count = { readonly of: number, readonly missing: number, readonly offset: (segment: number) => number }
export type Counts = ReadonlyMap<string, Count>

/** Which of these entries are here. */
export type Present = (ids: readonly string[]) => ReadonlySet<string>

export type Checked = {
  readonly holds: Omit<BackupHolds, 'bytes'>
  readonly counts: Counts
  /** Messages that are not here. */
  readonly missing: number
  /** Tells this backup from others of the same account. */
  readonly id: string
}

/** Attachments that messages name: more than a backup has files. */
const namedLimit = 1_000_000

/**
 * Reads a backup to its end. Rejects with PortError('backup-malformed') where its parts do not fit together: entries of a
 * conversation that is not in it, an attachment that no message names or that has another size, a list twice or not at all.
 */
export async function checkBackup(
  suite: Suite, parts: AsyncIterable<BackupPart>, present: Present = () => new Set(),
): Promise<Checked> {
  const sum = new Sum(present)
  for await (const part of parts) sum.add(part)
  return sum.checked(suite)
}

class Segments {
  readonly #counts = new Map<number, number>()
  #offsets: ReadonlyMap<number, number> | undefined
  of = 0
  missing = 0

  add(segment: number, count: number, missing: number): void {
    this.#counts.set(segment, count)
    this.of += count
    this.missing += missing
  }

  /** They may have come in any order. */
  readonly offset = (segment: number): number => {
    this.#offsets ??= this.#summed()
    return this.#offsets.get(segment) ?? 0
  }

  #summed(): ReadonlyMap<number, number> {
    let before = 0
    return new Map([...this.#counts].sort(([a], [b]) => a - b).map(([segment, count]) => {
      before += count
      return [segment, before - count]
    }))
  }
}

class Sum {
  readonly #present: Present
  #madeAt = 0
  #account: BackupAccount | undefined
  #people: number | undefined
  #messages = 0
  #missing = 0
  #from = 0
  #to = 0
  #files = 0
  #hasConversations = false
  readonly #counts = new Map<string, Segments>()
  /** By hash, the sizes of attachments that messages name and that were not met yet. */
  readonly #named = new Map<string, number>()

  constructor(present: Present) {
    this.#present = present
  }

  add(part: BackupPart): void {
    switch (part.type) {
      case 'about': this.#madeAt = part.madeAt; return
      case 'account': this.#account = part.account; return
      case 'contacts': this.#people = part.contacts.length; return
      case 'conversations': {
        this.#hasConversations = true
        for (const { id } of part.conversations) {
          if (this.#counts.has(id)) throw malformed('conversations')
          this.#counts.set(id, new Segments())
        }
        return
      }
      case 'entries': {
        const { entries, conversation, segment } = part
        const segments = this.#counts.get(conversation)
        if (segments === undefined) throw malformed('entries')
        const here = this.#present(entries.map(({ id }) => id))
        segments.add(segment, entries.length, entries.length - here.size)
        for (const entry of entries) this.#message(entry, here.has(entry.id))
        return
      }
      case 'file': {
        if (this.#named.get(part.hash) !== part.size) throw malformed('files')
        this.#named.delete(part.hash)
        this.#files += 1
      }
    }
  }

  #message(entry: BackupEntry, isHere: boolean): void {
    if (entry.kind !== 'message') return
    this.#messages += 1
    if (!isHere) this.#missing += 1
    this.#from = this.#from === 0 ? entry.at : Math.min(this.#from, entry.at)
    this.#to = Math.max(this.#to, entry.at)
    for (const { hash, size } of entry.attachments ?? []) this.#named.set(hash, size)
    if (this.#named.size > namedLimit) throw malformed('files')
  }

  checked(suite: Suite): Checked {
    const account = this.#account
    if (account === undefined || this.#people === undefined || !this.#hasConversations) throw malformed('lists')
    const { accountId, name } = account
    const holds = {
      madeAt: this.#madeAt, accountId, name, people: this.#people, conversations: this.#counts.size,
      messages: this.#messages, from: this.#from, to: this.#to, files: this.#files, missingFiles: this.#named.size,
    }
    const said = JSON.stringify([holds, [...this.#counts].map(([id, { of }]) => [id, of])])
    return { holds, counts: this.#counts, missing: this.#missing, id: toHex(suite.hash(new TextEncoder().encode(said))) }
  }
}

const malformed = (what: string): PortError => new PortError('backup-malformed', what)
