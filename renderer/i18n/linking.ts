/** Linking a device: what each step asks, what it gives away, and why it ended. */
import type { HistoryRange, Link, LinkFailure, LinkRole, Progress } from '../../preload/api.ts'
import { count, numbers } from './grammar.ts'

const of = ({ done, of: all }: Progress): string => `${numbers.format(done)} of ${numbers.format(all)}`

/** "about 4 minutes": nobody waits by the second. */
const left = (leftMs: number): string => {
  if (leftMs < 60_000) return 'less than a minute left'
  const minutes = Math.round(leftMs / 60_000)
  return minutes < 90 ? `about ${count(minutes, 'minute')} left` : `about ${count(Math.round(minutes / 60), 'hour')} left`
}

/** What happened, that nothing is lost, what comes next. */
const failureWords = (why: LinkFailure, role: LinkRole): string => {
  const other = role === 'elder' ? 'the new computer' : 'the computer that has your account'
  switch (why) {
    case 'expired': return 'The code was shown for too long, so it no longer works. Start again and read the new one.'
    case 'malformed': return 'This is not a whole linking code. Copy all of it, from the first character to the last.'
    case 'newer': return 'This code was made by a newer Coppice. Update this app, then start again.'
    case 'invite': return 'This is an invite to talk with somebody. It links nothing. On the other computer, open ' +
      'Settings, Devices, and show a linking code there.'
    case 'used': return 'Somebody else has read this code before. If that was not one of your own computers, somebody ' +
      'saw your screen. Nothing was given away. Start again, where nobody looks on.'
    case 'role': return role === 'elder'
      ? 'The other computer has an account too. Only one that has none yet can be linked: make a new profile there.'
      : 'The other computer has no account yet either. Make one there first, or read the code of one that has it.'
    case 'tampered': return 'What arrived did not come from the other computer: something in between changed it. ' +
      'Nothing was given away. Start again, and if it happens again, use another network.'
    case 'digits': return 'The digits were different. There is one attempt only, because they prove that nobody stands ' +
      'in between. Nothing was given away. Start again with a new code.'
    case 'refused': return role === 'elder'
      ? 'On the new computer somebody said that this is not their account. It is being removed from yours.'
      : 'On the other computer somebody said no. Nothing was linked.'
    case 'gone': return `No answer from ${other}. Nothing was given away. See that both are on and connected, then ` +
      'start again.'
    case 'no-right': return 'This computer may not link others yet. Use the one that you have had for longer, or give ' +
      'this one the right there: Settings, Devices.'
    case 'chain': return 'The account that arrived does not hold together, so it was not taken. Nothing is lost. ' +
      'Start again; if it happens again, somebody may be tampering with it.'
    case 'revoked': return role === 'elder'
      ? 'The new computer was removed from your account while it was being linked.'
      : 'This computer was removed from the account while it was being linked. Ask on the other one why.'
    case 'elsewhere': return 'The other computer keeps its messages in another place, which this one does not use. ' +
      'Set up the same place on both, then start again.'
  }
}

/** The heading of each step. */
const titleOf = (link: Link): string => {
  switch (link.at) {
    case 'showing': return link.role === 'elder' ? 'Read this with the new computer' : 'Read this with the other computer'
    case 'connecting': return 'Finding each other'
    case 'digits': return link.role === 'elder' ? 'Type these on the new computer' : 'Type the ten digits'
    case 'confirm': return `Link “${link.device}”?`
    case 'waiting': return 'Look at the other computer'
    case 'recognise': return 'Is this you?'
    case 'joining': return link.role === 'elder' ? `“${link.device}” is coming in` : 'Getting your chats'
    case 'done': return link.role === 'elder' ? `“${link.device}” is linked` : 'You are here too'
    case 'failed': return 'It was not linked'
  }
}

const history: Readonly<Record<HistoryRange, { readonly label: string, readonly text: string }>> = {
  none: { label: 'Nothing', text: 'Only what is said from now on.' },
  month: { label: 'The last 30 days', text: 'Messages of the last 30 days.' },
  all: { label: 'Everything', text: 'All messages that this computer has.' },
}

/** On the other screen it was chosen; here it is told. */
const came: Readonly<Record<HistoryRange, string>> = {
  none: 'nothing of the past comes along.', month: 'the messages of the last 30 days come along.', all: 'all messages come along.',
}

const hereIs: Readonly<Record<HistoryRange, string>> = {
  none: 'Nothing of the past came along, as was chosen on the other computer.', month: 'The messages of the last 30 days are here.',
  all: 'All messages of the other computer are here.',
}

