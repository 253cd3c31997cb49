import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import { roomDocument } from '../../main/chat/documents.ts'
import type { Room } from '../../main/chat/room.ts'
import { commitSlot } from '../../main/chat/sealed.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { Delivery } from '../../main/ports.ts'
import { deviceIdOf } from '../../main/identity/credential.ts'
import { leafAt, leavesOf } from '../../main/mls/index.ts'
import { held, sendLetter, spoilEpoch, storyOf } from './attacker.ts'
import { asItIs, assertTogether, code, gather, has, hasMoved, isBack, restartLater } from './together.ts'
import { people, until, type Person } from './world.ts'

/** What could part a group for good: letters that come early, slots that are lost again, stories that not all hear. */

const minuteMs = 60_000

/** The delivery as a stranger with the file would use it. */
async function withLog(file: string, act: (delivery: Delivery) => Promise<void>): Promise<void> {
  const delivery = openSqliteDelivery({ file })
  await act(delivery)
  await delivery.close()
}

function roomOf(person: Person, conversation: string): Room | undefined {
  const room = person.store?.document('room', conversation)
  return room === undefined ? undefined : roomDocument.decode(room)
}

function loseNewest(log: Database.Database, name: string, count: number): void {
  const { changes } = log.prepare(
    'DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE log = ? ORDER BY seq DESC LIMIT ?)').run(name, count)
  assert.equal(changes, count)
}

/**
 * Carol was away while Anna gave their group these names, one commit each; the log lost the newest of them. Carol's inbox
 * holds letters that tell of these epochs. All but Dave, who is in no group yet, are stopped.
 */
async function behind(t: TestContext, { names, lost, told }: {
  readonly names: readonly string[], readonly lost: number
  readonly told: (carols: bigint, annas: bigint) => readonly bigint[]
}) {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await assertTogether([anna, ben, carol], conversation, 'before')
  await carol.stop()
  const { group, log: name } = held(carol, conversation)
  const carols = leafAt(group.tree, group.ownLeaf)
  assert.ok(carols !== undefined)
  for (const title of names) {
    await anna.call('conversation.rename', { conversation, name: title })
    await until('Ben sees the name', async () => (await ben.conversation(conversation))?.title === title)
  }
  for (const one of [anna, ben]) await one.stop()
  const annas = held(anna, conversation)
  for (const epoch of told(group.context.epoch, annas.group.context.epoch)) {
    await withLog(anna.deliveryFile, (delivery) => sendLetter(delivery, group, deviceIdOf(carols.credential),
      storyOf(annas.group, { epoch, seen: [] })))
  }
  const log = new Database(anna.deliveryFile)
  t.after(() => { log.close() })
  loseNewest(log, `h.${name}`, lost)
  const commits = (): unknown => log.prepare('SELECT COUNT(*) FROM records WHERE log = ?').pluck().get(`h.${name}`)
  return { anna, ben, carol, dave, conversation, commits, left: commits() }
}

const areInOneEpoch = (all: readonly Person[], conversation: string): Promise<unknown> =>
  until('all are in one epoch', async () =>
    new Set(await Promise.all(all.map((one) => code(one, conversation)))).size === 1)

test('a group that moved twice while somebody was away: the letters lead there one after the other', async (t) => {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const conversation = await gather(anna, ben, carol, dave)
  await assertTogether([anna, ben, carol, dave], conversation, 'before')
  await carol.stop()
  for (const name of ['Willow', 'Hazel']) {
    await dave.stop()
    const state = held(dave, conversation)
    await withLog(anna.deliveryFile, (delivery) => spoilEpoch(delivery, state, 'unsigned'))
    await until('the group is elsewhere', async () => {
      await anna.stop()
      const { log } = held(anna, conversation)
      await anna.start()
      return log !== state.log
    })
    await dave.start()
    await hasMoved(dave, conversation)
    await anna.call('conversation.rename', { conversation, name })
    for (const one of [ben, dave]) {
      await until(`${one.name} sees the name`, async () => (await one.conversation(conversation))?.title === name)
    }
  }
  await carol.start()
  await until('Carol sees the name', async () => (await carol.conversation(conversation))?.title === 'Hazel')
  assert.equal(await has(carol, conversation, 'returned'), false)
  await assertTogether([anna, ben, carol, dave], conversation, 'after')
})

