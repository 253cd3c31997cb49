/** Files whose way is disturbed: by the log, by their sender, or by the person. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { membersDocument, roomDocument } from '../../main/chat/documents.ts'
import type { Delivery } from '../../main/ports.ts'
import { attachmentIn, messageWith, readFile, sendFiles } from './attach.ts'
import { linkedDevice } from './devices.ts'
import { people, random, until, type Person } from './world.ts'

const dayMs = 24 * 60 * 60 * 1000

const but = (delivery: Delivery, changed: Partial<Delivery>): Delivery => ({
  address: delivery.address,
  append: (log, bytes, slot) => delivery.append(log, bytes, slot), slot: (log, slot) => delivery.slot(log, slot),
  read: (log, after, limit) => delivery.read(log, after, limit), watch: (logs, wake) => delivery.watch(logs, wake),
  close: () => delivery.close(), ...changed,
})

/** Blobs are read through `change`, which gets the number of the chunk. */
const changing = (change: (bytes: Uint8Array | undefined, chunk: number, read: (chunk: number) => Promise<Uint8Array | undefined>) => Promise<Uint8Array | undefined> | Uint8Array | undefined) =>
  (delivery: Delivery): Delivery => but(delivery, {
    slot: async (log, slot) => {
      const record = await delivery.slot(log, slot)
      if (!log.startsWith('b.')) return record
      const read = async (chunk: number) => (await delivery.slot(log, String(chunk)))?.bytes
      const bytes = await change(record?.bytes, Number(slot), read)
      return bytes === undefined ? undefined : { seq: record?.seq ?? 1, slot, bytes }
    },
  })

async function talking(t: TestContext): Promise<{ readonly anna: Person, readonly ben: Person, readonly conversation: string }> {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(async () => {
    for (const one of [anna, ben]) assert.deepEqual(one.bugs, [], `${one.name} met a bug`)
    await end()
  })
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await anna.say(conversation, 'hello')
  await until('Ben reads', async () => (await ben.texts(conversation)).includes('hello'))
  return { anna, ben, conversation }
}

test('chunks that were changed, exchanged or cut are told as broken, leave nothing, and can be had again', async (t) => {
  const { anna, ben, conversation } = await talking(t)
  const plan = Buffer.from(random(600_000))
  await sendFiles(anna, conversation, '', { name: 'plan.pdf', bytes: plan })
  const offered = await attachmentIn(ben, conversation, 'offered')
  const changes = [
    changing((bytes, chunk) => chunk === 1 ? bytes?.map((octet, at) => at === 100 ? octet ^ 1 : octet) : bytes),
    changing((bytes, chunk, read) => chunk < 2 ? read(1 - chunk) : bytes),
    changing((bytes, chunk) => chunk === 2 ? bytes?.slice(0, -100) : bytes),
    changing((bytes, chunk, read) => chunk === 2 ? read(1) : bytes),
  ]
  for (const change of changes) {
    ben.through = change
    await ben.restart()
    await ben.call('attachment.fetch', offered)
    const gone = await attachmentIn(ben, conversation, 'gone')
    assert.equal(gone.why, 'broken')
    assert.deepEqual(ben.store?.unnamedAttachments(), [])
    assert.deepEqual(ben.store.documents('fetch'), [])
  }
  ben.through = (delivery) => delivery
  await ben.restart()
  await ben.call('attachment.fetch', offered)
  assert.deepEqual(await readFile(ben, await attachmentIn(ben, conversation, 'here')), plan)
})

