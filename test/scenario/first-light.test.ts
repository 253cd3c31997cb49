import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { people, until, type Person } from './world.ts'

let anna: Person
let ben: Person
let end: () => Promise<void>
before(async () => {
  const world = await people(['Anna', 'Ben'])
  ;[anna, ben] = world.all
  end = world.end
})
after(async () => { await end() })

test('two people meet by an invite and talk both ways', async () => {
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await anna.say(conversation, 'hello')
  const accepted = await ben.accept()
  assert.equal(accepted, conversation)
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('hello'))
  await ben.say(conversation, 'hello yourself')
  await until('Anna reads it', async () => (await anna.texts(conversation)).includes('hello yourself'))
  await until('Anna sees it delivered', async () => (await anna.entries(conversation)).some((entry) =>
    entry.kind === 'message' && entry.own && entry.state === 'delivered'))
  assert.deepEqual(anna.bugs, [])
  assert.deepEqual(ben.bugs, [])
})
