import assert from 'node:assert/strict'
import { test } from 'node:test'
import { people, until } from './world.ts'

test('A log that shows the same again and again, whatever was read, does not keep the app going for ever', async (t) => {
  let reads = 0
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'], (person) => {
    if (person.name !== 'Anna') return
    person.through = (delivery) => ({
      address: delivery.address, append: (...args) => delivery.append(...args), slot: (...args) => delivery.slot(...args),
      watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
      read: (log, after, limit) => {
        const lies = log.startsWith('u.') || log.startsWith('k.')
        if (lies) reads += 1
        return delivery.read(log, lies ? 0 : after, limit)
      },
    })
  })
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  assert.equal(await ben.accept(), conversation)
  await anna.say(conversation, 'hello')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('hello'))
  assert.ok(reads > 0)
  const before = reads
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.ok(reads - before < 50, `read ${String(reads - before)} times in half a second`)
  assert.deepEqual([anna, ben].flatMap(({ bugs }) => bugs), [])
})
