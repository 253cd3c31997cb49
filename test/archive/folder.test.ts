import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { archive } from '../../main/archive/archive.ts'
import { tarred, wholeOf, writeSealed } from '../../main/archive/file.ts'
import { readManifest } from '../../main/archive/folder.ts'
import { keptOf } from '../../main/archive/prune.ts'
import { tarEnd, tarHeader } from '../../main/archive/tar.ts'
import { Secret } from '../../main/mls/index.ts'
import { PortError, type BackupFile, type FolderContent, type Place } from '../../main/ports.ts'
import type { ErrorCode } from '../../preload/api.ts'

const dayMs = 24 * 60 * 60 * 1000
const start = Date.parse('2026-03-02T10:00:00Z')
const words = { type: 'words', secret: new Secret(new Uint8Array(32).fill(5)) } as const
const passphrase = { type: 'passphrase', passphrase: 'correct horse' } as const
const secret = new Secret(new Uint8Array(32).fill(9))
const writers = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'] as const
const work = { cancelled: () => false, progress: () => undefined }

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
const file = (name: string, text: string): BackupFile =>
  ({ name, size: Buffer.byteLength(text), bytes: [Buffer.from(text)] })

/** What a device has: by name the lines of each segment and what they name; the attachments. */
type Device = { readonly writer: string, readonly entries: Map<string, string>, readonly attachments: Set<string> }
const device = (writer: string = writers[0]): Device => ({ writer, entries: new Map(), attachments: new Set() })
const named = (text: string): readonly string[] =>
  [...new Set([...text.matchAll(/<(.*?)>/g)].map(([, name = '']) => hashOf(name)))]

function contentOf(of: Device, more: Partial<FolderContent> = {}): FolderContent & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    ...work, writer: of.writer, madeAt: start, asked,
    lists: [file('about.json', JSON.stringify({ format: 'coppice-backup', version: 1, madeAt: start })), file('account.jsonl', '{}\n')],
    entries: [...of.entries].sort().map(([name, text]) => ({ name, stamp: hashOf(text).slice(0, 16), size: text.length })),
    entry: (name) => {
      asked.push(name)
      const text = of.entries.get(name) ?? ''
      return Promise.resolve({ bytes: Buffer.from(text), files: named(text) })
    },
    attachment: (hash) => {
      const text = [...of.attachments].find((one) => hashOf(one) === hash)
      return text === undefined ? undefined : { size: text.length, bytes: [Buffer.from(text)] }
    },
    ...more,
  }
}

async function folderFor(t: TestContext): Promise<Place> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-folder-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  const place = { token: 'folder', path: folder }
  await archive.begin(place, { secret, seal: { type: 'recipient', recipient: await archive.recipientOf(words.secret) } })
  return place
}

/** A folder with one backup: two parts of entries, two attachments. */
async function twoTrees(t: TestContext): Promise<{ readonly place: Place, readonly mine: ReturnType<typeof device> }> {
  const place = await folderFor(t)
  const mine = device()
  mine.entries.set('entries/a/0', 'first <oak>').set('entries/b/0', 'second <elm>')
  for (const tree of ['oak', 'elm']) mine.attachments.add(tree)
  await archive.add(place, secret, contentOf(mine))
  return { place, mine }
}

async function read(place: Place, backup?: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {}
  for await (const one of archive.read(place, words, { ...work, ...backup === undefined ? {} : { backup } })) {
    found[one.name] = Buffer.from(await wholeOf(one)).toString()
  }
  delete found['about.json']
  delete found['account.jsonl']
  return found
}

