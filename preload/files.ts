/** The vocabulary of attachments and their Calls: files and pictures that go with a message (api.ts). */
import { bytes, call, count, id, list, text } from './check.ts'

/**
 * `here`: all of it is stored on this device. `coming`: it is being fetched. `offered`: it is fetched when the person
 * asks. `gone`: it cannot be had any more; `why` says so.
 */
export type AttachmentState = 'here' | 'coming' | 'offered' | 'gone'
/** `expired`: the log does not keep it any more. `broken`: what came is not what its sender attached. */
export type AttachmentFailure = 'expired' | 'broken'

/** One file of a message. `hash`: SHA-256 of its bytes, 64 hexadecimal digits. */
export type Attachment = {
  readonly hash: string
  /** A name without folders, as its sender called it. */
  readonly name: string
  readonly mediaType: string
  readonly size: number
  /** Of a picture, in pixels. */
  readonly width?: number
  readonly height?: number
  readonly state: AttachmentState
  readonly why?: AttachmentFailure
}

/** What was chosen to be sent, when all of it is with the main process. */
export type StagedFile = {
  readonly hash: string
  readonly name: string
  /** Judged by its content where it is a picture. */
  readonly mediaType: string
  readonly size: number
  readonly width?: number
  readonly height?: number
}

/** How far an attachment has come, on its way out or in; in bytes. */
export type FileProgress = { readonly entry: string, readonly hash: string, readonly done: number, readonly of: number }

/** Bytes of one piece of a file, on the way from the window and to it; the last one has fewer. */
export const filePieceBytes = 262_144
/** How many files a message has at most, and how large each may be. */
export const filesLimit = 20
export const fileBytesLimit = 100 * 1024 * 1024

const entry = text(100, 1)

/** The Calls of attachments, for the table in api.ts. No path crosses: bytes do, in pieces. */
export const fileCalls = {
  /** A file that may be sent: its pieces follow. Gives the token by which it is known until it is sent. */
  'attachment.begin': call({ name: text(1000), mediaType: text(100), size: count(0, Number.MAX_SAFE_INTEGER) })
    .returns<{ readonly attachment: string }>(),
  'attachment.add': call({ attachment: id, piece: count(0, 1000), bytes: bytes(filePieceBytes) }).returns<undefined>(),
  'attachment.end': call({ attachment: id }).returns<StagedFile>(),
  /** It is not sent after all. */
  'attachment.drop': call({ attachment: id }).returns<undefined>(),
  /** As `message.send`, with what was staged. */
  'attachment.send': call({ conversation: id, key: id, text: text(20_000), attachments: list(id, filesLimit) })
    .returns<undefined>(),
  /** What a message has is staged again, for another one. */
  'attachment.again': call({ entry, hash: id }).returns<{ readonly attachment: string, readonly file: StagedFile }>(),
  'attachment.fetch': call({ entry, hash: id }).returns<undefined>(),
  /** Stops fetching it; of a message that is still being sent: takes the message back. */
  'attachment.stop': call({ entry, hash: id }).returns<undefined>(),
  /** A piece of one that is here. */
  'attachment.read': call({ hash: id, piece: count(0, 1000) }).returns<Uint8Array>(),
  /** Asks where, by the system's dialogue, and writes it there; says whether a place was chosen. */
  'attachment.save': call({ entry, hash: id }).returns<{ readonly saved: boolean }>(),
} as const
