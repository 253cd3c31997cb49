import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test, type TestContext } from 'node:test'
import type { ArgumentOf, CallName, Link } from '../../preload/api.ts'
import { logOf } from './devices.ts'
import { linkAt, linkOn } from './link.ts'
import { confirmWords, people, Person, until } from './world.ts'

type Told = Link | { readonly at: 'none' }

/** A person's app in a process of its own, which can be killed. */
class Remote {
  readonly #child: ChildProcess
  readonly links: Told[] = []
  readonly #answers: unknown[] = []

  constructor(person: Person) {
    const script = path.join(import.meta.dirname, 'linker.ts')
    this.#child = spawn(process.execPath, [script, person.folder, person.name, Buffer.from(person.key).toString('hex')],
      { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout ?? process.stdin }).on('line', (line) => {
      const { link, ...answer } = JSON.parse(line) as { readonly link?: Told, readonly error?: string }
      if (link === undefined) this.#answers.push(answer)
      else this.links.push(link)
    })
  }

  /** Does not wait for the answer: a kill may swallow it. */
  ask<N extends CallName>(name: N, argument: ArgumentOf<N>): void {
    this.#child.stdin?.write(`${JSON.stringify([name, argument])}\n`)
  }

  async at<K extends Link['at']>(at: K): Promise<Extract<Link, { readonly at: K }>> {
    return until(`the process is at ${at}`, async () =>
      this.links.find((link): link is Extract<Link, { readonly at: K }> => link.at === at))
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

type Step = 'showing' | 'digits' | 'confirm' | 'waiting' | 'confirmed' | 'recognise' | 'recognised'

type Stage = {
  readonly anna: Person, readonly laptop: Person, readonly elder: Remote, readonly other: Remote
}

/** Both in processes of their own, up to that step; `digits` means both have the channel. */
async function upTo(t: TestContext, step: Step): Promise<Stage> {
  const { all: [anna], end } = await people(['Anna'])
  t.after(end)
  await confirmWords(anna)
  await logOf(anna)
  await anna.stop()
  const laptop = new Person('Laptop', anna.folder)
  t.after(() => laptop.stop())
  const [elder, other] = [new Remote(anna), new Remote(laptop)]
  t.after(() => Promise.all([elder.kill(), other.kill()]))
  const stage = { anna, laptop, elder, other }
  elder.ask('link.start', { code: '' })
  const { code } = await elder.at('showing')
  if (step === 'showing') return stage
  other.ask('setup.link', { name: 'Laptop', code, passphrase: '' })
  const shown = await elder.at('digits')
  await other.at('digits')
  if (step === 'digits') return stage
  other.ask('link.digits', { digits: shown.role === 'elder' ? shown.digits : '' })
  await elder.at('confirm')
  await other.at('waiting')
  if (step === 'confirm' || step === 'waiting') return stage
  elder.ask('link.confirm', { history: 'none' })
  if (step === 'confirmed') return stage
  await other.at('recognise')
  if (step === 'recognise') return stage
  other.ask('link.recognise', {})
  return stage
}

/** Nothing of it is left on the elder: no entry, nothing kept, and linking can begin anew. */
async function isAsBefore(anna: Person): Promise<void> {
  assert.equal((await logOf(anna)).entries.length, 0)
  assert.equal(anna.store?.document('linking', 'own'), undefined)
  await anna.call('link.start', { code: '' })
  await linkAt(anna, 'showing')
}

/** Wherever they stand now: the person goes on, and it comes to its end. */
async function goOn(laptop: Person): Promise<void> {
  await until('the laptop is ready or asks', async () => {
    const { phase } = await laptop.call('app.open', {})
    return phase.at === 'ready' || (phase.at === 'linking' && phase.link.at === 'recognise')
  })
  if ((await linkOn(laptop))?.at === 'recognise') await laptop.call('link.recognise', {})
  const { phase } = await laptop.call('app.open', {})
  assert.equal(phase.at, 'ready')
  await until('it is known to itself', async () => (await laptop.call('devices.list', {})).filter((one) => !one.revoked).length === 2)
}

describe('the new device is killed', () => {
  for (const step of ['digits', 'waiting'] as const) {
    test(`at ${step}: it is a new computer again, and the elder is told`, async (t) => {
      const { anna, laptop, elder, other } = await upTo(t, step)
      await other.kill()
      await laptop.start()
      assert.equal((await laptop.call('app.open', {})).phase.at, 'new')
      const { why } = await elder.at('failed')
      assert.equal(why, 'gone')
      await elder.kill()
      await anna.start()
      await isAsBefore(anna)
    })
  }

  for (const step of ['confirmed', 'recognise', 'recognised'] as const) {
    test(`when it was ${step}: it finds its certificate, and goes on`, async (t) => {
      const { anna, laptop, elder, other } = await upTo(t, step)
      if (step === 'confirmed') await until('it knows its account', async () => other.links.some(({ at }) => at === 'recognise'))
      await other.kill()
      await laptop.start()
      await goOn(laptop)
      await elder.at('done')
      await elder.kill()
      await anna.start()
      assert.deepEqual((await logOf(anna)).devices.map(({ revoked }) => revoked), [false, false])
      assert.deepEqual(laptop.bugs, [])
    })
  }
})

describe('the elder is killed', () => {
  for (const step of ['showing', 'digits', 'confirm'] as const) {
    test(`at ${step}: nothing is left of it, and the new device is told`, async (t) => {
      const { anna, elder, other } = await upTo(t, step)
      await elder.kill()
      await anna.start()
      if (step !== 'showing') assert.equal((await other.at('failed')).why, 'gone')
      await until('it is put away', async () => anna.store?.document('linking', 'own') === undefined)
      await isAsBefore(anna)
    })
  }

  for (const step of ['recognise', 'recognised'] as const) {
    test(`when the other was ${step}: it goes on by the log`, async (t) => {
      const { anna, elder, other } = await upTo(t, step)
      await elder.kill()
      await anna.start()
      await linkAt(anna, 'joining')
      if (step === 'recognise') other.ask('link.recognise', {})
      const { deviceId } = await linkAt(anna, 'done')
      assert.equal((await logOf(anna)).devices.at(-1)?.deviceId, deviceId)
      assert.deepEqual(anna.bugs, [])
    })
  }
})

describe('either is killed', () => {
  for (const who of ['elder', 'other'] as const) {
    test(`somewhere after the yes (${who}): it comes to an end on both sides, of one kind`, async (t) => {
      for (let run = 0; run < 3; run++) {
        const { anna, laptop, elder, other } = await upTo(t, 'confirmed')
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 400))
        await Promise.all([elder.kill(), other.kill()])
        const [first, second] = who === 'elder' ? [anna, laptop] : [laptop, anna]
        await first.start()
        await second.start()
        const isIn = await until('it is decided', async () => {
          const { phase } = await laptop.call('app.open', {})
          if (phase.at === 'new') return 'out'
          if (phase.at === 'linking' && phase.link.at === 'failed') return 'out'
          return phase.at === 'linking' && phase.link.at === 'recognise' ? 'in' : undefined
        })
        if (isIn === 'in') await goOn(laptop)
        await until('the elder agrees', async () => {
          const { devices } = await logOf(anna)
          const kept = anna.store?.document('linking', 'own')
          return kept === undefined && devices.some(({ name, revoked }) => name === 'Laptop' && !revoked) === (isIn === 'in')
        })
        assert.deepEqual([...anna.bugs, ...laptop.bugs], [])
        await laptop.stop()
      }
    })
  }
})