const holds = (of: Device): Readonly<Record<string, string>> => Object.fromEntries([
  ...of.entries, ...[...of.attachments].map((text) => [`files/${hashOf(text)}`, text] as const),
])
const refused = (work_: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(work_, (error) => error instanceof PortError && error.code === code, code)
const everything = ({ path: folder }: Place): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
    .map((one) => path.relative(folder, path.join(one.parentPath, one.name))).sort()
const agedBy = (place: Place, days: number): void => {
  for (const name of everything(place)) utimesSync(path.join(place.path, name), new Date(), new Date(Date.now() - days * dayMs))
}

test('A folder is opened by the seal it was begun with, which can be replaced; its secret stays', async (t) => {
  const place = await folderFor(t)
  await archive.begin(place, { secret, seal: passphrase })
  assert.equal(await archive.look(place), 'passphrase')
  assert.deepEqual((await archive.join(place, passphrase)).unwrap(), secret.unwrap())
  await refused(archive.join(place, words), 'backup-key')
  await archive.begin(place, { secret, seal: { type: 'recipient', recipient: await archive.recipientOf(words.secret) } })
  assert.equal(await archive.look(place), 'words')
  assert.deepEqual((await archive.join(place, words)).unwrap(), secret.unwrap())
  await refused(archive.join(place, passphrase), 'backup-key')
  for (const name of everything(place)) assert.equal(statSync(path.join(place.path, name)).mode & 0o777, 0o600, name)
  const others = mkdtempSync(path.join(tmpdir(), 'coppice-folder-'))
  t.after(() => { rmSync(others, { recursive: true }) })
  assert.equal(await archive.look({ token: '', path: others }), 'nothing')
  writeFileSync(path.join(others, 'my thesis.txt'), 'x')
  await archive.begin({ token: '', path: others }, { secret, seal: { type: 'recipient', recipient: await archive.recipientOf(words.secret) } })
  assert.deepEqual(readdirSync(others).sort(), ['Coppice backups', 'my thesis.txt'])
  assert.equal(statSync(path.join(others, 'Coppice backups')).mode & 0o777, 0o700)
  assert.equal(await archive.look({ token: '', path: others }), 'words')
})

test('The second backup writes only what is new, and both are read as they were', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  mine.entries.set('entries/a/0', 'first <oak>'.repeat(2_000)).set('entries/b/0', 'other')
  mine.attachments.add('oak')
  const first = contentOf(mine)
  const { bytes, total } = await archive.add(place, secret, first)
  assert.deepEqual(first.asked, ['entries/a/0', 'entries/b/0'])
  assert.ok(bytes > 22_000 && total > bytes / 2)
  const before = holds(mine)
  assert.deepEqual(await read(place), before)
  const stored = everything(place)
  for (const name of stored) assert.equal(statSync(path.join(place.path, name)).mode & 0o777, 0o600, name)
  for (const name of ['backups', 'entries', 'blobs']) assert.equal(statSync(path.join(place.path, name)).mode & 0o777, 0o700, name)

  mine.entries.set('entries/b/0', 'other and more <elm> <birch>').set('entries/c/0', '')
  mine.attachments.add('elm')
  const second = contentOf(mine, { madeAt: start + dayMs })
  const more = await archive.add(place, secret, second)
  assert.deepEqual(second.asked, ['entries/b/0', 'entries/c/0'])
  assert.ok(more.bytes < 15_000, String(more.bytes))
  assert.deepEqual(await read(place), holds(mine), 'what is not here is not in it')
  assert.equal(everything(place).length, stored.length + 3, 'entries, a blob, a backup')
  const [latest, earlier] = await archive.list(place)
  assert.deepEqual([latest?.madeAt, earlier?.madeAt], [start + dayMs, start])
  assert.deepEqual(await read(place, earlier?.backup), before)
  const none = contentOf(mine)
  await archive.add(place, secret, none)
  assert.deepEqual(none.asked, [])
  assert.deepEqual(await read(place), holds(mine))
})

test('No name in the folder tells which attachments there are', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  mine.entries.set('entries/a/0', '<oak>')
  mine.attachments.add('oak')
  await archive.add(place, secret, contentOf(mine))
  assert.equal(everything(place).filter((name) => name.startsWith('blobs/')).length, 1)
  assert.equal(everything(place).some((name) => name.includes(hashOf('oak'))), false)
})

