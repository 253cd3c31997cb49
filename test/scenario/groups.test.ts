import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { people, Refused, until, type Person } from './world.ts'

let anna: Person
let ben: Person
let cara: Person
let dan: Person
let everybody: readonly Person[]
let end: () => Promise<void>
let group: string

before(async () => {
  const world = await people(['Anna', 'Ben', 'Cara', 'Dan'])
  everybody = world.all
  ;[anna, ben, cara, dan] = world.all
  end = world.end
})
after(async () => {
  for (const person of everybody) assert.deepEqual(person.bugs, [], `${person.name} met a bug`)
  await end()
})

const code = async (person: Person): Promise<string> =>
  (await person.call('conversation.details', { conversation: group })).groupCode
const agree = (persons: readonly Person[]): Promise<unknown> => until('all agree on the epoch', async () => {
  const codes = await Promise.all(persons.map(code))
  return codes[0] !== '' && new Set(codes).size === 1
})
const namesIn = async (person: Person): Promise<string> =>
  ((await person.conversation(group))?.people ?? []).map((one) => one.name).join(' ')
const factsOf = async (person: Person): Promise<readonly string[]> =>
  (await person.entries(group)).flatMap((entry) => entry.kind === 'fact' ? [entry.fact.fact] : [])

test('a group of three is made by two invites, and everybody reads everybody', async () => {
  group = (await anna.call('conversation.group', {
    name: 'River garden', people: [], invites: [await ben.invite(), await cara.invite()],
  })).conversation
  assert.equal(await ben.accept(), group)
  assert.equal(await cara.accept(), group)
  for (const person of [anna, ben, cara]) await person.say(group, `${person.name} is here`)
  for (const person of [anna, ben, cara]) {
    await until(`${person.name} reads all`, async () => (await person.texts(group)).length === 3)
    await until(`${person.name} knows the names`, async () => await namesIn(person) === 'Anna Ben Cara')
  }
  await agree([anna, ben, cara])
  assert.equal((await cara.conversation(group))?.title, 'River garden')
  await until('delivered to both', async () => (await anna.entries(group)).some((entry) =>
    entry.kind === 'message' && entry.own && entry.state === 'delivered' && entry.deliveredTo === 2))
})

test('a member adds somebody, who reads what is said from then on and nothing before', async () => {
  await ben.call('conversation.add', { conversation: group, people: [], invites: [await dan.invite()] })
  assert.equal(await dan.accept(), group)
  await agree([anna, ben, cara, dan])
  await anna.say(group, 'welcome Dan')
  await until('Dan reads it', async () => (await dan.texts(group)).includes('welcome Dan'))
  assert.deepEqual(await dan.texts(group), ['welcome Dan'])
  assert.deepEqual((await dan.entries(group)).filter((entry) => entry.kind === 'gap'), [])
})

test('only an admin renames and removes', async () => {
  await assert.rejects(ben.call('conversation.rename', { conversation: group, name: 'Mine' }),
    (error) => error instanceof Refused && error.code === 'not-allowed')
  await anna.call('conversation.rename', { conversation: group, name: 'River and hill' })
  await until('Dan sees the name', async () => (await dan.conversation(group))?.title === 'River and hill')
  const removed = (await anna.conversation(group))?.people.find((person) => person.name === 'Cara')
  await anna.call('conversation.remove', { conversation: group, accountId: removed?.accountId ?? '' })
  await until('Cara is out', async () => (await cara.conversation(group))?.state === 'removed')
  await agree([anna, ben, dan])
  await anna.say(group, 'without Cara')
  await until('Ben reads it', async () => (await ben.texts(group)).includes('without Cara'))
  assert.ok(!(await cara.texts(group)).includes('without Cara'))
  await assert.rejects(cara.say(group, 'hello?'),
    (error) => error instanceof Refused && error.code === 'conversation-closed')
})

test('who leaves is out at once, and the others go on without them', async () => {
  await ben.call('conversation.leave', { conversation: group })
  assert.equal((await ben.conversation(group))?.state, 'left')
  await until('Anna sees it', async () => await namesIn(anna) === 'Anna Dan')
  await until('Dan sees it', async () => await namesIn(dan) === 'Anna Dan')
  assert.ok((await factsOf(dan)).includes('left'))
  await dan.say(group, 'the two of us')
  await until('Anna reads it', async () => (await anna.texts(group)).includes('the two of us'))
  assert.equal((await ben.conversation(group))?.state, 'left')
})

test('three commits at once: one wins each epoch, and all take effect', async () => {
  const mate = (person: Person) => async () => {
    await person.call('conversation.add', { conversation: group, people: [], invites: [await ben.invite()] })
  }
  const refusedOrDone = await Promise.allSettled([
    anna.call('conversation.rename', { conversation: group, name: 'Third name' }), mate(dan)(),
    anna.call('conversation.add', { conversation: group, people: [], invites: [await cara.invite()] }),
  ])
  assert.deepEqual(refusedOrDone.map((one) => one.status), ['fulfilled', 'fulfilled', 'fulfilled'])
  await until('all four are members', async () => (await namesIn(anna)) === 'Anna Ben Cara Dan')
  assert.equal(await ben.accept(), group)
  assert.equal(await cara.accept(), group)
  await agree(everybody)
  assert.equal((await cara.conversation(group))?.title, 'Third name')
  await cara.say(group, 'back again')
  await until('Ben reads it', async () => (await ben.texts(group)).includes('back again'))
})

test('everything is there after a restart, and goes on', async () => {
  const before = await anna.texts(group)
  const unread = (await anna.conversation(group))?.unread
  for (const person of everybody) await person.restart()
  assert.deepEqual(await anna.texts(group), before)
  assert.equal((await anna.conversation(group))?.unread, unread)
  await dan.say(group, 'after the restart')
  for (const person of everybody) {
    await until(`${person.name} reads it`, async () => (await person.texts(group)).includes('after the restart'))
  }
  await agree(everybody)
})

test('a draft and what was read are kept', async () => {
  await anna.call('conversation.draft', { conversation: group, text: 'half a thou' })
  const last = (await anna.entries(group)).at(-1)
  await anna.call('conversation.read', { conversation: group, order: last?.order ?? 0 })
  await anna.restart()
  const conversation = await anna.conversation(group)
  assert.equal(conversation?.draft, 'half a thou')
  assert.equal(conversation.unread, 0)
})
