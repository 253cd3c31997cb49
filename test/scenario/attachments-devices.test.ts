/** Files and pictures between the devices of one person: with the past, and with a message that only one of them got. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roomDocument } from '../../main/chat/documents.ts'
import type { Delivery } from '../../main/ports.ts'
import { attachmentIn, pngOf, readFile, sendFiles } from './attach.ts'
import { linkedDevice } from './devices.ts'
import { computer, link, linkOn } from './link.ts'
import { people, random, until } from './world.ts'

const dayMs = 24 * 60 * 60 * 1000

const but = (delivery: Delivery, changed: Partial<Delivery>): Delivery => ({
  address: delivery.address,
  append: (log, bytes, slot) => delivery.append(log, bytes, slot), slot: (log, slot) => delivery.slot(log, slot),
  read: (log, after, limit) => delivery.read(log, after, limit), watch: (logs, wake) => delivery.watch(logs, wake),
  close: () => delivery.close(), ...changed,
})

test('the past brings its files along, also those that the log keeps no longer, and goes on after both were closed', async (t) => {
  let behindMs = 40 * dayMs
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'], (person) => { person.now = () => Date.now() - behindMs })
  t.after(async () => {
    for (const one of [anna, ben]) assert.deepEqual(one.bugs, [])
    await end()
  })
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  const picture = pngOf({ width: 50, height: 40 })
  const [plan, film] = [Buffer.from(random(700_000)), Buffer.from(random(300_000))]
  await sendFiles(ben, conversation, 'forty days ago', { name: 'oak.png', mediaType: 'image/png', bytes: picture },
    { name: 'plan.pdf', bytes: plan }, { name: 'film.mp4', bytes: film })
  await attachmentIn(anna, conversation, 'here')
  await anna.call('attachment.fetch', await attachmentIn(anna, conversation, 'offered', 1))
  await attachmentIn(anna, conversation, 'here', 1)
  behindMs = 0
  for (const person of [anna, ben]) await person.restart()

  // Nothing of what Ben has put there is left; what Anna puts there again is.
  const again = new Set<string>()
  const place = (log: string, slot: string | undefined): string => `${log} ${slot ?? ''}`
  anna.through = (delivery) => but(delivery, { append: (log, bytes, slot) => {
    again.add(place(log, slot))
    return delivery.append(log, bytes, slot)
  } })
  await anna.restart()
  const laptop = await computer(anna, 'laptop', (person) => {
    person.through = (delivery) => but(delivery, { slot: (log, slot) =>
      log.startsWith('b.') && !again.has(place(log, slot)) ? Promise.resolve(undefined) : delivery.slot(log, slot) })
  })
  t.after(() => laptop.stop())
  await link(anna, laptop, 'all')
  await until('the transfer is over', async () => (await linkOn(laptop))?.at === 'done')
  await laptop.restart()
  await anna.restart()
  assert.deepEqual(await readFile(laptop, await attachmentIn(laptop, conversation, 'here')), picture)
  assert.deepEqual(await readFile(laptop, await attachmentIn(laptop, conversation, 'here', 1)), plan)
  // Anna never had it.
  assert.equal((await attachmentIn(laptop, conversation, 'offered', 2)).name, 'film.mp4')
  for (const one of [anna, laptop]) {
    await until(`${one.name} has nothing under way`, () => Promise.resolve(
      one.store?.documents('upload').length === 0 && one.store.documents('fetch').length === 0))
  }
  assert.deepEqual(laptop.bugs, [])
})

test('a message with a picture that only one device got is healed from it, with its picture', async (t) => {
  const { all: [one, ben], end } = await people(['Anna', 'Ben'])
  const lost = new Set<string>()
  const { conversation } = await one.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  const two = await linkedDevice(one, 'Anna 2', (person) => {
    person.through = (delivery) => but(delivery, { read: async (log, after, limit) =>
      (await delivery.read(log, after, limit)).filter(({ seq }) => !lost.has(`${log} ${seq}`)) })
  })
  t.after(async () => {
    for (const person of [one, two, ben]) assert.deepEqual(person.bugs, [], person.name)
    await two.stop()
    await end()
  })
  await until('the second device is in the chat', async () => (await two.conversation(conversation))?.state === 'active')
  await ben.say(conversation, 'heard by both')
  await until('it is there', async () => (await two.texts(conversation)).includes('heard by both'))
  const log = `m.${two.store?.documents('room').map(({ bytes }) => roomDocument.decode(bytes)).find(({ id }) => id === conversation)?.log ?? ''}`
  const cursor = two.store?.cursor(log) ?? 0
  await two.stop()
  const picture = pngOf({ width: 30, height: 20 })
  await sendFiles(ben, conversation, 'lost', { name: 'oak.png', mediaType: 'image/png', bytes: picture })
  await attachmentIn(one, conversation, 'here')
  for (let seq = cursor + 1; seq <= (one.store?.cursor(log) ?? 0); seq += 1) lost.add(`${log} ${seq}`)
  await two.start()
  await ben.say(conversation, 'heard by both again')
  assert.deepEqual(await readFile(two, await attachmentIn(two, conversation, 'here')), picture)
  await until('in order, and no gap is left', async () => JSON.stringify((await two.texts(conversation)).slice(-3)) ===
    JSON.stringify(['heard by both', 'lost', 'heard by both again']))
  assert.deepEqual((await two.entries(conversation)).filter(({ kind }) => kind === 'gap'), [])
})
