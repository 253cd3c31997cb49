import { createHash } from 'node:crypto'
import path from 'node:path'
import { roomDocument } from '../../main/chat/documents.ts'
import { groupCode } from '../../main/chat/epochs.ts'
import { accountOf } from '../../main/chat/account-of.ts'
import { groupLog } from '../../main/chat/sealed.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { groupFromParts, leavesOf } from '../../main/mls/index.ts'
import type { Delivery, StoredEntry } from '../../main/ports.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { suites } from '../scenario/world.ts'
import type { Actor, Cast } from './cast.ts'
import { readJournal, type Line } from './journal.ts'

/**
 * What everybody has in the end against what the journals and the log say that they should have. A message is due to
 * whoever was in the group in an epoch under which its record stands in the log.
 */
export type Verdict = {
  /** Operations done, by kind. */
  readonly operations: Readonly<Record<string, number>>
  readonly epochs: number
  readonly messages: number
  /** Pairs of a message and somebody to whom it is due. */
  readonly deliveries: number
  readonly lost: number
  readonly doubled: number
  /** Gaps in somebody's timeline. */
  readonly unreadable: number
  /** Epochs and groups in which two members do not agree. */
  readonly apart: number
  readonly findings: readonly string[]
}

type Room = { readonly id: string, readonly log: string, readonly state: string, readonly code: string
  readonly epoch: string, readonly members: readonly string[] }
type Holdings = { readonly actor: Actor, readonly rooms: ReadonlyMap<string, Room>
  readonly entries: readonly StoredEntry[], readonly byId: ReadonlyMap<string, StoredEntry>
  readonly journal: readonly Line[] }

export async function judge(folder: string, cast: Cast): Promise<Verdict> {
  const all = cast.people.map((actor) => holdingsOf(folder, actor))
  const delivery = openSqliteDelivery({ file: path.join(folder, 'delivery.sqlite') })
  const court = new Court(all)
  court.epochs()
  court.ends()
  court.calls()
  await court.messages(delivery)
  court.timelines()
  await delivery.close()
  return court.verdict()
}

function holdingsOf(folder: string, actor: Actor): Holdings {
  const key = new Uint8Array(Buffer.from(actor.key, 'hex'))
  const store = openStore({ file: path.join(folder, actor.name, 'profile.sqlite'), key })
  const rooms = new Map<string, Room>()
  const entries: StoredEntry[] = []
  for (const { bytes } of store.documents('room')) {
    const { id, log, state } = roomDocument.decode(bytes)
    const parts = store.group(id)
    const group = parts === undefined ? undefined : groupFromParts(suites, parts)
    rooms.set(id, {
      id, log, state, code: group === undefined ? '' : groupCode(group), epoch: String(group?.context.epoch ?? ''),
      members: group === undefined ? [] : leavesOf(group.tree).map(({ leafNode }) => accountOf(leafNode)),
    })
    entries.push(...store.entriesBefore(id, 0, 1_000_000))
  }
  store.close()
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  return { actor, rooms, entries, byId, journal: readJournal(folder, actor.name) }
}

class Court {
  readonly #all: readonly Holdings[]
  readonly #byAccount: ReadonlyMap<string, Holdings>
  readonly #findings: string[] = []
  /** By group and epoch. */
  readonly #members = new Map<string, readonly string[]>()
  readonly #operations: Record<string, number> = {}
  #apart = 0
  #messages = 0
  #deliveries = 0
  #lost = 0
  #doubled = 0
  #unreadable = 0

  constructor(all: readonly Holdings[]) {
    this.#all = all
    this.#byAccount = new Map(all.map((one) => [one.actor.accountId, one]))
  }

  verdict(): Verdict {
    return {
      operations: this.#operations, epochs: this.#members.size, messages: this.#messages, deliveries: this.#deliveries,
      lost: this.#lost, doubled: this.#doubled, unreadable: this.#unreadable, apart: this.#apart, findings: this.#findings,
    }
  }

