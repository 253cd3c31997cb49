import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { archive } from '../../main/archive/archive.ts'
import { wholeOf, writeSealed } from '../../main/archive/file.ts'
import { tarEnd, tarHeader, tarPadding } from '../../main/archive/tar.ts'
import { Secret } from '../../main/mls/index.ts'
import { PortError, type BackupFile, type BackupKey, type BackupSeal, type Place } from '../../main/ports.ts'
import type { ErrorCode } from '../../preload/api.ts'

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

/** A tar of these files and a manifest that was changed. */
async function* tarred(
  files: readonly BackupFile[], change: (files: { name: string, size: number, sha256: string }[]) => void,
): AsyncGenerator<Uint8Array> {
  const listed: { name: string, size: number, sha256: string }[] = []
  for (const one of files) {
    const bytes = await wholeOf(one)
    listed.push({ name: one.name, size: one.size, sha256: createHash('sha256').update(bytes).digest('hex') })
    for (const piece of [tarHeader(one.name, one.size), bytes, tarPadding(one.size)]) yield piece
  }
  change(listed)
  const manifest = Buffer.from(JSON.stringify({ files: listed }))
  for (const piece of [tarHeader('manifest.json', manifest.length), manifest, tarPadding(manifest.length), tarEnd()]) yield piece
}

const refused = (work: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(work, (error) => error instanceof PortError && error.code === code, code)

test('A backup sealed to the words, or under a passphrase, is read again; nothing of it is readable without', async (t) => {
  const files = [about(), list(1), list(2)]
  for (const [seal, key] of [[await toWords(), words], [passphrase, passphrase]] as const) {
    const place = placeIn(t)
    const { bytes } = await write(place, seal, of(...files))
    assert.equal(statSync(place.path).size, bytes)
    assert.equal(statSync(place.path).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(place.folder), ['mine.age'])
    const said = await Promise.all(files.map(async (one) => [one.name, Buffer.from(await wholeOf(one)).toString()]))
    assert.deepEqual(await read(place, key), said)
    assert.equal(readFileSync(place.path).includes('{"n":'), false)
    assert.equal(readFileSync(place.path).subarray(0, 21).toString(), 'age-encryption.org/v1')
  }
})

test('The wrong passphrase, other words, and a key of the other kind do not open it', async (t) => {
  const place = placeIn(t)
  await write(place, await toWords(), of(about()))
  await refused(read(place, { type: 'words', secret: new Secret(new Uint8Array(32).fill(6)) }), 'backup-key')
  await refused(read(place, passphrase), 'backup-key')
  await write(place, passphrase, of(about()))
  await refused(read(place, { ...passphrase, passphrase: 'wrong horse' }), 'backup-key')
  await refused(read(place, words), 'backup-key')
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

test('What nobody reads of a file is checked all the same, and a file that is shorter than it says is no backup', async (t) => {
  const place = placeIn(t)
  await write(place, await toWords(), of(about(), list(1), list(2)))
  const names: string[] = []
  for await (const { name } of archive.read(place, words, { cancelled: () => false, progress: () => undefined })) names.push(name)
  assert.deepEqual(names, ['about.json', 'entries/000001.jsonl', 'entries/000002.jsonl'])
  await refused(write(place, await toWords(), of(about(), { ...list(1), size: 5 })), 'bug')
})

test('A manifest that lies is refused: another hash, a file less, a file more', async (t) => {
  const place = placeIn(t)
  const tell = async (change: (files: { name: string, size: number, sha256: string }[]) => void): Promise<void> => {
    await writeSealed(place.path, tarred([about(), list(1)], change), { seal: await toWords(), work: { cancelled: () => false, progress: () => undefined } })
  }
  const lying = async (change: Parameters<typeof tell>[0]): Promise<void> => {
    await tell(change)
    await refused(read(place, words), 'backup-malformed')
  }
  await tell(() => undefined)
  assert.equal((await read(place, words)).length, 2)
  await lying((files) => { files[1] = { name: 'entries/000001.jsonl', size: 1, sha256: '00' } })
  await lying((files) => { files.pop() })
  await lying((files) => { files.push({ name: 'files/aa', size: 0, sha256: '00' }) })
  await lying((files) => { files.reverse() })
})
