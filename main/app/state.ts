import { fromHex, toHex, type Secret } from '../mls/index.ts'
import type { Change, Conversation, Entry, LockMinutes, Me, Phase } from '../../preload/api.ts'
import {
  decodeOutboxItem, decodeOwnKeyPackage, decodePublish, decodeWantedEntry, cardDocument, contactDocument,
  declinedDocument, deviceNameDocument, encodeAccount, encodeDeviceLog, encodeOutboxItem, encodeOwnKeyPackage, encodePublish,
  encodeWantedEntry, heardDocument, inviteDocument, lockDocument, missingDocument,
  tellTrust, trustDocument, type Contact, type MissingRecord, type OwnAccount, type OwnInvite, type TrustRecord, type WantedEntry,
} from '../chat/documents.ts'
import type { OutboxItem, Publish } from '../chat/content.ts'
import { closeRoom } from '../chat/epochs.ts'
import { heardKey } from '../chat/heard.ts'
import type { OwnKeyPackage } from '../chat/mail.ts'
import {
  groupIdOf, isShown, isWell, still, tellConversation, tellEntry, tellNews, type Outgoing, type RoomState, type RoomStep,
} from '../chat/room.ts'
import { askingOf } from '../chat/readmit.ts'
import { bodyOf } from '../chat/send.ts'
import type { Known } from '../chat/receive.ts'
import { messageEntryId } from '../chat/said.ts'
import type { Self } from '../chat/self.ts'
import { decodeTransfer, type Transfer } from '../chat/transfer.ts'
import type { DeviceLog } from '../identity/device-log.ts'
import { PortError, wipe, type Ports, type Store, type StoredEntry, type StoreWrite } from '../ports.ts'
import { DeviceLogs, foldOn } from './device-logs.ts'
import { DeviceNews, endOf, type DeviceName } from './devices.ts'
import { Files } from './files.ts'
import { notesOn } from './notes.ts'
import { Registers, removedKey } from './registers.ts'
import { genesisRecordOf, secretsOf, selfOf } from './self.ts'
import { sightingDocuments } from './sightings.ts'
import { historyDocuments, loadRooms, writeRoom, type Documents } from './stored-rooms.ts'
import type { Teller } from './teller.ts'
import type { NewPublish, Transaction } from './transaction.ts'

export type { NewPublish, Transaction } from './transaction.ts'

/** What a transaction means beside itself, as one transaction: what own devices tell each other (own-words.ts). */
export type Complete = (state: State, transaction: Transaction) => Transaction

/**
 * The state of one opened profile in memory, and the only way to change it: `transact`. Synchronous, so that the event
 * loop is the queue: between two awaits nothing else runs.
 */
export class State {
  readonly store: Store
  readonly ports: Ports
  /** This device as groups see it now: read it when it is needed. */
  self: Self
  readonly deviceLogs: DeviceLogs
  /** By position: what this device still wants its account's log to say. */
  readonly wantedEntries = new Map<number, WantedEntry>()
  readonly deviceNames = new Map<string, DeviceName>()
  readonly rooms = new Map<string, RoomState>()
  readonly contacts = new Map<string, Contact>()
  readonly invites = new Map<string, OwnInvite>()
  readonly trust = new Map<string, TrustRecord>()
  readonly keyPackages = new Map<string, OwnKeyPackage>()
  readonly declined = new Set<string>()
  readonly registers: Registers
  readonly files: Files
  /** Set by whoever deletes messages whose time is over: there is another one. */
  expires: (() => void) | undefined
  /** What other own devices lack and this one does not have yet. */
  readonly missing = new Map<string, MissingRecord>()
  readonly transfers = new Map<string, Transfer>()
  /** By content id, in the order of their positions. */
  readonly outbox = new Map<string, OutboxItem>()
  readonly publishes = new Map<string, Publish>()
  account: OwnAccount
  lockAfter: LockMinutes = 0
  /** What this device's recovery card says (card.ts). */
  cardContent = ''
  #position = 1n
  readonly #deviceNews = new DeviceNews()
  readonly #complete: Complete
  #teller: Teller | undefined

