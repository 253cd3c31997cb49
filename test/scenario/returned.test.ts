/** Devices that come back by the 24 words, as their owner's other devices see them: who was it? */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { encode } from '../../main/mls/index.ts'
import { DeviceLogRecord } from '../../main/identity/device-log.ts'
import { makeEntry, signPossession, type Operation } from '../../main/identity/entry.ts'
import { recoveryKeyPair, seedOf } from '../../main/identity/recovery.ts'
import { PortError } from '../../main/ports.ts'
import type { OwnDevice } from '../../preload/api.ts'
import { backupOf, ended } from './backups.ts'
import { accountIdOn, adopted, appendToLog, logOf, suite } from './devices.ts'
import { devicesIn, directBetween, facts, groupOf, hears, isIn, sees, unbroken, village } from './household.ts'
import { Person, until } from './world.ts'

const hourMs = 60 * 60 * 1000
const seal = { type: 'passphrase', passphrase: 'correct horse' } as const

const cardIsDue = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 2_500) })

async function moveOn(hours: number, ...all: readonly Person[]): Promise<void> {
  for (const one of all) {
    await one.stop()
    one.now = () => Date.now() + hours * hourMs
    await one.start()
  }
}

/** Mara talks with Jonas and in a group; her backup and her words are in the wrong hands, or in her own. */
async function life(t: TestContext) {
  const { all: [mara, jonas], link } = await village(t, ['Mara', 'Jonas'])
  const direct = await directBetween(mara, jonas)
  const group = await groupOf(mara, jonas)
  await mara.say(direct, 'before the backup')
  await hears(jonas, direct, 'before the backup')
  const words = (await mara.call('recovery.words', {})).join(' ')
  const comesBack = async (name: string): Promise<Person> => {
    const person = new Person(name, mara.folder)
    await person.start()
    t.after(() => person.stop())
    await person.call('setup.restoreBackup', { token: backup, typed: seal.passphrase, words, name, passphrase: '' })
    assert.equal((await ended(person)).at, 'restored')
    return person
  }
  const backup = await backupOf(mara, seal)
  await cardIsDue()
  return { mara, jonas, link, direct, group, words, comesBack }
}

const asked = (person: Person, name: string): Promise<OwnDevice> => until(`${person.name} is asked about ${name}`, async () =>
  (await person.call('devices.list', {})).find((one) => one.name === name && one.asked !== undefined))

const isAskedNothing = (person: Person): Promise<unknown> => until(`${person.name} is asked nothing`, async () =>
  (await person.call('devices.list', {})).every((one) => one.asked === undefined))

/** Nothing that was said on the way out, and in no chat. */
async function isNowhere(thief: Person, ...chats: readonly string[]): Promise<void> {
  for (const chat of chats) assert.deepEqual((await thief.texts(chat)).filter((text) => text.startsWith('secret')), [])
}