test('a file that the log keeps no longer is told as expired; a message whose file is late is waited for', async (t) => {
  const { anna, ben, conversation } = await talking(t)
  await sendFiles(anna, conversation, '', { name: 'plan.pdf', bytes: random(300_000) })
  const offered = await attachmentIn(ben, conversation, 'offered')
  let isLost = true
  ben.through = changing((bytes, chunk) => isLost && chunk === 1 ? undefined : bytes)
  await ben.restart()
  await ben.call('attachment.fetch', offered)
  await until('some of it is here', () => Promise.resolve(ben.store?.unnamedAttachments().length === 1))
  assert.equal((await messageWith(ben, conversation))?.attachments?.[0]?.state, 'coming')
  await ben.stop()
  ben.now = () => Date.now() + dayMs
  await ben.start()
  const gone = await attachmentIn(ben, conversation, 'gone')
  assert.equal(gone.why, 'expired')
  assert.deepEqual(ben.store?.unnamedAttachments(), [])
  isLost = false
  await ben.call('attachment.fetch', gone)
  await attachmentIn(ben, conversation, 'here')
})

test('a message does not go before its file is on the log, and is taken back whole until then', async (t) => {
  const { anna, ben, conversation } = await talking(t)
  let isOpen = false
  let blobs = 0
  anna.through = (delivery) => but(delivery, {
    append: async (log, bytes, slot) => {
      if (log.startsWith('b.')) {
        blobs += 1
        while (!isOpen && slot !== '0') await new Promise((resolve) => { setTimeout(resolve, 10) })
      }
      return delivery.append(log, bytes, slot)
    },
  })
  await anna.restart()
  const [plan, map] = [Buffer.from(random(600_000)), Buffer.from(random(600_000))]
  const [sent] = await sendFiles(anna, conversation, 'the plan', { name: 'plan.pdf', bytes: plan })
  await until('its first chunk is there', () => Promise.resolve(blobs > 1))
  await anna.say(conversation, 'goes ahead')
  await until('Ben reads what came after', async () => (await ben.texts(conversation)).includes('goes ahead'))
  assert.equal((await messageWith(anna, conversation))?.state, 'sending')
  assert.equal(await messageWith(ben, conversation), undefined)
  const { entry, hash } = await attachmentIn(anna, conversation, 'here')
  await anna.call('attachment.stop', { entry, hash })
  assert.equal(await messageWith(anna, conversation), undefined)
  assert.equal(anna.store?.attachment(sent?.hash ?? ''), undefined)
  assert.deepEqual(anna.store?.documents('outbox'), [])
  assert.equal((await anna.conversation(conversation))?.last?.text, 'goes ahead')
  isOpen = true
  await sendFiles(anna, conversation, 'the map', { name: 'map.pdf', bytes: map })
  const came = await attachmentIn(ben, conversation, 'offered')
  assert.equal(came.name, 'map.pdf')
  // What is being fetched is stopped, and nothing of it stays; then it comes from the beginning.
  let isBlocked = true
  ben.through = (delivery) => but(delivery, { slot: async (log, slot) => {
    while (isBlocked && log.startsWith('b.') && slot === '1') await new Promise((resolve) => { setTimeout(resolve, 10) })
    return delivery.slot(log, slot)
  } })
  await ben.restart()
  await ben.call('attachment.fetch', came)
  await until('some of it is here', () => Promise.resolve(ben.store?.unnamedAttachments().length === 1))
  await ben.call('attachment.stop', came)
  assert.deepEqual(ben.store?.unnamedAttachments(), [])
  isBlocked = false
  await attachmentIn(ben, conversation, 'offered')
  await ben.call('attachment.fetch', came)
  assert.deepEqual(await readFile(ben, await attachmentIn(ben, conversation, 'here')), map)
})

