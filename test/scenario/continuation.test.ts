import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { decodeOwnKeyPackage } from '../../main/chat/documents.ts'
import { incarnationIn } from '../../main/chat/extensions.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { Delivery } from '../../main/ports.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { commitRecord, held, poisonedCommit, seizedGroup } from './attacker.ts'
import { linkedDevice } from './devices.ts'
import { accountOf, asItIs, assertTogether, gather, hear, withoutLetters } from './together.ts'
import { people, until, type Person } from './world.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** Stops its maker, and puts a commit into the epoch's slot that gives nobody the new keys. */
async function poison(maker: Person, conversation: string): Promise<void> {
  await maker.stop()
  const state = held(maker, conversation)
  const { log, slot, bytes } = commitRecord(state, poisonedCommit(state.group, () => true))
  const delivery = openSqliteDelivery({ file: maker.deliveryFile })
  await delivery.append(log, bytes, slot)
  await delivery.close()
}

const asks = (person: Person, conversation: string): Promise<unknown> => until(`${person.name} asks`, async () =>
  ((await person.conversation(conversation))?.recovering?.asked ?? 0) > 0)

const goesOn = async (person: Person, conversation: string, by: Person): Promise<unknown> => {
  const account = await accountOf(by)
  return until(`${person.name} goes on`, async () => (await person.conversation(conversation))?.recovering === undefined
    && (await person.entries(conversation)).find((entry) =>
      entry.kind === 'fact' && entry.fact.fact === 'continued' && entry.fact.by === account))
}

/** The KeyPackages that a stopped person keeps for nothing but a request. */
function requestKeys(person: Person): readonly string[] {
  const store = openStore({ file: path.join(person.folder, person.name, 'profile.sqlite'), key: person.key.slice() })
  const kept = store.documents('key-package').map(({ key, bytes }) => decodeOwnKeyPackage(key, bytes))
  store.close()
  return kept.filter(({ keyPackage }) => incarnationIn(keyPackage.leafNode.extensions) > 0n).map(({ reference }) => reference)
}

const later = (ms: number, ...all: readonly Person[]): void => {
  for (const one of all) one.now = () => Date.now() + ms
}

test('a commit that is bad for everybody: the others go on without its maker, killed in between', async (t) => {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const others = [ben, carol, dave]
  const conversation = await gather(anna, ben, carol, dave)
  await assertTogether([anna, ben, carol, dave], conversation, 'before')
  const annas = await accountOf(anna)
  await poison(anna, conversation)
  for (const one of others) await asks(one, conversation)
  await dave.say(conversation, 'is anybody there?')
  for (const one of others) await one.stop()
  later(2 * minuteMs, ...others)
  // The first of them by leaf makes the new group, and its process ends when all is stored and nothing sent.
  ben.through = withoutLetters
  for (const one of others) await one.start()
  await goesOn(ben, conversation, ben)
  await ben.stop()
  for (const one of [carol, dave]) assert.ok((await one.conversation(conversation))?.recovering !== undefined)
  ben.through = asItIs
  await ben.start()
  for (const one of others) {
    await goesOn(one, conversation, ben)
    const fact = (await one.entries(conversation)).find((entry) => entry.kind === 'fact' && entry.fact.fact === 'continued')
    assert.deepEqual(fact?.kind === 'fact' ? fact.fact : undefined, { fact: 'continued', by: await accountOf(ben), without: annas })
    await hear(one, conversation, 'is anybody there?')
    const chats = await one.conversations()
    assert.deepEqual(chats.map(({ id, title, kind, state }) => ({ id, title, kind, state })), [
      { id: conversation, title: 'Coppice', kind: 'group', state: 'active' }])
    assert.deepEqual(chats[0]?.people.map(({ name }) => name).sort(), ['Ben', 'Carol', 'Dave'])
    assert.ok((await one.texts(conversation)).includes('Anna: before'))
  }
  await assertTogether(others, conversation, 'after')
  for (const one of others) await one.restart()
  // Anna was the only admin, so now everybody is one.
  await carol.call('conversation.rename', { conversation, name: 'Willow' })
  for (const one of others) {
    await until(`${one.name} sees the name`, async () => (await one.conversation(conversation))?.title === 'Willow')
  }
  // A computer that is linked only now has it as the same one, so that what own devices keep alike is.
  const laptop = await linkedDevice(carol, 'Laptop')
  t.after(() => laptop.stop())
  await until('the laptop has it', async () => (await laptop.conversation(conversation))?.state === 'active')
  assert.equal((await laptop.conversations()).length, 1)
  await carol.call('conversation.keep', { conversation, muted: true, pinned: true, archived: false })
  await until('the laptop keeps it alike', async () => (await laptop.conversation(conversation))?.pinned)
  await carol.say(conversation, 'to both of mine')
  await hear(laptop, conversation, 'to both of mine')
  await laptop.restart()
  assert.deepEqual((await laptop.conversations()).map(({ id, muted }) => ({ id, muted })), [{ id: conversation, muted: true }])
  await anna.start()
  await asks(anna, conversation)
  await assertTogether(others, conversation, 'at last')
  for (const one of others) {
    assert.deepEqual((await one.conversation(conversation))?.people.map(({ name }) => name).sort(), ['Ben', 'Carol', 'Dave'])
  }
})