export const linkingWords = {
  title: titleOf, failure: failureWords, history, left,
  start: 'Link a device', startTitle: 'Link a device',
  startText: 'Have both computers in front of you. One shows a code, the other reads it. It takes about a minute.',
  show: 'Show a code here', showText: 'The other computer reads it from this screen.',
  read: 'Read the code of the other one', readText: 'With a camera, from a picture, or pasted as text.',
  wordsFirst: 'First put your 24 recovery words on paper: they are the way back if both computers are lost.',
  wordsAction: 'Write them down',
  onOther: { elder: 'On the new computer choose “I use Coppice on another computer already”.',
    new: 'On the computer that has your account, open Settings, Devices, “Link a device”.' },
  paste: 'Or paste its text', pasteHint: 'It begins with “coppicelink”.', take: 'Go on', pasteMissing: 'Paste the code first.',
  pictureLabel: 'Linking code as a QR code', code: 'Linking code', copy: 'Copy',
  codeNote: 'Show it to nobody else, and send it to nobody.',
  countdown: (seconds: number) =>
    `Good for ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`,
  over: 'This code is over.', newCode: 'New code', startAgain: 'Start again',
  connecting: 'The two computers agree on keys that nobody else has. A moment…',
  digitsShown: 'They prove that nobody stands between the two computers. Do not read them to anybody.',
  digitsLabel: 'Ten digits', digitsHint: 'From the screen of the other computer. You have one attempt.',
  digitsMissing: 'All ten digits are needed.', digitsOne: 'Wrong digits end it, and you start again with a new code.',
  compare: 'Go on',
  gives: (device: string) => `“${device}” will be able to`,
  platform: (platform: string) => platform === '' ? 'It did not say what kind of computer it is.' : `A computer with ${platform}.`,
  can: ['read everything that is said from now on, in all your chats', 'write in your name'],
  cannot: 'but not link or remove devices, until you give it that right',
  seen: 'Everybody in your chats sees that you linked it.',
  phisher: 'Did somebody ask you to do this? Then stop.',
  phisherText: 'Nobody needs this from you: no support, no bank, no employer. Link only a computer that stands before you.',
  historyTitle: 'What it gets of the past',
  confirm: (device: string) => `Link ${device}`, stop: 'Stop',
  waiting: 'Read the page there, and say yes. This page goes on by itself.',
  account: 'Account number', devices: 'Devices of this account',
  recogniseText: 'The same as on the other computer: Settings, Devices shows it there.',
  isMe: 'This is me', notMe: 'This is not me',
  hereIs, chosenThere: (range: HistoryRange) => `Chosen on the other computer: ${came[range]}`, pastSoon: 'begins soon',
  chats: 'Chats', past: (range: HistoryRange | undefined) => range === undefined || range === 'none' ? 'History' : `History: ${range === 'all' ? 'everything' : 'the last 30 days'}`, of, joined: (groups: Progress) => `In ${of(groups)} chats`,
  joiningText: { elder: 'It goes on by itself, also when you close this. Leave both computers on.',
    new: 'You can write as soon as a chat is there. It goes on by itself, also when you close this. Leave both computers on.' },
  hide: 'Close, it goes on', stopJoining: 'Stop and undo…', stopAction: 'Stop and undo',
  stopTitle: { elder: (device: string) => `Take “${device}” out again?`, new: () => 'Take this computer out again?' },
  stopText: {
    elder: 'It is removed from all chats that it is in already, and everybody sees it. What it has read stays on it. ' +
      'To use it, link it anew.',
    new: 'It is removed from all chats that it is in already, and what came here is deleted from this computer. ' +
      'Nothing is lost on the other one. To use this one, link it anew.',
  },
  cancel: 'Cancel', cancelled: 'Linking was cancelled. Nothing is left of it.',
  doneText: { elder: 'Your chats now show that you linked it.', new: 'Your chats now show that this computer came in.' },
  nextRight: 'It may not link or remove devices. After a week you can give it that right under Settings, Devices.',
  nextKeys: 'It made keys of its own, and none of yours were copied: so it can be removed at any time.',
  undo: 'That was not me: remove it', undone: (device: string) => `“${device}” is being removed from all chats.`,
  openChats: 'Open my chats',
  banner: (groups: Progress) => `Linking goes on: ${of(groups)} chats`, bannerShow: 'Show',
  here: 'I use Coppice on another computer already',
  hereTitle: 'Link this computer',
  hereText: 'Your account stays on the other one and comes here too. Have it in front of you.',
  computer: 'Name of this computer', computerHint: 'For example: Laptop, or Desk at home. Your other devices show it.',
  computerMissing: 'A name is needed, to know it apart.',
  ownAccount: 'Make a new account instead',
  working: 'Working…',
} as const
