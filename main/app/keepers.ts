import type { BackupContact, BackupConversation } from '../chat/backup.ts'
import { contactDocument, formerDocument, membersDocument, roomDocument, trustDocument, type Contact, type TrustRecord } from '../chat/documents.ts'
import { still, type RoomState } from '../chat/room.ts'
import type { Store } from '../ports.ts'
import { registerDocuments, registerOf, removedKey, type Wish } from './registers.ts'
import type { Checked } from './backup-check.ts'
import type { State } from './state.ts'
import type { Keeper, Kept } from './take-backup.ts'
import { trustRegister } from './trust.ts'

/** Where a backup goes: into the opened profile, or into a store that nobody else has open. */

const contactOf = ({ accountId, name, own }: BackupContact): Contact => ({ version: 1, accountId, name, own })
const trustOf = ({ accountId, trust, at, byInvite, why }: BackupContact): TrustRecord =>
  ({ version: 1, accountId, trust, at, byInvite, seen: [], ...why === undefined ? {} : { why } })
const isTold = ({ trust, byInvite }: BackupContact): boolean => trust !== 'new' || byInvite

/** The account that this person had before, if they brought its history and not the account. */
export function formerOf({ store }: { readonly store: Pick<Store, 'document'> }): string | undefined {
  const bytes = store.document('setting', 'former')
  return bytes === undefined ? undefined : formerDocument.decode(bytes).accountId
}

export class StateKeeper implements Keeper {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  get store(): Store { return this.#state.store }
  readonly now = (): number => this.#state.ports.now()
  room(id: string): RoomState | undefined { return this.#state.rooms.get(id) }
  who(accountId: string): string { return accountId === formerOf(this.#state) ? this.#state.self.accountId : accountId }
  isRefused(id: string): boolean { return this.#state.declined.has(id) }
  isRemoved(entry: string): boolean { return this.#state.registers.values.has(removedKey(entry)) }

  keepsOwn(id: string): { readonly keep: boolean, readonly draft: boolean } {
    const { values } = this.#state.registers
    const isSaid = (key: string): boolean => (values.get(key)?.deviceId ?? nobody) !== nobody
    return { keep: isSaid(`keep.${id}`), draft: isSaid(`draft.${id}`) }
  }

  keep({ room, entries = [], pieces = [], documents = [] }: Kept): void {
    this.#state.transact({ steps: room === undefined ? [] : [still(room)], past: entries, pieces, documents })
  }

  /** What is known here of somebody stays: it is the later word, or another own device's. */
  keepPeople(people: readonly BackupContact[], { madeAt, accountId }: Checked['holds']): void {
    const { contacts, trust, self } = this.#state
    const others = people.filter(({ accountId }) => accountId !== self.accountId)
    const names = others.filter(({ accountId }) => !contacts.has(accountId))
    // What was compared were the numbers of two accounts: of another one nothing is known.
    const judged = accountId !== self.accountId ? []
      : others.filter((one) => isTold(one) && !trust.has(one.accountId)).map(trustOf)
    this.#wish(madeAt, [
      ...names.map(({ accountId, name, own }) => ({ key: `contact.${accountId}`, value: { name, own } })),
      ...judged.map(trustRegister),
    ])
    this.#state.transact({ contacts: names.map(contactOf), trust: judged })
  }

  keepWishes({ id, muted, pinned, archived, draft }: BackupConversation, madeAt: number): void {
    this.#wish(madeAt, [
      ...muted || pinned || archived ? [{ key: `keep.${id}`, value: { muted, pinned, archived } }] : [],
      ...draft === '' ? [] : [{ key: `draft.${id}`, value: draft }],
    ])
  }

  /**
   * Registers as old as the backup, before what they say is kept: whatever another own device has said since is later.
   * They are of no device, which no later word is.
   */
  #wish(madeAt: number, wishes: readonly Wish[]): void {
    const { registers, ports } = this.#state
    const written = new Map(wishes.filter(({ key }) => !registers.values.has(key)).map(({ key, value }) => [
      key, registerOf(undefined, JSON.stringify(value), { now: Math.min(madeAt, ports.now()), deviceId: nobody }),
    ]))
    this.#state.transact({
      documents: registerDocuments(written),
      then: [() => { for (const [key, register] of written) registers.remember(key, register) }],
    })
  }
}

const nobody = '0'.repeat(32)

/** Into a store without an account: to be looked at, or compared. */
export class StoreKeeper implements Keeper {
  readonly store: Store
  readonly now: () => number
  readonly #rooms = new Map<string, RoomState>()

  constructor(store: Store, now: () => number) {
    this.store = store
    this.now = now
    for (const { key, bytes } of store.documents('room')) {
      const people = store.document('people', key)
      this.#rooms.set(key, {
        room: roomDocument.decode(bytes), members: people === undefined ? [] : membersDocument.decode(people).members,
        group: undefined, seals: [], pending: undefined, waiting: [], history: [],
      })
    }
  }

  room(id: string): RoomState | undefined { return this.#rooms.get(id) }
  who(accountId: string): string { return accountId }
  isRefused(): boolean { return false }
  isRemoved(): boolean { return false }
  keepsOwn(): { readonly keep: boolean, readonly draft: boolean } { return { keep: false, draft: false } }

  keep({ room, entries = [], pieces = [], documents = [] }: Kept): void {
    this.store.commit({
      documents: [...documents, ...room === undefined ? [] : [
        { kind: 'room' as const, key: room.room.id, bytes: roomDocument.encode(room.room) },
        { kind: 'people' as const, key: room.room.id, bytes: membersDocument.encode({ version: 1, members: room.members }) },
      ]],
      entries, pieces,
    })
    if (room !== undefined) this.#rooms.set(room.room.id, room)
  }

  keepPeople(people: readonly BackupContact[]): void {
    this.store.commit({ documents: [
      ...people.map((one) => ({ kind: 'contact' as const, key: one.accountId, bytes: contactDocument.encode(contactOf(one)) })),
      ...people.filter(isTold).map((one) => ({ kind: 'trust' as const, key: one.accountId, bytes: trustDocument.encode(trustOf(one)) })),
    ] })
  }

  keepWishes(): void {}
}