describe('A thief with the backup and the 24 words', () => {
  test('is asked about on the owner’s computer, and a no keeps him out of every chat', async (t) => {
    const { mara, jonas, direct, group, comesBack } = await life(t)
    const thief = await comesBack('Another laptop')
    const question = await asked(mara, 'Another laptop')
    assert.ok(question.mayRevoke && question.groups === 0)
    // Told to the window that is open, not only to one that is opened.
    assert.ok(mara.changes.some(({ devices }) => devices?.some((one) => one.asked !== undefined)))
    const until24 = question.asked?.until ?? 0
    assert.ok(Math.abs(until24 - Date.now() - 24 * hourMs) < 60_000)
    await mara.restart()
    assert.equal((await asked(mara, 'Another laptop')).asked?.until, until24)
    await until('he asks Jonas', async () => (await thief.conversations()).every(({ recovering }) => (recovering?.asked ?? 0) > 0))
    await mara.call('devices.returned', { deviceId: question.deviceId, mine: false })
    await isAskedNothing(mara)
    await assert.rejects(mara.call('devices.returned', { deviceId: question.deviceId, mine: true }), { code: 'bad-argument' })
    assert.deepEqual((await logOf(mara)).devices.map(({ revoked }) => revoked), [false, true])
    await moveOn(25, mara, jonas, thief)
    for (const chat of [direct, group]) {
      await mara.say(chat, 'secret')
      await hears(jonas, chat, 'secret')
      assert.deepEqual([await devicesIn(mara, chat), await devicesIn(jonas, chat)], [2, 2])
    }
    await isNowhere(thief, direct, group)
    unbroken(mara, jonas)
  })

  test('gets in where nobody looks for a day, shows in every chat, and a no takes him out of all of them', async (t) => {
    const { mara, jonas, direct, group, comesBack } = await life(t)
    await mara.stop()
    const thief = await comesBack('Another laptop')
    await until('he asks Jonas', async () => (await thief.conversations()).every(({ recovering }) => (recovering?.asked ?? 0) > 0))
    await moveOn(25, jonas, thief)
    await until('he is in', async () => (await thief.conversations()).every(({ recovering }) => recovering === undefined))
    mara.now = jonas.now
    await mara.start()
    for (const one of [mara, jonas]) {
      for (const chat of [direct, group]) {
        await until(`${one.name} is told`, async () => (await facts(one, chat)).some((fact) => JSON.stringify(fact).includes('Another laptop')))
      }
    }
    const question = await asked(mara, 'Another laptop')
    await mara.call('devices.returned', { deviceId: question.deviceId, mine: false })
    for (const chat of [direct, group]) {
      await sees(jonas, chat, 'revoked')
      await mara.say(chat, 'secret')
      await hears(jonas, chat, 'secret')
      assert.equal(await devicesIn(jonas, chat), 2)
    }
    await isNowhere(thief, direct, group)
    unbroken(mara, jonas)
  })

  test('gains nothing where the no cannot be sent at once, nor by the end of the program before it is', async (t) => {
    const { mara, jonas, direct, group, comesBack } = await life(t)
    let away = false
    mara.through = (delivery) => ({
      address: delivery.address, slot: (...args) => delivery.slot(...args), read: (...args) => delivery.read(...args),
      watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
      append: (...args) => away ? Promise.reject(new PortError('delivery-unreachable')) : delivery.append(...args),
    })
    await mara.restart()
    const thief = await comesBack('Another laptop')
    const { deviceId } = await asked(mara, 'Another laptop')
    await until('he asks Jonas', async () => (await thief.conversations()).every(({ recovering }) => (recovering?.asked ?? 0) > 0))
    away = true
    await mara.call('devices.returned', { deviceId, mine: false })
    await mara.restart()
    assert.deepEqual((await mara.call('devices.list', {})).map(({ revoked, asked: question }) => [revoked, question]),
      [[false, undefined], [true, undefined]])
    assert.deepEqual((await logOf(mara)).devices.map(({ revoked }) => revoked), [false, false])
    away = false
    await mara.restart()
    await until('it stands', async () => (await logOf(mara)).devices.every(({ revoked }, at) => revoked === (at === 1)))
    await moveOn(25, jonas, mara, thief)
    for (const chat of [direct, group]) {
      await mara.say(chat, 'secret')
      await hears(jonas, chat, 'secret')
      assert.equal(await devicesIn(jonas, chat), 2)
    }
    await isNowhere(thief, direct, group)
    unbroken(mara, jonas)
  })

  test('gains nothing by an entry that claims to be old', async (t) => {
    const { mara, jonas, direct, words } = await life(t)
    const typed = seedOf(words)
    assert.ok(typed.type === 'seed')
    const issuer = recoveryKeyPair(suite, typed.seed)
    const accountId = accountIdOn(mara)
    const device = suite.signatureKeyPair()
    const operation: Operation = { type: 'add', publicKey: device.publicKey, name: 'Old one' }
    // His keys are there before the owner's computer hears of him: it could bring him in at once.
    let hidden = true
    mara.through = (delivery) => ({
      address: delivery.address, slot: (...args) => delivery.slot(...args), append: (...args) => delivery.append(...args),
      watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
      read: (log, ...rest) => hidden && log.startsWith('u.') ? Promise.resolve([]) : delivery.read(log, ...rest),
    })
    await mara.restart()
    await appendToLog(mara, encode(DeviceLogRecord, { type: 'entry', signed: makeEntry(suite, {
      accountId, head: (await logOf(mara)).head, time: Date.now() - 3 * 24 * hourMs, issuer, operation,
      possession: signPossession(suite, device, { accountId, issuer: issuer.publicKey, operation }),
    }) }))
    const thief = await adopted(mara, { name: 'Old one', device })
    t.after(() => thief.stop())
    await thief.call('invite.show', {})
    hidden = false
    await mara.restart()
    const { asked: question } = await asked(mara, 'Old one')
    assert.ok((question?.until ?? 0) > Date.now() + 23 * hourMs)
    await mara.say(direct, 'hello')
    await hears(jonas, direct, 'hello')
    await new Promise((resolve) => { setTimeout(resolve, 1_500) })
    assert.equal(await devicesIn(mara, direct), 2)
    // That he could have been brought in shows a day later, when nobody has answered.
    await moveOn(25, mara, thief)
    await isIn(thief, direct)
    unbroken(mara, jonas)
  })

  test('is refused by a computer that has no right over him, too, and is told apart from its owner by no other', async (t) => {
    const { mara, jonas, link, direct, group, comesBack } = await life(t)
    const laptop = await link(mara, 'Laptop')
    for (const chat of [direct, group]) await isIn(laptop, chat)
    await mara.stop()
    const thief = await comesBack('Another laptop')
    const question = await asked(laptop, 'Another laptop')
    assert.equal(question.mayRevoke, false)
    await assert.rejects(laptop.call('devices.returned', { deviceId: question.deviceId, mine: true }), { code: 'not-allowed' })
    await assert.rejects(thief.call('devices.returned', { deviceId: question.deviceId, mine: true }), { code: 'bad-argument' })
    await until('he asks Jonas', async () => (await thief.conversations()).every(({ recovering }) => (recovering?.asked ?? 0) > 0))
    await laptop.call('devices.returned', { deviceId: question.deviceId, mine: false })
    await laptop.say(direct, 'that was not me')
    await hears(jonas, direct, 'that was not me')
    await moveOn(25, laptop, jonas, thief)
    for (const chat of [direct, group]) {
      await laptop.say(chat, 'secret')
      await hears(jonas, chat, 'secret')
      assert.equal(await devicesIn(jonas, chat), 3)
    }
    await isNowhere(thief, direct, group)
    // The elder learns of it from its own group, asks nothing more, and brings nobody in either.
    mara.now = jonas.now
    await mara.start()
    await isAskedNothing(mara)
    unbroken(mara, jonas, laptop)
  })
})

