import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { archive } from '../../main/archive/archive.ts'
import { wholeOf, writeSealed } from '../../main/archive/file.ts'
import type { Listed } from '../../main/archive/manifest.ts'
import { tarEnd, tarHeader, tarPadding } from '../../main/archive/tar.ts'
import { Secret } from '../../main/mls/index.ts'
import { PortError, type BackupFile, type BackupKey, type BackupSeal, type Place } from '../../main/ports.ts'
import type { ErrorCode } from '../../preload/api.ts'
import { mountDisk } from '../scenario/disk.ts'

const secret = new Secret(new Uint8Array(32).fill(5))
const words: BackupKey = { type: 'words', secret }
const passphrase = { type: 'passphrase', passphrase: 'correct horse' } as const
const toWords = async (): Promise<BackupSeal> => ({ type: 'recipient', recipient: await archive.recipientOf(secret) })

const file = (name: string, text: string): BackupFile =>
  ({ name, size: Buffer.byteLength(text), bytes: [Buffer.from(text)] })
const about = (version = 1): BackupFile => file('about.json', JSON.stringify({ format: 'coppice-backup', version }))
const list = (at: number): BackupFile =>
  file(`entries/${String(at).padStart(6, '0')}.jsonl`, `{"n":${String(at)}}\n`.repeat(40_000))

async function* of(...files: readonly BackupFile[]): AsyncGenerator<BackupFile> {
  for (const file of files) yield await Promise.resolve(file)
}

function placeIn(t: TestContext): Place & { readonly folder: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-backup-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  return { folder, token: 'mine', path: path.join(folder, 'mine.age') }
}

const write = (place: Place, seal: BackupSeal, files: AsyncIterable<BackupFile>, more: {
  readonly cancelled?: () => boolean, readonly expectedBytes?: number
} = {}) => archive.write(place, { seal, files, expectedBytes: 0, cancelled: () => false, progress: () => undefined, ...more })

async function read(place: Place, key: BackupKey): Promise<readonly (readonly [string, string])[]> {
  const found: (readonly [string, string])[] = []
  const options = { cancelled: () => false, progress: () => undefined }
  for await (const one of archive.read(place, key, options)) {
    found.push([one.name, Buffer.from(await wholeOf(one)).toString()])
  }
  return found
}

/** A tar of these files and a manifest that was changed, without its end. */
async function* tarred(
  files: readonly BackupFile[], change: (files: Listed[]) => void,
): AsyncGenerator<Uint8Array> {
  const listed: Listed[] = []
  for (const one of files) {
    const bytes = await wholeOf(one)
    listed.push({ name: one.name, size: one.size, sha256: createHash('sha256').update(bytes).digest('hex') })
    for (const piece of [tarHeader(one.name, one.size), bytes, tarPadding(one.size)]) yield piece
  }
  change(listed)
  const manifest = Buffer.from(JSON.stringify({ files: listed }))
  for (const piece of [tarHeader('manifest.json', manifest.length), manifest, tarPadding(manifest.length)]) yield piece
}

