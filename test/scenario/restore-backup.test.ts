import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { decodeJob } from '../../main/chat/restore-job.ts'
import type { BackupSeal } from '../../main/ports.ts'
import type { ErrorCode, Restore } from '../../preload/api.ts'
import { attachmentIn, hashOf, messageWith, pngOf, readFile, sendFiles } from './attach.ts'
import { backupOf, ended } from './backups.ts'
import { people, Person, Refused, until } from './world.ts'

const hourMs = 60 * 60 * 1000
const passphrase: BackupSeal = { type: 'passphrase', passphrase: 'correct horse' }
const typed = 'correct horse'
/** For which no passphrase has to be worked on. What seals to them the app knows. */
const toWords: BackupSeal = { type: 'recipient', recipient: '' }
const notTheirs = `${'abandon '.repeat(23)}art`

const hear = (person: Person, conversation: string, text: string): Promise<unknown> =>
  until(`${person.name} reads "${text}"`, async () => (await person.texts(conversation)).includes(text))

const refused = (work: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(work, (error) => error instanceof Refused && error.code === code, code)

/** Mara with a direct chat and a group, some of it read, one pinned, a draft. */
async function life(t: TestContext) {
  const { all: [mara, jonas], end } = await people(['Mara', 'Jonas'])
  t.after(async () => {
    for (const person of [mara, jonas]) assert.deepEqual(person.bugs, [], `${person.name} met a bug`)
    await end()
  })
  const { conversation: direct } = await mara.call('conversation.direct', { invite: await jonas.invite() })
  await jonas.accept()
  const { conversation: group } = await mara.call('conversation.group', { name: 'River', people: [], invites: [await jonas.invite()] })
  await jonas.accept()
  for (const text of ['one', 'two', 'three']) await mara.say(direct, text)
  await hear(jonas, direct, 'three')
  for (const text of ['heron', 'otter']) await jonas.say(group, text)
  await hear(mara, group, 'otter')
  // A file of her own and one that she was sent, and one that she never fetched.
  await sendFiles(mara, group, 'the plan', plan)
  await attachmentIn(jonas, group, 'offered')
  await sendFiles(jonas, group, 'a picture', picture)
  await attachmentIn(mara, group, 'here')
  await sendFiles(jonas, group, 'a film', film)
  await attachmentIn(mara, group, 'offered')
  const order = (await mara.entries(group)).find((entry) => entry.kind === 'message')?.order ?? 0
  await mara.call('conversation.read', { conversation: group, order })
  await mara.call('conversation.keep', { conversation: group, muted: false, pinned: true, archived: false })
  await mara.call('conversation.draft', { conversation: group, text: 'half a wo' })
  return { mara, jonas, direct, group }
}

async function fresh(t: TestContext, like: Person, name = 'Mara anew'): Promise<Person> {
  const person = new Person(name, like.folder)
  person.now = like.now
  await person.start()
  t.after(() => person.stop())
  return person
}

const told = async (person: Person, conversation: string) => (await person.entries(conversation)).flatMap((entry) =>
  entry.kind === 'message' ? [[entry.id, entry.text, entry.own, entry.at]] : [])

const plan = { name: 'plan.pdf', bytes: Buffer.alloc(700_000, 'plan') }
const picture = { name: 'heron.png', mediaType: 'image/png', bytes: pngOf() }
const film = { name: 'film.mp4', mediaType: 'video/mp4', bytes: Buffer.alloc(300_000, 'film') }

const holdsOf = (restore: Restore) => 'holds' in restore ? restore.holds : undefined

describe('A backup, in a profile that has everything', () => {
  test('is checked, tried out, and taken in without changing anything, as often as one likes', async (t) => {
    const { mara, jonas, direct, group } = await life(t)
    const token = await backupOf(mara, toWords)
    const words = (await mara.call('recovery.words', {})).join(' ')
    // What was decided since is the later word.
    const them = (await mara.conversation(direct))?.people.find(({ own }) => !own)?.accountId ?? ''
    await mara.call('person.trust', { accountId: them, trust: 'verified' })
    await mara.call('conversation.keep', { conversation: group, muted: true, pinned: false, archived: false })
    await mara.call('conversation.draft', { conversation: group, text: 'half a word' })
    await jonas.call('profile.rename', { name: 'Jonas the Younger' })
    await until('Mara is told', async () => (await mara.conversation(direct))?.title === 'Jonas the Younger')
    const before = [await mara.entries(direct), await mara.entries(group), await mara.conversations()]
    mara.places.chosen = token
    const chosen = await mara.call('restore.choose', { kind: 'open' })
    assert.deepEqual([chosen?.token, chosen?.name, chosen?.sealed], [token, 'Mara.age', 'words'])
    await refused(mara.call('restore.verify', { token, typed: notTheirs }), 'backup-key')
    await mara.call('restore.verify', { token, typed: words })
    const checked = await ended(mara)
    assert.equal(checked.at, 'checked')
    const holds = holdsOf(checked)
    assert.deepEqual([holds?.name, holds?.conversations, holds?.messages, holds?.people], ['Mara', 2, 8, 1])
    assert.deepEqual([holds?.files, holds?.missingFiles], [2, 1])
    assert.equal(holds?.bytes, chosen?.bytes)
    await mara.call('restore.rehearse', { token, typed: words })
    const rehearsed = await ended(mara)
    assert.deepEqual(rehearsed.at === 'rehearsed' && rehearsed.rehearsal, {
      same: 8, differing: 0, missingHere: 0, conversationsMissingHere: 0, missingThere: 0, newer: 0,
    })
    for (let times = 0; times < 2; times++) {
      await mara.call('restore.start', { token, typed: words })
      const restored = await ended(mara)
      assert.equal(restored.at === 'restored' && restored.added, 0)
    }
    // The same in a folder that grows.
    const shelf = path.join(mara.folder, 'shelf')
    mkdirSync(shelf)
    await mara.call('backup.keep', { token: shelf, by: 'passphrase', key: typed, rhythm: 'off' })
    await mara.call('backup.now', {})
    await refused(mara.call('restore.start', { token: shelf, typed: 'wrong horse' }), 'backup-key')
    await mara.call('restore.start', { token: shelf, typed })
    const fromFolder = await ended(mara)
    assert.ok(fromFolder.at === 'restored' && fromFolder.added === 0 && fromFolder.holds.messages === 8)
    assert.deepEqual([await mara.entries(direct), await mara.entries(group), await mara.conversations()], before)
    await mara.call('restore.cancel', {})
    assert.deepEqual((await mara.call('app.open', {})).restore, { at: 'none' })
    assert.equal(mara.store?.document('restore', 'own'), undefined)
    // One is said since, one is other here, one is gone, and one that is older is not in the backup.
    await mara.say(direct, 'since')
    const [one, two, three] = (mara.store?.entriesBefore(direct, 0, 50) ?? []).filter(({ kind }) => kind === 'message')
    assert.ok(one?.kind === 'message' && two?.kind === 'message' && three !== undefined)
    mara.store?.commit({
      entries: [{ ...two, text: 'other' }, { ...one, id: 'f'.repeat(64), order: one.order + 500, at: 1_000 }], removedEntries: [three.id],
    })
    await mara.call('restore.rehearse', { token, typed: words })
    const differs = await ended(mara)
    assert.deepEqual(differs.at === 'rehearsed' && differs.rehearsal, {
      same: 6, differing: 1, missingHere: 1, conversationsMissingHere: 1, missingThere: 2, newer: 1,
    })
    assert.deepEqual(readdirSync(path.join(mara.folder, mara.name)).filter((name) => name.startsWith('scratch-')), [])
  })

  test('tells of another person\'s backup, and of one that is no backup', async (t) => {
    const { mara, jonas, direct } = await life(t)
    const token = await backupOf(jonas, toWords)
    const typed = (await jonas.call('recovery.words', {})).join(' ')
    const before = await mara.entries(direct)
    await mara.call('restore.start', { token, typed })
    const failed = await ended(mara)
    assert.deepEqual(failed, { at: 'failed', code: 'backup-other' })
    // What opened it is kept no longer.
    assert.equal(decodeJob(mara.store?.document('restore', 'own') ?? assert.fail()).going, undefined)
    assert.deepEqual(mara.places.kept('restore'), [])
    await refused(mara.call('restore.start', { token: '/nowhere/at/all', typed }), 'backup-place')
    await refused(mara.call('restore.start', { token: 'unknown', typed }), 'backup-place')
    assert.deepEqual(await mara.entries(direct), before)
  })

  test('of which something is missing: that comes below what is here, once, and all the rest is as it was', async (t) => {
    const { mara, jonas, direct } = await life(t)
    const token = await backupOf(mara, toWords)
    const words = (await mara.call('recovery.words', {})).join(' ')
    const whole = await mara.entries(direct)
    const two = whole.find((entry) => entry.kind === 'message' && entry.text === 'two') ?? assert.fail()
    mara.store?.commit({ removedEntries: [two.id] })
    for (const added of [1, 0]) {
      await mara.call('restore.start', { token, typed: words })
      const restored = await ended(mara)
      assert.equal(restored.at === 'restored' && restored.added, added)
      const after = await mara.entries(direct)
      const placeless = (entries: typeof after) => entries.map(({ order: _, ...entry }) => entry)
      const [first, ...rest] = after
      assert.deepEqual(placeless(rest), placeless(whole.filter(({ id }) => id !== two.id)))
      assert.ok(first?.kind === 'message' && first.id === two.id && first.imported === true && first.text === 'two')
      assert.ok(after.every(({ order }) => order > 0))
    }
    await jonas.say(direct, 'later')
    await hear(mara, direct, 'later')
    assert.deepEqual(await mara.texts(direct), ['two', 'one', 'three', 'later'])
  })
})

describe('Everything is lost, but the backup and the 24 words', () => {
  test('the history is there at once, in its order, and goes on when everybody has let the new device in', async (t) => {
    const { mara, jonas, direct, group } = await life(t)
    const words = (await mara.call('recovery.words', {})).join(' ')
    const token = await backupOf(mara, passphrase)
    const before = [await told(mara, direct), await told(mara, group)]
    await new Promise((resolve) => { setTimeout(resolve, 2_500) })
    await mara.stop()
    const anew = await fresh(t, mara)
    const restore = (more: object = {}): Promise<unknown> => anew.call('setup.restoreBackup', {
      token, typed, words, name: 'New laptop', passphrase: '', ...more,
    })
    await refused(restore({ typed: 'wrong horse' }), 'backup-key')
    await refused(restore({ words: words.split(' ').slice(1).join(' ') }), 'words-count')
    assert.equal((await anew.call('app.open', {})).phase.at, 'new')
    await restore()
    const restored = await ended(anew)
    assert.equal(restored.at === 'restored' && restored.added, 8)
    assert.deepEqual([await told(anew, direct), await told(anew, group)], before)
    for (const { bytes } of [plan, picture]) {
      assert.deepEqual(await readFile(anew, { hash: hashOf(bytes), size: bytes.length }), Buffer.from(bytes))
    }
    const last = await messageWith(anew, group)
    assert.deepEqual([last?.text, last?.attachments?.map(({ name, state }) => [name, state])], ['a film', [['film.mp4', 'gone']]])
    assert.ok((await anew.entries(direct)).every(({ imported }) => imported === true))
    const [river] = (await anew.conversations()).filter(({ id }) => id === group)
    assert.deepEqual([river?.title, river?.pinned, river?.draft, river?.unread, river?.last?.text, river?.recovering?.reason],
      ['River', true, 'half a wo', 3, 'a film', 'restored'])
    const found = await anew.call('search', { text: 'otter', limit: 10 })
    assert.equal(found.found.length, 1)
    // Nothing of the key is left, and taking it in again changes nothing.
    assert.equal(anew.store?.document('restore', 'own'), undefined)
    await anew.call('restore.start', { token, typed })
    const again = await ended(anew)
    assert.equal(again.at === 'restored' && again.added, 0)
    await jonas.say(direct, 'while you were away')
    for (const one of [jonas, anew]) {
      await one.stop()
      one.now = () => Date.now() + 25 * hourMs
      await one.start()
    }
    await until('she is back everywhere', async () => (await anew.conversations()).every(({ recovering }) => recovering === undefined))
    await jonas.say(direct, 'welcome')
    await hear(anew, direct, 'welcome')
    const texts = await anew.texts(direct)
    assert.deepEqual(texts.slice(0, 3), ['one', 'two', 'three'])
    assert.equal(texts.at(-1), 'welcome')
    assert.equal(new Set((await anew.entries(direct)).map(({ id }) => id)).size, (await anew.entries(direct)).length)
    assert.deepEqual(anew.bugs, [])
  })

  test('words of another account and the backup of this one: nothing is made', async (t) => {
    const { mara, jonas } = await life(t)
    const token = await backupOf(mara, toWords)
    const typed = (await mara.call('recovery.words', {})).join(' ')
    const words = (await jonas.call('recovery.words', {})).join(' ')
    await new Promise((resolve) => { setTimeout(resolve, 2_500) })
    const anew = await fresh(t, mara)
    await refused(anew.call('setup.restoreBackup', { token, typed, words, name: 'New laptop', passphrase: '' }), 'backup-other')
    assert.equal((await anew.call('app.open', {})).phase.at, 'new')
    assert.equal((await jonas.call('devices.list', {})).length, 1)
  })
})
