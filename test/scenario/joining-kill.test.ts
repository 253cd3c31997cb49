import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import type { ArgumentOf, CallName } from '../../preload/api.ts'
import { assertTogether } from './together.ts'
import { people, until, type Person } from './world.ts'

/** Rounds with more and more time between the kills: what they hit differs each time, and all of it has to do. */
const rounds = 3
const breakMs = (round: number): number => Math.random() * 25 * (round + 1)

const processes = new Set<ChildProcess>()

/** The app of somebody in a process of its own, which has opened it. */
async function begin({ folder, name, key }: Person): Promise<ChildProcess> {
  const script = path.join(import.meta.dirname, 'linker.ts')
  const child = spawn(process.execPath, [script, folder, name, Buffer.from(key).toString('hex')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  processes.add(child)
  await once(child.stdout, 'data')
  return child
}

function ask<N extends CallName>(child: ChildProcess, name: N, argument: ArgumentOf<N>): void {
  child.stdin?.write(`${JSON.stringify([name, argument])}\n`)
}

async function kill(child: ChildProcess): Promise<void> {
  processes.delete(child)
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

/** The group of a round, which its founder makes again where a kill swallowed the whole Call. */
async function made(founder: Person, name: string, invite: string): Promise<string> {
  const found = (await founder.conversations()).filter(({ title }) => title === name)
  assert.ok(found.length <= 1)
  return found[0]?.id ?? (await founder.call('conversation.group', { name, people: [], invites: [invite] })).conversation
}

test('SIGKILL of both sides of a joining: the newcomer is in once, and both read each other', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  t.after(() => { for (const one of processes) one.kill('SIGKILL') })
  const invite = await ben.invite()
  await anna.stop()
  await ben.stop()
  for (let round = 0; round < rounds; round++) {
    const name = `Round ${round}`
    let [founder, newcomer] = [await begin(anna), await begin(ben)]
    ask(founder, 'conversation.group', { name, people: [], invites: [invite] })
    await wait(breakMs(round))
    await kill(founder)
    founder = await begin(anna)
    await wait(breakMs(round))
    await kill(newcomer)
    await wait(breakMs(round))
    await kill(founder)
    await anna.start()
    const conversation = await made(anna, name, invite)
    await ben.start()
    await until(`Ben is asked, round ${round}`, async () => (await ben.conversation(conversation))?.state === 'request')
    await ben.stop()
    newcomer = await begin(ben)
    ask(newcomer, 'conversation.accept', { conversation })
    await wait(breakMs(round) / 2)
    await kill(newcomer)
    await ben.start()
    if ((await ben.conversation(conversation))?.state === 'request') await ben.call('conversation.accept', { conversation })
    await assertTogether([anna, ben], conversation, name)
    for (const one of [anna, ben]) {
      assert.equal((await one.conversation(conversation))?.people.length, 2)
      assert.equal((await one.entries(conversation)).filter((entry) => entry.kind === 'gap').length, 0)
      const facts = (await one.entries(conversation)).flatMap((entry) => entry.kind === 'fact' ? [entry.fact.fact] : [])
      // Each is told once: who made the group, or let this one in, and who accepted.
      assert.equal(new Set(facts).size, facts.length, facts.join())
    }
    await anna.stop()
    await ben.stop()
  }
})
