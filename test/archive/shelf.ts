/** A folder of backups with two states of one device: the second has said more, and has another attachment. */
import { createHash } from 'node:crypto'
import { entriesName, segmentOf, type BackupEntry } from '../../main/chat/backup.ts'
import { Secret } from '../../main/mls/index.ts'
import type { FolderContent } from '../../main/ports.ts'
import { at, filesOf, message, picture, pictureHash, quiet, talk } from './samples.ts'

export const folderSecret = new Secret(new Uint8Array(32).fill(9))
export const writer = 'aaaaaaaaaaaaaaaa'
export const now = Date.now()

const drawing = Buffer.alloc(3_000, 'drawing')
export const drawingHash = createHash('sha256').update(drawing).digest('hex')
const attachments = new Map([[pictureHash, picture], [drawingHash, drawing]])

export const earlier: readonly BackupEntry[] = [
  ...talk(5).slice(0, 5),
  message(6, { text: 'a drawing', attachments: [{ hash: drawingHash, name: 'd.png', mediaType: 'image/png', size: drawing.length }] }),
  message(1_000), message(2_000),
]
export const later: readonly BackupEntry[] = [...talk(6), message(1_000), message(2_000), message(2_001)]

const namesIn = (entries: readonly BackupEntry[]): ReadonlyMap<string, readonly BackupEntry[]> =>
  Map.groupBy(entries, ({ conversation, order }) => entriesName(conversation, segmentOf(order)))
const hashesIn = (entries: readonly BackupEntry[]): readonly string[] =>
  entries.flatMap((one) => one.kind === 'message' ? one.attachments?.map(({ hash }) => hash) ?? [] : [])

export function contentOf(entries: readonly BackupEntry[]): FolderContent {
  const segments = namesIn(entries)
  const files = new Map(filesOf(entries).map((file) => [file.name, file]))
  return {
    ...quiet, writer, madeAt: at + entries.length, lists: filesOf([]).slice(0, 4),
    entries: [...segments].map(([name, some]) => ({ name, stamp: String(some.length).padStart(16, '0'), size: 100 * some.length })),
    entry: (name) => Promise.resolve({
      bytes: Buffer.concat([...files.get(name)?.bytes as Iterable<Uint8Array>]), files: hashesIn(segments.get(name) ?? []),
    }),
    attachment: (hash) => {
      const bytes = attachments.get(hash)
      return bytes === undefined ? undefined : { size: bytes.length, bytes: [bytes] }
    },
  }
}
