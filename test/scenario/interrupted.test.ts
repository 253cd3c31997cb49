import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchful } from '../../main/app/watchful.ts'
import { roomDocument } from '../../main/chat/documents.ts'
import { PortError, type Delivery, type Store } from '../../main/ports.ts'
import { people, until, type Person } from './world.ts'

/** What kills and absences in the wrong moment must not cost; test/crash found most of these by force. */

const code = async (person: Person, conversation: string): Promise<string> =>
  (await person.call('conversation.details', { conversation })).groupCode
const agree = (persons: readonly Person[], conversation: string): Promise<unknown> => until('all agree', async () => {
  const codes = await Promise.all(persons.map((person) => code(person, conversation)))
  return codes[0] !== '' && new Set(codes).size === 1
})

async function group(maker: Person, others: readonly Person[]): Promise<string> {
  const invites = await Promise.all(others.map((person) => person.invite()))
  const { conversation } = await maker.call('conversation.group', { name: 'Garden', people: [], invites })
  for (const person of others) await person.accept()
  await agree([maker, ...others], conversation)
  return conversation
}

/** So many epochs of a group, each with a message of its own. */
async function talkThroughEpochs(person: Person, others: readonly Person[], conversation: string): Promise<string[]> {
  const texts: string[] = []
  for (let epoch = 1; epoch <= 8; epoch++) {
    const text = `${person.name} in epoch ${epoch}`
    await person.say(conversation, text)
    for (const other of others) await until(`${other.name} reads ${text}`, async () => (await other.texts(conversation)).includes(text))
    await person.call('conversation.rename', { conversation, name: `Garden ${epoch}` })
    for (const other of [person, ...others]) {
      await until('the epoch begins', async () => (await other.conversation(conversation))?.title === `Garden ${epoch}`)
    }
    texts.push(text)
  }
  return texts
}

const gapsOf = async (person: Person, conversation: string) =>
  (await person.entries(conversation)).filter((entry) => entry.kind === 'gap')
const bugsOf = (persons: readonly Person[]): readonly unknown[] => persons.flatMap((person) => person.bugs)

/** The delivery with something else in place of some verbs. */
const dayMs = 24 * 60 * 60 * 1000

const but = (delivery: Delivery, changed: Partial<Delivery>): Delivery => ({
  address: delivery.address, append: (log, bytes, slot) => delivery.append(log, bytes, slot),
  read: (log, after, limit) => delivery.read(log, after, limit), slot: (log, slot) => delivery.slot(log, slot),
  watch: (logs, wake) => delivery.watch(logs, wake), close: () => delivery.close(), ...changed,
})

test('who was away for more epochs than keys are kept for reads everything, also after being removed', async (t) => {
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'])
  t.after(end)
  const conversation = await group(anna, [ben, cara])
  await cara.stop()
  const texts = await talkThroughEpochs(anna, [ben], conversation)
  await cara.start()
  await until('Cara catches up', async () => (await cara.texts(conversation)).length >= texts.length)
  assert.deepEqual(await cara.texts(conversation), texts)
  assert.deepEqual(await gapsOf(cara, conversation), [])

  await cara.stop()
  await ben.say(conversation, 'before she is removed')
  await until('Anna reads it', async () => (await anna.texts(conversation)).includes('before she is removed'))
  const removed = (await anna.conversation(conversation))?.people.find(({ name }) => name === 'Cara')
  await anna.call('conversation.remove', { conversation, accountId: removed?.accountId ?? '' })
  await until('she is out', async () => (await ben.conversation(conversation))?.people.length === 2)
  await cara.start()
  await until('Cara sees it', async () => (await cara.conversation(conversation))?.state === 'removed')
  assert.equal((await cara.texts(conversation)).at(-1), 'before she is removed')
  assert.deepEqual(bugsOf([anna, ben, cara]), [])
})