describe('Its owner, who has found the old computer again', () => {
  test('says that it was them, and the new one is in every chat at once and stays in', async (t) => {
    const { mara, jonas, link, direct, group, comesBack } = await life(t)
    const laptop = await link(mara, 'Laptop')
    for (const chat of [direct, group]) await isIn(laptop, chat)
    const anew = await comesBack('New laptop')
    const question = await asked(mara, 'New laptop')
    await asked(laptop, 'New laptop')
    await mara.call('devices.returned', { deviceId: question.deviceId, mine: true })
    await until('it is back', async () => (await anew.conversations()).every(({ recovering }) => recovering === undefined))
    await isAskedNothing(laptop)
    for (const chat of [direct, group]) {
      await anew.say(chat, 'back already')
      for (const one of [mara, jonas, laptop]) await hears(one, chat, 'back already')
    }
    await moveOn(25, mara, jonas, laptop, anew)
    for (const chat of [direct, group]) {
      await jonas.say(chat, 'and a day later')
      for (const one of [mara, laptop, anew]) await hears(one, chat, 'and a day later')
      assert.equal(await devicesIn(jonas, chat), 4)
      assert.ok(!(await facts(jonas, chat)).some(({ fact }) => fact === 'returned'), 'nobody let it in a second time')
    }
    unbroken(mara, jonas, laptop, anew)
  })

  test('and one that says nothing until a member would let it in is in once', async (t) => {
    const { mara, jonas, direct, group, comesBack } = await life(t)
    const anew = await comesBack('New laptop')
    const { deviceId } = await asked(mara, 'New laptop')
    await until('it asks Jonas', async () => (await anew.conversations()).every(({ recovering }) => (recovering?.asked ?? 0) > 0))
    await jonas.stop()
    await mara.call('devices.returned', { deviceId, mine: true })
    await until('it is back', async () => (await anew.conversations()).every(({ recovering }) => recovering === undefined))
    await anew.stop()
    await jonas.start()
    await until('Jonas has it', async () => await devicesIn(jonas, direct) === 3 && await devicesIn(jonas, group) === 3)
    await moveOn(25, mara, jonas)
    await jonas.say(direct, 'a day later')
    await hears(mara, direct, 'a day later')
    await new Promise((resolve) => { setTimeout(resolve, 1_000) })
    anew.now = jonas.now
    await anew.start()
    await hears(anew, direct, 'a day later')
    assert.ok(!(await facts(jonas, direct)).some(({ fact }) => fact === 'returned'))
    unbroken(mara, jonas, anew)
  })
})
