import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../../main/events.ts'
import { PortError, type Delivery } from '../../main/ports.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { openStore } from '../../main/sqlite/store.ts'
import path from 'node:path'
import { sealOf, sealRecord } from '../../main/chat/sealed.ts'
import { authentication } from '../../main/identity/credential.ts'
import { commit, encode, groupFromParts, MLSMessage } from '../../main/mls/index.ts'
import { people, quietLog, random, Refused, suites, until, type Person } from './world.ts'

const refused = (code: string) => (error: unknown): boolean => error instanceof Refused && error.code === code

async function chat(anna: Person, ben: Person): Promise<string> {
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await until('both are in', async () => (await anna.entries(conversation)).some((entry) =>
    entry.kind === 'fact' && entry.fact.fact === 'accepted'))
  return conversation
}

/** What stands in the logs of the delivery file, as everybody on this machine can read it. */
async function recordsOf(delivery: Delivery, log: string) {
  return delivery.read(log, 0, 1_000)
}

async function logOf(person: Person, conversation: string): Promise<string> {
  await person.stop()
  const store = openStore({ file: path.join(person.folder, person.name, 'profile.sqlite'), key: person.key.slice() })
  const room = JSON.parse(new TextDecoder().decode(store.document('room', conversation))) as { log: string }
  store.close()
  await person.start()
  return room.log
}

test('garbage, replays and records of strangers in every log stop nothing', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await chat(anna, ben)
  await anna.say(conversation, 'before')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('before'))
  const log = await logOf(ben, conversation)
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  const [original] = await recordsOf(delivery, `m.${log}`)
  assert.ok(original !== undefined)
  const flipped = original.bytes.slice()
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
  // A later epoch than any, an empty record, random bytes, a bit flipped, and the same bytes in a slot: a replay.
  const ahead = original.bytes.slice()
  ahead[4] = (ahead[4] ?? 0) + 3
  for (const bytes of [ahead, new Uint8Array(0), random(300), flipped]) await delivery.append(`m.${log}`, bytes)
  await delivery.append(`m.${log}`, original.bytes, 'replayed')
  for (const slot of ['c.0000', `c.${'0'.repeat(32)}`]) await delivery.append(`h.${log}`, random(300), slot)
  await anna.say(conversation, 'after')
  await until('Ben reads on', async () => (await ben.texts(conversation)).includes('after'))
  assert.deepEqual(await ben.texts(conversation), ['before', 'after'])
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
  await delivery.close()
})

test('a valid commit that a member puts into the message log changes nothing', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await chat(anna, ben)
  await anna.stop()
  const store = openStore({ file: path.join(anna.folder, anna.name, 'profile.sqlite'), key: anna.key.slice() })
  const parts = store.group(conversation)
  const room = JSON.parse(new TextDecoder().decode(store.document('room', conversation))) as { log: string }
  store.close()
  assert.ok(parts !== undefined)
  const group = groupFromParts(suites, parts)
  const made = commit(group, { authentication: authentication(group.suite), forcePath: true })
  const record = sealRecord(group.suite, sealOf(group), `m.${room.log}`, [encode(MLSMessage, made.message)])
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  await delivery.append(`m.${room.log}`, record)
  await delivery.close()
  await anna.start()
  await anna.say(conversation, 'after the attack')
  await until('Ben reads on', async () => (await ben.texts(conversation)).includes('after the attack'))
  await ben.say(conversation, 'nothing happened')
  await until('Anna reads it', async () => (await anna.texts(conversation)).includes('nothing happened'))
  // The epoch's secrets are whole: the next commit can be made and followed.
  await ben.restart()
  await anna.call('conversation.leave', { conversation })
  await until('Ben follows', async () => (await ben.conversation(conversation))?.state === 'left')
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
})

