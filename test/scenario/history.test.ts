import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { decodeTransfer } from '../../main/chat/transfer.ts'
import type { Entry, HistoryRange, Link } from '../../preload/api.ts'
import { computer, link, linkOn } from './link.ts'
import { people, until, type Person } from './world.ts'

/** The past of a person's conversations, on a computer that is linked later. */

const dayMs = 24 * 60 * 60 * 1000

/** Anna, who has talked with Ben: an old message, then `recent` newer ones, one of them hers. */
async function past(t: TestContext, recent = 4) {
  let behindMs = 40 * dayMs
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'], (person) => { person.now = () => Date.now() - behindMs })
  t.after(async () => {
    for (const person of [anna, ben]) assert.deepEqual(person.bugs, [], `${person.name} met a bug`)
    await end()
  })
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await ben.say(conversation, 'forty days ago')
  await until('Anna reads it', async () => (await anna.texts(conversation)).includes('forty days ago'))
  behindMs = 0
  for (const person of [anna, ben]) await person.restart()
  for (let number = 1; number < recent; number++) await ben.say(conversation, `heron ${number}`)
  await until('Anna has it all', async () => (await anna.texts(conversation)).includes(`heron ${recent - 1}`), 60_000)
  await anna.say(conversation, 'my own word')
  await until('it is sent', async () => (await anna.entries(conversation)).some((entry) =>
    entry.kind === 'message' && entry.own && entry.state === 'delivered'))
  const last = (await anna.entries(conversation)).at(-1)?.order ?? 0
  await anna.call('conversation.read', { conversation, order: last })
  return { anna, ben, conversation }
}

async function linked(t: TestContext, anna: Person, history: HistoryRange, prepare?: (person: Person) => void): Promise<Person> {
  const laptop = await computer(anna, 'laptop', prepare)
  t.after(() => laptop.stop())
  await link(anna, laptop, history)
  return laptop
}

/** Holds back what of the past lies in the log, from whoever is prepared so, until it is opened. */
function gate() {
  let isOpen = false
  const prepare = (person: Person): void => {
    person.through = (delivery) => ({
      address: delivery.address, append: (...args) => delivery.append(...args), read: (...args) => delivery.read(...args),
      watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
      slot: (log, slot) => log.startsWith('b.') && !isOpen ? Promise.resolve(undefined) : delivery.slot(log, slot),
    })
  }
  return { prepare, open: (): void => { isOpen = true } }
}

const linksTold = (person: Person): readonly Link[] =>
  person.changes.flatMap(({ link: one }) => one === undefined || one.at === 'none' ? [] : [one])

const isDone = async (person: Person): Promise<boolean> => (await linkOn(person))?.at === 'done'

const told = (entries: readonly Entry[]) => entries.map((entry) => entry.kind === 'message'
  ? [entry.id, entry.text, entry.own, entry.at, entry.state] : [entry.id])

