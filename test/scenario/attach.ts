/** Files that people send each other, as the window does it: in pieces, then with a message. */
import { createHash } from 'node:crypto'
import { filePieceBytes, type Attachment, type Entry, type StagedFile } from '../../preload/api.ts'
import { random, until, type Person } from './world.ts'

type Message = Extract<Entry, { readonly kind: 'message' }>
export type Chosen = { readonly name: string, readonly mediaType?: string, readonly bytes: Uint8Array }

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Chooses a file: it waits to be sent. Gives its token, and what became of it. */
export async function stage(
  person: Person, { name, mediaType = 'application/pdf', bytes }: Chosen,
): Promise<{ readonly attachment: string, readonly file: StagedFile }> {
  const { attachment } = await person.call('attachment.begin', { name, mediaType, size: bytes.length })
  for (let piece = 0; piece * filePieceBytes < Math.max(1, bytes.length); piece += 1) {
    const part = bytes.slice(piece * filePieceBytes, (piece + 1) * filePieceBytes)
    await person.call('attachment.add', { attachment, piece, bytes: part })
  }
  return { attachment, file: await person.call('attachment.end', { attachment }) }
}

export async function sendFiles(person: Person, conversation: string, text: string, ...chosen: readonly Chosen[]): Promise<readonly StagedFile[]> {
  const staged: Awaited<ReturnType<typeof stage>>[] = []
  for (const one of chosen) staged.push(await stage(person, one))
  await person.call('attachment.send', {
    conversation, key: Buffer.from(random(16)).toString('hex'), text, attachments: staged.map(({ attachment }) => attachment),
  })
  return staged.map(({ file }) => file)
}

/** The newest message with attachments. */
export async function messageWith(person: Person, conversation: string): Promise<Message | undefined> {
  return (await person.entries(conversation)).findLast((entry): entry is Message =>
    entry.kind === 'message' && (entry.attachments?.length ?? 0) > 0)
}

/** Waits until the newest message with attachments has one in that state. */
export const attachmentIn = (
  person: Person, conversation: string, state: Attachment['state'], index = 0,
): Promise<Attachment & { readonly entry: string }> =>
  until(`${person.name} has a file that is ${state}`, async () => {
    const message = await messageWith(person, conversation)
    const attachment = message?.attachments?.[index]
    return message === undefined || attachment?.state !== state ? undefined : { ...attachment, entry: message.id }
  })

/** All of one that is here, as the window reads it. */
export async function readFile(person: Person, { hash, size }: Pick<Attachment, 'hash' | 'size'>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (let piece = 0; piece * filePieceBytes < Math.max(1, size); piece += 1) {
    parts.push(await person.call('attachment.read', { hash, piece }))
  }
  return Buffer.concat(parts)
}

/** A picture of one colour, as PNG writes it; `extra` chunks stand before its end. */
export { pngOf } from '../chat/pictures.ts'
