/** The words of backups: the page in the settings, and what the codes mean. */
import type { BackupFolder, BackupRhythm, BackupRun, BackupStatus } from '../../preload/api.ts'
import { size } from './grammar.ts'
import { ago, date } from './time.ts'

/** What its codes mean to a person: part of codes.ts. */
export const backupCodes = {
  'backup-malformed': 'This is no whole backup of Coppice: a part of it is missing or was changed. ' +
    'Nothing on this computer was changed. Try another copy of it.',
  'backup-newer': 'This backup was made by a newer Coppice. Update this app, then open it again.',
  'backup-key': 'This does not open the backup. Nothing is lost: try the passphrase or the words it was made with.',
  'backup-space': 'There is not enough room on this disk for the backup. What was there before is still there.',
  'backup-place': 'This place cannot be used: it is gone, or may not be written or read. Nothing was changed; ' +
    'choose another one, or connect the disk.',
  'backup-cancelled': 'The backup was stopped, and nothing of it is left.',
  'backup-changed': 'A message was deleted while the backup was made, so nothing of it was kept. Make it again.',
  'backup-words': 'This computer does not know the key of your 24 words any more. Type them in once, and it will.',
  'backup-running': 'A backup is being made. Wait until it is done, or stop it.',
  'backup-foreign': 'The backups in this folder are of another account. Nothing was changed; choose another folder.',
} as const

const rhythms: Readonly<Record<BackupRhythm, string>> = { off: 'Off', daily: 'Every day', weekly: 'Every week' }

const left = (leftMs: number): string => {
  if (leftMs < 5_000) return ''
  if (leftMs < 90_000) return ` · about ${String(Math.ceil(leftMs / 10_000) * 10)} seconds left`
  return ` · about ${String(Math.round(leftMs / 60_000))} minutes left`
}

const made = ({ madeAt, bytes }: Pick<BackupFolder, 'madeAt' | 'bytes'>, now: number): string =>
  madeAt === 0 ? 'No backup yet.' : `Last backup ${ago(madeAt, now)} (${date(madeAt)}), ${size(bytes)} in all.`

/** What a person should know of their backups, if anything. */
const reminder = ({ folder }: BackupStatus, code: (folder: BackupFolder) => string): string | undefined => {
  if (folder?.failed !== undefined) return `The last backup came to nothing. ${code(folder)}`
  return folder?.overdue === true ? 'A backup is overdue. Connect its disk, or make one now.' : undefined
}

/** About how many guesses a passphrase stands, by what it is made of; told as a word. */
export const strengthOf = (passphrase: string): 'weak' | 'fair' | 'strong' => {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(passphrase)).length
  const words = passphrase.split(/[\s.,_-]+/).filter((word) => word.length >= 3)
  // A word of a language tells about 11 bits, a sign that nobody chose about 5; repeated ones tell nothing.
  const signs = new Set(passphrase).size
  const bits = Math.min(new Set(words).size >= 3 ? 11 * new Set(words).size : 2.2 * passphrase.length + 3 * kinds, 3.5 * signs)
  return bits < 40 ? 'weak' : bits < 55 ? 'fair' : 'strong'
}

export const backupWords = {
  title: 'Backups',
  text: 'A backup brings back what was said, on any computer. It is sealed, and holds no key to your chats: ' +
    'to be back in them takes your 24 words or another device.',
  settings: 'Backups', show: 'Show…', settingsAction: 'Show… (the backups)',
  settingsText: (status: BackupStatus, now: number) => {
    if (status.folder !== undefined) return made(status.folder, now)
    return status.file === undefined ? 'None was made. What is only on this computer can be lost.'
      : `Last one saved ${ago(status.file.madeAt, now)}.`
  },
  made, rhythms, reminder,
  progress: ({ done, of }: BackupRun) => `${String(of === 0 ? 0 : Math.min(100, Math.floor(100 * done / of)))} %`,
  running: (run: BackupRun) => `${size(run.done)} of about ${size(run.of)} written${left(run.leftMs)}`,
  runningTitle: { file: 'Saving a backup', folder: 'Making a backup', plain: 'Exporting' },
  cancel: 'Stop', isCancelled: 'Stopped. Nothing of it is left.',

  folderTitle: 'A folder that grows',
  folderText: 'On another disk, or one that a cloud keeps: each backup adds only what is new. Seven days and four weeks are kept.',
  chooseFolder: 'Choose a folder…', chosen: (name: string) => `Folder “${name}”`,
  noPlace: 'its place is not known any more',
  keep: 'Use this folder', now: 'Back up now', forget: 'Stop using it',
  forgetTitle: 'Stop backing up into this folder?', forgetText: 'What is in it stays, and can still be opened.',
  forgotten: 'No more backups go into that folder.', isMade: (bytes: number) => `Backed up: ${size(bytes)} were new.`,
  rhythm: 'How often',
  holds: { words: 'There are backups in it already. Your 24 words open them, so that this computer can add to them.',
    passphrase: 'There are backups in it already. Their passphrase opens them, so that this computer can add to them.' },

  fileTitle: 'One file', fileText: 'Everything at once, to put away.',
  fileMade: (at: number, bytes: number, now: number) => `Last one ${ago(at, now)}, ${size(bytes)}.`,
  saveFile: 'Save a backup…', isSaved: (bytes: number) => `Saved: ${size(bytes)}.`,

  opensWith: 'What opens it', withWords: 'Your 24 words', withPassphrase: 'A passphrase',
  passphrase: 'Passphrase', passphraseHint: 'At least four words that only chance would put together.', repeat: 'Repeat passphrase',
  strength: {
    weak: 'This would be guessed in days: whoever has the backup can try as fast as their machines can.',
    fair: 'This holds against most people. One more word would be better.', strong: 'This is hard to guess.',
  },
  words: 'Your 24 words', wordsMissing: 'All 24 words are needed.', learn: 'Remember for backups',
  learnText: 'This computer has forgotten what seals a backup to your 24 words, or never knew. Type them in once; ' +
    'only the part that seals is kept, which opens nothing.',
  learned: 'From now on your 24 words open the backups.',

  plainTitle: 'For anybody to read',
  plainText: 'A page for any browser, or JSON Lines for programs. It is not sealed.',
  what: 'What', all: 'All chats', format: 'As', html: 'One page (HTML)', jsonl: 'JSON Lines',
  exportPlain: 'Export…', plainSure: 'Export what anybody can read?',
  plainSureText: 'Whoever gets this file reads everything in it: the other people’s words too. Messages that expire are left out. ' +
    'Keep it where only you can reach it, and delete it when you do not need it any more.',
  plainAction: 'Export', isExported: (bytes: number) => `Exported: ${size(bytes)}. Anybody who gets this file can read it.`,
  banner: 'Backups…',
}