describe('A computer that is linked', () => {
  test('gets all of the past, marked, in order, once, found by search, and read as far as it was', async (t) => {
    const { anna, ben, conversation } = await past(t)
    const { prepare, open } = gate()
    const laptop = await linked(t, anna, 'all', prepare)
    await until('it is told how much comes', () => Promise.resolve(linksTold(anna).some((one) =>
      one.at === 'joining' && one.history !== undefined && one.history.of >= 5)))
    open()
    for (const person of [anna, laptop]) await until('it is done', () => isDone(person))
    const there = await anna.entries(conversation)
    const here = await laptop.entries(conversation)
    const imported = here.filter((entry) => entry.imported === true)
    assert.deepEqual(told(imported), told(there.slice(0, imported.length)))
    assert.deepEqual(await laptop.texts(conversation), await anna.texts(conversation))
    assert.equal(new Set(here.map(({ id }) => id)).size, here.length)
    assert.ok(here.every(({ order }, at) => at === 0 || order > (here[at - 1]?.order ?? 0)))
    assert.equal((await laptop.conversation(conversation))?.unread, 0)
    const found = await laptop.call('search', { text: 'heron', limit: 10 })
    assert.equal(found.found.length, 3)
    // Nothing is left of it, and nothing comes again.
    for (const person of [anna, laptop]) {
      await until('the transfer is over', () => Promise.resolve(person.store?.documents('transfer').length === 0))
    }
    await laptop.restart()
    await anna.restart()
    await ben.say(conversation, 'afterwards')
    await until('it is there', async () => (await laptop.texts(conversation)).includes('afterwards'))
    assert.deepEqual(await laptop.texts(conversation), await anna.texts(conversation))
    assert.equal((await laptop.conversation(conversation))?.unread, 1)
  })

  test('gets the last month, or nothing', async (t) => {
    const { anna, conversation } = await past(t)
    const { prepare, open } = gate()
    const laptop = await linked(t, anna, 'month', prepare)
    // What was chosen is told on both while it comes, and when it is here.
    for (const one of [anna, laptop]) {
      await until(`${one.name} is told`, () => Promise.resolve(linksTold(one).some((link) =>
        link.at === 'joining' && link.range === 'month' && link.history !== undefined)))
    }
    open()
    for (const one of [anna, laptop]) await until('it is done', () => isDone(one))
    assert.deepEqual(await laptop.texts(conversation), (await anna.texts(conversation)).filter((text) => !text.includes('forty')))
    const done = await linkOn(laptop)
    assert.equal(done?.at === 'done' && done.range, 'month')
    assert.ok(linksTold(laptop).every((link) => link.at !== 'joining' || link.range === undefined || link.range === 'month'))
    const desktop = await computer(anna, 'desktop')
    t.after(() => desktop.stop())
    await anna.call('link.cancel', {})
    await link(anna, desktop, 'none')
    await until('it is done', () => isDone(anna))
    assert.deepEqual(await desktop.texts(conversation), [])
    await until('it is done', () => isDone(desktop))
    const nothing = await linkOn(desktop)
    assert.equal(nothing?.at === 'done' && nothing.range, 'none')
  })

  test('is told what was chosen before any of it comes, waits for it, and tells it after a restart', async (t) => {
    const { anna, conversation } = await past(t)
    const { prepare, open } = gate()
    const laptop = await linked(t, anna, 'all', prepare)
    const isTold = (): Promise<unknown> => until('it is told', async () => {
      const link = await linkOn(laptop)
      return link?.at === 'joining' && link.range === 'all' && link.history?.done === 0
    })
    await isTold()
    await laptop.restart()
    await isTold()
    assert.ok(!await isDone(laptop))
    open()
    await until('it is done', () => isDone(laptop))
    assert.deepEqual(await laptop.texts(conversation), await anna.texts(conversation))
  })

  test('goes on where it was when either is closed on the way', async (t) => {
    const { anna, conversation } = await past(t, 700)
    let open = false
    const laptop = await linked(t, anna, 'all', (person) => {
      person.through = (delivery) => ({
        address: delivery.address,
        append: (log, bytes, slot) => delivery.append(log, bytes, slot),
        read: (log, after, limit) => delivery.read(log, after, limit),
        // The second chunk does not come before both were closed.
        slot: (log, slot) => log.startsWith('b.') && slot !== '0' && !open ? Promise.resolve(undefined) : delivery.slot(log, slot),
        watch: (logs, wake) => delivery.watch(logs, wake),
        close: () => delivery.close(),
      })
    })
    const stored = (): number => laptop.store?.documents('transfer').map(({ bytes }) => decodeTransfer(bytes).done)[0] ?? 0
    await until('some of it is here', () => Promise.resolve(stored() > 0))
    assert.ok(stored() < 700)
    await laptop.restart()
    await anna.restart()
    open = true
    await until('all of it is here', () => Promise.resolve(laptop.store?.documents('transfer').length === 0), 60_000)
    const ids: string[] = []
    for (let before = 0; ;) {
      const { entries } = await laptop.call('entries.page', { conversation, before, limit: 500 })
      ids.unshift(...entries.filter(({ kind }) => kind === 'message').map(({ id }) => id))
      if (entries.length < 500) break
      before = entries[0]?.order ?? 0
    }
    assert.equal(ids.length, 701)
    assert.equal(new Set(ids).size, ids.length)
  })
})