test('rubbish that the log lost again: whoever has not seen it changes nothing, and is let back in', async (t) => {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await assertTogether([anna, ben, carol], conversation, 'before')
  await carol.stop()
  const state = held(carol, conversation)
  await withLog(anna.deliveryFile, (delivery) => spoilEpoch(delivery, state, 'unsigned'))
  for (const one of [anna, ben]) await hasMoved(one, conversation)
  for (const one of [anna, ben]) await one.stop()
  const log = new Database(anna.deliveryFile)
  loseNewest(log, `h.${state.log}`, 6)
  await restartLater(11 * minuteMs, [anna, ben])
  await carol.start()
  await until('Carol hears that others are further on', () =>
    Promise.resolve((roomOf(carol, conversation)?.behindAt ?? 0) > 0))
  await carol.call('conversation.add', { conversation, people: [], invites: [await dave.invite()] })
  await restartLater(32 * minuteMs, [carol])
  await isBack(carol, conversation)
  assert.equal(log.prepare('SELECT COUNT(*) FROM records WHERE log = ? AND slot = ?').pluck()
    .get(`h.${state.log}`, commitSlot(state.group, 2)), 0)
  log.close()
  assert.equal(await dave.accept(), conversation)
  await assertTogether([anna, ben, carol, dave], conversation, 'after')
})

test('told of an epoch to which the log leads only a part of the way: whoever is there asks, and is let back in', async (t) => {
  // One after the other, as they were told: the latest counts.
  const { anna, ben, carol, dave, conversation, commits, left } = await behind(t, {
    names: ['Willow', 'Hazel', 'Alder'], lost: 2, told: (carols, annas) => [carols + 1n, annas],
  })
  // So late that nobody has the records any more by which they came there.
  const days = 8 * 24 * 60 * minuteMs
  carol.now = () => Date.now() + days
  await carol.start()
  await until('Carol follows as far as the log leads', async () => (await carol.conversation(conversation))?.title === 'Willow')
  await carol.call('conversation.add', { conversation, people: [], invites: [await dave.invite()] })
  assert.ok((roomOf(carol, conversation)?.behindAt ?? 0) > 0)
  await restartLater(days + 32 * minuteMs, [carol])
  await until('Carol asks', async () => (await carol.conversation(conversation))?.recovering?.reason === 'undecided')
  assert.equal(commits(), left, 'and puts nothing where it was told that something is')
  for (const one of [anna, ben]) {
    one.now = () => Date.now() + days + 32 * minuteMs
    await one.start()
  }
  await isBack(carol, conversation)
  assert.equal(await dave.accept(), conversation)
  await assertTogether([anna, ben, carol, dave], conversation, 'after')
})

test('letters that came while somebody was away: they are read before anything is put into the log', async (t) => {
  const { anna, ben, carol, dave, conversation, commits, left } = await behind(t, {
    names: ['Willow', 'Hazel'], lost: 1, told: (_carols, annas) => [annas],
  })
  let isInboxHere = false
  carol.through = (delivery) => ({
    address: delivery.address,
    append: (...args) => delivery.append(...args), slot: (...args) => delivery.slot(...args),
    watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
    read: async (of, after, limit) => {
      await until('it is let through', () => Promise.resolve(isInboxHere || !of.startsWith('i.')))
      return delivery.read(of, after, limit)
    },
  })
  await carol.start()
  await until('Carol follows as far as the log leads', async () => (await carol.conversation(conversation))?.title === 'Willow')
  await carol.call('conversation.add', { conversation, people: [], invites: [await dave.invite()] })
  await until('her commit waits', () => Promise.resolve(carol.store?.documents('publish').length === 1))
  isInboxHere = true
  await until('Carol hears that others are further on', () =>
    Promise.resolve((roomOf(carol, conversation)?.behindAt ?? 0) > 0))
  carol.through = asItIs
  await restartLater(32 * minuteMs, [carol])
  await until('Carol asks', async () => (await carol.conversation(conversation))?.recovering?.reason === 'undecided')
  assert.equal(commits(), left, 'nothing is put where others have been')
  await restartLater(32 * minuteMs, [anna, ben])
  await isBack(carol, conversation)
  assert.equal(await dave.accept(), conversation)
  await assertTogether([anna, ben, carol, dave], conversation, 'after')
})