const refused = (work: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(work, (error) => error instanceof PortError && error.code === code, code)

test('A backup sealed to the words, or under a passphrase, is read again; nothing of it is readable without, or with another key', async (t) => {
  const files = [about(), list(1), list(2)]
  const foreign: BackupKey = { type: 'words', secret: new Secret(new Uint8Array(32).fill(6)) }
  for (const [seal, key, wrong] of [
    [await toWords(), words, [foreign, passphrase]], [passphrase, passphrase, [{ ...passphrase, passphrase: 'wrong horse' }, words]],
  ] as const) {
    const place = placeIn(t)
    const { bytes } = await write(place, seal, of(...files))
    assert.equal(statSync(place.path).size, bytes)
    assert.equal(statSync(place.path).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(place.folder), ['mine.age'])
    const said = await Promise.all(files.map(async (one) => [one.name, Buffer.from(await wholeOf(one)).toString()]))
    assert.deepEqual(await read(place, key), said)
    for (const one of wrong) await refused(read(place, one), 'backup-key')
    assert.equal(readFileSync(place.path).includes('{"n":'), false)
    assert.equal(readFileSync(place.path).subarray(0, 21).toString(), 'age-encryption.org/v1')
  }
})

test('One octet changed in every 64 KiB, and a file that is cut off: refused', async (t) => {
  const place = placeIn(t)
  await write(place, await toWords(), of(about(), list(1)))
  const whole = readFileSync(place.path)
  for (let at = 7; at < whole.length; at += 65_536) {
    const damaged = Buffer.from(whole)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    writeFileSync(place.path, damaged)
    await assert.rejects(read(place, words), PortError, `octet ${String(at)}`)
  }
  for (const length of [0, 10, 1_000, 70_000, whole.length - 1]) {
    writeFileSync(place.path, whole)
    truncateSync(place.path, length)
    await refused(read(place, words), 'backup-malformed')
  }
})

test('A later format is refused as such, another file as no backup', async (t) => {
  const place = placeIn(t)
  await write(place, await toWords(), of(about(2)))
  await refused(read(place, words), 'backup-newer')
  await write(place, await toWords(), of(file('about.json', '[]')))
  await refused(read(place, words), 'backup-malformed')
  writeFileSync(place.path, 'hello')
  await refused(read(place, words), 'backup-malformed')
  await refused(read({ token: '', path: path.join(place.folder, 'nothing') }, words), 'backup-place')
})

test('Cancelled, failed, or without room: nothing is left, and what was there stays', async (t) => {
  const place = placeIn(t)
  writeFileSync(place.path, 'the backup of yesterday')
  let isCancelled = false
  const cancelling = async function* (): AsyncGenerator<BackupFile> {
    yield await Promise.resolve(about())
    isCancelled = true
    yield list(1)
  }
  await refused(write(place, await toWords(), cancelling(), { cancelled: () => isCancelled }), 'backup-cancelled')
  const failing = async function* (): AsyncGenerator<BackupFile> {
    yield await Promise.resolve(about())
    throw new PortError('store-damaged')
  }
  await refused(write(place, await toWords(), failing()), 'store-damaged')
  await refused(write(place, await toWords(), of(about()), { expectedBytes: 2 ** 60 }), 'backup-space')
  await refused(write({ token: '', path: path.join(place.path, 'mine.age') }, await toWords(), of(about())), 'backup-place')
  assert.deepEqual(readdirSync(place.folder), ['mine.age'])
  assert.equal(readFileSync(place.path, 'utf8'), 'the backup of yesterday')
})

/** As `work` says, with everything that was there before. */
async function demandRefused(place: Place & { readonly folder: string }, work: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  writeFileSync(place.path, 'the backup of yesterday')
  await refused(work(), code)
  assert.deepEqual(readdirSync(place.folder), ['mine.age'])
  assert.equal(readFileSync(place.path, 'utf8'), 'the backup of yesterday')
}

test('A disk that fills in the middle: told, nothing is left, and what was there stays', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-small-'))
  const disk = mountDisk(t, folder, 80 * 1024)
  t.after(() => { rmSync(folder, { recursive: true }) })
  if (disk === undefined) return
  const place = { folder, token: '', path: path.join(folder, 'mine.age') }
  const filling = async function* <T>(first: T, more: readonly T[]): AsyncGenerator<T> {
    yield await Promise.resolve(first)
    disk.remount('size=400k')
    yield* more
  }
  const seal = await toWords()
  await demandRefused(place, () => write(place, seal, filling(about(), [list(1), list(2)])), 'backup-space')
  disk.remount('size=80m')
  const work = { cancelled: () => false, progress: () => undefined, expectedBytes: 0 }
  const pieces = filling(Buffer.from('a'), [Buffer.alloc(300_000), Buffer.alloc(300_000)])
  await demandRefused(place, () => archive.writePlain(place, { ...work, pieces }), 'backup-space')
  // Some room is always left for others.
  disk.remount('size=60m')
  await demandRefused(place, () => write(place, seal, of(about())), 'backup-space')
})

