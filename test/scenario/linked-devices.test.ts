import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHex } from '../../main/mls/index.ts'
import { accountIdOn, accountOn, appendToLog, entryRecord, keyOn, signEntry, suite, writeEntry } from './devices.ts'
import { devicesIn, directBetween, facts, groupOf, hears, isIn, sees, stockOf, unbroken, village } from './household.ts'
import { until } from './world.ts'

describe('A linked device', () => {
  test('comes into every conversation by itself, and everybody is told of it', async (t) => {
    const { all: [anna, ben, carol], link } = await village(t, ['Anna', 'Ben', 'Carol'])
    const direct = await directBetween(anna, ben)
    const group = await groupOf(carol, anna, ben)
    await anna.say(direct, 'before')
    const laptop = await link(anna, 'Laptop')
    const who = toHex(accountIdOn(anna))
    const linked = { fact: 'linked', who, device: 'Laptop', deviceId: toHex(accountOn(laptop).deviceId) }
    for (const conversation of [direct, group]) {
      await isIn(laptop, conversation)
      assert.equal((await laptop.conversations()).filter(({ state }) => state === 'request').length, 0)
      assert.deepEqual(await sees(laptop, conversation, 'linked'), linked)
      assert.deepEqual(await sees(anna, conversation, 'linked'), linked)
      assert.deepEqual(await sees(ben, conversation, 'linked'), linked)
      assert.ok(!(await facts(ben, conversation)).some((one) => one.fact === 'added' && one.who.includes(who)))
    }
    assert.equal((await laptop.conversation(direct))?.title, 'Ben', 'it is told how the others are called')
    await laptop.say(direct, 'from the laptop')
    await hears(ben, direct, 'from the laptop')
    await hears(anna, direct, 'from the laptop')
    await ben.say(direct, 'to both')
    await hears(anna, direct, 'to both')
    await hears(laptop, direct, 'to both')
    const own = (await anna.entries(direct)).find((entry) => entry.kind === 'message' && entry.text === 'from the laptop')
    assert.ok(own?.kind === 'message' && own.own)
    assert.equal((await ben.conversation(direct))?.people.length, 2)
    assert.deepEqual(await laptop.texts(direct).then((all) => all.includes('before')), false)
    // Delivered is a matter of people: both of Anna's devices report, and she counts once.
    const delivered = await until('Ben knows that Anna has it', async () => (await ben.entries(direct))
      .find((entry) => entry.kind === 'message' && entry.text === 'to both' && entry.state === 'delivered'))
    assert.ok(delivered.kind === 'message')
    assert.equal(delivered.deliveredTo, 1)
    unbroken(anna, ben, carol, laptop)
  })

  test('is in what its person starts and accepts, but not in what nobody has answered', async (t) => {
    const { all: [anna, ben, carol], link } = await village(t, ['Anna', 'Ben', 'Carol'])
    const laptop = await link(anna, 'Laptop')
    const own = (await laptop.call('conversation.group', { name: 'Notes', people: [], invites: [] })).conversation
    await isIn(anna, own)
    assert.ok(!(await facts(laptop, own)).some(({ fact }) => fact === 'linked'), 'how it began is not worth a word')
    // Ben is added with the one device that he has; later he links another one.
    const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
    await isIn(laptop, conversation)
    await until('Ben is asked', async () => (await ben.conversation(conversation))?.state === 'request')
    const tablet = await link(ben, 'Tablet')
    const other = (await carol.call('conversation.direct', { invite: await ben.invite() })).conversation
    await until('Ben is asked', async () => (await ben.conversation(other))?.state === 'request')
    await ben.call('conversation.accept', { conversation: other })
    await isIn(tablet, other)
    assert.equal(await tablet.conversation(conversation), undefined)
    assert.equal((await ben.conversation(conversation))?.state, 'request')
    await ben.call('conversation.accept', { conversation })
    await isIn(tablet, conversation)
    await tablet.say(conversation, 'good day')
    for (const one of [anna, laptop, ben]) await hears(one, conversation, 'good day')
    unbroken(anna, ben, carol, laptop, tablet)
  })

  test('is brought in by whoever added it, also when that one was killed meanwhile, and after an hour by others', async (t) => {
    const { all: [anna, ben], link, adopt } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const laptop = await link(anna, 'Laptop')
    await isIn(laptop, direct)
    // Anna's first device certifies the phone, and is off before it can do more.
    const key = suite.signatureKeyPair()
    const signed = await signEntry(anna, { issuer: keyOn(anna), operation: { type: 'add', publicKey: key.publicKey, name: 'Phone' }, newKey: key })
    await anna.stop()
    await appendToLog(laptop, entryRecord(signed))
    const phone = await adopt(laptop, { name: 'Phone', device: key })
    await anna.restart()
    await isIn(phone, direct)
    await until('Ben sees three of Anna’s devices', async () => await devicesIn(ben, direct) === 4)
    // The next time it does not come back: the laptop waits for an hour.
    const second = suite.signatureKeyPair()
    const tablet = await signEntry(anna, { issuer: keyOn(anna), operation: { type: 'add', publicKey: second.publicKey, name: 'Tablet' }, newKey: second })
    await anna.stop()
    await appendToLog(laptop, entryRecord(tablet))
    const fourth = await adopt(laptop, { name: 'Tablet', device: second })
    await until('keys of the tablet', async () => await stockOf(fourth) > 50)
    await ben.say(direct, 'is everybody here?')
    await hears(laptop, direct, 'is everybody here?')
    assert.equal(await fourth.conversation(direct), undefined)
    // An hour, and up to ten minutes more, so that not all of them do it at once.
    for (const hours of [2, 3]) {
      for (const one of [laptop, phone, fourth, ben]) one.now = () => Date.now() + hours * 60 * 60 * 1000
      await ben.say(direct, `after ${hours} hours`)
      for (const one of [laptop, phone]) await hears(one, direct, `after ${hours} hours`)
    }
    await isIn(fourth, direct)
    unbroken(anna, ben, laptop, phone, fourth)
  })

  test('of a person who leaves, leaves with the others', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const group = await groupOf(anna, ben)
    const laptop = await link(anna, 'Laptop')
    await isIn(laptop, group)
    await laptop.call('conversation.leave', { conversation: group })
    await until('Anna is out everywhere', async () => (await anna.conversation(group))?.state === 'left'
      && (await laptop.conversation(group))?.state === 'left')
    assert.equal((await sees(anna, group, 'left')).fact, 'left')
    await until('Ben is alone', async () => await devicesIn(ben, group) === 1)
    const alone = (await anna.call('conversation.group', { name: 'Notes', people: [], invites: [] })).conversation
    await isIn(laptop, alone)
    await anna.call('conversation.leave', { conversation: alone })
    await until('the notes are closed on both', async () => (await laptop.conversation(alone))?.state === 'left')
    unbroken(anna, ben, laptop)
  })
})

describe('A device that was taken back', () => {
  test('goes out of every conversation, with a word; what it had said stays', async (t) => {
    const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
    const direct = await directBetween(anna, ben)
    const group = await groupOf(ben, anna)
    const laptop = await link(anna, 'Laptop')
    for (const conversation of [direct, group]) await isIn(laptop, conversation)
    await laptop.say(direct, 'while it was hers')
    await hears(ben, direct, 'while it was hers')
    await writeEntry(anna, { type: 'revoke', publicKey: keyOn(laptop).publicKey, lastHonoured: 1 })
    const who = toHex(accountIdOn(anna))
    for (const conversation of [direct, group]) {
      for (const one of [anna, ben]) {
        assert.deepEqual(await sees(one, conversation, 'revoked'), { fact: 'revoked', by: who, who, device: 'Laptop' })
      }
      assert.equal((await anna.conversation(conversation))?.state, 'active')
      assert.equal(await devicesIn(ben, conversation), 2)
    }
    assert.ok((await ben.texts(direct)).includes('while it was hers'))
    await anna.say(direct, 'without the laptop')
    await hears(ben, direct, 'without the laptop')
    unbroken(anna, ben, laptop)
  })
})
