/** The vocabulary of reading backups: checking them, trying them out, and taking them in (api.ts). */
import { call, oneOf, text } from './check.ts'
import type { errorCodes } from './codes.ts'


/** Times are milliseconds since 1970; 0 where there is no message. */
export type BackupHolds = {
  readonly madeAt: number
  /** Whose it is. */
  readonly accountId: string
  readonly name: string
  readonly people: number
  readonly conversations: number
  readonly messages: number
  readonly from: number
  readonly to: number
  /** Attachments that are in it, and those that messages name and that its device did not have. */
  readonly files: number
  readonly missingFiles: number
  /** Of all of it, as it lies there. */
  readonly bytes: number
}

/** `sealed`: what it asks for. `name`: of the file or folder, without where it lies. */
export type ChosenBackup = {
  readonly token: string, readonly name: string, readonly bytes: number, readonly sealed: 'words' | 'passphrase'
}

/** What a backup would bring back, and what it does not have: messages, beside those that are in both. */
export type Rehearsal = {
  readonly same: number
  /** In the backup alone, and in how many conversations. */
  readonly missingHere: number
  readonly conversationsMissingHere: number
  /** Here alone, how many of those came after the backup was made. */
  readonly missingThere: number
  readonly newer: number
  /** The same message with another text. */
  readonly differing: number
}

/** Work on a backup, told anew with each step. `done` and `of` are bytes of it; `leftMs`: about how long it still takes. */
export type Restore =
  | { readonly at: 'checking' | 'rehearsing' | 'restoring', readonly done: number, readonly of: number, readonly leftMs: number }
  | { readonly at: 'checked', readonly holds: BackupHolds }
  | { readonly at: 'rehearsed', readonly holds: BackupHolds, readonly rehearsal: Rehearsal }
  /** `added`: messages that were not here before. */
  | { readonly at: 'restored', readonly holds: BackupHolds, readonly added: number }
  | { readonly at: 'failed', readonly code: typeof errorCodes[number], readonly detail?: string }
  | { readonly at: 'none' }

const token = text(400, 1)
const typed = text(1024, 1)

/** A part of the table of Calls (api.ts). */
export const restoreCalls = {
  /**
   * `setup.restore` with a backup. `typed` opens it: its passphrase, or the words. Without `words` the account does not come
   * back: a new one is made, and what is in the backup is there to be read.
   */
  'setup.restoreBackup': call({ token, typed, words: text(1000), name: text(80, 1), passphrase: text(1024) }).returns<undefined>(),
  /** Lets the person choose a backup; `undefined` where they chose none. Answered in every phase. */
  'restore.choose': call({ kind: oneOf(['open', 'folder'] as const) }).returns<ChosenBackup | undefined>(),
  /** A backup whose file was opened outside the window, once; `undefined`: none was. */
  'restore.handed': call({}).returns<ChosenBackup | undefined>(),
  /** Reads all of it and changes nothing. What it comes to is told as `Change.restore`, as for the other ones. */
  'restore.verify': call({ token, typed }).returns<undefined>(),
  /** Takes it into a profile of its own that is deleted again, and says what is different here. */
  'restore.rehearse': call({ token, typed }).returns<undefined>(),
  /** Adds what is not here. Goes on after a restart. */
  'restore.start': call({ token, typed }).returns<undefined>(),
  /** Stops such a work, or puts away what it came to. */
  'restore.cancel': call({}).returns<undefined>(),
} as const
