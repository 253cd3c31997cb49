import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { toHex } from '../../main/mls/index.ts'
import { accountOn, logOf } from './devices.ts'
import { certify, computer, digitsOn, link, linkAt, setUpLink } from './link.ts'
import type { Me } from '../../preload/api.ts'
import { confirmWords, people, until, type Person } from './world.ts'

/** Anna, who has written down her words, and a computer that has no account. */
async function annaAnd(t: TestContext, name = 'Laptop'): Promise<{ readonly anna: Person, readonly laptop: Person }> {
  const { all: [anna], end } = await people(['Anna'])
  await confirmWords(anna)
  const laptop = await computer(anna, name)
  t.after(async () => {
    await laptop.stop()
    await end()
  })
  return { anna, laptop }
}

async function meOn(person: Person): Promise<Me> {
  const { phase } = await person.call('app.open', {})
  assert.ok(phase.at === 'ready')
  return phase.me
}

describe('linking a device', () => {
  test('by a code that the elder shows: digits, a yes by name, "this is me"', async (t) => {
    const { anna, laptop } = await annaAnd(t)
    const recognised = await certify(anna, laptop)
    assert.equal(recognised.name, 'Anna')
    assert.deepEqual(recognised.devices, ["Anna's computer"])
    assert.match(recognised.number, /^\d{5}( \d{5}){5}$/)
    assert.equal((await laptop.call('app.open', {})).phase.at, 'linking')
    await laptop.call('link.recognise', {})
    const { phase } = await laptop.call('app.open', {})
    assert.ok(phase.at === 'ready')
    assert.equal(phase.me.accountId, recognised.accountId)
    assert.equal(phase.me.deviceName, 'Laptop')
    await linkAt(laptop, 'done')
    const { deviceId } = await linkAt(anna, 'done')
    const devices = await anna.call('devices.list', {})
    assert.deepEqual(devices.map((one) => [one.name, one.trusted, one.revoked]),
      [["Anna's computer", true, false], ['Laptop', false, false]])
    assert.equal(devices[1]?.deviceId, deviceId)
    assert.deepEqual([...anna.bugs, ...laptop.bugs], [])
  })

  test('by a code that the new one shows', async (t) => {
    const { anna, laptop } = await annaAnd(t)
    await setUpLink(laptop, '')
    await anna.call('link.start', { code: (await linkAt(laptop, 'showing')).code })
    const { digits } = await digitsOn(anna)
    await laptop.call('link.digits', { digits: `${digits.slice(0, 5)} ${digits.slice(5)}` })
    assert.deepEqual(await linkAt(anna, 'confirm'),
      { at: 'confirm', role: 'elder', device: 'Laptop', platform: 'Linux' })
    await anna.call('link.confirm', { history: 'none' })
    await linkAt(laptop, 'recognise')
    await laptop.call('link.recognise', {})
    await linkAt(laptop, 'done')
    await linkAt(anna, 'done')
    assert.equal((await logOf(anna)).devices.length, 2)
    await anna.call('link.cancel', {})
    assert.deepEqual(anna.changes.at(-1)?.link, { at: 'none' })
  })

  test('brings it into every conversation, says so there, and its messages show on both devices', async (t) => {
    const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
    t.after(end)
    const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
    await ben.accept()
    await until('both are in', async () => (await anna.conversation(conversation))?.state === 'active')
    const { conversation: group } = await anna.call('conversation.group', { name: 'Trip', people: [], invites: [] })
    await confirmWords(anna)
    const laptop = await computer(anna, 'Laptop')
    t.after(() => laptop.stop())
    await link(anna, laptop)
    const done = await linkAt(anna, 'done')
    assert.ok(done.groups.done >= 2 && done.groups.done === done.groups.of)
    await linkAt(laptop, 'done')
    for (const id of [conversation, group]) {
      await until('the laptop has it', async () => (await laptop.conversation(id))?.state === 'active')
    }
    await laptop.say(conversation, 'from the laptop')
    await until('Ben has it', async () => (await ben.texts(conversation)).includes('from the laptop'))
    await until('Anna’s computer too', async () => (await anna.texts(conversation)).includes('from the laptop'))
    const facts = (await ben.entries(conversation)).flatMap((entry) => entry.kind === 'fact' ? [entry.fact] : [])
    const { accountId } = await meOn(laptop)
    assert.deepEqual(facts.filter(({ fact }) => fact === 'linked'), [{
      fact: 'linked', who: accountId, device: 'Laptop', deviceId: toHex(accountOn(laptop).deviceId),
    }])
    assert.deepEqual([...anna.bugs, ...ben.bugs, ...laptop.bugs], [])
  })

  test('only after the recovery words were confirmed', async (t) => {
    const { all: [anna], end } = await people(['Anna'])
    t.after(end)
    await assert.rejects(anna.call('link.start', { code: '' }), { code: 'words-first' })
  })
})
