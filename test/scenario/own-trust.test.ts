import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linkedDevice } from './devices.ts'
import { people, until, type Person } from './world.ts'

const trustOf = async (person: Person, conversation: string): Promise<string | undefined> =>
  (await person.conversation(conversation))?.people.find(({ own }) => !own)?.trust

test('Verified by the elder: so on all devices; a device without its rights vouches for nobody on the others', async (t) => {
  const { all: [one, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const withBen = (await one.call('conversation.direct', { invite: await ben.invite() })).conversation
  const withCarol = (await one.call('conversation.direct', { invite: await carol.invite() })).conversation
  for (const other of [ben, carol]) await other.accept()
  const two = await linkedDevice(one)
  t.after(() => two.stop())
  await until('it is in both chats', async () => (await two.conversations()).filter(({ state }) => state === 'active').length === 2)
  const accountOf = async (conversation: string): Promise<string> =>
    (await one.conversation(conversation))?.people.find(({ own }) => !own)?.accountId ?? ''
  const [bens, carols] = [await accountOf(withBen), await accountOf(withCarol)]

  await one.call('person.trust', { accountId: bens, trust: 'verified' })
  await until('the second device knows', async () => await trustOf(two, withBen) === 'verified')

  // Whoever sits at the second device, which was linked a minute ago, says that Carol is verified, then reads a draft.
  await two.call('person.trust', { accountId: carols, trust: 'verified' })
  await two.call('conversation.draft', { conversation: withCarol, text: 'after it' })
  await until('what came after it arrived', async () => (await one.conversation(withCarol))?.draft === 'after it')
  assert.equal(await trustOf(one, withCarol), 'new')

  // An alarm, on the other hand, anybody may raise.
  await two.call('person.replaces', { accountId: bens, replaced: carols })
  await until('it is raised everywhere', async () => await trustOf(one, withBen) === 'changed')
  assert.deepEqual([one, two, ben, carol].flatMap(({ bugs }) => bugs), [])
})
