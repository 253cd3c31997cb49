import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { people, until, type Person } from './world.ts'

const lines = 200
const kills = 4

function talk(person: Person, conversation: string): ChildProcess {
  const script = path.join(import.meta.dirname, 'talker.ts')
  const key = Buffer.from(person.key).toString('hex')
  return spawn(process.execPath, [script, person.folder, person.name, key, conversation, String(lines)],
    { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Waits until the process says that it has come this far. */
async function reached(child: ChildProcess, line: string): Promise<void> {
  let heard = ''
  for await (const chunk of child.stdout ?? []) {
    heard += String(chunk)
    if (heard.split('\n').includes(line)) return
  }
  throw new Error(`the process ended before it said ${line}: ${heard}`)
}

/** Talks, is killed in the middle several times, comes back, and ends in good order. */
async function talkThroughKills(person: Person, conversation: string): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    const child = talk(person, conversation)
    // Somewhere after this line: encrypting, publishing, reading or storing.
    await reached(child, String((kill + 1) * 40))
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const last = talk(person, conversation)
  await reached(last, 'said')
  last.stdin?.end()
  await once(last, 'exit')
}

test('SIGKILL during bursts of 200 messages in each direction: nothing lost, nothing doubled', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await until('both are in', async () => (await anna.conversation(conversation))?.state === 'active')
  await anna.stop()
  await ben.stop()

  await Promise.all([talkThroughKills(anna, conversation), talkThroughKills(ben, conversation)])

  await anna.start()
  await ben.start()
  const expected = ['Anna', 'Ben'].flatMap((name) => Array.from({ length: lines }, (_, at) => `${name} ${at + 1}`))
  for (const person of [anna, ben]) {
    await until(`${person.name} has everything`, async () => (await person.texts(conversation)).length >= 2 * lines)
    assert.deepEqual((await person.texts(conversation)).toSorted(), expected.toSorted())
    const entries = await person.entries(conversation)
    assert.deepEqual(entries.filter((entry) => entry.kind === 'gap'), [])
    await until(`${person.name} sees all delivered`, async () => (await person.entries(conversation)).every((entry) =>
      entry.kind !== 'message' || !entry.own || entry.state === 'delivered'))
    assert.deepEqual(person.bugs, [])
  }
})
