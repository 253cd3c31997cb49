/**
 * Every word that a person reads in the window, in one folder. What happened, whether anything is lost, what comes next; the technical
 * name is one click deeper. Nothing here says "error", "failed to decrypt" or "unknown".
 */
import { backupWords } from './backup.ts'
import type { Conversation, Entry, ErrorCode, Fact, IdleDevice, Me, MessageState, Person } from '../../preload/api.ts'
import { codeWords, reasonOf, stoppedTitle } from './codes.ts'
import { closedFact, closingWords } from './closing.ts'
import { devicesWords, keepWords } from './devices.ts'
import { deletedFact, expiryWords, timerFact } from './expiry.ts'
import {
  capital, conjunction, count, devices, numbers, object, people, possessive, size, subject, type Naming,
} from './grammar.ts'
import { linkingWords } from './linking.ts'
import { readerWords } from './reader.ts'
import { restoreWords } from './restore.ts'
import { returnedWords } from './returned.ts'
import { changedFact, invitesWords, safetyWords } from './safety.ts'
import { ago, clock, date, day, dayMs, moment } from './time.ts'
import { updateWords } from './updates.ts'

/** What a fact says, with what it means for who can read. */
const factWords = (fact: Fact, amount: number, naming: Naming): string => {
  const readers = amount > 0 ? ` ${capital(devices(amount))} can read from here on.` : ''
  switch (fact.fact) {
    case 'created': return `${subject(fact.by, naming)} started this chat.${readers}`
    case 'joined': return fact.by === naming.own
      ? `You joined.${readers}` : `${subject(fact.by, naming)} let you in.${readers}`
    case 'added': return `${subject(fact.by, naming)} added ${object(fact.who, naming)}.${readers}`
    case 'removed': return `${subject(fact.by, naming)} removed ${object(fact.who, naming)}.${readers}`
    case 'left': return `${subject(fact.who, naming)} left.${readers}`
    case 'renamed': return `${subject(fact.by, naming)} named this group “${fact.name}”.`
    case 'accepted': return fact.who === naming.own
      ? 'You accepted.' : `${subject(fact.who, naming)} accepted. You can talk now.`
    case 'returned': return fact.who === naming.own
      ? `${subject(fact.by, naming)} let ${fact.device === undefined ? 'this device' : ownDevice(fact.device)} back in.${readers}`
      : `${subject(fact.by, naming)} let a device of ${object([fact.who], naming)} back in.${readers}`
    case 'dropped': return droppedWords(fact, readers, naming)
    case 'moved': return `${subject(fact.by, naming)} moved this chat to a new place, because the old one was filled ` +
      `with rubbish. Nothing is lost.${readers}`
    case 'continued': return continuedWords(fact, readers, naming)
    case 'linked': return `${subject(fact.who, naming)} linked ${aDevice(fact.device)}.${readers}`
    case 'revoked': return revokedWords(fact, readers, naming)
    case 'closed': return closedFact(fact.who, naming)
    case 'deleted': return deletedFact(fact, naming)
    case 'timer': return timerFact(fact, naming)
    case 'changed': return changedFact[fact.why](subject(fact.who, naming))
  }
}

/** The first device of an account has no name that others know. */
const aDevice = (name: string): string => name === '' ? 'a device' : `“${name}”`
const ownDevice = (name: string): string => name === '' ? 'your first device' : `your device “${name}”`

/** Somebody asks in this person's name. */
const askingWords = ({ device, until }: NonNullable<Conversation['asking']>[number], now: number): string =>
  `${capital(ownDevice(device))} asks to be let back into this chat, which happens ` +
    `${until <= now ? 'now' : `in ${minutes(until - now)}`}.`
const minutes = (ms: number): string => count(Math.max(1, Math.ceil(ms / 60_000)), 'minute')

/** A device is taken back by its person; whoever is there first puts that into effect. */
const revokedWords = ({ by, who, device }: Extract<Fact, { fact: 'revoked' }>, readers: string, naming: Naming): string => {
  const own = possessive(who, naming)
  if (by === who) return `${subject(by, naming)} removed ${aDevice(device)}, one of ${by === naming.own ? own : 'their'} devices.${readers}`
  return `${capital(own)} device ${device === '' ? '' : `“${device}” `}was taken back, and ` +
    `${by === naming.own ? 'you' : naming.nameOf(by)} removed it here.${readers}`
}

