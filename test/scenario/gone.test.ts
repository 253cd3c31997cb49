/**
 * Deleted means gone: secrets are taken while they are there, the app goes on past them, and then nothing that is left
 * of the run holds them. Each one is found before, so that the search can fail.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { encodeTransfer } from '../../main/chat/transfer.ts'
import { Secret } from '../../main/mls/index.ts'
import { Guarded, passphrase } from './guarded.ts'
import { keepLedger } from './ledger.ts'
import { Scene, type Taken } from './scene.ts'
import { people, random, until, type Person } from './world.ts'

const dayMs = 24 * 60 * 60 * 1000

let ledger: ReturnType<typeof keepLedger>
before(() => { ledger = keepLedger() })
after(() => { ledger.end() })

/** In all transactions since the last look: what was dropped is zero in memory too. */
function assertWiped(): void {
  assert.ok(ledger.wiped > 0)
  ledger.wiped = 0
  assert.deepEqual([...new Set(ledger.faults.splice(0))], [])
}

const only = (taken: Taken, ...names: readonly string[]): Taken =>
  new Map([...taken].filter(([name]) => names.includes(name)))

/** The bytes of one that are not among those of the other. */
const without = (taken: Taken, others: Taken): Taken => {
  const bytes = new Set(Array.from(others.values(), (one) => Buffer.from(one).toString('hex')))
  return new Map([...taken].filter(([, one]) => !bytes.has(Buffer.from(one).toString('hex'))))
}

const texts = (...all: readonly string[]): Taken => new Map(all.map((text) => [text, new TextEncoder().encode(text)]))

const hear = (person: Person, conversation: string, text: string): Promise<unknown> =>
  until(`${person.name} reads "${text}"`, async () => (await person.texts(conversation)).includes(text))

async function rename(by: Person, others: readonly Person[], conversation: string, name: string): Promise<void> {
  await by.call('conversation.rename', { conversation, name })
  for (const one of [by, ...others]) {
    await until(`${one.name} sees the name ${name}`, async () => (await one.conversation(conversation))?.title === name)
  }
}

/** Anna makes a group; Ben accepts, and Cara has it as a request and reads along. */
async function gather(scene: Scene, [anna, ben, cara]: readonly [Person, Person, Person]): Promise<string> {
  await until('Ben has a stock', () => Promise.resolve(scene.stock(ben).size > 1))
  const stock = scene.stock(ben)
  for (const taken of stock.values()) scene.assertThere(taken, ben)
  const { conversation } = await anna.call('conversation.group', {
    name: 'Alder', people: [], invites: [await ben.invite(), await cara.invite()],
  })
  await ben.accept()
  // RFC 9420 §10: a KeyPackage is used once. Its leaf key lives on in the tree.
  const left = scene.stock(ben)
  const [spent, ...more] = [...stock].filter(([reference]) => !left.has(reference)).map(([, taken]) => taken)
  assert.ok(spent !== undefined && more.length === 0)
  await scene.assertGone(only(spent, 'initPrivateKey'), ben)
  scene.assertThere(only(spent, 'encryptionPrivateKey'), ben)
  await until('Cara has a request', async () => (await cara.conversation(conversation))?.state === 'request')
  return conversation
}

/** RFC 9420 §9.2: a message consumes the ratchet secret, in every member. */
async function talkOn(scene: Scene, [anna, ...others]: readonly [Person, ...Person[]], conversation: string): Promise<void> {
  const say = async (text: string): Promise<void> => {
    await anna.say(conversation, text)
    for (const one of others) await hear(one, conversation, text)
  }
  await say('a sentence under the alder')
  const members = [anna, ...others]
  const [own, ...theirs] = members.map((one) => scene.late(one, conversation))
  assert.ok(own !== undefined)
  // What Anna and all who read her hold: her ratchet's next secret is among it.
  const shared = theirs.reduce((rest, one) => without(rest, without(rest, one)), own)
  scene.assertThere(shared, ...members)
  await say('another one beside it')
  const consumed = without(shared, scene.late(anna, conversation))
  assert.ok(consumed.has('secret 1 of the secret tree'), 'the application ratchet of leaf 0, which is Anna')
  await scene.assertGone(consumed, ...members)
  // A report that is still on its way would consume a secret of its sender in the midst of what follows.
  await until('Anna has the report of whoever has accepted', async () => (await anna.entries(conversation)).every((entry) =>
    entry.kind !== 'message' || entry.deliveredTo === 1))
}

/** RFC 9420 §15.3: what late messages need stays for a day, and goes then without anything else that happens. */
async function passDay(scene: Scene, members: readonly Person[], conversation: string, late: Taken): Promise<void> {
  const ends = members.flatMap((one) => scene.ends(one, conversation))
  for (const person of members) await person.stop()
  scene.assertLogged()
  scene.assertThere(late, ...members)
  const aheadMs = Math.min(...ends) + dayMs - 3_000 - Date.now()
  for (const person of members) person.now = () => Date.now() + aheadMs
  await Promise.all(members.map((one) => one.start()))
  scene.assertThere(late, ...members)
  await new Promise((resolve) => { setTimeout(resolve, 2_000 + Math.max(...ends) - Math.min(...ends)) })
  await scene.assertGone(late, ...members)
}

