import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { logOf } from './devices.ts'
import { computer, digitsOn, link, linkAt, linkOn, setUpLink } from './link.ts'
import { confirmWords, people, Refused, until, type Person } from './world.ts'

type Step = 'showing' | 'digits' | 'confirm' | 'recognise'
type Pair = { readonly elder: Person, readonly laptop: Person }

/** Both at that step. */
async function upTo(t: TestContext, step: Step): Promise<Pair> {
  const { all: [elder], end } = await people(['Anna'])
  await confirmWords(elder)
  const laptop = await computer(elder, 'Laptop')
  t.after(async () => {
    await laptop.stop()
    await end()
  })
  await elder.call('link.start', { code: '' })
  const { code } = await linkAt(elder, 'showing')
  if (step === 'showing') return { elder, laptop }
  await setUpLink(laptop, code)
  await linkAt(laptop, 'digits')
  const { digits } = await digitsOn(elder)
  if (step === 'digits') return { elder, laptop }
  await laptop.call('link.digits', { digits })
  await linkAt(elder, 'confirm')
  await linkAt(laptop, 'waiting')
  if (step === 'confirm') return { elder, laptop }
  await elder.call('link.confirm', { history: 'none' })
  await linkAt(laptop, 'recognise')
  return { elder, laptop }
}

const kept = (person: Person): Uint8Array | undefined => person.store?.document('linking', 'own')
const phaseOf = async (person: Person): Promise<string> => (await person.call('app.open', {})).phase.at
const namesIn = async (elder: Person): Promise<readonly (string | undefined)[]> =>
  (await logOf(elder)).devices.filter(({ revoked }) => !revoked).map(({ name }) => name)

/** Nothing of the attempt is left on either side, and the next one works. */
async function isOver({ elder, laptop }: Pair): Promise<void> {
  await until('nobody but the elder is a device', async () => (await namesIn(elder)).length === 1)
  // After a restart the elder looks first whether the other one is still there.
  await until('the elder keeps nothing of it', () => Promise.resolve(kept(elder) === undefined))
  await elder.call('link.cancel', {})
  await laptop.call('link.cancel', {}).catch(() => undefined)
  assert.equal(await phaseOf(laptop), 'new')
  assert.equal(await linkOn(elder), undefined)
  await link(elder, laptop)
  await linkAt(elder, 'done')
  assert.deepEqual(await namesIn(elder), [undefined, 'Laptop'])
  assert.deepEqual([...elder.bugs, ...laptop.bugs], [])
}

describe('the elder cancels', () => {
  for (const step of ['showing', 'digits', 'confirm'] as const) {
    test(`at ${step}: nobody was certified`, async (t) => {
      const pair = await upTo(t, step)
      await pair.elder.call('link.cancel', {})
      if (step !== 'showing') assert.equal((await linkAt(pair.laptop, 'failed')).why, 'refused')
      assert.equal((await logOf(pair.elder)).entries.length, 0)
      await isOver(pair)
    })
  }

  test('when the new one was certified: it is taken back', async (t) => {
    const pair = await upTo(t, 'recognise')
    await pair.elder.call('link.cancel', {})
    assert.ok(['refused', 'revoked'].includes((await linkAt(pair.laptop, 'failed')).why))
    await assert.rejects(pair.laptop.call('link.recognise', {}), { code: 'not-ready' })
    const operations = (await until('it is taken back', async () => {
      const { entries } = await logOf(pair.elder)
      return entries.length === 2 && entries
    })).map(({ entry }) => entry.operation.type)
    assert.deepEqual(operations, ['add', 'revoke'])
    await isOver(pair)
  })
})

