import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { ErrorCode } from '../../preload/api.ts'
import { hashOf, sendFiles } from './attach.ts'
import { keyOfWords, opened, textsIn, toldOf, wordsOf } from './backup.ts'
import { directBetween, groupOf, hears, unbroken, village } from './household.ts'
import { computer, link } from './link.ts'
import { confirmWords, Refused, until, type Person } from './world.ts'

const passphrase = 'four words that nobody else'
const refused = (work: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(work, (error) => error instanceof Refused && error.code === code, code)

test('A backup in one file holds the chats and their files, for the words or a passphrase, and nobody else', async (t) => {
  const { all: [mara, jonas, kim] } = await village(t, ['Mara', 'Jonas', 'Kim'])
  const words = await wordsOf(mara)
  const direct = await directBetween(mara, jonas)
  const group = await groupOf(mara, jonas, kim)
  await mara.say(direct, 'hello <Jonas>')
  await jonas.say(group, 'hello all')
  await hears(mara, group, 'hello all')
  const picture = Buffer.alloc(700_000, 'leaf')
  await sendFiles(mara, group, 'look', { name: 'a tree.pdf', bytes: picture })
  const place = path.join(mara.folder, 'mine.age')
  mara.places.chosen = place
  for (const [typed, key] of [['', keyOfWords(words)], [passphrase, { type: 'passphrase', passphrase }]] as const) {
    const made = await mara.call('backup.export', { passphrase: typed })
    assert.equal(statSync(place).size, made?.bytes)
    assert.equal(statSync(place).mode & 0o777, 0o600)
    assert.equal(existsSync(`${place}.part`), false)
    const backup = await opened(place, key)
    assert.deepEqual([...backup.keys()].slice(0, 4), ['about.json', 'account.jsonl', 'contacts.jsonl', 'conversations.jsonl'])
    assert.deepEqual([...textsIn(backup)].sort(), ['hello <Jonas>', 'hello all', 'look'])
    assert.deepEqual(backup.get(`files/${hashOf(picture)}`), picture)
    assert.match(backup.get('contacts.jsonl')?.toString() ?? '', /"name":"Kim"/)
    assert.equal(backup.get('conversations.jsonl')?.toString().split('\n').length, 3)
  }
  assert.deepEqual(mara.places.asked[0]?.kind, 'save')
  const status = await mara.call('backup.status', {})
  assert.equal(status.file?.bytes, statSync(place).size)
  assert.ok(toldOf(mara).some(({ running }) => running?.kind === 'file'))
  assert.equal(status.running, undefined)
  await refused(mara.call('backup.export', { passphrase: 'short' }), 'passphrase-short')
  mara.places.chosen = undefined
  assert.equal(await mara.call('backup.export', { passphrase: '' }), undefined)
  mara.places.chosen = path.join(mara.folder, 'nowhere', 'mine.age')
  await refused(mara.call('backup.export', { passphrase: '' }), 'backup-place')
  unbroken(mara, jonas, kim)
})

/** One who asked, and was told no. */
async function declines(person: Person, stranger: Person): Promise<void> {
  const { conversation } = await stranger.call('conversation.direct', { invite: await person.invite() })
  await until('a request', async () => (await person.conversation(conversation))?.state === 'request')
  await person.call('conversation.decline', { conversation })
}

test('The words are not needed: what they seal to is known after they are confirmed, on a linked device, and after a restart', async (t) => {
  const { all: [mara, zoe, eve] } = await village(t, ['Mara', 'Zoe', 'Eve'])
  await declines(mara, zoe)
  const words = await wordsOf(mara)
  await confirmWords(mara)
  await mara.restart()
  const laptop = await computer(mara, 'laptop')
  t.after(() => laptop.stop())
  await link(mara, laptop)
  await until('the laptop knows it too', async () => (await laptop.call('backup.status', {})).words)
  await declines(mara, eve)
  await mara.call('conversation.group', { name: 'The next word', people: [], invites: [] })
  await until('the laptop is told', async () => (await laptop.conversations()).some(({ title }) => title === 'The next word'))
  for (const one of [mara, laptop]) {
    const place = path.join(mara.folder, `${one.name}.age`)
    one.places.chosen = place
    await one.call('backup.export', { passphrase: '' })
    const backup = await opened(place, keyOfWords(words))
    assert.ok(backup.has('account.jsonl'))
    // Those whom one device has declined are strangers to the other; and the own group is nobody's chat.
    assert.equal(backup.get('contacts.jsonl')?.toString(), '', one.name)
    assert.deepEqual(backup.get('conversations.jsonl')?.toString().match(/"name":"[^"]*"/g), ['"name":"The next word"'])
  }
})

test('A recovery key that was replaced opens no new backup, and the new one does; a device that lost it asks for the words once', async (t) => {
  const { all: [mara] } = await village(t, ['Mara'])
  const old = await wordsOf(mara)
  await confirmWords(mara)
  const folder = path.join(mara.folder, 'backups')
  mkdirSync(folder)
  await mara.call('backup.keep', { token: folder, by: 'words', key: '', rhythm: 'off' })
  await mara.call('backup.now', {})
  assert.ok((await opened(folder, keyOfWords(old))).has('account.jsonl'))
  await mara.call('recovery.rotate', { words: old })
  const words = await wordsOf(mara)
  await confirmWords(mara)
  const place = path.join(mara.folder, 'mine.age')
  mara.places.chosen = place
  await mara.call('backup.export', { passphrase: '' })
  await mara.call('backup.now', {})
  for (const one of [place, folder]) {
    assert.ok((await opened(one, keyOfWords(words))).has('account.jsonl'))
    await assert.rejects(opened(one, keyOfWords(old)), /backup-key/)
  }
  // As a profile of an earlier version, which has never heard of it.
  mara.store?.commit({ documents: [{ kind: 'register', key: 'backup', bytes: undefined }] })
  await mara.restart()
  assert.equal((await mara.call('backup.status', {})).words, false)
  await refused(mara.call('backup.export', { passphrase: '' }), 'backup-words')
  await refused(mara.call('backup.words', { words: old }), 'words-foreign')
  await mara.call('backup.words', { words })
  assert.equal((await mara.call('backup.status', {})).words, true)
  await mara.call('backup.export', { passphrase: '' })
})

test('Strangers who were not answered, and what is to be gone one day, are in no backup', async (t) => {
  const { all: [mara, jonas, eve, zoe] } = await village(t, ['Mara', 'Jonas', 'Eve', 'Zoe'])
  const words = await wordsOf(mara)
  const direct = await directBetween(mara, jonas)
  await mara.say(direct, 'stays')
  const { conversation } = await eve.call('conversation.direct', { invite: await mara.invite() })
  await eve.say(conversation, 'buy now')
  await until('a request', async () => (await mara.conversations()).some(({ state }) => state === 'request'))
  // Nor is somebody left out who is known from elsewhere, because of what they asked.
  await jonas.call('conversation.group', { name: 'not yet', people: [], invites: [await mara.invite()] })
  const { conversation: declined } = await zoe.call('conversation.direct', { invite: await mara.invite() })
  await zoe.say(declined, 'buy more')
  await until('three requests', async () => (await mara.conversations()).filter(({ state }) => state === 'request').length === 3)
  await mara.call('conversation.decline', { conversation: declined })
  const [entry] = (await mara.entries(direct)).filter(({ kind }) => kind === 'message')
  assert.ok(entry?.kind === 'message')
  await mara.stop()
  await mara.start()
  mara.store?.commit({ entries: [{
    ...entry, id: `${entry.id}x`, order: entry.order + 100, text: 'gone soon', expiresAt: Date.now() + 1e9,
  }] })
  const place = path.join(mara.folder, 'mine.age')
  mara.places.chosen = place
  await mara.call('backup.export', { passphrase: '' })
  const backup = await opened(place, keyOfWords(words))
  assert.deepEqual(textsIn(backup), ['stays'])
  const everything = Buffer.concat([...backup.values()]).toString()
  for (const word of ['buy now', 'gone soon', 'Eve', conversation, 'not yet', 'buy more', 'Zoe', declined]) assert.equal(everything.includes(word), false, word)
  assert.equal(everything.includes('Jonas'), true)
})

test('A folder gets only what is new, by itself and in time; failing is told, and the next try goes through', async (t) => {
  const { all: [mara, jonas] } = await village(t, ['Mara', 'Jonas'])
  const words = await wordsOf(mara)
  const direct = await directBetween(mara, jonas)
  await mara.say(direct, 'first')
  const folder = path.join(mara.folder, 'backups')
  mkdirSync(folder)
  mara.places.chosen = folder
  const chosen = await mara.call('backup.choose', {})
  assert.deepEqual(chosen, { token: folder, name: 'backups', holds: 'nothing' })
  await refused(mara.call('backup.now', {}), 'backup-place')
  await mara.call('backup.keep', { token: folder, by: 'words', key: '', rhythm: 'daily' })
  const folderOf = async () => (await mara.call('backup.status', {})).folder
  const madeAt = await until('a backup is made', async () => ((await folderOf())?.madeAt ?? 0) > 0 && (await folderOf())?.madeAt)
  assert.deepEqual(textsIn(await opened(folder, keyOfWords(words))), ['first'])
  assert.deepEqual(mara.places.kept('folder'), [folder])
  const before = readdirSync(path.join(folder, 'entries')).length
  await mara.call('backup.now', {})
  assert.equal(readdirSync(path.join(folder, 'entries')).length, before, 'nothing is new')
  // Of one day the newest stays.
  const daysOf = new Set([madeAt, (await folderOf())?.madeAt ?? 0].map((at) => Math.floor(at / 86_400_000)))
  assert.equal(readdirSync(path.join(folder, 'backups')).length, daysOf.size)
  // A day later, after a restart.
  await mara.say(direct, 'second')
  await mara.stop()
  let days = 1
  mara.now = () => Date.now() + days * 86_400_000
  await mara.start()
  await until('the next one', async () => ((await folderOf())?.madeAt ?? 0) > madeAt + 86_000_000)
  assert.deepEqual(textsIn(await opened(folder, keyOfWords(words))), ['first', 'second'])
  // The disk is not there. What the schedule says is looked at when it is chosen.
  const look = (): Promise<unknown> => mara.call('backup.rhythm', { rhythm: 'daily' })
  days = 3
  const away = path.join(mara.folder, 'away')
  renameSync(folder, away)
  await look()
  const failed = await until('it is told', async () => {
    const now = await folderOf()
    return now?.failed === undefined ? undefined : now
  })
  assert.deepEqual([failed.failed, failed.overdue], ['backup-place', true])
  renameSync(away, folder)
  // Not at once again: after an hour, or when the clock was set back.
  await look()
  await new Promise((resolve) => { setTimeout(resolve, 200) })
  assert.deepEqual((await folderOf())?.failed, 'backup-place')
  days = 2.9
  await look()
  const mended = await until('it goes through', async () => (await folderOf())?.failed === undefined && await folderOf())
  assert.equal(mended.overdue, false)
  // A clock that was far ahead and is right again puts nothing off.
  days = 400
  await mara.call('backup.now', {})
  days = 3
  await look()
  await until('another one', async () => ((await folderOf())?.madeAt ?? Infinity) < Date.now() + 10 * 86_400_000)
  renameSync(folder, away)
  days = 5
  await look()
  await until('it fails', async () => (await folderOf())?.failed === 'backup-place')
  renameSync(away, folder)
  days = 5.1
  await look()
  await until('an hour later it goes through', async () => (await folderOf())?.failed === undefined)
  await mara.call('backup.rhythm', { rhythm: 'off' })
  assert.equal((await folderOf())?.rhythm, 'off')
  await mara.call('backup.forget', {})
  assert.equal(await folderOf(), undefined)
  assert.deepEqual(mara.places.kept('folder'), [])
  assert.deepEqual(textsIn(await opened(folder, keyOfWords(words))), ['first', 'second'], 'what is in it stays')
  unbroken(mara, jonas)
})

test('A folder that holds backups is joined with what opens it, if they are of this account', async (t) => {
  const { all: [mara, jonas] } = await village(t, ['Mara', 'Jonas'])
  const words = await wordsOf(mara)
  const folder = path.join(mara.folder, 'backups')
  mkdirSync(folder)
  mara.places.chosen = folder
  // Twice at once would be two secrets for one folder. Meanwhile everything else goes on: the passphrase takes its time.
  const kept = { yet: false }
  const keeping = mara.call('backup.keep', { token: folder, by: 'passphrase', key: passphrase, rhythm: 'off' }).then(() => { kept.yet = true })
  await refused(mara.call('backup.keep', { token: folder, by: 'passphrase', key: 'another one of many', rhythm: 'off' }), 'backup-running')
  let answered = 0
  for (; !kept.yet; answered += 1) {
    await mara.call('conversation.group', { name: `Meanwhile ${String(answered)}`, people: [], invites: [] })
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  await keeping
  assert.ok(answered > 5, String(answered))
  await mara.call('backup.now', {})
  assert.equal((await mara.call('backup.choose', {}))?.holds, 'passphrase')
  await refused(mara.call('backup.keep', { token: folder, by: 'passphrase', key: 'another one of many', rhythm: 'off' }), 'backup-key')
  await mara.call('backup.keep', { token: folder, by: 'passphrase', key: passphrase, rhythm: 'off' })
  await mara.call('backup.now', {})
  jonas.places.chosen = folder
  await refused(jonas.call('backup.keep', { token: folder, by: 'passphrase', key: passphrase, rhythm: 'off' }), 'backup-foreign')
  assert.equal((await jonas.call('backup.status', {})).folder, undefined)
  assert.equal((await opened(folder, { type: 'passphrase', passphrase })).has('account.jsonl'), true)
  await assert.rejects(opened(folder, keyOfWords(words)), /backup-key/)
})

test('Cancelled while it runs, nothing is left; two at once are not made; locking ends it', async (t) => {
  const { all: [mara, jonas] } = await village(t, ['Mara', 'Jonas'])
  const direct = await directBetween(mara, jonas)
  await sendFiles(mara, direct, 'large', { name: 'large.bin', bytes: Buffer.alloc(6_000_000, 1) })
  const place = path.join(mara.folder, 'mine.age')
  writeFileSync(place, 'of yesterday')
  mara.places.chosen = place
  const cancelling = new Promise<void>((resolve) => {
    mara.shown = ({ backup }) => {
      // As on a slower computer.
      if (backup?.running !== undefined) mara.now = () => Date.now() + 500
      if (backup?.running === undefined || backup.running.done === 0) return
      const { done, of, leftMs } = backup.running
      assert.ok(done < of && leftMs > 500, JSON.stringify(backup.running))
      mara.shown = () => undefined
      void refused(mara.call('backup.export', { passphrase: '' }), 'backup-running').then(() => mara.call('backup.cancel', {})).then(() => { resolve() })
    }
  })
  await refused(mara.call('backup.export', { passphrase: '' }), 'backup-cancelled')
  await cancelling
  assert.equal(readFileSync(place, 'utf8'), 'of yesterday')
  assert.equal(existsSync(`${place}.part`), false)
  const running = mara.answer('backup.export', { passphrase: '' })
  await until('it runs', async () => (await mara.call('backup.status', {})).running !== undefined)
  await mara.stop()
  assert.equal((await running).ok, false)
  assert.equal(readFileSync(place, 'utf8'), 'of yesterday')
  assert.equal(existsSync(`${place}.part`), false)
})
