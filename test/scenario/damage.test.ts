/**
 * A profile whose files are damaged, cut off, foreign, newer, or in a place that is full or read-only: it says so,
 * shows what can still be read, and is never taken for a new one. Every damage is done to real files.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { ErrorCode, Phase } from '../../preload/api.ts'
import { watchful } from '../../main/app/watchful.ts'
import { PortError } from '../../main/ports.ts'
import { openDatabase } from '../../main/sqlite/open.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { isMatch, wordsOf } from '../../main/words.ts'
import { mountDisk } from './disk.ts'
import { Guarded, passphrase } from './guarded.ts'
import { people, Refused, until } from './world.ts'

const refused = (code: string) => (error: unknown): boolean => error instanceof Refused && error.code === code
const pageBytes = 4096
const lines = Array.from({ length: 120 }, (_, index) => `line ${index + 1} ${'and so on '.repeat(index % 12)}`.trim())

type Story = { readonly anna: Guarded, readonly conversation: string }

/** Anna has talked with Ben; her app is closed. `prepare` runs before her profile is made. */
async function closed(
  t: TestContext, options: { readonly passphrase?: string, readonly prepare?: (folder: string) => void } = {},
): Promise<Story> {
  const { all: [ben], end } = await people(['Ben'])
  const anna = new Guarded('Anna', ben.folder)
  mkdirSync(anna.ownFolder, { recursive: true })
  // A disk is unmounted before what it lies in is deleted.
  options.prepare?.(anna.ownFolder)
  t.after(async () => {
    await anna.stop()
    await end()
  })
  await anna.begin(options.passphrase)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  for (const line of lines) await anna.say(conversation, line)
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes(lines.at(-1) ?? ''))
  await until('all is delivered', async () => (await anna.entries(conversation)).every((entry) =>
    entry.kind !== 'message' || entry.state === 'delivered'))
  await anna.stop()
  return { anna, conversation }
}

const filesOf = (anna: Guarded): ReadonlyMap<string, string> => new Map(readdirSync(anna.ownFolder)
  .filter((name) => !name.endsWith('.lock') && !name.endsWith('.pid'))
  .map((name) => [name, readFileSync(path.join(anna.ownFolder, name)).toString('hex')]))

/** Starts, sees the reason, and sees that nothing was made anew or changed. */
async function stops(anna: Guarded, code: ErrorCode, isReadable: boolean): Promise<void> {
  const before = filesOf(anna)
  await anna.start()
  const phase = await anna.phase()
  assert.deepEqual(phase.at === 'stopped' ? [phase.code, phase.readable] : phase, [code, isReadable])
  const keys = [...anna.keychain.items]
  for (const given of ['', 'a passphrase of Eve']) {
    await assert.rejects(anna.call('setup.create', { name: 'Eve', passphrase: given }), Refused)
  }
  assert.deepEqual([...anna.keychain.items], keys)
  if (!isReadable) await assert.rejects(anna.call('setup.read', {}), refused('not-ready'))
  assert.deepEqual(filesOf(anna), before)
  for (const key of anna.keys) assert.ok(key.every((byte) => byte === 0))
}

const stopped = (anna: Guarded): Promise<true> =>
  until('it stops', () => Promise.resolve(anna.changes.at(-1)?.phase?.at === 'stopped'))

/** Opens what is left for reading: right texts in the right order, gaps where some are missing, and no way to write. */
async function reads({ anna, conversation }: Story, code: ErrorCode): Promise<readonly string[]> {
  const told = anna.changes.length
  await anna.call('setup.read', {})
  const change = anna.changes[told]
  const phase: Phase | undefined = change?.phase
  assert.ok(phase?.at === 'ready')
  assert.equal(phase.readOnly, code)
  assert.equal(phase.me.name, 'Anna')
  assert.deepEqual((await anna.call('app.open', {})).phase, phase)
  const texts = (await anna.entries(conversation)).flatMap((entry) => entry.kind === 'message' ? [entry.text] : [])
  const wanted = lines.filter((line) => texts.includes(line))
  assert.deepEqual(texts, wanted)
  if (texts.length < lines.length) {
    assert.ok((await anna.entries(conversation)).some((entry) => entry.kind === 'gap' && entry.reason === 'damaged'))
  }
  const { found } = await anna.call('search', { text: lines[0] ?? '', limit: 100 })
  assert.deepEqual(found.map(({ entry }) => entry.text).toSorted(),
    texts.filter((text) => isMatch(text, wordsOf(lines[0] ?? ''))).slice(-100).toSorted())
  for (const call of [
    () => anna.say(conversation, 'x'), () => anna.invite(), () => anna.call('profile.rename', { name: 'Eve' }),
    () => anna.call('conversation.draft', { conversation, text: 'x' }),
  ]) await assert.rejects(call(), refused('read-only'))
  await assert.rejects(anna.call('setup.create', { name: 'Eve', passphrase: '' }), refused('not-ready'))
  return texts
}

