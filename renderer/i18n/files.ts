/** The words of attachments. */
import type { Attachment, Conversation } from '../../preload/api.ts'
import { size } from './grammar.ts'

/** What their codes mean to a person: part of codes.ts. */
export const fileCodes = {
  'file-too-large': 'This file is larger than 100 MB, which is the most that can be sent. Nothing was sent.',
  'files-too-many': 'That is more files than can wait to be sent. Send or remove some of the others first.',
  'picture-broken': 'This picture is damaged, so what it tells about its maker and place cannot be taken out of it. ' +
    'Nothing was sent; open it in a picture editor, save it anew, and send that.',
  'file-unreadable': 'This file can no longer be read: it was moved or removed, or is a folder. Nothing of it was sent.',
  'save-failed': 'The file could not be saved in this place. Nothing was changed there; choose another one.',
  'save-full': 'There is not enough room on this disk for the file. Nothing of it was left there.',
} as const

type Attached = NonNullable<NonNullable<Conversation['last']>['attached']>

const isPictureType = (mediaType: string): boolean => mediaType.startsWith('image/')

export const filesWords = {
  attach: 'Attach files',
  tray: 'Files to send',
  remove: (name: string): string => `Do not send ${name}`,
  reading: (name: string): string => `Reading ${name}`,
  drop: (title: string): string => `Drop files to send them to ${title}`,
  size,
  open: (name: string): string => `Look at ${name}`,
  picture: (name: string): string => `Picture ${name}`,
  get: (name: string): string => `Get ${name}`,
  getShort: 'Get', again: 'Try again', getAgain: (name: string): string => `Try again to get ${name}`,
  save: 'Save', saveNamed: (name: string): string => `Save ${name}`,
  saved: 'Saved.',
  stop: (name: string): string => `Stop getting ${name}`,
  stopSending: (name: string): string => `Stop sending ${name}`,
  coming: (name: string): string => `Getting ${name}`,
  going: (name: string): string => `Sending ${name}`,
  /** Why it cannot be had. */
  gone: (why: Attachment['why'], own: boolean): string => {
    if (why === 'broken') return own ? 'What came is damaged.' : 'What came is damaged. Ask for it to be sent again.'
    return own ? 'This device does not have it, and it is no longer where messages are kept.'
      : 'It is no longer where messages are kept. Ask for it to be sent again.'
  },
  /** In a list, where a message has no text. */
  last: ({ count: amount, name, mediaType }: Attached): string => {
    if (amount > 1) return `${String(amount)} files`
    return isPictureType(mediaType) ? 'Picture' : name
  },
} as const

/** What is read out, and shown where there is only a line: the text, or what stands in its place. */
export const lineOf = (text: string, attached: Attached | undefined): string =>
  text === '' && attached !== undefined ? filesWords.last(attached) : text

export const attachedTo = ({ attachments = [] }: { readonly attachments?: readonly Attachment[] }): Attached | undefined => {
  const [first] = attachments
  return first === undefined ? undefined : { count: attachments.length, name: first.name, mediaType: first.mediaType }
}
