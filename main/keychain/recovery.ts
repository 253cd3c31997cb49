import { decryptWithLabel, encryptWithLabel, MlsError, type KeyPair, type Suite } from '../mls/index.ts'
import { PortError } from '../ports.ts'
import type { RecoverySlot } from './slots.ts'

const text = new TextEncoder()
/** Tells this use of the recovery key from every other (RFC 9420 §5.1.3). */
const label = 'Coppice store key 1'

/** Seals a key to the public half of the recovery key. `owner` is the profile, authenticated with it. */
export function sealKey(
  suite: Suite, key: Uint8Array, to: { readonly publicKey: Uint8Array, readonly owner: string },
): RecoverySlot {
  return {
    type: 'recovery', publicKey: to.publicKey.slice(),
    ...encryptWithLabel(suite, to.publicKey, label, text.encode(to.owner), key),
  }
}

/**
 * The key again; the caller wipes it.
 *
 * @throws PortError 'words-foreign' for another recovery key
 */
export function unsealKey(suite: Suite, slot: RecoverySlot, by: { readonly key: KeyPair, readonly owner: string }) {
  try {
    return decryptWithLabel(suite, by.key, label, text.encode(by.owner), slot)
  } catch (error) {
    throw error instanceof MlsError ? new PortError('words-foreign') : error
  }
}