test('what the log keeps no longer comes from another own device that has it', async (t) => {
  const { anna, ben, conversation } = await talking(t)
  const plan = Buffer.from(random(600_000))
  await sendFiles(ben, conversation, 'look', { name: 'plan.pdf', bytes: plan })
  const offered = await attachmentIn(anna, conversation, 'offered')
  let lost = ''
  const two = await linkedDevice(anna, 'Anna 2', (person) => {
    person.through = (delivery) => but(delivery, {
      // Of what Ben has put there nothing is left.
      slot: (log, slot) => log === lost ? Promise.resolve(undefined) : delivery.slot(log, slot),
    })
  })
  t.after(() => two.stop())
  await until('the second device is in the chat', async () => (await two.conversation(conversation))?.state === 'active')
  const [sent] = await sendFiles(ben, conversation, 'again', { name: 'plan.pdf', bytes: plan })
  const here = await attachmentIn(two, conversation, 'offered')
  lost = `b.${two.store?.entry(here.entry)?.blobs?.[0]?.blob ?? ''}`
  await anna.call('attachment.fetch', offered)
  const elder = await attachmentIn(anna, conversation, 'here')
  assert.equal(elder.entry, here.entry, 'both name the same file')
  two.now = () => Date.now() + dayMs
  await two.restart()
  // Who is alone in the own group has nobody to ask.
  await until('both are in the own group', () => {
    const own = two.store?.documents('room').find(({ bytes }) => roomDocument.decode(bytes).kind === 'self')
    const people = own === undefined ? undefined : two.store?.document('people', own.key)
    return Promise.resolve(people !== undefined && membersDocument.decode(people).members.some(({ devices }) => devices === 2))
  })
  const before = anna.changes.length
  await two.call('attachment.fetch', here)
  // Anna puts it there again; the log of this story shows it from then on.
  await until('Anna has been asked', () => Promise.resolve(anna.store?.documents('upload').length !== 0
    || anna.changes.slice(before).some(({ files = [] }) => files.some(({ done, of }) => done === of))))
  lost = ''
  const came = await attachmentIn(two, conversation, 'here')
  assert.equal(came.hash, sent?.hash)
  assert.deepEqual(await readFile(two, came), plan)
  assert.deepEqual(two.bugs, [])
})

test('what did not go out is staged again as it is kept; what is gone meanwhile is refused, and nothing hangs', async (t) => {
  const { anna, ben, conversation } = await talking(t)
  const plan = Buffer.from(random(300_000))
  await sendFiles(anna, conversation, 'the plan', { name: 'plan.pdf', bytes: plan })
  const { entry, hash } = await attachmentIn(anna, conversation, 'here')
  await attachmentIn(ben, conversation, 'offered')
  const { attachment, file } = await anna.call('attachment.again', { entry, hash })
  assert.deepEqual([file.name, file.size, file.hash], ['plan.pdf', plan.length, hash])
  await anna.call('attachment.drop', { attachment })
  assert.ok(anna.store?.attachment(hash) !== undefined, 'the message still has it')
  const again = await anna.call('attachment.again', { entry, hash })
  const send = (attachments: readonly string[]) => anna.call('attachment.send', {
    conversation, key: Buffer.from(random(16)).toString('hex'), text: 'once more', attachments,
  })
  await send([again.attachment])
  await until('Ben has both', async () => (await ben.texts(conversation)).includes('once more'))
  const other = await until('and names its file anew', async () => {
    const message = await messageWith(ben, conversation)
    return message?.text === 'once more' ? message.attachments?.[0] : undefined
  })
  assert.equal(other.hash, hash)
  const third = await anna.call('attachment.again', { entry, hash })
  for (const id of anna.store.entriesNaming(hash)) anna.store.commit({ removedEntries: [id] })
  await assert.rejects(send([third.attachment]), { code: 'file-unreadable' })

  // The bytes go while the message waits for them: it fails, and says so.
  let isOpen = false
  anna.through = (delivery) => but(delivery, { append: async (log, bytes, slot) => {
    while (!isOpen && log.startsWith('b.')) await new Promise((resolve) => { setTimeout(resolve, 10) })
    return delivery.append(log, bytes, slot)
  } })
  await anna.restart()
  const [sent] = await sendFiles(anna, conversation, 'never', { name: 'map.pdf', bytes: random(600_000) })
  anna.store.commit({ removedAttachments: [sent?.hash ?? ''] })
  isOpen = true
  await anna.restart()
  await until('it has failed', async () => (await messageWith(anna, conversation))?.state === 'failed')
  assert.deepEqual(anna.store.documents('outbox'), [])
})
