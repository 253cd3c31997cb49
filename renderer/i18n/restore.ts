import type { BackupHolds, Conversation, Rehearsal, Restore } from '../../preload/api.ts'
import { conjunction, count, numbers, people, size } from './grammar.ts'
import { ahead, date, dayMs } from './time.ts'

/** As often as main/chat/recovery.ts asks. */
const askedLimit = 20

const period = ({ from, to }: BackupHolds): string =>
  date(from) === date(to) ? `All from ${date(from)}` : `From ${date(from)} to ${date(to)}`

/** Coming back with nothing but the 24 words, and what else they can do. */
export const restoreWords = {
  offer: 'I have my 24 words',
  title: 'Come back with the 24 words',
  text: 'The words bring your account back to this computer, as a new device of yours, and the others let it into your chats.',
  wait: 'As long as one of your older devices is still in a chat, the others wait a day before they let the new one in: ' +
    'so that nobody who finds your paper can take your place unseen.',
  past: 'What was said before is not in the words: it comes back from a device that you still have.',
  words: 'The 24 words', hint: 'In order, with spaces between them. Numbers and commas do not matter.',
  missing: 'All 24 words are needed.',
  unknown: (positions: string) => `Not in the list of words: ${conjunction.format(positions.split(' ')
    .map((position) => `word ${position}`))}. Look at your paper again.`,
  name: 'What this computer is called', nameHint: 'Your other devices and the people you talk with see it.',
  nameMissing: 'Give this computer a name.', thisComputer: 'My computer',
  restore: 'Bring my account back', busy: 'Looking for your account…',
  // A backup on a new computer.
  offerBackup: 'I have a backup', backupTitle: 'Restore a backup',
  backupText: 'What was said comes out of the backup. Your account, and a place in your chats, come back by the 24 words.',
  aside: (name: string) => `What was here before is kept as “${name}”. To look into it later, start Coppice with ` +
    `--profile "${name}".`,
  alsoWords: 'The 24 words of the account',
  choose: 'Choose a file…', chooseFolder: 'A folder of backups…', other: 'Choose another one…',
  chosen: (name: string, bytes: number) => `“${name}”, ${size(bytes)}`,
  none: 'Choose a backup first.', passphrase: 'Passphrase of the backup', passphraseMissing: 'The passphrase is missing.',
  // Without the words.
  wordless: 'I do not have the 24 words',
  readOnly: 'Only read what was said',
  wordlessText: 'Only what was said comes back, to be read.',
  wordlessFacts: [
    'You get a new account. The chats of the backup are there to read and to search, and nothing can be written in them.',
    'To the people you talk with you are somebody new: invite them again, and compare the safety numbers again.',
    'Groups do not come back by themselves: somebody in each has to add you.',
    'If another computer of yours still has the account, link this one to it instead. Then all of it comes back.',
  ],
  restoreWordless: 'Read it with a new account',
  pastOnly: (kind: Conversation['kind']) => 'This is what your backup had. You are not in this chat with this account: ' +
    (kind === 'group' ? 'somebody in it has to add you.' : 'begin a new one by an invite.'),
  restoreBackup: 'Restore it', restoringBusy: 'Opening the backup…',
  // Looking into one, on the page of backups.
  lookTitle: 'Is a backup good?',
  lookText: 'Checking reads all of it and changes nothing. Trying it out restores it beside your chats, compares, and deletes ' +
    'it again. Taking it in adds what is not here.',
  check: 'Check it', rehearse: 'Try it out', take: 'Take it in', stop: 'Stop', done: 'Put away',
  going: (restore: Restore): string => ({
    checking: 'Checking the backup', rehearsing: 'Trying the backup out', restoring: 'Bringing back what was said',
  } as const)[restore.at as 'checking'],
  percent: ({ done, of }: { readonly done: number, readonly of: number }) => `${String(of === 0 ? 0 : Math.floor(100 * done / of))} %`,
  left: (leftMs: number) => leftMs < 5_000 ? '' : leftMs < 90_000 ? `About ${String(Math.ceil(leftMs / 10_000) * 10)} seconds left.`
    : `About ${String(Math.round(leftMs / 60_000))} minutes left.`,
  good: 'This backup is whole.',
  holds: (holds: BackupHolds) => [
    `Made ${date(holds.madeAt)}, of the account of ${holds.name}: ${count(holds.messages, 'message')} in ` +
      `${count(holds.conversations, 'chat')} with ${people(holds.people)}, ${count(holds.files, 'attachment')}.`,
    holds.messages === 0 ? '' : `${period(holds)}, ${size(holds.bytes)}.`,
    holds.missingFiles === 0 ? '' : `${count(holds.missingFiles, 'attachment was', 'attachments were')} not on the computer that made it.`,
  ].filter((line) => line !== ''),
  rehearsed: ({ same, differing, missingHere, conversationsMissingHere, missingThere, newer }: Rehearsal) => [
    `${count(same, 'message')} ${same === 1 ? 'is' : 'are'} the same here and there.`,
    missingHere === 0 ? 'It has nothing that is not here.'
      : `It would bring back ${count(missingHere, 'message')} in ${count(conversationsMissingHere, 'chat')}.`,
    missingThere === 0 ? 'Nothing that is here is missing in it.'
      : `${count(missingThere, 'message')} that ${missingThere === 1 ? 'is' : 'are'} here ${missingThere === 1 ? 'is' : 'are'} ` +
        `not in it; ${newer === missingThere ? 'all of them came' : `${numbers.format(newer)} came`} after it was made.`,
    differing === 0 ? '' : `${count(differing, 'message')} ${differing === 1 ? 'differs' : 'differ'}.`,
  ].filter((line) => line !== ''),
  restored: (added: number) => added === 0 ? 'Everything in it was here already.' : `${count(added, 'message')} came back.`,
  // Afterwards.
  back: (back: number, of: number) => `Back in ${numbers.format(back)} of ${count(of, 'chat')}.`,
  backAll: (of: number) => of === 1 ? 'Back in your chat.' : `Back in all ${count(of, 'chat')}.`,
  backText: 'The others are asked to let this computer in. This goes on by itself, also after a restart.',
  old: 'Is your old computer gone? Remove it, so that whoever finds it cannot read on.', oldAction: 'Look at your devices',
  showWaits: 'What is it waiting for?', hideWaits: 'Hide',
  notIn: 'not let in yet', panel: 'Who can read here, and with which keys, is known when this computer is let in.',
  isNew: 'This computer is new in this chat.',
  until: 'What is said before it is let in does not reach it; what you write waits here and goes out by itself.',
  /** What keeps a chat from letting this computer in. `hasElder`: an older device of this person may say no. */
  waits: ({ since, asked }: NonNullable<Conversation['recovering']>, hasElder: boolean, now: number): string => {
    if (asked === 0) return 'Nobody could be asked yet.'
    if (asked >= askedLimit) return 'Nobody has answered, and it was asked for the last time. Ask somebody in it to invite you.'
    if (hasElder && now < since + dayMs) {
      return `The others wait until ${ahead(since + dayMs, now)}, because an older device of yours may say that this is not you. ` +
        'Say there that it is, and it is at once.'
    }
    return `Nobody who can let it in has been there yet. Asked ${asked === 1 ? 'once' : `${numbers.format(asked)} times`} so far.`
  },
}

/** What its codes mean to a person: part of codes.ts. */
export const restoreCodes = {
  'backup-other': 'This backup is of another account, so it cannot be taken in here. Nothing was changed. To read it, restore ' +
    'it in a profile of its own.',
} as const
