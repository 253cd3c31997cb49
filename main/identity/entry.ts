import {
  choice, encode, equal, refHash, signWithLabel, struct, uint32, uint8, verifyWithLabel,
  type Codec, type Infer, type KeyPair, type Suite,
} from '../mls/index.ts'
import { milliseconds, Name, versioned } from './fields.ts'
import { AccountId, DeviceId, IdentityKey, IdentitySignature } from './genesis.ts'

/** One entry of a device log: what it says, who signs what, and its hash. Who may say it stands in devices.ts. */

/** The n and the hash of a log's last entry; of the genesis alone: 0 and the accountId. */
export type LogHead = { readonly n: number, readonly hash: Uint8Array }

/**
 * What an entry does.
 * - `add`: certifies a new device; gives it no right to add, grant or revoke others.
 * - `grant`: gives a device these rights.
 * - `renew`: the issuing device replaces its own signature key.
 * - `revoke`: takes a key back. Of the entries that this key issued, those up to number `lastHonoured` still count.
 * - `rotateRecovery`: replaces the recovery key.
 * - `certify`: gives another device a new key, by an elder or the recovery key, whose path is shorter.
 * - `close`: takes back every key of the account, and ends its log: no entry counts after it.
 */
export const Operation = choice(uint8, {
  add: [1, struct({ publicKey: IdentityKey, name: Name })],
  grant: [2, struct({ deviceId: DeviceId })],
  renew: [3, struct({ publicKey: IdentityKey })],
  revoke: [4, struct({ publicKey: IdentityKey, lastHonoured: uint32 })],
  rotateRecovery: [5, struct({ publicKey: IdentityKey })],
  certify: [6, struct({ deviceId: DeviceId, publicKey: IdentityKey })],
  close: [7, struct({})],
})
export type Operation = Infer<typeof Operation>

/** Version 1. The first entry after the genesis has n = 1 and the accountId as its previous hash. */
export const Entry = versioned(1, struct({
  n: uint32,
  previousHash: AccountId,
  /** The issuer's clock, milliseconds since 1970: for people to see, never for a decision. */
  time: milliseconds,
  /** The public key that signs: a device's, or the recovery key. */
  issuer: IdentityKey,
  operation: Operation,
}))
export type Entry = Infer<typeof Entry>

/** An entry with the issuer's signature and, where it brings a key, that key's own (else `undefined`). */
export type SignedEntry = {
  readonly entry: Entry
  readonly signature: Uint8Array
  readonly possession: Uint8Array | undefined
}

/** The key that an operation brings into the account, if any. */
export function newKeyOf(operation: Operation): Uint8Array | undefined {
  switch (operation.type) {
    case 'add':
    case 'renew':
    case 'rotateRecovery':
    case 'certify': return operation.publicKey
    case 'grant':
    case 'revoke':
    case 'close': return undefined
  }
}

/** The entry, the issuer's signature, and the new key's exactly when there is a new key. */
export const SignedEntry: Codec<SignedEntry> = {
  write: (writer, value) => {
    Entry.write(writer, value.entry)
    IdentitySignature.write(writer, value.signature)
    if (newKeyOf(value.entry.operation) !== undefined) {
      IdentitySignature.write(writer, value.possession ?? new Uint8Array(0)) // A missing one is refused as misuse.
    }
  },
  read: (reader) => {
    const entry = Entry.read(reader)
    const signature = IdentitySignature.read(reader)
    const possession = newKeyOf(entry.operation) === undefined ? undefined : IdentitySignature.read(reader)
    return { entry, signature, possession }
  },
}

const entryLabel = 'Coppice device log entry 1'
const possessionLabel = 'Coppice device log possession 1'

/** What the issuer signs. The account is not in the entry, because every log and path names it already. */
const EntryTBS = struct({ accountId: AccountId, entry: Entry })

/**
 * What the new key signs: that its owner wants to be this in that account by the hand of this issuer. Without n and
 * previous hash, so that an issuer who lost a race for an entry number can try again while the new device is away.
 */
const PossessionTBS = struct({ accountId: AccountId, issuer: IdentityKey, operation: Operation })
export type Possession = Infer<typeof PossessionTBS>

/** RefHash("Coppice device log entry 1", the entry without its signatures) (RFC 9420 §5.2): 32 bytes. */
export const entryHash = (suite: Suite, entry: Entry): Uint8Array => refHash(suite, entryLabel, encode(Entry, entry))

/** The new key's consent to what brings it in, made where that key is. */
export const signPossession = (suite: Suite, newKey: KeyPair, possession: Possession): Uint8Array =>
  signWithLabel(suite, newKey.privateKey, possessionLabel, encode(PossessionTBS, possession))

/** Whether a new key agreed to this. */
export const possessionSigned = (
  suite: Suite, newKey: Uint8Array, possession: Possession, signature: Uint8Array,
): boolean => verifyWithLabel(suite, newKey, possessionLabel, encode(PossessionTBS, possession), signature)

/** The entry that follows `head`, signed by `issuer`. `possession`: see `signPossession`. */
export function makeEntry(suite: Suite, options: {
  readonly accountId: Uint8Array
  readonly head: LogHead
  /** Milliseconds since 1970. */
  readonly time: number
  readonly issuer: KeyPair
  readonly operation: Operation
  readonly possession?: Uint8Array
}): SignedEntry {
  const { accountId, head, time, issuer, operation, possession } = options
  const entry: Entry = { n: head.n + 1, previousHash: head.hash, time, issuer: issuer.publicKey, operation }
  const signature = signWithLabel(suite, issuer.privateKey, entryLabel, encode(EntryTBS, { accountId, entry }))
  return { entry, signature, possession }
}

/** Whether the key that the entry names as issuer signed it for this account. */
export const issuerSigned = (suite: Suite, accountId: Uint8Array, { entry, signature }: SignedEntry): boolean =>
  verifyWithLabel(suite, entry.issuer, entryLabel, encode(EntryTBS, { accountId, entry }), signature)

/** Whether a new key, where the entry brings one, agreed. */
export function newKeySigned(suite: Suite, accountId: Uint8Array, { entry, possession }: SignedEntry): boolean {
  const publicKey = newKeyOf(entry.operation)
  if (publicKey === undefined) return possession === undefined
  const content = { accountId, issuer: entry.issuer, operation: entry.operation }
  return possession !== undefined && possessionSigned(suite, publicKey, content, possession)
}

/** The head of a log whose last entry this is. */
export const headAfter = (suite: Suite, entry: Entry): LogHead => ({ n: entry.n, hash: entryHash(suite, entry) })

/** Whether the entry says that it follows `head`. */
export const follows = (entry: Entry, head: LogHead): boolean =>
  entry.n === head.n + 1 && equal(entry.previousHash, head.hash)
