/** Attackers with the key of a device, and members who misuse what is meant against them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { incarnationExtension, leafCapabilities, leafExtensions, leafLifetime } from '../../main/chat/extensions.ts'
import { signRejoin, type Letter } from '../../main/chat/letter.ts'
import { decodeKeyPackageRecord, keyPackageLog } from '../../main/chat/mail.ts'
import { encodeNote } from '../../main/chat/note.ts'
import { encodeContent, type Body } from '../../main/chat/content.ts'
import { groupLog, sealOf, sealRecord } from '../../main/chat/sealed.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { decodeDeviceLog, type OwnAccount } from '../../main/chat/documents.ts'
import { authentication, encodeCredential } from '../../main/identity/credential.ts'
import { accountIdFor, SignedGenesis } from '../../main/identity/genesis.ts'
import { recoveryKeyPair } from '../../main/identity/recovery.ts'
import {
  commit, decode, encode, generateKeyPackage, KeyPackage, MLSMessage, protect, toHex, validateKeyPackage, type Group,
  type KeyPair,
} from '../../main/mls/index.ts'
import type { Fact } from '../../preload/api.ts'
import { commitRecord, held, leafOf, sendLetter, type Held } from './attacker.ts'
import { accountIdOn, accountOn, keyOn, logOf, suite, writeEntry } from './devices.ts'
import { devicesIn, directBetween, facts, groupOf, hears, isIn, sees, unbroken, village } from './household.ts'
import { Person, until } from './world.ts'

const hourMs = 60 * 60 * 1000

/** Says something under the keys of a group, as somebody's store had it; the keys move on. */
async function speakAs(
  thief: { group: Group, readonly log: string }, said: string | Body, to: Person,
): Promise<void> {
  const log = groupLog('m', thief.log)
  const made = protect(thief.group, encodeContent({
    id: suite.random(16), sentAt: BigInt(Date.now()), numbering: 0n, joined: 0n, base: 0, counter: 9,
    body: typeof said === 'string' ? { type: 'text', text: said } : said,
  }))
  thief.group = made.group
  await append(to, { log, bytes: sealRecord(suite, sealOf(made.group), log, [encode(MLSMessage, made.message)]) })
}

async function append(person: Person, record: { readonly log: string, readonly bytes: Uint8Array, readonly slot?: string }) {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  await delivery.append(record.log, record.bytes, record.slot)
  await delivery.close()
}

/** All that a device has, in other hands; the device itself is off. */
type Stolen = Held & { readonly account: OwnAccount }
async function steal(device: Person, conversation: string): Promise<Stolen> {
  // The keys are copies: they outlive the app.
  const account = accountOn(device)
  await device.stop()
  return { ...held(device, conversation), account }
}

const keyOfStolen = ({ account }: Stolen): KeyPair =>
  ({ publicKey: account.devicePublicKey, privateKey: account.devicePrivateKey })

/** Asks as the device itself would. Gives what asks by the same request again. */
async function askAs(thief: Stolen, ...helpers: readonly Person[]): Promise<() => Promise<void>> {
  const { group, account: { genesis, deviceId, path } } = thief
  const signed = decode(SignedGenesis, genesis)
  const accountId = accountIdFor(suite, signed.genesis)
  const { keyPackage } = generateKeyPackage(suite, {
    credential: encodeCredential({ accountId, deviceId, genesis: signed, path: [...path] }),
    signatureKeyPair: keyOfStolen(thief), capabilities: leafCapabilities(), lifetime: leafLifetime(Date.now()),
    leafExtensions: [...leafExtensions({ n: 0, hash: accountId }), incarnationExtension(BigInt(Date.now()))],
  })
  const letter: Letter = { type: 'rejoin', ...signRejoin(suite, keyOfStolen(thief), {
    groupId: group.context.groupId, lastEpoch: group.context.epoch, reason: 0, at: Date.now(),
    keyPackage: encode(KeyPackage, keyPackage),
  }) }
  const send = async (): Promise<void> => {
    for (const one of helpers) {
      const delivery = openSqliteDelivery({ file: one.deliveryFile })
      await sendLetter(delivery, group, toHex(accountOn(one).deviceId), letter)
      await delivery.close()
    }
  }
  await send()
  return send
}

