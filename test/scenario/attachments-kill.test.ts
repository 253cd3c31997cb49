/** A file on its way, while the processes that send and fetch it are killed again and again. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { attachmentIn, hashOf, readFile } from './attach.ts'
import { people, until, type Person } from './world.ts'

const size = 6_000_000
const kills = 4

function carry(person: Person, conversation: string, role: 'send' | 'get'): ChildProcess {
  const script = path.join(import.meta.dirname, 'carrier.ts')
  const key = Buffer.from(person.key).toString('hex')
  return spawn(process.execPath, [script, person.folder, person.name, key, conversation, role, String(size)],
    { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Waits for so many lines that tell of progress; "done" comes first where there are not so many left. */
const moved = (child: ChildProcess, times: number): Promise<'moved' | 'done'> => new Promise((resolve, reject) => {
  let heard = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    heard += String(chunk)
    const lines = heard.split('\n')
    if (lines.includes('done')) resolve('done')
    else if (lines.filter((line) => line.startsWith('moved')).length >= times) resolve('moved')
  })
  child.once('exit', () => { reject(new Error(`the process ended by itself: ${heard}`)) })
})

async function throughKills(person: Person, conversation: string, role: 'send' | 'get'): Promise<number> {
  let killed = 0
  for (; killed < kills; killed += 1) {
    const child = carry(person, conversation, role)
    // In the midst of a chunk, of storing it, or of saying so.
    const came = await moved(child, 2 + killed)
    await new Promise((resolve) => { setTimeout(resolve, Math.random() * 20) })
    child.kill('SIGKILL')
    await once(child, 'exit')
    if (came === 'done') break
  }
  const last = carry(person, conversation, role)
  await moved(last, Infinity)
  last.stdin?.end()
  await once(last, 'exit')
  return killed
}

test('SIGKILL while a file is sent and while it is fetched: it arrives whole, once, and leaves nothing behind', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await until('both are in', async () => (await anna.conversation(conversation))?.state === 'active')
  await anna.stop()
  await ben.stop()

  assert.ok(await throughKills(anna, conversation, 'send') >= 2)
  assert.ok(await throughKills(ben, conversation, 'get') >= 2)

  await anna.start()
  await ben.start()
  const came = await attachmentIn(ben, conversation, 'here')
  assert.equal(came.size, size)
  assert.equal(hashOf(await readFile(ben, came)), came.hash)
  assert.deepEqual((await ben.texts(conversation)).filter((text) => text === 'noise'), ['noise'])
  for (const person of [anna, ben]) {
    await until(`${person.name} has nothing left over`, () => Promise.resolve(person.store?.unnamedAttachments().length === 0))
    assert.deepEqual(person.store?.documents('upload'), [])
    assert.deepEqual(person.store.documents('fetch'), [])
    assert.deepEqual(person.bugs, [])
  }
  // Each chunk is on the log once.
  const blob = anna.store?.entry(came.entry)?.blobs?.[0]?.blob ?? ''
  const delivery = openSqliteDelivery({ file: anna.deliveryFile })
  t.after(() => delivery.close())
  assert.equal((await delivery.read(`b.${blob}`, 0, 500)).length, Math.ceil(size / 262_144))
})
