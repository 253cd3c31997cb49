/**
 * Deleted means gone, for attachments: their bytes and keys are taken while they are there, the last entry goes that names
 * them, and then nothing that is left of the run holds them. Each one is found before, so that the search can fail.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attachmentIn, pngOf, sendFiles, stage } from './attach.ts'
import { Scene, type Taken } from './scene.ts'
import { people, random, type Person } from './world.ts'

/** A place in each piece, and the key that would open the chunks on the log. */
function traces(person: Person, entry: string, bytes: Uint8Array): Taken {
  const blob = person.store?.entry(entry)?.blobs?.[0]
  assert.ok(blob !== undefined)
  return new Map([
    ['first piece', bytes.slice(1000, 1032)], ['last piece', bytes.slice(bytes.length - 40, bytes.length - 8)],
    ['key of the blob', Uint8Array.from(Buffer.from(blob.key, 'hex'))],
  ])
}

for (const encrypted of [true, false]) {
  const how = encrypted ? 'the decrypted files' : 'the files and WALs of a run without a key'

  test(`an attachment goes with the last entry that names it from ${how}`, async (t) => {
    const scene = new Scene(t, encrypted)
    const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'], scene.watch)
    t.after(end)
    const chat = async (other: Person): Promise<string> => {
      const { conversation } = await anna.call('conversation.direct', { invite: await other.invite() })
      await other.accept()
      return conversation
    }
    const [toBen, toCara] = [await chat(ben), await chat(cara)]
    const bytes = random(300_000)
    const file = { name: 'plan.pdf', bytes }
    const keys: Taken[] = []
    for (const conversation of [toBen, toCara]) {
      await sendFiles(anna, conversation, 'the plan', file)
      const { entry } = await attachmentIn(anna, conversation, 'here')
      keys.push(traces(anna, entry, bytes))
    }
    const came = await attachmentIn(ben, toBen, 'offered')
    await ben.call('attachment.fetch', came)
    await attachmentIn(ben, toBen, 'here')
    const [first, second] = keys
    assert.ok(first !== undefined && second !== undefined)
    scene.assertThere(first, anna, ben)
    scene.assertThere(second, anna)

    // Nothing but the key that one message had goes as long as another one names the file.
    const remove = (person: Person, conversation: string, entry: string, everyone = false): Promise<unknown> =>
      person.call('message.remove', { conversation, entries: [entry], everyone })
    await remove(anna, toBen, (await attachmentIn(anna, toBen, 'here')).entry)
    const [key] = [...first].filter(([name]) => name === 'key of the blob')
    assert.ok(key !== undefined)
    await scene.assertGone(new Map([key]), anna)
    scene.assertThere(second, anna)
    await remove(anna, toCara, (await attachmentIn(anna, toCara, 'here')).entry)
    await scene.assertGone(new Map([...first, ...second]), anna)
    scene.assertThere(first, ben)
    await remove(ben, toBen, came.entry)
    await scene.assertGone(first, ben)

    // Deleted for everybody, and over by itself.
    const leaves = async (name: string): Promise<{ readonly entry: string, readonly taken: Taken }> => {
      const content = random(300_000)
      await sendFiles(anna, toBen, name, { name: `${name}.pdf`, bytes: content })
      const { entry } = await attachmentIn(anna, toBen, 'here')
      await ben.call('attachment.fetch', await attachmentIn(ben, toBen, 'offered'))
      const taken = traces(ben, (await attachmentIn(ben, toBen, 'here')).entry, content)
      scene.assertThere(taken, anna, ben)
      return { entry, taken }
    }
    const all = await leaves('all')
    await remove(anna, toBen, all.entry, true)
    await scene.assertGone(all.taken, anna, ben)
    await anna.call('conversation.timer', { conversation: toBen, seconds: 3_600 })
    const timed = await leaves('timed')
    for (const one of [anna, ben]) {
      await one.stop()
      one.now = () => Date.now() + 3_601_000
      await one.start()
    }
    await scene.assertGone(timed.taken, anna, ben)

    // A declined request, and what was chosen and never sent.
    const { conversation } = await anna.call('conversation.group', { name: 'Alder', people: [], invites: [await cara.invite()] })
    const picture = pngOf({ width: 300, height: 300, stored: true, pixel: (x, y) => [(x * 7 + y * 13) % 251, (x * y) % 241, (x ^ y) % 239] })
    await sendFiles(anna, conversation, 'look', { name: 'oak.png', mediaType: 'image/png', bytes: picture })
    await cara.accept()
    const { entry } = await attachmentIn(cara, conversation, 'here')
    const seen = traces(cara, entry, picture)
    scene.assertThere(seen, cara)
    cara.store?.commit({ clearedConversations: [conversation] })
    await scene.assertGone(seen, cara)

    const unsent = random(300_000)
    const { attachment } = await stage(anna, { name: 'unsent.pdf', bytes: unsent })
    const left: Taken = new Map([['unsent piece', unsent.slice(1000, 1032)]])
    scene.assertThere(left, anna)
    await anna.call('attachment.drop', { attachment })
    await scene.assertGone(left, anna)
    for (const one of [anna, ben, cara]) assert.deepEqual(one.bugs, [])
  })
}
