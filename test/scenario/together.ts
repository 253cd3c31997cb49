/** A group of people, and whether everybody in it is well. */
import assert from 'node:assert/strict'
import { PortError, type Delivery } from '../../main/ports.ts'
import type { Entry } from '../../preload/api.ts'
import { until, type Person } from './world.ts'

/** A group of these people, in which everybody has accepted and reads everybody. */
export async function gather(founder: Person, ...others: readonly Person[]): Promise<string> {
  const invites = await Promise.all(others.map((one) => one.invite()))
  const { conversation } = await founder.call('conversation.group', { name: 'Coppice', people: [], invites })
  for (const one of others) assert.equal(await one.accept(), conversation)
  for (const one of [founder, ...others]) {
    await until(`${one.name} sees everybody`, async () => {
      const facts = (await one.entries(conversation)).filter((entry) => entry.kind === 'fact')
      return (await one.conversation(conversation))?.people.length === others.length + 1 && facts.length > 0
    })
  }
  return conversation
}

export const hear = (person: Person, conversation: string, text: string): Promise<unknown> =>
  until(`${person.name} reads "${text}"`, async () => (await person.texts(conversation)).includes(text))

const isReturned = (entry: Entry): boolean => entry.kind === 'fact' && entry.fact.fact === 'returned'

export async function isBack(person: Person, conversation: string): Promise<void> {
  await until(`${person.name} is back`, async () => (await person.entries(conversation)).some(isReturned)
    && (await person.conversation(conversation))?.recovering === undefined)
}

/** Whether a fact of this name is told in a conversation. */
export const has = async (person: Person, conversation: string, name: string): Promise<boolean> =>
  (await person.entries(conversation)).some((entry) => entry.kind === 'fact' && entry.fact.fact === name)

export const hasMoved = (person: Person, conversation: string): Promise<unknown> =>
  until(`${person.name} sees that the chat has moved`, () => has(person, conversation, 'moved'))

/** Their clocks are ahead by so much; apps look at what is due when they start. */
export async function restartLater(ms: number, all: readonly Person[]): Promise<void> {
  for (const one of all) {
    one.now = () => Date.now() + ms
    await one.restart()
  }
}

export async function code(person: Person, conversation: string): Promise<string> {
  return (await person.call('conversation.details', { conversation })).groupCode
}

export async function assertTogether(all: readonly Person[], conversation: string, word: string): Promise<void> {
  for (const one of all) {
    await one.say(conversation, `${one.name}: ${word}`)
    for (const other of all) await hear(other, conversation, `${one.name}: ${word}`)
  }
  const [first, ...rest] = await Promise.all(all.map((one) => code(one, conversation)))
  for (const other of rest) assert.equal(other, first)
  for (const one of all) assert.deepEqual(one.bugs, [])
}

/** The account of somebody who runs. */
export async function accountOf(person: Person): Promise<string> {
  const { phase } = await person.call('app.open', {})
  assert.ok(phase.at === 'ready')
  return phase.me.accountId
}

/** A delivery that does not take what goes to an inbox, as if the process ended before it was sent. */
export const withoutLetters = (delivery: Delivery): Delivery => ({
  address: delivery.address,
  append: (log, bytes, slot) => log.startsWith('i.')
    ? Promise.reject(new PortError('delivery-unreachable')) : delivery.append(log, bytes, slot),
  read: (log, after, limit) => delivery.read(log, after, limit),
  slot: (log, slot) => delivery.slot(log, slot),
  watch: (logs, wake) => delivery.watch(logs, wake),
  close: () => delivery.close(),
})

export const asItIs = (delivery: Delivery): Delivery => delivery
