import { MlsError } from '../mls/index.ts'
import { contactDocument, decodeAccount, membersDocument, roomDocument, tellTrust, trustDocument } from '../chat/documents.ts'
import { emptyRoom, isShown, lastOf, tellConversation, type RoomState } from '../chat/room.ts'
import type { ArgumentOf, CallName, Conversation, Entry, ErrorCode, Me } from '../../preload/api.ts'
import { PortError, wipe, type Ports, type Reading } from '../ports.ts'
import { details } from './details.ts'
import { pageOf } from './page.ts'
import { foundPage, searchIn } from './search.ts'
import { secretsOf, selfOf } from './self.ts'

/** A profile that can only be read: its history is shown, and every Call that would change something is refused. */
export class ReadOnly {
  /** Why it is no more than that. */
  readonly code: ErrorCode
  readonly me: Me
  readonly #reading: Reading
  readonly #now: () => number
  readonly #rooms = new Map<string, RoomState>()
  readonly #names = new Map<string, string>()

  private constructor(reading: Reading, { now, me, code }: { readonly now: () => number, readonly me: Me, readonly code: ErrorCode }) {
    this.#reading = reading
    this.#now = now
    this.me = me
    this.code = code
    for (const { key, bytes } of reading.documents('contact')) {
      const contact = known(() => contactDocument.decode(bytes))
      if (contact !== undefined) this.#names.set(key, contact.name)
    }
    for (const { key, bytes } of reading.documents('room')) {
      const room = known(() => roomDocument.decode(bytes))
      // A request has nothing to read.
      if (room === undefined || room.state === 'request' || !isShown(room)) continue
      const people = reading.document('people', key)
      const members = people === undefined ? [] : known(() => membersDocument.decode(people).members) ?? []
      this.#rooms.set(key, { room, members, group: undefined, seals: [], pending: undefined, waiting: [], history: [] })
    }
    // Requests and the own group have documents that say so, where they are left.
    const told = new Set(reading.documents('room').map(({ key }) => key))
    for (const id of reading.conversations()) {
      const left = told.has(id) ? undefined : roomLeft(reading, id, me.accountId)
      if (left !== undefined) this.#rooms.set(id, left)
    }
  }

  /** `undefined` where there is nothing to show; the reading is closed then. */
  static of(reading: Reading | undefined, ports: Ports, code: ErrorCode): ReadOnly | undefined {
    if (reading === undefined) return undefined
    const found = new ReadOnly(reading, { now: ports.now, me: meIn(reading, ports), code })
    if (found.me.accountId !== '' || found.#rooms.size > 0) return found
    found.close()
    return undefined
  }

  conversations(): readonly Conversation[] {
    return [...this.#rooms.values()].map((state) => {
      const { last: _, ...told } = tellConversation(state, this.me.accountId, this.#people)
      const newest = this.#reading.entriesBefore(told.id, 0, lookBack).filter(this.#isThere).findLast(({ kind }) => kind === 'message')
      const last = newest === undefined ? undefined : lastOf(newest, undefined)
      const title = told.title === '' ? told.people.flatMap(({ own, name }) => own ? [] : [name]).join(', ') : told.title
      return { ...told, ...last === undefined ? {} : { last }, title, mayAdd: false, mayRemove: false, mayRename: false, mayTime: false }
    })
  }

  answer(name: CallName, argument: unknown): unknown {
    switch (name) {
      case 'entries.page': {
        const { conversation, before, limit } = argument as ArgumentOf<'entries.page'>
        this.#room(conversation)
        const page = pageOf(this.#reading.entriesBefore(conversation, before, limit + 1), limit, this.#nameOf)
        return { ...page, entries: foldDamage(page.entries.filter(this.#isThere)) }
      }
      case 'search': {
        const { text, limit } = argument as ArgumentOf<'search'>
        const found = searchIn(this.#reading, this.#rooms.keys(), { text, limit: limit + 1 }).filter(this.#isThere)
        return foundPage(found, { text, limit }, this.#nameOf)
      }
      case 'conversation.details':
        return details(this.#room((argument as ArgumentOf<'conversation.details'>).conversation))
      default: throw new PortError('read-only')
    }
  }

  /** What is over cannot be deleted here, and is not shown either. */
  readonly #isThere = (entry: Entry): boolean =>
    entry.kind !== 'message' || entry.expiresAt === undefined || entry.expiresAt > this.#now()

  close(): void {
    this.#reading.close()
  }

  #nameOf = (accountId: string): string =>
    accountId === this.me.accountId ? this.me.name : this.#names.get(accountId) ?? accountId.slice(0, 8)

  readonly #people = {
    nameOf: this.#nameOf,
    trustOf: (accountId: string) => {
      const bytes = this.#reading.document('trust', accountId)
      return tellTrust(bytes === undefined ? undefined : known(() => trustDocument.decode(bytes)))
    },
  }

  #room(id: string): RoomState {
    const state = this.#rooms.get(id)
    if (state === undefined) throw new PortError('unknown-conversation')
    return state
  }
}

/** A conversation whose own document is lost: who has spoken in it last tells whose it was. */
function roomLeft(reading: Reading, id: string, self: string): RoomState | undefined {
  const messages = reading.entriesBefore(id, 0, lookBack).flatMap((entry) => entry.kind === 'message' ? [entry] : [])
  const newest = messages.at(-1)
  if (newest === undefined) return undefined
  const people = [...new Set([self, ...messages.map(({ from }) => from)])]
  const [peer, ...more] = people.filter((accountId) => accountId !== self)
  const isDirect = peer !== undefined && more.length === 0
  return {
    room: {
      ...emptyRoom(id, newest.at), state: 'left', kind: isDirect ? 'direct' : 'group', peer: isDirect ? peer : '',
    },
    members: people.map((accountId) => ({ accountId, devices: 1, healedAt: newest.at })),
    group: undefined, seals: [], pending: undefined, waiting: [], history: [],
  }
}
const lookBack = 200

/** Who this was; without a name where just that is damaged. */
function meIn(reading: Reading, ports: Ports): Me {
  const bytes = reading.document('account', 'own')
  const account = bytes === undefined ? undefined : known(() => decodeAccount(bytes))
  wipe(account === undefined ? [] : secretsOf(account))
  return {
    accountId: account === undefined ? '' : selfOf(ports, account).accountId, name: account?.name ?? '',
    deviceName: account?.deviceName || ports.deviceName, recovery: account?.recovery.type ?? 'confirmed',
    lock: { passphrase: false, keychain: false, afterMinutes: 0 },
  }
}

/** `undefined` for a document of another version. */
function known<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

/** Damaged entries in a row as one gap, at the time of what stands beside it. */
function foldDamage(entries: readonly Entry[]): readonly Entry[] {
  const folded: Entry[] = []
  for (const [index, entry] of entries.entries()) {
    const before = folded.at(-1)
    if (entry.kind !== 'gap' || entry.reason !== 'damaged') folded.push(entry)
    else if (before?.kind === 'gap' && before.reason === 'damaged') {
      folded[folded.length - 1] = { ...before, count: before.count === 0 ? 0 : before.count + entry.count }
    } else {
      const next = entries.slice(index).find(({ at }) => at > 0)
      folded.push({ ...entry, at: before?.at ?? next?.at ?? 0 })
    }
  }
  return folded
}
