import {
  Credential, decode, decryptWithLabel, encode, encryptWithLabel, MlsError, opaque, signWithLabel, struct, uint8, utf8,
  vector, verifyWithLabel, fixed, names, toHex, type Infer, type KeyPair, type Suite,
} from '../mls/index.ts'
import { accountIdOf, validateCredential } from './credential.ts'
import { milliseconds, Name, versioned } from './fields.ts'
import { AccountId, accountIdFor, DeviceId, IdentitySignature, SignedGenesis } from './genesis.ts'

/**
 * The recovery card: what somebody who has nothing but the 24 words needs to come back. It lies in a log that only the
 * words can name, is sealed to the recovery key, and signed by the device that wrote it.
 */

const Helper = struct({ accountId: AccountId, deviceId: DeviceId })

/** A group of the account, and some devices that can let a new one in. */
const CardGroup = struct({
  groupId: fixed(16),
  /** The name of its logs. */
  log: fixed(16),
  kind: names(uint8, { direct: 1, group: 2 }),
  title: Name,
  helpers: vector(Helper, 48 * 16),
})
export type CardGroup = Infer<typeof CardGroup>

/** Version 1. */
export const Card = versioned(1, struct({
  genesis: SignedGenesis,
  /** How the account's owner is called. */
  name: Name,
  address: utf8(512),
  /** The writer's clock, milliseconds since 1970: of several cards of one device the latest counts. */
  madeAt: milliseconds,
  groups: vector(CardGroup, 2_000_000),
}))
export type Card = Infer<typeof Card>

const SignedCard = struct({
  card: Card, credential: Credential, signatureKey: fixed(32), signature: IdentitySignature,
})
/** The card, and which device wrote it: lower-case hexadecimal of its current signature key. */
export type ReadCard = { readonly card: Card, readonly writtenBy: string }

const SealedCard = versioned(1, struct({ kemOutput: opaque(64), ciphertext: opaque(3_000_000) }))

const signLabel = 'Coppice recovery card 1'
const sealLabel = 'Coppice recovery card seal 1'

/** The log of the card, named by what the words alone derive (recovery.ts `cardName`): 32 bytes. */
export const cardLog = (cardName: Uint8Array): string => `c.${toHex(cardName)}`

/** One record of that log. */
export function writeCard(suite: Suite, card: Card, by: {
  readonly credential: Credential, readonly key: KeyPair
  /** Where the words seal to (recovery.ts `recoverySealKeyPair`). */
  readonly sealKey: Uint8Array
  readonly cardName: Uint8Array
}): Uint8Array {
  const signed = encode(SignedCard, {
    card, credential: by.credential, signatureKey: by.key.publicKey,
    signature: signWithLabel(suite, by.key.privateKey, signLabel, encode(Card, card)),
  })
  return encode(SealedCard, encryptWithLabel(suite, by.sealKey, sealLabel, by.cardName, signed))
}

/**
 * The card in a record, if it is one that a device of the account which the card names has signed; whether that device
 * was revoked says the device log. Anybody who knows the log's name may append to it. Never throws for bytes.
 */
export function readCard(
  suite: Suite, bytes: Uint8Array, to: { readonly key: KeyPair, readonly cardName: Uint8Array },
): ReadCard | undefined {
  try {
    const signed = decode(SignedCard, decryptWithLabel(suite, to.key, sealLabel, to.cardName, decode(SealedCard, bytes)))
    const { card, credential, signatureKey, signature } = signed
    if (accountIdOf(credential) !== toHex(accountIdFor(suite, card.genesis.genesis))) return undefined
    if (validateCredential(suite, credential, signatureKey) !== undefined) return undefined
    if (!verifyWithLabel(suite, signatureKey, signLabel, encode(Card, card), signature)) return undefined
    return { card, writtenBy: toHex(signatureKey) }
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}