test('Cancelled or failing at any step, everything that was there is read as before, and the next one goes through', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  mine.entries.set('entries/a/0', 'first <oak>')
  mine.attachments.add('oak')
  await archive.add(place, secret, contentOf(mine))
  const before = holds(mine)
  mine.entries.set('entries/b/0', 'second <elm>').set('entries/c/0', 'third <ash>')
  for (const tree of ['elm', 'ash']) mine.attachments.add(tree)
  for (let stop = 0, ended = false; !ended; stop += 1) {
    let asked = 0
    ended = await archive.add(place, secret, contentOf(mine, { cancelled: () => (asked += 1) > stop })).then(() => true, (error: unknown) => {
      assert.ok(error instanceof PortError && error.code === 'backup-cancelled')
      return false
    })
    assert.equal(everything(place).some((name) => name.endsWith('.part')), false)
    assert.deepEqual(await read(place), ended ? holds(mine) : before, `stopped at ${String(stop)}`)
    assert.ok(stop < 100)
  }
  await refused(archive.add(place, secret, contentOf(mine, { entries: [{ name: 'entries/d/0', stamp: 'x', size: 2 ** 60 }] })), 'backup-space')
  const large = { size: 2 ** 60, bytes: [Buffer.from('x')] }
  mine.entries.set('entries/e/0', '<yew>')
  await refused(archive.add(place, secret, contentOf(mine, { attachment: () => large })), 'backup-space')
  const gone = (async function* () {
    yield await Promise.resolve(Buffer.from('o'))
    throw new PortError('backup-changed')
  })()
  await archive.add(place, secret, contentOf(mine, { attachment: () => ({ size: 3, bytes: gone }) }))
  assert.deepEqual(await read(place), { ...holds(mine) }, 'what was deleted meanwhile is left out')
})

test('What somebody took out of a folder, or cut off, the next backup writes again', async (t) => {
  const { place, mine } = await twoTrees(t)
  const inFolder = (folder: string): readonly string[] =>
    readdirSync(path.join(place.path, folder)).map((name) => path.join(place.path, folder, name))
  const [entries = ''] = inFolder('entries')
  const [one = '', two = ''] = inFolder('blobs')
  rmSync(entries)
  rmSync(one)
  truncateSync(two, 2)
  await refused(read(place), 'backup-malformed')
  await archive.add(place, secret, contentOf(mine))
  assert.deepEqual(await read(place), holds(mine))
})

test('Many small files of entries become one, so that a folder of years is read in a moment', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  for (let day = 0; day < 62; day += 1) {
    mine.entries.set(`entries/${String(day).padStart(2, '0')}/0`, 'a word')
    const content = contentOf(mine)
    await archive.add(place, secret, content)
    // The last one takes up the others.
    assert.equal(content.asked.length, day < 61 ? 1 : 62, String(day))
  }
  assert.deepEqual(await read(place), holds(mine))
})

test('What a writer that was killed has left is cleared away, and never mistaken for a backup', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  mine.entries.set('entries/a/0', 'first')
  await archive.add(place, secret, contentOf(mine))
  const inFolder = (...names: readonly string[]): string => path.join(place.path, ...names)
  const [backup = ''] = readdirSync(inFolder('backups'))
  // As if it had been killed while the manifest was written, and after entries of a backup that never came.
  writeFileSync(inFolder('backups', `${backup.replace('000001', '000002')}.${mine.writer}.part`), 'half')
  writeFileSync(inFolder('blobs', `x.${writers[1]}.part`), 'half')
  copyFileSync(inFolder('entries', readdirSync(inFolder('entries'))[0] ?? ''), inFolder('entries', `000002-${mine.writer}-0000.tar.age`))
  assert.deepEqual(await read(place), holds(mine))
  mine.entries.set('entries/b/0', 'second')
  await archive.add(place, secret, contentOf(mine))
  assert.deepEqual(await read(place), holds(mine))
  // What was left under that name is gone: it holds the entries that are new.
  assert.deepEqual(readdirSync(inFolder('entries')).sort(), ['000001', '000002'].map((n) => `${n}-${mine.writer}-0000.tar.age`))
  assert.ok(readdirSync(inFolder('backups')).some((name) => name.startsWith('000002')))
  assert.equal(readdirSync(inFolder('backups')).some((name) => name.endsWith('.part')), false)
  assert.ok(readdirSync(inFolder('blobs')).includes(`x.${writers[1]}.part`), 'another device may still be at it')
})

