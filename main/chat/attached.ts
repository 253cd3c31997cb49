import { fixed, mapped, struct, uint16, uint64, utf8, vector, type Codec, type Infer } from '../mls/index.ts'
import { cleanName, refined } from '../identity/fields.ts'

/**
 * Attachments as a message names them: by reference, with key and hash (draft-ietf-mimi-content §External Part). The
 * bytes themselves lie sealed in the slots of the log `b.<blob>`.
 */

/** The greatest size of one attachment, and how many a message has at most. */
export const attachmentLimit = 100 * 1024 * 1024
export const attachmentCount = 20
export const blobIdLength = 16
export const blobKeyLength = 32

const Size: Codec<number> = mapped(
  refined(uint64, (size) => size <= BigInt(attachmentLimit), 'a size that an attachment may have'), Number, BigInt)

const WireAttachment = struct({
  blob: fixed(blobIdLength),
  key: fixed(blobKeyLength),
  hash: fixed(32),
  size: Size,
  mediaType: utf8(100),
  name: utf8(320),
  /** Of a picture, in pixels; 0 of anything else. */
  width: uint16,
  height: uint16,
})
export type WireAttachment = Infer<typeof WireAttachment>

export const WireAttachments: Codec<readonly WireAttachment[]> = refined(
  vector(WireAttachment, 65_536), ({ length }) => length <= attachmentCount, 'as many attachments as a message may have')

// What a file system or a person could take for something else than a name: folders, drives, wildcards.
const unfit = /[/\\:*?"<>|\p{Cf}]/gu
// Names that Windows takes for devices.
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** A name that a file may have on any system: one line, no folder, not hidden, its ending kept; never empty. */
export function fileName(text: string): string {
  const cleaned = text.replace(unfit, '_').trim()
  const dot = cleaned.lastIndexOf('.')
  const ending = dot > 0 && cleaned.length - dot <= 12 ? cleaned.slice(dot) : ''
  // A long one loses its middle, so that what it is stays to be seen.
  const whole = cleaned.length > 80 ? cleaned.slice(0, 80 - ending.length) + ending : cleaned
  const name = cleanName(whole).replace(/^[.\s]+/, '').replace(/[.\s]+$/, '')
  if (name === '') return 'file'
  return device.test(name) ? `_${name}` : name
}
