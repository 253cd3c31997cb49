import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { partsOf, type BackupPart } from '../../main/app/backup-parts.ts'
import { StoreKeeper } from '../../main/app/keepers.ts'
import { keyTyped } from '../../main/app/opened-backup.ts'
import { Taking } from '../../main/app/take-backup.ts'
import { identityOf } from '../../main/archive/age.ts'
import { archive } from '../../main/archive/archive.ts'
import { backupVersion } from '../../main/archive/manifest.ts'
import type { BackupEntry } from '../../main/chat/backup.ts'
import { deriveRecovery, seedOf } from '../../main/identity/recovery.ts'
import { PortError, type BackupKey, type Place } from '../../main/ports.ts'
import { openScratch } from '../../main/sqlite/scratch.ts'
import { ended } from '../scenario/backups.ts'
import { people, Person, Refused } from '../scenario/world.ts'
import {
  account, attachment, attachmentHash, contacts, conversations, entries, fixture, fixturesFolder, madeAt, passphrase, words,
} from './fixture.ts'
import { placeIn, product, quiet, verified } from './samples.ts'

// Every version of the format that was released still opens, and holds what it held; one to come is refused as such.

const names = readdirSync(fixturesFolder)
const released = names.filter((name) => name.startsWith('v'))
/** What was worked out once opens it again: a passphrase takes a second. */
const keys = new Map<string, Promise<BackupKey>>()
function keyOf(place: Place, typed: string): Promise<BackupKey> {
  const known = keys.get(place.path) ?? keyTyped({ archive, suiteOf: () => product }, place, typed)
  keys.set(place.path, known)
  return known
}
const typedFor = async (place: Place): Promise<string> => await archive.look(place) === 'words' ? words : passphrase

const identity = (): string => {
  const entered = seedOf(words)
  return entered.type === 'seed' ? identityOf(deriveRecovery(product, entered.seed, 'backup')) : assert.fail()
}

/** Every byte of it, by name. */
const hashes = (): Readonly<Record<string, string>> => Object.fromEntries(
  readdirSync(fixturesFolder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).map((one) => {
    const file = path.join(one.parentPath, one.name)
    return [path.relative(fixturesFolder, file), createHash('sha256').update(readFileSync(file)).digest('hex')]
  }))

/** All parts, the attachment's bytes among them; entries by conversation and place, whichever file of a folder has them. */
async function partsIn(place: Place, typed: string): Promise<readonly unknown[]> {
  const parts: { readonly rank: string, readonly part: unknown }[] = []
  for await (const part of partsOf(archive.read(place, await keyOf(place, typed), quiet))) {
    const rank = part.type === 'entries' ? `${part.conversation} ${String(part.segment)}` : part.type === 'file' ? 'z' : ''
    parts.push({ rank, part: await whole(part) })
  }
  return parts.sort((a, b) => a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0).map(({ part }) => part)
}

async function whole(part: BackupPart): Promise<unknown> {
  if (part.type !== 'file') return part
  const pieces: Uint8Array[] = []
  for await (const piece of part.bytes) pieces.push(piece)
  return { ...part, bytes: Buffer.concat(pieces) }
}

const segment = (name: string, number: number, from: number, to: number) =>
  ({ type: 'entries', conversation: name, segment: number, entries: entries.slice(from, to) })

test('there are fixtures of the version that is written now, of each shape', () => {
  assert.deepEqual(released.filter((name) => name.startsWith(`v${backupVersion}-`)).sort(),
    ['folder', 'passphrase.coppice-backup', 'words.coppice-backup'].map((shape) => `v${backupVersion}-${shape}`))
  assert.equal(createHash('sha256').update(attachment).digest('hex'), attachmentHash)
})

