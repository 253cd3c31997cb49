/** The help inside the app: short, and honest about what is not protected. */
export const helpWords = {
  offer: 'What is protected, and what is not',
  title: 'Help', settings: 'Help', settingsText: 'What is protected and what is not, shortcuts, and what Coppice is made of.',
  show: 'Show…', label: 'Show… (the help)',
  pages: { protects: 'What is protected', shortcuts: 'Shortcuts', about: 'About' },

  picture: 'Two people, each with a computer. Between them lies the place where messages wait. What is said can be read ' +
    'on both computers and nowhere in between; when, and how much, can be seen there.',
  you: 'You', other: 'Somebody', between: 'Messages wait',
  readable: 'readable', sealed: 'sealed',
  protectedTitle: 'Protected',
  protected: [
    'What you say. Only the devices that a chat names can read it; the place where messages wait cannot.',
    'What was said before. Keys are deleted once they are used, so a stolen key opens no old message on its way.',
    'What comes after a theft, once keys were made anew: the stolen ones open nothing of it.',
    'This computer’s history. Its file is encrypted; your keychain, your passphrase or your 24 words open it.',
    'Who you talk with, once you have compared safety numbers.',
  ],
  openTitle: 'Not protected',
  open: [
    'Your unlocked computer. Whoever sits at it, or has a program of theirs on it, reads what you read.',
    'What others do with what you wrote. They can copy it, show it, and keep it.',
    'That you talk, when, and about how much. The place where messages wait can see this, though not with whom by name.',
    'Names. Anybody can call themselves anything: compare safety numbers with those who matter.',
    'Losing your only computer. Without the 24 words, the account is lost with it.',
  ],
  audit: 'Coppice is young, and nobody from outside has examined it yet.',

  shortcuts: {
    find: 'Find a chat, or what was said', newChat: 'New chat', newGroup: 'New group', nextChat: 'Next chat',
    previousChat: 'Previous chat', inList: 'Walk through the list', pin: 'In the list: pin', mute: 'In the list: mute',
    archive: 'In the list: archive', send: 'Send', line: 'New line', back: 'Back, or close', settings: 'Settings',
    lock: 'Lock', larger: 'Larger', smaller: 'Smaller', normal: 'Normal size', full: 'Full screen', help: 'Help',
    keys: 'Shortcuts', quit: 'Quit', paste: 'Start a chat by the invite in the clipboard',
  },

  version: (version: string) => `Version ${version}`,
  aboutText: 'A messenger whose groups heal after a theft of keys, on Messaging Layer Security (RFC 9420). ' +
    'Free software under the MIT licence.',
  report: 'Something is wrong?',
  reportText: 'The report says what the program noted of itself. No name, message, key or file is in it.',
  showReport: 'Show the report',
  made: 'Made with',
  madeText: 'The texts of these licences come with the app.',
  licence: (name: string, licence: string) => `${name}, ${licence}`,
} as const
