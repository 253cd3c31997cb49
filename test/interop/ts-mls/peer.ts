import assert from 'node:assert/strict'
import { decode, encode, toHex } from '../../../main/mls/codec.ts'
import { keyPackageRef, MLSMessage, type Suite } from '../../../main/mls/index.ts'
import { bytes, travelled } from '../../mls/group-world.ts'

// Clients of two implementations in one group, with the same verbs, so that a story does not ask who is of which.
// They share nothing but the epochs' numbers and the leaves' indexes: everything that passes between them is bytes.

export type WireFormat = 'publicMessage' | 'privateMessage'

/** What a commit may cover by value. */
export type ByValue =
  | { readonly type: 'add', readonly keyPackage: Uint8Array }
  | { readonly type: 'remove', readonly removed: number }
  | { readonly type: 'preSharedKey', readonly pskId: Uint8Array, readonly pskNonce: Uint8Array }
  /** RFC 9420 §8.6: the resumption PSK of an epoch of this group, usage `application`. */
  | { readonly type: 'resumption', readonly pskEpoch: bigint, readonly pskNonce: Uint8Array }
  /** All extensions of the GroupContext: one of the type `custom` with these bytes. */
  | { readonly type: 'extension', readonly data: Uint8Array }
  /** RFC 9420 §11.2: without extensions. */
  | { readonly type: 'reInit', readonly groupId: Uint8Array, readonly cipherSuite: number }

/** An Update renews the encryption key of the proposer's leaf. */
export type Proposing = ByValue | { readonly type: 'update' }

export type Committing = {
  readonly proposals?: readonly ByValue[]
  readonly wireFormat?: WireFormat
  /** Whether the Welcome carries the ratchet tree (RFC 9420 §12.4.3.3), which is the default. */
  readonly treeInside?: boolean
}

/** A commit that is made and not accepted yet. */
export type Made = {
  readonly message: Uint8Array
  readonly welcome: Uint8Array | undefined
  /** Of the epoch that it starts, as the `ratchet_tree` extension has it. */
  readonly ratchetTree: Uint8Array
  readonly accept: () => void
  /** Another commit was accepted. */
  readonly drop: () => void
}

export type ImplementationName = 'Coppice' | 'ts-mls'

/** A member of a group. */
export interface Peer {
  readonly name: string
  readonly implementation: ImplementationName
  readonly leaf: number
  readonly epoch: bigint
  /** RFC 9420 §8.7. */
  readonly authenticator: Uint8Array
  readonly ratchetTree: Uint8Array
  /** Whether a proposal waits, so that nobody may send data (RFC 9420 §12.4). */
  readonly waits: boolean
  /** RFC 9420 §8.5. */
  exported(label: string, context: Uint8Array, length: number): Promise<Uint8Array>
  say(words: string): Promise<Uint8Array>
  hear(message: Uint8Array): Promise<string>
  propose(proposal: Proposing, wireFormat: WireFormat): Promise<Uint8Array>
  /** Takes a proposal or follows a commit; `removed`: it was this member's last one. */
  receive(message: Uint8Array): Promise<'active' | 'removed'>
  prepare(options?: Committing): Promise<Made>
  /** For external commits (RFC 9420 §12.4.3.2). */
  groupInfo(options: { readonly treeInside: boolean }): Promise<Uint8Array>
  /** The same person, with the same signature key and a new KeyPackage. */
  again(): Promise<Guest>
}

/** Somebody with a KeyPackage. */
export interface Guest {
  readonly name: string
  readonly implementation: ImplementationName
  readonly keyPackage: Uint8Array
  /** `ratchetTree`: where the Welcome has none. `old`: the group that the new one continues, where it does. */
  join(welcome: Uint8Array, ratchetTree?: Uint8Array, old?: Peer): Promise<Peer>
  /** Makes the group that follows a ReInit, or branches off (RFC 9420 §11.2, §11.3); the tree is outside. */
  continue(old: Peer, usage: 'reinit' | 'branch', keyPackages: readonly Uint8Array[]): Promise<{
    readonly peer: Peer
    readonly welcome: Uint8Array
  }>
  /** By an external commit; `replaces`: the leaf that this person had. */
  enter(groupInfo: Uint8Array, options?: {
    readonly ratchetTree?: Uint8Array
    readonly replaces?: number
  }): Promise<{ readonly peer: Peer, readonly message: Uint8Array }>
}

