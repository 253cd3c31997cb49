import assert from 'node:assert/strict'
import { decode, encode } from '../../../main/mls/codec.ts'
import {
  branch, droppedSecrets, epochAuthenticator, exportSecret, groupInfo, hasValidProposal, join, joinExternally,
  MLSMessage, nodesOf, propose, proposeUpdate, RatchetTreeNodes, reinitialize, Secret, validateKeyPackage,
  type KeyPackage, type LeafIndex, type OwnProposal, type PskLookup, type Valid,
} from '../../../main/mls/index.ts'
import {
  byName as authentication, custom, Member, type Guest as CoppiceGuest, type Person, type World,
} from '../../mls/group-world.ts'
import {
  bodyOf, packed, secretUnder, type ByValue, type Committing, type Guest, type Implementation, type Made, type Peer,
  type Proposing, type WireFormat,
} from './peer.ts'

const psks: PskLookup = ({ psk }) => psk.type === 'external' ? new Secret(secretUnder(psk.pskId)) : undefined

/** This engine, on the world of its own stories: what it does is stored, loaded again and wiped at every step. */
export const coppice = (world: World): Implementation => ({
  name: 'Coppice',
  guest: async (name) => guestOf(world, world.guest(name)),
  found: async (name) => new CoppicePeer(world, world.found(name)),
})

function guestOf(world: World, guest: CoppiceGuest): Guest {
  const { person, keyPackage, privateKeys } = guest
  const treeIn = (encoded: Uint8Array | undefined) =>
    encoded === undefined ? {} : { ratchetTree: decode(RatchetTreeNodes, encoded) }
  return {
    name: person.name,
    implementation: 'Coppice',
    keyPackage: packed({ type: 'keyPackage', keyPackage }),
    join: async (welcome, ratchetTree, old) => {
      const { group, wipe } = join({
        suiteOf: world.suiteOf, welcome: bodyOf('welcome', welcome).welcome, keyPackage, privateKeys,
        signaturePrivateKey: person.signatureKeyPair.privateKey, authentication, psks, ...treeIn(ratchetTree),
        ...(old instanceof CoppicePeer ? { groups: old.member.groups } : {}),
      })
      for (const secret of wipe) secret.wipe()
      return new CoppicePeer(world, new Member(person, world.suiteOf, group))
    },
    continue: async (old, usage, keyPackages) => {
      assert.ok(old instanceof CoppicePeer)
      const others = keyPackages.map((each) => keyPackageIn(world, each))
      const options = { ...person.leaf, keyPackages: others, authentication, ratchetTree: false }
      const { group, welcome } = usage === 'reinit'
        ? reinitialize(old.member.group, { ...options, suiteOf: world.suiteOf })
        : branch(old.member.group, { ...options, groupId: world.suite.random(world.suite.hashLength) })
      assert.ok(welcome !== undefined)
      const peer = new CoppicePeer(world, new Member(person, world.suiteOf, group))
      return { peer, welcome: encode(MLSMessage, welcome) }
    },
    enter: async (info, { ratchetTree, replaces } = {}) => {
      const { group, message } = joinExternally({
        suiteOf: world.suiteOf, groupInfo: bodyOf('groupInfo', info).groupInfo, ...person.leaf,
        authentication, ...treeIn(ratchetTree),
        ...(replaces === undefined ? {} : { replaces: replaces as LeafIndex }),
      })
      const peer = new CoppicePeer(world, new Member(person, world.suiteOf, group))
      return { peer, message: encode(MLSMessage, message) }
    },
  }
}

/** A KeyPackage that came as bytes. */
const keyPackageIn = (world: World, message: Uint8Array): Valid<KeyPackage> =>
  validateKeyPackage(world.suite, bodyOf('keyPackage', message).keyPackage, { authentication })

class CoppicePeer implements Peer {
  readonly implementation = 'Coppice'
  readonly #world: World
  readonly member: Member

