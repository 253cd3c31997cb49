/** What does not fit together in what an account says of its devices: alarms, each with its own reason. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { toHex } from '../../main/mls/index.ts'
import { recoveryKeyPair } from '../../main/identity/recovery.ts'
import {
  accountIdOn, accountOn, adopted, appendToLog, entryRecord, keyOn, logOf, recordsOf, signEntry, suite, writeEntry,
} from './devices.ts'
import { people, until, type Person } from './world.ts'

async function couple(t: TestContext) {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  const others: Person[] = []
  t.after(async () => {
    for (const other of others) await other.stop()
    await end()
  })
  await logOf(anna)
  await logOf(ben)
  const shadow = async (name: string, options: Omit<Parameters<typeof adopted>[1], 'name'>): Promise<Person> => {
    const other = await adopted(ben, { name, ...options })
    others.push(other)
    return other
  }
  return { anna, ben, shadow }
}

async function chat(anna: Person, ben: Person): Promise<string> {
  const { conversation } = await ben.call('conversation.direct', { invite: await anna.invite() })
  await anna.accept()
  return conversation
}

/** Why a person's chat with somebody says that something changed. */
const reasons = async (person: Person, conversation: string) => (await person.entries(conversation)).flatMap((entry) =>
  entry.kind === 'fact' && entry.fact.fact === 'changed' ? [entry.fact.why] : [])

const alarmed = (person: Person, conversation: string) => until(`${person.name} is alarmed`, async () => {
  const found = await reasons(person, conversation)
  return found.length > 0 && found
})

async function trustIn(person: Person, conversation: string, accountId: string) {
  const found = (await person.conversation(conversation))?.people.find((one) => one.accountId === accountId)
  return found?.trust
}