test('a record that a kill kept back is not appended when its epoch is over: it is encrypted again', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await group(ben, [anna])
  await until('both know each other', async () => (await ben.entries(conversation)).length > 2)
  anna.through = (delivery) => but(delivery, {
    append: (log, bytes, slot) => log.startsWith('m.') ? Promise.reject(new PortError('delivery-unreachable'))
      : delivery.append(log, bytes, slot),
  })
  let encrypted = 0
  anna.throughStore = (store) => watched(store, (write) => {
    encrypted += write.documents?.filter(({ kind, bytes }) => kind === 'publish' && bytes !== undefined).length ?? 0
  })
  await anna.restart()
  await anna.say(conversation, 'kept back')
  await until('it is encrypted', () => Promise.resolve(encrypted > 0))
  await anna.stop()
  await talkThroughEpochs(ben, [], conversation)
  anna.through = (delivery) => delivery
  await anna.start()
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('kept back'))
  assert.deepEqual(await gapsOf(ben, conversation), [])
  assert.deepEqual(bugsOf([anna, ben]), [])
})

test('messages that wait for their epoch are counted one after the other', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await group(anna, [ben])
  await anna.say(conversation, 'first')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('first'))
  // Ben's commit log is late: what is said in the next epoch comes before the commit that begins it.
  let late = true
  ben.through = (delivery) => but(delivery, {
    read: (log, after, limit) => late && log.startsWith('h.') ? Promise.resolve([]) : delivery.read(log, after, limit),
    slot: (log, slot) => late && log.startsWith('h.') ? Promise.resolve(undefined) : delivery.slot(log, slot),
  })
  let waiting = 0
  ben.throughStore = (store) => watched(store, () => { waiting = store.document('waiting', conversation)?.length ?? 0 })
  await ben.restart()
  await anna.call('conversation.rename', { conversation, name: 'Later' })
  await until('Anna is there', async () => (await anna.conversation(conversation))?.title === 'Later')
  for (const text of ['second', 'third', 'fourth']) await anna.say(conversation, text)
  await until('they wait', () => Promise.resolve(waiting > 3 * 256))
  late = false
  await ben.restart()
  await until('Ben reads them', async () => (await ben.texts(conversation)).length === 4)
  assert.deepEqual(await ben.texts(conversation), ['first', 'second', 'third', 'fourth'])
  assert.deepEqual(await gapsOf(ben, conversation), [])
  assert.deepEqual(bugsOf([anna, ben]), [])
})

const watched = (store: Store, written: (write: Parameters<Store['commit']>[0]) => void): Store =>
  ({ ...watchful(store, () => undefined), commit: (write) => { store.commit(write); written(write) } })

test('removed and added again while away: the Welcome waits until the removal was read', async (t) => {
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'])
  t.after(end)
  const conversation = await group(anna, [ben, cara])
  await cara.stop()
  const { accountId = '' } = (await anna.conversation(conversation))?.people.find(({ name }) => name === 'Cara') ?? {}
  const members = (amount: number): Promise<unknown> => until(`there are ${amount}`, async () =>
    (await ben.conversation(conversation))?.people.length === amount)
  await anna.call('conversation.remove', { conversation, accountId })
  await members(2)
  await ben.call('conversation.add', { conversation, people: [accountId], invites: [] })
  await members(3)
  await cara.start()
  assert.equal(await cara.accept(), conversation)
  await agree([anna, ben, cara], conversation)
  await anna.say(conversation, 'welcome back')
  await until('Cara reads it', async () => (await cara.texts(conversation)).includes('welcome back'))
  assert.deepEqual(await gapsOf(cara, conversation), [])
  assert.deepEqual(bugsOf([anna, ben, cara]), [])
})

