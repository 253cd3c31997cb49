import type { Contact, Declined, TrustRecord } from '../chat/documents.ts'
import type { Heard } from '../chat/heard.ts'
import { groupIdOf, still, withRoom, type Room, type RoomState, type RoomStep } from '../chat/room.ts'
import { ownBody, type OwnWord, type Register, type RegisterWord } from '../chat/self-group.ts'
import type { StoredEntry } from '../ports.ts'
import type { DeviceName } from './devices.ts'
import { ownGroupOf, quietMs, registerBodies, registerDocuments, registerOf, taken, type Wish } from './registers.ts'
import type { State, Transaction } from './state.ts'

/** A transaction that grows. */
export class Folding {
  readonly state: State
  readonly #given: Transaction
  readonly #steps = new Map<string, RoomStep>()
  readonly #registers = new Map<string, Register>()
  /** To be said to the own devices. */
  readonly words: OwnWord[] = []
  readonly also: {
    contacts: Contact[], trust: TrustRecord[], deviceNames: (DeviceName & { readonly deviceId: string })[]
    declined: Declined[], removedRooms: string[], entries: StoredEntry[]
    documents: NonNullable<Transaction['documents']>[number][], then: (() => void)[], wipe: NonNullable<Transaction['wipe']>[number][]
  } = { contacts: [], trust: [], deviceNames: [], declined: [], removedRooms: [], entries: [], documents: [], then: [], wipe: [] }
  #account: Transaction['account']
  /** Everything is to be said: to a device that comes in or back, or has lost a word. */
  saysAll = false

  constructor(state: State, given: Transaction) {
    this.state = state
    this.#given = given
    this.#account = given.account
  }

  /** As it is in this transaction so far. */
  room(id: string): RoomState | undefined {
    return this.#steps.get(id)?.state ?? this.#given.steps?.findLast(({ state: { room } }) => room.id === id)?.state
      ?? (this.also.removedRooms.includes(id) ? undefined : this.state.rooms.get(id))
  }

  /** By its group, which others may go on in (chat/continuation.ts). */
  roomOf(group: string): RoomState | undefined {
    return this.rooms().find(({ room }) => groupIdOf(room) === group)
  }

  rooms(): readonly RoomState[] {
    return [...new Set([...this.state.rooms.keys(), ...this.#steps.keys()])].flatMap((id) => this.room(id) ?? [])
  }

  step(step: RoomStep): void {
    const { id } = step.state.room
    const before = this.#steps.get(id)
    this.#steps.set(id, before === undefined ? step : {
      ...step, entries: [...before.entries, ...step.entries], removed: [...before.removed, ...step.removed],
      heard: [...before.heard, ...step.heard],
    })
  }

  change(id: string, changes: Partial<Room>): void {
    const room = this.room(id)
    if (room !== undefined) this.step(still(withRoom(room, changes)))
  }

  entry(id: string): StoredEntry | undefined {
    return this.steps.flatMap(({ entries }) => entries).findLast((one) => one.id === id) ?? this.state.store.entry(id)
  }

  heard(group: string, deviceId: string): Heard | undefined {
    return this.steps.flatMap((step) => step.heard).findLast((one) => one.conversation === group && one.deviceId === deviceId)
      ?? this.state.moment().heard(group, deviceId)
  }

  register(key: string): Register | undefined {
    return this.#registers.get(key) ?? this.state.registers.values.get(key)
  }

  /** By this device: nothing where the others know this value already. */
  write({ key, value }: Wish): void {
    const known = this.register(key)
    const text = JSON.stringify(value)
    if (known?.value === text) return
    this.#registers.set(key, registerOf(known, text, { now: this.state.ports.now(), deviceId: this.state.self.deviceId }))
  }

  /** Of another device: whether it is news. */
  take(word: RegisterWord): Register | undefined {
    const register = taken(this.register(word.key), word)
    if (register !== undefined) this.#registers.set(word.key, register)
    return register
  }

  set account(account: NonNullable<Transaction['account']>) {
    this.#account = account
  }

  get account(): NonNullable<Transaction['account']> {
    return this.#account ?? this.state.account
  }

  /** The steps of the transaction so far. */
  get steps(): readonly RoomStep[] {
    return [...this.#given.steps ?? [], ...this.#steps.values()]
  }

  /** How many received messages have a greater order, those of this transaction among them. */
  unreadAfter(id: string, order: number): number {
    const fresh = this.steps.flatMap(({ entries }) => entries).filter((one) =>
      one.conversation === id && one.kind === 'message' && !one.own && one.order > order)
    const added = new Set(fresh.map((one) => one.id).filter((one) => this.state.store.entry(one) === undefined))
    return this.state.store.unreadAfter(id, order) + added.size
  }

  /** The registers with what they say, in the transaction that brought them. */
  done(): Transaction {
    const { also, state } = this
    const given = this.#given
    const room = ownGroupOf(this.rooms()) ?? ownGroupOf((given.steps ?? []).map((step) => step.state))
    // Who comes in has no code that could be compared with one of before.
    const isLasting = ([key]: readonly [string, Register]): boolean => !key.startsWith('code.')
    const all = this.saysAll ? registerBodies([...new Map([...state.registers.values, ...this.#registers])].filter(isLasting)) : []
    const written = this.saysAll ? new Map([...state.registers.unsent, ...this.#registers.keys()].flatMap((key) => {
      const register = this.register(key)
      return register === undefined ? [] : [[key, { ...register, sent: true }] as const]
    })) : this.#registers
    const say = room === undefined ? []
      : [...all, ...this.words.map(ownBody)].map((body) => ({ room: room.room.id, body }))
    const remember = (): void => { this.#remember(written, room?.room.id, say.length > 0) }
    return {
      ...given,
      steps: this.steps,
      contacts: [...given.contacts ?? [], ...also.contacts], trust: [...given.trust ?? [], ...also.trust],
      deviceNames: [...given.deviceNames ?? [], ...also.deviceNames],
      declined: [...given.declined ?? [], ...also.declined],
      removedRooms: [...given.removedRooms ?? [], ...also.removedRooms],
      entries: [...given.entries ?? [], ...also.entries], wipe: [...given.wipe ?? [], ...also.wipe],
      say: [...given.say ?? [], ...say],
      documents: [...given.documents ?? [], ...registerDocuments(written), ...also.documents],
      then: [...given.then ?? [], remember, ...also.then],
      ...this.#account === undefined ? {} : { account: this.#account },
    }
  }

  #remember(written: ReadonlyMap<string, Register>, room: string | undefined, isSaid: boolean): void {
    const { registers, ports } = this.state
    for (const [key, register] of written) registers.remember(key, register)
    registers.unsentSince = registers.unsent.size === 0 ? 0 : registers.unsentSince || ports.now()
    if (room !== undefined && (isSaid || registers.unsent.size > 0)) registers.wake?.(room, isSaid ? 0 : quietMs)
  }
}
