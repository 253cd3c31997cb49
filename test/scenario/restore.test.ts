import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { cardLog, writeCard, type Card } from '../../main/identity/card.ts'
import { encodeCredential } from '../../main/identity/credential.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import type { OwnAccount } from '../../main/chat/documents.ts'
import { newSeed, wordsOf } from '../../main/identity/recovery.ts'
import type { Delivery } from '../../main/ports.ts'
import { PortError } from '../../main/ports.ts'
import type { ErrorCode } from '../../preload/api.ts'
import { returningIn } from '../../renderer/returning.ts'
import { toHex } from '../../main/mls/index.ts'
import { close, LogWriter, newAccount } from '../identity/account.ts'
import { accountOn, appendToLog, logOf, suite } from './devices.ts'
import { people, Person, Refused, until } from './world.ts'

const hourMs = 60 * 60 * 1000

const hear = (person: Person, conversation: string, text: string): Promise<unknown> =>
  until(`${person.name} reads "${text}"`, async () => (await person.texts(conversation)).includes(text))

/** Mara with a direct chat and a group, her words on paper, and a card that says so; then her computer is gone. */
async function loss(t: TestContext) {
  const { all: [mara, jonas, kim], end } = await people(['Mara', 'Jonas', 'Kim'])
  t.after(end)
  const { conversation: direct } = await mara.call('conversation.direct', { invite: await jonas.invite() })
  await jonas.accept()
  const invites = [await jonas.invite(), await kim.invite()]
  const { conversation: group } = await mara.call('conversation.group', { name: 'River', people: [], invites })
  for (const one of [jonas, kim]) await one.accept()
  await mara.say(direct, 'before')
  await hear(jonas, direct, 'before')
  const words = (await mara.call('recovery.words', {})).join(' ')
  await until('a card is written', async () => await cardCount(mara) > 0)
  await cardIsDue()
  const account = accountOn(mara)
  await mara.stop()
  return { mara, jonas, kim, direct, group, words, account }
}

async function cardCount(person: Person): Promise<number> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  try {
    return (await delivery.read(cardLog(accountOn(person).recoveryCardName), 0, 100)).length
  } finally {
    await delivery.close()
  }
}

/** Cards are written two seconds after something happened. */
const cardIsDue = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 2_500) })

async function fresh(t: TestContext, like: Person, name = 'Mara anew', prepare?: (person: Person) => void): Promise<Person> {
  const person = new Person(name, like.folder)
  person.now = like.now
  prepare?.(person)
  await person.start()
  t.after(() => person.stop())
  return person
}

