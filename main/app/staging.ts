import { fromHex, toHex } from '../mls/index.ts'
import { attachmentCount, attachmentLimit, blobIdLength, blobKeyLength, fileName } from '../chat/attached.ts'
import { cleaned, headBytes, pictureTypeOf, pictureTypes, type PictureType } from '../chat/media.ts'
import { messageBody, type Said } from '../chat/said.ts'
import { compose } from '../chat/send.ts'
import { isOpen, withRoom } from '../chat/room.ts'
import type { ArgumentOf, StagedFile } from '../../preload/api.ts'
import { pieceBytes, piecesOf, PortError, type StoreWrite } from '../ports.ts'
import type { Known, Staged } from './files.ts'
import type { State } from './state.ts'
import { turn } from './tasks.ts'

/**
 * What a person has chosen to send: it comes from the window in pieces, is kept in the store at once, and is named by a
 * message when that is sent. What is not sent goes: when it is taken away, and else at the next start.
 */

/** A picture that is larger is sent as a file like any other: as it is, and shown as one. */
export const shownPictureBytes = 20 * 1024 * 1024
/** How many may wait in all: beside the composers of a few conversations. */
const stagedLimit = 5 * attachmentCount

export function beginAttachment(
  state: State, { name, mediaType, size }: ArgumentOf<'attachment.begin'>,
): { readonly attachment: string } {
  if (size > attachmentLimit) throw new PortError('file-too-large', String(attachmentLimit))
  if (state.files.staged.size >= stagedLimit) throw new PortError('files-too-many', String(stagedLimit))
  const attachment = toHex(state.ports.random(16))
  const staged = {
    name: toHex(state.ports.random(32)), told: { name: fileName(name), mediaType, size }, pieces: 0,
  }
  state.files.staged.set(attachment, staged)
  return { attachment }
}

/** Throws PortError('bad-argument') for what is not staged, or not any more. */
function stagedOf(state: State, attachment: string): Staged {
  const staged = state.files.staged.get(attachment)
  if (staged === undefined) throw new PortError('bad-argument', 'attachment')
  return staged
}

/** Pieces come in order, each as long as the store keeps them. One that came before is as good as new. */
export function addPiece(state: State, { attachment, piece, bytes }: ArgumentOf<'attachment.add'>): void {
  const staged = stagedOf(state, attachment)
  const { size } = staged.told
  if (bytes.length !== Math.min(pieceBytes, size - piece * pieceBytes)) throw new PortError('bad-argument', 'bytes')
  if (piece > staged.pieces || staged.file !== undefined) throw new PortError('bad-argument', 'piece')
  if (piece < staged.pieces) return
  state.transact({ pieces: [{ hash: staged.name, piece, bytes, size }] })
  state.files.staged.set(attachment, { ...staged, pieces: piece + 1 })
}

/** All of it is here: what it is, without what nobody means to send with a picture. */
export async function endAttachment(state: State, attachment: string): Promise<StagedFile> {
  const staged = stagedOf(state, attachment)
  if (staged.file !== undefined) return staged.file
  if (staged.pieces !== piecesOf(staged.told.size)) throw new PortError('bad-argument', 'attachment')
  const head = state.store.piece(staged.name, 0)?.subarray(0, headBytes) ?? new Uint8Array(0)
  const type = pictureTypeOf(head)
  const made = type === undefined || staged.told.size > shownPictureBytes ? await plain(state, staged, type)
    : picture(state, staged, type)
  // Taken away, or the profile closed, while it was looked at.
  stagedOf(state, attachment)
  const { write, file } = made
  state.transact(write)
  state.files.staged.set(attachment, { ...staged, file })
  return file
}

type Made = { readonly file: StagedFile, readonly write: Pick<StoreWrite, 'pieces' | 'renamedAttachments' | 'removedAttachments'> }

async function plain(state: State, { name, told }: Staged, type: PictureType | undefined): Promise<Made> {
  const hash = await hashOf(state, name, piecesOf(told.size))
  // A picture by its name alone is none.
  const mediaType = type ?? (pictureTypes.has(told.mediaType) || told.mediaType === '' ? 'application/octet-stream' : told.mediaType)
  return { file: { ...told, mediaType, hash }, write: { renamedAttachments: [{ from: name, to: hash }] } }
}

function picture(state: State, { name, told }: Staged, type: PictureType): Made {
  const made = cleaned(type, wholeOf(state, name, told.size))
  if (made === undefined) throw new PortError('picture-broken')
  const { bytes, width, height } = made
  const digest = state.ports.digest()
  digest.update(bytes)
  const hash = toHex(digest.end())
  const size = bytes.length
  const pieces = Array.from({ length: piecesOf(size) }, (_, piece) =>
    ({ hash, piece, bytes: bytes.slice(piece * pieceBytes, (piece + 1) * pieceBytes), size }))
  return { file: { ...told, mediaType: type, size, hash, width, height }, write: { pieces, removedAttachments: [name] } }
}