for (const name of released) describe(name, () => {
  const place = fixture(name)

  test('says to the letter what it said', async () => {
    const [direct = '', group = ''] = conversations.map(({ id }) => id)
    assert.deepEqual(await partsIn(place, await typedFor(place)), [
      { type: 'about', madeAt }, { type: 'account', account }, { type: 'contacts', contacts },
      { type: 'conversations', conversations },
      segment(direct, 0, 0, 3), segment(group, 0, 3, 5), segment(group, 1, 5, 7),
      { type: 'file', hash: attachmentHash, size: attachment.length, bytes: attachment },
    ])
  })

  test('is whole, and goes into a store as it was', async (t) => {
    const key = await keyOf(place, await typedFor(place))
    const checked = await verified(place, key)
    assert.deepEqual(checked.holds, {
      madeAt, accountId: account.accountId, name: 'Anna', people: 2, conversations: 2, messages: 3,
      from: madeAt - 100_000 + 2, to: madeAt - 100_000 + 1_001, files: 1, missingFiles: 1,
    })
    const { store, discard } = openScratch(placeIn(t).folder)
    t.after(discard)
    const bases = new Map<string, number>()
    const keeper = new StoreKeeper(store, () => madeAt)
    const taking = new Taking({ keeper, checked, bases: { get: (id) => bases.get(id), set: (id, base) => { bases.set(id, base); return [] } } })
    for await (const part of partsOf(archive.read(place, key, quiet))) await taking.take(part)
    const stored = conversations.flatMap(({ id }) => store.entriesBefore(id, 0, 100))
    const said = (one: { readonly kind: string, readonly id: string }) => 'text' in one ? [one.id, one.kind, one.text] : [one.id, one.kind]
    assert.deepEqual(stored.map(said), entries.map((one: BackupEntry) => said(one)))
    assert.equal(store.attachment(attachmentHash)?.size, attachment.length)
  })

  test('is printed by the reader of one file', async () => {
    const reader = path.resolve(import.meta.dirname, '../../docs/read-backup.mjs')
    const typed = await archive.look(place) === 'words' ? identity() : passphrase
    const printed = execFileSync(process.execPath, [reader, place.path], { input: `${typed}\n`, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
    assert.equal(printed.replace(/^\S+ \S+(?= {2})/gm, 'then'), `
# Ben 🦦
then  Anna: the gate code has changed
then  Ben 🦦: thank you ☕ [plan.pdf: files/${attachmentHash}] [never fetched.png: files/${'9c'.repeat(32)}]

# River
then  Cleo: who waters the oak?
`)
  })
})

test('docs/backup-format.md says how the words become the identity', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/backup-format.md'), 'utf8')
  const [, sample = ''] = /```js\n([^`]*)```/.exec(page) ?? []
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', sample], { input: words, encoding: 'utf8' })
  assert.equal(told.trim(), identity())
})

test('the earlier one of the two backups in the folder is there as well', async () => {
  const place = fixture(`v${backupVersion}-folder`)
  const [newest, earlier] = await archive.list(place)
  assert.deepEqual([newest?.madeAt, earlier?.madeAt], [madeAt, madeAt - 86_400_000])
  const texts: string[] = []
  for await (const part of partsOf(archive.read(place, await keyOf(place, words), { ...quiet, backup: earlier?.backup ?? '' }))) {
    if (part.type === 'entries') texts.push(...part.entries.flatMap((one) => one.kind === 'message' ? [one.text] : []))
  }
  assert.deepEqual(texts, ['the gate code has changed', 'who waters the oak?'])
})

const newer = names.filter((name) => name.startsWith('newer'))

describe('a newer version is refused with a clear word', () => {
  test('in a file and in a folder, by whoever reads it', async () => {
    assert.deepEqual(newer.sort(), ['newer-folder', 'newer.coppice-backup'])
    for (const name of newer) {
      const place = fixture(name)
      await assert.rejects(verified(place, await keyOf(place, passphrase)),
        (error) => error instanceof PortError && error.code === 'backup-newer' && error.detail === String(backupVersion + 1), name)
    }
  })

  test('by the app: to check, to try out, to take in, and on a new computer, where nothing is made', async (t) => {
    const before = hashes()
    const { all: [mara], end } = await people(['Mara'])
    t.after(end)
    const anew = new Person('anew', mara.folder)
    await anew.start()
    t.after(() => anew.stop())
    for (const { path: token } of newer.map(fixture)) {
      for (const call of ['restore.verify', 'restore.rehearse', 'restore.start'] as const) {
        await mara.call(call, { token, typed: passphrase })
        assert.deepEqual(await ended(mara), { at: 'failed', code: 'backup-newer', detail: '2' })
      }
      await assert.rejects(anew.call('setup.restoreBackup', { token, typed: passphrase, words, name: 'here', passphrase: '' }),
        (error) => error instanceof Refused && error.code === 'backup-newer')
      assert.equal((await anew.call('app.open', {})).phase.at, 'new')
    }
    assert.deepEqual(hashes(), before)
  })

  test('by the command line, and by the reader of one file', () => {
    const run = (...args: readonly string[]) => spawnSync(process.execPath, [...args], { input: `${passphrase}\n`, encoding: 'utf8' })
    const [cli, reader] = ['../cli/backup.ts', '../../docs/read-backup.mjs'].map((file) => path.resolve(import.meta.dirname, file))
    for (const { path: place } of newer.map(fixture)) {
      const asked = run(cli ?? '', 'verify', place)
      assert.equal(asked.status, 1)
      assert.match(asked.stderr, /refused: backup-newer: this backup was made by a newer Coppice; update this one/)
      const read = run(reader ?? '', place)
      assert.deepEqual([read.status, read.stdout], [1, ''])
      assert.match(read.stderr, /made by a newer Coppice \(format 2\)/)
    }
  })
})