test('Two devices share a folder: attachments once, and neither takes anything from the other', async (t) => {
  const place = await folderFor(t)
  const [one, two] = [device(writers[0]), device(writers[1])]
  for (const each of [one, two]) {
    each.entries.set('entries/a/0', `${each.writer} <oak>`)
    each.attachments.add('oak')
  }
  await Promise.all([archive.add(place, secret, contentOf(one)), archive.add(place, secret, contentOf(two))])
  const found = await archive.list(place)
  assert.equal(found.length, 2)
  for (const each of [one, two]) {
    assert.deepEqual(await read(place, found.find(({ writer }) => writer === each.writer)?.backup), holds(each))
  }
  assert.equal(readdirSync(path.join(place.path, 'blobs')).length, 1)
  // One has nothing more; what it drops is still needed by the other.
  one.entries.set('entries/a/0', 'nothing')
  one.attachments.clear()
  for (let day = 1; day <= 40; day += 7) {
    await archive.add(place, secret, contentOf(one, { madeAt: start + day * dayMs }))
    agedBy(place, 10)
    await archive.prune(place, secret, Date.now())
  }
  const left = (await archive.list(place)).find(({ writer }) => writer === two.writer)
  assert.deepEqual(await read(place, left?.backup), holds(two))
  // While one is pruning, the other takes up again what nothing needed.
  two.entries.set('entries/a/0', 'nothing')
  for (let at = 0; at < 12; at += 1) {
    const other = device(writers[1])
    other.entries.set('entries/z/0', '<yew>')
    other.attachments.add('yew')
    if (at % 2 === 1) other.entries.clear()
    agedBy(place, 10)
    const added = archive.add(place, secret, contentOf(other, { madeAt: start + at * dayMs }))
    const pruned = archive.prune(place, secret, Date.now())
    const isThere = await added.then(() => true, (error: unknown) => {
      assert.ok(error instanceof PortError && error.code === 'backup-place')
      return false
    })
    await pruned
    const [newest] = await archive.list(place)
    if (isThere) assert.deepEqual(await read(place, newest?.backup), holds({ ...other, attachments: new Set(at % 2 === 1 ? [] : ['yew']) }))
  }
})

test('What a backup takes up again is not pruned meanwhile; where a part of it is gone at its end, it is no backup', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  mine.entries.set('entries/a/0', '<oak> <elm> <ash>')
  for (const tree of ['ash', 'elm']) mine.attachments.add(tree)
  await archive.add(place, secret, contentOf(mine))
  const inFolder = (folder: string): readonly string[] =>
    readdirSync(path.join(place.path, folder)).map((name) => path.join(place.path, folder, name))
  // Nothing needs them any more, and for a long time.
  for (const name of [...inFolder('backups'), ...inFolder('entries')]) rmSync(name)
  agedBy(place, 10)
  const { attachment } = contentOf(mine)
  /** Something happens between the blobs and the end. */
  const meanwhile = (tree: string, work_: () => Promise<void> | void): FolderContent => contentOf(mine, {
    madeAt: Date.now(),
    attachment: (hash) => hash !== hashOf(tree) ? attachment(hash)
      : { size: tree.length, bytes: (async function* () { await work_(); yield Buffer.from(tree) })() },
  })
  assert.deepEqual(['ash', 'elm', 'oak'].map(hashOf).sort(), ['ash', 'elm', 'oak'].map(hashOf), 'the oak comes last')
  await archive.add(place, secret, meanwhile('oak', () => archive.prune(place, secret, Date.now())))
  mine.attachments.add('oak')
  assert.deepEqual(await read(place), holds(mine))
  const [whole] = await archive.list(place)
  mine.entries.set('entries/b/0', '<fir>')
  await refused(archive.add(place, secret, meanwhile('fir', () => { for (const name of inFolder('entries')) rmSync(name) })), 'backup-place')
  assert.deepEqual(await archive.list(place), [whole])
})