test('the same person added twice at once is added once', async (t) => {
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'])
  t.after(end)
  const conversation = await group(anna, [ben])
  const invite = await cara.invite()
  const add = () => anna.call('conversation.add', { conversation, people: [], invites: [invite] })
  const rename = () => anna.call('conversation.rename', { conversation, name: 'With Cara' })
  await Promise.all([add(), add(), rename()])
  assert.equal(await cara.accept(), conversation)
  await agree([anna, ben, cara], conversation)
  assert.equal((await cara.conversation(conversation))?.title, 'With Cara')
  assert.deepEqual(bugsOf([anna, ben, cara]), [])
})

test('two direct chats that began at once are one in the transaction in which they meet', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const seen: number[] = []
  for (const person of [anna, ben]) {
    person.throughStore = (store) => watched(store, () => {
      seen.push(store.documents('room').map(({ bytes }) => roomDocument.decode(bytes))
        .filter(({ kind, state }) => kind === 'direct' && state !== 'left').length)
    })
    await person.restart()
  }
  const [toBen, toAnna] = [await ben.invite(), await anna.invite()]
  const made = await Promise.all([
    anna.call('conversation.direct', { invite: toBen }), ben.call('conversation.direct', { invite: toAnna }),
  ])
  assert.notEqual(made[0].conversation, made[1].conversation, 'each has started one')
  const kept = made.map(({ conversation }) => conversation).sort()[0] ?? ''
  await anna.say(made[0].conversation, 'Anna is here')
  for (const person of [anna, ben]) {
    await until('one is left', async () => {
      const open = (await person.conversations()).filter(({ state }) => state !== 'left')
      return open.length === 1 && open[0]?.id === kept && (await person.texts(kept)).includes('Anna is here')
    })
  }
  assert.ok(seen.length > 10)
  assert.equal(Math.max(...seen), 1, 'at no time a kill would have left two')
  assert.deepEqual(bugsOf([anna, ben]), [])
})

test('what was not sent when its writer left says so', async (t) => {
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'])
  t.after(end)
  const conversation = await group(anna, [ben, cara])
  let away = true
  const gone = (): Promise<never> => Promise.reject(new PortError('delivery-unreachable'))
  ben.through = (delivery) => but(delivery, {
    append: (log, bytes, slot) => away ? gone() : delivery.append(log, bytes, slot),
    read: (log, after, limit) => away ? gone() : delivery.read(log, after, limit),
  })
  await ben.restart()
  await ben.say(conversation, 'too late')
  await ben.call('conversation.leave', { conversation })
  away = false
  await until('he is out', async () => (await anna.conversation(conversation))?.people.length === 2)
  await until('he is told', async () => (await ben.entries(conversation)).some((entry) =>
    entry.kind === 'message' && entry.text === 'too late' && entry.state === 'failed'))
  assert.ok(!(await anna.texts(conversation)).includes('too late'))
  assert.deepEqual(bugsOf([anna, ben, cara]), [])
})

test('a KeyPackage that was claimed for a commit which could not be made for months is claimed anew', async (t) => {
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'])
  t.after(end)
  const conversation = await group(anna, [ben])
  const invite = await cara.invite()
  anna.through = (delivery) => but(delivery, {
    append: (log, bytes, slot) => log.startsWith('h.') ? Promise.reject(new PortError('delivery-unreachable'))
      : delivery.append(log, bytes, slot),
  })
  await anna.restart()
  await anna.call('conversation.add', { conversation, people: [], invites: [invite] })
  for (const one of [anna, ben, cara]) await one.stop()
  for (const one of [anna, ben, cara]) one.now = () => Date.now() + 70 * dayMs
  await cara.start()
  await until('Cara has new keys', async () => (await cara.invite()) !== invite)
  await cara.stop()
  for (const one of [anna, ben, cara]) one.now = () => Date.now() + 100 * dayMs
  anna.through = (delivery) => delivery
  for (const one of [ben, cara, anna]) await one.start()
  assert.equal(await cara.accept(), conversation)
  assert.deepEqual(bugsOf([anna, ben, cara]), [])
})
