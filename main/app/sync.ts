import { deviceLogOf, inboxLog, keyPackageLog } from '../chat/mail.ts'
import { wantsCommit } from '../chat/membership.ts'
import {
  endsEpoch, knownAfter, nextSlot, onCommitRecord, onEpochBegun, onMessageRecord, untilAhead,
} from '../chat/receive.ts'
import type { RejoinReason, SignedStory } from '../chat/letter.ts'
import { beginRecovery } from '../chat/recovery.ts'
import { isWell, still, followedBy, type RoomState } from '../chat/room.ts'
import { groupLog, messageLogs } from '../chat/sealed.ts'
import { receiptBatch, receipts } from '../chat/send.ts'
import { PortError, type LogRecord, type Ports } from '../ports.ts'
import { watchEnd } from './afterwards.ts'
import { closedIn, onLeavesReplaced } from './alarms.ts'
import { tendCard } from './card.ts'
import { moveBulk } from './bulk.ts'
import { storeCommit } from './commit.ts'
import { isRevoked } from './devices.ts'
import { goOnInTime } from './continue.ts'
import { forgetAnswered, forgetInTime } from './health.ts'
import { takeMail } from './inbox.ts'
import { MemberLogs } from './member-logs.ts'
import { tendKeys } from './keys.ts'
import { leaveSpoilt, takeMoved } from './move.ts'
import { encryptOutbox, publishAll, report, stale } from './outbox.ts'
import { ask, checkSlots, compareWhenStrange, gossip, gossipEveryMs, isAgedOut, noteHead, onStory, otherEveryMs, waitBehind } from './recover.ts'
import { beginOwnGroup } from './own-group.ts'
import { sweep } from './staging.ts'
import type { State } from './state.ts'
import { onKeyPackageLog, restock, tendStock } from './stock.ts'
import { chance, Tasks } from './tasks.ts'
import { beforeCommit } from './tend-devices.ts'
import { tendRoom } from './tending.ts'

/**
 * Moves records between the logs and the state: what is to be published goes out, what others appended comes in. Each
 * step is repeatable: it takes its input from the store and the log, and a kill between any two lines repeats it.
 */
export class Sync {
  readonly #state: State
  readonly #ports: Ports
  readonly #tasks: Tasks
  readonly #members: MemberLogs
  /** Conversations whose newest slots were looked at since the delivery service was last away. */
  readonly #checked = new Set<string>()
  /** Conversations whose logs were read to their end since then: only now it is known which epoch is the last one. */
  readonly #current = new Set<string>()
  /** Conversations in whose slot something stands that this device has not followed yet. */
  readonly #taken = new Set<string>()
  readonly #undecidedSince = new Map<string, number>()
  readonly #comparedAt = new Map<string, number>()
  #unwatch: (() => void) | undefined
  #watched = ''
  #started = false
  #stopped = false
  #unreachable = false
  /** To its end, since the delivery service was last away. */
  #inboxRead = false

