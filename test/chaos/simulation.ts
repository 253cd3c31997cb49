import { mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Conversation, GapReason } from '../../preload/api.ts'
import { Client } from './client.ts'
import { VirtualClock } from './clock.ts'
import { requestLimit } from '../../main/chat/recovery.ts'
import { ChaosLogs, noFaults, type Faults } from './delivery.ts'
import { SeededRandom } from './random.ts'

/** Many people, months of time and a delivery that cannot be trusted; afterwards everybody has to be together again. */

export type Plan = {
  readonly clients: number
  readonly operations: number
  readonly seed: string
  /** Where the stores lie while it runs. */
  readonly folder: string
  readonly progress: (line: string) => void
}

export type Result = {
  readonly seed: string
  readonly operations: Readonly<Record<string, number>>
  readonly virtualDays: number
  readonly races: number
  readonly retries: number
  readonly dropped: number
  readonly garbage: number
  readonly splits: number
  readonly rejoins: number
  readonly forksFound: number
  readonly forksHealed: number
  readonly messages: number
  readonly lost: number
  /** Of what was said before the reader ever heard of the speaker: not counted by anybody. */
  readonly beforeFirst: number
  /** Not counted either: of somebody whose profile was put back to an older state. */
  readonly putBack: number
  readonly doubled: number
  readonly unsent: number
  readonly unreadable: Readonly<Record<string, number>>
  readonly unknownReasons: number
  readonly leftOut: number
  readonly bugs: number
  readonly apart: readonly string[]
  readonly converged: boolean
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const bad: Faults = { unreachable: 0.01, lostAnswer: 0.01, doubled: 0.01, stale: 0.02, delayMs: 2_000 }
const knownReasons: readonly GapReason[] = ['before-joined', 'epoch-too-old', 'lost', 'away', 'malformed', 'undecided']

type Operation = { readonly weight: number, readonly run: (client: Client) => Promise<boolean> }

export class Simulation {
  readonly #plan: Plan
  readonly #random: SeededRandom
  readonly #clock = new VirtualClock(Date.UTC(2030, 0, 1))
  readonly #logs: ChaosLogs
  readonly #clients: Client[] = []
  readonly #folder: string
  readonly #done = new Map<string, number>()
  /** Who is away, and until when. */
  readonly #asleep = new Map<Client, number>()
  #splitUntil = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.#random = new SeededRandom(`simulation ${plan.seed}`)
    this.#logs = new ChaosLogs(this.#clock, new SeededRandom(`logs ${plan.seed}`), noFaults)
    this.#folder = mkdtempSync(path.join(plan.folder, 'coppice-simulation-'))
  }

  async run(): Promise<Result> {
    try {
      await this.#prepare()
      await this.#muddle()
      await this.#settle()
      return await this.#result()
    } finally {
      for (const client of this.#clients) await this.#clock.runFor(client.stop())
      rmSync(this.#folder, { recursive: true, force: true })
    }
  }

  // -------------------------------------------------------------- beginning

  async #prepare(): Promise<void> {
    const { clients, seed } = this.#plan
    for (let at = 0; at < clients; at++) {
      const client = new Client(`p${at}`, this.#folder, this.#logs, seed)
      this.#clients.push(client)
      await this.#clock.runFor(client.setUp())
    }
    await this.#clock.runUntil(this.#clock.now() + minuteMs)
    for (let group = 0; group < Math.max(1, Math.floor(clients / 4)); group++) {
      const founder = this.#random.pick(this.#clients)
      if (founder === undefined) continue
      const others = this.#some(this.#clients.filter((one) => one !== founder), 2 + this.#random.below(5))
      await this.#clock.runFor(this.#found(founder, others, `group ${group}`))
      await this.#clock.runUntil(this.#clock.now() + 5 * minuteMs)
    }
  }

  async #found(founder: Client, others: readonly Client[], name: string): Promise<void> {
    const invites: string[] = []
    for (const other of others) invites.push((await other.call('invite.show', {})).text)
    await founder.call('conversation.group', { name, people: [], invites })
  }

  #some<T>(values: readonly T[], amount: number): readonly T[] {
    const left = [...values]
    return Array.from({ length: Math.min(amount, left.length) }, () => left.splice(this.#random.below(left.length), 1)).flat()
  }

  // -------------------------------------------------------------- months of mischief

  async #muddle(): Promise<void> {
    this.#logs.faults = bad
    const { operations, progress } = this.#plan
    for (let at = 0; at < operations; at++) {
      await this.#clock.runUntil(this.#clock.now() + this.#random.below(30 * minuteMs))
      this.#wakeUp()
      this.#disturb()
      const client = this.#random.pick(this.#clients.filter((one) => one.isRunning))
      if (client !== undefined) this.#act(client)
      if ((at + 1) % 500 === 0) progress(`${at + 1} of ${operations} operations`)
    }
  }

  /** Starts one operation and does not wait for it: others go on meanwhile. */
  #act(client: Client): void {
    const entries = Object.entries(this.#operations)
    let choice = this.#random.below(entries.reduce((sum, [, { weight }]) => sum + weight, 0))
    for (const [name, { weight, run }] of entries) {
      choice -= weight
      if (choice >= 0) continue
      void run(client).then(
        (done) => { if (done) this.#done.set(name, (this.#done.get(name) ?? 0) + 1) },
        () => { this.#done.set(`${name} refused`, (this.#done.get(`${name} refused`) ?? 0) + 1) },
      )
      return
    }
  }

  readonly #operations: Readonly<Record<string, Operation>> = {
    say: { weight: 70, run: (client) => this.#within(client, (chat) => client.say(chat.id)) },
    add: { weight: 4, run: (client) => this.#within(client, async (chat) => {
      const present = new Set(chat.people.map(({ accountId }) => accountId))
      const guest = this.#random.pick(this.#clients.filter((one) => one.isRunning && !present.has(one.accountId)))
      if (guest === undefined || !chat.mayAdd || chat.people.length > 8) return
      const { text } = await guest.call('invite.show', {})
      await client.call('conversation.add', { conversation: chat.id, people: [], invites: [text] })
    }) },
    remove: { weight: 2, run: (client) => this.#within(client, async (chat) => {
      const person = this.#random.pick(chat.people.filter(({ own }) => !own))
      if (person === undefined || !chat.mayRemove || chat.people.length < 4) return
      await client.call('conversation.remove', { conversation: chat.id, accountId: person.accountId })
    }) },
    leave: { weight: 1, run: (client) => this.#within(client, async (chat) => {
      if (chat.people.length > 3) await client.call('conversation.leave', { conversation: chat.id })
    }) },
    rename: { weight: 4, run: (client) => this.#within(client, async (chat) => {
      if (chat.mayRename) await client.call('conversation.rename', { conversation: chat.id, name: `n${this.#random.below(1_000)}` })
    }) },
    restart: { weight: 6, run: (client) => this.#apart(client, () => Promise.resolve()) },
    sleep: { weight: 2, run: (client) => this.#apart(client, () => {
      const days = this.#random.chance(0.05) ? 80 + this.#random.below(30) : this.#random.below(10)
      this.#asleep.set(client, this.#clock.now() + days * dayMs)
      return Promise.resolve()
    }) },
    spoil: { weight: 1, run: async (client) => {
      const chat = this.#random.pick((await client.conversations()).filter(({ state }) => state === 'active'))
      return chat !== undefined && await this.#apart(client, async () => { await client.spoil(chat.id) })
    } },
    copy: { weight: 1, run: (client) => this.#apart(client, () => { client.copy(); return Promise.resolve() }) },
    putBack: { weight: 1, run: async (client) => client.hasCopy
      && await this.#apart(client, () => { client.putBack(); return Promise.resolve() }) },
  }

  async #within(client: Client, act: (chat: Conversation) => Promise<void>): Promise<boolean> {
    const chat = this.#random.pick((await client.conversations()).filter(({ state }) => state === 'active'))
    if (chat === undefined) return false
    await act(chat)
    return true
  }

  /** Stops a client, does something, and starts it again unless it is to sleep. */
  async #apart(client: Client, act: () => Promise<void>): Promise<boolean> {
    client.busy = true
    await client.stop()
    await act()
    if (!this.#asleep.has(client)) await client.start()
    client.busy = false
    return true
  }

  #wakeUp(): void {
    for (const [client, until] of this.#asleep) {
      if (client.busy || until > this.#clock.now()) continue
      this.#asleep.delete(client)
      client.busy = true
      void client.start().finally(() => { client.busy = false })
    }
  }

  #disturb(): void {
    const logs = this.#logs.logs().filter((log) => /^[hm]\./.test(log))
    const log = this.#random.pick(logs)
    if (log === undefined) return
    if (this.#random.chance(0.01)) this.#logs.dropTail(log, 1 + this.#random.below(2))
    if (this.#random.chance(0.02)) this.#logs.addGarbage(log)
    if (this.#splitUntil > 0 && this.#clock.now() > this.#splitUntil) {
      this.#splitUntil = 0
      this.#logs.unsplit()
    }
    if (this.#splitUntil === 0 && this.#random.chance(0.002)) {
      const name = log.slice(2)
      const audience = this.#clients.filter(() => this.#random.chance(0.4)).map((client) => client.name)
      this.#logs.split([`h.${name}`, `m.${name}`], audience)
      this.#splitUntil = this.#clock.now() + this.#random.below(2 * dayMs)
    }
  }

  // -------------------------------------------------------------- peace

  async #settle(): Promise<void> {
    this.#plan.progress('settling')
    this.#logs.faults = noFaults
    this.#logs.unsplit()
    await this.#clock.runUntil(this.#clock.now() + 60 * minuteMs)
    for (const client of this.#clients) {
      await this.#clock.runFor(client.stop())
      await this.#clock.runFor(client.start())
    }
    await this.#clock.runUntil(this.#clock.now() + 30 * dayMs)
    // A last word from everybody: whoever lacks something learns of it.
    for (const client of this.#clients) {
      for (const { id, state } of await this.#clock.runFor(client.conversations())) {
        if (state === 'active') await this.#clock.runFor(client.say(id))
      }
    }
    await this.#clock.runUntil(this.#clock.now() + 2 * dayMs)
  }

  async #result(): Promise<Result> {
    const apart: string[] = []
    const unreadable = new Map<string, number>()
    let [lost, doubled, unsent, unknownReasons, leftOut, beforeFirst, putBack] = [0, 0, 0, 0, 0, 0, 0]
    const chats = new Map<string, { readonly client: Client, readonly chat: Conversation }[]>()
    for (const client of this.#clients) {
      for (const chat of await this.#clock.runFor(client.conversations())) {
        const together = chats.get(chat.id) ?? []
        chats.set(chat.id, together)
        // Added in the story that did not stay: the app has said that somebody has to add them anew.
        if (chat.state === 'active' && (chat.recovering?.asked ?? 0) >= requestLimit) leftOut += 1
        else if (chat.state === 'active') together.push({ client, chat })
      }
    }
    for (const [id, together] of chats) {
      const codes = new Map<string, string[]>()
      const members = await Promise.all(together.map(async ({ client, chat }) => {
        const { groupCode } = await this.#clock.runFor(client.call('conversation.details', { conversation: id }))
        const key = chat.recovering === undefined ? groupCode : `${chat.recovering.reason} ${chat.recovering.asked}`
        codes.set(key, [...codes.get(key) ?? [], client.name])
        return { client, entries: await this.#clock.runFor(client.entries(id)) }
      }))
      if (codes.size > 1) apart.push(`${id.slice(0, 6)}: ${[...codes].map(([code, names]) => `${code.slice(0, 12)} ${names.join(' ')}`).join(' | ')}`)
      const counted = count(id, members)
      lost += counted.lost
      doubled += counted.doubled
      unsent += counted.unsent
      beforeFirst += counted.beforeFirst
      putBack += counted.putBack
      for (const [reason, amount] of counted.unreadable) {
        unreadable.set(reason, (unreadable.get(reason) ?? 0) + amount)
        if (!knownReasons.includes(reason)) unknownReasons += amount
      }
    }
    const sum = (of: (client: Client) => number): number => this.#clients.reduce((total, client) => total + of(client), 0)
    const forksFound = sum(({ seen }) => seen.forks)
    const bugs = sum((client) => client.bugs.length)
    for (const client of this.#clients) for (const bug of client.bugs.slice(0, 1)) this.#plan.progress(`${client.name}: ${bug instanceof Error ? bug.stack ?? '' : String(bug)}`)
    const { counts } = this.#logs
    return {
      seed: this.#plan.seed, operations: Object.fromEntries([...this.#done].sort()),
      virtualDays: Math.round((this.#clock.now() - Date.UTC(2030, 0, 1)) / dayMs),
      races: counts.taken, retries: counts.retries, dropped: counts.dropped, garbage: counts.garbage,
      splits: counts.splits, rejoins: sum(({ seen }) => seen.returned), forksFound,
      forksHealed: forksFound - apart.filter((one) => one.includes('forked')).length,
      messages: sum(({ said }) => said.length), lost, beforeFirst, putBack, doubled, unsent, unreadable: Object.fromEntries([...unreadable].sort()),
      unknownReasons, leftOut, bugs, apart,
      converged: apart.length === 0 && lost + doubled + unsent + unknownReasons + bugs === 0,
    }
  }
}

type Member = { readonly client: Client, readonly entries: Awaited<ReturnType<Client['entries']>> }

/** What each member of a conversation should have of each other, and has. */
function count(conversation: string, members: readonly Member[]) {
  const unreadable = new Map<GapReason, number>()
  let [lost, doubled, unsent, beforeFirst, putBack] = [0, 0, 0, 0, 0]
  for (const { client: reader, entries } of members) {
    const texts = new Map<string, number>()
    let joined = 0
    for (const entry of entries) {
      if (entry.kind === 'message') texts.set(entry.text, (texts.get(entry.text) ?? 0) + 1)
      if (entry.kind === 'fact' && entry.fact.fact === 'joined') joined = entry.at
      if (entry.kind === 'gap') unreadable.set(entry.reason, (unreadable.get(entry.reason) ?? 0) + entry.count)
    }
    for (const amount of texts.values()) if (amount > 1) doubled += amount - 1
    for (const { client: speaker, entries: spoken } of members) {
      if (speaker === reader) continue
      const told = entries.reduce((sum, entry) =>
        entry.kind === 'gap' && entry.from === speaker.accountId ? sum + entry.count : sum, 0)
      const own = new Map(spoken.flatMap((entry) => entry.kind === 'message' && entry.own ? [[entry.text, entry.state]] : []))
      const due = speaker.said.filter((one) => one.conversation === conversation && one.at > joined && own.has(one.text))
      unsent += due.filter(({ text }) => own.get(text) === 'sending').length
      const gone = due.filter(({ text }) => own.get(text) !== 'sending' && !texts.has(text))
      // Nothing can tell a newcomer how much those who were there had said before their first word reached it.
      const first = due.findIndex(({ text }) => texts.has(text))
      const early = gone.filter((one) => first < 0 || due.indexOf(one) < first).length
      const missing = gone.length
      const unnoticed = Math.max(0, missing - told)
      beforeFirst += Math.min(early, unnoticed)
      // Whoever was put back has lost count of what it had said.
      if (speaker.wasPutBack) putBack += Math.max(0, unnoticed - early)
      else lost += Math.max(0, unnoticed - early)
    }
  }
  return { lost, doubled, unsent, beforeFirst, putBack, unreadable }
}
