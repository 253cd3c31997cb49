import { toHex, type Suite } from '../mls/index.ts'
import type { BackupAccount, BackupEntry } from '../chat/backup.ts'
import type { BackupHolds } from '../../preload/api.ts'
import { PortError } from '../ports.ts'
import type { BackupPart } from './backup-parts.ts'

/** Whether the parts of a backup fit together, and what it holds. */

/** How many entries of a conversation there are. */
export type Counts = ReadonlyMap<string, number>

export type Checked = {
  readonly holds: Omit<BackupHolds, 'bytes'>
  readonly counts: Counts
  /** Tells this backup from others of the same account. */
  readonly id: string
}

/** Attachments that messages name: more than a backup has files. */
const namedLimit = 1_000_000

/**
 * Reads a backup to its end. Rejects with PortError('backup-malformed') where its parts do not fit together: entries of a
 * conversation that is not in it, an attachment that no message names or that has another size, a list twice or not at all.
 */
export async function checkBackup(suite: Suite, parts: AsyncIterable<BackupPart>): Promise<Checked> {
  const sum = new Sum()
  for await (const part of parts) sum.add(part)
  return sum.checked(suite)
}

class Sum {
  #madeAt = 0
  #account: BackupAccount | undefined
  #people: number | undefined
  #messages = 0
  #from = 0
  #to = 0
  #files = 0
  #hasConversations = false
  readonly #counts = new Map<string, number>()
  /** By hash, the sizes of attachments that messages name and that were not met yet. */
  readonly #named = new Map<string, number>()

  add(part: BackupPart): void {
    switch (part.type) {
      case 'about': this.#madeAt = part.madeAt; return
      case 'account': this.#account = part.account; return
      case 'contacts': this.#people = part.contacts.length; return
      case 'conversations': {
        this.#hasConversations = true
        for (const { id } of part.conversations) {
          if (this.#counts.has(id)) throw malformed('conversations')
          this.#counts.set(id, 0)
        }
        return
      }
      case 'entries': {
        const before = this.#counts.get(part.conversation)
        if (before === undefined) throw malformed('entries')
        this.#counts.set(part.conversation, before + part.entries.length)
        for (const entry of part.entries) this.#message(entry)
        return
      }
      case 'file': {
        if (this.#named.get(part.hash) !== part.size) throw malformed('files')
        this.#named.delete(part.hash)
        this.#files += 1
      }
    }
  }

  #message(entry: BackupEntry): void {
    if (entry.kind !== 'message') return
    this.#messages += 1
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
    const said = JSON.stringify([holds, [...this.#counts]])
    return { holds, counts: this.#counts, id: toHex(suite.hash(new TextEncoder().encode(said))) }
  }
}

const malformed = (what: string): PortError => new PortError('backup-malformed', what)
