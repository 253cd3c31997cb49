import {
  choice, decode, encode, fixed, MlsError, opaque, optional, refHash, secret, signWithLabel, struct, uint32, uint8, utf8,
  verifyWithLabel, type Infer, type KeyPair, type Suite,
} from '../mls/index.ts'
import { Name, refined, versioned } from '../identity/fields.ts'
import { AccountId, IdentityKey, IdentitySignature, SignedGenesis } from '../identity/genesis.ts'
import { readLinkingCode, type LinkingCode } from '../identity/linking-code.ts'
import type { LinkFailure, LinkRole as Role } from '../../preload/api.ts'
import { readInvite } from './invite.ts'

/** What two devices say to each other while one is linked, and what each keeps of it. */

/** What a computer is, as it says itself. */
const Platform = refined(utf8(40), (text) => /^[\x20-\x7e]*$/.test(text), 'the name of a platform')

/** The new device: this is my key, and so I am called. Signed over the transcript of the channel. */
const DeviceTBS = struct({ transcript: fixed(32), publicKey: IdentityKey, name: Name, platform: Platform })
export type NewDevice = Omit<Infer<typeof DeviceTBS>, 'transcript'>

const welcome = {
  /** The person's name, and what the elder is called. */
  name: Name,
  elder: Name,
  recoverySealKey: opaque(64),
  recoveryCardName: opaque(32),
  /** How many conversations there are. */
  groups: uint32,
} as const

/** Version 1. */
export const LinkMessage = versioned(1, choice(uint8, {
  /** New: who it is. */
  device: [1, struct({ publicKey: IdentityKey, name: Name, platform: Platform, signature: IdentitySignature })],
  /** New: what the person read on the elder's screen. */
  digits: [2, struct({ digits: utf8(10) })],
  /** Elder: whose device it would be, by whose hand. */
  account: [3, struct({ genesis: SignedGenesis, issuer: IdentityKey })],
  /** New: its key agrees to that (identity/entry.ts). */
  possession: [4, struct({ signature: IdentitySignature })],
  /** Elder, after the person's yes: what the log does not say. The certificate itself is the entry in the device log. */
  welcome: [5, struct(welcome)],
}))
export type LinkMessage = Infer<typeof LinkMessage>

/** The message of that type in these bytes, or `undefined` for anything else. */
export function messageIn<T extends LinkMessage['type']>(
  bytes: Uint8Array, type: T,
): Extract<LinkMessage, { type: T }> | undefined {
  try {
    const message = decode(LinkMessage, bytes)
    return message.type === type ? message as Extract<LinkMessage, { type: T }> : undefined
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

const deviceLabel = 'Coppice linking device 1'

export const introduce = (suite: Suite, key: KeyPair, transcript: Uint8Array, device: NewDevice): LinkMessage => ({
  type: 'device', ...device,
  signature: signWithLabel(suite, key.privateKey, deviceLabel, encode(DeviceTBS, { ...device, transcript })),
})

/** Whether whoever sits at the other end of this channel has that key. */
export function isIntroduced(
  suite: Suite, transcript: Uint8Array, { signature, ...device }: NewDevice & { readonly signature: Uint8Array },
): boolean {
  const { publicKey, name, platform } = device
  return verifyWithLabel(suite, publicKey, deviceLabel, encode(DeviceTBS, { transcript, publicKey, name, platform }), signature)
}

// ---------------------------------------------------------------- digits

export const digitCount = 10
const sharedCount = 6

/** The first six digits: both ends of one channel compute them, and the ends of two channels hardly ever the same. */
export function sharedDigits(suite: Suite, transcript: Uint8Array): string {
  const hash = refHash(suite, 'Coppice linking digits 1', transcript)
  // Eight bytes modulo 10^6: no number is more likely than another by more than 10^-13.
  const value = hash.subarray(0, 8).reduce((sum, byte) => (sum * 256n) + BigInt(byte), 0n)
  return String(value % 1_000_000n).padStart(sharedCount, '0')
}

/** The last four, which only the elder knows: who has not seen its screen has to guess. */
export function ownDigits(suite: Suite): string {
  for (;;) {
    const [high = 255, low = 255] = suite.random(2)
    const value = high * 256 + low
    // 60,000 is the largest multiple of 10,000 in two octets: the rest would favour small numbers.
    if (value < 60_000) return String(value % 10_000).padStart(digitCount - sharedCount, '0')
  }
}

/** What somebody typed, or `undefined` when that is not ten digits. */
export function typedDigits(text: string): string | undefined {
  const digits = text.replace(/[\s-]/g, '')
  return /^[0-9]{10}$/.test(digits) ? digits : undefined
}

export const startsWithShared = (digits: string, shared: string): boolean => digits.slice(0, sharedCount) === shared

// ---------------------------------------------------------------- codes

export type ReadCode =
  | { readonly type: 'code', readonly code: LinkingCode }
  | { readonly type: 'refused', readonly why: LinkFailure }

/** Whether this device, in that role and reaching logs at that address, can use the code. */
export function readCode(
  suite: Suite, text: string, own: { readonly role: Role, readonly address: string, readonly now: number },
): ReadCode {
  const refused = (why: LinkFailure): ReadCode => ({ type: 'refused', why })
  const read = readLinkingCode(suite, text, own.now)
  switch (read.type) {
    case 'malformed': return refused(readInvite(suite, text, own.now).type === 'malformed' ? 'malformed' : 'invite')
    case 'newer':
    case 'expired': return refused(read.type)
    case 'code': break
  }
  if (read.code.role === own.role) return refused('role')
  return read.code.address === own.address ? { type: 'code', code: read.code } : refused('elsewhere')
}

// ---------------------------------------------------------------- what is kept

const key = { rendezvous: utf8(32), endKey: secret(32) } as const

/**
 * How far linking has come, so that a restart goes on or ends it in good order. The new device keeps its key before it
 * tells anybody the public half.
 */
const Stage = choice(uint8, {
  /** Talking: nothing of it outlives the process. `publicKey`: certified, or about to be. */
  elder: [1, struct({ ...key, device: optional(struct({ publicKey: IdentityKey, name: Name, platform: Platform })) })],
  new: [2, struct({
    ...key, publicKey: IdentityKey, privateKey: secret(64), name: Name,
    told: optional(struct({ accountId: AccountId, ...welcome })),
  })],
  /** The new device has the account, and waits for the conversations. */
  joining: [3, struct({ ...key, name: Name, groups: uint32 })],
})
export type LinkingStage = Infer<typeof Stage>
/** Version 1. */
export const LinkingDocument = versioned(1, Stage)
export const encodeLinking = (stage: LinkingStage): Uint8Array => encode(LinkingDocument, stage)
/** Throws `MlsError('unsupported')` for a document of a later version. */
export const decodeLinking = (bytes: Uint8Array): LinkingStage => decode(LinkingDocument, bytes)
