import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { Closing, Fact } from '../../preload/api.ts'
import { PortError, type Delivery } from '../../main/ports.ts'
import { logOf } from './devices.ts'
import { directBetween, facts, groupOf, hears, isIn, sees, unbroken, village } from './household.ts'
import type { Person} from './world.ts';
import { confirmWords, people, until } from './world.ts'

const closingOn = async (person: Person): Promise<Closing | undefined> => (await person.call('app.open', {})).closing

/** Until the profile is deleted, and this computer is a new one. */
const isGone = (person: Person): Promise<unknown> =>
  until(`${person.name}'s profile is deleted`, async () => (await person.call('app.open', {})).phase.at === 'new', 60_000)

const close = (person: Person): Promise<undefined> => person.call('account.close', { name: person.name, words: '' })

/** Everything fails, as without a network. */
const away = (delivery: Delivery, isAway: () => boolean): Delivery => {
  const gate = <T>(work: () => Promise<T>): Promise<T> =>
    isAway() ? Promise.reject(new PortError('delivery-unreachable')) : work()
  return {
    ...delivery, address: delivery.address,
    append: (log, bytes, slot) => gate(() => delivery.append(log, bytes, slot)),
    read: (log, after, limit) => gate(() => delivery.read(log, after, limit)),
    slot: (log, slot) => gate(() => delivery.slot(log, slot)),
    watch: (logs, wake) => delivery.watch(logs, wake),
    close: () => delivery.close(),
  }
}

const has = (list: readonly Fact[], fact: Fact['fact'], who: string): boolean =>
  list.some((one) => one.fact === fact && 'who' in one && one.who === who)

test('Ben closes his account: everybody is told, he is in no group any more, and nothing brings it back', async (t) => {
  const { all: [anna, ben, carol] } = await village(t, ['Anna', 'Ben', 'Carol'])
  const direct = await directBetween(anna, ben)
  const group = await groupOf(ben, anna, carol)
  await ben.say(direct, 'the last word')
  await hears(anna, direct, 'the last word')
  const words = await ben.call('recovery.words', {})
  await confirmWords(ben)
  const invite = await ben.invite()
  await until('his card is written', async () => ben.store?.document('setting', 'card') !== undefined)
  const { phase } = await ben.call('app.open', {})
  assert.ok(phase.at === 'ready')
  const { accountId } = phase.me
  await assert.rejects(ben.call('account.close', { name: 'Benn', words: '' }), { code: 'name-differs' })
  assert.equal(await closingOn(ben), undefined)

  await close(ben)
  await isGone(ben)
  assert.ok(!existsSync(path.join(ben.folder, 'Ben', 'profile.sqlite')))
  const seen = ben.changes.flatMap(({ closing }) => closing?.at ?? []).filter((at, index, list) => at !== list[index - 1])
  assert.deepEqual(seen, ['waiting', 'telling', 'leaving', 'closing', 'deleting'])
  const told = ben.changes.flatMap(({ closing }) => closing?.at === 'leaving' ? [closing] : []).at(-1)
  assert.deepEqual([told?.done, told?.of], [2, 2])

  for (const [person, conversation] of [[anna, direct], [anna, group], [carol, group]] as const) {
    assert.deepEqual(await sees(person, conversation, 'closed'), { fact: 'closed', who: accountId })
    await until('Ben is out', async () =>
      (await person.conversation(conversation))?.people.every((one) => one.accountId !== accountId))
  }
  const { state, gone } = await anna.conversation(direct) ?? {}
  assert.equal(gone, true, state ?? '')
  assert.ok((await anna.texts(direct)).includes('the last word'))
  await assert.rejects(anna.say(direct, 'Ben?'), { code: 'conversation-closed' })
  await assert.rejects(anna.call('conversation.direct', { invite }), { code: 'account-closed' })
  // The others go on: with Ben the last admin is gone, so everyone is one.
  await anna.call('conversation.rename', { conversation: group, name: 'Without Ben' })
  await until('it is renamed', async () => (await carol.conversation(group))?.title === 'Without Ben')
  await carol.say(group, 'still here')
  await hears(anna, group, 'still here')
  assert.equal((await facts(anna, group)).filter(({ fact }) => fact === 'closed').length, 1)
  assert.ok(!has(await facts(anna, group), 'revoked', accountId))

  await assert.rejects(ben.call('setup.restore', { words: words.join(' '), name: 'New', passphrase: '' }), { code: 'account-closed' })
  assert.equal((await ben.call('app.open', {})).phase.at, 'new')
  unbroken(anna, ben, carol)
})

