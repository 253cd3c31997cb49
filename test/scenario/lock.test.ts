/** Locking the app: what is closed, wiped and silent while it is locked, and how it comes back. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { argon2Sync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, readSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Change } from '../../preload/api.ts'
import { archive } from '../../main/archive/archive.ts'
import { PortError } from '../../main/ports.ts'
import type { BackupKey, Delivery } from '../../main/ports.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { Guarded, passphrase } from './guarded.ts'
import { confirmWords, people, Refused, until } from './world.ts'

const refused = (code: string) => (error: unknown): boolean => error instanceof Refused && error.code === code
const asksPassphrase = { at: 'locked', need: 'passphrase', words: true }

/** Anna, who can lock, and Ben, with a chat in which both have spoken. */
async function chatting(t: TestContext) {
  const { all: [ben], end } = await people(['Ben'])
  const anna = new Guarded('Anna', ben.folder)
  t.after(async () => {
    await anna.stop()
    await end()
  })
  await anna.begin(passphrase)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await anna.say(conversation, 'before')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('before'))
  await ben.say(conversation, 'I am here')
  await until('Anna reads it', async () => (await anna.texts(conversation)).includes('I am here'))
  return { anna, ben, conversation }
}

/** Anna, who can lock, and nobody else. */
async function byHerself(t: TestContext): Promise<Guarded> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-scenario-'))
  const anna = new Guarded('Anna', folder)
  t.after(async () => {
    await anna.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return anna.begin(passphrase)
}

/** Which files of a folder this process holds open. */
const openFiles = (folder: string): readonly string[] => readdirSync('/proc/self/fd').flatMap((name) => {
  try {
    const target = readlinkSync(`/proc/self/fd/${name}`)
    return target.startsWith(folder + path.sep) ? [path.basename(target)] : []
  } catch {
    return []
  }
})

const texts = (changes: readonly Change[]): string => JSON.stringify(changes)

test('locked: file closed, key zero, nothing shown, nothing received; unlocking catches up', async (t) => {
  const { anna, ben, conversation } = await chatting(t)
  const onLinux = process.platform === 'linux'
  if (onLinux) assert.ok(openFiles(anna.ownFolder).includes('profile.sqlite'))
  else t.diagnostic('open files are looked for on Linux only')
  assert.ok(anna.keys.some((key) => key.some((byte) => byte !== 0)), 'the key is held while the app is open')

  const before = anna.changes.length
  await anna.call('lock.now', {})
  const [told, ...more] = anna.changes.slice(before)
  assert.deepEqual(told?.phase, asksPassphrase)
  assert.deepEqual(told.removedConversations, [conversation])
  assert.deepEqual(more, [])
  assert.ok(anna.keys.length > 0)
  for (const key of anna.keys) assert.deepEqual([...key], Array(32).fill(0))
  if (onLinux) assert.deepEqual(openFiles(anna.ownFolder), [])
  assert.equal(anna.keychain.items.size, 0, 'nor does the keychain have it')

  // Nothing is answered but the way back in; the snapshot is empty.
  const snapshot = await anna.call('app.open', {})
  assert.deepEqual([snapshot.phase, snapshot.conversations], [asksPassphrase, []])
  for (const call of [
    () => anna.texts(conversation), () => anna.say(conversation, 'x'), () => anna.call('recovery.words', {}),
    () => anna.call('lock.now', {}), () => anna.call('profile.remove', { name: 'Anna' }),
    () => anna.call('setup.create', { name: 'Eve', passphrase: '' }),
    () => anna.call('passphrase.set', { current: passphrase, passphrase: 'another one' }),
  ]) await assert.rejects(call(), refused('not-ready'))
  await assert.rejects(anna.call('setup.unlock', { passphrase: '' }), refused('passphrase-missing'))
  await assert.rejects(anna.call('setup.unlock', { passphrase: 'eight oaks' }), refused('passphrase-wrong'))

  // Receiving pauses: what Ben says waits in the log.
  const quiet = anna.changes.length
  await ben.say(conversation, 'while you were away')
  await until('it is sent', async () => (await ben.entries(conversation)).some((entry) =>
    entry.kind === 'message' && entry.text === 'while you were away' && entry.state === 'sent'))
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal(anna.changes.length, quiet)

  await anna.call('setup.unlock', { passphrase })
  await until('Anna catches up', async () => (await anna.texts(conversation)).includes('while you were away'))
  assert.deepEqual(await anna.texts(conversation), ['before', 'I am here', 'while you were away'])
  await anna.say(conversation, 'back again')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('back again'))
  assert.equal(anna.keychain.items.size, 1, 'the keychain has the key again')
  // The window was told everything in one row: no hole, no step back.
  assert.deepEqual(anna.changes.map(({ revision }) => revision), anna.changes.map((_, index) => index + 1))
  assert.ok(!texts(anna.changes).includes(passphrase))
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
})

