import assert from 'node:assert/strict'
import { test } from 'node:test'
import { people, Refused, until } from './world.ts'

const refused = (code: string) => (error: unknown): boolean => error instanceof Refused && error.code === code

test('both start a chat at once: one remains, and nothing that was written is lost', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const [invitesBen, invitesAnna] = [await ben.invite(), await anna.invite()]
  const [a, b] = await Promise.all([
    anna.call('conversation.direct', { invite: invitesBen }), ben.call('conversation.direct', { invite: invitesAnna }),
  ])
  await Promise.all([anna.say(a.conversation, 'from Anna'), ben.say(b.conversation, 'from Ben')])
  const lower = a.conversation < b.conversation ? a.conversation : b.conversation
  for (const person of [anna, ben]) {
    await until(`${person.name} has one chat with both lines`, async () => {
      const conversations = await person.conversations()
      return conversations.length === 1 && conversations[0]?.id === lower
        && (await person.texts(lower)).toSorted().join() === 'from Anna,from Ben'
    })
  }
  await until('delivered', async () => (await anna.entries(lower)).some((entry) =>
    entry.kind === 'message' && entry.own && entry.state === 'delivered'))
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
})

test('a declined request leaves nothing here and no answer there', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await anna.say(conversation, 'are you there?')
  await until('Ben gets it', async () => (await ben.texts(conversation).catch(() => [])).length === 1)
  await ben.call('conversation.decline', { conversation })
  assert.deepEqual(await ben.conversations(), [])
  await ben.restart()
  await anna.say(conversation, 'hello?')
  await until('sent', async () => (await anna.entries(conversation)).filter((entry) =>
    entry.kind === 'message' && entry.state === 'sent').length === 2)
  assert.deepEqual(await ben.conversations(), [])
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
})

test('no receipt goes out before a request is accepted, and all of them after it', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await anna.say(conversation, 'one')
  await until('Ben stores it', async () => (await ben.texts(conversation).catch(() => [])).length === 1)
  const state = async (): Promise<string | undefined> => (await anna.entries(conversation))
    .flatMap((entry) => entry.kind === 'message' ? [entry.state] : [])[0]
  await until('it is sent', async () => await state() === 'sent')
  await ben.restart()
  assert.equal(await state(), 'sent')
  await ben.call('conversation.accept', { conversation })
  await until('it is delivered', async () => await state() === 'delivered')
})

test('wrong invites are told apart', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const invite = await ben.invite()
  const open = (text: string) => anna.call('conversation.direct', { invite: text })
  await assert.rejects(open('hello'), refused('invite-malformed'))
  await assert.rejects(open(invite.slice(0, -3)), refused('invite-malformed'))
  await assert.rejects(open(await anna.invite()), refused('invite-own'))
  anna.now = () => Date.now() + 40 * 24 * 3_600_000
  await assert.rejects(open(invite), refused('invite-expired'))
  anna.now = () => Date.now()
  assert.deepEqual(await anna.conversations(), [])
  assert.equal((await anna.call('invite.read', { invite: ` ${invite.slice(0, 30)}\n${invite.slice(30)} ` })).name, 'Ben')
})

test('the words are confirmed by three of them, and then forgotten', async (t) => {
  const { all: [anna], end } = await people(['Anna'])
  t.after(end)
  const words = await anna.call('recovery.words', {})
  assert.equal(words.length, 24)
  const answer = (position: number) => ({ position, word: words[position - 1] ?? '' })
  await assert.rejects(anna.call('recovery.confirm', { words: [answer(1), answer(2), { position: 3, word: 'wrong' }] }),
    refused('words-differ'))
  await anna.call('recovery.later', {})
  await anna.restart()
  assert.deepEqual(await anna.call('recovery.words', {}), words)
  await anna.call('recovery.confirm', { words: [answer(3), answer(17), answer(24)] })
  await assert.rejects(anna.call('recovery.words', {}), refused('words-gone'))
  await anna.restart()
  await assert.rejects(anna.call('recovery.words', {}), refused('words-gone'))
})
