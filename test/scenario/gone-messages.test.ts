/** Messages that were deleted, for oneself or for everybody, or whose time is over: nothing that is left of the run holds them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { keepLedger } from './ledger.ts'
import { Scene, type Taken } from './scene.ts'
import { people, until, type Person } from './world.ts'

let ledger: ReturnType<typeof keepLedger>
before(() => { ledger = keepLedger() })
after(() => { ledger.end() })

/** Long enough to be nowhere by chance: as they were typed, and as the search index has them. */
const taken = (...words: readonly string[]): Taken => new Map(words.map((word) => [word, new TextEncoder().encode(word)]))

async function hear(person: Person, conversation: string, text: string): Promise<string> {
  const entry = await until(`${person.name} reads it`, async () =>
    (await person.entries(conversation)).find((one) => one.kind === 'message' && one.text === text))
  return entry.id
}

for (const encrypted of [true, false]) {
  const how = encrypted ? 'the decrypted files' : 'the files and WALs of a run without a key'

  test(`messages that go are gone from ${how}`, async (t) => {
    const scene = new Scene(t, encrypted)
    const { all: [anna, ben], end } = await people(['Anna', 'Ben'], scene.watch)
    t.after(end)
    const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
    await ben.accept()
    const [own, all, timed, kept] = ['hornbeamcoppicestool', 'sweetchestnutcoppice', 'hazelunderwoodrotation', 'fieldmapleboundarytree'] as const
    // The last one is what the list shows.
    await anna.say(conversation, kept)
    for (const word of [own, all]) await anna.say(conversation, word)
    await anna.call('conversation.timer', { conversation, seconds: 3_600 })
    await anna.say(conversation, timed)
    for (const word of [own, all, timed, kept]) await hear(ben, conversation, word)
    await until('all is delivered', async () => (await anna.entries(conversation)).every((entry) =>
      entry.kind !== 'message' || entry.deliveredTo === 1))
    scene.assertThere(taken(own, all, timed, kept), anna, ben)

    await anna.call('message.remove', { conversation, entries: [await hear(anna, conversation, own)], everyone: false })
    await scene.assertGone(taken(own), anna)
    scene.assertThere(taken(own), ben)
    await anna.call('message.remove', { conversation, entries: [await hear(anna, conversation, all)], everyone: true })
    await until('Ben sees it', async () => !(await ben.texts(conversation)).includes(all))
    await scene.assertGone(taken(all), anna, ben)
    for (const one of [anna, ben]) {
      await one.stop()
      one.now = () => Date.now() + 3_601_000
      await one.start()
      await until('it is over', async () => !(await one.texts(conversation)).includes(timed))
    }
    await scene.assertGone(taken(timed), anna, ben)
    scene.assertThere(taken(kept), anna, ben)
    scene.assertThere(taken(own), ben)
    for (const one of [anna, ben]) assert.deepEqual(one.bugs, [])
    assert.deepEqual([...new Set(ledger.faults.splice(0))], [])
  })
}