/** Taken out because it was silent: who is absent then comes back without anybody's help. */
const droppedWords = ({ by, who, absent }: Extract<Fact, { fact: 'dropped' }>, readers: string, naming: Naming): string => {
  if (!absent) return `${subject(by, naming)} took out a device of ${who === naming.own ? 'yours' : naming.nameOf(who)} that was silent.${readers}`
  if (who === naming.own) return `${subject(by, naming)} took out this device, because it was silent for long.`
  return `${subject(by, naming)} took out ${possessive(who, naming)} silent device.${readers} ` +
    `${subject(who, naming)} can come back by using it.`
}

const continuedWords = (
  { by, without }: Extract<Fact, { fact: 'continued' }>, readers: string, naming: Naming,
): string => {
  if (without === undefined) return `${subject(by, naming)} let you into the chat that goes on in place of this one.${readers}`
  return `A change by ${object([without], naming)} gave nobody else the new keys. ${subject(by, naming)} went on with ` +
    `everybody else. Nothing is lost.${readers}`
}

/** What is missing, whether it is lost, what comes next. */
const gapWords = (gap: Extract<Entry, { kind: 'gap' }>, naming: Naming): string => {
  const from = gap.from === undefined ? '' : ` from ${object([gap.from], naming)}`
  const who = gap.from === undefined ? 'the sender' : object([gap.from], naming)
  const some = capital(`${count(gap.count, 'message')}${from}`)
  const one = gap.count === 1
  switch (gap.reason) {
    case 'before-joined':
      return `${some} ${one ? 'was' : 'were'} sent before you joined. Only those who were here then can read ` +
        `${one ? 'it' : 'them'}.`
    case 'epoch-too-old':
      return `${some} came too late: the keys are already deleted. Ask ${who} to send ${one ? 'it' : 'them'} again.`
    case 'lost':
      return `${some} did not arrive. Ask ${who} to send ${one ? 'it' : 'them'} again.`
    case 'away':
      return `${some} ${one ? 'was' : 'were'} sent while this device was out of the chat. Ask ${who} to send ` +
        `${one ? 'it' : 'them'} again.`
    case 'malformed':
      return `${some} broke the rules of this chat and ${one ? 'was' : 'were'} left out. Nothing else is affected.`
    case 'damaged':
      return gap.count === 0
        ? 'Messages here cannot be read: this part of the file is damaged. Others in this chat may still have them.'
        : `${some} cannot be read: this part of the file is damaged. Others in this chat may still have ` +
          `${one ? 'it' : 'them'}.`
    case 'undecided':
      return `${some} ${one ? 'waits' : 'wait'} for something that has not arrived yet. Nothing is lost.`
  }
}

/** What stands under an own message. `others` is the number of other people who could read it. */
const stateWords = (state: MessageState, deliveredTo: number, others: number): string => {
  const some = `delivered to ${deliveredTo} of ${others}`
  switch (state) {
    case 'sending': return 'sending'
    case 'sent': return deliveredTo > 0 && others > 1 ? some : 'sent'
    case 'delivered': return others > 1 && deliveredTo < others ? some : 'delivered'
    case 'failed': return 'not sent'
    case 'received': return ''
  }
}

/** Why this device cannot follow, that nothing is lost, and what is done about it. */
const recoveringWords = ({ reason, asked }: NonNullable<Conversation['recovering']>): string => {
  const next = asked > 1 ? `Nobody has answered yet; asked ${String(asked)} times.`
    : 'Asking another member to let it back in…'
  switch (reason) {
    case 'path': return `The newest keys of this chat did not reach this device. ${next}`
    case 'undecided': return `Something that this chat needs did not arrive. ${next}`
    case 'forked': return `This chat went two ways, and the others went the other one. ${next}`
    case 'aged': return `This device was away too long. ${next}`
    case 'cloned': return `A copy of this profile is in use somewhere else. ${next}`
    case 'damaged': return `What this device knew of this chat is damaged. ${next}`
    case 'idle': return `This device was silent for so long that it was taken out of this chat. ${next}`
    // Of this one more is known (restore.ts).
    case 'restored': return restoreWords.isNew
  }
}

