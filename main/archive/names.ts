import { createHmac } from 'node:crypto'
import type { Secret } from '../mls/index.ts'
import { PortError } from '../ports.ts'

/** The names in a folder of backups. */

export const keyName = 'key.age'
export const folders = ['backups', 'entries', 'blobs'] as const

const writerForm = '[0-9a-f]{16}'
const backupForm = new RegExp(`^(\\d{6})-(\\d{8}t\\d{9}z)-(${writerForm})\\.tar\\.age$`)
const entriesForm = new RegExp(`^(\\d{6})-(${writerForm})-\\d{4}\\.tar\\.age$`)
const blobForm = /^[0-9a-f]{64}\.age$/

export type BackupFound = { readonly backup: string, readonly n: number, readonly madeAt: number, readonly writer: string }

/** Milliseconds since 1970 as '20261126t031500000z', and back. */
const timeIn = (at: number): string => new Date(at).toISOString().replace(/[-:.]/g, '').toLowerCase()
const atIn = (time: string): number =>
  Date.parse(time.replace(/^(....)(..)(..)t(..)(..)(..)(...)z$/, '$1-$2-$3T$4:$5:$6.$7Z'))

export const backupName = ({ n, madeAt, writer }: Omit<BackupFound, 'backup'>): string =>
  `${numbered(n)}-${timeIn(madeAt)}-${writer}.tar.age`
export const entriesFile = (n: number, writer: string, at: number): string =>
  `${numbered(n)}-${writer}-${String(at).padStart(4, '0')}.tar.age`

function numbered(n: number): string {
  if (n > 999_999) throw new PortError('bug', 'backups')
  return String(n).padStart(6, '0')
}

/** `undefined` for what is no backup's name. */
export function readBackupName(backup: string): BackupFound | undefined {
  const [, n, time, writer] = backupForm.exec(backup) ?? []
  if (n === undefined || time === undefined || writer === undefined) return undefined
  const madeAt = atIn(time)
  return Number.isNaN(madeAt) ? undefined : { backup, n: Number(n), madeAt, writer }
}

export const isEntriesFile = (name: string): boolean => entriesForm.test(name)
export const isBlobFile = (name: string): boolean => blobForm.test(name)
/** Who wrote a file of entries. */
export const writerIn = (name: string): string | undefined => entriesForm.exec(name)?.[2]
/** The number of the backup that wrote it. */
export const numberIn = (name: string): number => backupForm.test(name) || entriesForm.test(name) ? Number(name.slice(0, 6)) : 0

/**
 * What an attachment is called in a folder: no hash that others could look up to know that this person has it, and the
 * same for every device that has the folder's secret.
 */
export const blobFile = (secret: Secret, hash: string): string =>
  `${createHmac('sha256', secret.unwrap()).update(`coppice blob ${hash}`).digest('hex')}.age`
