import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { toHex } from '../../main/mls/index.ts'
import { roomDocument } from '../../main/chat/documents.ts'
import { decodeTransfer } from '../../main/chat/transfer.ts'
import type { Delivery, StoredEntry } from '../../main/ports.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { accountIdOn } from './devices.ts'
import { directBetween, village } from './household.ts'
import { computer, link } from './link.ts'
import { until, type Person } from './world.ts'

/** The past on its way to a new computer, when something goes wrong with it. */

const dayMs = 24 * 60 * 60 * 1000
const amount = 2_600

/** What Ben is said to have written to Anna, put into her store. */
async function seed(anna: Person, conversation: string, from: string): Promise<void> {
  await anna.stop()
  const store = openStore({ file: path.join(anna.folder, anna.name, 'profile.sqlite'), key: anna.key.slice() })
  const room = roomDocument.decode(store.document('room', conversation) ?? assert.fail('no room'))
  const entries = Array.from({ length: amount }, (_, at): StoredEntry => ({
    id: `${from.slice(0, 32)}.${String(at).padStart(32, '0')}`, conversation, order: room.nextOrder + at,
    at: Date.now() - (amount - at) * 1_000, kind: 'message', from, own: false, text: `heron ${at}`, state: 'received',
    deliveredTo: 0, people: 2, devices: 2,
  }))
  store.commit({ entries, documents: [{
    kind: 'room', key: conversation, bytes: roomDocument.encode({ ...room, nextOrder: room.nextOrder + amount }),
  }] })
  store.close()
  await anna.start()
}

/** What a story does to the chunks of the past as the laptop reads them. */
type Gate = (log: string, slot: string, read: () => ReturnType<Delivery['slot']>) => ReturnType<Delivery['slot']>

/** The laptop has its account and the first chunk, and the rest comes through `gate`. */
async function begun(t: TestContext, gate: Gate) {
  const { all: [anna, ben] } = await village(t, ['Anna', 'Ben'])
  const conversation = await directBetween(anna, ben)
  await seed(anna, conversation, toHex(accountIdOn(ben)))
  const laptop = await computer(anna, 'Laptop', (person) => {
    person.through = (delivery) => ({
      address: delivery.address,
      append: (log, bytes, slot) => delivery.append(log, bytes, slot),
      read: (log, after, limit) => delivery.read(log, after, limit),
      watch: (logs, wake) => delivery.watch(logs, wake),
      close: () => delivery.close(),
      slot: (log, slot) => log.startsWith('b.') ? gate(log, slot, () => delivery.slot(log, slot)) : delivery.slot(log, slot),
    })
  })
  t.after(() => laptop.stop())
  await link(anna, laptop, 'all')
  return { anna, laptop, conversation }
}

const doneOn = (person: Person): number | undefined =>
  person.store?.documents('transfer').map(({ bytes }) => decodeTransfer(bytes).done)[0]

const isOver = (...all: readonly Person[]): Promise<unknown> => until('the transfer is over', () =>
  Promise.resolve(all.every((one) => one.store?.documents('transfer').length === 0)), 120_000)

/** Everything is there once and in its order. */
async function isWhole(laptop: Person, conversation: string): Promise<void> {
  const texts: string[] = []
  for (let before = 0; ;) {
    const { entries } = await laptop.call('entries.page', { conversation, before, limit: 500 })
    texts.unshift(...entries.flatMap((entry) => entry.kind === 'message' ? [entry.text] : []))
    if (entries.length < 500) break
    before = entries[0]?.order ?? 0
  }
  assert.deepEqual(texts, Array.from({ length: amount }, (_, at) => `heron ${at}`))
}

/** Runs a person's app in a process of its own, and kills it on the way. */
async function killed(person: Person, afterMs: number): Promise<void> {
  const child = spawn(process.execPath,
    [path.join(import.meta.dirname, 'transferrer.ts'), person.folder, person.name, Buffer.from(person.key).toString('hex')],
    { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await new Promise((resolve) => { setTimeout(resolve, afterMs) })
  child.kill('SIGKILL')
  await once(child, 'exit')
}

for (const who of ['the new computer', 'the elder'] as const) {
  test(`${who} is killed again and again: all of the past is there in the end, once`, async (t) => {
    const { anna, laptop, conversation } = await begun(t, (_, slot, read) => slot === '0' ? read() : Promise.resolve(undefined))
    await until('some of it is here', () => Promise.resolve((doneOn(laptop) ?? 0) > 0))
    const [victim, other] = who === 'the elder' ? [anna, laptop] : [laptop, anna]
    await victim.stop()
    laptop.through = (delivery) => delivery
    if (who === 'the elder') await other.restart()
    for (const afterMs of [30, 60, 90, 130]) await killed(victim, afterMs)
    await victim.start()
    await isOver(anna, laptop)
    await isWhole(laptop, conversation)
    assert.deepEqual([...anna.bugs, ...laptop.bugs], [])
  })
}

test('a chunk that nobody sealed: the laptop says so, and the past begins again in another log', async (t) => {
  const logs = new Set<string>()
  const { anna, laptop, conversation } = await begun(t, async (log, slot, read) => {
    logs.add(log)
    const record = await read()
    return record !== undefined && slot === '2' && logs.size === 1 ? { ...record, bytes: record.bytes.slice(1) } : record
  })
  await isOver(anna, laptop)
  assert.equal(logs.size, 2)
  await isWhole(laptop, conversation)
  assert.deepEqual([...anna.bugs, ...laptop.bugs], [])
})

test('one that took so long that its log may be gone begins again, and nothing comes twice', async (t) => {
  const logs = new Set<string>()
  const { anna, laptop, conversation } = await begun(t, (log, slot, read) => {
    logs.add(log)
    return slot === '0' || logs.size > 1 ? read() : Promise.resolve(undefined)
  })
  await until('some of it is here', () => Promise.resolve((doneOn(laptop) ?? 0) > 0))
  for (const one of [anna, laptop]) {
    await one.stop()
    one.now = () => Date.now() + 6.5 * dayMs
  }
  for (const one of [anna, laptop]) await one.start()
  await isOver(anna, laptop)
  assert.equal(logs.size, 2)
  await isWhole(laptop, conversation)
  assert.deepEqual([...anna.bugs, ...laptop.bugs], [])
})