const closedWords = (state: Conversation['state']): string => {
  switch (state) {
    case 'left': return 'You left this group. What was said until then stays here.'
    case 'removed': return 'You are no longer in this group. What was said until then stays here.'
    case 'stopped': return 'This group uses something that came after this version of Coppice. ' +
      'Nothing is lost: update the app to go on.'
    case 'request': case 'creating': case 'active': return ''
  }
}

const personFacts = (person: Person, now: number): string =>
  `${devices(person.devices)} · ${person.healedAt === 0 ? 'new' : `healed ${ago(person.healedAt, now)}`}`

export const words = {
  code: codeWords,
  fact: factWords,
  gap: gapWords,
  state: stateWords,
  closed: closedWords,
  recovering: recoveringWords,
  asking: askingWords,
  veto: 'This was not me',

  app: {
    name: 'Coppice', conversations: 'Conversations', messages: 'Messages', about: 'About this chat',
    back: 'Back', close: 'Close', cancel: 'Cancel', done: 'Done', save: 'Save', tryAgain: 'Try again',
    someone: 'Someone', you: 'You', notices: 'Notices',
    title: (unread: number) => unread > 0 ? `(${numbers.format(unread)}) Coppice` : 'Coppice',
    inFront: 'Coppice was already open, so its window came to the front.',
  },

  reader: readerWords,
  restore: restoreWords,
  returned: returnedWords,
  safety: safetyWords,
  invites: invitesWords,
  linking: linkingWords,
  devices: devicesWords,
  keep: keepWords,
  closing: closingWords,
  backup: backupWords,
  expiry: expiryWords,
  updates: updateWords,

  choose: { title: 'Who is here?', text: 'These people have a profile on this computer.' },

  setUp: {
    title: 'Welcome to Coppice',
    text: 'No number, no address, no server that knows you. Your account is made here, on this computer.',
    name: 'Your name',
    nameHint: 'What others see. You can change it later.',
    passphrase: 'Passphrase', repeat: 'Repeat passphrase',
    passphraseHint: 'This computer has no keychain that can hold your key, so a passphrase locks it. ' +
      'It is asked for at every start.',
    differ: 'The two passphrases are different.',
    nameMissing: 'A name is needed. It can be short.',
    passphraseMissing: 'A passphrase is needed here.',
    create: 'Create account', busy: 'Making your keys…',
  },

  recovery: {
    title: 'Your recovery key',
    text: 'These 24 words are the only other way into your account. Write them on paper, in order, ' +
      'and keep the paper where you keep things that matter.',
    list: 'The 24 words',
    wroteDown: 'I wrote them down', later: 'Later',
    laterHint: 'Later keeps the words locked up here, and Coppice asks again.',
    checkTitle: 'Look at your paper',
    checkText: 'Three of the words, to be sure that they can be read.',
    word: (position: number) => `Word ${position}`,
    confirm: 'Confirm', showAgain: 'Show the words again',
    wordMissing: 'All three words are needed.',
    confirmed: 'Your recovery key is on paper. This computer has forgotten it.',
    banner: 'Your recovery key is not on paper yet.', bannerAction: 'Write it down',
  },

  unlock: {
    title: (name: string) => name === '' ? 'Locked' : `Hello, ${name}`,
    text: 'This profile is locked with a passphrase.',
    lost: 'The keychain of this computer no longer has the key of this profile. Nothing is lost: your passphrase ' +
      'opens it, and the keychain gets the key again.',
    locked: 'The keychain of this computer is locked. Unlock it and ask it again, or type your passphrase.',
    passphrase: 'Passphrase', unlock: 'Unlock', busy: 'Opening…',
    wait: (seconds: number) => `Wait ${count(seconds, 'second')}`,
    askKeychain: 'Ask the keychain again',
    keychainTitle: 'The keychain is locked',
    keychainText: 'The key of this profile is in the keychain of this computer. Unlock the keychain, then try again. ' +
      'Nothing is lost.',
    withWords: 'Use the 24 words instead',
  },

  words: {
    title: 'Open with the 24 words',
    text: 'The words of your recovery key open the history on this computer.',
    lost: 'The keychain of this computer no longer has the key of this profile. The history is still here, ' +
      'and the 24 words of your recovery key open it. The keychain then gets the key again.',
    words: 'The 24 words', hint: 'In order, with spaces between them. Numbers and commas do not matter.',
    passphrase: 'New passphrase', passphraseHint: 'It takes the place of the one before.',
    passphraseFirst: 'The keychain cannot hold the key now, so a passphrase locks this profile.',
    open: 'Open', busy: 'Opening…', missing: 'All 24 words are needed.',
    unknown: (positions: string) => `Not in the list of words: ${conjunction.format(positions.split(' ')
      .map((position) => `word ${position}`))}. Look at your paper again.`,
  },

  stopped: {
    title: stoppedTitle, detail: 'Technical name', report: 'Show the report', folder: 'Show the folder',
    read: 'Open for reading', readText: 'What is left of the history can be read meanwhile.',
    restore: 'Restore a backup…', restoreText: 'With a backup and your 24 words, your history and your chats come back.',
    asideTitle: 'Make room for a backup?', aside: 'Go on',
    asideText: 'What cannot be opened is put aside under another name. Nothing of it is deleted or changed. Then you choose ' +
      'the backup, and type your 24 words.',
  },

  readOnly: {
    banner: (code: ErrorCode) => `Open for reading only: ${reasonOf(code)}. Nothing is sent or received.`,
    chat: (code: ErrorCode) => code === 'device-revoked'
      ? 'This computer was removed from your account. What was said until then stays here.'
      : code === 'account-closed' ? 'This account was closed. What was said until then stays here.'
      : 'This can only be read now. Start Coppice again when the reason is gone.',
  },

  list: {
    search: 'Search', searchLabel: 'Find chats and what was said',
    messages: 'Messages', moreFound: 'There are older ones. Another word narrows it down.',
    newChat: 'New chat', showInvite: 'Show my invite', settings: 'Settings', lock: 'Lock',
    unread: (amount: number) => `${numbers.format(amount)} new`,
    draft: 'Draft: ', request: 'Wants to talk with you', groupRequest: 'Invites you to this group',
    requestMark: 'request', own: 'You: ', creating: 'Being set up…',
    left: 'You left', removed: 'You were removed', nothingYet: 'Nothing said yet',
    none: (query: string) => `No chat and no message matches “${query}”.`,
    emptyTitle: 'Nobody here yet',
    emptyText: 'Give somebody your invite, or paste the one they gave you.',
    pasteInvite: 'Paste an invite',
  },

  welcome: {
    title: 'Pick a chat', text: 'or start one. Three keys that help:', readText: 'to read it. Two keys that help:',
    find: 'Find a chat', newChat: 'New chat', next: 'Next chat',
  },

  chat: {
    facts: (conversation: Conversation, now: number) => {
      // Of keys and devices it knows nothing before it is let in.
      if (conversation.recovering?.reason === 'restored') return restoreWords.notIn
      const shared = `keys healed ${day(conversation.healedAt, now)}`
      return conversation.kind === 'direct'
        ? `${devices(conversation.devices)} · ${shared}`
        : `${people(conversation.people.length)}, ${devices(conversation.devices)} · ${shared}`
    },
    creating: 'Being set up. What you write goes out as soon as it stands.',
    message: 'Message', placeholder: (title: string) => `Message ${title}`, send: 'Send',
    fresh: (amount: number) => `${numbers.format(amount)} new`,
    toNewest: 'To the newest', toNewestCount: (amount: number) => `${numbers.format(amount)} new, to the newest`,
    loading: 'Fetching older messages…', start: 'This is where it begins.',
    keptMeanwhile: 'Nothing is lost: what you write waits here and goes out by itself.',
    empty: 'Nothing said yet. The first word is yours.',
    notSent: 'Not sent. Your text is kept here.', editAgain: 'Write it again',
    imported: 'From another device of yours.',
    tooLong: 'This is too long for one message. Send it in parts.',
    readers: (entry: { people: number, devices: number }) =>
      `${capital(people(entry.people))} on ${devices(entry.devices)} could read this.`,
    announce: (name: string, text: string) => `${name}: ${text}`,
    rule: (rule: string) => `Rule ${rule}`, why: 'Why?',
  },

  request: {
    direct: (name: string) => `${name} wants to talk with you`,
    group: (name: string, title: string) => `${name} invites you to ${title}`,
    byInvite: (name: string) => `${name} holds an invite of yours.`,
    noInvite: (name: string) => `${name} holds no invite of yours. Accept only if you know who this is.`,
    quiet: (name: string) => `Until you accept, ${name} does not learn that you saw this.`,
    members: (amount: number, of: number) => `${capital(people(amount))} on ${devices(of)}`,
    accept: 'Accept', decline: 'Decline', busy: 'Opening…',
  },

  panel: {
    readers: 'Who can read this',
    readersSum: (amount: number, of: number) => `${people(amount)} on ${devices(of)}`,
    readersText: (epochAt: number, now: number) => `Nobody else, not even the server. Since ${moment(epochAt, now)}.`,
    code: 'Group code', directCode: 'Chat code',
    codeText: 'The same for everybody in this chat. Read it aloud to be sure that nobody sees another group.',
    directCodeText: 'The same for both of you. Read it aloud to be sure that nobody stands in between.',
    tree: 'Key tree',
    treeText: (name: string | undefined, at: number, now: number) =>
      `Your path is lit. Last renewed${name === undefined ? '' : ` by ${name}`} ${ago(at, now)}.`,
    treeLabel: (leaves: number, blank: number) =>
      `Tree of keys over ${devices(leaves)}${blank > 0 ? `, ${count(blank, 'place')} empty` : ''}. Your path is lit.`,
    treeMore: 'Only the top of the tree fits here.',
    experts: 'For experts', technical: (epoch: number, suite: number) => `Epoch ${numbers.format(epoch)}, cipher suite ${suite}`,
    people: 'People', you: 'you', admin: 'admin', person: personFacts,
    add: 'Add people', rename: 'Rename', leave: 'Leave group',
    remove: (name: string) => `Remove ${name}`,
    absent: 'away', absentText: 'No device here now. Comes back by using one again.',
    waiting: 'Looking…',
  },

  silent: {
    title: 'Silent devices',
    line: ({ accountId, since }: IdleDevice, amount: number, naming: Naming, now: number) => {
      const which = accountId === naming.own ? 'Another device of yours'
        : amount > 1 ? `One of ${possessive(accountId, naming)} devices` : `${possessive(accountId, naming)} device`
      return `${which} has been silent for ${count(Math.floor((now - since) / dayMs), 'day')}.`
    },
    remove: 'Remove it', removeLabel: (line: string) => `Remove it: ${line}`,
    why: (more: number) => `${more > 0 ? `${numbers.format(more)} more. ` : ''}The keys of a silent device do not heal: ` +
      'if somebody took it, they can read on.',
    ask: 'Remove this silent device?',
    askText: (accountId: string, amount: number, naming: Naming) => {
      const name = subject(accountId, naming)
      const go = accountId === naming.own ? 'go' : 'goes'
      const stays = amount > 1 ? `${name} ${go} on with the other ${amount > 2 ? 'devices' : 'device'}.`
        : `${name} still belongs to this group and comes back by using the device again.`
      return `It can read nothing from then on. ${stays} Everybody sees that you did this.`
    },
  },

  rename: { title: 'Rename this group', name: 'Group name', missing: 'A group needs a name.' },

  remove: {
    title: (name: string) => `Remove ${name}?`,
    text: (name: string) => `${name} keeps what was said until now and can read nothing after it. ` +
      'Everybody sees that you did this.',
    action: 'Remove',
  },

  leave: {
    title: (title: string) => `Leave ${title}?`,
    text: 'The chat closes at once. What was said stays on this computer; ' +
      'to come back, somebody has to add you.',
    action: 'Leave',
  },

  newChat: {
    title: 'New chat', paste: 'Paste an invite',
    hint: 'One line of text that somebody gave you.',
    start: 'Start chat', open: 'Open chat', busy: 'Starting…',
    expires: (at: number) => `Invite good until ${date(at)}`,
    existing: (name: string) => `You already have a chat with ${name}.`,
    group: 'New group', groupText: 'Several people, one chat.',
    reading: 'Reading the invite…',
  },

  group: {
    title: 'New group', name: 'Group name', nameHint: 'Everybody in it sees the name.',
    create: 'Create group', busy: 'Creating…', missing: 'A group needs a name.',
    alone: 'Pick at least one person, or paste an invite.',
    addTitle: (title: string) => `Add people to ${title}`, add: 'Add', adding: 'Adding…',
    pick: 'People you know', pickNone: 'Nobody to pick yet: people from your chats appear here.',
    filter: 'Find a person', picked: (amount: number) => `${people(amount)} picked`,
    drop: (name: string) => `Take ${name} off the list`,
    byInvite: 'by invite', already: 'This invite is already on the list.',
  },

  invite: {
    title: 'Your invite', invite: 'Invite', copy: 'Copy',
    text: 'Show the picture, or send the line. Whoever has it can ask to talk with you.',
    expires: (at: number, now: number) => `Good until ${date(at)} ${clock(at)}${at < now ? ', which is over' : ''}.`,
    picture: 'Your invite as a QR code', making: 'Making an invite…',
  },

  copy: { copied: 'Copied', notCopied: 'Press Ctrl C: the text is selected.' },

  settings: {
    title: 'Settings',
    name: 'Your name', nameText: 'What others see.', saved: 'Saved',
    look: 'Look', system: 'System', light: 'Light', dark: 'Dark',
    recovery: 'Recovery key',
    recoveryState: (state: Me['recovery']) => state === 'confirmed'
      ? 'On paper. This computer has forgotten it.'
      : 'Not on paper yet. It is kept locked up on this computer.',
    recoveryAction: 'Write it down',
    passphrase: 'Passphrase',
    passphraseState: (has: boolean) => has
      ? 'Opens this profile, also when the keychain has lost the key.'
      : 'None. The keychain of this computer opens this profile by itself.',
    set: 'Set…', change: 'Change…', removePassphrase: 'Remove… (the passphrase)',
    lockAfter: 'Lock by itself',
    lockTimes: (minutes: number) => minutes === 0 ? 'Off' : minutes === 60 ? '1 h' : `${minutes} min`,
    lockText: (minutes: number, keys: string) => minutes === 0
      ? `${keys} locks at once. Then nothing is received until you unlock.`
      : `After ${count(minutes, 'minute')} without input, at every start, and at once by ${keys}. ` +
        'While it is locked nothing is received.',
    report: 'Report', reportText: 'What the program noted of itself, for whoever looks for a fault.',
    showReport: 'Show… (the report)', show: 'Show…',
    computer: 'This computer', device: 'Device', account: 'Account', version: 'Version', profile: 'Profile',
    remove: 'Remove this profile', removeText: 'Deletes its keys and its history from this computer.',
  },

  passphrase: {
    setTitle: 'Set a passphrase', changeTitle: 'Change the passphrase', removeTitle: 'Remove the passphrase?',
    setText: 'It opens this profile when the keychain does not, and unlocks the app.',
    changeText: 'The one before opens nothing any more.',
    removeText: 'The keychain of this computer then opens this profile by itself, and the app can no longer be locked.',
    current: 'Passphrase until now', only: 'Passphrase', fresh: 'New passphrase', repeat: 'Repeat passphrase',
    hint: 'A few words that only you would put together. Nobody can look it up for you.',
    set: 'Set passphrase', change: 'Change passphrase', remove: 'Remove', busy: 'Working…',
    isSet: 'The passphrase is set.', isRemoved: 'The passphrase is removed.',
  },

  report: {
    title: 'Report', report: 'What is in it', copy: 'Copy report', making: 'Making the report…',
    text: 'Times, counts and the names of faults. No name, message, key or file is in it, and nobody gets it unless ' +
      'you send it.',
    lines: (amount: number) => `${count(amount, 'line')}, the newest last.`,
  },

  usage: {
    text: (bytes: number, days: number) =>
      `Messages on their way take ${size(bytes)} on this computer. Kept ${count(days, 'day')}.`,
  },

  removeProfile: {
    title: 'Remove this profile from this computer?',
    text: 'The keys and every message of this profile are deleted here, for good. Nobody can bring them back. ' +
      'What others have on their devices stays there.',
    onPaper: 'Your recovery key is on paper and keeps working.',
    notOnPaper: 'Your recovery key is not on paper. Without it this account cannot come back.',
    name: (name: string) => `Type “${name}” to go on`,
    action: 'Remove for good', busy: 'Removing…',
  },
} as const