test('two stories that both brought somebody in: nobody stays in the one that ends, and whoever is only there is told', async (t) => {
  const { all: [anna, ben, carol, dave, eve], end } = await people(['Anna', 'Ben', 'Carol', 'Dave', 'Eve'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await assertTogether([anna, ben, carol], conversation, 'before')
  const invites = [await dave.invite(), await eve.invite()] as const
  for (const one of [anna, ben, carol, dave, eve]) await one.stop()
  const other = path.join(path.dirname(anna.deliveryFile), 'other.sqlite')
  copyFileSync(anna.deliveryFile, other)
  for (const one of [carol, dave]) {
    one.through = (delivery) => { void delivery.close(); return openSqliteDelivery({ file: other, pollMs: 20 }) }
  }
  for (const one of [anna, ben, carol, dave, eve]) await one.start()
  await carol.call('conversation.add', { conversation, people: [], invites: [invites[0]] })
  await anna.call('conversation.add', { conversation, people: [], invites: [invites[1]] })
  for (const one of [dave, eve]) assert.equal(await one.accept(), conversation)
  await assertTogether([carol, dave], conversation, 'here')
  await assertTogether([anna, ben, eve], conversation, 'there')
  for (const one of [carol, dave]) one.through = asItIs
  for (const one of [carol, dave]) await one.restart()
  await areInOneEpoch([anna, ben, carol], conversation)
  await restartLater(71 * minuteMs, [anna, ben, carol])
  const [told] = await until('who is only in the other story hears of it', async () => {
    const chats = await Promise.all([dave, eve].map((one) => one.conversation(conversation)))
    const out = [dave, eve].filter((_, at) => chats[at]?.recovering?.reason === 'forked')
    return out.length > 0 && out
  })
  const there = told === dave ? eve : dave
  await areInOneEpoch([anna, ben, carol, there], conversation)
  await assertTogether([anna, ben, carol, there], conversation, 'after')
})

for (const [lie, way, reason] of [
  ['are further on', { epoch: 100n, seen: [] }, 'undecided'],
  ['saw something else win', { epoch: 9n, seen: [{ epoch: 0n, hash: new Uint8Array(32) }] }, 'forked'],
] as const) {
  test(`a member tells everybody that others ${lie}, and nobody is there: they go on, all of them`, async (t) => {
    const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
    t.after(end)
    const conversation = await gather(anna, ben, carol, dave)
    const others = [anna, ben, carol]
    await assertTogether([...others, dave], conversation, 'before')
    for (const one of [...others, dave]) await one.stop()
    const { group } = held(dave, conversation)
    const davesLeaf = leafAt(group.tree, group.ownLeaf)
    assert.ok(davesLeaf !== undefined)
    const davesDevice = deviceIdOf(davesLeaf.credential)
    await withLog(anna.deliveryFile, async (delivery) => {
      for (const { index, leafNode } of leavesOf(group.tree)) {
        if (index !== group.ownLeaf) await sendLetter(delivery, group, deviceIdOf(leafNode.credential), storyOf(group, way))
      }
    })
    for (const one of others) await one.start()
    for (const one of others) {
      await until(`${one.name} believes it`, async () => (await one.conversation(conversation))?.recovering !== undefined
        || (roomOf(one, conversation)?.behindAt ?? 0) > 0)
    }
    for (const one of others) await one.stop()
    for (const one of others) {
      one.now = () => Date.now() + 31 * minuteMs
      await one.start()
    }
    for (const one of others) {
      await until(`${one.name} asks`, async () => (await one.conversation(conversation))?.recovering?.reason === reason)
      await one.say(conversation, `${one.name}, meanwhile`)
    }
    // Anna's leaf is the first one: the others go on after her, or are let back in by her.
    await restartLater(95 * minuteMs, others)
    for (const one of others) await until(`${one.name} goes on`, async () =>
      (await one.conversation(conversation))?.recovering === undefined)
    await assertTogether(others, conversation, 'after')
    for (const one of others) for (const { name } of others) {
      assert.ok((await one.texts(conversation)).includes(`${name}, meanwhile`), `${one.name} has what ${name} said`)
    }
    // The same lie does not stop it again.
    const [annas] = leavesOf(group.tree)
    assert.ok(annas !== undefined)
    await withLog(anna.deliveryFile, (delivery) =>
      sendLetter(delivery, group, deviceIdOf(annas.leafNode.credential), storyOf(group, way)))
    await anna.restart()
    await assertTogether(others, conversation, 'at last')
    assert.equal((await anna.conversation(conversation))?.recovering, undefined)
    assert.equal(roomOf(anna, conversation)?.behindAt, 0)
    assert.deepEqual(roomOf(anna, conversation)?.doubted.map(({ deviceId }) => deviceId), [davesDevice])
  })
}
