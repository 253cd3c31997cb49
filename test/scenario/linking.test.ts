import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { logOf } from './devices.ts'
import { certify, computer, digitsOn, linkAt, setUpLink } from './link.ts'
import { confirmWords, people, type Person } from './world.ts'

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

  test('only after the recovery words were confirmed', async (t) => {
    const { all: [anna], end } = await people(['Anna'])
    t.after(end)
    await assert.rejects(anna.call('link.start', { code: '' }), { code: 'words-first' })
  })
})
