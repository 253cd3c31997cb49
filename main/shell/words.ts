/** Words that the system shows for the app, outside its window: menus, tray, notifications, questions. The others are in renderer/i18n. */

const minutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

export const systemWords = {
  name: 'Coppice',

  menu: {
    file: 'File', edit: 'Edit', view: 'View', window: 'Window', help: 'Help', develop: 'Develop',
    newChat: 'New chat…', newGroup: 'New group…', settings: 'Settings…', lock: 'Lock', find: 'Find',
    larger: 'Larger', smaller: 'Smaller', normal: 'Normal size', fullScreen: 'Full screen',
    protects: 'What is protected', shortcuts: 'Shortcuts', report: 'Report…', about: 'About Coppice',
    undo: 'Undo', redo: 'Redo', cut: 'Cut', copy: 'Copy', paste: 'Paste', pastePlain: 'Paste as plain text',
    remove: 'Delete', selectAll: 'Select all', minimize: 'Minimize', zoom: 'Zoom', front: 'Bring all to front',
    close: 'Close window', quit: 'Quit Coppice', services: 'Services', hide: 'Hide Coppice', hideOthers: 'Hide others',
    unhide: 'Show all', reload: 'Load the page again', tools: 'Developer tools', noSuggestion: 'No suggestion',
  },

  tray: {
    show: 'Show Coppice', quiet: 'Quiet for 1 hour', quietTomorrow: 'Quiet until tomorrow', loud: 'No longer quiet',
    quietUntil: (at: number) => `Quiet until ${minutes.format(at)}`,
    tip: (unread: number) => unread === 0 ? 'Coppice' : `Coppice: ${unread} new ${unread === 1 ? 'message' : 'messages'}`,
  },

  network: {
    ask: 'Change how Coppice goes out?',
    detail: 'From now on what Coppice sends goes another way than before, and whoever keeps that way sees that it is used.',
    yes: 'Change it', no: 'Keep it as it is',
  },

  address: {
    ask: (host: string) => `Open ${host} in your browser?`,
    plain: 'This connection is not encrypted: anybody on the way can read and change it. ',
    seen: 'The site sees that you came, and from where on the network.',
    yes: 'Open', no: 'Do not open',
  },

  notification: {
    message: 'New message', request: 'Somebody wants to talk with you.', locked: 'Coppice is locked',
    messageOf: (name: string) => `New message from ${name}`,
    said: (name: string, text: string) => `${name}: ${text}`,
    asked: 'Was that you?', askedText: 'A computer came to your account with your 24 words.',
    somebody: 'Somebody', reply: 'Reply',
    notSent: 'Your reply was not sent. It waits in the chat.',
    lostReply: 'Your reply was not sent. Open Coppice and write it again.',
  },
} as const
