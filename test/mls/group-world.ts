import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { nativeSuites } from '../../main/crypto/native.ts'
import { decode, encode, toHex } from '../../main/mls/codec.ts'
import {
  changedParts, commit, createGroup, decodePending, encodePending, epochAuthenticator, generateKeyPackage,
  groupFromParts, join, KeyPackagePrivate, merge, MlsError, MLSMessage, nodesOf, portableSuites, protect, receive,
  trusting, type Authentication, type Capabilities, type CommitOptions, type Committed, type Extensions, type Group,
  type Joined, type JoinOptions, type KeyPackage, type KeyPair, type ProcessOptions, type Proposed, type PskLookup,
  type Received, type RuleId, type Secret, type Suite, type SuiteOf, type Valid,
} from '../../main/mls/index.ts'
import { changedSecretParts, SecretTreePart } from '../../main/mls/schedule/secret-tree.ts'
import { Secret as SecretValue } from '../../main/mls/secret.ts'

// People in groups, for tests that read like stories: every message travels as bytes, every step is stored and the
// group loaded again, every secret that the engine gives up is wiped at once.

/** Bytes that follow from a seed, so that a failing run can be repeated. */
export function seededRandom(seed: string): (length: number) => Uint8Array {
  let counter = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      createHash('sha256').update(`${seed} ${counter++}`).digest())
    return new Uint8Array(Buffer.concat(blocks)).slice(0, length)
  }
}

export type Implementation = { readonly name: string, readonly suites: (seed: string) => SuiteOf }
export const implementations: readonly Implementation[] = [
  { name: 'native', suites: (seed) => nativeSuites(seededRandom(seed)) },
  { name: 'portable', suites: (seed) => portableSuites(seededRandom(seed)) },
]
/** RFC 9420 §17.1. */
export const suiteIds: readonly number[] = [1, 2, 3, 4, 5, 6, 7]

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (data: Uint8Array): string => new TextDecoder().decode(data)
export const custom = 0xf001
export const forever = { notBefore: 0n, notAfter: 2n ** 64n - 1n }

/** Tells people apart by their names: one of them has another signature key in each suite. */
export const byName: Authentication = {
  ...trusting,
  clientOf: (credential) => credential.type === 'basic' ? toHex(credential.identity) : undefined,
}

/** Everything of a group as plain values, secrets included, to compare two groups or one before and after. */
export function snapshot(group: Group): unknown {
  return plain({
    ...group,
    suite: group.suite.id,
    tree: nodesOf(group.tree),
    secretTree: partsOf(group.secretTree),
    past: group.past.map((past) => ({ ...past, secretTree: partsOf(past.secretTree) })),
  })
}

const partsOf = (tree: Group['secretTree']): unknown =>
  [...changedSecretParts(tree, undefined)].map(([name, part]) =>
    [name, part === undefined ? undefined : encode(SecretTreePart, part)]).sort()

function plain(value: unknown): unknown {
  if (value instanceof SecretValue) return `secret ${toHex(value.unwrap())}`
  if (value instanceof Uint8Array) return toHex(value)
  if (value instanceof Map) {
    return Array.from(value as ReadonlyMap<unknown, unknown>, ([key, each]) => [key, plain(each)]).sort()
  }
  if (Array.isArray(value)) return (value as readonly unknown[]).map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}

/** Every secret that a group holds, but for the signature key, which is the application's. */
function secretsIn(group: Group): ReadonlySet<Secret> {
  const found = new Set<Secret>()
  const visit = (value: unknown): void => {
    if (value instanceof SecretValue) found.add(value)
    else if (value instanceof Map) for (const each of value.values()) visit(each)
    else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) visit(each)
  }
  const { secrets, keys, secretTree, proposals, past } = group
  visit([secrets, keys, secretTree, Array.from(proposals.values(), ({ ownKeys }) => ownKeys?.encryption), past])
  return found
}

/** Whoever has a name and a signature key. */
export class Person {
  readonly name: string
  readonly suite: Suite
  readonly signatureKeyPair: KeyPair
  readonly able: Partial<Capabilities>

  /** `able`: where the capabilities differ from most people's. */
  constructor(suite: Suite, name: string, able: Partial<Capabilities> = {}) {
    this.name = name
    this.suite = suite
    this.signatureKeyPair = suite.signatureKeyPair()
    this.able = able
  }

  get leaf() {
    return {
      credential: { type: 'basic', identity: bytes(this.name) } as const,
      signatureKeyPair: this.signatureKeyPair,
      capabilities: {
        versions: [1], cipherSuites: [this.suite.id], extensions: [custom], proposals: [], credentials: [1],
        ...this.able,
      },
      lifetime: forever,
    }
  }

