/** Closing the account for ever: what it does, how far it is, what others read of it. */
import type { Closing } from '../../preload/api.ts'
import { count, numbers, subject, type Naming } from './grammar.ts'

export const closedFact = (who: string, naming: Naming): string =>
  who === naming.own ? 'You closed this account.' : `${subject(who, naming)} closed this account.`

/** What is done now, for as long as it takes. */
const doing = ({ at, done, of }: Closing): string => {
  switch (at) {
    case 'waiting': return 'Looking whether everybody can be reached. Until then nothing is done.'
    case 'telling': return of === 0 ? 'Nobody has to be told.' : `${numbers.format(done)} of ${count(of, 'chat')} told`
    case 'leaving': return of === 0 ? 'No chat has to be left.' : `${numbers.format(done)} of ${count(of, 'chat')} left`
    case 'closing': return 'Every device is taken back, and the account ends.'
    case 'deleting': return 'Deleting this profile.'
  }
}

export const closingWords = {
  settings: 'Close the account', settingsText: 'Ends it everywhere and for ever, on all your devices.',
  settingsAction: 'Close…', settingsLabel: 'Close… (the account)',
  title: 'Close this account for ever?',
  points: [
    'Everybody in your chats is told, and you leave all of them, also those that you are an admin of.',
    'All your devices stop. What was said stays on the others to read; on this computer everything is deleted.',
    'The 24 words open nothing any more, and no invite leads to you. Nobody can undo it, not even you.',
    'What others have on their devices stays there.',
  ],
  elder: 'This computer has no right over all your devices. The 24 words give it that; or close the account on the ' +
    'computer that came first.',
  words: 'Your 24 words', wordsHint: 'The devices that came before this one are taken back with them first.',
  name: (name: string) => `Type “${name}” to go on`,
  action: 'Close for ever', busy: 'Beginning…',
  pageTitle: 'This account is being closed', doing,
  steps: [
    { at: 'telling', text: 'Tell everybody' }, { at: 'leaving', text: 'Leave all chats' },
    { at: 'closing', text: 'Take back all devices' }, { at: 'deleting', text: 'Delete this profile' },
  ] satisfies readonly { readonly at: Closing['at'], readonly text: string }[],
  isDone: 'done', isNow: 'now', isNext: 'to come',
  away: 'Nobody can be reached right now. It goes on by itself as soon as that changes, also after a restart.',
  keep: 'Keep the account', kept: 'The account stays as it was. Nothing was done.',
  noReturn: 'This cannot be stopped any more. You may close the window; it goes on at the next start.',
  gone: (name: string) => `${name} closed this account, so nobody would read what you write. What was said stays here.`,
  listed: 'Closed the account',
  export: 'Export what was said…',
  ownTitle: 'This account was closed',
  ownText: 'It was closed on another of your devices, for ever. What was said until then stays here to read. Nothing is ' +
    'sent or received any more, and nothing brings the account back.',
} as const