describe('An alarm, and no more than that,', () => {
  test('is raised where a device signs two histories; its own person is told that a key is stolen', async (t) => {
    const { anna, ben } = await couple(t)
    const conversation = await chat(anna, ben)
    const [one, other] = [suite.signatureKeyPair(), suite.signatureKeyPair()]
    const add = (key: typeof one) => signEntry(ben, {
      issuer: keyOn(ben), operation: { type: 'add', publicKey: key.publicKey, name: 'x' }, newKey: key,
    })
    const [first, second] = [await add(one), await add(other)]
    await appendToLog(ben, entryRecord(first))
    await appendToLog(ben, entryRecord(second))
    await until('Ben is told', async () => ben.changes.some(({ notice }) => notice?.code === 'device-stolen'))
    await anna.restart()
    assert.deepEqual(await alarmed(anna, conversation), ['equivocation'])
    assert.equal(await trustIn(anna, conversation, toHex(accountIdOn(ben))), 'changed')
    // Once, however often it is found again; and the group goes on.
    await anna.restart()
    await ben.say(conversation, 'still here')
    await until('Anna reads on', async () => (await anna.texts(conversation)).includes('still here'))
    assert.deepEqual(await reasons(anna, conversation), ['equivocation'])
  })

  test('is raised where the recovery key was replaced', async (t) => {
    const { anna, ben } = await couple(t)
    const conversation = await chat(anna, ben)
    await until('Anna knows the log', async () => anna.store?.document('device-log', toHex(accountIdOn(ben))))
    const { recoverySeed } = accountOn(ben)
    assert.ok(recoverySeed !== undefined)
    const next = suite.signatureKeyPair()
    await writeEntry(ben, { type: 'rotateRecovery', publicKey: next.publicKey },
      { issuer: recoveryKeyPair(suite, recoverySeed), newKey: next })
    await anna.restart()
    assert.deepEqual(await alarmed(anna, conversation), ['recovery'])
  })

  test('is raised where a device tells of an entry that does not come, and not before its time', async (t) => {
    const { anna, ben, shadow } = await couple(t)
    let shift = 0
    anna.now = () => Date.now() + shift
    const device = suite.signatureKeyPair()
    const hidden = await signEntry(ben, {
      issuer: keyOn(ben), operation: { type: 'add', publicKey: device.publicKey, name: 'Shadow' }, newKey: device,
    })
    const records = [...await recordsOf(ben), entryRecord(hidden)]
    const twin = await shadow('Shadow', { device, records })
    const conversation = await chat(anna, twin)
    await twin.say(conversation, 'hello')
    await until('Anna reads it', async () => (await anna.texts(conversation)).length > 0)
    assert.deepEqual(await reasons(anna, conversation), [])
    shift = 11 * 60 * 1000
    await twin.say(conversation, 'and again')
    assert.deepEqual(await alarmed(anna, conversation), ['split'])
  })

  test('is raised at once where two devices tell of different entries of one number, and the log of neither', async (t) => {
    const { anna, ben, shadow } = await couple(t)
    const known = await recordsOf(ben)
    const chats: string[] = []
    for (const name of ['One', 'Other']) {
      const device = suite.signatureKeyPair()
      const hidden = await signEntry(ben, {
        issuer: keyOn(ben), operation: { type: 'add', publicKey: device.publicKey, name }, newKey: device,
      })
      const twin = await shadow(name, { device, records: [...known, entryRecord(hidden)] })
      const { conversation } = await twin.call('conversation.group', { name, people: [], invites: [await anna.invite()] })
      assert.equal(await anna.accept(), conversation)
      if (chats.length === 0) assert.deepEqual(await reasons(anna, conversation), [])
      chats.push(conversation)
    }
    for (const conversation of chats) assert.ok((await alarmed(anna, conversation)).includes('split'))
    assert.equal((await logOf(ben)).head.n, 0)
  })

  test('is raised at once where the log has another entry in its place', async (t) => {
    const { anna, ben, shadow } = await couple(t)
    const [device, other] = [suite.signatureKeyPair(), suite.signatureKeyPair()]
    const hidden = await signEntry(ben, {
      issuer: keyOn(ben), operation: { type: 'add', publicKey: device.publicKey, name: 'Shadow' }, newKey: device,
    })
    const records = [...await recordsOf(ben), entryRecord(hidden)]
    await writeEntry(ben, { type: 'add', publicKey: other.publicKey, name: 'Laptop' }, { newKey: other })
    const twin = await shadow('Shadow', { device, records })
    const conversation = await chat(anna, twin)
    assert.deepEqual(await alarmed(anna, conversation), ['split'])
    const known = (await logOf(ben)).devices.map(({ name }) => name)
    assert.deepEqual(known, [undefined, 'Laptop'])
  })

  test('is raised where a key that was taken back has made a device, which then goes', async (t) => {
    const { anna, ben, shadow } = await couple(t)
    let shift = 0
    anna.now = () => Date.now() + shift
    const [middle, friend] = [suite.signatureKeyPair(), suite.signatureKeyPair()]
    await writeEntry(ben, { type: 'add', publicKey: middle.publicKey, name: 'Laptop' }, { newKey: middle })
    const laptop = (await logOf(ben)).devices[1]
    assert.ok(laptop !== undefined)
    await writeEntry(ben, { type: 'grant', deviceId: new Uint8Array(Buffer.from(laptop.deviceId, 'hex')) })
    await writeEntry(ben, { type: 'add', publicKey: friend.publicKey, name: 'Friend' }, { issuer: middle, newKey: friend })
    const records = await recordsOf(ben)
    // It does not bring Ben in, whose own device would put it out at once.
    const theirs = `k.${toHex(accountOn(ben).deviceId)}`
    const thief = await shadow('Friend', { device: friend, records, prepare: (person) => {
      person.through = (delivery) => ({
        address: delivery.address, close: () => delivery.close(), slot: (log, slot) => delivery.slot(log, slot),
        watch: (logs, wake) => delivery.watch(logs, wake), append: (log, bytes, slot) => delivery.append(log, bytes, slot),
        read: (log, after, limit) => log === theirs ? Promise.resolve([]) : delivery.read(log, after, limit),
      })
    } })
    const conversation = await chat(anna, thief)
    await until('Anna knows the log', async () => anna.store?.document('device-log', toHex(accountIdOn(ben))))
    assert.deepEqual(await reasons(anna, conversation), [])
    await writeEntry(ben, { type: 'revoke', publicKey: middle.publicKey, lastHonoured: 2 })
    await anna.restart()
    assert.deepEqual(await alarmed(anna, conversation), ['certificate'])
    // Whoever knows removes it by a commit with the proof, when the account's own devices did not.
    await until('the thief is out, by the device’s name', async () => {
      shift += 20 * 60 * 1000
      await anna.say(conversation, 'kept back')
      await new Promise((resolve) => { setTimeout(resolve, 500) })
      return (await anna.entries(conversation)).some((entry) =>
        entry.kind === 'fact' && entry.fact.fact === 'revoked' && entry.fact.device === 'Friend')
    })
    assert.deepEqual(await thief.texts(conversation), [])
  })

  test('is not raised for what is honest: another device, a race, a key taken back in time', async (t) => {
    const { anna, ben } = await couple(t)
    const conversation = await chat(anna, ben)
    const [one, other] = [suite.signatureKeyPair(), suite.signatureKeyPair()]
    const add = (key: typeof one, issuer = keyOn(ben)) => signEntry(ben, {
      issuer, operation: { type: 'add', publicKey: key.publicKey, name: 'x' }, newKey: key,
    })
    await appendToLog(ben, entryRecord(await add(one)))
    const { devices: [, second] } = await logOf(ben)
    await writeEntry(ben, { type: 'grant', deviceId: new Uint8Array(Buffer.from(second?.deviceId ?? '', 'hex')) })
    // Both add a device for one number; one wins.
    const [mine, theirs] = [await add(other), await add(suite.signatureKeyPair(), one)]
    await appendToLog(ben, entryRecord(mine))
    await appendToLog(ben, entryRecord(theirs))
    await writeEntry(ben, { type: 'revoke', publicKey: one.publicKey, lastHonoured: 3 })
    // A squatter writes what nobody has to believe.
    await appendToLog(ben, Uint8Array.of(1, 2, 3))
    await appendToLog(ben, entryRecord({ ...mine, signature: new Uint8Array(64) }))
    await anna.restart()
    await ben.say(conversation, 'hello')
    await until('Anna reads it', async () => (await anna.texts(conversation)).length > 0)
    await until('Anna knows the log', async () => {
      const cursor = anna.store?.cursor(`u.${toHex(accountIdOn(ben))}`) ?? 0
      return cursor > 0 && (await anna.call('people.known', {})).length > 0
    })
    assert.deepEqual(await reasons(anna, conversation), [])
    assert.equal(ben.changes.some(({ notice }) => notice !== undefined), false)
    assert.deepEqual(anna.bugs, [])
  })
})
