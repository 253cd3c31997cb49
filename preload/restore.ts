/** The vocabulary of reading backups: checking them, trying them out, and taking them in (api.ts). This file imports nothing. */

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
  | { readonly at: 'failed', readonly code: string, readonly detail?: string }
  | { readonly at: 'none' }
