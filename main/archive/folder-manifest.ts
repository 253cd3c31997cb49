import { PortError } from '../ports.ts'
import { fieldsOf, isListed, jsonBytes, parsed, type Listed } from './manifest.ts'
import { isEntriesFile } from './names.ts'

/** What a backup in a folder says of itself: its lists, and which files of the folder hold the rest. */

export type EntriesPart = Listed & {
  readonly stamp: string
  /** The file in `entries/` that has it. */
  readonly in: string
  /** Hashes of the attachments that its messages name. */
  readonly files: readonly string[]
}
export type BlobPart = { readonly hash: string, readonly size: number }

export type FolderManifest = {
  /** The lists that stand before the manifest. */
  readonly files: readonly Listed[]
  readonly entries: readonly EntriesPart[]
  readonly blobs: readonly BlobPart[]
}

const hashForm = /^[0-9a-f]{64}$/
const isHash = (value: unknown): value is string => typeof value === 'string' && hashForm.test(value)

const isEntriesPart = (value: unknown): value is EntriesPart => {
  const { stamp, in: place, files } = fieldsOf(value)
  return isListed(value) && typeof stamp === 'string' && typeof place === 'string' && isEntriesFile(place)
    && Array.isArray(files) && files.every(isHash)
}
const isBlobPart = (value: unknown): value is BlobPart => {
  const { hash, size } = fieldsOf(value)
  return isHash(hash) && Number.isSafeInteger(size) && (size as number) >= 0
}

export const encodeFolderManifest = (manifest: FolderManifest): Uint8Array => jsonBytes(manifest)

/** Throws PortError('backup-malformed'). */
export function decodeFolderManifest(bytes: Uint8Array): FolderManifest {
  const { files, entries, blobs } = fieldsOf(parsed(bytes))
  const isWhole = Array.isArray(files) && files.every(isListed) && Array.isArray(entries) && entries.every(isEntriesPart)
    && Array.isArray(blobs) && blobs.every(isBlobPart)
  if (!isWhole) throw new PortError('backup-malformed', 'manifest')
  const names = new Set(entries.map(({ name }) => name))
  if (names.size !== entries.length) throw new PortError('backup-malformed', 'manifest')
  return { files, entries, blobs }
}
