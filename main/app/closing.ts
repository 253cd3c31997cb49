import { toHex } from '../mls/index.ts'
import { mayClose } from '../identity/devices.ts'
import { closingDocument, type ClosingRecord } from '../chat/documents.ts'
import { closeRoom } from '../chat/epochs.ts'
import { leaveRoom } from '../chat/membership.ts'
import { isOpen, isShown, isWell, still, type RoomState } from '../chat/room.ts'
import type { Closing as Told, ErrorCode } from '../../preload/api.ts'
import { PortError } from '../ports.ts'
import { refreshLog, tendDeviceLog, wantEntry } from './device-log.ts'
import { isRevoked } from './devices.ts'
import { takeOver } from './keys.ts'
import type { State, Transaction } from './state.ts'
import type { Sync } from './sync.ts'
import { isHeld } from './trust.ts'

const lookMs = 100
const retryMs = 2_000
/** How long a chat that cannot be told or left keeps the others waiting; the account's log tells it all the same. */
const patienceMs = 60_000

type Options = {
  readonly state: State
  readonly sync: Sync
  /** Deletes this profile. */
  readonly leave: () => Promise<void>
}

/**
 * Closing the account for ever, step by step: what is done next is stored before it is begun, and each step may be done
 * again, so that it goes on wherever it was cut off. Only the last step but one cannot be repeated by anybody else: the
 * entry that ends the account's log, which everybody reads alike.
 */
export class Closing {
  readonly #options: Options
  #running: Promise<void> | undefined
  #wake: (() => void) | undefined
  #stopped = false
  #told = ''
  #isAway = false
  /** Since when somebody could be reached, in this step and this process. */
  #since: number | undefined

  constructor(options: Options) {
    this.#options = options
  }

  get told(): Told | undefined {
    const kept = this.#kept()
    if (kept === undefined) return undefined
    const left = kept.rooms.filter((id) => this.#lacks(kept.step, id)).length
    return { at: kept.step, done: kept.rooms.length - left, of: kept.rooms.length, away: this.#isAway }
  }

  /** Nobody can keep the account any more. */
  get isDecided(): boolean {
    return (this.#kept()?.step ?? 'waiting') !== 'waiting'
  }

  resume(): void {
    if (this.#kept() === undefined || this.#running !== undefined) return
    this.#running = this.#run().finally(() => { this.#running = undefined })
  }

  /**
   * Rejects with PortError('account-elder') where this device has no right over all others and the words do not give it,
   * and with what is wrong with them.
   */
  async begin(words: string): Promise<void> {
    const { state } = this.#options
    if (this.#kept() !== undefined) return
    if (words !== '') await takeOver(state, words)
    if (!mayClose(state.devices, state.self.deviceId)) throw new PortError('account-elder')
    this.#keep({ version: 1, step: 'waiting', rooms: [] })
    this.resume()
  }

  /** Throws PortError('account-closing') when it is too late. */
  cancel(): void {
    if (this.isDecided) throw new PortError('account-closing')
    this.#giveUp()
  }

  /** Nothing more is done, because the profile is closed. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.()
    await this.#running
  }

  // -------------------------------------------------------------- going on

  async #run(): Promise<void> {
    const { state: { ports }, leave } = this.#options
    for (;;) {
      const kept = this.#kept()
      if (kept === undefined || this.#stopped) return
      if (kept.step === 'deleting') {
        // Not awaited: putting the profile away waits for this.
        ports.after(0, () => { leave().catch(ports.report) })
        return
      }
      this.#tell()
      await this.#pause(await this.#tried(kept))
    }
  }

  /** Gives how long to wait before the next look. */
  async #tried(kept: ClosingRecord): Promise<number> {
    const { state } = this.#options
    try {
      await this.#step(kept)
      this.#isAway = false
      return this.#kept()?.step === kept.step ? lookMs : 0
    } catch (error) {
      if (!(error instanceof PortError)) state.ports.report(error)
      this.#isAway = true
      this.#since = undefined
      return retryMs
    }
  }

  async #step(kept: ClosingRecord): Promise<void> {
    const { state, sync } = this.#options
    if (kept.step === 'closing') return this.#end()
    // Also where there is nothing to say: can anybody be reached, and is it still for this device to do?
    const log = await refreshLog(state, state.self.accountId)
    if (this.#stopped) return
    if (log === undefined || !mayClose(log, state.self.deviceId)) {
      this.#giveUp('account-elder')
      return
    }
    const now = state.ports.now()
    this.#since ??= now
    if (kept.step === 'waiting') {
      this.#decide()
      return
    }
    if (now - this.#since < patienceMs && kept.rooms.some((id) => this.#lacks(kept.step, id))) {
      sync.kick()
      return
    }
    if (kept.step === 'telling') this.#keep({ ...kept, step: 'leaving' }, { steps: this.#open().map((room) => leaveRoom(room, state.moment())) })
    else this.#keep({ ...kept, step: 'closing' })
  }

  /** The first thing that cannot be undone. Who only asks to talk gets no answer; and no invite leads here any more. */
  #decide(): void {
    const { state, sync } = this.#options
    const rooms = this.#open().filter(({ room, members }) => isWell(room) && members.length > 1).map(({ room }) => room.id)
    const requests = [...state.rooms.values()].filter(({ room }) => room.state === 'request')
    this.#keep({ version: 1, step: 'telling', rooms }, {
      say: rooms.map((room) => ({ room, body: { type: 'closed' } })),
      invites: [...state.invites.values()].filter(({ withdrawn }) => !withdrawn).map((one) => ({ ...one, withdrawn: true })),
      removedRooms: requests.map(({ room }) => room.id), declined: requests.map(({ room: { id } }) => ({ id, people: [] })),
      wipe: requests.flatMap((room) => closeRoom(still(room), 'left').wipe),
    })
    sync.kick()
  }

  #open(): readonly RoomState[] {
    return [...this.#options.state.rooms.values()].filter(({ room }) => isShown(room) && isOpen(room))
  }

  /** Whether a conversation was not told yet, or not left, and can be. */
  #lacks(step: Told['at'], id: string): boolean {
    const { state } = this.#options
    const room = state.rooms.get(id)
    const isUnsent = (target: 'message' | 'proposal'): boolean => [...state.publishes.values()].some((one) =>
      one.target.type === target && toHex(one.target.room) === id && one.seq === 0n)
    if (step === 'waiting') return true
    if (room?.group === undefined || !isWell(room.room)) return false
    if (step === 'telling') {
      return !isHeld(state, id) && ([...state.outbox.values()].some((one) => toHex(one.room) === id) || isUnsent('message'))
    }
    return step === 'leaving' && room.room.leaving && (room.pending !== undefined || isUnsent('proposal'))
  }