describe('the new one cancels', () => {
  for (const step of ['digits', 'confirm'] as const) {
    test(`at ${step}: it is a new computer, and nobody was certified`, async (t) => {
      const pair = await upTo(t, step)
      await pair.laptop.call('link.cancel', {})
      assert.equal(await phaseOf(pair.laptop), 'new')
      assert.equal((await linkAt(pair.elder, 'failed')).why, 'refused')
      assert.equal((await logOf(pair.elder)).entries.length, 0)
      await isOver(pair)
    })
  }

  test('when it shows the account: "this is not me"', async (t) => {
    const pair = await upTo(t, 'recognise')
    await pair.laptop.call('link.cancel', {})
    assert.equal(await phaseOf(pair.laptop), 'new')
    assert.equal((await linkAt(pair.elder, 'failed')).why, 'refused')
    await isOver(pair)
  })

  test('a code that it shows, and one that is none', async (t) => {
    const pair = await upTo(t, 'showing')
    await setUpLink(pair.laptop, 'nonsense')
    assert.equal((await linkAt(pair.laptop, 'failed')).why, 'malformed')
    await pair.laptop.call('link.cancel', {})
    assert.equal(await phaseOf(pair.laptop), 'new')
    await setUpLink(pair.laptop, '')
    await linkAt(pair.laptop, 'showing')
    await pair.laptop.call('link.cancel', {})
    assert.equal(await phaseOf(pair.laptop), 'new')
    await pair.laptop.call('setup.create', { name: 'Somebody else', passphrase: '' })
    assert.equal(await phaseOf(pair.laptop), 'ready')
  })

  test('on its way into the conversations: it takes itself back', async (t) => {
    const { elder, laptop } = await upTo(t, 'confirm')
    await elder.call('conversation.group', { name: 'Trip', people: [], invites: [] })
    await elder.call('link.confirm', { history: 'none' })
    await linkAt(laptop, 'recognise')
    // The elder is away, so that it cannot come in yet.
    await elder.stop()
    await laptop.call('link.recognise', {})
    await linkAt(laptop, 'joining')
    await laptop.call('link.cancel', {})
    assert.equal(await phaseOf(laptop), 'new')
    await elder.start()
    assert.ok(['refused', 'revoked'].includes((await linkAt(elder, 'failed')).why))
    await isOver({ elder, laptop })
  })
})

test('what is begun in the first moment after a start is not taken for something that the start interrupted', async (t) => {
  const { elder, laptop } = await upTo(t, 'digits')
  await elder.restart()
  await elder.call('link.start', { code: '' })
  assert.equal((await linkAt(laptop, 'failed')).why, 'gone')
  await laptop.call('link.cancel', {})
  const { code } = await linkAt(elder, 'showing')
  await setUpLink(laptop, code)
  await linkAt(laptop, 'digits')
  await digitsOn(elder)
})

test('a device that is certified is not forgotten for a new one in the first moment after a start', async (t) => {
  const { elder, laptop } = await upTo(t, 'recognise')
  await elder.restart()
  await assert.rejects(elder.call('link.start', { code: '' }), (error) => error instanceof Refused && error.code === 'not-ready')
  await laptop.call('link.recognise', {})
  await linkAt(elder, 'done')
  await linkAt(laptop, 'done')
})

describe('a program is closed in good order', () => {
  test('while they talk: the other is told, and nothing is left', async (t) => {
    const { elder, laptop } = await upTo(t, 'digits')
    await laptop.restart()
    assert.equal(await phaseOf(laptop), 'new')
    assert.equal((await linkAt(elder, 'failed')).why, 'gone')
    await elder.call('link.start', { code: '' })
    await setUpLink(laptop, (await linkAt(elder, 'showing')).code)
    await linkAt(laptop, 'digits')
    await elder.restart()
    assert.equal((await linkAt(laptop, 'failed')).why, 'gone')
    await isOver({ elder, laptop })
  })

  test('when the new one was certified: both go on', async (t) => {
    const { elder, laptop } = await upTo(t, 'recognise')
    await laptop.restart()
    await elder.restart()
    await linkAt(laptop, 'recognise')
    await laptop.call('link.recognise', {})
    await linkAt(elder, 'done')
    await linkAt(laptop, 'done')
    assert.deepEqual([kept(elder), kept(laptop)], [undefined, undefined])
  })
})

test('nobody waits for ever for a conversation that does not let the new one in', async (t) => {
  const { elder, laptop } = await upTo(t, 'confirm')
  await elder.call('conversation.group', { name: 'Trip', people: [], invites: [] })
  await elder.call('link.confirm', { history: 'none' })
  await linkAt(laptop, 'recognise')
  await elder.stop()
  await laptop.call('link.recognise', {})
  const { groups } = await linkAt(laptop, 'joining')
  assert.deepEqual(groups, { done: 0, of: 1 })
  laptop.now = () => Date.now() + 61 * 60_000
  assert.deepEqual((await linkAt(laptop, 'done')).groups, { done: 0, of: 1 })
  assert.equal(kept(laptop), undefined)
})
