/** The vocabulary of attachments: files and pictures that go with a message (api.ts). This file imports nothing. */

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