/** One implementation on one cipher suite. */
export interface Implementation {
  readonly name: ImplementationName
  guest(name: string): Promise<Guest>
  found(name: string): Promise<Peer>
}

/** What everybody knows under the identifier of an external PSK. */
export const secretUnder = (pskId: Uint8Array): Uint8Array => bytes(`secret under ${toHex(pskId)}`)

/** The body of a message, of which every octet was understood. */
export function bodyOf<T extends MLSMessage['body']['type']>(
  type: T, message: Uint8Array,
): Extract<MLSMessage['body'], { readonly type: T }> {
  const { body } = travelled(decode(MLSMessage, message))
  assert.equal(body.type, type)
  return body as Extract<MLSMessage['body'], { readonly type: T }>
}

/** An encoded MLSMessage (RFC 9420 §6). */
export const packed = (body: MLSMessage['body']): Uint8Array => encode(MLSMessage, { version: 1, body })

/** Those of the guests whom a Welcome is for (RFC 9420 §12.4.3.1). */
export function invited(suite: Suite, welcome: Uint8Array, guests: Iterable<Guest>): readonly Guest[] {
  const references = new Set(bodyOf('welcome', welcome).welcome.secrets.map(({ newMember }) => toHex(newMember)))
  const found = [...guests].filter(({ keyPackage }) =>
    references.has(toHex(keyPackageRef(suite, bodyOf('keyPackage', keyPackage).keyPackage))))
  assert.equal(found.length, references.size)
  return found
}

/** A commit that everybody follows: `others` process it, `guests` join, all agree on the epoch. */
export async function commit(committer: Peer, others: readonly Peer[], { guests = [], ...options }: Committing & {
  readonly guests?: readonly Guest[]
} = {}): Promise<Peer[]> {
  const adds = guests.map(({ keyPackage }) => ({ type: 'add', keyPackage }) as const)
  const made = await committer.prepare({ ...options, proposals: [...options.proposals ?? [], ...adds] })
  made.accept()
  const following: Peer[] = []
  for (const other of others) if (await other.receive(made.message) === 'active') following.push(other)
  const joined: Peer[] = []
  for (const guest of guests) {
    assert.ok(made.welcome !== undefined)
    joined.push(await guest.join(made.welcome, options.treeInside === false ? made.ratchetTree : undefined))
  }
  assertAgree([committer, ...following, ...joined])
  return joined
}

/** Proposes to everybody else. */
export async function propose(proposer: Peer, others: readonly Peer[], proposal: Proposing, {
  wireFormat = 'publicMessage',
}: { readonly wireFormat?: WireFormat } = {}): Promise<void> {
  const message = await proposer.propose(proposal, wireFormat)
  for (const other of others) assert.equal(await other.receive(message), 'active')
}

/** All are in the same epoch, know it, and see the same tree. */
export function assertAgree(peers: readonly Peer[]): void {
  const views = new Set(peers.map(({ epoch, authenticator, ratchetTree }) =>
    `${epoch} ${toHex(authenticator)} ${toHex(ratchetTree)}`))
  assert.equal(views.size, 1, `${peers.map(({ name }) => name).join(', ')} do not agree`)
}

/** Everybody says something that everybody else can read. */
export async function assertTalk(peers: readonly Peer[]): Promise<void> {
  for (const speaker of peers) {
    const message = await speaker.say(`hello from ${speaker.name}`)
    for (const listener of peers) {
      if (listener !== speaker) assert.equal(await listener.hear(message), `hello from ${speaker.name}`)
    }
  }
}