for (const encrypted of [true, false]) {
  const how = encrypted ? 'the decrypted files' : 'the files and WALs of a run without a key'

  test(`what MLS deletes is gone from ${how}`, async (t) => {
    const scene = new Scene(t, encrypted)
    const { all, end } = await people(['Anna', 'Ben', 'Cara'], scene.watch)
    t.after(end)
    const [anna, ben, cara] = all
    const conversation = await gather(scene, all)
    await talkOn(scene, all, conversation)

    // RFC 9420 §8, §7.4: a commit with a path ends the epoch's secrets, and the committer's keys up to the root.
    const schedule = scene.schedule(anna, conversation)
    const keys = scene.keys(anna, conversation)
    const late = scene.late(anna, conversation)
    scene.assertThere(schedule, ...all)
    scene.assertThere(keys, anna)
    assert.ok(keys.size > 1)
    await rename(anna, [ben, cara], conversation, 'Willow')
    await scene.assertGone(schedule, ...all)
    await scene.assertGone(keys, ...all)
    await passDay(scene, all, conversation, without(late, scene.late(anna, conversation)))

    // A declined request, and a group that was left, leave nothing but the history of the latter.
    const said = texts('a sentence under the alder', 'another one beside it')
    const caras = new Map([...scene.all(cara, conversation), ...said])
    scene.assertThere(caras, cara)
    await cara.call('conversation.decline', { conversation })
    await scene.assertGone(caras, cara)
    scene.assertThere(said, anna, ben)
    const bens = scene.all(ben, conversation)
    scene.assertThere(bens, ben)
    await ben.call('conversation.leave', { conversation })
    await until('Ben is out', () => Promise.resolve(scene.reads(ben).group(conversation) === undefined))
    await scene.assertGone(bens, ben)
    scene.assertThere(said, ben)
    for (const one of all) assert.deepEqual(one.bugs, [])
    assertWiped()
  })
}

test('a device that is let back in keeps nothing of its old group, nor of its request', async (t) => {
  const scene = new Scene(t, true)
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'], scene.watch)
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await anna.say(conversation, 'before')
  await hear(ben, conversation, 'before')
  const old = scene.all(ben, conversation)
  await ben.stop()
  await anna.stop()
  scene.assertThere(old, ben)
  ben.now = anna.now = () => Date.now() + 80 * dayMs
  await ben.start()
  const asked = await until('Ben asks', () => {
    const room = scene.room(ben, conversation)
    const reference = room.recovery?.reference ?? ''
    return Promise.resolve(reference === '' ? undefined : scene.stock(ben).get(reference))
  })
  scene.assertThere(asked, ben)
  await anna.start()
  await until('Ben is back', async () => (await ben.entries(conversation)).some((entry) =>
    entry.kind === 'fact' && entry.fact.fact === 'returned'))
  await scene.assertGone(old, ben)
  await scene.assertGone(only(asked, 'initPrivateKey'), ben)
  await ben.say(conversation, 'after')
  await hear(anna, conversation, 'after')
  assertWiped()
})

test('who leaves while asking to be let back in keeps nothing of the request', async (t) => {
  const scene = new Scene(t, true)
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'], scene.watch)
  t.after(end)
  const { conversation } = await anna.call('conversation.group', { name: 'Alder', people: [], invites: [await ben.invite()] })
  await ben.accept()
  await anna.stop()
  await ben.stop()
  ben.now = () => Date.now() + 80 * dayMs
  await ben.start()
  const asked = await until('Ben asks', () => {
    const reference = scene.room(ben, conversation).recovery?.reference ?? ''
    return Promise.resolve(reference === '' ? undefined : scene.stock(ben).get(reference))
  })
  scene.assertThere(asked, ben)
  await ben.call('conversation.leave', { conversation })
  await scene.assertGone(asked, ben)
  assertWiped()
})

test('of two chats that both started at once, the one that goes leaves nothing', async (t) => {
  const scene = new Scene(t, true)
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'], scene.watch)
  t.after(end)
  const [toBen, toAnna] = [await ben.invite(), await anna.invite()]
  const made = await Promise.all([
    anna.call('conversation.direct', { invite: toBen }), ben.call('conversation.direct', { invite: toAnna }),
  ])
  const [owner, gone] = made[0].conversation > made[1].conversation
    ? [anna, made[0].conversation] : [ben, made[1].conversation]
  const taken = scene.all(owner, gone)
  scene.assertThere(taken, owner)
  for (const one of [anna, ben]) {
    await until(`${one.name} has one chat`, async () => {
      const [first, ...more] = await one.conversations()
      return more.length === 0 && first?.state === 'active' && first.id !== gone
    })
  }
  await scene.assertGone(taken, owner)
  assertWiped()
})

test('locking wipes every secret that was in memory', async (t) => {
  const { all: [ben], end } = await people(['Ben'])
  const anna = new Guarded('Anna', ben.folder)
  t.after(async () => {
    await anna.stop()
    await end()
  })
  await anna.begin(passphrase)
  await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  // The past of another own device is on its way here.
  anna.store?.commit({ documents: [{ kind: 'transfer', key: 'a'.repeat(32), bytes: encodeTransfer({
    version: 1, id: random(16), key: new Secret(random(32)), device: random(16), startedAt: Date.now(), done: 0, of: 9, chunk: 0,
    role: { type: 'new' },
  }) }] })
  // Loaded from the store, where each group has a copy of the signature key.
  await anna.restart()
  const forgotten = ledger.forgotten
  await anna.call('lock.now', {})
  assert.ok(ledger.forgotten > forgotten + 50)
  assertWiped()
})