  /** The entry that takes back every device, this one too. */
  async #end(): Promise<void> {
    const { state } = this.#options
    const isWanted = (): boolean => [...state.wantedEntries.values()].some(({ operation }) => operation.type === 'close')
    if (state.devices.closed === undefined && !isWanted()) wantEntry(state, { type: 'close' })
    const { closed } = await tendDeviceLog(state)
    if (closed !== undefined) this.#keep({ version: 1, step: 'deleting', rooms: [] })
    // Somebody with more rights has taken this device back meanwhile.
    else if (isRevoked(state)) this.#giveUp()
  }

  // -------------------------------------------------------------- what is kept and told

  #kept(): ClosingRecord | undefined {
    const stored = this.#options.state.store.document('setting', 'closing')
    return stored === undefined ? undefined : closingDocument.decode(stored)
  }

  #keep(record: ClosingRecord, transaction: Transaction = {}): void {
    this.#since = undefined
    this.#options.state.transact({
      ...transaction, documents: [{ kind: 'setting', key: 'closing', bytes: closingDocument.encode(record) }],
    })
    this.#tell()
  }

  #giveUp(code?: ErrorCode): void {
    const { state } = this.#options
    state.transact({
      documents: [{ kind: 'setting', key: 'closing', bytes: undefined }], ...code === undefined ? {} : { notice: { code } },
    })
    this.#wake?.()
    state.show({ closing: { at: 'none' } })
  }

  #tell(): void {
    const { told } = this
    const text = JSON.stringify(told)
    if (told === undefined || text === this.#told) return
    this.#told = text
    this.#options.state.show({ closing: told })
  }

  #pause(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped) resolve()
      const cancel = this.#options.state.ports.after(waitMs, resolve)
      this.#wake = () => { cancel(); resolve() }
    })
  }
}