  #find(what: string): void {
    this.#findings.push(what)
  }

  /** In every epoch that ever was, all its members had the same epoch authenticator and saw the same members. */
  epochs(): void {
    const seen = new Map<string, { readonly what: string, readonly by: string }>()
    for (const { actor, journal } of this.#all) {
      for (const line of journal) {
        if (line.type !== 'epoch') continue
        const name = `${line.room} ${line.epoch}`
        const what = `${line.code} ${[...line.members].sort().join()}`
        const first = seen.get(name)
        if (first === undefined) seen.set(name, { what, by: actor.name })
        else if (first.what !== what) {
          this.#apart += 1
          this.#find(`apart in epoch ${line.epoch} of ${line.room}: ${first.by} and ${actor.name}`)
        }
        this.#members.set(name, line.members)
      }
    }
  }

  /** Who is in a group has it, in the same epoch as the others; who has it is in it. */
  ends(): void {
    const groups = new Map<string, Holdings[]>()
    for (const one of this.#all) {
      for (const { id, code } of one.rooms.values()) {
        if (code !== '') groups.set(id, [...groups.get(id) ?? [], one])
      }
    }
    for (const [id, holders] of groups) {
      const codes = new Set(holders.map(({ rooms }) => `${rooms.get(id)?.epoch} ${rooms.get(id)?.code}`))
      const members = holders[0]?.rooms.get(id)?.members ?? []
      const there = holders.map(({ actor }) => actor.accountId).sort().join()
      if (codes.size === 1 && [...members].sort().join() === there) continue
      this.#apart += 1
      const names = (accounts: readonly string[]): string =>
        accounts.map((account) => this.#byAccount.get(account)?.actor.name ?? '?').sort().join(' ')
      this.#find(`apart in ${id}: ${holders.map(({ actor, rooms }) => `${actor.name} ${rooms.get(id)?.epoch}`).join(', ')}; `
        + `members are ${names(members)}`)
    }
  }

  /** What a Call was answered for is there. */
  calls(): void {
    for (const { actor, journal, byId } of this.#all) {
      for (const line of journal) {
        if (line.type === 'refused') this.#find(`${actor.name}, operation ${line.operation}: ${line.kind} was refused: ${line.code}`)
        if (line.type !== 'done') continue
        this.#operations[line.kind] = (this.#operations[line.kind] ?? 0) + 1
        if (line.entry === undefined || byId.has(line.entry)) continue
        this.#lost += 1
        this.#find(`${actor.name}, operation ${line.operation}: the message ${line.entry} is gone`)
      }
    }
  }

  async messages(delivery: Delivery): Promise<void> {
    const positions = await this.#positions(delivery)
    for (const { actor, journal, byId } of this.#all) {
      const due = new Map<string, Set<Holdings>>()
      for (const line of journal) {
        if (line.type !== 'sealed') continue
        const seq = positions.get(line.record)
        if (seq === undefined) continue
        for (const entry of line.entries) {
          if (byId.get(entry)?.kind !== 'message') continue
          const readers = due.get(entry) ?? new Set()
          due.set(entry, readers)
          for (const reader of this.#readersOf(line)) if (reader.actor !== actor) readers.add(reader)
        }
      }
      this.#messages += due.size
      for (const [entry, readers] of due) for (const reader of readers) this.#expect(actor, entry, reader)
    }
  }

  #expect(sender: Actor, entry: string, reader: Holdings): void {
    this.#deliveries += 1
    if (reader.byId.has(entry)) return
    this.#lost += 1
    this.#find(`lost: ${entry} of ${sender.name} is not with ${reader.actor.name}`)
  }

  #readersOf({ room, epoch }: Extract<Line, { readonly type: 'sealed' }>): readonly Holdings[] {
    const members = this.#members.get(`${room} ${epoch}`)
    if (members === undefined) this.#find(`nobody knows epoch ${epoch} of ${room}`)
    return (members ?? []).flatMap((account) => this.#byAccount.get(account) ?? [])
  }

  /** Where each record stands in the log. */
  async #positions(delivery: Delivery): Promise<ReadonlyMap<string, number>> {
    const positions = new Map<string, number>()
    const logs = new Set(this.#all.flatMap(({ rooms }) => [...rooms.values()].map(({ log }) => groupLog('m', log))))
    for (const log of logs) {
      for (let after = 0; ;) {
        const records = await delivery.read(log, after, 1_000)
        for (const { seq, bytes } of records) positions.set(createHash('sha256').update(bytes).digest('hex'), seq)
        const last = records.at(-1)
        if (last === undefined) break
        after = last.seq
      }
    }
    return positions
  }

  /** Nobody reads anything twice, or reads that something could not be read, or still waits to send. */
  timelines(): void {
    for (const { actor, rooms, entries } of this.#all) {
      const texts = new Set<string>()
      for (const entry of entries) {
        if (entry.kind === 'gap') {
          this.#unreadable += entry.count
          this.#find(`unreadable: ${actor.name} has a gap of ${entry.count}, ${entry.reason} ${entry.rule ?? ''}, in ${entry.conversation}`)
        }
        if (entry.kind === 'fact' && entry.fact.fact === 'returned') this.#find(`${actor.name} had to be let back in: ${entry.id}`)
        if (entry.kind !== 'message') continue
        if (texts.has(entry.text)) {
          this.#doubled += 1
          this.#find(`doubled: ${actor.name} has "${entry.text}" twice`)
        }
        texts.add(entry.text)
        if (entry.own && entry.state === 'sending' && rooms.get(entry.conversation)?.state === 'active') {
          this.#find(`${actor.name} still sends "${entry.text}" in ${entry.conversation}`)
        }
      }
    }
  }
}