  keyPackage(): { readonly keyPackage: Valid<KeyPackage>, readonly privateKeys: KeyPackagePrivate } {
    return generateKeyPackage(this.suite, this.leaf)
  }
}

/** A person in a group, with the store that their group lives in. */
export class Member {
  readonly person: Person
  readonly suiteOf: SuiteOf
  group: Group
  readonly #head: { bytes: Uint8Array | undefined } = { bytes: undefined }
  readonly #nodes = new Map<number, Uint8Array>()
  readonly #ratchets = new Map<string, Uint8Array>()

  constructor(person: Person, suiteOf: SuiteOf, group: Group) {
    this.person = person
    this.suiteOf = suiteOf
    this.group = group
    this.#write(group, undefined)
    this.#load(group)
  }

  get name(): string {
    return this.person.name
  }

  /** What this person's client knows of its groups. */
  readonly groups = (groupId: Uint8Array): Group | undefined =>
    toHex(groupId) === toHex(this.group.context.groupId) ? this.group : undefined

  /** Stores the next state, wipes what died, and goes on with what the store gives back. */
  keep({ group, wipe }: { readonly group: Group, readonly wipe: readonly Secret[] }): void {
    this.#write(group, this.group)
    for (const secret of wipe) secret.wipe()
    // RFC 9420 §9.2: what the next state does not hold any more is gone.
    const held = secretsIn(group)
    const forgotten = [...secretsIn(this.group)].filter((secret) => !held.has(secret))
    assert.ok(forgotten.every((secret) => secret.unwrap().every((octet) => octet === 0)), 'a dead secret survived')
    this.#load(group)
  }

  #write(group: Group, before: Group | undefined): void {
    const { head, nodes, ratchets } = changedParts(group, before)
    if (head !== undefined) this.#head.bytes = head
    for (const [index, value] of nodes) set(this.#nodes, index, value)
    for (const [name, value] of ratchets) set(this.#ratchets, name, value)
  }

  #load(expected: Group): void {
    assert.ok(this.#head.bytes !== undefined)
    const parts = { head: this.#head.bytes, nodes: this.#nodes, ratchets: this.#ratchets }
    this.group = groupFromParts(this.suiteOf, parts)
    assert.deepEqual(snapshot(this.group), snapshot(expected))
  }

  receive(message: MLSMessage, psks?: PskLookup, options: Partial<ProcessOptions> = {}): Received {
    const before = snapshot(this.group)
    const received = receive(this.group, travelled(message), {
      authentication: trusting, ...(psks === undefined ? {} : { psks }), ...options,
    })
    assert.deepEqual(snapshot(this.group), before, 'receiving changed its input')
    this.keep(received)
    return received
  }

  /** Encrypts a text; the message may be delivered whenever one likes. */
  say(words: string): MLSMessage {
    const before = snapshot(this.group)
    const said = protect(this.group, bytes(words), { padding: words.length % 7 })
    assert.deepEqual(snapshot(this.group), before, 'protecting changed its input')
    this.keep(said)
    return said.message
  }

  /** The text of a message. */
  hear(message: MLSMessage): string {
    const received = this.receive(message)
    assert.equal(received.type, 'application')
    return text(received.data)
  }

  /** A commit that is made and not yet accepted, its next epoch stored and loaded. */
  prepare(options: Partial<CommitOptions> = {}): Committed {
    const before = snapshot(this.group)
    const made = commit(this.group, { authentication: trusting, ...options })
    assert.deepEqual(snapshot(this.group), before, 'committing changed its input')
    const stored = encodePending(made.group, made.pending)
    this.keep(made)
    const pending = decodePending(this.suiteOf, this.group, stored)
    assert.deepEqual(snapshot(pending), snapshot(made.pending))
    return { ...made, group: this.group, pending }
  }

  /** The own commit was accepted. */
  accept({ pending }: Committed): void {
    this.keep(merge(this.group, pending))
  }
}

/** Puts a part into a store, or takes it out. */
export function set<K>(map: Map<K, Uint8Array>, key: K, value: Uint8Array | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value.slice())
}

/** A message as its receivers decode it. */
export function travelled(message: MLSMessage): MLSMessage {
  const sent = encode(MLSMessage, message)
  const received = decode(MLSMessage, sent)
  assert.equal(toHex(encode(MLSMessage, received)), toHex(sent))
  return received
}

export type Guest = { readonly person: Person } & ReturnType<Person['keyPackage']>

/** A world with one group in it. */
export class World {
  readonly suiteOf: SuiteOf
  readonly suite: Suite
  readonly #able: Partial<Capabilities>

