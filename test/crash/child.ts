/**
 * The process that is killed: the apps of some people on their stores and the one log. It does what the script says
 * until the plan ends it; to rest, it only catches up and says when nothing is left to do.
 */
import { createHash } from 'node:crypto'
import { decodePublish } from '../../main/chat/documents.ts'
import { groupCode } from '../../main/chat/epochs.ts'
import { messageEntryId } from '../../main/chat/said.ts'
import { groupFromParts, leavesOf, toHex } from '../../main/mls/index.ts'
import { accountOf } from '../../main/chat/account-of.ts'
import type { Store, StoreWrite } from '../../main/ports.ts'
import { Refused, suites, type Person } from '../scenario/world.ts'
import { personOf, readCast, type Actor } from './cast.ts'
import { Injector } from './inject.ts'
import { journalAt, readJournal } from './journal.ts'
import type { Job, Told } from './run.ts'
import { breakOf, kindOf, perform } from './script.ts'
import { busyWith } from './rest.ts'

const job = JSON.parse(process.argv[2] ?? '') as Job
const cast = readCast(job.folder)
const own = cast.people.filter(({ name }) => job.names.includes(name))
const journals = new Map(own.map(({ name }) => [name, journalAt(job.folder, name)]))
const stores = new Map<string, Store>()

const injector = new Injector(job.plan, ({ point, side }) => {
  journals.get(own[0]?.name ?? '')?.({ type: 'killed', point, side })
})

/** Which bytes will be said, and under which epoch: written down before they can reach anybody. */
function noteSealed({ name, accountId }: Actor, { documents = [] }: StoreWrite): void {
  for (const { kind, bytes } of documents) {
    if (kind !== 'publish' || bytes === undefined) continue
    const publish = decodePublish(bytes)
    if (publish.target.type !== 'message') continue
    journals.get(name)?.({
      type: 'sealed', record: createHash('sha256').update(publish.bytes).digest('hex'),
      room: toHex(publish.target.room), epoch: String(publish.target.epoch),
      entries: publish.target.items.map((item) => messageEntryId(accountId, toHex(item))),
    })
  }
}

function noteEpoch({ name }: Actor, store: Store, room: string): void {
  const parts = store.group(room)
  if (parts === undefined) return
  const group = groupFromParts(suites, parts)
  journals.get(name)?.({
    type: 'epoch', room, epoch: String(group.context.epoch), code: groupCode(group),
    members: leavesOf(group.tree).map(({ leafNode }) => accountOf(leafNode)),
  })
}

async function come(actor: Actor): Promise<Person> {
  const person = personOf(job.folder, actor)
  person.through = (delivery) => injector.delivery(delivery)
  person.throughStore = (inner) => {
    stores.set(actor.name, inner)
    for (const { key } of inner.documents('room')) noteEpoch(actor, inner, key)
    return injector.store(inner, {
      writing: (_, write) => { noteSealed(actor, write) },
      written: (store, write) => {
        for (const { kind, key, bytes } of write.documents ?? []) {
          if (kind === 'people' && bytes !== undefined) noteEpoch(actor, store, key)
        }
      },
    })
  }
  await person.start()
  return person
}

/** Refusals that a world of ten people who act at once gives rise to. */
const usual = new Set(['not-allowed', 'already-member', 'conversation-closed', 'bad-argument', 'unknown-conversation'])

async function act(person: Person): Promise<void> {
  const note = journals.get(person.name)
  const done = readJournal(job.folder, person.name).flatMap((line) =>
    line.type === 'done' || line.type === 'refused' ? [line.operation] : [])
  for (let operation = (done.at(-1) ?? -1) + 1; ; operation++) {
    const kind = kindOf(cast.seed, person.name, operation)
    try {
      await acceptAll(person)
      note?.({ type: 'done', operation, ...await perform(person, cast, operation) })
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      if (usual.has(error.code)) note?.({ type: 'done', operation, kind })
      else note?.({ type: 'refused', operation, kind, code: error.message })
    }
    await wait(breakOf(cast.seed, person.name, operation, job.breakMs))
  }
}

async function acceptAll(person: Person): Promise<void> {
  for (const { id, state } of await person.conversations()) {
    if (state === 'request') await person.call('conversation.accept', { conversation: id }).catch(ignoreRefused)
  }
}

const ignoreRefused = (error: unknown): void => { if (!(error instanceof Refused)) throw error }
const wait = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })
const tell = (told: Told): void => { process.send?.(told) }

async function rest(persons: readonly Person[]): Promise<void> {
  const over = new AbortController()
  process.once('message', () => { over.abort() })
  while (!over.signal.aborted) {
    const busy: string[] = []
    for (const person of persons) {
      await acceptAll(person)
      const store = stores.get(person.name)
      if (store !== undefined) busy.push(...await busyWith(person, store))
    }
    tell({ type: 'rest', busy })
    await wait(150)
  }
  for (const person of persons) await person.stop()
  process.disconnect()
}

const persons = await Promise.all(own.map(come))
tell({ type: 'ready' })
if (job.rest) await rest(persons)
else await Promise.all(persons.map(act))