test('a file that was cut off says so; what is left of it can be read, and nothing else', async (t) => {
  const story = await closed(t)
  const { anna } = story
  truncateSync(anna.file, Math.floor(readFileSync(anna.file).length * 0.9))
  await stops(anna, 'store-damaged', true)
  const before = filesOf(anna)
  const texts = await reads(story, 'store-damaged')
  assert.ok(texts.length > 0 && texts.length < lines.length, `${texts.length} of ${lines.length}`)
  await anna.stop()
  assert.deepEqual(filesOf(anna), before)
  assert.deepEqual(anna.bugs, [])
})

test('a flipped bit, wherever it is: the profile opens, or says that it is damaged, and is never new', async (t) => {
  const { anna, conversation } = await closed(t)
  const whole = readFileSync(anna.file)
  const seen = { ready: 0, readable: 0, unreadable: 0 }
  for (let page = 0; page < whole.length / pageBytes; page += 3) {
    const flipped = Buffer.from(whole)
    const at = page * pageBytes + 50 + (page * 53) % 4_000
    flipped.writeUInt8(flipped.readUInt8(at) ^ 4, at)
    writeFileSync(anna.file, flipped)
    await anna.start()
    const phase = await anna.phase()
    assert.ok(phase.at === 'ready' || phase.at === 'stopped', `page ${page}: ${phase.at}`)
    if (phase.at === 'ready') {
      seen.ready++
      // Damage that only the history has is met when it is read.
      const texts = await anna.texts(conversation).catch((error: unknown) => {
        assert.ok(refused('store-damaged')(error))
        return undefined
      })
      if (texts === undefined) await stopped(anna)
      else assert.deepEqual(texts, lines)
    } else {
      assert.equal(phase.code, 'store-damaged')
      if (phase.readable) seen.readable++
      else seen.unreadable++
    }
    await anna.stop()
  }
  t.diagnostic(JSON.stringify(seen))
  assert.ok(seen.ready > 0 && seen.readable > 0)
  assert.deepEqual(anna.bugs, [])
})

test('a first page that is damaged, a foreign file, an empty one, and none at all', async (t) => {
  const { anna } = await closed(t)
  const whole = readFileSync(anna.file)
  const flipped = Buffer.from(whole)
  flipped.writeUInt8(flipped.readUInt8(200) ^ 1, 200)
  for (const damage of [
    () => { writeFileSync(anna.file, flipped) },
    () => { writeFileSync(anna.file, 'these are the notes of somebody else\n'.repeat(300)) },
    () => { writeFileSync(anna.file, '') },
    () => { rmSync(anna.file) },
  ]) {
    damage()
    await stops(anna, 'store-damaged', false)
    await anna.stop()
  }
  // What was put back opens again.
  writeFileSync(anna.file, whole)
  await anna.start()
  assert.equal((await anna.phase()).at, 'ready')
  assert.deepEqual(anna.bugs, [])
})

test('a profile of a newer app, and one whose key slots are gone', async (t) => {
  const { anna } = await closed(t)
  const [hex = ''] = anna.keychain.items.values()
  const version = (value: number): void => {
    const database = openDatabase(anna.file, Buffer.from(hex, 'hex'))
    database.pragma(`user_version = ${value}`)
    database.close()
  }
  version(9999)
  await stops(anna, 'store-newer', false)
  await anna.stop()
  for (const name of ['slots.json', 'slots.spare.json']) rmSync(path.join(anna.ownFolder, name))
  await stops(anna, 'slots-damaged', false)
  assert.deepEqual(anna.bugs, [])
})

test('behind a passphrase the damage is said once it has opened', async (t) => {
  const story = await closed(t, { passphrase })
  const { anna } = story
  anna.keychain.locked = true
  truncateSync(anna.file, Math.floor(readFileSync(anna.file).length * 0.8))
  await anna.start()
  assert.deepEqual(await anna.phase(), { at: 'locked', need: 'passphrase', words: true, hint: 'keychain-locked' })
  await assert.rejects(anna.call('setup.unlock', { passphrase: 'no idea' }), refused('passphrase-wrong'))
  await anna.call('setup.unlock', { passphrase })
  const told = anna.changes.at(-1)?.phase
  assert.deepEqual(told?.at === 'stopped' && [told.code, told.readable], ['store-damaged', true])
  await reads(story, 'store-damaged')
  assert.deepEqual(anna.bugs, [])
})

