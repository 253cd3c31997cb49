import type { BackupContact, BackupConversation, BackupEntry } from '../chat/backup.ts'
import { arrivedIn, raised, raisedBy, raisedRoom, readableRoom, restoredEntry, withPast } from '../chat/restored.ts'
import { withRoom, type Room, type RoomState } from '../chat/room.ts'
import { pieceBytes, piecesOf, type Store, type StoredEntry, type StoreWrite } from '../ports.ts'
import type { Checked } from './backup-check.ts'
import type { BackupPart } from './backup-parts.ts'
import type { Documents } from './stored-rooms.ts'

/** What of a backup is not here yet, on its way into a profile: each part in one transaction, each entry once. */

export type Kept = {
  readonly room?: RoomState
  readonly entries?: readonly StoredEntry[]
  readonly pieces?: StoreWrite['pieces']
  readonly documents?: Documents
}

/** The profile that it goes into. */
export interface Keeper {
  readonly store: Pick<Store, 'present' | 'entry' | 'entriesBefore' | 'entriesNaming' | 'attachment' | 'lastOrder'>
  readonly now: () => number
  room(id: string): RoomState | undefined
  /** Who an account of the backup is here: a former one of this person is them. */
  who(accountId: string): string
  /** This person did not want it. */
  isRefused(id: string): boolean
  /** This person has deleted it since. */
  isRemoved(entry: string): boolean
  /** What of it another of the own devices has said since. */
  keepsOwn(id: string): { readonly keep: boolean, readonly draft: boolean }
  /** Everything in one transaction, or nothing. */
  keep(kept: Kept): void
  /** What this person knows of people, before the conversations with them. */
  keepPeople(people: readonly BackupContact[], holds: Checked['holds']): void
  /** How conversations were kept, for the own devices: as old as the backup. */
  keepWishes(conversation: BackupConversation, madeAt: number): void
}

/** Where the entries of each conversation begin: fixed once for a backup, so that going on puts all in its place. */
export type Bases = {
  readonly get: (conversation: string) => number | undefined
  /** How that is kept. */
  readonly set: (conversation: string, base: number) => Documents
}

export class Taking {
  readonly #keeper: Keeper
  readonly #bases: Bases
  readonly #checked: Checked
  readonly #said = new Map<string, BackupConversation>()

  constructor({ keeper, bases, checked }: { readonly keeper: Keeper, readonly bases: Bases, readonly checked: Checked }) {
    this.#keeper = keeper
    this.#bases = bases
    this.#checked = checked
  }

  async take(part: BackupPart): Promise<void> {
    switch (part.type) {
      case 'about':
      case 'account': return
      case 'contacts': this.#keeper.keepPeople(part.contacts, this.#checked.holds); return
      case 'conversations': for (const one of part.conversations) this.#conversation(one); return
      case 'entries': this.#entries(part); return
      case 'file': await this.#file(part)
    }
  }

  #conversation(said: BackupConversation): void {
    const { id } = said
    const before = this.#keeper.room(id)
    if (before === undefined && this.#keeper.isRefused(id)) return
    this.#said.set(id, said)
    const people = said.people.map((one) => this.#keeper.who(one))
    const known = before ?? readableRoom({ ...said, people }, this.#keeper.now())
    if (this.#bases.get(id) !== undefined) return
    const { of, missing } = this.#checked.counts.get(id) ?? { of: 0, missing: 0 }
    if (before === undefined || isBare(known.room)) {
      this.#keeper.keepWishes(said, this.#checked.holds.madeAt)
      const { keep, draft } = this.#keeper.keepsOwn(id)
      const { muted, pinned, archived } = said
      this.#keeper.keep({ room: withRoom(known, {
        ...keep ? {} : { muted, pinned, archived }, ...draft || known.room.draft !== '' ? {} : { draft: said.draft },
      }) })
    }
    if (missing === 0) return
    const room = known.room.firstOrder <= of ? this.#raise(known) : this.#keeper.room(id) ?? known
    const base = room.room.firstOrder - of
    // Held free from now on, whatever else comes below.
    this.#keeper.keep({ room: withRoom(room, { firstOrder: base }), documents: this.#bases.set(id, base) })
  }

  /** A timeline that began on this device has no room below it: it goes up as a whole, the newest first. */
  #raise(state: RoomState): RoomState {
    const { id } = state.room
    const page = 500
    for (;;) {
      const room = this.#keeper.room(id) ?? state
      const entries = this.#keeper.store.entriesBefore(id, raisedBy, page)
      const isWhole = entries.length < page
      const first = (entries[0]?.order ?? room.room.firstOrder) + raisedBy
      const next = withRoom(room, { ...raisedRoom(room.room), ...isWhole ? { firstOrder: Math.min(first, raisedRoom(room.room).nextOrder) } : {} })
      this.#keeper.keep({ room: next, entries: entries.toReversed().map(raised) })
      if (isWhole) return next
    }
  }

  #entries({ conversation, segment, entries }: Extract<BackupPart, { type: 'entries' }>): void {
    const said = this.#said.get(conversation)
    const base = this.#bases.get(conversation)
    const room = this.#keeper.room(conversation)
    if (said === undefined || base === undefined || room === undefined) return
    const first = base + (this.#checked.counts.get(conversation)?.offset(segment) ?? 0)
    const here = this.#keeper.store.present(entries.map(({ id }) => id))
    const fresh: { readonly was: BackupEntry, readonly is: StoredEntry }[] = []
    for (const [index, was] of entries.entries()) {
      if (!here.has(was.id) && !this.#keeper.isRemoved(was.id)) fresh.push({ was, is: restoredEntry(was, first + index, this.#holds) })
    }
    if (fresh.length === 0) return
    const read = new Set(fresh.filter(({ was }) => was.order <= said.readUpTo).map(({ is }) => is))
    const added = fresh.map(({ is }) => is)
    this.#keeper.keep({ room: withPast(room, added, (entry) => read.has(entry)), entries: added })
  }

  readonly #holds = (hash: string): boolean => this.#keeper.store.attachment(hash) !== undefined

  /** In the pieces of the store; the last one comes with the word that all of it is here. */
  async #file({ hash, size, bytes }: Extract<BackupPart, { type: 'file' }>): Promise<void> {
    const { store } = this.#keeper
    const naming = store.entriesNaming(hash)
    if (naming.length === 0 || this.#holds(hash)) return
    let held = new Uint8Array(Math.min(size, pieceBytes))
    let [filled, piece] = [0, 0]
    const put = (): void => {
      const isLast = piece === piecesOf(size) - 1
      const entries = isLast ? naming.flatMap((id) => store.entry(id) ?? []).map((entry) => arrivedIn(entry, hash)) : []
      this.#keeper.keep({ pieces: [{ hash, piece, bytes: held.subarray(0, filled), size }], entries })
      piece += 1
      filled = 0
      held = new Uint8Array(Math.max(0, Math.min(size - piece * pieceBytes, pieceBytes)))
    }
    for await (const some of bytes) {
      for (let at = 0; at < some.length;) {
        const more = some.subarray(at, at + held.length - filled)
        held.set(more, filled)
        filled += more.length
        at += more.length
        if (filled === held.length && piece < piecesOf(size) - 1) put()
      }
    }
    put()
  }
}

/** Nothing was said there on this device yet: it is the recovery words' or a Welcome's. */
const isBare = ({ last, draft, muted, pinned, archived }: Room): boolean =>
  last === undefined && draft === '' && !muted && !pinned && !archived