test('a truncated Welcome is said in plain words, and the next one works', async (t) => {
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'])
  t.after(end)
  // A delivery that cuts Anna's Welcomes in half: a byte in the middle is changed, the reference stays whole.
  anna.through = (delivery) => ({
    ...delivery, address: delivery.address,
    read: (log, after, limit) => delivery.read(log, after, limit), slot: (log, slot) => delivery.slot(log, slot),
    watch: (logs, wake) => delivery.watch(logs, wake), close: () => delivery.close(),
    append: (log, bytes, slot) => {
      const damaged = bytes.slice()
      if (log.startsWith('i.')) damaged[damaged.length - 60] = (damaged[damaged.length - 60] ?? 0) ^ 0xff
      return delivery.append(log, damaged, slot)
    },
  })
  await anna.restart()
  await anna.call('conversation.direct', { invite: await ben.invite() })
  await until('Ben hears of it', () => Promise.resolve(ben.changes.some((change) =>
    change.notice?.code === 'invitation-broken')))
  assert.deepEqual(await ben.conversations(), [])
  const { conversation } = await cara.call('conversation.direct', { invite: await ben.invite() })
  assert.equal(await ben.accept(), conversation)
  assert.deepEqual([...anna.bugs, ...ben.bugs, ...cara.bugs], [])
})

test('without delivery everything is kept, and goes out when it is back', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await chat(anna, ben)
  let away = true
  const gone = (): Promise<never> => Promise.reject(new PortError('delivery-unreachable'))
  anna.through = (delivery) => ({
    address: delivery.address, watch: (logs, wake) => delivery.watch(logs, wake), close: () => delivery.close(),
    append: (log, bytes, slot) => away ? gone() : delivery.append(log, bytes, slot),
    read: (log, after, limit) => away ? gone() : delivery.read(log, after, limit),
    slot: (log, slot) => away ? gone() : delivery.slot(log, slot),
  })
  await anna.restart()
  await anna.say(conversation, 'kept')
  await until('Anna is told', () => Promise.resolve(anna.changes.some((change) =>
    change.notice?.code === 'delivery-unreachable')))
  await anna.restart()
  assert.deepEqual(await anna.texts(conversation), ['kept'])
  away = false
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('kept'))
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
})

test('a full disk refuses a message and keeps what was there', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await chat(anna, ben)
  await anna.say(conversation, 'first')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('first'))
  const noted: Event[] = []
  anna.logIn = () => ({ ...quietLog(), note: (event) => { noted.push(event) } })
  anna.storeOptions = { maxPages: 1 } // SQLite's own limit: every page more is SQLITE_FULL.
  await anna.restart()
  const full = async (): Promise<boolean> => {
    for (let tries = 0; tries < 200; tries++) {
      try {
        await anna.say(conversation, 'x'.repeat(5_000))
      } catch (error) {
        assert.ok(refused('store-full')(error))
        return true
      }
    }
    return false
  }
  assert.ok(await full())
  assert.ok(noted.some((note) => note.event === 'store-refused' && note.code === 'store-full'))
  assert.equal((await anna.texts(conversation))[0], 'first')
  anna.storeOptions = {}
  await anna.restart()
  await anna.say(conversation, 'room again')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('room again'))
  assert.deepEqual(anna.bugs, [])
})

test('two processes on one profile: the second is told', async (t) => {
  const { all: [anna], end } = await people(['Anna'])
  t.after(end)
  assert.throws(() => openStore({
    file: path.join(anna.folder, anna.name, 'profile.sqlite'), key: anna.key.slice(),
  }), (error) => error instanceof PortError && error.code === 'profile-busy')
  assert.equal((await anna.call('recovery.words', {})).length, 24)
})

test('removing a profile needs its name, and leaves no file of it', async (t) => {
  const { all: [anna], end } = await people(['Anna'])
  t.after(end)
  await assert.rejects(anna.call('profile.remove', { name: 'anna' }), refused('name-differs'))
  await anna.call('profile.remove', { name: 'Anna' })
  assert.equal((await anna.call('app.open', {})).phase.at, 'new')
})