test('two go on, because the Welcomes of the first come late: all meet in one of the groups', async (t) => {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const others = [ben, carol, dave]
  const conversation = await gather(anna, ben, carol, dave)
  await poison(anna, conversation)
  for (const one of others) await asks(one, conversation)
  for (const one of others) await one.stop()
  later(2 * minuteMs, ben)
  ben.through = withoutLetters
  await ben.start()
  await goesOn(ben, conversation, ben)
  await ben.say(conversation, 'Ben is alone')
  await ben.stop()
  later(2 * hourMs, ...others)
  for (const one of [carol, dave]) await one.start()
  for (const one of [carol, dave]) await goesOn(one, conversation, carol)
  await dave.say(conversation, 'Dave is with Carol')
  await hear(carol, conversation, 'Dave is with Carol')
  ben.through = asItIs
  await ben.start()
  for (const one of others) for (const text of ['Ben is alone', 'Dave is with Carol']) await hear(one, conversation, text)
  await assertTogether(others, conversation, 'after')
  for (const one of others) {
    assert.equal((await one.conversations()).length, 1)
    assert.equal(new Set(await one.texts(conversation)).size, (await one.texts(conversation)).length)
    await one.restart()
  }
  await assertTogether(others, conversation, 'at last')
  for (const one of others) await one.stop()
  assert.notDeepEqual(others.flatMap(requestKeys), [])
  later(15 * 24 * hourMs, ...others)
  for (const one of others) await one.start()
  await assertTogether(others, conversation, 'two weeks later')
  for (const one of others) await one.stop()
  assert.deepEqual(others.flatMap(requestKeys), [])
})

test('one of them is away: after a day most go on, and whoever was away comes back by asking', async (t) => {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const conversation = await gather(anna, ben, carol, dave)
  await assertTogether([anna, ben, carol, dave], conversation, 'before')
  await dave.stop()
  await poison(anna, conversation)
  for (const one of [ben, carol]) await asks(one, conversation)
  for (const one of [ben, carol]) await one.stop()
  later(23 * hourMs, ben, carol)
  for (const one of [ben, carol]) await one.start()
  for (const one of [ben, carol]) await one.say(conversation, `${one.name} waits`)
  assert.ok((await ben.conversation(conversation))?.recovering !== undefined)
  for (const one of [ben, carol]) await one.stop()
  later(25 * hourMs, ben, carol, dave)
  // It is the turn of both by then: whoever comes second reads first what has come.
  for (const one of [ben, carol]) {
    await one.start()
    await goesOn(one, conversation, ben)
  }
  assert.deepEqual((await ben.conversation(conversation))?.absent.map(({ name }) => name), ['Dave'])
  await assertTogether([ben, carol], conversation, 'after')
  await dave.start()
  await until('Dave is back', async () => (await dave.entries(conversation)).some((entry) =>
    entry.kind === 'fact' && entry.fact.fact === 'continued'))
  await assertTogether([ben, carol, dave], conversation, 'at last')
  for (const one of [ben, carol, dave]) {
    const chat = await one.conversation(conversation)
    assert.deepEqual(chat?.people.map(({ name }) => name).sort(), ['Ben', 'Carol', 'Dave'])
    assert.deepEqual(chat.absent, [])
    assert.deepEqual((await one.entries(conversation)).filter(({ kind }) => kind === 'gap'), [])
  }
})

test('whoever spoilt a group does not take the others along: its new group is a request like any other', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await carol.stop()
  await poison(anna, conversation)
  const wanted = until('Ben asks Anna', async () => ((await ben.conversation(conversation))?.recovering?.asked ?? 0) > 0)
  await wanted
  const delivery: Delivery = openSqliteDelivery({ file: ben.deliveryFile })
  t.after(() => delivery.close())
  const mail = await until('Anna has what Ben asks with', () => seizedGroup(anna, conversation, delivery))
  await delivery.append(mail.log, mail.bytes)
  await until('Ben gets a request', async () => (await ben.conversations()).some(({ state }) => state === 'request'))
  const chats = await ben.conversations()
  assert.equal(chats.length, 2)
  assert.equal(chats.find(({ id }) => id === conversation)?.recovering?.reason, 'path')
  assert.deepEqual(ben.bugs, [])
})