test('A backup that comes while others are pruned gets back what was put aside', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  mine.entries.set('entries/a/0', '<oak>')
  mine.attachments.add('oak')
  await archive.add(place, secret, contentOf(mine))
  const [name = ''] = readdirSync(path.join(place.path, 'backups'))
  const backup = path.join(place.path, 'backups', name)
  const bytes = readFileSync(backup)
  rmSync(backup)
  agedBy(place, 10)
  const { rename } = promises
  t.after(() => {
    promises.rename = rename
    syncBuiltinESMExports()
  })
  let aside = 0
  promises.rename = async (from, to) => {
    await rename(from, to)
    if (String(to).endsWith('.gone')) aside += 1
    if (aside === 2) writeFileSync(backup, bytes)
  }
  syncBuiltinESMExports()
  await archive.prune(place, secret, Date.now())
  assert.equal(aside, 2)
  assert.deepEqual(await read(place), holds(mine))
})

test('Pruning keeps what its rule says, frees what nothing needs, and mends what a killed one put aside', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  for (let day = 0; day < 40; day += 1) {
    mine.entries.set('entries/a/0', `day ${String(day)} <tree ${String(day)}>`)
    mine.attachments.clear()
    mine.attachments.add(`tree ${String(day)}`)
    await archive.add(place, secret, contentOf(mine, { madeAt: start + day * dayMs }))
  }
  const newest = holds(mine)
  const before = everything(place).length
  await archive.prune(place, secret, Date.now())
  const kept = (await archive.list(place)).map(({ madeAt }) => (madeAt - start) / dayMs)
  assert.deepEqual(kept, [39, 38, 37, 36, 35, 34, 33, 30, 23])
  assert.equal(everything(place).length, before - 31, 'what is new stays: another device may be about to need it')
  agedBy(place, 3)
  await archive.prune(place, secret, Date.now())
  assert.equal(everything(place).length, 1 + 3 * kept.length)
  assert.deepEqual(await read(place), newest)
  for (const { backup } of await archive.list(place)) await read(place, backup)
  const blobs = path.join(place.path, 'blobs')
  for (const name of readdirSync(blobs)) {
    cpSync(path.join(blobs, name), path.join(blobs, `${name}.gone`))
    rmSync(path.join(blobs, name))
  }
  await archive.prune(place, secret, Date.now())
  assert.deepEqual(await read(place), newest)
})

test('What a rule keeps does not depend on the clock of this moment', () => {
  const at = (n: number, days: number) => ({ backup: String(n), n, madeAt: start + days * dayMs, writer: writers[0] })
  assert.deepEqual(keptOf([at(3, 0), at(2, 20_000), at(1, 0)]).map(({ n }) => n), [3, 2])
  assert.deepEqual(keptOf([at(2, 0), at(1, 0), { ...at(0, 0), writer: writers[1] }]).map(({ n }) => n), [2, 0])
})

test('When little of a file is still of use, the rest of it moves and the file can go', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  for (const name of ['a', 'b', 'c']) mine.entries.set(`entries/${name}/0`, name.repeat(10_000))
  await archive.add(place, secret, contentOf(mine))
  mine.entries.set('entries/a/0', 'new').set('entries/b/0', 'new')
  const second = contentOf(mine, { madeAt: start + dayMs / 2 })
  await archive.add(place, secret, second)
  assert.deepEqual(second.asked, ['entries/a/0', 'entries/b/0', 'entries/c/0'])
  assert.deepEqual(await read(place), holds(mine))
  agedBy(place, 3)
  await archive.prune(place, secret, Date.now())
  assert.equal(readdirSync(path.join(place.path, 'entries')).length, 1)
  assert.deepEqual(await read(place), holds(mine))
})