/** How many of a device's KeyPackages others have claimed. */
async function claimsOf(person: Person): Promise<number> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  const records = await delivery.read(keyPackageLog(toHex(accountOn(person).deviceId)), 0, 500)
  await delivery.close()
  return records.filter(({ slot }) => slot?.startsWith('claim.') === true).length
}

/** Something that is said is read by all of them, and they are the only devices. */
async function hearsNothingOf(fact: Fact['fact'], conversation: string, ...all: readonly Person[]): Promise<void> {
  for (const one of all) {
    await one.say(conversation, `${one.name} is here`)
    for (const other of all) await hears(other, conversation, `${one.name} is here`)
  }
  for (const one of all) {
    assert.equal(await devicesIn(one, conversation), all.length)
    assert.ok((await facts(one, conversation)).every((told) => told.fact !== fact))
  }
}

const asking = (person: Person, conversation: string) => until(`${person.name} sees who asks`, async () =>
  (await person.conversation(conversation))?.asking?.[0])

async function moveOn(hours: number, ...all: readonly Person[]): Promise<void> {
  for (const one of all) {
    await one.stop()
    one.now = () => Date.now() + hours * hourMs
    await one.start()
  }
}

describe('A device that was taken back', () => {
  test('is heard up to that commit; what it sends afterwards is refused, and it names no slot', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const laptop = await link(anna, 'Laptop')
    await isIn(laptop, direct)
    await laptop.say(direct, 'hers still')
    await hears(ben, direct, 'hers still')
    const stolen = await steal(laptop, direct)
    const thief = { ...stolen }
    // Before anybody knows, the thief is the device.
    await speakAs(thief, 'stolen, and nobody knows', ben)
    await hears(ben, direct, 'stolen, and nobody knows')
    await writeEntry(anna, { type: 'revoke', publicKey: keyOfStolen(stolen).publicKey, lastHonoured: 1 })
    for (const one of [anna, ben]) await sees(one, direct, 'revoked')
    await speakAs(thief, 'stolen, and everybody knows', ben)
    await speakAs(thief, 'and once more', ben)
    for (const attempt of [0, 1, 2]) {
      await append(ben, commitRecord(thief, commit(thief.group, {
        authentication: authentication(suite), forcePath: true, authenticatedData: encodeNote(Date.now()),
      }).message, attempt))
    }
    const refused = await until('Ben sees that something was refused', async () => (await ben.entries(direct))
      .find((entry) => entry.kind === 'gap' && entry.count === 2))
    assert.ok(refused.kind === 'gap')
    assert.equal(refused.rule, 'device.revoked')
    assert.ok(!(await ben.texts(direct)).some((text) => text.includes('everybody knows')))
    await ben.say(direct, 'undisturbed')
    await hears(anna, direct, 'undisturbed')
    assert.equal(await devicesIn(ben, direct), 2)
    // Its KeyPackages lie there still; nobody takes them for anything new.
    const { conversation } = await ben.call('conversation.group', { name: 'Anew', people: [toHex(accountIdOn(anna))], invites: [] })
    assert.equal(await anna.accept(), conversation)
    await hearsNothingOf('revoked', conversation, anna, ben)
    unbroken(anna, ben)
  })

  test('invites nobody to anything in its person’s name, although it can claim keys', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const laptop = await link(anna, 'Laptop')
    await isIn(laptop, direct)
    const invite = await ben.invite()
    const before = await claimsOf(ben)
    // The log is kept from the thief's app, so that it goes on.
    const { publicKey } = keyOn(laptop)
    await laptop.stop()
    laptop.through = (delivery) => ({
      address: delivery.address, slot: (...args) => delivery.slot(...args), append: (...args) => delivery.append(...args),
      watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
      read: (log, after, limit) => log.startsWith('u.') ? Promise.resolve([]) : delivery.read(log, after, limit),
    })
    await writeEntry(anna, { type: 'revoke', publicKey, lastHonoured: 1 })
    for (const one of [anna, ben]) await sees(one, direct, 'revoked')
    await moveOn(25, ben)
    await until('Ben has read on in Anna’s log', async () => {
      const bytes = ben.store?.document('device-log', toHex(accountIdOn(anna)))
      return bytes !== undefined && decodeDeviceLog(bytes).length === 3
    })
    await laptop.start()
    await laptop.call('conversation.group', { name: 'Trap', people: [], invites: [invite] })
    await until('the keys are claimed', async () => await claimsOf(ben) > before)
    await anna.say(direct, 'a moment later')
    await hears(ben, direct, 'a moment later')
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.deepEqual((await ben.conversations()).map(({ id }) => id), [direct])
    unbroken(anna, ben)
  })

  test('asks no stranger either: the log of whoever asks is read before a request is shown', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const laptop = await link(anna, 'Laptop')
    const [invite, log] = [await ben.invite(), `u.${toHex(accountIdOn(anna))}`]
    const { publicKey } = keyOn(laptop)
    await laptop.stop()
    // The thief's app does not hear of it, so that it goes on.
    laptop.through = (delivery) => ({
      address: delivery.address, slot: (...args) => delivery.slot(...args), append: (...args) => delivery.append(...args),
      watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
      read: (name, after, limit) => name === log ? Promise.resolve([]) : delivery.read(name, after, limit),
    })
    await writeEntry(anna, { type: 'revoke', publicKey, lastHonoured: 1 })
    const before = await claimsOf(ben)
    await laptop.start()
    await laptop.call('conversation.group', { name: 'Trap', people: [], invites: [invite] })
    await until('the keys are claimed', async () => await claimsOf(ben) > before)
    const { conversation } = await anna.call('conversation.direct', { invite })
    await until('Anna asks', async () => (await ben.conversation(conversation))?.state === 'request')
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.deepEqual((await ben.conversations()).map(({ id }) => id), [conversation])
    unbroken(anna, ben)
  })
})

