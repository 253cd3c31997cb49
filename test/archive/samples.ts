/** Backups for tests, made without an app: the lists of an account that has talked, and what of them can be wrong. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { checkBackup, type Checked } from '../../main/app/backup-check.ts'
import { partsOf } from '../../main/app/backup-parts.ts'
import { archive } from '../../main/archive/archive.ts'
import { writeSealed } from '../../main/archive/file.ts'
import { tarEnd, tarHeader, tarPadding } from '../../main/archive/tar.ts'
import { entriesName, fileName, segmentOf, type BackupEntry } from '../../main/chat/backup.ts'
import { nativeSuites } from '../../main/crypto/native.ts'
import { Secret } from '../../main/mls/index.ts'
import type { BackupFile, BackupKey, BackupSeal, BackupWork, Place } from '../../main/ports.ts'

const suite = nativeSuites((length) => new Uint8Array(length))(1)
if (suite === undefined) throw new Error('suite 1 is missing')
export const product = suite

export const secret = new Secret(new Uint8Array(32).fill(5))
export const words: BackupKey = { type: 'words', secret }
export const toWords = async (): Promise<BackupSeal> => ({ type: 'recipient', recipient: await archive.recipientOf(secret) })
export const quiet: BackupWork = { cancelled: () => false, progress: () => undefined }

export const own = 'aa'.repeat(32)
export const other = 'bb'.repeat(32)
export const conversation = 'c1'.repeat(16)
export const picture = Buffer.alloc(100_000, 'picture')
export const pictureHash = createHash('sha256').update(picture).digest('hex')

export const at = Date.UTC(2026, 0, 1)

export const message = (order: number, more: Partial<Extract<BackupEntry, { readonly kind: 'message' }>> = {}): BackupEntry => ({
  id: createHash('sha256').update(`message ${String(order)}`).digest('hex'), conversation, order, at: at + order * 1_000,
  kind: 'message', from: order % 2 === 0 ? own : other, own: order % 2 === 0, text: `message ${String(order)}`,
  state: order % 2 === 0 ? 'delivered' : 'received', deliveredTo: order % 2 === 0 ? 1 : 0, people: 2, devices: 2, ...more,
})

export const talk = (count: number): readonly BackupEntry[] => [
  ...Array.from({ length: count }, (_, index) => message(index + 1)),
  message(count + 1, {
    text: 'a picture', attachments: [{ hash: pictureHash, name: 'p.png', mediaType: 'image/png', size: picture.length }],
  }),
]

export const bytesFile = (name: string, bytes: Uint8Array): BackupFile => ({ name, size: bytes.length, bytes: [bytes] })
export const lines = (name: string, values: readonly object[]): BackupFile =>
  bytesFile(name, Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join('')))

/** The lists of a backup, each of which a test may change. */
export const lists = {
  about: { format: 'coppice-backup', version: 1, app: '0', madeAt: at },
  account: { accountId: own, name: 'Anna', createdAt: at },
  contacts: [{ accountId: other, name: 'Ben', own: true, trust: 'verified', at, byInvite: true }],
  conversations: [{
    id: conversation, groupId: '', log: 'd1'.repeat(16), kind: 'direct', name: '', peer: other, open: true,
    people: [own, other], helpers: [], at, readUpTo: 2, draft: 'half a', muted: false, pinned: true, archived: false,
  }],
} as const

export function filesOf(entries: readonly BackupEntry[], given: Partial<Record<keyof typeof lists, unknown>> = {}): readonly BackupFile[] {
  const said = { ...lists, ...given } as { about: object, account: object, contacts: object[], conversations: object[] }
  const segments = new Map<string, BackupEntry[]>()
  for (const entry of entries) {
    const name = entriesName(entry.conversation, segmentOf(entry.order))
    segments.set(name, [...segments.get(name) ?? [], entry])
  }
  return [
    lines('about.json', [said.about]), lines('account.jsonl', [said.account]), lines('contacts.jsonl', said.contacts),
    lines('conversations.jsonl', said.conversations),
    ...[...segments].sort(([a], [b]) => a < b ? -1 : 1).map(([name, some]) => lines(name, some)),
    ...entries.some((entry) => entry.kind === 'message' && entry.attachments !== undefined)
      ? [bytesFile(fileName(pictureHash), picture)] : [],
  ]
}

export function placeIn(t: TestContext): Place & { readonly folder: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-backup-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return { folder, token: 'mine', path: path.join(folder, 'mine.age') }
}

export async function written(place: Place, files: readonly BackupFile[], seal?: BackupSeal): Promise<void> {
  await archive.write(place, { ...quiet, seal: seal ?? await toWords(), files: given(files), expectedBytes: 0 })
}

async function* given<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value)
}

/** Any tar at all, sealed as a backup is. */
export async function writtenTar(place: Place, blocks: Iterable<Uint8Array>): Promise<void> {
  await writeSealed(place.path, given(blocks), { seal: await toWords(), work: quiet })
}

/** A whole tar of these files with a manifest that tells the truth, whatever it is of. */
export function* tarOf(files: readonly BackupFile[]): Generator<Uint8Array> {
  const listed = []
  for (const { name, size, bytes } of files) {
    const all = Buffer.concat([...bytes as Iterable<Uint8Array>])
    listed.push({ name, size, sha256: createHash('sha256').update(all).digest('hex') })
    yield* tarred(name, all)
  }
  yield* tarred('manifest.json', Buffer.from(JSON.stringify({ files: listed })))
  yield tarEnd()
}

export function* tarred(name: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield tarHeader(name, bytes.length)
  yield bytes
  yield tarPadding(bytes.length)
}

/** A header with other octets in it, and the right sum. */
export function forged(name: string, change: (header: Buffer) => void): Buffer {
  const header = Buffer.from(tarHeader(name, 0))
  change(header)
  header.write('        ', 148)
  header.write(`${header.reduce((sum, octet) => sum + octet, 0).toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

export const verified = (place: Place, key: BackupKey = words, work = quiet): Promise<Checked> =>
  checkBackup(product, partsOf(archive.read(place, key, work)))
