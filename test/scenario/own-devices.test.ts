import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Conversation } from '../../preload/api.ts'
import { toHex } from '../../main/mls/index.ts'
import { registerDocument, roomDocument } from '../../main/chat/documents.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { Delivery } from '../../main/ports.ts'
import { accountOn, linkedDevice } from './devices.ts'
import { people, random, until, type Person } from './world.ts'

/** One person with two devices: what they tell each other, so that either will do. */

type Scene = { readonly one: Person, readonly two: Person, readonly ben: Person, readonly conversation: string }

/** Anna with two devices, in a chat with Ben; `prepare` before the second one starts. */
async function scene(t: TestContext, prepare?: (person: Person) => void): Promise<Scene> {
  const { all: [one, ben], end } = await people(['Anna', 'Ben'])
  const more: Person[] = []
  t.after(async () => {
    for (const person of [one, ben, ...more]) assert.deepEqual(person.bugs, [], `${person.name} met a bug`)
    for (const person of more) await person.stop()
    await end()
  })
  const { conversation } = await one.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await one.say(conversation, 'before')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('before'))
  const two = await linkedDevice(one, 'Anna 2', prepare)
  more.push(two)
  await until('the second device is in the chat', async () => (await two.conversation(conversation))?.state === 'active')
  return { one, two, ben, conversation }
}

const ownGroup = (person: Person): string | undefined =>
  person.store?.documents('room').map(({ bytes }) => roomDocument.decode(bytes)).find(({ kind }) => kind === 'self')?.id

/** Within this, devices that both run shall agree. */
const second = 1_000

async function agree(what: string, persons: readonly Person[], id: string, look: (one: Conversation) => unknown, wanted: unknown) {
  const begun = Date.now()
  await until(what, async () => {
    const all = await Promise.all(persons.map((one) => one.conversation(id)))
    return all.every((one) => one !== undefined && JSON.stringify(look(one)) === JSON.stringify(wanted))
  })
  return Date.now() - begun
}

const lastOrder = async (person: Person, conversation: string): Promise<number> =>
  (await person.entries(conversation)).at(-1)?.order ?? 0

describe('The own group', () => {
  test('holds the own devices alone, and is nowhere to be seen', async (t) => {
    const { one, two } = await scene(t)
    await until('both are in it', () => Promise.resolve(ownGroup(one) !== undefined && ownGroup(one) === ownGroup(two)))
    const id = ownGroup(one) ?? ''
    for (const person of [one, two]) {
      assert.equal(await person.conversation(id), undefined)
      assert.ok(person.changes.every(({ conversations = [], entries = [] }) =>
        conversations.every((told) => told.id !== id) && entries.every((told) => told.conversation !== id)))
      await assert.rejects(person.call('entries.page', { conversation: id, before: 0, limit: 10 }), /unknown-conversation/)
      await assert.rejects(person.call('message.send', { conversation: id, key: toHex(random(16)), text: 'x' }),
        /unknown-conversation/)
      assert.deepEqual((await person.call('people.known', {})).map(({ name }) => name), ['Ben'])
    }
  })
})

