/** Whom one talks with: safety numbers, what changed about somebody, and the own invites. */
import type { ChangeReason, MadeInvite, ResultOf, Safety, Trust } from '../../preload/api.ts'
import { count } from './grammar.ts'
import { ago, clock, date, moment } from './time.ts'

/** As a fact in a chat: what happened, and that nothing goes out. */
export const changedFact: Readonly<Record<ChangeReason, (who: string) => string>> = {
  recovery: (who) => `${who} replaced the recovery key. Nothing is sent until you have looked at it.`,
  equivocation: (who) => `A device of ${who} contradicts itself: its keys may be stolen. ` +
    'Nothing is sent until you have looked at it.',
  split: (who) => `Devices of ${who} contradict each other: somebody may be in between. ` +
    'Nothing is sent until you have looked at it.',
  certificate: (who) => `A key that ${who} took back made a device of theirs: it was stolen. ` +
    'Nothing is sent until you have looked at it.',
  replaced: (who) => `You said that ${who} is a new account of somebody you know. Nothing is sent until you have ` +
    'compared safety numbers.',
}

/** What it may mean, and what to ask before going on. */
const changedText: Readonly<Record<ChangeReason, (name: string) => string>> = {
  recovery: (name) => `${name}’s recovery key was replaced by another one. Whoever has that key rules the account. ` +
    `Ask ${name}, not in this chat, whether they did this themselves.`,
  equivocation: (name) => `One of ${name}’s devices has signed two different histories of the account. ` +
    `An honest device never does: its keys may be stolen. Ask ${name}, not in this chat, to remove that device.`,
  split: (name) => `${name}’s devices tell of different histories of the account. Somebody who carries your messages may ` +
    `show each of you another one. Ask ${name}, not in this chat, which devices they have.`,
  certificate: (name) => `A device was added to ${name}’s account by a key that ${name} had taken back. It is not theirs, ` +
    `and is removed from your groups as soon as somebody commits. Ask ${name}, not in this chat, which devices they have.`,
  replaced: (name) => `You said that this is a new account of ${name}. Anybody can call themselves so. ` +
    'Compare the safety number with them before you write.',
}

/** Beside a name: short, and never colour alone. */
const badge: Readonly<Record<Trust, string>> = { new: 'not compared', verified: 'verified', changed: 'changed' }

const compared: Readonly<Record<ResultOf<'person.compare'>, (name: string) => string>> = {
  match: (name) => `The codes match. You talk with ${name}, and nobody stands in between.`,
  differs: (name) => `The codes do not match. Either this is the code of another chat, or somebody stands between you ` +
    `and ${name}. Nothing was changed. Read the number to each other, and write nothing that matters until it agrees.`,
  own: (name) => `This is the code on your own screen. Read the one on ${name}’s.`,
  linking: () => 'This is a code that links a device to your account, which could then read your messages. It is not for ' +
    'comparing, and nothing was changed. Whoever had you read it means you no good.',
  malformed: () => 'This is not the code of a safety number. Read the one on the page with the twelve groups of digits.',
  newer: () => 'This code was made by a newer Coppice. Update this app, then read it again.',
}

const stateText = ({ trust, since, byInvite, name }: Safety, now: number): string => {
  if (trust === 'verified') return `You marked ${name} as verified ${since === 0 ? 'before' : ago(since, now)}.`
  if (trust === 'changed') return ''
  return byInvite
    ? `Not compared yet. You met by an invite of ${name}: it is as sure as the way on which it came to you.`
    : `Not compared yet. Until you do, only the name says that this is ${name}.`
}

export const safetyWords = {
  title: (name: string) => `Safety number with ${name}`,
  open: (name: string) => `Safety number with ${name}`, openShort: 'Safety number',
  badge, state: stateText, changedText, compared,
  people: 'Who this is',
  looking: 'Computing the number…',
  number: 'The number', numberLabel: (name: string) => `The safety number of you and ${name}`,
  aloud: (name: string) => `Meet or call each other. ${name} opens this page too and reads the number aloud; you follow it ` +
    'here with your eyes. All twelve groups must be the same.',
  onceText: 'It stays the same when either of you gets another device, so once is enough.',
  code: 'Or let a camera compare', codeText: (name: string) => `Read the code on ${name}’s screen, and let them read this one.`,
  picture: (name: string) => `Code of the safety number with ${name}`,
  mark: 'They are the same: mark as verified', takeBack: 'Take the mark back',
  markChanged: 'I am sure: mark as verified', goOn: 'Go on without comparing',
  changedTitle: (name: string) => `Something changed about ${name}`,
  bar: (why: ChangeReason | undefined, name: string) => changedFact[why ?? 'split'](name),
  barAction: 'Look at it', held: 'waiting',
  byInvite: (name: string) => `Met by ${name}’s invite`,
  since: (at: number, now: number) => moment(at, now),
  namesake: (name: string) => `You know a ${name} by another account. Anybody can call themselves so: before you go on, ` +
    'compare the safety number, or ask them on another way.',
  replaces: 'Is this a new account of somebody you know?',
  replacesText: 'Then nothing is sent to it until you have compared the number.',
  replacesPick: 'Known by another account', replacesNone: 'Nobody', replacesAction: 'It replaces that account',
} as const

const inviteState = ({ withdrawn, expiresAt }: MadeInvite, now: number): string => {
  if (withdrawn) return 'Withdrawn: nobody can come by it any more.'
  return expiresAt <= now ? `Over since ${date(expiresAt)}.` : `Good until ${date(expiresAt)} ${clock(expiresAt)}.`
}

export const invitesWords = {
  title: 'Your invites', all: 'All your invites',
  text: 'Whoever holds one can ask to talk with you, and is shown as coming by it; you still decide.',
  made: (at: number, now: number) => `Made ${moment(at, now)}`,
  uses: (amount: number) => amount === 0 ? 'Nobody has come by it' : `${count(amount, 'chat')} came by it`,
  state: inviteState, none: 'No invites yet.',
  make: 'Make another', making: 'Making an invite…', show: 'Show', copy: 'Copy',
  withdraw: 'Withdraw', withdrawLabel: (made: string) => `Withdraw: ${made}`, showLabel: (made: string) => `Show: ${made}`,
  ask: 'Withdraw this invite?',
  askText: 'Whoever holds it can no longer show that they got it from you. Chats that came by it stay.',
} as const