  constructor(state: State) {
    this.#state = state
    this.#ports = state.ports
    this.#members = new MemberLogs(state)
    this.#tasks = new Tasks(state.ports, (error) => { this.#failed(error) })
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    // Who was taken out of the account neither says nor hears anything any more.
    this.#stopped = isRevoked(this.#state)
    if (this.#stopped) {
      this.#unwatch = watchEnd(this.#state)
      return
    }
    tendStock(this.#state, { inboxRead: false })
    sweep(this.#state)
    this.#state.registers.wake = (room, waitMs) => { this.#tasks.wakeOnce(`own ${waitMs}`, waitMs, () => { this.kick(room) }) }
    this.kick()
  }

  /** Looks at everything, or at one conversation, soon. */
  kick(room?: string): void {
    if (this.#stopped) return
    this.#watch()
    this.#run('publish', () => this.#publishAll())
    this.#tasks.wakeOnce('card', cardQuietMs, () => { this.#tendCard() })
    this.#bulk()
    if (room !== undefined) {
      this.#run(room, () => this.#syncRoom(room))
      return
    }
    this.#run('inbox', () => this.#readInbox())
    this.#run('stock', () => this.#readStock())
    this.#run('devices', () => this.#readDevices())
    for (const id of this.#state.rooms.keys()) this.#run(id, () => this.#syncRoom(id))
  }

  /** The past for a new own device or from an old one, and attachments. */
  #bulk(): void {
    moveBulk(this.#state, {
      tasks: this.#tasks, isStopped: () => this.#stopped, ready: (conversation) => { this.kick(conversation) },
    })
  }

  /** A while after something happened, because much happens at once. */
  #tendCard(): void {
    tendCard(this.#state)
    this.#run('publish', () => this.#publishAll())
  }

  /** Resolves when what was stored to be published has been tried. */
  async published(): Promise<void> {
    this.start()
    await this.#tasks.done('publish')
  }

  /** Resolves when everything under way is done. Nothing starts afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unwatch?.()
    await this.#tasks.stop()
  }

  #run(name: string, work: () => Promise<void>): void {
    this.#tasks.run(name, work)
  }

  /** The world is away: say so once, and try again later. Anything else is a bug, and stops only this task. */
  #failed(error: unknown): void {
    if (!(error instanceof PortError)) {
      this.#ports.report(error)
      return
    }
    if (!this.#unreachable) this.#state.show({ notice: { code: error.code } })
    this.#unreachable = true
    this.#inboxRead = false
    this.#checked.clear()
    this.#current.clear()
    this.#ports.after(retryMs, () => { this.kick() })
  }

  #watch(): void {
    const { self, rooms } = this.#state
    const logs = [inboxLog(self.deviceId), keyPackageLog(self.deviceId), deviceLogOf(self.accountId)]
    for (const { room, group } of rooms.values()) {
      if (group !== undefined) logs.push(groupLog('h', room.log), ...messageLogs(room))
    }
    const watched = logs.join()
    if (watched === this.#watched) return
    this.#watched = watched
    this.#unwatch?.()
    this.#unwatch = this.#ports.delivery.watch(logs, (log) => { this.#woken(log) })
  }

  #woken(log: string): void {
    const { self, rooms } = this.#state
    if (this.#stopped) return
    if (log === inboxLog(self.deviceId)) this.#run('inbox', () => this.#readInbox())
    else if (log === keyPackageLog(self.deviceId)) this.#run('stock', () => this.#readStock())
    else if (log === deviceLogOf(self.accountId)) this.#run('devices', () => this.#readDevices())
    else for (const { room } of rooms.values()) {
      if (log === groupLog('h', room.log) || messageLogs(room).includes(log)) this.kick(room.id)
    }
  }

  // -------------------------------------------------------------- out

  async #publishAll(): Promise<void> {
    await publishAll(this.#state, {
      isStopped: () => this.#stopped, isCurrent: (id) => this.#inboxRead && this.#current.has(id),
      // The winner of the slot is read, and ours made again.
      onTaken: (id) => { this.#taken.add(id) },
      onAnswer: (commitOf) => {
        this.#unreachable = false
        if (commitOf !== undefined) this.kick(commitOf)
      },
    })
  }

  // -------------------------------------------------------------- in

  async #readInbox(): Promise<void> {
    const log = inboxLog(this.#state.self.deviceId)
    await this.#readAll(log, async (records) => {
      for (const record of records) {
        const left = await takeMail(this.#state, { log, record }, {
          catchUp: (id) => this.#catchUp(id), isStopped: () => this.#stopped,
        })
        if (this.#stopped) return
        if (left !== undefined && 'story' in left) this.#onTold(left.story)
        if (left !== undefined && 'other' in left) this.#onOther(left.other)
      }
      this.kick()
    })
    this.#inboxRead = true
    this.#run('publish', () => this.#publishAll())
  }

  /** Another member's story may show that the group has split. */
  #onTold(story: SignedStory): void {
    const todo = onStory(this.#state, story)
    if (todo !== undefined) this.#run(todo.name, todo.work)
  }

  /** An epoch ended in two ways: those who went the other one learn of this one, but not for every letter. */
  #onOther(id: string): void {
    const now = this.#ports.now()
    if (now - (this.#comparedAt.get(id) ?? 0) < otherEveryMs) return
    this.#comparedAt.set(id, now)
    this.#run(`other ${id}`, () => gossip(this.#state, id))
  }

  /** After the inbox: a KeyPackage whose Welcome has come was not claimed for nothing. */
  async #readStock(): Promise<void> {
    const log = keyPackageLog(this.#state.self.deviceId)
    await this.#tasks.done('inbox')
    await this.#readAll(log, (records) => {
      onKeyPackageLog(this.#state, log, records)
      return Promise.resolve()
    })
    if (this.#stopped) return
    const nextAt = tendStock(this.#state, { inboxRead: this.#inboxRead })
    await restock(this.#state)
    this.#run('publish', () => this.#publishAll())
    this.#tasks.wake('stock', nextAt - this.#ports.now(), () => { this.kick() })
  }

  /** The own account's device log; what it says of devices concerns every conversation. */
  async #readDevices(): Promise<void> {
    const before = this.#state.devices
    await tendKeys(this.#state)
    beginOwnGroup(this.#state)
    this.#unreachable = false
    if (this.#stopped) return
    if (isRevoked(this.#state)) {
      void this.stop()
      this.#unwatch = watchEnd(this.#state)
    } else if (this.#state.devices !== before) this.kick()
  }

  async #readAll(log: string, take: (records: readonly LogRecord[]) => Promise<void>): Promise<void> {
    for (;;) {
      const records = await this.#ports.delivery.read(log, this.#state.store.cursor(log), readBatch)
      this.#unreachable = false
      if (records.length === 0 || this.#stopped) return
      await take(records)
    }
  }

  async #syncRoom(id: string): Promise<void> {
    if (!this.#checked.has(id)) await this.#check(id)
    if (this.#isUnwell(id)) {
      await this.#recover(id)
      return
    }
    await this.#readCommits(id)
    const { strangeAt = 0, behindAt = 0 } = this.#state.rooms.get(id)?.room ?? {}
    if (this.#taken.delete(id) || strangeAt > 0 || behindAt > 0) await this.#readSlots(id)
    // A commit of our own is on its way: nothing of the next epoch can be there, and the outbox waits for it.
    if (this.#state.rooms.get(id)?.pending === undefined) await this.#readMessages(id)
    if (this.#state.rooms.get(id)?.group === undefined || this.#stopped) return
    if (this.#isUnwell(id)) {
      await this.#recover(id)
      return
    }
    if (await this.#leaveSpoilt(id)) return
    this.#goOn(id)
    noteHead(this.#state, id)
    await this.#compare(id)
    this.#forget(id)
    report(this.#state, id)
    const { waitMs, differing } = await tendRoom(this.#state, id)
    for (const one of differing) this.#onOther(one)
    if (waitMs !== undefined) this.#tasks.wake(`tend ${id}`, waitMs, () => { this.kick(id) })
    await this.#commitOrWait(id)
    const encrypted = encryptOutbox(this.#state, id)
    if (encrypted === 'some') this.kick(id)
    else if (encrypted === 'all') this.#run('publish', () => this.#publishAll())
  }

  /** Read to the end: what was made for this epoch may go out. */
  #goOn(id: string): void {
    this.#members.follow(this.#tasks, () => { this.kick() })
    if (this.#current.has(id)) return
    this.#current.add(id)
    this.#run('publish', () => this.#publishAll())
  }

  // -------------------------------------------------------------- recovery

  /** Where the slots of an epoch are used up. Says whether the group has moved, so that its new log is read. */
  async #leaveSpoilt(id: string): Promise<boolean> {
    const waitMs = await leaveSpoilt(this.#state, id)
    if (waitMs === 'moved') this.kick(id)
    else if (waitMs !== undefined) this.#tasks.wake(`move ${id}`, waitMs, () => { this.kick(id) })
    return waitMs === 'moved'
  }

  #isUnwell(id: string): boolean {
    const room = this.#state.rooms.get(id)?.room
    return room !== undefined && !isWell(room)
  }

  /** After an absence, before anything is appended: is the log still the one that this device knows? */
  async #check(id: string): Promise<void> {
    const room = this.#state.rooms.get(id)
    if (room?.group === undefined) return
    if (await isAgedOut(this.#ports, room, this.#ports.now())) this.#begin(id, 'aged', room.room.headAt)
    else await checkSlots(this.#state, id)
    this.#checked.add(id)
  }

  async #compare(id: string): Promise<void> {
    const waitMs = waitBehind(this.#state, id)
    if (waitMs !== undefined) this.#tasks.wake(`behind ${id}`, waitMs, () => { this.kick(id) })
    const answer = await compareWhenStrange(this.#state, id, this.#comparedAt.get(id) ?? 0)
    if (answer === 'compared') {
      this.#comparedAt.set(id, this.#ports.now())
      this.#later(id, gossipEveryMs)
    } else if (answer !== undefined) this.#later(id, answer)
  }

  #begin(id: string, reason: RejoinReason, from: number): void {
    const state = this.#state.rooms.get(id)
    if (state === undefined) return
    const step = beginRecovery(state, { reason, from }, this.#state.moment())
    if (step.state !== state) this.#state.transact({ steps: [step], removedPublish: stale(this.#state, state, step) })
  }

  /** What can still be read is read, the inbox too; then this device asks to be let back in, now or when it is time again. */
  async #recover(id: string): Promise<void> {
    await Promise.all([this.#readMessages(id), this.#tasks.done('inbox')])
    this.#forget(id)
    const turnMs = goOnInTime(this.#state, id)
    if (turnMs === 'done') this.kick()
    else if (turnMs !== undefined) this.#tasks.wake(`go on ${id}`, turnMs, () => { this.kick(id) })
    const waitMs = await ask(this.#state, id)
    this.#run('publish', () => this.#publishAll())
    if (waitMs !== undefined) this.#later(id, waitMs)
  }

  /** Looks at a conversation again after a while. */
  #later(id: string, waitMs: number): void {
    this.#tasks.wake(id, waitMs, () => { this.kick(id) })
  }

  /** A commit that needs something which is not here; it may come, but not for ever. */
  #undecided(id: string): void {
    const now = this.#ports.now()
    const since = this.#undecidedSince.get(id) ?? now
    this.#undecidedSince.set(id, since)
    if (now - since >= undecidedMs) this.#begin(id, 'undecided', since)
    else this.#later(id, undecidedMs - (now - since))
  }

  async #readCommits(id: string): Promise<void> {
    for (;;) {
      const room = this.#state.rooms.get(id)
      if (room?.group === undefined) return
      const log = groupLog('h', room.room.log)
      const records = await this.#ports.delivery.read(log, this.#state.store.cursor(log), readBatch)
      this.#unreachable = false
      if (records.length === 0 || this.#stopped) return
      if (!await this.#takeCommits(id, log, records)) return
    }
  }

  /**
   * Through the moves that came by letter, too: what comes next may follow from the newest of them. Whoever else reads the
   * conversation meanwhile may have followed one: then its new log is read as well.
   */
  async #catchUp(id: string): Promise<void> {
    const epoch = (): bigint | undefined => this.#state.rooms.get(id)?.group?.context.epoch
    for (let before: bigint | undefined; !this.#stopped && before !== epoch();) {
      before = epoch()
      await this.#readCommits(id)
      await this.#readMessages(id, 'epoch')
      takeMoved(this.#state, id)
    }
  }

  /** One record, one transaction: a commit changes everything. Says whether to read on. */
  async #takeCommits(id: string, log: string, records: readonly LogRecord[]): Promise<boolean> {
    for (const record of records) {
      // What was said in an epoch is read before it ends: soon its keys go, and a member who is removed has none.
      if (endsEpoch(this.#state.rooms.get(id), record)) await this.#readMessages(id, 'epoch')
      const state = this.#state.rooms.get(id)
      if (state?.group === undefined) return false
      if (record.seq <= this.#state.store.cursor(log)) continue
      if (!this.#takeCommit(state, record, [{ log, seq: record.seq }])) return false
    }
    return true
  }

  #takeCommit(state: RoomState, record: LogRecord, cursors: readonly { readonly log: string, readonly seq: number }[]) {
    const step = onCommitRecord(state, record, this.#state.moment())
    if (step === 'undecided') {
      this.#undecided(state.room.id)
      return false
    }
    this.#undecidedSince.delete(state.room.id)
    const begun = step.state.group === state.group ? step
      : followedBy(step, onEpochBegun(step.state, this.#state.moment()))
    onLeavesReplaced(this.#state, state, begun.state)
    this.#state.transact({ steps: [begun], cursors, removedPublish: stale(this.#state, state, begun) })
    return true
  }

  /**
   * The slots themselves, epoch by epoch: a record that was put back into the log stands behind those that follow it,
   * where the cursor has been already.
   */
  async #readSlots(id: string): Promise<void> {
    for (;;) {
      const before = this.#state.rooms.get(id)
      if (before?.group === undefined || !isWell(before.room) || this.#stopped) return
      const slot = nextSlot(before)
      const record = slot === '' ? undefined : await this.#ports.delivery.slot(groupLog('h', before.room.log), slot)
      if (record === undefined) return
      await this.#readMessages(id, 'epoch')
      const state = this.#state.rooms.get(id)
      if (state === before && !this.#takeCommit(state, record, [])) return
    }
  }

  /** To the end of the log, or to the first record of an epoch that is still to come. */
  async #readMessages(id: string, until: 'end' | 'epoch' = 'end'): Promise<void> {
    const logs = messageLogs(this.#state.rooms.get(id)?.room)
    for (const log of logs) await this.#readLog(id, log, until)
  }

  async #readLog(id: string, log: string, until: 'end' | 'epoch'): Promise<void> {
    for (;;) {
      if (this.#state.rooms.get(id)?.group === undefined) return
      const records = await this.#ports.delivery.read(log, this.#state.store.cursor(log), readBatch)
      const taken = until === 'end' ? records : untilAhead(this.#state.rooms.get(id), records)
      if (taken.length === 0 || this.#stopped) return
      this.#takeMessages(id, log, taken)
    }
  }

  /** A batch is one transaction, so that catching up writes once for many messages. */
  #takeMessages(id: string, log: string, records: readonly LogRecord[]): void {
    const state = this.#state.rooms.get(id)
    if (state?.group === undefined) return
    const cursor = this.#state.store.cursor(log)
    const moment = this.#state.moment()
    const last = records.at(-1)?.seq ?? cursor
    // The inbox may have had this conversation read meanwhile.
    if (last <= cursor) return
    let step = still(state)
    for (const record of records) {
      if (record.seq <= cursor) continue
      step = followedBy(step, onMessageRecord(step.state, record, knownAfter(step, moment), log))
    }
    step = followedBy(step, receipts(step.state, receiptBatch))
    this.#members.expect(closedIn(step))
    this.#state.transact({
      steps: [step], cursors: [{ log, seq: last }], removedPublish: stale(this.#state, state, step),
    })
  }

  // -------------------------------------------------------------- what follows

  #forget(id: string): void {
    const waitMs = this.#stopped ? undefined : forgetInTime(this.#state, id)
    if (this.#inboxRead && !this.#stopped) forgetAnswered(this.#state, id)
    if (waitMs !== undefined) this.#tasks.wake(`forget ${id}`, waitMs, () => { this.kick(id) })
  }

  async #commitOrWait(id: string): Promise<void> {
    const state = this.#state.rooms.get(id)
    if (state === undefined || !wantsCommit(state, this.#ports.now())) {
      this.#laterCommit(state)
      return
    }
    if (state.room.intents.every(({ type }) => type === 'readmit' || type === 'revoke' || type === 'link')) {
      // Somebody's proposal, request or device: every member wants to commit it, so who does is left to chance.
      await chance(this.#ports)
      if (this.#stopped) return
      await this.#readCommits(id)
    }
    await beforeCommit(this.#state, id)
    if (storeCommit(this.#state, id)) this.kick(id)
  }

  /** Some of what is wanted waits for its time. */
  #laterCommit(state: RoomState | undefined): void {
    const now = this.#ports.now()
    // What is due and cannot be done yet waits for something else than the time.
    const times = state?.room.intents.flatMap((one) => 'notBefore' in one && one.notBefore > now ? [one.notBefore] : []) ?? []
    if (state !== undefined && times.length > 0) this.#later(state.room.id, Math.max(1_000, Math.min(...times) - now))
  }
}

const readBatch = 200
const retryMs = 2_000
const cardQuietMs = 2_000
/** How long a commit may need something that is not here. */
const undecidedMs = 2 * 60 * 1000