test('Room is asked for before anything readable is written as well, and cancelling leaves nothing of it', async (t) => {
  const place = placeIn(t)
  let isCancelled = false
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('[1]\n'))
    isCancelled = true
    yield Buffer.from('[2]\n')
  }
  const plain = (expectedBytes: number) => () => archive.writePlain(place,
    { expectedBytes, cancelled: () => isCancelled, progress: () => undefined, pieces: pieces() })
  await demandRefused(place, plain(2 ** 60), 'backup-space')
  assert.equal(isCancelled, false)
  await demandRefused(place, plain(0), 'backup-cancelled')
})

test('Of what a nearly full disk takes in part, the rest is not taken as written', (t) => {
  const place = placeIn(t)
  const run = (name: string, blocks: number | 'unlimited') => spawnSync('sh', ['-c', `ulimit -f ${String(blocks)}; exec "$0" "$@"`,
    process.execPath, path.join(import.meta.dirname, 'dying.ts'), 'file', path.join(place.folder, name)], { encoding: 'utf8' })
  assert.equal(run('whole.age', 'unlimited').status, 0)
  const { size } = statSync(path.join(place.folder, 'whole.age'))
  // A limit that ends in the last write of all: a part is written, and nothing is refused before the next one.
  const { status, stderr } = run('half.age', Math.floor((size - 1) / 512))
  assert.equal(status, 1)
  assert.match(stderr, /PortError: backup-place: EFBIG/)
  assert.deepEqual(readdirSync(place.folder), ['whole.age'])
})

test('What nobody reads of a file is checked all the same, and a file that is shorter than it says is no backup', async (t) => {
  const place = placeIn(t)
  await write(place, await toWords(), of(about(), list(1), list(2)))
  const names: string[] = []
  for await (const { name } of archive.read(place, words, { cancelled: () => false, progress: () => undefined })) names.push(name)
  assert.deepEqual(names, ['about.json', 'entries/000001.jsonl', 'entries/000002.jsonl'])
  await refused(write(place, await toWords(), of(about(), { ...list(1), size: 5 })), 'bug')
})

test('A manifest that lies is refused: another hash, size, name or order, a file less, a file more; none, and what comes after it', async (t) => {
  const place = placeIn(t)
  const seal = await toWords()
  const tell = async (change: (files: Listed[]) => void, last: readonly Uint8Array[] = []): Promise<void> => {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of tarred([about(), list(1)], change)) yield piece
      yield* last
      yield tarEnd()
    }
    await writeSealed(place.path, pieces(), { seal, work: { cancelled: () => false, progress: () => undefined } })
  }
  const lying = async (detail: string, ...of: Parameters<typeof tell>): Promise<void> => {
    await tell(...of)
    await assert.rejects(read(place, words), (error) => error instanceof PortError && error.code === 'backup-malformed' && error.detail === detail)
  }
  const other = (change: Partial<Listed>) => (files: Listed[]): void => {
    const [, one] = files
    if (one !== undefined) files[1] = { ...one, ...change }
  }
  await tell(() => undefined)
  assert.equal((await read(place, words)).length, 2)
  await lying('manifest', other({ sha256: 'f'.repeat(64) }))
  await lying('manifest', other({ size: 1 }))
  await lying('manifest', other({ name: 'entries/000002.jsonl' }))
  await lying('manifest', (files) => { files.pop() })
  const extra = { name: 'zz', size: 0, sha256: createHash('sha256').digest('hex') }
  await lying('manifest', (files) => { files.push(extra) })
  await lying('manifest', (files) => { files.reverse() })
  await lying('order', (files) => { files.push(extra) }, [tarHeader('zz', 0)])
  const without = async function* (): AsyncGenerator<Uint8Array> {
    yield* [tarHeader('about.json', about().size), await wholeOf(about()), tarPadding(about().size), tarEnd()]
  }
  await writeSealed(place.path, without(), { seal, work: { cancelled: () => false, progress: () => undefined } })
  await refused(read(place, words), 'backup-malformed')
})