test('what is over is not shown where it can only be read', async (t) => {
  const story = await closed(t)
  const { anna, conversation } = story
  await anna.start()
  await anna.call('conversation.timer', { conversation, seconds: 3_600 })
  await anna.say(conversation, 'this goes by itself')
  await anna.stop()
  truncateSync(anna.file, Math.floor(readFileSync(anna.file).length * 0.97))
  for (const [ms, shown] of [[3_590_000, true], [3_610_000, false]] as const) {
    anna.now = () => Date.now() + ms
    await anna.start()
    await anna.call('setup.read', {})
    assert.equal((await anna.texts(conversation)).includes('this goes by itself'), shown)
    assert.equal((await anna.conversation(conversation))?.last?.text === 'this goes by itself', shown)
    assert.equal((await anna.call('search', { text: 'goes by itself', limit: 10 })).found.length, shown ? 1 : 0)
    await anna.stop()
  }
})

test('damage that appears while the app is open stops it before it writes any more', async (t) => {
  const story = await closed(t)
  const { anna, conversation } = story
  let isDamaged = false
  anna.options = { openStore: (options) => {
    const store = openStore(options)
    return {
      ...watchful(store, () => undefined),
      entriesBefore: (id, before, limit) => {
        if (isDamaged) throw new PortError('store-damaged', 'SQLITE_CORRUPT')
        return store.entriesBefore(id, before, limit)
      },
    }
  } }
  await anna.start()
  assert.deepEqual(await anna.texts(conversation), lines)
  isDamaged = true
  await assert.rejects(anna.texts(conversation), refused('store-damaged'))
  await stopped(anna)
  await assert.rejects(anna.say(conversation, 'x'), refused('not-ready'))
  assert.deepEqual(await reads(story, 'store-damaged'), lines)
  assert.deepEqual(anna.bugs, [])
})

test('a full disk: nothing that was saved is lost, the history is shown, and with room again it goes on', async (t) => {
  let disk: ReturnType<typeof mountDisk>
  const story = await closed(t, { passphrase, prepare: (folder) => { disk = mountDisk(t, folder, 16_000) } })
  if (disk === undefined) return
  const { anna, conversation } = story
  await anna.start()
  const slots = readFileSync(path.join(anna.ownFolder, 'slots.json'), 'utf8')
  // Something else fills the disk, to the last byte.
  const filler = path.join(anna.ownFolder, 'filler')
  for (let size = 16_384_000; size >= 1; size = Math.floor(size / 2)) {
    try {
      writeFileSync(filler, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // That much there was not; a smaller piece may fit.
    }
  }
  let saved = 0
  const full = async (): Promise<boolean> => {
    for (; saved < 50; saved++) {
      try {
        await anna.say(conversation, `${saved} ${'x'.repeat(10_000)}`)
      } catch (error) {
        assert.ok(refused('store-full')(error), String(error))
        return true
      }
    }
    return false
  }
  assert.ok(await full())
  await assert.rejects(anna.call('passphrase.set', { current: passphrase, passphrase: 'no room for it' }),
    refused('store-full'))
  assert.equal(readFileSync(path.join(anna.ownFolder, 'slots.json'), 'utf8'), slots)
  assert.deepEqual((await anna.texts(conversation)).slice(0, lines.length), lines)

  await anna.restart()
  const phase = await anna.phase()
  t.diagnostic(`on the full disk the profile is ${phase.at}`)
  if (phase.at === 'stopped') {
    assert.deepEqual([phase.code, phase.readable], ['store-full', true])
    await anna.call('setup.read', {})
  } else assert.equal(phase.at, 'ready')
  assert.deepEqual((await anna.texts(conversation)).slice(0, lines.length), lines)

  rmSync(filler)
  await anna.restart()
  assert.equal((await anna.phase()).at, 'ready')
  await anna.say(conversation, 'room again')
  const texts = await anna.texts(conversation)
  assert.deepEqual([...texts.slice(0, lines.length), texts.at(-1)], [...lines, 'room again'])
  assert.equal(texts.length, lines.length + saved + 1)
  assert.deepEqual(anna.bugs, [])
})

test('a folder that is read-only: the whole history can be read, and later it opens as ever', async (t) => {
  let disk: ReturnType<typeof mountDisk>
  const story = await closed(t, { prepare: (folder) => { disk = mountDisk(t, folder, 16_000) } })
  if (disk === undefined) return
  const { anna } = story
  disk.remount('ro')
  await stops(anna, 'store-read-only', true)
  assert.deepEqual(await reads(story, 'store-read-only'), lines)
  await anna.stop()
  disk.remount('rw')
  await anna.start()
  assert.equal((await anna.phase()).at, 'ready')
  assert.deepEqual(await anna.texts(story.conversation), lines)
  assert.deepEqual(anna.bugs, [])
})
