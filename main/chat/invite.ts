import {
  decode, encode, equal, fixed, mapped, MlsError, refHash, struct, toHex, utf8, type Codec, type Suite,
} from '../mls/index.ts'
import { armour, unarmour } from '../identity/armour.ts'
import { Address, milliseconds, Name, refined, versioned } from '../identity/fields.ts'
import { AccountId } from '../identity/genesis.ts'
import { readLinkingCode } from '../identity/linking-code.ts'
import { deviceLogOf } from './mail.ts'

/**
 * An invite: a contact card as one line of text, `coppice1-...`, and the same as a QR code. It holds the full
 * accountId, so whoever got it from the right person talks with the right person.
 */
export type ContactCard = {
  readonly accountId: Uint8Array
  /** The log that holds the account's genesis and devices: 1 to 100 characters of `[a-z0-9.-]`. */
  readonly deviceLog: string
  /** Where the logs are: at most 512 visible ASCII characters; 'local' for this machine. */
  readonly address: string
  /** Milliseconds since 1970; from then on the card is expired. */
  readonly expiresAt: number
  /** 16 random bytes that show, in a Welcome's proof, that its sender holds this card. */
  readonly token: Uint8Array
  /** As the person calls themselves: see `Name`. */
  readonly name: string
}

const LogName = refined(utf8(100), (name) => /^[a-z0-9.-]*$/.test(name), 'the name of a log')

/** Version 1. An empty log name stands for `u.<accountId>`, which may not be spelled out: one card, one encoding. */
const Card: Codec<ContactCard> = versioned(1, mapped(
  struct({
    accountId: AccountId, deviceLog: LogName, address: Address, expiresAt: milliseconds, token: fixed(16), name: Name,
  }),
  (card) => {
    const usual = deviceLogOf(toHex(card.accountId))
    if (card.deviceLog === usual) throw new MlsError('malformed', 'the usual log name is left empty')
    return { ...card, deviceLog: card.deviceLog === '' ? usual : card.deviceLog }
  },
  (card) => {
    if (card.deviceLog === '') throw new MlsError('misuse', 'a card names a log')
    return { ...card, deviceLog: card.deviceLog === deviceLogOf(toHex(card.accountId)) ? '' : card.deviceLog }
  },
))

const textName = 'coppice'

/** The card as one line of text. Throws `MlsError('misuse')` for a card that breaks the limits of its fields. */
export const writeInvite = (suite: Suite, card: ContactCard): string => armour(suite, textName, encode(Card, card))

export type ReadInvite =
  | { readonly type: 'card', readonly card: ContactCard }
  | { readonly type: 'expired', readonly card: ContactCard }
  /** No invite, or a damaged one: cut off, mistyped. */
  | { readonly type: 'malformed' }
  /** Made by a later Coppice in a form that this one does not know. */
  | { readonly type: 'newer' }
  /** A code that links a device to an account: whoever sends one as an invite is after the account. */
  | { readonly type: 'linking' }

/** What a pasted text is. `now` in milliseconds since 1970. White space around and inside is ignored. Never throws. */
export function readInvite(suite: Suite, text: string, now: number): ReadInvite {
  const read = unarmour(suite, textName, text)
  if (read.type === 'malformed' && readLinkingCode(suite, text, now).type !== 'malformed') return { type: 'linking' }
  if (read.type !== 'bytes') return read
  try {
    const card = decode(Card, read.bytes)
    return { type: now < card.expiresAt ? 'card' : 'expired', card }
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    return { type: error.code === 'unsupported' ? 'newer' : 'malformed' }
  }
}

/**
 * Shows the maker of a card, and nobody else, that whoever sends this Welcome holds it: HMAC-SHA-256 under the token
 * of RefHash("Coppice invite 1", Welcome) (RFC 9420 §5.2), 32 bytes. `welcome` are the exact bytes that are sent.
 */
export const tokenProof = (suite: Suite, token: Uint8Array, welcome: Uint8Array): Uint8Array =>
  suite.mac(token, refHash(suite, 'Coppice invite 1', welcome))

/** Whether the proof was made with that token for that Welcome. */
export const matchesToken = (suite: Suite, token: Uint8Array, welcome: Uint8Array, proof: Uint8Array): boolean =>
  equal(tokenProof(suite, token, welcome), proof)
