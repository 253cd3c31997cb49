import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { registerDocument, roomDocument } from '../../main/chat/documents.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { Delivery } from '../../main/ports.ts'
import { accountOn } from './devices.ts'
import { groupOf, isIn, unbroken, village } from './household.ts'
import { assertTogether, code } from './together.ts'
import { until, type Person } from './world.ts'

const codesOn = (person: Person, conversation: string): ReadonlyMap<string, number> =>
  new Map((person.store?.documents('register') ?? []).flatMap(({ key, bytes }) => key.startsWith(`code.${conversation}.`)
    ? [[key.slice(`code.${conversation}.`.length), (JSON.parse(registerDocument.decode(bytes).value) as { epoch: number }).epoch] as const] : []))

const isAlarmed = (person: Person): boolean => person.changes.some(({ notice }) => notice?.code === 'code-differs')
const idOf = (person: Person): string => Buffer.from(accountOn(person).deviceId).toString('hex')

/** One log for everything, and another one for two logs of it. */
function split(shared: Delivery, other: Delivery, isOther: (log: string) => boolean): Delivery {
  const of = (log: string): Delivery => isOther(log) ? other : shared
  return {
    address: shared.address,
    append: (log, bytes, slot) => of(log).append(log, bytes, slot),
    read: (log, after, limit) => of(log).read(log, after, limit),
    slot: (log, slot) => of(log).slot(log, slot),
    watch: (logs, wake) => {
      const ends = [shared, other].map((one) => one.watch(logs, wake))
      return () => { for (const end of ends) end() }
    },
    close: async () => { await shared.close(); await other.close() },
  }
}

test('two devices that agree say their codes once for each epoch at most, and nobody is alarmed by one that is behind', async (t) => {
  const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
  const group = await groupOf(anna, ben)
  const laptop = await link(anna, 'Laptop')
  await isIn(laptop, group)
  await until('each knows the other’s code', async () => [anna, laptop].every((one) => codesOn(one, group).size === 2))
  await laptop.stop()
  for (const name of ['one', 'two', 'three']) {
    await anna.call('conversation.rename', { conversation: group, name })
    await until('it is renamed', async () => (await ben.conversation(group))?.title === name)
  }
  await laptop.start()
  await until('the laptop caught up', async () => (await laptop.conversation(group))?.title === 'three')
  assert.equal(codesOn(anna, group).size, 2, 'one for each device, however many epochs')
  assert.equal(await code(anna, group), await code(laptop, group))
  assert.ok(![anna, laptop].some(isAlarmed))
  unbroken(anna, ben, laptop)
})

test('a log that shows two own devices different changes: both are alarmed in one epoch, say so, and come together', async (t) => {
  const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
  const group = await groupOf(anna, ben)
  const laptop = await link(anna, 'Laptop')
  await isIn(laptop, group)
  await until('all are in it', async () => (await ben.conversation(group))?.devices === 3)
  let offset = 61_000
  for (const one of [anna, ben, laptop]) one.now = () => Date.now() + offset
  await assertTogether([anna, ben, laptop], group, 'before')
  await until('both have said their newest code', async () => {
    const { epoch } = await anna.call('conversation.details', { conversation: group })
    return [anna, laptop].every((one) => codesOn(one, group).get(idOf(one)) === epoch)
  }, 90_000)
  const { log } = roomDocument.decode(laptop.store?.document('room', group) ?? assert.fail('a room'))
  for (const one of [anna, ben, laptop]) await one.stop()
  const otherFile = path.join(path.dirname(anna.deliveryFile), 'other.sqlite')
  copyFileSync(anna.deliveryFile, otherFile)
  let isSplit = true
  laptop.through = (delivery) =>
    split(delivery, openSqliteDelivery({ file: otherFile, pollMs: 20 }), (name) => isSplit && name.endsWith(`.${log}`))
  // Long enough after what they said last.
  offset += 61_000
  for (const one of [anna, ben, laptop]) await one.start()
  await Promise.all([
    anna.call('conversation.rename', { conversation: group, name: 'Willow' }),
    laptop.call('conversation.rename', { conversation: group, name: 'Hazel' }),
  ])
  await until('both are alarmed', async () => isAlarmed(anna) && isAlarmed(laptop), 90_000)
  const [annas, laptops] = [anna.changes, laptop.changes].map((changes) => changes.flatMap(({ conversations = [] }) =>
    conversations.flatMap(({ id, codeDiffers }) => id === group && codeDiffers !== undefined ? [codeDiffers] : [])))
  assert.deepEqual(new Set(annas), new Set([idOf(laptop)]))
  assert.deepEqual(new Set(laptops), new Set([idOf(anna)]))
  isSplit = false
  const hasLost = async (): Promise<Person | undefined> => {
    for (const one of [anna, laptop]) if ((await one.conversation(group))?.recovering?.reason === 'forked') return one
    return undefined
  }
  const lost = await until('one of them has lost the others, and asks', hasLost)
  const other = lost === anna ? laptop : anna
  // The other one waits for its person, who may say that it was not them: ten minutes from when it heard.
  await until('the other one has heard', async () => (await other.conversation(group))?.asking !== undefined)
  offset += 11 * 60 * 1000
  for (const one of [anna, laptop]) await one.restart()
  await until('one is let back in, and they agree', async () => await code(anna, group) === await code(laptop, group)
    && (await anna.conversation(group))?.recovering === undefined && (await laptop.conversation(group))?.recovering === undefined, 60_000)
  await assertTogether([anna, ben, laptop], group, 'after')
  unbroken(anna, ben, laptop)
})
