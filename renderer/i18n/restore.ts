import { conjunction } from './grammar.ts'

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
}

/** What its codes mean to a person: part of codes.ts. */
export const restoreCodes = {
  'backup-other': 'This backup is of another account, so it cannot be taken in here. Nothing was changed. To read it, restore ' +
    'it in a profile of its own.',
} as const
