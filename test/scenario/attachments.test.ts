/** Files and pictures between people: sent, fetched, stopped, and what goes wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attachmentLimit } from '../../main/chat/attached.ts'
import { chunk, jpegOf } from '../chat/pictures.ts'
import { attachmentIn, hashOf, messageWith, pngOf, readFile, sendFiles, stage } from './attach.ts'
import { people, random, until, type Person } from './world.ts'

const refused = (code: string) => ({ name: 'Error', code })
const bugsOf = (all: readonly Person[]): readonly unknown[] => all.flatMap(({ bugs }) => bugs)

async function talking(t: { after: (end: () => Promise<void>) => void }): Promise<{ anna: Person, ben: Person, conversation: string }> {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await anna.say(conversation, 'hello')
  await until('Ben reads', async () => (await ben.texts(conversation)).includes('hello'))
  return { anna, ben, conversation }
}

test('a picture is sent with its message and comes by itself; a file comes when it is asked for', async (t) => {
  const { anna, ben, conversation } = await talking(t)
  const picture = pngOf({ width: 40, height: 30 })
  const plan = Buffer.from(random(700_001))
  const [sent] = await sendFiles(anna, conversation, 'the old oak',
    { name: 'oak.png', mediaType: 'image/png', bytes: picture }, { name: 'plan.pdf', bytes: plan })
  assert.deepEqual(sent, { name: 'oak.png', mediaType: 'image/png', size: picture.length, hash: hashOf(picture), width: 40, height: 30 })
  const came = await attachmentIn(ben, conversation, 'here')
  assert.deepEqual([came.name, came.width, came.height, came.hash], ['oak.png', 40, 30, hashOf(picture)])
  assert.deepEqual(await readFile(ben, came), picture)

  const offered = await attachmentIn(ben, conversation, 'offered', 1)
  assert.equal(ben.store?.heldPieces(offered.hash), 0)
  await assert.rejects(ben.call('attachment.read', { hash: offered.hash, piece: 0 }), refused('bad-argument'))
  await ben.call('attachment.fetch', offered)
  const fetched = await attachmentIn(ben, conversation, 'here', 1)
  assert.deepEqual(await readFile(ben, fetched), plan)
  assert.deepEqual(await ben.call('attachment.save', { entry: fetched.entry, hash: fetched.hash }), { saved: true })
  assert.deepEqual(ben.saved.get('plan.pdf'), plan)

  const conversationAs = await ben.conversation(conversation)
  assert.deepEqual(conversationAs?.last?.attached, { count: 2, name: 'oak.png', mediaType: 'image/png' })
  const { found } = await ben.call('search', { text: 'plan', limit: 5 })
  assert.deepEqual(found.map(({ entry }) => entry.id), [fetched.entry])
  const done = ben.changes.flatMap(({ files = [] }) => files).filter(({ hash }) => hash === fetched.hash)
  assert.deepEqual(done.map((one) => one.done), [262_144, 524_288, 700_001])
  await until('Anna is told', async () => (await messageWith(anna, conversation))?.state === 'delivered')
  for (const one of [anna, ben]) {
    assert.deepEqual(one.store?.documents('upload'), [])
    assert.deepEqual(one.store.documents('fetch'), [])
    assert.deepEqual(one.store.unnamedAttachments(), [])
  }
  assert.deepEqual(bugsOf([anna, ben]), [])
})

test('what a picture says of its maker and its place does not go along', async (t) => {
  const { anna, ben, conversation } = await talking(t)
  const secret = '52.5200 N 13.4050 E'
  const photo = jpegOf({ width: 64, height: 48, orientation: 6, secret })
  await sendFiles(anna, conversation, '',
    { name: 'photo.jpg', mediaType: 'image/jpeg', bytes: photo },
    { name: 'oak.png', mediaType: 'image/png', bytes: pngOf({ extra: [chunk('tEXt', Buffer.from(`Place\0${secret}`))] }) })
  for (const index of [0, 1]) {
    const came = await attachmentIn(ben, conversation, 'here', index)
    for (const one of [anna, ben]) assert.equal((await readFile(one, came)).includes(secret), false)
  }
  const { width, height } = await attachmentIn(ben, conversation, 'here')
  assert.deepEqual([width, height], [48, 64])
  assert.deepEqual(bugsOf([anna, ben]), [])
})

test('what is no picture by its content is none, whatever it is called', async (t) => {
  const { anna, ben, conversation } = await talking(t)
  const [sent] = await sendFiles(anna, conversation, '', { name: 'oak.png', mediaType: 'image/png', bytes: Buffer.from('<script>alert(1)</script>') })
  assert.equal(sent?.mediaType, 'application/octet-stream')
  const [other] = await sendFiles(anna, conversation, '', { name: '../../.profile', mediaType: '', bytes: pngOf() })
  assert.deepEqual([other?.mediaType, other?.name], ['image/png', '_.._.profile'])
  await attachmentIn(ben, conversation, 'here')
  const staged = stage(anna, { name: 'broken.jpg', mediaType: 'image/jpeg', bytes: jpegOf({}).subarray(0, 80) })
  await assert.rejects(staged, refused('picture-broken'))
  assert.deepEqual(bugsOf([anna, ben]), [])
})

test('nothing of a stranger is fetched before this person accepts; then pictures come', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  const [sent] = await sendFiles(anna, conversation, 'look', { name: 'oak.png', mediaType: 'image/png', bytes: pngOf() })
  assert.ok(sent !== undefined)
  const entry = await until('Ben has the request', () => Promise.resolve(ben.store?.entriesNaming(sent.hash)[0]))
  await new Promise((resolve) => { setTimeout(resolve, 300) })
  assert.equal(ben.store?.attachment(sent.hash), undefined)
  assert.deepEqual(ben.store?.documents('fetch'), [])
  await assert.rejects(ben.call('attachment.fetch', { entry, hash: sent.hash }), refused('not-allowed'))
  await ben.accept()
  assert.deepEqual(await readFile(ben, await attachmentIn(ben, conversation, 'here')), pngOf())
  assert.deepEqual(bugsOf([anna, ben]), [])
})

test('what is too large, out of order or not there is refused, and nothing of it stays', async (t) => {
  const { anna, conversation } = await talking(t)
  const begin = (size: number) => anna.call('attachment.begin', { name: 'x', mediaType: '', size })
  await assert.rejects(begin(attachmentLimit + 1), refused('file-too-large'))
  const { attachment } = await begin(300_000)
  const add = (piece: number, length: number) => anna.call('attachment.add', { attachment, piece, bytes: new Uint8Array(length) })
  await assert.rejects(add(0, 300_000 - 262_144), refused('bad-argument'))
  await assert.rejects(add(1, 300_000 - 262_144), refused('bad-argument'))
  await add(0, 262_144)
  await add(0, 262_144)
  await assert.rejects(anna.call('attachment.end', { attachment }), refused('bad-argument'))
  const send = anna.call('attachment.send', { conversation, key: '0'.repeat(32), text: '', attachments: [attachment] })
  await assert.rejects(send, refused('bad-argument'))
  assert.equal(anna.store?.unnamedAttachments().length, 1)
  await anna.call('attachment.drop', { attachment })
  assert.deepEqual(anna.store.unnamedAttachments(), [])
  // An upload never sent goes with the next start.
  await stage(anna, { name: 'left.pdf', bytes: random(10) })
  assert.equal(anna.store.unnamedAttachments().length, 1)
  await anna.restart()
  await until('it is swept', () => Promise.resolve(anna.store?.unnamedAttachments().length === 0))
  assert.deepEqual(bugsOf([anna]), [])
})