describe('Two devices of one person', () => {
  test('show what the other one sent as own, and count receipts by person', async (t) => {
    const { one, two, ben, conversation } = await scene(t)
    await two.say(conversation, 'from the second')
    const sent = async (person: Person) => (await person.entries(conversation)).find((entry) =>
      entry.kind === 'message' && entry.text === 'from the second')
    for (const person of [one, two]) {
      await until(`${person.name} shows it delivered`, async () => {
        const entry = await sent(person)
        return entry?.kind === 'message' && entry.own && entry.state === 'delivered' && entry.deliveredTo === 1
      })
    }
    await ben.say(conversation, 'an answer')
    for (const person of [one, two]) await until('it is there', async () => (await person.texts(conversation)).includes('an answer'))
    await until('Ben shows it delivered to one', async () => (await ben.entries(conversation)).some((entry) =>
      entry.kind === 'message' && entry.text === 'an answer' && entry.state === 'delivered' && entry.deliveredTo === 1))
  })

  test('agree within a second on what was read, typed and kept', async (t) => {
    const { one, two, ben, conversation } = await scene(t)
    await ben.say(conversation, 'first')
    await ben.say(conversation, 'second')
    await agree('both have two new ones', [one, two], conversation, ({ unread }) => unread >= 2, true)
    await one.call('conversation.read', { conversation, order: await lastOrder(one, conversation) })
    assert.ok(await agree('both have read', [one, two], conversation, ({ unread }) => unread, 0) < second)
    await two.call('conversation.draft', { conversation, text: 'half a thou' })
    assert.ok(await agree('both have the draft', [one, two], conversation, ({ draft }) => draft, 'half a thou') < second)
    await two.say(conversation, 'half a thought')
    assert.ok(await agree('it is gone', [one, two], conversation, ({ draft }) => draft, '') < second)
    await one.call('conversation.keep', { conversation, muted: true, pinned: true, archived: false })
    assert.ok(await agree('both keep it so', [one, two], conversation, ({ muted, pinned }) => [muted, pinned], [true, true])
      < second)
  })

  test('send a burst of changes as few messages', async (t) => {
    const { one, two, conversation } = await scene(t)
    await two.call('conversation.draft', { conversation, text: 'x' })
    await agree('they talk', [one, two], conversation, ({ draft }) => draft, 'x')
    const counter = () => one.store?.documents('room').map(({ bytes }) => roomDocument.decode(bytes))
      .find(({ kind }) => kind === 'self')?.counter ?? 0
    const before = counter()
    const begun = Date.now()
    for (let length = 1; length <= 40; length++) await one.call('conversation.draft', { conversation, text: 'y'.repeat(length) })
    await agree('all of it is there', [one, two], conversation, ({ draft }) => draft, 'y'.repeat(40))
    const atMost = 2 + (Date.now() - begun) / 200
    assert.ok(counter() - before <= Math.min(20, atMost), `${counter() - before} messages where ${atMost} are enough`)
  })

  test('agree after any time apart, whichever changed what', async (t) => {
    const { one, two, ben, conversation } = await scene(t)
    await agree('the second one has it', [two], conversation, ({ state }) => state, 'active')
    await two.stop()
    await ben.say(conversation, 'while the second one was away')
    await until('it is there', async () => (await one.texts(conversation)).includes('while the second one was away'))
    await one.call('conversation.read', { conversation, order: await lastOrder(one, conversation) })
    await one.call('conversation.keep', { conversation, muted: false, pinned: true, archived: false })
    await one.call('profile.rename', { name: 'Anna Berg' })
    await one.stop()
    await two.start()
    await two.call('conversation.draft', { conversation, text: 'typed later' })
    await one.start()
    const look = ({ unread, pinned, draft }: Conversation) => [unread, pinned, draft]
    await agree('both agree', [one, two], conversation, look, [0, true, 'typed later'])
    await until('both have the name', async () => {
      const phases = await Promise.all([one, two].map(async (person) => (await person.call('app.open', {})).phase))
      return phases.every((phase) => phase.at === 'ready' && phase.me.name === 'Anna Berg')
    })
  })

  test('an archived conversation comes back with a message on both, a muted one does not', async (t) => {
    const { one, two, ben, conversation } = await scene(t)
    const look = ({ archived }: Conversation) => archived
    await one.call('conversation.keep', { conversation, muted: true, pinned: false, archived: true })
    await agree('both have put it away', [one, two], conversation, look, true)
    await ben.say(conversation, 'hello?')
    for (const person of [one, two]) await until('it came', async () => (await person.texts(conversation)).includes('hello?'))
    await agree('it stays away', [one, two], conversation, look, true)
    await two.call('conversation.keep', { conversation, muted: false, pinned: false, archived: true })
    await agree('still', [one, two], conversation, ({ muted, archived }) => [muted, archived], [false, true])
    await ben.say(conversation, 'hello!')
    await agree('it is back', [one, two], conversation, look, false)
  })

  test('what is being typed here is not overwritten, and goes to the other one', async (t) => {
    const { one, two, conversation } = await scene(t)
    await one.call('conversation.draft', { conversation, text: 'here' })
    await two.call('conversation.draft', { conversation, text: 'there' })
    await until('one of them has won on both', async () => {
      const [a, b] = await Promise.all([one.conversation(conversation), two.conversation(conversation)])
      return a?.draft === b?.draft && a?.draft !== ''
    }, 15_000)
  })

  test('a clock that is ahead does not shut the other one out', async (t) => {
    const { one, two, conversation } = await scene(t)
    one.now = () => Date.now() + 3 * 60 * 60 * 1000
    await one.call('conversation.keep', { conversation, muted: true, pinned: false, archived: false })
    await agree('both', [one, two], conversation, ({ muted }) => muted, true)
    await two.call('conversation.keep', { conversation, muted: false, pinned: true, archived: false })
    await agree('the later one counts', [one, two], conversation, ({ muted, pinned }) => [muted, pinned], [false, true])
  })

  test('a request that is accepted or declined on one is so on the other', async (t) => {
    const { one, two, ben } = await scene(t)
    const requests = async (person: Person) => (await person.conversations()).filter(({ state }) => state === 'request')
    const ask = async (name: string) => (await ben.call('conversation.group', {
      name, people: [], invites: [await one.invite()],
    })).conversation
    const wanted = await ask('wanted')
    for (const person of [one, two]) await until('the request is there', async () => (await requests(person)).length === 1)
    await two.call('conversation.accept', { conversation: wanted })
    await agree('open on both', [one, two], wanted, ({ state }) => state, 'active')
    const unwanted = await ask('unwanted')
    for (const person of [one, two]) await until('the request is there', async () => (await requests(person)).length === 1)
    await one.call('conversation.decline', { conversation: unwanted })
    await until('gone on both', async () => (await two.conversation(unwanted)) === undefined)
    const accepted = (await ben.entries(wanted)).filter((entry) => entry.kind === 'fact' && entry.fact.fact === 'accepted')
    assert.equal(accepted.length, 1)
  })

  test('leaving on one is leaving on both, and being removed too', async (t) => {
    const { one, two, ben } = await scene(t)
    const group = async (name: string) => {
      const { conversation } = await ben.call('conversation.group', { name, people: [], invites: [await one.invite()] })
      await one.accept()
      await agree('open on both', [one, two], conversation, ({ state }) => state, 'active')
      return conversation
    }
    const left = await group('left')
    await two.call('conversation.leave', { conversation: left })
    await agree('left on both', [one, two], left, ({ state }) => state, 'left')
    const removed = await group('removed')
    const anna = (await ben.conversation(removed))?.people.find(({ own }) => !own)?.accountId ?? ''
    await ben.call('conversation.remove', { conversation: removed, accountId: anna })
    await agree('removed on both', [one, two], removed, ({ state }) => state, 'removed')
  })

  test('a new device is told everything that was set before it came', async (t) => {
    const { all: [one, ben], end } = await people(['Anna', 'Ben'])
    t.after(end)
    const { conversation } = await one.call('conversation.direct', { invite: await ben.invite() })
    await ben.accept()
    await one.call('conversation.keep', { conversation, muted: false, pinned: true, archived: false })
    await one.call('conversation.draft', { conversation, text: 'unsent' })
    const two = await linkedDevice(one)
    t.after(() => two.stop())
    await agree('both', [one, two], conversation, ({ pinned, draft, title }) => [pinned, draft, title], [true, 'unsent', 'Ben'])
    const keys = (person: Person) => person.store?.documents('register').map(({ key, bytes }) =>
      `${key} ${registerDocument.decode(bytes).value}`).toSorted()
    await until('all registers are the same', () => Promise.resolve(JSON.stringify(keys(one)) === JSON.stringify(keys(two))))
    assert.ok(accountOn(two).name === 'Anna')
  })
})