  constructor(
    store: Store, ports: Ports,
    loaded: { readonly account: OwnAccount, readonly teller: Teller, readonly complete: Complete },
  ) {
    this.store = store
    this.ports = ports
    this.registers = new Registers(store)
    this.account = loaded.account
    this.self = selfOf(ports, loaded.account)
    this.files = new Files(store, this.self.suite)
    this.deviceLogs = new DeviceLogs(store, this.self.suite)
    this.#follow()
    this.#teller = loaded.teller
    this.#complete = loaded.complete
    this.#load()
  }

  /** The own log as it was read, with the genesis at least, and this device as groups see it then. */
  #follow(): void {
    const { accountId, suite } = this.self
    if (this.deviceLogs.get(accountId) === undefined) {
      this.deviceLogs.set(accountId, foldOn(suite, accountId, [genesisRecordOf(this.account)], []))
    }
    this.self = selfOf(this.ports, this.account, this.devices.head)
  }

  #load(): void {
    const { store } = this
    const lock = store.document('setting', 'lock')
    if (lock !== undefined) this.lockAfter = lockDocument.decode(lock).afterMinutes
    const card = store.document('setting', 'card')
    if (card !== undefined) this.cardContent = cardDocument.decode(card).content
    for (const { key, bytes } of store.documents('contact')) this.contacts.set(key, contactDocument.decode(bytes))
    for (const { key, bytes } of store.documents('invite')) this.invites.set(key, inviteDocument.decode(bytes))
    for (const { key, bytes } of store.documents('trust')) this.trust.set(key, trustDocument.decode(bytes))
    for (const { key } of store.documents('declined')) this.declined.add(key)
    for (const { key, bytes } of store.documents('transfer')) this.transfers.set(key, decodeTransfer(bytes))
    for (const { key, bytes } of store.documents('missing')) this.missing.set(key, missingDocument.decode(bytes))
    for (const { key, bytes } of store.documents('key-package')) {
      this.keyPackages.set(key, decodeOwnKeyPackage(key, bytes))
    }
    for (const { key, bytes } of store.documents('wanted-entry')) this.wantedEntries.set(Number(key), decodeWantedEntry(bytes))
    for (const { key, bytes } of store.documents('device-name')) {
      this.deviceNames.set(key, deviceNameDocument.decode(bytes))
    }
    const keys = [this.self.signatureKeyPair, ...this.self.formerKeys]
    for (const room of loadRooms(store, { suiteOf: this.ports.suiteOf, keys })) this.rooms.set(room.room.id, room)
    const outbox = store.documents('outbox').map(({ key, bytes }) => [key, decodeOutboxItem(bytes)] as const)
    for (const [key, item] of outbox.sort(byPosition)) this.outbox.set(key, item)
    const publishes = store.documents('publish').map(({ key, bytes }) => [key, decodePublish(bytes)] as const)
    for (const [key, one] of publishes.sort(byPosition)) this.publishes.set(key, one)
    for (const { position } of [...this.outbox.values(), ...this.publishes.values()]) {
      if (position >= this.#position) this.#position = position + 1n
    }
  }

  // -------------------------------------------------------------- reading

  get phase(): Phase {
    const readOnly = endOf(this)
    return { at: 'ready', me: this.me, ...readOnly === undefined ? {} : { readOnly } }
  }

  get me(): Me {
    const { passphrase, keychain } = this.ports.vault.ways()
    return {
      accountId: this.self.accountId, name: this.account.name,
      deviceName: this.account.deviceName || this.ports.deviceName,
      recovery: this.account.recovery.type, lock: { passphrase, keychain, afterMinutes: this.lockAfter },
    }
  }

  /** The own account's device log, as far as it was read. Throws PortError('bug') where not even its genesis holds. */
  get devices(): DeviceLog {
    const log = this.deviceLogs.get(this.self.accountId)
    if (log === undefined) throw new PortError('bug', 'an account without a genesis')
    return log
  }

  /** The person's name; the first digits of the account where nobody has said one yet. */
  nameOf = (accountId: string): string =>
    accountId === this.self.accountId ? this.account.name
      : this.contacts.get(accountId)?.name ?? accountId.slice(0, 8)

  trustOf = (accountId: string): ReturnType<typeof tellTrust> => tellTrust(this.trust.get(accountId))

  conversation(state: RoomState): Conversation {
    return { ...tellConversation(state, this.self.accountId, this), ...this.#asking(state) }
  }

  #asking({ room }: RoomState): Pick<Conversation, 'asking'> {
    const asking = askingOf(room, this.self.accountId)
    return asking.length === 0 ? {} : { asking }
  }

  conversations(): readonly Conversation[] {
    return [...this.rooms.values()].filter(({ room }) => isShown(room)).map((state) => this.conversation(state))
  }

  /** Throws PortError('unknown-conversation'). */
  room(id: string): RoomState {
    const state = this.rooms.get(id)
    if (state === undefined || !isShown(state.room)) throw new PortError('unknown-conversation')
    return state
  }

  /** An entry that is here, or that this person has deleted. */
  isKnown(entry: string): boolean {
    return this.store.entry(entry) !== undefined || this.registers.values.has(removedKey(entry))
  }

  moment(): Known {
    return {
      self: this.self, now: this.ports.now(), entry: (id) => this.store.entry(id),
      holds: (hash) => this.store.attachment(hash) !== undefined,
      isRemoved: (id) => this.registers.values.has(removedKey(id)),
      mayClose: (accountId, deviceId) => this.deviceLogs.mayClose(accountId, deviceId),
      heard: (conversation, deviceId) => {
        const bytes = this.store.document('heard', heardKey(conversation, deviceId))
        return bytes === undefined ? undefined : heardDocument.decode(bytes)
      },
    }
  }

  // -------------------------------------------------------------- changing

  /** Commits, then remembers, wipes and tells. Throws PortError when nothing could be stored; then nothing changed. */
  transact(given: Transaction): void {
    const transaction = this.#complete(this, given)
    const documents: Documents = [...transaction.documents ?? []]
    const next = this.#resolve(transaction, documents)
    const write: StoreWrite = {
      documents, groups: next.groups, entries: [...next.entries, ...transaction.past ?? []], cursors: transaction.cursors ?? [],
      removedEntries: next.removedEntries,
      clearedConversations: transaction.removedRooms ?? [], pieces: transaction.pieces ?? [],
      renamedAttachments: transaction.renamedAttachments ?? [],
      removedAttachments: [...transaction.removedAttachments ?? [], ...next.removedAttachments],
    }
    const notes = notesOn(transaction.steps ?? [], this)
    this.store.commit(write)
    for (const remember of [...next.remember, ...transaction.then ?? []]) remember()
    wipe(next.wipe)
    for (const note of notes) this.ports.log.note(note)
    this.#tell(transaction, next)
  }

  #resolve(transaction: Transaction, documents: Documents) {
    const remember: (() => void)[] = []
    const wiped: Secret[] = [...transaction.wipe ?? []]
    const entries: StoredEntry[] = []
    const removedEntries: string[] = []
    const groups: NonNullable<StoreWrite['groups']>[number][] = []
    /** As they were before. */
    const rooms = new Map<string, RoomState | undefined>()
    const say = [...transaction.say ?? []]
    const publish = [...transaction.publish ?? []]
    const contacts = new Map((transaction.contacts ?? []).map((one) => [one.accountId, one]))
    for (const step of transaction.steps ?? []) {
      const { id } = step.state.room
      groups.push(...writeRoom(step.state, this.rooms.get(id), documents))
      remember.push(() => { this.rooms.set(id, step.state) })
      if (!rooms.has(id)) rooms.set(id, this.rooms.get(id))
      wiped.push(...this.#dropRequests(id, step.state, { documents, remember }))
      entries.push(...step.entries)
      removedEntries.push(...step.removed)
      for (const heard of new Map(step.heard.map((one) => [one.deviceId, one])).values()) {
        documents.push({ kind: 'heard', key: heardKey(heard.conversation, heard.deviceId), bytes: heardDocument.encode(heard) })
      }
      documents.push(...sightingDocuments(this.store, id, step.sightings))
      wiped.push(...step.wipe)
      say.push(...step.say.map((one) => ({ room: id, body: bodyOf(one, step.state.members, this) })))
      publish.push(...step.publish.map((one) => this.#publishOf(one, step.state)))
      for (const name of step.names) this.#learn(name, contacts)
      // One that came back by the words has no group yet, and what it wants to say waits.
      if (step.state.group === undefined && isWell(step.state.room)) entries.push(...this.#giveUp(id, { documents, remember }))
    }
    entries.push(...transaction.entries ?? [])
    const sink = { documents, remember }
    const files = this.files.follow({
      entries, removed: removedEntries, removedRooms: transaction.removedRooms ?? [],
      accepted: (transaction.steps ?? []).filter(({ state: { room } }) =>
        room.state === 'active' && this.rooms.get(room.id)?.room.state === 'request'),
    })
    documents.push(...files.documents)
    remember.push(...files.then)
    entries.push(...files.entries)
    for (const id of transaction.removedRooms ?? []) wiped.push(...this.#dropRequests(id, undefined, sink))
    // First what goes: an outbox item may come again, under the same id, for another conversation.
    for (const id of transaction.removedRooms ?? []) groups.push(...this.#removeRoom(id, sink))
    for (const key of transaction.removedOutbox ?? []) this.#dropOutbox(key, sink)
    for (const key of transaction.removedPublish ?? []) this.#dropPublish(key, sink)
    this.#keepRecords({ say, publish }, sink)
    this.#keepPlain(transaction, contacts, sink)
    const named = contacts.size > 0
    return {
      remember, wipe: wiped, entries, removedEntries, groups, rooms, named, removedAttachments: files.removedAttachments,
    }
  }

  #removeRoom(id: string, sink: Sink): NonNullable<StoreWrite['groups']>[number][] {
    for (const kind of ['room', 'people', 'seals', 'pending', 'waiting'] as const) {
      sink.documents.push({ kind, key: id, bytes: undefined })
    }
    const { history = [], room } = this.rooms.get(id) ?? {}
    const groupId = room === undefined ? id : groupIdOf(room)
    for (const kind of ['heard', 'seen'] as const) {
      for (const { key } of this.store.documents(kind)) {
        if (key.startsWith(`${id}.`) || key.startsWith(`${groupId}.`)) sink.documents.push({ kind, key, bytes: undefined })
      }
    }
    sink.documents.push(...historyDocuments(id, history, []))
    for (const [key, item] of this.outbox) if (toHex(item.room) === id) this.#dropOutbox(key, sink)
    for (const [key, one] of this.publishes) {
      if (one.target.type !== 'record' && toHex(one.target.room) === id) this.#dropPublish(key, sink)
    }
    sink.remember.push(() => { this.rooms.delete(id) })
    return [{ group: id, parts: undefined }]
  }

  #keepRecords(
    records: { readonly say: NonNullable<Transaction['say']>, readonly publish: readonly NewPublish[] }, sink: Sink,
  ): void {
    for (const { room, id = this.ports.random(16), counter = 0, body } of records.say) {
      const item: OutboxItem = {
        version: 1, room: fromHex(room), position: this.#position++, id, sentAt: BigInt(this.ports.now()),
        counter, body,
      }
      const key = toHex(id)
      sink.documents.push({ kind: 'outbox', key, bytes: encodeOutboxItem(item) })
      sink.remember.push(() => { this.outbox.set(key, item) })
    }
    for (const one of records.publish) {
      const publish: Publish = { version: 1, ...one, position: this.#position++, seq: 0n }
      const key = toHex(this.ports.random(16))
      sink.documents.push({ kind: 'publish', key, bytes: encodePublish(publish) })
      sink.remember.push(() => { this.publishes.set(key, publish) })
    }
  }

  #keepPlain(transaction: Transaction, contacts: ReadonlyMap<string, Contact>, sink: Sink): void {
    const { documents, remember } = sink
    const { account } = transaction
    if (account !== undefined) {
      documents.push({ kind: 'account', key: 'own', bytes: encodeAccount(account) })
      remember.push(() => { this.account = account })
    }
    for (const { accountId, ...kept } of transaction.deviceLogs ?? []) {
      documents.push({ kind: 'device-log', key: accountId, bytes: encodeDeviceLog(kept.records) })
      remember.push(() => { this.deviceLogs.set(accountId, kept) })
    }
    if (account !== undefined || transaction.deviceLogs !== undefined) remember.push(() => { this.#follow() })
    for (const wanted of transaction.wantedEntries ?? []) {
      documents.push({ kind: 'wanted-entry', key: String(wanted.position), bytes: encodeWantedEntry(wanted) })
      remember.push(() => { this.wantedEntries.set(wanted.position, wanted) })
    }
    for (const { deviceId, ...named } of transaction.deviceNames ?? []) {
      const bytes = deviceNameDocument.encode({ version: 1, ...named })
      documents.push({ kind: 'device-name', key: deviceId, bytes })
      remember.push(() => { this.deviceNames.set(deviceId, named) })
    }
    for (const position of transaction.removedWanted ?? []) {
      documents.push({ kind: 'wanted-entry', key: String(position), bytes: undefined })
      remember.push(() => { this.wantedEntries.delete(position) })
    }
    if (transaction.linking !== undefined) documents.push({ kind: 'linking', key: 'own', ...transaction.linking })
    const { cardContent, lockAfter } = transaction
    if (cardContent !== undefined) {
      documents.push({ kind: 'setting', key: 'card', bytes: cardDocument.encode({ version: 1, content: cardContent }) })
      remember.push(() => { this.cardContent = cardContent })
    }
    if (lockAfter !== undefined) {
      const bytes = lockDocument.encode({ version: 1, afterMinutes: lockAfter })
      documents.push({ kind: 'setting', key: 'lock', bytes })
      remember.push(() => { this.lockAfter = lockAfter })
    }
    for (const [key, contact] of contacts) {
      documents.push({ kind: 'contact', key, bytes: contactDocument.encode(contact) })
      remember.push(() => { this.contacts.set(key, contact) })
    }
    for (const item of transaction.outbox ?? []) {
      documents.push({ kind: 'outbox', key: toHex(item.id), bytes: encodeOutboxItem(item) })
      remember.push(() => { this.outbox.set(toHex(item.id), item) })
    }
    for (const invite of transaction.invites ?? []) {
      documents.push({ kind: 'invite', key: invite.token, bytes: inviteDocument.encode(invite) })
      remember.push(() => { this.invites.set(invite.token, invite) })
    }
    for (const record of transaction.trust ?? []) {
      documents.push({ kind: 'trust', key: record.accountId, bytes: trustDocument.encode(record) })
      remember.push(() => { this.trust.set(record.accountId, record) })
    }
    for (const own of transaction.keyPackages ?? []) {
      documents.push({ kind: 'key-package', key: own.reference, bytes: encodeOwnKeyPackage(own) })
      remember.push(() => { this.keyPackages.set(own.reference, own) })
    }
    for (const key of transaction.removedKeyPackages ?? []) {
      documents.push({ kind: 'key-package', key, bytes: undefined })
      remember.push(() => { this.keyPackages.delete(key) })
    }
    for (const one of transaction.declined ?? []) {
      documents.push({ kind: 'declined', key: one.id, bytes: declinedDocument.encode(one) })
      remember.push(() => { this.declined.add(one.id) })
    }
  }

  /** The KeyPackages of requests to be let back in go when nothing can be let in by them any more. */
  #dropRequests(id: string, after: RoomState | undefined, sink: Sink): readonly Secret[] {
    const kept = requestsOf(after)
    return requestsOf(this.rooms.get(id)).flatMap((reference) => {
      const own = kept.includes(reference) ? undefined : this.keyPackages.get(reference)
      if (own === undefined) return []
      sink.documents.push({ kind: 'key-package', key: reference, bytes: undefined })
      sink.remember.push(() => { this.keyPackages.delete(reference) })
      return Object.values(own.privateKeys)
    })
  }

  /** What waits for a conversation that has ended does not go out, and its sender is told. */
  #giveUp(room: string, sink: Sink): readonly StoredEntry[] {
    return [...this.outbox].filter(([, item]) => toHex(item.room) === room).flatMap(([key]) => {
      this.#dropOutbox(key, sink)
      const entry = this.store.entry(messageEntryId(this.self.accountId, key))
      return entry?.kind === 'message' && entry.state === 'sending' ? [{ ...entry, state: 'failed' as const }] : []
    })
  }

  #dropOutbox(key: string, sink: Sink): void {
    sink.documents.push({ kind: 'outbox', key, bytes: undefined })
    sink.remember.push(() => { this.outbox.delete(key) })
  }

  #dropPublish(key: string, sink: Sink): void {
    sink.documents.push({ kind: 'publish', key, bytes: undefined })
    sink.remember.push(() => { this.publishes.delete(key) })
  }

  #learn(name: RoomStep['names'][number], contacts: Map<string, Contact>): void {
    const { accountId } = name
    if (accountId === this.self.accountId) return
    const known = contacts.get(accountId) ?? this.contacts.get(accountId)
    // A person's own word is never replaced by what others say of them.
    if (known?.name === name.name && known.own === name.own) return
    if (known !== undefined && known.own && !name.own) return
    contacts.set(accountId, { version: 1, accountId, name: name.name, own: name.own })
  }

  #publishOf(out: Outgoing, state: RoomState): NewPublish {
    const room = fromHex(state.room.id)
    const epoch = state.pending?.epoch ?? state.group?.context.epoch ?? 0n
    return {
      log: out.log, slot: out.slot, bytes: out.bytes,
      target: out.target === 'record' ? { type: 'record' } : { type: out.target, room, epoch },
    }
  }

  #tell(transaction: Transaction, next: { readonly rooms: ReadonlyMap<string, RoomState | undefined>
    readonly entries: readonly StoredEntry[], readonly removedEntries: readonly string[], readonly named: boolean }): void {
    // A name, and how far somebody is trusted, stands in every conversation with that person.
    const renamed = next.named || transaction.account !== undefined || (transaction.trust?.length ?? 0) > 0
    const conversations = renamed ? this.conversations()
      : [...next.rooms].flatMap(([id, before]) => {
        const state = this.rooms.get(id)
        if (state === undefined || !isShown(state.room)) return []
        return [{ ...tellNews(state, before, this.self.accountId, this), ...this.#asking(state) }]
      })
    const isSeen = ({ conversation }: StoredEntry): boolean => this.rooms.get(conversation)?.room.kind !== 'self'
    const latest = new Map<string, Entry>(next.entries.filter(isSeen).map((entry) => [entry.id, tellEntry(entry)]))
    const removed = transaction.removedRooms ?? []
    const change: Omit<Change, 'revision'> = {
      ...(transaction.account === undefined && transaction.lockAfter === undefined ? {}
        : { phase: this.phase }),
      ...this.#deviceNews.of(this, transaction),
      ...(conversations.length === 0 ? {} : { conversations }),
      ...(next.removedEntries.length === 0 ? {} : { removedEntries: next.removedEntries }),
      ...(latest.size === 0 ? {} : { entries: [...latest.values()] }),
      ...(removed.length === 0 ? {} : { removedConversations: removed }),
      ...(transaction.notice === undefined ? {} : { notice: transaction.notice }),
    }
    if (Object.keys(change).length > 0) this.show(change)
  }

  show(change: Omit<Change, 'revision'>): void {
    this.#teller?.show(change)
  }

  /** From now on nobody is told of anything. */
  silence(): void {
    this.#teller = undefined
  }

  /**
   * Wipes every secret and empties the memory: the profile was closed or locked. What was still under way finds no
   * conversation and a closed store, and nobody is told of it.
   */
  forget(): void {
    this.silence()
    this.expires = undefined
    wipe(secretsOf(this.account))
    this.deviceLogs.clear()
    this.registers.clear()
    this.files.clear()
    wipe([...this.transfers.values()].map(({ key }) => key))
    this.transfers.clear()
    for (const state of this.rooms.values()) wipe(closeRoom(still(state), 'left').wipe)
    for (const { privateKeys } of this.keyPackages.values()) wipe(Object.values(privateKeys))
    const { rooms, keyPackages, contacts, invites, trust, outbox, publishes } = this
    for (const kept of [rooms, keyPackages, contacts, invites, trust, outbox, publishes]) kept.clear()
  }
}

const requestsOf = (state: RoomState | undefined): readonly string[] =>
  [state?.room.recovery?.reference, state?.room.answered?.reference].flatMap((one) => one === undefined || one === '' ? [] : [one])

type Sink = { readonly documents: Documents, readonly remember: (() => void)[] }

/** The oldest first. */
export const byPosition = <T extends { readonly position: bigint }>(a: readonly [string, T], b: readonly [string, T]): number =>
  a[1].position < b[1].position ? -1 : 1

