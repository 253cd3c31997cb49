/** The vocabulary and the Calls of backups (api.ts). This file imports nothing but argument checks and codes. */
import { call, id, oneOf, text, type Check } from './check.ts'
import type { errorCodes } from './codes.ts'

export const backupRhythms = ['off', 'daily', 'weekly'] as const
export type BackupRhythm = typeof backupRhythms[number]
export const backupSeals = ['words', 'passphrase'] as const
export type BackupSealKind = typeof backupSeals[number]
export const plainFormats = ['html', 'jsonl'] as const
export type PlainFormat = typeof plainFormats[number]

/** Something that is being written, in bytes; `of` is a guess. `leftMs`: about how long it still takes. */
export type BackupRun = {
  readonly kind: 'file' | 'folder' | 'plain', readonly done: number, readonly of: number, readonly leftMs: number
}

export type BackupFolder = {
  /** The last part of its path. */
  readonly name: string
  readonly by: BackupSealKind
  readonly rhythm: BackupRhythm
  /** When the last backup in it was made, and how many bytes are in it; 0: none yet. */
  readonly madeAt: number
  readonly bytes: number
  /** Why the last try came to nothing. */
  readonly failed?: typeof errorCodes[number]
  /** There should have been a newer one. */
  readonly overdue: boolean
}

/** Where backups stand. Told anew with each step. */
export type BackupStatus = {
  /** A backup can be sealed so that the 24 words open it; else they have to be typed in once (`backup.words`). */
  readonly words: boolean
  readonly running?: BackupRun
  readonly folder?: BackupFolder
  /** The last one that was made as a single file. */
  readonly file?: { readonly madeAt: number, readonly bytes: number }
}

/** A folder that the person chose; `holds`: how the backups in it are opened, if there are any. */
export type ChosenFolder = {
  readonly token: string, readonly name: string, readonly holds: BackupSealKind | 'nothing'
}

const conversation: Check<string> = (value): value is string => value === '' || id(value)
const passphrase = text(1024)

/** A place is chosen in a dialogue of the system; where that is closed, the result is `undefined` and nothing happened. */
export const backupCalls = {
  'backup.status': call({}).returns<BackupStatus>(),
  /** What the 24 words seal backups to, where this device does not know it. */
  'backup.words': call({ words: text(1000, 1) }).returns<undefined>(),
  /** Everything, in one file. An empty passphrase: the 24 words open it. */
  'backup.export': call({ passphrase }).returns<{ readonly bytes: number } | undefined>(),
  'backup.choose': call({}).returns<ChosenFolder | undefined>(),
  /**
   * From now on backups go into that folder. `key`: the passphrase, or where the folder holds backups already the 24 words
   * or passphrase that open them; empty for a new one that the 24 words open.
   */
  'backup.keep': call({ token: text(64, 1), by: oneOf(backupSeals), key: text(1024), rhythm: oneOf(backupRhythms) })
    .returns<undefined>(),
  'backup.rhythm': call({ rhythm: oneOf(backupRhythms) }).returns<undefined>(),
  /** Into the folder, now. */
  'backup.now': call({}).returns<{ readonly bytes: number }>(),
  /** No backups into the folder any more; what is in it stays. */
  'backup.forget': call({}).returns<undefined>(),
  /** One chat, or (empty) everything, for anybody to read. */
  'backup.plain': call({ conversation, format: oneOf(plainFormats) }).returns<{ readonly bytes: number } | undefined>(),
  /** Ends what is being written: nothing of it is left. */
  'backup.cancel': call({}).returns<undefined>(),
} as const