  constructor(world: World, member: Member) {
    this.#world = world
    this.member = member
  }

  get #person(): Person {
    return this.member.person
  }

  get name(): string {
    return this.member.name
  }

  get leaf(): number {
    return this.member.group.ownLeaf
  }

  get epoch(): bigint {
    return this.member.group.context.epoch
  }

  get authenticator(): Uint8Array {
    return epochAuthenticator(this.member.group)
  }

  get ratchetTree(): Uint8Array {
    return encode(RatchetTreeNodes, nodesOf(this.member.group.tree))
  }

  get waits(): boolean {
    return hasValidProposal(this.member.group)
  }

  async exported(label: string, context: Uint8Array, length: number): Promise<Uint8Array> {
    return exportSecret(this.member.group, label, context, length).unwrap()
  }

  async say(words: string): Promise<Uint8Array> {
    return encode(MLSMessage, this.member.say(words))
  }

  async hear(message: Uint8Array): Promise<string> {
    return this.member.hear(decode(MLSMessage, message))
  }

  async propose(proposal: Proposing, wireFormat: WireFormat): Promise<Uint8Array> {
    const { group } = this.member
    const proposed = proposal.type === 'update' ? proposeUpdate(group, { wireFormat })
      : propose(group, this.#own(proposal), { wireFormat })
    this.member.keep(proposed)
    return encode(MLSMessage, proposed.message)
  }

  #own(proposal: ByValue): OwnProposal {
    switch (proposal.type) {
      case 'add': return { type: 'add', keyPackage: keyPackageIn(this.#world, proposal.keyPackage) }
      case 'remove': return { type: 'remove', removed: proposal.removed as LeafIndex }
      case 'preSharedKey': {
        const { pskId, pskNonce } = proposal
        return { type: 'preSharedKey', psk: { psk: { type: 'external', pskId }, pskNonce } }
      }
      case 'resumption': {
        const { pskEpoch, pskNonce } = proposal
        const pskGroupId = this.member.group.context.groupId
        const psk = { type: 'resumption', usage: 'application', pskGroupId, pskEpoch } as const
        return { type: 'preSharedKey', psk: { psk, pskNonce } }
      }
      case 'extension':
        return {
          type: 'groupContextExtensions', extensions: [{ extensionType: custom, extensionData: proposal.data }],
        }
      case 'reInit': return { ...proposal, version: 1, extensions: [] }
    }
  }

  async receive(message: Uint8Array): Promise<'active' | 'removed'> {
    const received = this.member.receive(decode(MLSMessage, message), psks, { authentication })
    assert.notEqual(received.type, 'application')
    if (received.type === 'proposal') assert.equal(received.refused, undefined)
    return this.member.group.status.type === 'removed' ? 'removed' : 'active'
  }

  async prepare({ proposals = [], wireFormat = 'publicMessage', treeInside = true }: Committing = {}): Promise<Made> {
    const made = this.member.prepare({
      proposals: proposals.map((proposal) => this.#own(proposal)), wireFormat, psks, authentication,
      ratchetTree: treeInside,
    })
    const { message, welcome, pending } = made
    return {
      message: encode(MLSMessage, message),
      welcome: welcome === undefined ? undefined : encode(MLSMessage, welcome),
      ratchetTree: encode(RatchetTreeNodes, nodesOf(pending.tree)),
      accept: () => { this.member.accept(made) },
      drop: () => { for (const secret of droppedSecrets(pending, this.member.group)) secret.wipe() },
    }
  }

  async groupInfo({ treeInside }: { readonly treeInside: boolean }): Promise<Uint8Array> {
    const info = groupInfo(this.member.group, { externalPub: true, ratchetTree: treeInside })
    return packed({ type: 'groupInfo', groupInfo: info })
  }

  async again(): Promise<Guest> {
    return guestOf(this.#world, { person: this.#person, ...this.#person.keyPackage() })
  }
}