/** Of the pieces under that name, with room for whatever else there is to do. */
export async function hashOf(state: State, name: string, pieces: number): Promise<string> {
  const digest = state.ports.digest()
  for (let piece = 0; piece < pieces; piece += 1) {
    const bytes = state.store.piece(name, piece)
    if (bytes === undefined) throw new PortError('bad-argument', 'attachment')
    digest.update(bytes)
    if (piece % 8 === 7) await turn(state.ports)
  }
  return toHex(digest.end())
}

/** All of what is kept under that name. */
export function wholeOf(state: State, name: string, size: number): Uint8Array {
  const whole = new Uint8Array(size)
  for (let piece = 0; piece < piecesOf(size); piece += 1) whole.set(state.store.piece(name, piece) ?? [], piece * pieceBytes)
  return whole
}

/** What a message has that did not go out, or goes to somebody else too: beside the composer again, as it is kept. */
export function stageAgain(state: State, { attachment: { hash, name, mediaType, size, width, height } }: Known): {
  readonly attachment: string, readonly file: StagedFile
} {
  if (state.store.attachment(hash) === undefined) throw new PortError('file-unreadable')
  if (state.files.staged.size >= stagedLimit) throw new PortError('files-too-many', String(stagedLimit))
  const attachment = toHex(state.ports.random(16))
  const told = { name, mediaType, size }
  const file = { ...told, hash, ...width === undefined || height === undefined ? {} : { width, height } }
  state.files.staged.set(attachment, { name: hash, told, pieces: piecesOf(size), file })
  return { attachment, file }
}

/** Nothing of it stays, unless a message names the same. */
export function dropAttachment(state: State, attachment: string): void {
  const staged = state.files.staged.get(attachment)
  if (staged === undefined) return
  state.files.staged.delete(attachment)
  state.transact({ removedAttachments: unsent(state, staged) })
}

function unsent(state: State, { name, file }: Staged): readonly string[] {
  if (file === undefined) return [name]
  const isKept = state.store.entriesNaming(file.hash).length > 0
    || [...state.files.staged.values()].some((other) => other.file?.hash === file.hash)
  return isKept ? [] : [file.hash]
}

/** At a start: what an earlier run of the program has left and no entry names. Something may be staged already. */
export function sweep(state: State): void {
  const staged = [...state.files.staged.values()].flatMap(({ name, file }) => file === undefined ? [name] : [name, file.hash])
  const kept = new Set([...state.files.partialNames(), ...staged])
  const left = state.store.unnamedAttachments().filter((name) => !kept.has(name))
  if (left.length > 0) state.transact({ removedAttachments: left })
}

/** The message is stored with the names of its attachments; what follows is `uploads.ts` and the outbox. */
export function sendAttachments(state: State, { conversation, key, text, attachments }: ArgumentOf<'attachment.send'>): void {
  const room = state.room(conversation)
  if (!isOpen(room.room)) throw new PortError('conversation-closed')
  if (key.length !== 32) throw new PortError('bad-argument', 'key')
  const files = attachments.map((one) => state.files.staged.get(one)?.file)
  const said: Said = {
    text, expiresAfter: room.room.timer,
    attachments: files.flatMap((file) => file === undefined ? [] : [{
      blob: state.ports.random(blobIdLength), key: state.ports.random(blobKeyLength), hash: fromHex(file.hash),
      size: file.size, mediaType: file.mediaType, name: file.name, width: file.width ?? 0, height: file.height ?? 0,
    }]),
  }
  const step = compose(room, { contentId: key, said }, state.moment())
  const [entry] = step.entries
  // The same Call again, after an answer that got lost: the message is there already, or was deleted since.
  if (entry !== undefined && state.isKnown(entry.id)) return
  if (said.attachments.length !== attachments.length || attachments.length === 0) throw new PortError('bad-argument', 'attachments')
  // The last message that named the same file is gone meanwhile, and took it along.
  if (files.some((file) => file === undefined || state.store.attachment(file.hash) === undefined)) throw new PortError('file-unreadable')
  state.transact({
    steps: [{ ...step, state: withRoom(step.state, { draft: '' }) }],
    say: [{ room: conversation, id: fromHex(key), body: messageBody(said) }],
    then: [() => { for (const one of attachments) state.files.staged.delete(one) }],
  })
}
