/** People with several devices, and what each of these shows. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { toHex } from '../../main/mls/index.ts'
import { keyPackageLog } from '../../main/chat/mail.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { Fact } from '../../preload/api.ts'
import { accountOn, adopted, linkedDevice } from './devices.ts'
import { people, until, type Person } from './world.ts'

/** People, and devices that are linked to them on the way. */
export async function village<const N extends readonly string[]>(t: TestContext, names: N) {
  const { all, end } = await people(names)
  const more: Person[] = []
  t.after(async () => {
    for (const one of more) await one.stop()
    await end()
  })
  const link = async (elder: Person, name: string): Promise<Person> => {
    const device = await linkedDevice(elder, name)
    more.push(device)
    return device
  }
  const adopt = async (...[elder, options]: Parameters<typeof adopted>): Promise<Person> => {
    const device = await adopted(elder, options)
    more.push(device)
    return device
  }
  return { all, link, adopt }
}

/** How many KeyPackages a device offers. */
export async function stockOf(person: Person): Promise<number> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  const records = await delivery.read(keyPackageLog(toHex(accountOn(person).deviceId)), 0, 500)
  await delivery.close()
  return records.length
}

export async function directBetween(one: Person, other: Person): Promise<string> {
  const { conversation } = await one.call('conversation.direct', { invite: await other.invite() })
  assert.equal(await other.accept(), conversation)
  return conversation
}

export async function groupOf(founder: Person, ...others: readonly Person[]): Promise<string> {
  const invites = await Promise.all(others.map((one) => one.invite()))
  const { conversation } = await founder.call('conversation.group', { name: 'Coppice', people: [], invites })
  for (const one of others) assert.equal(await one.accept(), conversation)
  return conversation
}

export const facts = async (person: Person, conversation: string): Promise<readonly Fact[]> =>
  (await person.entries(conversation)).flatMap((entry) => entry.kind === 'fact' ? [entry.fact] : [])

export const sees = (person: Person, conversation: string, fact: Fact['fact']): Promise<Fact> =>
  until(`${person.name} sees that somebody was ${fact}`, async () =>
    (await facts(person, conversation)).find((one) => one.fact === fact))

export const hears = (person: Person, conversation: string, text: string): Promise<unknown> =>
  until(`${person.name} reads "${text}"`, async () => (await person.conversation(conversation)) !== undefined
    && (await person.texts(conversation)).includes(text))

export const isIn = (person: Person, conversation: string): Promise<unknown> =>
  until(`${person.name} is in the conversation`, async () =>
    (await person.conversation(conversation))?.state === 'active')

export async function devicesIn(person: Person, conversation: string): Promise<number> {
  return (await person.conversation(conversation))?.devices ?? 0
}

export const unbroken = (...all: readonly Person[]): void => { for (const one of all) assert.deepEqual(one.bugs, []) }