test('his other computers stop, say why, and go on showing what was said', async (t) => {
  const { all: [anna, ben], link } = await village(t, ['Anna', 'Ben'])
  const direct = await directBetween(anna, ben)
  const laptop = await link(ben, 'Laptop')
  await isIn(laptop, direct)
  await anna.say(direct, 'to both')
  await hears(laptop, direct, 'to both')
  await assert.rejects(laptop.call('account.close', { name: 'Ben', words: '' }), { code: 'account-elder' })
  await close(ben)
  await isGone(ben)
  await until('the laptop knows', async () => {
    const { phase } = await laptop.call('app.open', {})
    return phase.at === 'ready' && phase.readOnly === 'account-closed'
  })
  assert.ok(laptop.changes.some(({ notice }) => notice?.code === 'account-closed'))
  assert.ok((await laptop.texts(direct)).includes('to both'))
  await assert.rejects(laptop.say(direct, 'still me'), { code: 'account-closed' })
  await laptop.restart()
  const { phase } = await laptop.call('app.open', {})
  assert.equal(phase.at === 'ready' ? phase.readOnly : undefined, 'account-closed')
  await until('Anna sees no device of his', async () =>
    (await anna.conversation(direct))?.people.length === 1)
  await laptop.call('profile.remove', { name: 'Ben' })
  unbroken(anna, ben, laptop)
})

test('a younger computer closes it by the 24 words, which put it above the others', async (t) => {
  const { all: [ben], link } = await village(t, ['Ben'])
  const words = (await ben.call('recovery.words', {})).join(' ')
  await confirmWords(ben)
  const laptop = await link(ben, 'Laptop')
  const other = (await people(['Other']))
  t.after(other.end)
  const foreign = (await other.all[0].call('recovery.words', {})).join(' ')
  await assert.rejects(laptop.call('account.close', { name: 'Ben', words: foreign }), { code: 'words-foreign' })
  await laptop.call('account.close', { name: 'Ben', words })
  await isGone(laptop)
  const log = await logOf(ben)
  assert.ok(log.closed !== undefined)
  await until('the elder knows', async () => {
    const { phase } = await ben.call('app.open', {})
    return phase.at === 'ready' && phase.readOnly === 'account-closed'
  })
  unbroken(ben, laptop)
})

test('without a network it waits and says so, and can be called off; once it was begun it cannot', async (t) => {
  let isAway = false
  let holds = false
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'], (person) => {
    if (person.name !== 'Ben') return
    person.through = (delivery) => away(delivery, () => isAway)
  })
  t.after(end)
  const direct = await directBetween(anna, ben)
  isAway = true
  await close(ben)
  await until('it waits', async () => (await closingOn(ben))?.away)
  assert.equal((await closingOn(ben))?.at, 'waiting')
  await ben.restart()
  await until('it waits on', async () => (await closingOn(ben))?.away)
  await ben.call('account.keep', {})
  assert.equal(await closingOn(ben), undefined)
  isAway = false
  await ben.say(direct, 'I stay')
  await hears(anna, direct, 'I stay')
  assert.equal((await logOf(ben)).closed, undefined)

  // Told, and then cut off.
  const before = ben.through
  ben.through = (delivery) => ({
    ...before(delivery), address: delivery.address,
    append: (log, bytes, slot) => holds ? Promise.reject(new PortError('delivery-unreachable')) : before(delivery).append(log, bytes, slot),
  })
  await ben.restart()
  holds = true
  await close(ben)
  await until('it is decided', async () => (await closingOn(ben))?.at === 'telling')
  await assert.rejects(ben.call('account.keep', {}), { code: 'account-closing' })
  await assert.rejects(ben.say(direct, 'wait'), { code: 'account-closing' })
  await assert.rejects(ben.call('profile.remove', { name: 'Ben' }), { code: 'account-closing' })
  await ben.restart()
  assert.equal((await closingOn(ben))?.at, 'telling')
  holds = false
  await isGone(ben)
  await sees(anna, direct, 'closed')
  unbroken(anna, ben)
})

describe('killed while it closes', () => {
  const places = [
    ['telling', 'before'], ['telling', 'after'], ['leaving', 'before'], ['leaving', 'after'], ['closing', 'before'],
    ['closing', 'after'], ['deleting', 'before'],
  ] as const
  for (const [step, when] of places) {
    test(`${when} what it does at ${step}: the next start goes on, and nothing is said twice`, async (t) => {
      const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
      t.after(end)
      const direct = await directBetween(anna, ben)
      const group = await groupOf(ben, anna)
      const invite = await ben.invite()
      await ben.stop()
      const child = spawn(process.execPath,
        [path.join(import.meta.dirname, 'closer.ts'), ben.folder, 'Ben', Buffer.from(ben.key).toString('hex'), step, when],
        { stdio: ['ignore', 'pipe', 'inherit'] })
      t.after(() => child.kill('SIGKILL'))
      let said = ''
      child.stdout.on('data', (bytes: Buffer) => { said += bytes.toString() })
      await until('it is held', async () => said.includes('held'))
      child.kill('SIGKILL')
      await once(child, 'exit')
      await ben.start()
      await isGone(ben)
      await assert.rejects(anna.call('conversation.direct', { invite }), { code: 'account-closed' })
      for (const conversation of [direct, group]) {
        await sees(anna, conversation, 'closed')
        await until('Ben is out', async () => (await anna.conversation(conversation))?.people.length === 1)
        assert.equal((await facts(anna, conversation)).filter(({ fact }) => fact === 'closed').length, 1)
      }
      unbroken(anna, ben)
    })
  }
})