describe('A stolen key that asks to be let back in', () => {
  test('is refused by a click of its owner, and for good', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const laptop = await link(anna, 'Laptop')
    await isIn(laptop, direct)
    await laptop.say(direct, 'mine')
    await hears(ben, direct, 'mine')
    const askAgain = await askAs(await steal(laptop, direct), anna, ben)
    const seen = await asking(anna, direct)
    assert.equal(seen.device, 'Laptop')
    // Told to the window that is open, not only to one that is opened.
    assert.ok(anna.changes.some(({ conversations }) => conversations?.some(({ asking }) => asking !== undefined)))
    assert.equal((await ben.conversation(direct))?.asking, undefined, 'it is none of Ben’s business')
    await anna.call('conversation.veto', { conversation: direct, deviceId: seen.deviceId })
    await until('nobody asks', async () => (await anna.conversation(direct))?.asking === undefined)
    await assert.rejects(anna.call('conversation.veto', { conversation: direct, deviceId: seen.deviceId }), { code: 'bad-argument' })
    await anna.say(direct, 'that was not me')
    await hears(ben, direct, 'that was not me')
    await askAgain()
    await moveOn(25, anna, ben)
    await ben.say(direct, 'a day later')
    await hears(anna, direct, 'a day later')
    assert.equal((await anna.conversation(direct))?.asking, undefined, 'nor is she asked by the same request again')
    for (const one of [anna, ben]) assert.ok(!(await facts(one, direct)).some(({ fact }) => fact === 'returned'))
    unbroken(anna, ben)
  })

  test('is asked about even where it asks none of its owner’s devices: whoever it asks tells them', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const laptop = await link(anna, 'Laptop')
    await isIn(laptop, direct)
    await laptop.say(direct, 'mine')
    await hears(ben, direct, 'mine')
    await askAs(await steal(laptop, direct), ben)
    const seen = await asking(anna, direct)
    assert.equal(seen.device, 'Laptop')
    await anna.call('conversation.veto', { conversation: direct, deviceId: seen.deviceId })
    await anna.say(direct, 'that was not me')
    await hears(ben, direct, 'that was not me')
    await moveOn(25, anna, ben)
    await ben.say(direct, 'a day later')
    await hears(anna, direct, 'a day later')
    for (const one of [anna, ben]) assert.ok(!(await facts(one, direct)).some(({ fact }) => fact === 'returned'))
    unbroken(anna, ben)
  })

  test('is refused by the device itself, as soon as it says something', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const laptop = await link(anna, 'Laptop')
    await isIn(laptop, direct)
    await laptop.say(direct, 'mine')
    await hears(ben, direct, 'mine')
    await askAs(await steal(laptop, direct), anna, ben)
    await asking(anna, direct)
    await laptop.start()
    await laptop.say(direct, 'I am here')
    for (const one of [anna, ben]) await hears(one, direct, 'I am here')
    await until('nobody asks', async () => (await anna.conversation(direct))?.asking === undefined)
    await moveOn(25, anna, ben)
    await laptop.say(direct, 'and still here')
    for (const one of [anna, ben]) await hears(one, direct, 'and still here')
    assert.ok(!(await facts(ben, direct)).some(({ fact }) => fact === 'returned'))
    unbroken(anna, ben, laptop)
  })

  test('is let in after ten minutes where nobody objects, and everybody sees it', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const laptop = await link(anna, 'Laptop')
    await isIn(laptop, direct)
    await laptop.say(direct, 'mine')
    await hears(ben, direct, 'mine')
    await askAs(await steal(laptop, direct), anna, ben)
    await asking(anna, direct)
    await moveOn(1, anna)
    const who = toHex(accountIdOn(anna))
    for (const one of [anna, ben]) {
      assert.deepEqual(await sees(one, direct, 'returned'), { fact: 'returned', by: who, who, device: 'Laptop' })
    }
    unbroken(anna, ben)
  })
})

