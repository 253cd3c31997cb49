/** Messages that go: for oneself, for everybody, by themselves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../preload/api.ts'
import { PortError, type Delivery } from '../../main/ports.ts'
import { linkedDevice } from './devices.ts'
import { people, Refused, until, type Person } from './world.ts'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs

const refused = (code: string) => (error: unknown): boolean => error instanceof Refused && error.code === code

async function talk(t: Parameters<NonNullable<Parameters<typeof test>[0]>>[0]) {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await until('Anna sees that Ben accepted', async () => (await anna.entries(conversation)).some((entry) =>
    entry.kind === 'fact' && entry.fact.fact === 'accepted'))
  return { anna, ben, conversation }
}

const idOf = async (person: Person, conversation: string, text: string): Promise<string> =>
  (await person.entries(conversation)).find((entry) => entry.kind === 'message' && entry.text === text)?.id ?? assert.fail(text)

const hear = (person: Person, conversation: string, text: string): Promise<unknown> =>
  until(`${person.name} reads "${text}"`, async () => (await person.texts(conversation)).includes(text))

const deletions = (entries: readonly Entry[]): readonly Entry[] =>
  entries.filter((entry) => entry.kind === 'fact' && entry.fact.fact === 'deleted')

const pass = (all: readonly Person[], ms: number): void => {
  for (const one of all) {
    const before = one.now
    one.now = () => before() + ms
  }
}

test('a message that is deleted for everybody is a line in its place, everywhere, and is not found any more', async (t) => {
  const { anna, ben, conversation } = await talk(t)
  for (const text of ['the first oak', 'the second oak', 'the third oak']) await anna.say(conversation, text)
  await hear(ben, conversation, 'the third oak')
  assert.equal((await ben.conversation(conversation))?.unread, 3)
  const before = await idOf(ben, conversation, 'the second oak')
  const order = (await ben.entries(conversation)).find(({ id }) => id === before)?.order
  await assert.rejects(ben.call('message.remove', { conversation, entries: [before], everyone: true }), refused('bad-argument'))
  const third = await idOf(anna, conversation, 'the third oak')
  await anna.call('message.remove', { conversation, entries: [await idOf(anna, conversation, 'the second oak'), third], everyone: true })
  await until('Ben sees that two are gone', async () => deletions(await ben.entries(conversation)).length === 2)
  for (const one of [anna, ben]) {
    assert.deepEqual(await one.texts(conversation), ['the first oak'])
    assert.equal((await one.conversation(conversation))?.last?.text, 'the first oak')
    assert.equal((await one.call('search', { text: 'oak', limit: 10 })).found.length, 1)
  }
  assert.equal(deletions(await ben.entries(conversation))[0]?.order, order)
  assert.equal((await ben.conversation(conversation))?.unread, 1)
  for (const one of [anna, ben]) {
    await one.restart()
    assert.equal(deletions(await one.entries(conversation)).length, 2)
    assert.deepEqual(one.bugs, [])
  }
  // The conversation goes on, and numbers of messages are right: nothing is said to be missing.
  await anna.say(conversation, 'the fourth oak')
  await hear(ben, conversation, 'the fourth oak')
  assert.ok(!(await ben.entries(conversation)).some(({ kind }) => kind === 'gap'))
})

test('what was not sent yet goes without a word', async (t) => {
  const { anna, ben, conversation } = await talk(t)
  // No delivery: it waits in the outbox.
  let isAway = true
  const gone = (): void => { if (isAway) throw new PortError('delivery-unreachable') }
  await anna.stop()
  anna.through = (delivery): Delivery => ({
    address: delivery.address, watch: (logs, wake) => delivery.watch(logs, wake), close: () => delivery.close(),
    slot: async (log, slot) => { gone(); return delivery.slot(log, slot) },
    read: async (log, after, limit) => { gone(); return delivery.read(log, after, limit) },
    append: async (log, bytes, slot) => { gone(); return delivery.append(log, bytes, slot) },
  })
  await anna.start()
  await anna.say(conversation, 'never mind')
  await anna.call('message.remove', { conversation, entries: [await idOf(anna, conversation, 'never mind')], everyone: true })
  assert.deepEqual(deletions(await anna.entries(conversation)), [])
  assert.deepEqual(await anna.texts(conversation), [])
  isAway = false
  await anna.say(conversation, 'hello')
  await hear(ben, conversation, 'hello')
  assert.deepEqual(await ben.texts(conversation), ['hello'])
  assert.deepEqual(deletions(await ben.entries(conversation)), [])
  assert.ok(!(await ben.entries(conversation)).some(({ kind }) => kind === 'gap'))
})

test('what one deletes for oneself goes from all own devices, stays with others, and does not come back', async (t) => {
  const { anna, ben, conversation } = await talk(t)
  const laptop = await linkedDevice(anna, 'Laptop')
  t.after(() => laptop.stop())
  await until('the laptop is in', async () => (await laptop.conversation(conversation))?.state === 'active')
  await ben.say(conversation, 'a word too much')
  await ben.say(conversation, 'a word')
  for (const one of [anna, laptop]) await hear(one, conversation, 'a word')
  await anna.call('message.remove', { conversation, entries: [await idOf(anna, conversation, 'a word too much')], everyone: false })
  await until('the laptop has deleted it', async () => !(await laptop.texts(conversation)).includes('a word too much'))
  for (const one of [anna, laptop]) {
    assert.deepEqual(await one.texts(conversation), ['a word'])
    assert.deepEqual(deletions(await one.entries(conversation)), [])
    assert.equal((await one.conversation(conversation))?.unread, 1)
  }
  assert.deepEqual(await ben.texts(conversation), ['a word too much', 'a word'])
  // The laptop is new: what it deletes, it deletes for itself.
  await laptop.call('message.remove', { conversation, entries: [await idOf(laptop, conversation, 'a word')], everyone: false })
  assert.deepEqual(await laptop.texts(conversation), [])
  await laptop.call('conversation.keep', { conversation, muted: true, pinned: false, archived: false })
  await until('Anna has heard of the laptop', async () => (await anna.conversation(conversation))?.muted === true)
  assert.deepEqual(await anna.texts(conversation), ['a word'])
  for (const one of [anna, ben, laptop]) assert.deepEqual(one.bugs, [])
})

test('messages disappear by themselves, for all alike, also after months of sleep, and do not come back with a clock', async (t) => {
  const { anna, ben, conversation } = await talk(t)
  await anna.say(conversation, 'stays')
  await anna.call('conversation.timer', { conversation, seconds: 3_600 })
  await until('Ben knows', async () => (await ben.conversation(conversation))?.timer === 3_600)
  await anna.say(conversation, 'goes')
  await ben.say(conversation, 'goes too')
  for (const [one, text] of [[ben, 'goes'], [anna, 'goes too']] as const) await hear(one, conversation, text)
  const expiring = (await ben.entries(conversation)).flatMap((entry) => entry.kind === 'message' && entry.expiresAt !== undefined ? [entry] : [])
  assert.equal(expiring.length, 2)
  for (const { at, expiresAt = 0 } of expiring) assert.equal(expiresAt - at, hourMs)
  await anna.stop()
  await ben.stop()
  pass([anna], hourMs + 1_000)
  pass([ben], 40 * dayMs)
  for (const one of [anna, ben]) {
    await one.start()
    // Before anything is shown.
    const shown = one.changes.flatMap(({ entries }) => entries ?? []).length
    assert.deepEqual(await one.texts(conversation), ['stays'], `${one.name}, ${shown}`)
    assert.equal((await one.conversation(conversation))?.last?.text, 'stays')
    assert.equal((await one.call('search', { text: 'goes', limit: 10 })).found.length, 0)
  }
  pass([anna, ben], -50 * dayMs)
  for (const one of [anna, ben]) {
    await one.restart()
    assert.deepEqual(await one.texts(conversation), ['stays'])
    assert.deepEqual(one.bugs, [])
  }
})

test('a message goes while the app runs; one that was over on its way is never shown, and nothing is said to be missing', async (t) => {
  const { anna, ben, conversation } = await talk(t)
  await ben.call('conversation.timer', { conversation, seconds: 3_600 })
  await until('Anna knows', async () => (await anna.conversation(conversation))?.timer === 3_600)
  await anna.say(conversation, 'short')
  await hear(ben, conversation, 'short')
  // A second before its time.
  pass([ben], hourMs - 1_000)
  await ben.restart()
  assert.deepEqual(await ben.texts(conversation), ['short'])
  await until('it is gone', async () => (await ben.texts(conversation)).length === 0)
  assert.ok(ben.changes.some(({ removedEntries }) => removedEntries?.length === 1))
  pass([ben], -hourMs)
  await ben.stop()
  await anna.say(conversation, 'too late')
  pass([anna, ben], 2 * hourMs)
  await ben.start()
  await anna.say(conversation, 'in time')
  await hear(ben, conversation, 'in time')
  assert.deepEqual(await ben.texts(conversation), ['in time'])
  assert.ok(!(await ben.entries(conversation)).some(({ kind }) => kind === 'gap'))
  for (const one of [anna, ben]) assert.deepEqual(one.bugs, [])
})

test('two who change the timer at once end with the same; newcomers learn it; only admins of a group may', async (t) => {
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await Promise.all([
    anna.call('conversation.timer', { conversation, seconds: 3_600 }), ben.call('conversation.timer', { conversation, seconds: 86_400 }),
  ])
  await anna.say(conversation, 'now')
  await ben.say(conversation, 'now too')
  for (const one of [anna, ben]) await until('both are there', async () => (await one.texts(conversation)).length === 2)
  await until('both have the same', async () =>
    (await anna.conversation(conversation))?.timer === (await ben.conversation(conversation))?.timer)
  const { conversation: group } = await anna.call('conversation.group', { name: 'Alder', people: [], invites: [await ben.invite()] })
  await until('Ben has a request', async () => (await ben.conversation(group))?.state === 'request')
  await ben.call('conversation.accept', { conversation: group })
  await assert.rejects(ben.call('conversation.timer', { conversation: group, seconds: 3_600 }), refused('not-allowed'))
  await anna.call('conversation.timer', { conversation: group, seconds: 604_800 })
  await anna.call('conversation.add', { conversation: group, people: [], invites: [await cara.invite()] })
  await until('Cara is asked', async () => (await cara.conversation(group))?.state === 'request')
  await until('Cara knows', async () => (await cara.conversation(group))?.timer === 604_800)
  for (const one of [anna, ben, cara]) assert.deepEqual(one.bugs, [])
})