/** A delivery in which some records of message logs are not there for this device. */
const withHoles = (lost: ReadonlySet<string>) => (delivery: Delivery): Delivery => ({
  address: delivery.address,
  append: (log, bytes, slot) => delivery.append(log, bytes, slot),
  read: async (log, after, limit) =>
    (await delivery.read(log, after, limit)).filter(({ seq }) => !lost.has(`${log} ${seq}`)),
  slot: (log, slot) => delivery.slot(log, slot),
  watch: (logs, wake) => delivery.watch(logs, wake),
  close: () => delivery.close(),
})

describe('A message that only one device got', () => {
  test('takes its place on the other one, as if it had never been missing', async (t) => {
    const lost = new Set<string>()
    const { one, two, ben, conversation } = await scene(t, (person) => { person.through = withHoles(lost) })
    await ben.say(conversation, 'heard by both')
    await until('it is there', async () => (await two.texts(conversation)).includes('heard by both'))
    const log = `m.${two.store?.documents('room').map(({ bytes }) => roomDocument.decode(bytes))
      .find(({ id }) => id === conversation)?.log ?? ''}`
    const cursor = two.store?.cursor(log) ?? 0
    await two.stop()
    for (const text of ['lost 1', 'lost 2', 'lost 3']) await ben.say(conversation, text)
    await until('the first one has them', async () => (await one.texts(conversation)).includes('lost 3'))
    for (let seq = cursor + 1; seq < cursor + 20; seq++) lost.add(`${log} ${seq}`)
    // Everything up to now stays lost for the second one: also the receipts in between.
    const last = one.store?.cursor(log) ?? 0
    for (const name of lost) if (Number(name.split(' ')[1]) > last) lost.delete(name)
    await two.start()
    await ben.say(conversation, 'heard by both again')
    const texts = async (person: Person) => (await person.texts(conversation)).filter((text) => text !== 'before')
    const wanted = ['heard by both', 'lost 1', 'lost 2', 'lost 3', 'heard by both again']
    await until('the second one has all, in order', async () =>
      JSON.stringify(await texts(two)) === JSON.stringify(wanted))
    assert.deepEqual((await two.entries(conversation)).filter(({ kind }) => kind === 'gap'), [])
    await agree('both count the same', [one, two], conversation, ({ unread }) => unread,
      (await one.conversation(conversation))?.unread)
    const entries = await two.entries(conversation)
    assert.ok(entries.every(({ order }, at) => at === 0 || order > (entries[at - 1]?.order ?? 0)))
    await two.restart()
    assert.deepEqual(await texts(two), wanted)
    // Told twice, or by somebody who makes it up: nothing changes, because nothing is missing.
    await one.restart()
    assert.deepEqual(await texts(one), wanted)
  })

  test('stays a gap where no own device has it', async (t) => {
    const lost = new Set<string>()
    const through = (person: Person): void => { person.through = withHoles(lost) }
    const { one, two, ben, conversation } = await scene(t, through)
    await ben.say(conversation, 'heard')
    for (const person of [one, two]) await until('it is there', async () => (await person.texts(conversation)).includes('heard'))
    const log = `m.${two.store?.documents('room').map(({ bytes }) => roomDocument.decode(bytes))
      .find(({ id }) => id === conversation)?.log ?? ''}`
    await one.stop()
    through(one)
    await two.stop()
    const before = await recordsIn(ben, log)
    await ben.say(conversation, 'lost to both')
    await until('it is sent', async () => await recordsIn(ben, log) > before)
    for (let seq = before + 1; seq <= await recordsIn(ben, log); seq++) lost.add(`${log} ${seq}`)
    await one.start()
    await two.start()
    await ben.say(conversation, 'heard again')
    for (const person of [one, two]) {
      await until('a gap is told', async () => (await person.entries(conversation)).some((entry) =>
        entry.kind === 'gap' && entry.reason === 'lost' && entry.count === 1))
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (const person of [one, two]) {
      assert.ok(!(await person.texts(conversation)).includes('lost to both'))
      assert.equal((await person.entries(conversation)).filter(({ kind }) => kind === 'gap').length, 1)
    }
  })
})

async function recordsIn(person: Person, log: string): Promise<number> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  const records = await delivery.read(log, 0, 1_000)
  await delivery.close()
  return records.at(-1)?.seq ?? 0
}