const refused = (work: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(work, (error) => error instanceof Refused && error.code === code, code)

const personIn = async (person: Person, conversation: string): Promise<string> =>
  (await person.conversation(conversation))?.people.find(({ own }) => !own)?.accountId ?? ''

test('The words alone, on a fresh computer: the account is back, and after a day everybody lets it in', async (t) => {
  const { mara, jonas, kim, direct, group, words } = await loss(t)
  const accountId = await personIn(jonas, direct)
  await jonas.call('person.trust', { accountId, trust: 'verified' })
  const { digits } = await jonas.call('person.safety', { accountId })
  const anew = await fresh(t, mara)
  await anew.call('setup.restore', { words, name: 'New laptop', passphrase: '' })
  const { phase } = await anew.call('app.open', {})
  assert.equal(phase.at === 'ready' && phase.me.name, 'Mara')
  assert.equal(phase.at === 'ready' && phase.me.accountId, accountId)
  const before = await anew.conversations()
  assert.deepEqual(new Set(before.map(({ id }) => id)), new Set([direct, group]))
  assert.deepEqual(before.map(({ recovering }) => recovering?.reason), ['restored', 'restored'])
  assert.deepEqual(new Set(before.map(({ title }) => title)), new Set(['Jonas', 'River']))
  // What she writes meanwhile waits; the owner of a device that still lives could object for a day.
  await anew.say(direct, 'I am back')
  await until('they were asked', async () => (await anew.conversations()).every(({ recovering }) => (recovering?.asked ?? 0) > 0))
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal((await jonas.conversation(direct))?.devices, 2)
  for (const one of [jonas, kim, anew]) {
    await one.stop()
    one.now = () => Date.now() + 25 * hourMs
    await one.start()
  }
  await until('she is back everywhere', async () => (await anew.conversations()).every(({ recovering }) => recovering === undefined))
  await hear(jonas, direct, 'I am back')
  await anew.say(group, 'here too')
  await Promise.all([jonas, kim].map((one) => hear(one, group, 'here too')))
  await jonas.say(direct, 'welcome')
  await hear(anew, direct, 'welcome')
  assert.deepEqual(await anew.texts(direct), ['I am back', 'welcome'])
  // The same person to everybody: nothing has to be compared anew.
  assert.equal((await jonas.conversation(direct))?.people.length, 2)
  const { trust, digits: still } = await jonas.call('person.safety', { accountId })
  assert.deepEqual([trust, still], ['verified', digits])
  assert.equal((await anew.call('person.safety', { accountId: await personIn(anew, direct) })).digits, digits)
  for (const one of [anew, jonas, kim]) assert.deepEqual(one.bugs, [])
})

test('In how many of its chats it is back: of those on the card, one by one, over restarts, until it is all of them', async (t) => {
  const { mara, jonas, kim, direct, group, words } = await loss(t)
  await Promise.all([jonas, kim].map((one) => one.stop()))
  const anew = await fresh(t, mara)
  await anew.call('setup.restore', { words, name: 'New laptop', passphrase: '' })
  const count = async () => {
    const { back, of, away } = returningIn(await anew.conversations())
    return { back, of, away: away.map(({ id }) => id).sort() }
  }
  assert.deepEqual(await count(), { back: 0, of: 2, away: [direct, group].sort() })
  // A chat that is begun here does not count, and what it waits for is told with how often it has asked.
  const { conversation: own } = await anew.call('conversation.group', { name: 'Begun here', people: [], invites: [] })
  await until('it is there', async () => (await anew.conversation(own))?.state === 'active')
  const asked = await until('they were asked', async () => {
    const { away } = returningIn(await anew.conversations())
    return away.every(({ recovering }) => (recovering?.asked ?? 0) > 0) && away
  })
  assert.deepEqual(asked.map(({ recovering }) => recovering?.reason), ['restored', 'restored'])
  await anew.restart()
  assert.deepEqual(await count(), { back: 0, of: 2, away: [direct, group].sort() })
  assert.ok(returningIn(await anew.conversations()).away.every(({ recovering }) => (recovering?.asked ?? 0) > 0))
  // Kim is in the group alone of the two, and hears of it; Jonas comes back two days later.
  await kim.start()
  await until('Kim has read it', async () => (await kim.conversation(group)) !== undefined)
  await new Promise((resolve) => { setTimeout(resolve, 500) })
  for (const one of [kim, anew]) {
    await one.stop()
    one.now = () => Date.now() + 25 * hourMs
    await one.start()
  }
  await until('it is in one', async () => (await count()).back === 1)
  assert.deepEqual(await count(), { back: 1, of: 2, away: [direct] })
  await anew.restart()
  assert.deepEqual(await count(), { back: 1, of: 2, away: [direct] })
  for (const hours of [26, 51]) {
    await jonas.stop()
    jonas.now = () => Date.now() + hours * hourMs
    await jonas.start()
    await until('Jonas is there', async () => (await jonas.conversation(direct)) !== undefined)
    await new Promise((resolve) => { setTimeout(resolve, 500) })
  }
  await until('it is in both', async () => (await count()).back === 2)
  assert.deepEqual(await count(), { back: 2, of: 2, away: [] })
  // One that is left is none to come back to.
  await anew.call('conversation.leave', { conversation: group })
  assert.deepEqual(await count(), { back: 1, of: 1, away: [] })
  for (const one of [anew, jonas, kim]) assert.deepEqual(one.bugs, [])
})

test('The new device has the rights of an elder, given by the recovery key', async (t) => {
  const { mara, words } = await loss(t)
  const anew = await fresh(t, mara)
  await anew.call('setup.restore', { words, name: 'New laptop', passphrase: '' })
  const { devices } = await logOf(anew)
  assert.deepEqual(devices.map(({ name, trusted, revoked, addedBy }) => ({ name, trusted, revoked, addedBy })), [
    { name: undefined, trusted: true, revoked: false, addedBy: 'genesis' },
    { name: 'New laptop', trusted: true, revoked: false, addedBy: 'recovery' },
  ])
  // The lost computer is the elder, so it takes the words to take it back.
  const [lost] = await anew.call('devices.list', {})
  assert.deepEqual([lost?.addedBy, lost?.mayRevoke], ['genesis', false])
  const deviceId = lost?.deviceId ?? ''
  await refused(anew.call('recovery.revoke', { words: wordsOf(newSeed(suite)).join(' '), deviceId }), 'words-foreign')
  await anew.call('recovery.revoke', { words, deviceId })
  assert.deepEqual((await logOf(anew)).devices.map(({ revoked }) => revoked), [true, false])
  await refused(anew.call('recovery.revoke', { words, deviceId }), 'bad-argument')
})

/** Whoever had a device of the account knows where its card lies: a later one, of an account of theirs that is closed. */
async function putDecoy(mara: Person, { recoverySealKey: sealKey, recoveryCardName: cardName }: OwnAccount): Promise<void> {
  const delivery = openSqliteDelivery({ file: mara.deliveryFile })
  const writer = new LogWriter(newAccount())
  const { accountId, genesis, laptop } = writer.account
  writer.write(laptop, close)
  for (const bytes of writer.records) await delivery.append(`u.${toHex(accountId)}`, bytes)
  const credential = encodeCredential({ accountId, deviceId: deviceIdFor(suite, laptop.publicKey), genesis, path: [] })
  const card: Card = { genesis, name: 'Nobody', address: 'local', madeAt: Date.now() + hourMs, groups: [] }
  await delivery.append(cardLog(cardName), writeCard(suite, card, { credential, key: laptop, sealKey, cardName }))
  await delivery.close()
}

test('Words of nobody, and words that are none: nothing is left on the computer, and the right ones still work', async (t) => {
  const { mara, words, account } = await loss(t)
  const anew = await fresh(t, mara)
  const restore = (typed: string) => anew.call('setup.restore', { words: typed, name: 'New laptop', passphrase: '' })
  await refused(restore(wordsOf(newSeed(suite)).join(' ')), 'card-missing')
  await refused(restore(words.split(' ').slice(1).join(' ')), 'words-count')
  await refused(restore(`${words.split(' ').slice(1).join(' ')} mararooned`), 'words-unknown')
  assert.equal((await anew.call('app.open', {})).phase.at, 'new')
  assert.equal(existsSync(path.join(anew.folder, anew.name, 'profile.sqlite')), false)
  await putDecoy(mara, account)
  await restore(words)
  assert.equal((await anew.conversations()).length, 2)
  assert.equal((await anew.call('app.open', {})).phase.at, 'ready')
})

test('Cut off in the middle: the next try finishes, and what the first one left is taken back', async (t) => {
  const { mara, words } = await loss(t)
  let appends = 0
  const anew = await fresh(t, mara, 'Mara anew', (person) => {
    person.through = (delivery): Delivery => ({
      address: delivery.address, read: (...args) => delivery.read(...args), slot: (...args) => delivery.slot(...args),
      watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
      append: (...args) => {
        appends += 1
        return appends === 2 ? Promise.reject(new PortError('delivery-unreachable')) : delivery.append(...args)
      },
    })
  })
  const restore = () => anew.call('setup.restore', { words, name: 'New laptop', passphrase: '' })
  await refused(restore(), 'delivery-unreachable')
  assert.equal((await anew.call('app.open', {})).phase.at, 'new')
  await restore()
  const { devices } = await logOf(anew)
  assert.deepEqual(devices.map(({ trusted, revoked }) => ({ trusted, revoked })), [
    { trusted: true, revoked: false }, { trusted: false, revoked: true }, { trusted: true, revoked: false },
  ])
})

test('A computer that came back by the words long ago, and was silent since, is not taken for a leftover', async (t) => {
  const { mara, words } = await loss(t)
  const first = await fresh(t, mara, 'first')
  await first.call('setup.restore', { words, name: 'First', passphrase: '' })
  await first.stop()
  // By then the log has forgotten the keys that it had put there for others.
  const second = await fresh(t, mara, 'second', (person) => {
    person.now = () => Date.now() + 100 * 24 * hourMs
    person.through = (delivery): Delivery => ({
      address: delivery.address, append: (...args) => delivery.append(...args), slot: (...args) => delivery.slot(...args),
      watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
      read: (log, ...rest) => log.startsWith('k.') ? Promise.resolve([]) : delivery.read(log, ...rest),
    })
  })
  await second.call('setup.restore', { words, name: 'Second', passphrase: '' })
  assert.deepEqual((await logOf(second)).devices.map(({ revoked }) => revoked), [false, false, false])
})

test('Lost again before anybody answered: the next computer finds the same conversations', async (t) => {
  const { mara, direct, group, words } = await loss(t)
  const second = await fresh(t, mara, 'second')
  await second.call('setup.restore', { words, name: 'Second', passphrase: '' })
  await cardIsDue()
  await second.stop()
  const third = await fresh(t, mara, 'third')
  await third.call('setup.restore', { words, name: 'Third', passphrase: '' })
  assert.deepEqual(new Set((await third.conversations()).map(({ id }) => id)), new Set([direct, group]))
  // Whoever came back last is asked about nobody who was there before: it may be the thief.
  await appendToLog(third, Uint8Array.of(1))
  await third.restart()
  await until('it has read of the one between', async () => {
    const [, between] = await third.call('devices.list', {})
    return between !== undefined && third.store?.document('setting', `returned.${between.deviceId}`)
  })
  assert.ok((await third.call('devices.list', {})).every(({ asked }) => asked === undefined))
})
