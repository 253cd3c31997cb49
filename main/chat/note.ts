import {
  decode, encode, MlsError, opaque, struct, uint16, uint64, uint8, vector, type AppliedCommit, type Infer,
} from '../mls/index.ts'

/** What a commit says beside its proposals, in its authenticated data. */

const Attachment = struct({ type: uint16, data: opaque(1_048_576) })
export type Attachment = Infer<typeof Attachment>

/** What an attachment is. Unknown ones are ignored. */
export const attachmentTypes = {
  /** A SignedRejoin (chat/letter.ts): why this commit may replace a device's leaf. */
  rejoin: 1,
  /** Records of a device log (chat/revocations.ts): why this commit may take keys back. */
  revocation: 2,
} as const

const CommitNote = struct({
  version: uint8,
  /** The committer's clock, milliseconds since 1970: for people to see, never for a decision. */
  at: uint64,
  attachments: vector(Attachment, 1_048_576),
})
export type CommitNote = Infer<typeof CommitNote>

export const encodeNote = (at: number, attachments: readonly Attachment[] = []): Uint8Array =>
  encode(CommitNote, { version: 1, at: BigInt(at), attachments })

/** `undefined` for bytes that are no note: a commit needs none. */
export function noteIn({ authenticatedData }: AppliedCommit): CommitNote | undefined {
  try {
    return decode(CommitNote, authenticatedData)
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

/** When the committer says it was made, never later than `now`. */
export const commitTime = (applied: AppliedCommit, now: number): number =>
  Math.min(Number(noteIn(applied)?.at ?? BigInt(now)), now)
