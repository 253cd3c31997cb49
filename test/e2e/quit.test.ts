/** Quitting the real app in the middle of sending: what was taken goes out, once, in order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, Bridge } from '../../preload/api.ts'
import {
  accept, conversationsOf, entriesOf, launch, openConversation, say, seeMessage, setUp, showInvite, startChat, temporaryData,
  unlock, until,
} from './harness.ts'

declare const coppice: Bridge

test('quit while sending: everything that was taken arrives, once and in order', async () => {
  const folder = await temporaryData()
  const anna = await launch(folder.data, 'anna')
  const ben = await launch(folder.data, 'ben')
  await setUp(anna.page, 'Anna')
  await setUp(ben.page, 'Ben')
  await startChat(ben.page, await showInvite(anna.page))
  await say(ben.page, 'Hello')
  await accept(anna.page, 'Ben')
  await seeMessage(anna.page, 'Hello')

  const conversation = (await conversationsOf(ben.page))[0]?.id ?? ''
  const taken: string[] = []
  await ben.page.exposeFunction('taken', (text: string) => { taken.push(text) })
  const texts = Array.from({ length: 40 }, (_, at) => `line ${String(at)}`)
  await ben.page.evaluate(([conversation, texts]) => {
    const { taken } = window as unknown as { taken: (text: string) => void }
    for (const [at, text] of texts.entries()) {
      const key = at.toString(16).padStart(32, '0')
      void coppice.call('message.send', { conversation, key, text }).then((answer: Answer<undefined>) => {
        if (answer.ok) taken(text)
      })
    }
  }, [conversation, texts] as const)
  await until('nothing was taken', () => taken.length > 0)
  // Nobody waits for the rest: as a person who closes the window does.
  assert.equal(await ben.quit(), 0)

  const again = await launch(folder.data, 'ben')
  await unlock(again.page)
  await openConversation(again.page, 'Anna')
  await say(again.page, 'the end')
  await seeMessage(anna.page, 'the end')
  const got = (await entriesOf(anna.page, conversation))
    .flatMap((entry) => entry.kind === 'message' && !entry.own ? [entry.text] : [])
  // A quit may come between two Calls; what was taken is the beginning of what was said.
  const arrived = got.slice(1, -1)
  assert.deepEqual(arrived, texts.slice(0, arrived.length))
  assert.deepEqual(taken.filter((text) => !arrived.includes(text)), [], 'was taken, and is lost')
  await Promise.all([again.quit(), anna.quit()])
  await folder.remove()
})
