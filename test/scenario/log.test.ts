/**
 * The logs of a run of two people, and the report, hold nothing of what was said, by whom, under which keys, or where on
 * the disk: everything that either of them ever stored is looked for, in every way that it could be written.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { isLine } from '../../main/events.ts'
import { logFiles, openLog } from '../../main/log/log.ts'
import { PortError, type Delivery, type Store } from '../../main/ports.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { Guarded, passphrase } from './guarded.ts'
import { until } from './world.ts'

const source = path.resolve(import.meta.dirname, '..', '..', 'main')
const windowBytes = 12

/** Everything that must not be in a log, by how it could be written. */
class Secrets {
  readonly #windows = new Set<string>()
  readonly #words = new Set<string>()
  blobs = 0

  /** Names, texts, identifiers, paths. */
  word(...words: readonly string[]): void {
    for (const word of words) {
      this.#words.add(word.toLowerCase())
      // As short as an alias is.
      if (/^[0-9a-f]{16,}$/.test(word)) this.#words.add(word.slice(0, 8))
    }
  }

  /** Keys and all other bytes: any twelve of them in a row, as hexadecimal, base64 or bytes. */
  bytes(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes)
    this.blobs += 1
    for (const id of buffer.toString('latin1').match(/[0-9a-f]{16,}/g) ?? []) this.word(id.slice(0, 16))
    for (let at = 0; at + windowBytes <= buffer.length; at++) {
      const part = buffer.subarray(at, at + windowBytes)
      // Plain words of a document are in the log's vocabulary too; what people wrote is looked for as words.
      if (part.every((octet) => octet === 0 || (octet >= 0x20 && octet < 0x7f))) continue
      this.#windows.add(part.toString('hex'))
      this.#windows.add(part.toString('base64'))
      this.#windows.add(part.toString('latin1'))
    }
  }

  /** What of it stands in a text. */
  in(text: Buffer): readonly string[] {
    const plain = text.toString('latin1')
    const lower = text.toString('utf8').toLowerCase()
    const found = [...this.#words].filter((word) => lower.includes(word))
    for (const length of [windowBytes, windowBytes * 4 / 3, windowBytes * 2]) {
      for (let at = 0; at + length <= plain.length; at++) {
        const part = plain.slice(at, at + length)
        if (this.#windows.has(part) || this.#windows.has(part.toLowerCase())) found.push(part)
      }
    }
    return found
  }
}

/** The same store, which also hands over everything that is ever written. */
function watched(store: Store, secrets: Secrets): Store {
  const commit = store.commit.bind(store)
  store.commit = (write) => {
    for (const { key, bytes } of write.documents ?? []) {
      if (key.length >= 16) secrets.word(key.slice(0, 16))
      if (bytes !== undefined) secrets.bytes(bytes)
    }
    for (const { group, parts } of write.groups ?? []) {
      secrets.word(group)
      if (parts === undefined) continue
      if (parts.head !== undefined) secrets.bytes(parts.head)
      for (const [, bytes] of [...parts.nodes, ...parts.ratchets]) if (bytes !== undefined) secrets.bytes(bytes)
    }
    for (const { id, conversation } of write.entries ?? []) secrets.word(id, conversation)
    for (const { log } of write.cursors ?? []) secrets.word(log)
    commit(write)
  }
  return store
}

/** A delivery that can be away, and that can fail as a bad library would: with all it knows in the message. */
class Moody {
  mood: 'well' | 'away' | 'babbling' = 'well'
  readonly #secrets: () => string

  constructor(secrets: () => string) {
    this.#secrets = secrets
  }

  readonly through = (delivery: Delivery): Delivery => {
    const read = delivery.read.bind(delivery)
    delivery.read = async (log, after, limit) => {
      if (this.mood === 'away') throw new PortError('delivery-unreachable', this.#secrets())
      if (this.mood === 'babbling') throw new TypeError(`${this.#secrets()}\n    at ${log} (${source}/app.ts:1:1)`)
      return read(log, after, limit)
    }
    return delivery
  }
}

function logged(person: Guarded, secrets: Secrets): Guarded {
  person.logIn = (folder) => openLog({ folder, source, version: '1.2.3', native: [], portable: [], now: () => Date.now() })
  person.options = {
    openStore: (options) => {
      secrets.bytes(options.key)
      return watched(openStore(options), secrets)
    },
  }
  return person
}

const names = { anna: 'Annegret Ødegård', ben: 'Benedikt von Rabenau', group: 'Zitronenfalter' }
const texts = ['the cellar key hangs behind the clock', 'bring 40 lilies to Ötztal', 'nobody knows but us']

/** Anna and Ben meet, talk, make a group, rename it, lock, are cut off, and meet a bug. */
async function run(t: TestContext, secrets: Secrets) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coppice-logged-'))
  const anna = logged(new Guarded(names.anna, folder), secrets)
  const ben = logged(new Guarded(names.ben, folder), secrets)
  t.after(async () => {
    await anna.stop()
    await ben.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  secrets.word(...Object.values(names), 'annegret', 'rabenau', ...texts, 'lilies', passphrase, folder, os.hostname())
  const moody = new Moody(() => [...texts, ...Object.values(names), passphrase, folder, anna.file].join(' '))
  ben.through = moody.through
  await anna.begin(passphrase)
  await ben.begin(passphrase)
  secrets.word(...await anna.call('recovery.words', {}).then((words) => [words.join(' ')]))
  const invite = await ben.invite()
  secrets.word(invite)
  const { conversation } = await anna.call('conversation.direct', { invite })
  await ben.accept()
  for (const text of texts) await anna.say(conversation, text)
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes(texts.at(-1) ?? ''))
  const known = (await anna.call('people.known', {})).map(({ accountId }) => accountId)
  secrets.word(...known)
  const group = (await anna.call('conversation.group', { name: names.group, people: known, invites: [] })).conversation
  await ben.accept()
  await ben.say(group, texts[0] ?? '')
  await until('Anna reads it', async () => (await anna.texts(group)).length === 1)

  moody.mood = 'away'
  await anna.say(conversation, `${texts[0]} again`)
  await until('Ben hears nothing', async () => ben.changes.some(({ notice }) => notice?.code === 'delivery-unreachable'))
  moody.mood = 'well'
  await until('Ben reads it', async () => (await ben.texts(conversation)).length === texts.length + 1)
  moody.mood = 'babbling'
  await anna.say(conversation, texts[1] ?? '')
  await until('the bug is met', async () => ben.bugs.length > 0)
  moody.mood = 'well'
  await anna.call('lock.now', {})
  await anna.call('setup.unlock', { passphrase })
  return { anna, ben }
}

const logsOf = ({ ownFolder }: Guarded): Buffer => Buffer.concat(logFiles.map((name) => {
  try {
    return readFileSync(path.join(ownFolder, name))
  } catch {
    return Buffer.alloc(0)
  }
}))

const eventsIn = (log: Buffer): ReadonlySet<string> => new Set(log.toString().split('\n').filter((line) => line !== '')
  .map((line) => (JSON.parse(line) as { readonly event: string }).event))

test('of two people who meet, talk, lock and meet a bug, their logs and reports tell nothing but what happened', async (t) => {
  const secrets = new Secrets()
  const { anna, ben } = await run(t, secrets)
  const reports = [await anna.call('app.report', {}), await ben.call('app.report', {})]
  await anna.stop()
  await ben.stop()
  const logs = [logsOf(anna), logsOf(ben)]

  assert.ok(secrets.blobs > 100, `only ${secrets.blobs} values were stored`)
  const [ofAnna, ofBen] = logs.map(eventsIn)
  for (const event of ['started', 'opened', 'commit-made', 'commit-won', 'read', 'locked', 'quit']) {
    assert.ok(ofAnna?.has(event), `Anna's log has no ${event}`)
  }
  for (const event of ['delivery-away', 'delivery-back', 'bug']) assert.ok(ofBen?.has(event), `Ben's log has no ${event}`)
  for (const events of [ofAnna, ofBen]) assert.ok(!events?.has('missing'), 'a note had no kind in the table')
  const bug = logs[1]?.toString().split('\n').find((line) => line.includes('"bug"')) ?? ''
  assert.match(bug, /"of":"TypeError","place":\[.*main\/app\/sync\.ts:\d+/)

  for (const { lines } of reports) {
    assert.match(lines[0] ?? '', /"event":"report","version":"1\.2\.3".*"open":true,"conversations":2,/)
    assert.ok(lines.length > 10 && lines.every(isLine))
  }
  for (const text of [...logs, ...reports.map(({ lines }) => Buffer.from(lines.join('\n')))]) {
    assert.deepEqual(secrets.in(text), [])
  }

  // The search itself: what is put into a log is found, however it is written.
  const [log] = logs
  const key = Buffer.from('00ff10ee20dd30cc40bb50aa60996a88', 'hex')
  secrets.bytes(key)
  for (const written of [texts[1]?.toUpperCase(), key.toString('hex'), key.toString('hex').toUpperCase(),
    key.toString('base64'), key.subarray(1).toString('base64'), key.subarray(2).toString('base64'), anna.ownFolder]) {
    assert.notDeepEqual(secrets.in(Buffer.concat([log ?? Buffer.alloc(0), Buffer.from(written ?? '')])), [], written)
  }
  assert.notDeepEqual(secrets.in(Buffer.concat([Buffer.from('{"'), key])), [])
})
