import {
  decode, encode, fixed, MlsError, names, refHash, struct, toHex, uint8, type Infer, type Suite,
} from '../mls/index.ts'
import { armour, unarmour } from './armour.ts'
import { Address, milliseconds, versioned } from './fields.ts'

/**
 * What one device shows and another reads so that they can talk before either knows the other: one line of text,
 * `coppicelink1-...`, and the same as a QR code. It is no URL, and no invite: what reads the one refuses the other.
 */

/** `elder` has the account, `new` gets it. */
export const LinkRole = names(uint8, { elder: 1, new: 2 })

/** Version 1. `role` is that of the device which shows it. */
export const LinkingCode = versioned(1, struct({
  role: LinkRole,
  /** X25519, made for this code alone (RFC 9180 §7.1). */
  publicKey: fixed(32),
  /** Whoever has read the code has this, and nobody else does. */
  psk: fixed(32),
  expiresAt: milliseconds,
  address: Address,
}))
export type LinkingCode = Infer<typeof LinkingCode>

/** How long a code is good for. */
export const linkingCodeMs = 5 * 60 * 1000

const textName = 'coppicelink'

export const writeLinkingCode = (suite: Suite, code: LinkingCode): string =>
  armour(suite, textName, encode(LinkingCode, code))

export type ReadLinkingCode =
  | { readonly type: 'code' | 'expired', readonly code: LinkingCode }
  | { readonly type: 'malformed' | 'newer' }

/** What a text is. `now` in milliseconds since 1970. Never throws. */
export function readLinkingCode(suite: Suite, text: string, now: number): ReadLinkingCode {
  const read = unarmour(suite, textName, text)
  if (read.type !== 'bytes') return read
  try {
    const code = decode(LinkingCode, read.bytes)
    return { type: now < code.expiresAt ? 'code' : 'expired', code }
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    return { type: error.code === 'unsupported' ? 'newer' : 'malformed' }
  }
}

/** Where the two meet: 32 hexadecimal digits that only readers of the code can name. */
export const rendezvousOf = (suite: Suite, code: LinkingCode): string =>
  toHex(refHash(suite, 'Coppice linking rendezvous 1', encode(LinkingCode, code)).subarray(0, 16))
