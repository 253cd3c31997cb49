import { concat, encode, struct, type Infer } from '../codec.ts'
import type { Secret } from '../secret.ts'
import type { Suite } from '../suite.ts'
import { ContentWireFormat, FramedContent } from '../wire/framing.ts'
import { Hash, Signature } from '../wire/node.ts'

/** RFC 9420 §8.2: `ConfirmedTranscriptHashInput`; the content is a commit. */
export const ConfirmedTranscriptHashInput = struct({
  wireFormat: ContentWireFormat,
  content: FramedContent,
  signature: Signature,
})
export type ConfirmedTranscriptHashInput = Infer<typeof ConfirmedTranscriptHashInput>

/** RFC 9420 §8.2: `InterimTranscriptHashInput`. */
const InterimTranscriptHashInput = struct({ confirmationTag: Hash })

/** `confirmed_transcript_hash` after a commit (RFC 9420 §8.2). In epoch 0 it is empty. */
export function confirmedTranscriptHash(
  suite: Suite, interimBefore: Uint8Array, commit: ConfirmedTranscriptHashInput,
): Uint8Array {
  return suite.hash(concat(interimBefore, encode(ConfirmedTranscriptHashInput, commit)))
}

/** `interim_transcript_hash` after a commit, or after a join with the tag of the GroupInfo (RFC 9420 §8.2). */
export function interimTranscriptHash(suite: Suite, confirmed: Uint8Array, confirmationTag: Uint8Array): Uint8Array {
  return suite.hash(concat(confirmed, encode(InterimTranscriptHashInput, { confirmationTag })))
}

/** `confirmation_tag` (RFC 9420 §6.1): MAC(confirmation_key, GroupContext.confirmed_transcript_hash). */
export function confirmationTag(suite: Suite, confirmationKey: Secret, confirmed: Uint8Array): Uint8Array {
  return suite.mac(confirmationKey.unwrap(), confirmed)
}
