import {
  encode, signWithLabel, struct, utf8, verifyWithLabel, type Infer, type KeyPair, type Suite,
} from '../mls/index.ts'
import { AccountId } from './genesis.ts'

/**
 * To whom backups are sealed that the 24 words open: an age recipient, whose identity the recovery key derives (recovery.ts
 * `backup`). The recovery key certifies it, so that no device, stolen or not, can make the others seal theirs to
 * somebody else; and a recovery key that was replaced takes its recipient with it.
 */

const label = 'Coppice backup recipient 1'

const Certified = struct({ accountId: AccountId, recipient: utf8(4_096) })
export type Certified = Infer<typeof Certified>

/** Signed by the recovery key (SignWithLabel, RFC 9420 §5.1.2). */
export const certifyRecipient = (suite: Suite, recovery: KeyPair, content: Certified): Uint8Array =>
  signWithLabel(suite, recovery.privateKey, label, encode(Certified, content))

export const isCertified = (
  suite: Suite, recoveryPublicKey: Uint8Array, { signature, ...content }: Certified & { readonly signature: Uint8Array },
): boolean => verifyWithLabel(suite, recoveryPublicKey, label, encode(Certified, content), signature)
