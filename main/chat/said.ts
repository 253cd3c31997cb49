import { fromHex, toHex } from '../mls/index.ts'
import type { Attachment } from '../../preload/api.ts'
import type { StoredEntry } from '../ports.ts'
import { fileName, type WireAttachment } from './attached.ts'
import type { Body, Content } from './content.ts'
import { pictureTypes } from './media.ts'
import type { Room } from './room.ts'

/** The sender's time, unless it lies in the future. */
export const timeOf = (content: Content, now: number): number => Math.min(Number(content.sentAt), now)

/**
 * The id of a message's entry: of its sender's account and its content id, so that a repeat is known and nobody can
 * overwrite another's message.
 */
export const messageEntryId = (accountId: string, contentId: string): string =>
  `${accountId.slice(0, 32)}.${contentId}`

/** What a message says: its text, its attachments and how long it stays, on the wire and in the timeline. */

export type Said = { readonly text: string, readonly attachments: readonly WireAttachment[], readonly expiresAfter: number }

/** Of the bodies that people see as a message; `undefined` of all others. */
export function saidIn(body: Body): Said | undefined {
  switch (body.type) {
    case 'text': return { text: body.text, attachments: [], expiresAfter: 0 }
    case 'message': return body
    case 'hello':
    case 'profile':
    case 'introductions':
    case 'delivered':
    case 'veto':
    case 'own':
    case 'remove':
    case 'timer':
    case 'closed':
    case 'custom': return undefined
  }
}

/** How a message is put on the wire: as plain text where it is no more, so that older apps read it. */
export const messageBody = (said: Said): Body =>
  said.attachments.length === 0 && said.expiresAfter === 0 ? { type: 'text', text: said.text }
    : { type: 'message', ...said }

/** What an entry has beside its text, of a message that was said at that time. */
export type Carried = Pick<StoredEntry, 'blobs'> &
  { readonly attachments?: readonly Attachment[], readonly expiresAt?: number }

/** `stateOf`: where it is at first. */
export function carriedBy(
  { attachments, expiresAfter }: Said, at: number, stateOf: (attachment: Omit<Attachment, 'state'>) => Attachment['state'],
): Carried {
  return {
    ...attachments.length === 0 ? {} : {
      attachments: attachments.map((one) => {
        const told = toldAttachment(one)
        return { ...told, state: stateOf(told) }
      }),
      blobs: attachments.map(({ blob, key }) => ({ blob: toHex(blob), key: toHex(key) })),
    },
    ...expiresAfter === 0 ? {} : { expiresAt: at + 1000 * expiresAfter },
  }
}

const mediaTypePattern = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/

const toldAttachment = ({ hash, name, mediaType, size, width, height }: WireAttachment): Omit<Attachment, 'state'> => ({
  hash: toHex(hash), name: fileName(name), size,
  mediaType: mediaTypePattern.test(mediaType) ? mediaType : 'application/octet-stream',
  ...width === 0 || height === 0 ? {} : { width, height },
})

/** The message that an entry shows, to be said again: on the wire as it was. */
export function bodyOfEntry(entry: Extract<StoredEntry, { readonly kind: 'message' }>): Body {
  const { text, at, expiresAt, attachments = [], blobs = [] } = entry
  return messageBody({
    text, expiresAfter: expiresAt === undefined ? 0 : Math.max(1, Math.round((expiresAt - at) / 1000)),
    attachments: attachments.flatMap(({ hash, size, mediaType, name, width = 0, height = 0 }, index) => {
      const place = blobs[index]
      return place === undefined ? []
        : [{ blob: fromHex(place.blob), key: fromHex(place.key), hash: fromHex(hash), size, mediaType, name, width, height }]
    }),
  })
}

/** What is fetched without being asked for: pictures that are not too large. */
const pictureLimit = 5 * 1024 * 1024
export const comesByItself = ({ mediaType, size }: Pick<Attachment, 'mediaType' | 'size'>): boolean =>
  pictureTypes.has(mediaType) && size <= pictureLimit

/** Where an attachment is at first; nothing comes before this person has accepted. */
export const firstState = (
  attachment: Omit<Attachment, 'state'>, room: Pick<Room, 'state'>, holds: (hash: string) => boolean,
): Attachment['state'] => {
  if (holds(attachment.hash)) return 'here'
  return room.state !== 'request' && comesByItself(attachment) ? 'coming' : 'offered'
}