test('a locked app stays locked over a restart, and opens by the words as well', async (t) => {
  const { anna, conversation } = await chatting(t)
  const words = await anna.call('recovery.words', {})
  await anna.call('lock.now', {})
  await anna.restart()
  assert.deepEqual(await anna.phase(), asksPassphrase)
  await assert.rejects(anna.call('setup.unlock', { passphrase: '' }), refused('passphrase-wrong'))

  const recover = (text: string, given = 'a new passphrase'): Promise<unknown> =>
    anna.call('setup.recover', { words: text, passphrase: given })
  await assert.rejects(recover(words.slice(1).join(' ')), refused('words-count'))
  await assert.rejects(recover(['zzz', ...words.slice(1)].join(' ')), refused('words-unknown'))
  const [one = '', two = '', ...rest] = words
  if (one !== two) await assert.rejects(recover([two, one, ...rest].join(' ')), (error) =>
    error instanceof Refused && ['words-order', 'words-foreign'].includes(error.code))
  await assert.rejects(recover('abandon '.repeat(23) + 'art'), refused('words-foreign'))
  await assert.rejects(recover(words.join(' '), 'short'), refused('passphrase-short'))

  await recover(words.map((word, index) => `${index + 1}. ${word.toUpperCase()}`).join('\n'))
  assert.equal((await anna.phase()).at, 'ready')
  assert.deepEqual(await anna.texts(conversation), ['before', 'I am here'])
  await anna.call('lock.now', {})
  await assert.rejects(anna.call('setup.unlock', { passphrase }), refused('passphrase-wrong'))
  await anna.call('setup.unlock', { passphrase: 'a new passphrase' })
  assert.deepEqual(anna.bugs, [])
})

test('a time set for locking keeps the key out of the keychain, so that every start asks', async (t) => {
  const { anna } = await chatting(t)
  const copies = ['slots.json', 'slots.spare.json'].map((name) => path.join(anna.ownFolder, name))
  const [held, items] = [readFileSync(copies[0] ?? '', 'utf8'), [...anna.keychain.items]]
  await anna.call('lock.after', { minutes: 5 })
  assert.equal(anna.keychain.items.size, 0)
  // Killed between the two: the time is stored, and the keychain has the key.
  await anna.stop()
  for (const copy of copies) writeFileSync(copy, held)
  for (const [account, key] of items) anna.keychain.items.set(account, key)
  await anna.start()
  assert.equal(anna.keychain.items.size, 0)
  const open = await anna.phase()
  assert.deepEqual(open.at === 'ready' && open.me.lock, { passphrase: true, keychain: true, afterMinutes: 5 })
  await anna.restart()
  assert.deepEqual(await anna.phase(), asksPassphrase)
  await anna.call('setup.unlock', { passphrase })
  assert.equal(anna.keychain.items.size, 0)
  await anna.call('lock.after', { minutes: 0 })
  assert.equal(anna.keychain.items.size, 1)
  await anna.restart()
  assert.equal((await anna.phase()).at, 'ready')
  // Without a passphrase nothing locks, and the time goes with it.
  await anna.call('lock.after', { minutes: 60 })
  await assert.rejects(anna.call('passphrase.remove', { current: 'no' }), refused('passphrase-wrong'))
  await anna.call('passphrase.remove', { current: passphrase })
  const after = await anna.phase()
  assert.deepEqual(after.at === 'ready' && after.me.lock, { passphrase: false, keychain: true, afterMinutes: 0 })
  for (const call of [() => anna.call('lock.now', {}), () => anna.call('lock.after', { minutes: 1 })]) {
    await assert.rejects(call(), refused('passphrase-missing'))
  }
  await anna.restart()
  assert.equal((await anna.phase()).at, 'ready')
  assert.deepEqual(anna.bugs, [])
})

