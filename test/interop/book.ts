import { nativeSuites, systemRandom } from '../../main/crypto/native.ts'
import {
  Credential, credentialType, droppedSecrets, encode, equal, mls10, MlsError, Secret, toHex, withGrease,
  type Authentication, type Group, type KeyPackage, type KeyPackagePrivate, type KeyPair, type PskLookup, type Suite,
  type Valid,
} from '../../main/mls/index.ts'

// What the numbers of the interop interface stand for. Clients that are driven by it are told apart by the identity in
// their basic credentials, and hold one group for each number.

/** External PSKs by their hexadecimal id. */
export type Psks = Map<string, Secret>

/** A state of the interface: somebody's view of a group, which goes on under the same number. */
export type Member = {
  readonly type: 'state'
  group: Group
  readonly wireFormat: 'publicMessage' | 'privateMessage'
  readonly psks: Psks
  /** ProposalRefs of this epoch by the message that brought them, own ones too: no PrivateMessage is read twice. */
  references: ReadonlyMap<string, Uint8Array>
  /** The next epoch by an own commit that nobody has accepted yet. */
  pending: Group | undefined
}

/** A transaction of the interface: somebody who waits for a Welcome. */
export type Guest = {
  readonly type: 'transaction'
  readonly keyPackage: Valid<KeyPackage>
  readonly privateKeys: KeyPackagePrivate
  readonly signaturePrivateKey: Secret
  readonly psks: Psks
}

/** Somebody whose group was reinitialized, with a KeyPackage for its successor (RFC 9420 §11.2). */
export type Renewal = { readonly type: 'reinit', readonly stateId: number, readonly guest: Guest }

/** A signer of the interface: an external sender (RFC 9420 §12.1.8.1). */
export type Signer = { readonly type: 'signer', readonly signatureKeyPair: KeyPair }

type Entry = Member | Guest | Renewal | Signer
type EntryOf<T extends Entry['type']> = Extract<Entry, { readonly type: T }>

/** All entries of one server. Calls of one server may be of many clients. */
export class Book {
  /** Whether its clients offer values that others must ignore (RFC 9420 §13.5). */
  readonly grease: boolean
  #last = 0
  readonly #entries = new Map<number, Entry>()

  constructor({ grease }: { readonly grease: boolean }) {
    this.grease = grease
  }

  /** States and transactions share their numbers: StorePSK takes either. */
  add(entry: Entry): number {
    this.#last += 1
    this.#entries.set(this.#last, entry)
    return this.#last
  }

  get<T extends Entry['type']>(type: T, id: number): EntryOf<T> {
    const entry = this.#entries.get(id)
    if (entry?.type !== type) throw new MlsError('misuse', `there is no ${type} ${id}`)
    return entry as EntryOf<T>
  }

  /** Where a PSK may be put. */
  psks(id: number): Psks {
    const entry = this.#entries.get(id)
    if (entry?.type !== 'state' && entry?.type !== 'transaction') {
      throw new MlsError('misuse', `there is no state and no transaction ${id}`)
    }
    return entry.psks
  }

  /** Strikes out what goes on under another number. */
  remove(id: number): void {
    this.#entries.delete(id)
  }

  /** Forgets an entry with its secrets, but for signature keys: other entries of one client may have them, too. */
  free(id: number): void {
    const entry = this.#entries.get(id)
    switch (entry?.type) {
      case undefined: throw new MlsError('misuse', `nothing has the number ${id}`)
      case 'state': leave(entry); wipe(entry.psks.values()); break
      case 'transaction': dismiss(entry); break
      case 'reinit': dismiss(entry.guest); break
      case 'signer': break
    }
    this.#entries.delete(id)
  }

  get size(): number {
    return this.#entries.size
  }
}

export const suiteOf = nativeSuites(systemRandom)

/** The suites of RFC 9420 §17.1 that this host has. */
export const supportedSuites = [1, 2, 3, 4, 5, 6, 7].filter((id) => suiteOf(id) !== undefined)

export function suite(id: number): Suite {
  const found = suiteOf(id)
  if (found === undefined) throw new MlsError('unsupported', `cipher suite ${id} is not there`)
  return found
}

const sameCredential = (a: Credential, b: Credential): boolean => equal(encode(Credential, a), encode(Credential, b))

/** Whoever says so is it; an identity stays with its leaf, and is one client. */
export const authentication: Authentication = {
  validate: () => undefined,
  validateSuccessor: (before, after) => sameCredential(before, after) ? undefined : 'another identity',
  clientOf: (credential) => toHex(encode(Credential, credential)),
}

/** What a client says of itself in its leaves, with a fresh signature key. */
export function leafOf({ grease }: Book, suite: Suite, identity: Uint8Array) {
  const now = seconds()
  const [hour, day] = [3600n, 86400n]
  const able = {
    capabilities: {
      versions: [mls10], cipherSuites: supportedSuites, extensions: [], proposals: [],
      credentials: [credentialType.basic],
    },
  }
  return {
    credential: { type: 'basic', identity },
    signatureKeyPair: suite.signatureKeyPair(),
    ...grease ? withGrease(suite, able) : able,
    // Clocks differ by an hour at most; some implementations take no more than three months.
    lifetime: { notBefore: now - hour, notAfter: now + 28n * day },
  } as const
}

/** Now, in seconds since 1970. */
export const seconds = (): bigint => BigInt(Math.floor(Date.now() / 1000))

export const newMember = (group: Group, wireFormat: Member['wireFormat'], psks: Psks): Member =>
  ({ type: 'state', group, wireFormat, psks, references: new Map(), pending: undefined })

export const wireFormatOf = ({ encryptHandshake }: { readonly encryptHandshake: boolean }): Member['wireFormat'] =>
  encryptHandshake ? 'privateMessage' : 'publicMessage'

/** The next value of a member's group, and the end of the secrets that died. */
export function keep(member: Member, next: { readonly group: Group, readonly wipe: readonly Secret[] }): void {
  if (member.group.context.epoch !== next.group.context.epoch) {
    member.references = new Map()
    member.pending = undefined
  }
  member.group = next.group
  wipe(next.wipe)
}

/** Lets go of an own commit that nobody accepted. */
export function dropPending(member: Member): void {
  if (member.pending === undefined) return
  wipe(droppedSecrets(member.pending, member.group))
  member.pending = undefined
}

/** Wipes all of a group that is over for this member. */
export function leave(member: Member): void {
  dropPending(member)
  wipe(droppedSecrets(member.group, undefined))
}

/** Wipes all of somebody who will not join with this KeyPackage. */
const dismiss = ({ privateKeys, psks }: Guest): void => { wipe([...Object.values(privateKeys), ...psks.values()]) }

function wipe(secrets: Iterable<Secret>): void {
  for (const secret of secrets) secret.wipe()
}

export function storePsk(psks: Psks, pskId: Uint8Array, pskSecret: Uint8Array): void {
  psks.set(toHex(pskId), new Secret(pskSecret))
}

/** The same PSKs for another group, which may outlive this one. */
export const copied = (psks: Psks): Psks =>
  new Map(Array.from(psks, ([id, psk]) => [id, new Secret(psk.unwrap().slice())]))

export const lookupIn = (psks: Psks): PskLookup => ({ psk }) =>
  psk.type === 'external' ? psks.get(toHex(psk.pskId)) : undefined