describe('A member', () => {
  test('replaces no device of a victim without that one’s signed request', async (t) => {
    const { all: [anna, ben, carol] } = await village(t, ['Anna', 'Ben', 'Carol'])
    const group = await groupOf(anna, ben, carol)
    await ben.say(group, 'here')
    for (const one of [anna, carol]) await hears(one, group, 'here')
    await carol.stop()
    const state = held(carol, group)
    const victim = leafOf(state.group, toHex(accountIdOn(ben)))
    const delivery = openSqliteDelivery({ file: ben.deliveryFile })
    const records = await delivery.read(keyPackageLog(toHex(accountOn(ben).deviceId)), 0, 500)
    const [stocked] = records.filter(({ slot }) => slot?.startsWith('claim.') !== true)
      .map(({ bytes }) => decodeKeyPackageRecord(bytes)).filter(({ lastResort }) => lastResort === 0).slice(-1)
    assert.ok(stocked !== undefined)
    const keyPackage = validateKeyPackage(suite, decode(KeyPackage, stocked.keyPackage), {
      authentication: authentication(suite), now: BigInt(Math.floor(Date.now() / 1000)),
    })
    const { message } = commit(state.group, {
      authentication: authentication(suite), authenticatedData: encodeNote(Date.now()),
      proposals: [{ type: 'remove', removed: victim }, { type: 'add', keyPackage }],
    })
    const record = commitRecord(state, message)
    await delivery.append(record.log, record.bytes, record.slot)
    await delivery.close()
    await anna.say(group, 'what was that?')
    await hears(ben, group, 'what was that?')
    await ben.say(group, 'nothing')
    await hears(anna, group, 'nothing')
    assert.ok(!(await facts(anna, group)).some(({ fact }) => fact === 'returned' || fact === 'removed'))
    unbroken(anna, ben)
  })

  test('takes a device out that its person took back by the words alone, and the person is absent', async (t) => {
    const { all: [anna, ben] } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const { recoverySeed, devicePublicKey } = accountOn(anna)
    assert.ok(recoverySeed !== undefined)
    const issuer = recoveryKeyPair(suite, recoverySeed)
    const accountId = toHex(accountIdOn(anna))
    await writeEntry(anna, { type: 'revoke', publicKey: devicePublicKey, lastHonoured: 0 }, { issuer })
    await anna.stop()
    await moveOn(25, ben)
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal(await devicesIn(ben, direct), 2, 'members leave it to the account’s own devices for a while')
    ben.now = () => Date.now() + 26 * hourMs
    await ben.say(direct, 'where are you?')
    assert.equal((await sees(ben, direct, 'revoked')).fact, 'revoked')
    const conversation = await ben.conversation(direct)
    assert.equal(conversation?.state, 'active')
    assert.deepEqual(conversation.absent.map((one) => one.accountId), [accountId])
    // Nobody could read it now: it waits for her.
    await ben.say(direct, 'come back')
    const waiting = (await ben.entries(direct)).find((entry) => entry.kind === 'message' && entry.text === 'come back')
    assert.equal(waiting?.kind === 'message' && waiting.state, 'sending')
    unbroken(ben)
  })

  test('lets a person back in at once whose stolen computer is out, by a new one and the words alone', async (t) => {
    const { all: [anna, ben] } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    await anna.say(direct, 'before')
    await hears(ben, direct, 'before')
    const words = (await anna.call('recovery.words', {})).join(' ')
    const stolen = accountOn(anna)
    assert.ok(stolen.recoverySeed !== undefined)
    const issuer = recoveryKeyPair(suite, stolen.recoverySeed)
    // The card is written two seconds after something happened.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    await anna.stop()
    const anew = new Person('Anna anew', anna.folder)
    t.after(() => anew.stop())
    await anew.start()
    await anew.call('setup.restore', { words, name: 'New laptop', passphrase: '' })
    await writeEntry(anew, { type: 'revoke', publicKey: stolen.devicePublicKey, lastHonoured: 0 }, { issuer })
    await ben.restart()
    await until('Ben has read that it is taken back', async () => {
      const bytes = ben.store?.document('device-log', toHex(accountIdOn(anew)))
      return bytes !== undefined && decodeDeviceLog(bytes).length === 4
    })
    // Less than the day for which somebody could object: there is nobody who could.
    for (const one of [ben, anew]) one.now = () => Date.now() + hourMs / 2
    await ben.say(direct, 'are you well?')
    await sees(ben, direct, 'revoked')
    await anew.restart()
    await until('Anna is back', async () => (await anew.conversation(direct))?.recovering === undefined)
    await anew.say(direct, 'again')
    await hears(ben, direct, 'again')
    await ben.say(direct, 'good')
    await hears(anew, direct, 'good')
    assert.equal(await devicesIn(ben, direct), 2)
    assert.deepEqual((await ben.conversation(direct))?.absent, [])
    unbroken(ben, anew)
  })
})

test('a device without an elder’s rights cannot say that its account is closed', async (t) => {
  const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
  const chat = await directBetween(anna, ben)
  const phished = await link(ben, 'Phished')
  await isIn(phished, chat)
  await until('Anna knows it', async () => await devicesIn(anna, chat) === 3)
  const thief = { ...await steal(phished, chat) }
  await speakAs(thief, { type: 'closed' }, anna)
  await speakAs(thief, 'and that was that', anna)
  await hears(anna, chat, 'and that was that')
  assert.ok((await facts(anna, chat)).every(({ fact }) => fact !== 'closed'))
  assert.equal((await anna.conversation(chat))?.gone, undefined)
  await writeEntry(ben, { type: 'close' }, { issuer: keyOfStolen(thief) })
  assert.equal((await logOf(ben)).closed, undefined)
  await anna.say(chat, 'still talking')
  await hears(ben, chat, 'still talking')
  unbroken(anna, ben)
})