test('a delivery that hangs delays locking by seconds only, and what waited for it finds nothing', async (t) => {
  const { anna, ben, conversation } = await chatting(t)
  let hung: (() => void)[] = []
  let hangs = true
  const hanging = <T>(task: () => Promise<T>): Promise<T> => hangs
    ? new Promise((resolve, reject) => { hung.push(() => { task().then(resolve, reject) }) }) : task()
  anna.through = (delivery: Delivery) => ({
    address: delivery.address, watch: (logs, wake) => delivery.watch(logs, wake), close: () => delivery.close(),
    append: (log, bytes, slot) => hanging(() => delivery.append(log, bytes, slot)),
    read: (log, after, limit) => hanging(() => delivery.read(log, after, limit)),
    slot: (log, slot) => hanging(() => delivery.slot(log, slot)),
  })
  // So does the keychain, as one does that asks the person first.
  const { remove } = anna.keychain
  Object.assign(anna.keychain, { remove: () => new Promise(() => undefined) })
  await anna.restart()
  await anna.say(conversation, 'on its way')
  const invite = await ben.invite()
  const asked = anna.call('conversation.group', { name: 'Rowing', people: [], invites: [invite] })
  const answer = assert.rejects(asked, refused('not-ready'))
  await until('something hangs', () => Promise.resolve(hung.length > 0))
  const startedAt = performance.now()
  await anna.call('lock.now', {})
  assert.ok(performance.now() - startedAt < 5_000)
  for (const key of anna.keys) assert.ok(key.every((byte) => byte === 0))
  const told = anna.changes.length
  hangs = false
  Object.assign(anna.keychain, { remove })
  for (const go of hung) go()
  hung = []
  await answer
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(anna.changes.length, told, 'what comes late is not shown')
  await anna.call('setup.unlock', { passphrase })
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('on its way'))
  assert.deepEqual((await anna.conversations()).map(({ id }) => id), [conversation])
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
})

test('while it is being locked nothing comes in, and nothing is told', async (t) => {
  const { anna, ben, conversation } = await chatting(t)
  await confirmWords(anna)
  let read: string[] = []
  const release = Promise.withResolvers<undefined>()
  const claimed = Promise.withResolvers<undefined>()
  let [isAsking, isLocking] = [false, false]
  anna.through = (delivery: Delivery) => ({
    address: delivery.address, watch: (logs, wake) => delivery.watch(logs, wake), close: () => delivery.close(),
    slot: (log, slot) => delivery.slot(log, slot),
    append: async (log, bytes, slot) => {
      // What the other device of a linking is told at the end takes its time.
      if (isLocking && log.startsWith('r.')) await release.promise
      return delivery.append(log, bytes, slot)
    },
    read: async (log, after, limit) => {
      read.push(log)
      const records = await delivery.read(log, after, limit)
      if (isAsking && log.startsWith('k.')) await claimed.promise
      return records
    },
  })
  await anna.restart()
  await anna.call('link.start', { code: '' })
  await until('a code is shown', () => Promise.resolve(anna.changes.some(({ link }) => link?.at === 'showing')))
  const invite = await ben.invite()
  isAsking = true
  // A Call that waits for the log.
  const asked = anna.call('conversation.group', { name: 'Rowing', people: [], invites: [invite] })
  isLocking = true
  const locking = anna.call('lock.now', {})
  await until('she is told', () => Promise.resolve(anna.changes.at(-1)?.phase?.at === 'locked'))
  const told = anna.changes.length
  claimed.resolve(undefined)
  await asked
  await ben.say(conversation, 'too late')
  read = []
  await until('it is sent', async () => (await ben.entries(conversation)).some((entry) =>
    entry.kind === 'message' && entry.text === 'too late' && entry.state === 'sent'))
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual(read.filter((log) => /^[him]\./.test(log)), [])
  release.resolve(undefined)
  await locking
  assert.equal(anna.changes.length, told)
  await anna.call('setup.unlock', { passphrase })
  await until('Anna reads it', async () => (await anna.texts(conversation)).includes('too late'))
  assert.deepEqual([...anna.bugs, ...ben.bugs], [])
})