test('A part that is damaged, missing or exchanged is refused; a damaged backup is no ground for the next', async (t) => {
  const { place, mine } = await twoTrees(t)
  const inFolder = (...names: readonly string[]): string => path.join(place.path, ...names)
  for (const name of everything(place).filter((one) => one !== 'key.age')) {
    const whole = readFileSync(inFolder(name))
    const damaged = Buffer.from(whole)
    damaged[damaged.length - 3] = (damaged[damaged.length - 3] ?? 0) ^ 1
    writeFileSync(inFolder(name), damaged)
    await refused(read(place), 'backup-malformed')
    rmSync(inFolder(name))
    await refused(read(place), 'backup-malformed')
    writeFileSync(inFolder(name), whole)
  }
  const [one = '', two = ''] = readdirSync(inFolder('blobs'))
  const both = [one, two].map((name) => readFileSync(inFolder('blobs', name)))
  writeFileSync(inFolder('blobs', one), both[1] ?? '')
  writeFileSync(inFolder('blobs', two), both[0] ?? '')
  await refused(read(place), 'backup-malformed')
  writeFileSync(inFolder('blobs', one), both[0] ?? '')
  writeFileSync(inFolder('blobs', two), both[1] ?? '')
  assert.deepEqual(await read(place), holds(mine))
  const [backup = ''] = readdirSync(inFolder('backups'))
  writeFileSync(inFolder('backups', backup), readFileSync(inFolder('backups', backup)).subarray(0, 2_000))
  await assert.rejects(archive.prune(place, secret, Date.now() + 30 * dayMs), PortError)
  assert.equal(readdirSync(inFolder('blobs')).length, 2)
  await archive.add(place, secret, contentOf(mine))
  assert.deepEqual(await read(place), holds(mine))
  mkdirSync(inFolder('nothing'))
})

test('A manifest in a folder that lies is refused: of its lists, of entries, of attachments, or with something behind it', async (t) => {
  const place = await folderFor(t)
  const mine = device()
  mine.entries.set('entries/a/0', 'first <oak>').set('entries/b/0', 'second')
  mine.attachments.add('oak')
  await archive.add(place, secret, contentOf(mine))
  const [backup = ''] = readdirSync(path.join(place.path, 'backups'))
  const target = path.join(place.path, 'backups', backup)
  const { lists, manifest } = await readManifest(target, secret, work)
  const seal = { type: 'recipient', recipient: await archive.recipientOf(secret) } as const
  const write = async (to: string, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> => {
    await writeSealed(to, (async function* () { yield* pieces })(), { seal, work })
  }
  const tell = (change: object, last: readonly Uint8Array[] = []): Promise<void> => write(target, (async function* () {
    const said = Buffer.from(JSON.stringify({ ...manifest, ...change }))
    for (const one of [...lists, { name: 'manifest.json', size: said.length, bytes: [said] }]) yield* tarred(one, createHash('sha256'))
    yield* [...last, tarEnd()]
  })())
  await tell({})
  assert.deepEqual(await read(place), holds(mine))
  const { files: [about, account], entries: [one, two], blobs: [oak] } = manifest
  const foreign = 'f'.repeat(64)
  for (const [change, detail] of [
    [{ files: [about, { ...account, sha256: foreign }] }, 'manifest'], [{ files: [about, { ...account, size: 1 }] }, 'manifest'],
    [{ files: [about] }, 'manifest'],
    [{ entries: [{ ...one, sha256: foreign }, two] }, 'manifest'], [{ entries: [{ ...one, size: 1 }, two] }, 'manifest'],
    [{ entries: [{ ...one, name: 'entries/c/0' }, two] }, 'manifest'], [{ entries: [one, one] }, 'manifest'],
    [{ entries: [{ ...one, in: '../../key.age' }, two] }, 'manifest'],
    [{ entries: [{ ...one, in: one?.in.replace('000001', '000009') }, two] }, 'missing'],
    [{ entries: [{ ...one, files: ['../../key'] }, two] }, 'manifest'],
    [{ blobs: [{ ...oak, size: 4 }] }, 'blob'], [{ blobs: [{ ...oak, hash: foreign }] }, 'missing'],
    [{ blobs: [{ ...oak, hash: '../../key' }] }, 'manifest'],
  ] as const) {
    await tell(change)
    await assert.rejects(read(place), (error) => error instanceof PortError && error.code === 'backup-malformed'
      && error.detail === detail, JSON.stringify(change))
  }
  await tell({ files: [about, account, { name: 'zz', size: 0, sha256: hashOf('') }] }, [tarHeader('zz', 0)])
  await refused(read(place), 'backup-malformed')
  await tell({})
  await write(path.join(place.path, 'key.age'), [Buffer.from('AGE-SECRET-KEY-1QQQQ')])
  await refused(archive.join(place, { type: 'words', secret }), 'backup-malformed')
})
