/** The words of backups. */

/** What its codes mean to a person: part of codes.ts. */
export const backupCodes = {
  'backup-malformed': 'This is no whole backup of Coppice: a part of it is missing or was changed. ' +
    'Nothing on this computer was changed. Try another copy of it.',
  'backup-newer': 'This backup was made by a newer Coppice. Update this app, then open it again.',
  'backup-key': 'This does not open the backup. Nothing is lost: try the passphrase or the words it was made with.',
  'backup-space': 'There is not enough room on this disk for the backup. What was there before is still there.',
  'backup-place': 'This place cannot be used: it is gone, or may not be written or read. Nothing was changed; ' +
    'choose another one, or connect the disk.',
  'backup-cancelled': 'The backup was cancelled, and nothing of it is left.',
} as const
