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
  'backup-changed': 'A message was deleted while the backup was made, so nothing of it was kept. Make it again.',
  'backup-words': 'This computer does not know the key of your 24 words any more. Type them in once, and it will.',
  'backup-running': 'A backup is being made. Wait until it is done, or cancel it.',
  'backup-foreign': 'The backups in this folder are of another account. Nothing was changed; choose another folder.',
} as const