test('what goes wrong while it is being locked leaves nothing open', async (t) => {
  const anna = await byHerself(t)
  await confirmWords(anna)
  anna.through = (delivery: Delivery) => {
    const append = delivery.append.bind(delivery)
    return Object.assign(delivery, { append: (log: string, bytes: Uint8Array, slot?: string) =>
      log.startsWith('r.') ? Promise.reject(new RangeError('a bug')) : append(log, bytes, slot) })
  }
  await anna.restart()
  await anna.call('link.start', { code: '' })
  await until('a code is shown', () => Promise.resolve(anna.changes.some(({ link }) => link?.at === 'showing')))
  await anna.call('lock.now', {})
  assert.equal(anna.bugs.length, 1)
  for (const key of anna.keys) assert.ok(key.every((byte) => byte === 0))
  if (process.platform === 'linux') assert.deepEqual(openFiles(anna.ownFolder), [])
  assert.deepEqual(await anna.phase(), asksPassphrase)
  await anna.call('setup.unlock', { passphrase })
  assert.equal((await anna.phase()).at, 'ready')
})

test('the keys of backups are wiped, also of one that is being opened, which is not read then', async (t) => {
  const anna = await byHerself(t)
  const begin = t.mock.method(archive, 'begin')
  mkdirSync(path.join(anna.folder, 'shelf'))
  await anna.call('backup.keep', { token: path.join(anna.folder, 'shelf'), by: 'words', key: '', rhythm: 'off' })
  const ofFolder = begin.mock.calls[0]?.arguments[1].secret
  assert.ok(ofFolder?.unwrap().some((byte) => byte !== 0))
  anna.places.chosen = path.join(anna.folder, 'anna.coppice-backup')
  const typed = (await anna.call('recovery.words', {})).join(' ')
  await anna.call('backup.export', { passphrase: '' })
  const keys: BackupKey[] = []
  const found = Promise.withResolvers<undefined>()
  const locked = Promise.withResolvers<undefined>()
  const { unlock } = archive
  t.mock.method(archive, 'unlock', async (...given: Parameters<typeof unlock>) => {
    const key = await unlock(...given)
    keys.push(key)
    found.resolve(undefined)
    await locked.promise
    return key
  })
  const read = t.mock.method(archive, 'read')
  const opening = assert.rejects(
    anna.call('restore.verify', { token: anna.places.chosen, typed }), refused('not-ready'))
  await found.promise
  await anna.call('lock.now', {})
  locked.resolve(undefined)
  await opening
  assert.equal(read.mock.callCount(), 0)
  assert.equal(keys.length, 1)
  for (const key of keys) assert.ok(key.type !== 'passphrase' && key.secret.unwrap().every((byte) => byte === 0))
  assert.ok(ofFolder?.unwrap().every((byte) => byte === 0))
  assert.deepEqual(anna.bugs, [])
})

test('nobody there: the app locks by itself, though a dialogue of the system is left open', async (t) => {
  const anna = await byHerself(t)
  const chosen = Promise.withResolvers<undefined>()
  anna.places.choose = () => chosen.promise
  const start = Date.now()
  let passedMs = 0
  anna.now = () => start + passedMs
  await anna.call('lock.after', { minutes: 1 })
  const choosing = anna.call('restore.choose', { kind: 'open' })
  passedMs = 61_000
  await until('it locks', () => Promise.resolve(anna.changes.at(-1)?.phase?.at === 'locked'))
  assert.deepEqual(await anna.phase(), asksPassphrase)
  for (const key of anna.keys) assert.ok(key.every((byte) => byte === 0))
  chosen.resolve(undefined)
  assert.equal(await choosing, undefined)
  await assert.rejects(anna.call('restore.choose', { kind: 'open' }), refused('not-ready'))
  assert.deepEqual(anna.bugs, [])
})

test('a keychain that lost the key: the words lead in, and the keychain gets it back', async (t) => {
  const { anna, conversation } = await chatting(t)
  const words = (await anna.call('recovery.words', {})).join(' ')
  await anna.call('passphrase.remove', { current: passphrase })
  anna.keychain.items.clear()
  await anna.restart()
  assert.deepEqual(await anna.phase(), { at: 'locked', need: 'words', words: true, hint: 'keychain-lost' })
  await assert.rejects(anna.call('setup.create', { name: 'Eve', passphrase: '' }), refused('profile-busy'))
  await assert.rejects(anna.call('setup.unlock', { passphrase: '' }), refused('keychain-lost'))
  await anna.call('setup.recover', { words, passphrase: '' })
  assert.deepEqual(await anna.texts(conversation), ['before', 'I am here'])
  await anna.restart()
  assert.equal((await anna.phase()).at, 'ready')
  assert.deepEqual(anna.bugs, [])
})

