/** Deleted messages whose deletion is met in company: with the message itself, with a lost answer, with a backup. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeOutboxItem, encodeOutboxItem } from '../../main/chat/documents.ts'
import { PortError } from '../../main/ports.ts'
import { backupOf, ended } from './backups.ts'
import { directBetween, facts, hears, unbroken, village } from './household.ts'
import { until, type Person } from './world.ts'

async function remove(person: Person, conversation: string, text: string, everyone: boolean): Promise<string> {
  const entry = (await person.entries(conversation)).find((one) => one.kind === 'message' && one.text === text)
  assert.ok(entry !== undefined)
  await person.call('message.remove', { conversation, entries: [entry.id], everyone })
  return entry.id
}

const lines = async (person: Person, conversation: string): Promise<number> =>
  (await facts(person, conversation)).filter(({ fact }) => fact === 'deleted').length

test('who reads a message and its deletion at once sees the line alone, in the list of chats too', async (t) => {
  const { all: [anna, ben] } = await village(t, ['Anna', 'Ben'])
  const conversation = await directBetween(anna, ben)
  await anna.say(conversation, 'to stay')
  await hears(ben, conversation, 'to stay')
  await ben.stop()
  for (const text of ['to stay too', 'to go']) await anna.say(conversation, text)
  await until('all of it is sent', async () => (await anna.entries(conversation)).every((entry) =>
    entry.kind !== 'message' || entry.state !== 'sending'))
  await remove(anna, conversation, 'to go', true)
  await anna.restart()
  await until('the log has it', () => Promise.resolve(anna.store?.documents('outbox').length === 0))
  const shown = ben.changes.length
  await ben.start()
  await until('Ben sees the line', async () => await lines(ben, conversation) === 1)
  const chat = await ben.conversation(conversation)
  assert.deepEqual([chat?.last?.text, chat?.unread], ['to stay too', 2])
  assert.deepEqual(await ben.texts(conversation), ['to stay', 'to stay too'])
  const last = ben.changes.slice(shown).flatMap(({ conversations }) => conversations ?? []).at(-1)
  assert.equal(last?.last?.text, 'to stay too')
  unbroken(anna, ben)
})

test('a Call that is repeated after its message was deleted does not say it again', async (t) => {
  const { all: [anna, ben] } = await village(t, ['Anna', 'Ben'])
  const conversation = await directBetween(anna, ben)
  const said = { conversation, key: 'ab'.repeat(16), text: 'once' }
  await anna.call('message.send', said)
  await hears(ben, conversation, 'once')
  await remove(anna, conversation, 'once', false)
  await anna.call('message.send', said)
  assert.deepEqual(await anna.texts(conversation), [])
  await anna.say(conversation, 'after')
  await hears(ben, conversation, 'after')
  assert.deepEqual(await ben.texts(conversation), ['once', 'after'])
  unbroken(anna, ben)
})

test('what was encrypted once may be with others: its deletion is told, and it says nothing any more', async (t) => {
  const { all: [anna, ben] } = await village(t, ['Anna', 'Ben'])
  const conversation = await directBetween(anna, ben)
  await anna.say(conversation, 'before')
  await hears(ben, conversation, 'before')
  const away = (): Promise<never> => Promise.reject(new PortError('delivery-unreachable'))
  anna.through = (delivery) => ({
    address: delivery.address, append: away, read: away, slot: away, watch: () => () => undefined, close: () => delivery.close(),
  })
  await anna.restart()
  await anna.say(conversation, 'half said')
  // As the end of an epoch leaves one whose record was given up: it has its number, and waits to be encrypted again.
  const [document] = anna.store?.documents('outbox') ?? []
  assert.ok(document !== undefined)
  anna.store?.commit({ documents: [{
    kind: 'outbox', key: document.key, bytes: encodeOutboxItem({ ...decodeOutboxItem(document.bytes), counter: 2 }),
  }] })
  await anna.restart()
  await remove(anna, conversation, 'half said', true)
  assert.equal(await lines(anna, conversation), 1)
  const waiting = (anna.store?.documents('outbox') ?? []).map(({ bytes }) => Buffer.from(bytes))
  assert.equal(waiting.length, 2)
  assert.ok(waiting.every((bytes) => !bytes.includes('half said')))
  anna.through = (delivery) => delivery
  await anna.restart()
  await anna.say(conversation, 'after')
  await hears(ben, conversation, 'after')
  await until('Ben sees the line', async () => await lines(ben, conversation) === 1)
  assert.deepEqual(await ben.texts(conversation), ['before', 'after'])
  unbroken(anna, ben)
})

test('a backup does not bring back what was deleted since, for oneself or for everybody', async (t) => {
  const { all: [anna, ben] } = await village(t, ['Anna', 'Ben'])
  const conversation = await directBetween(anna, ben)
  for (const text of ['oak', 'ash', 'elm']) await anna.say(conversation, text)
  await hears(ben, conversation, 'elm')
  const token = await backupOf(ben, { type: 'passphrase', passphrase: 'correct horse' })
  const mine = await remove(ben, conversation, 'oak', false)
  await remove(anna, conversation, 'ash', true)
  await until('Ben sees the line', async () => await lines(ben, conversation) === 1)
  await ben.call('restore.start', { token, typed: 'correct horse' })
  const restored = await ended(ben)
  assert.equal(restored.at, 'restored')
  assert.deepEqual(await ben.texts(conversation), ['elm'])
  assert.equal((await ben.entries(conversation)).some(({ id }) => id === mine), false)
  assert.equal((await ben.call('search', { text: 'oak', limit: 10 })).found.length, 0)
  unbroken(anna, ben)
})
