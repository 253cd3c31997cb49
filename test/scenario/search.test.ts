import assert from 'node:assert/strict'
import { test } from 'node:test'
import { people, until, type Person } from './world.ts'

const foundBy = async (person: Person, text: string, limit = 20): Promise<readonly string[]> =>
  (await person.call('search', { text, limit })).found.map(({ entry }) => entry.text)

test('what was said is found by its words on both sides, also after a restart; a request shows nothing', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await anna.say(conversation, 'The first pear is ripe')
  await until('Ben gets it', async () => (await ben.texts(conversation).catch(() => [])).length === 1)
  assert.deepEqual(await foundBy(ben, 'pear'), [])
  await ben.accept()
  assert.deepEqual(await foundBy(ben, 'PEAR rip'), ['The first pear is ripe'])

  await ben.say(conversation, 'Pears at last!')
  await until('Anna gets it', async () => (await anna.texts(conversation)).length === 2)
  await anna.restart()
  const { found, more, names } = await anna.call('search', { text: 'pear', limit: 1 })
  assert.deepEqual(found.map(({ entry, marks }) => [entry.text, entry.conversation, marks]),
    [['Pears at last!', conversation, [[0, 4]]]])
  assert.equal(more, true)
  assert.deepEqual(Object.values(names), ['Ben'])
  assert.deepEqual(await foundBy(anna, 'pear'), ['Pears at last!', 'The first pear is ripe'])
  for (const text of ['', '"', 'pear OR apple', '*', 'pear" --']) await foundBy(anna, text)
  assert.deepEqual(await foundBy(anna, 'apple'), [])
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
})

test('what a request held is in the index no more when it was declined', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await anna.say(conversation, 'quince')
  await until('Ben gets it', async () => (await ben.texts(conversation).catch(() => [])).length === 1)
  await ben.call('conversation.decline', { conversation })
  await ben.stop()
  const store = await ben.vaultIn(`${ben.folder}/Ben`).open({ type: 'keychain' })
  t.after(() => { store.close() })
  assert.deepEqual(store.search({ text: 'quince', limit: 10 }), [])
})