test('a set-up that ended before the account was stored is begun again, with the passphrase given then', async (t) => {
  const { all: [ben], end } = await people(['Ben'])
  const anna = new Guarded('Anna', ben.folder)
  t.after(async () => {
    await anna.stop()
    await end()
  })
  anna.options = { keychain: undefined, openStore: (options) => {
    const store = openStore(options)
    return Object.assign(store, { commit: () => { throw new PortError('store-full') } })
  } }
  await anna.start()
  await assert.rejects(anna.call('setup.create', { name: 'Anna', passphrase }), refused('store-full'))
  anna.options = { keychain: undefined }
  await anna.restart()
  assert.deepEqual(await anna.phase(), { at: 'locked', need: 'passphrase', words: false })
  await anna.call('setup.unlock', { passphrase })
  assert.deepEqual(await anna.phase(), { at: 'new', keychain: 'absent' })
  assert.deepEqual(anna.changes.at(-1)?.phase, { at: 'new', keychain: 'absent' })
  await anna.call('setup.create', { name: 'Anna', passphrase: 'another passphrase' })
  await anna.restart()
  await assert.rejects(anna.call('setup.unlock', { passphrase }), refused('passphrase-wrong'))
  await anna.call('setup.unlock', { passphrase: 'another passphrase' })
  assert.equal((await anna.phase()).at, 'ready')
  assert.deepEqual(anna.bugs, [])
})

/** Where in a process's memory any of these stands. */
function placesInMemory(processId: number, ...wanted: readonly Buffer[]): readonly string[] {
  const memory = openSync(`/proc/${processId}/mem`, 'r')
  return readFileSync(`/proc/${processId}/maps`, 'utf8').split('\n').flatMap((line) => {
    const [, from = '', to = '', name = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw\S* \S+ \S+ \S+ *(.*)$/.exec(line) ?? []
    const size = Number(BigInt(`0x${to || '0'}`) - BigInt(`0x${from || '0'}`))
    if (size === 0 || size > 2 ** 30) return []
    const content = Buffer.alloc(size)
    try {
      readSync(memory, content, { length: size, position: BigInt(`0x${from}`) })
    } catch {
      return [] // A mapping of a device, or one that is gone.
    }
    return wanted.some((bytes) => content.includes(bytes)) ? [name || from] : []
  })
}

/** What the passphrase gives, which opens the slot that holds the key. */
async function wrappingKeyIn(folder: string): Promise<Buffer> {
  const { slots } = JSON.parse(await readFile(path.join(folder, 'slots.json'), 'utf8')) as {
    readonly slots: readonly { readonly type: string, readonly salt: string, readonly memoryKiB: number, readonly passes: number }[]
  }
  const slot = slots.find(({ type }) => type === 'passphrase')
  assert.ok(slot !== undefined)
  return argon2Sync('argon2id', {
    message: passphrase, nonce: Buffer.from(slot.salt, 'hex'), memory: slot.memoryKiB, passes: slot.passes, parallelism: 1, tagLength: 32,
  })
}

test('after locking, the whole memory of the process holds no copy of the key, nor of what opens its slot', async (t) => {
  if (process.platform !== 'linux') {
    t.skip('a process is looked into on Linux only')
    return
  }
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'locker.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => { child.kill('SIGKILL') })
  const line = async (): Promise<string> => String((await once(child.stdout, 'data') as unknown[])[0]).trim()
  const [hex = '', folder = ''] = (await line()).split(' ')
  const key = Buffer.from(hex, 'hex')
  assert.equal(key.length, 32)
  const wrapping = await wrappingKeyIn(folder)
  let places: readonly string[]
  try {
    places = placesInMemory(child.pid ?? 0, key)
  } catch (error) {
    process.stderr.write(`\n*** SKIPPED: the memory of a process may not be read here: ${String(error)} ***\n\n`)
    t.skip('may not look into a process')
    return
  }
  assert.ok(places.length > 0, 'while the app is open the key is in memory, and is found there')
  child.stdin.write('lock\n')
  assert.equal(await line(), 'locked')
  assert.deepEqual(placesInMemory(child.pid ?? 0, key, wrapping), [])
})