  /** `able`: where the capabilities of people in this world differ from most people's. */
  constructor(suiteOf: SuiteOf, id: number, able: Partial<Capabilities> = {}) {
    this.suiteOf = suiteOf
    this.#able = able
    const suite = suiteOf(id)
    assert.ok(suite !== undefined, `suite ${id} is not there`)
    this.suite = suite
  }

  person(name: string, able = this.#able): Person {
    return new Person(this.suite, name, able)
  }

  /** Somebody with a KeyPackage that others may add. */
  guest(name: string, able = this.#able): Guest {
    const person = this.person(name, able)
    return { person, ...person.keyPackage() }
  }

  found(name: string, extensions: Extensions = []): Member {
    const person = this.person(name)
    const groupId = this.suite.random(this.suite.hashLength)
    return new Member(person, this.suiteOf, createGroup(this.suite, { groupId, ...person.leaf, extensions }))
  }

  /** A group whose first member has added the others. */
  gather(...names: readonly [string, ...string[]]): Member[] {
    const [first, ...rest] = names
    const founder = this.found(first)
    if (rest.length === 0) return [founder]
    return [founder, ...this.commit(founder, [], { guests: rest.map((name) => this.guest(name)) })]
  }

  join(guest: Guest, made: Pick<Committed, 'welcome'>, psks?: PskLookup): Member {
    return this.enter(guest, made, psks === undefined ? {} : { psks })
  }

  /** Joins by a Welcome that travels as bytes. */
  enter(guest: Guest, made: Pick<Committed, 'welcome'>, options: Partial<JoinOptions> = {}): Member {
    return this.welcome(guest, made, options).member
  }

  /** The same, with what the GroupInfo says. */
  welcome(guest: Guest, made: Pick<Committed, 'welcome'>, options: Partial<JoinOptions> = {}): {
    readonly member: Member
  } & Pick<Joined, 'groupInfoExtensions'> {
    assert.ok(made.welcome !== undefined)
    const { body } = travelled(made.welcome)
    assert.equal(body.type, 'welcome')
    // A KeyPackage waits in a store for its Welcome.
    const privateKeys = decode(KeyPackagePrivate, encode(KeyPackagePrivate, guest.privateKeys))
    const { group, groupInfoExtensions, wipe } = join({
      suiteOf: this.suiteOf, welcome: body.welcome, keyPackage: guest.keyPackage, privateKeys,
      signaturePrivateKey: guest.person.signatureKeyPair.privateKey, authentication: trusting, ...options,
    })
    for (const secret of wipe) secret.wipe()
    return { member: new Member(guest.person, this.suiteOf, group), groupInfoExtensions }
  }

  /** A commit that everybody follows: `others` process it, `guests` join, all agree on the epoch. */
  commit(
    committer: Member, others: readonly Member[],
    { guests = [], psks, ...options }: Partial<CommitOptions> & { readonly guests?: readonly Guest[] } = {},
  ): Member[] {
    const adds = guests.map(({ keyPackage }) => ({ type: 'add', keyPackage }) as const)
    const withPsks = psks === undefined ? {} : { psks }
    const made = committer.prepare({ ...options, ...withPsks, proposals: [...options.proposals ?? [], ...adds] })
    committer.accept(made)
    const following = others.filter((member) => {
      const received = member.receive(made.message, psks)
      assert.equal(received.type, 'commit')
      return !received.applied.selfRemoved
    })
    const joined = guests.map((guest) => this.join(guest, made, psks))
    assertAgree([committer, ...following, ...joined])
    return joined
  }
}

/** All are in the same epoch and know it. */
export function assertAgree(members: readonly Member[]): void {
  const views = new Set(members.map(({ group }) => `${group.context.epoch} ${toHex(epochAuthenticator(group))}`))
  assert.equal(views.size, 1, `${members.map(({ name }) => name).join(', ')} do not agree`)
}

/** Delivers a proposal to everybody else. */
export function tell(proposed: Proposed, { from, to }: {
  readonly from: Member
  readonly to: readonly Member[]
}): void {
  from.keep(proposed)
  for (const member of to) {
    const received = member.receive(proposed.message)
    assert.ok(received.type === 'proposal' && received.refused === undefined)
  }
}

/** For `assert.throws`: the engine failed with this code. */
export const failsAs = (code: MlsError['code']) => (error: unknown): boolean =>
  error instanceof MlsError && error.code === code

/** For `assert.throws`: the engine refused by this rule. */
export const breaks = (rule: RuleId) => (error: unknown): boolean => error instanceof MlsError && error.rule === rule

/** Everybody says something that everybody else can read. */
export function assertTalk(members: readonly Member[]): void {
  for (const speaker of members) {
    const message = speaker.say(`hello from ${speaker.name}`)
    for (const listener of members) {
      if (listener !== speaker) assert.equal(listener.hear(message), `hello from ${speaker.name}`)
    }
  }
}
