import {
  decode, encode, fixed, MlsError, names, optional, secret, struct, uint64, uint8, utf8, type Infer,
} from '../mls/index.ts'
import { milliseconds } from '../identity/fields.ts'

/** What this device keeps about its backups. It is in no backup. */

const rhythm = names(uint8, { off: 0, daily: 1, weekly: 2 })

/** The folder that backups go to. */
const Folder = struct({
  /** The folder's own secret, with which it is read and written. */
  secret: secret(32),
  /** What stands for its place (ports.ts `Places`), and this device's name in it. */
  token: utf8(64),
  writer: fixed(8),
  /** How its secret is kept there; `sealedTo` is the recipient that the words open, else empty. */
  by: names(uint8, { words: 1, passphrase: 2 }),
  sealedTo: utf8(4_096),
  rhythm,
  /** Since when, and when the last backup was made and tried; 0: never. */
  since: milliseconds,
  madeAt: milliseconds,
  triedAt: milliseconds,
  bytes: uint64,
  /** The code of what went wrong with the last one, or empty. */
  failed: utf8(40),
})
export type KeptFolder = Infer<typeof Folder>

const BackupDocument = struct({
  version: uint8, folder: optional(Folder), fileAt: milliseconds, fileBytes: uint64,
})
export type BackupDocument = Omit<Infer<typeof BackupDocument>, 'version'>

export const encodeBackups = (document: BackupDocument): Uint8Array => encode(BackupDocument, { version: 1, ...document })
/** Throws `MlsError`: a document of another version, or a damaged one. */
export function decodeBackups(bytes: Uint8Array): BackupDocument {
  if (bytes[0] !== 1) throw new MlsError('unsupported', 'backups of another version')
  const { version: _, ...document } = decode(BackupDocument, bytes)
  return document
}
