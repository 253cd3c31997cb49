import assert from 'node:assert/strict'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import {
  branchGroup, createApplicationMessage, createCommit, createGroup, createProposal, decodeMlsMessage,
  defaultCapabilities, encodeMlsMessage, getCiphersuiteFromName, getCiphersuiteImpl, joinGroup, joinGroupExternal,
  makePskIndex, mlsExporter, processPrivateMessage, processPublicMessage, reinitCreateNewGroup,
  type CiphersuiteImpl, type CiphersuiteName, type ClientState, type IncomingMessageCallback, type KeyPackage,
  type MLSMessage, type PrivateKeyPackage, type Proposal, type ProposalWithSender, type PskIndex,
} from 'ts-mls'
import { getOwnLeafNode } from 'ts-mls/clientState.js'
import { createGroupInfo } from 'ts-mls/createCommit.js'
import { ciphersuites } from 'ts-mls/crypto/ciphersuite.js'
import { signWithLabel } from 'ts-mls/crypto/signature.js'
import { generateKeyPackageWithKey } from 'ts-mls/keyPackage.js'
import { encodeLeafNodeTBS } from 'ts-mls/leafNode.js'
import { updateLeafKey } from 'ts-mls/privateKeyPath.js'
import { decodeRatchetTree, encodeRatchetTree, type RatchetTree } from 'ts-mls/ratchetTree.js'
import { decode, encode, opaque, toHex } from '../../../main/mls/codec.ts'
import { RatchetTreeNodes, type NodeIndex } from '../../../main/mls/index.ts'
import { directPath, nodeOf } from '../../../main/mls/tree/math.ts'
import { nodeAt, positionsOf, treeOf } from '../../../main/mls/tree/ratchet-tree.ts'
import { bytes, custom, forever, text } from '../../mls/group-world.ts'
import {
  secretUnder, type ByValue, type Committing, type Guest, type Implementation, type Made, type Peer, type Proposing,
  type WireFormat,
} from './peer.ts'

// ts-mls 1.6.4 behind the verbs of these stories. Where it deviates from RFC 9420, what it would do wrong is done
// here in its place, left out, or foreseen; each time the clause is cited.

/** The suites of RFC 9420 §17.1 that ts-mls has, by their code points. */
export const tsMlsSuites: ReadonlyMap<number, CiphersuiteName> = new Map(
  Object.entries(ciphersuites).filter(([, id]) => id <= 7).map(([name, id]) => [id, name as CiphersuiteName]))

export async function tsMls(id: number): Promise<Implementation> {
  const name = tsMlsSuites.get(id)
  assert.ok(name !== undefined, `ts-mls has no suite ${id}`)
  const suite = await getCiphersuiteImpl(getCiphersuiteFromName(name))
  return {
    name: 'ts-mls',
    guest: async (guest) => guestOf(suite, await newPerson(suite, guest)),
    found: async (founder) => {
      const person = await newPerson(suite, founder)
      const { publicPackage, privatePackage } = await keyPackageOf(suite, person)
      const groupId = suite.rng.randomBytes(32)
      const state = await createGroup(groupId, publicPackage, privatePackage, [], suite)
      return new TsMlsPeer(suite, person, state)
    },
  }
}

type Person = { readonly name: string, readonly keys: { readonly publicKey: Uint8Array, readonly signKey: Uint8Array } }

const curves: ReadonlyMap<string, typeof p256> = new Map([['P256', p256], ['P384', p384], ['P521', p521]])

async function newPerson(suite: CiphersuiteImpl, name: string): Promise<Person> {
  const keys = await suite.signature.keygen()
  // RFC 9420 §5.1.1: public keys of the NIST curves are UncompressedPointRepresentations. ts-mls compresses those it
  // signs with.
  const curve = curves.get(getCiphersuiteFromName(suite.name).signature)
  return { name, keys: curve === undefined ? keys : { ...keys, publicKey: curve.getPublicKey(keys.signKey, false) } }
}

/** With the capabilities that ts-mls gives by default, GREASE and all (RFC 9420 §13.5), which it draws at random. */
async function keyPackageOf(suite: CiphersuiteImpl, { name, keys }: Person): Promise<{
  readonly publicPackage: KeyPackage
  readonly privatePackage: PrivateKeyPackage
}> {
  const capabilities = defaultCapabilities()
  return generateKeyPackageWithKey(
    { credentialType: 'basic', identity: bytes(name) },
    { ...capabilities, extensions: [...capabilities.extensions, custom] },
    forever, [], keys, suite,
  )
}

/** A message of which every octet was understood. */
function decoded<W extends MLSMessage['wireformat']>(
  message: Uint8Array, ...wireformats: readonly W[]
): Extract<MLSMessage, { readonly wireformat: W }> {
  const [value, length] = decodeMlsMessage(message, 0) ?? assert.fail('ts-mls does not decode this message')
  assert.equal(length, message.length)
  assert.equal(toHex(encodeMlsMessage(value)), toHex(message))
  assert.ok((wireformats as readonly string[]).includes(value.wireformat), value.wireformat)
  return value as Extract<MLSMessage, { readonly wireformat: W }>
}

function treeIn(encoded: Uint8Array): RatchetTree {
  const [tree, length] = decodeRatchetTree(encoded, 0) ?? assert.fail('ts-mls does not decode this tree')
  assert.equal(length, encoded.length)
  return tree
}

function pskIndexOf(state: ClientState | undefined): PskIndex {
  const own = makePskIndex(state, {})
  return { findPsk: (id) => id.psktype === 'external' ? secretUnder(id.pskId) : own.findPsk(id) }
}

async function guestOf(suite: CiphersuiteImpl, person: Person): Promise<Guest> {
  const { publicPackage, privatePackage } = await keyPackageOf(suite, person)
  const treeOr = (ratchetTree: Uint8Array | undefined) => ratchetTree === undefined ? undefined : treeIn(ratchetTree)
  return {
    name: person.name,
    implementation: 'ts-mls',
    keyPackage: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage: publicPackage }),
    join: async (message, ratchetTree, old) => {
      const { welcome } = decoded(message, 'mls_welcome')
      const before = old instanceof TsMlsPeer ? old.state : undefined
      const state = await joinGroup(
        welcome, publicPackage, privatePackage, pskIndexOf(before), suite, treeOr(ratchetTree), before)
      return new TsMlsPeer(suite, person, state)
    },
    continue: async (old, usage, keyPackages) => {
      assert.ok(old instanceof TsMlsPeer)
      const { state } = old
      const others = keyPackages.map((each) => decoded(each, 'mls_key_package').keyPackage)
      const { groupActiveState: status } = state
      const groupId = status.kind === 'suspendedPendingReinit' ? status.reinit.groupId : suite.rng.randomBytes(32)
      const { newState, welcome } = usage === 'reinit'
        ? await reinitCreateNewGroup(state, publicPackage, privatePackage, others, groupId, suite.name, [])
        : await branchGroup(state, publicPackage, privatePackage, others, groupId, suite)
      assert.ok(welcome !== undefined)
      return {
        peer: new TsMlsPeer(suite, person, newState),
        welcome: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome }),
      }
    },
    enter: async (message, { ratchetTree, replaces } = {}) => {
      const { groupInfo } = decoded(message, 'mls_group_info')
      const { publicMessage, newState } = await joinGroupExternal(
        groupInfo, publicPackage, privatePackage, replaces !== undefined,
        withPrefixedExternalPub(suite, publicPackage.initKey.length), treeOr(ratchetTree))
      return {
        peer: new TsMlsPeer(suite, person, newState),
        message: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage }),
      }
    },
  }
}

const ExternalPub = opaque(200)

/**
 * RFC 9420 §12.4.3.2: the `external_pub` extension is a struct of one HPKEPublicKey, a vector with a length of its own
 * (§5.1.1). ts-mls takes the extension data for the key itself, when it reads and when it writes.
 */
const withPrefixedExternalPub = (suite: CiphersuiteImpl, keyLength: number): CiphersuiteImpl => ({
  ...suite,
  hpke: {
    ...suite.hpke,
    importPublicKey: (key) => suite.hpke.importPublicKey(key.length > keyLength ? decode(ExternalPub, key) : key),
  },
})

/** A proposal that ts-mls keeps for a commit to refer to, by its reference in base64. */
type Pending = readonly [string, ProposalWithSender]

class TsMlsPeer implements Peer {
  readonly implementation = 'ts-mls'
  readonly #suite: CiphersuiteImpl
  readonly #person: Person
  #state: ClientState
  /** The private keys of own Updates that wait, by their public keys. */
  readonly #updates = new Map<string, Uint8Array>()

  constructor(suite: CiphersuiteImpl, person: Person, state: ClientState) {
    this.#suite = suite
    this.#person = person
    this.#state = state
  }

  get state(): ClientState {
    return this.#state
  }

  get name(): string {
    return this.#person.name
  }

  get leaf(): number {
    return this.#state.privatePath.leafIndex
  }

  get epoch(): bigint {
    return this.#state.groupContext.epoch
  }

  get authenticator(): Uint8Array {
    return this.#state.keySchedule.epochAuthenticator
  }

  get ratchetTree(): Uint8Array {
    return encodeRatchetTree(this.#state.ratchetTree)
  }

  get waits(): boolean {
    return Object.keys(this.#state.unappliedProposals).length > 0
  }

  async exported(label: string, context: Uint8Array, length: number): Promise<Uint8Array> {
    return mlsExporter(this.#state.keySchedule.exporterSecret, label, context, length, this.#suite)
  }

  async say(words: string): Promise<Uint8Array> {
    const { newState, privateMessage } = await createApplicationMessage(this.#state, bytes(words), this.#suite)
    this.#state = newState
    return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage })
  }

  async hear(message: Uint8Array): Promise<string> {
    const { privateMessage } = decoded(message, 'mls_private_message')
    const received = await processPrivateMessage(this.#state, privateMessage, pskIndexOf(this.#state), this.#suite)
    assert.ok(received.kind === 'applicationMessage')
    this.#state = received.newState
    return text(received.message)
  }

  async propose(proposing: Proposing, wireFormat: WireFormat): Promise<Uint8Array> {
    const proposal = proposing.type === 'update' ? await this.#update() : this.#own(proposing)
    const publicly = wireFormat === 'publicMessage'
    const { newState, message } = await createProposal(this.#state, publicly, proposal, this.#suite)
    this.#state = newState
    return encodeMlsMessage(message)
  }

  #own(proposal: ByValue): Proposal {
    switch (proposal.type) {
      case 'add': {
        const { keyPackage } = decoded(proposal.keyPackage, 'mls_key_package')
        return { proposalType: 'add', add: { keyPackage } }
      }
      case 'remove': return { proposalType: 'remove', remove: { removed: proposal.removed } }
      case 'preSharedKey': {
        const { pskId, pskNonce } = proposal
        return { proposalType: 'psk', psk: { preSharedKeyId: { psktype: 'external', pskId, pskNonce } } }
      }
      case 'resumption': {
        const { pskEpoch, pskNonce } = proposal
        const { groupId: pskGroupId } = this.#state.groupContext
        const preSharedKeyId = { psktype: 'resumption', usage: 'application', pskGroupId, pskEpoch, pskNonce } as const
        return { proposalType: 'psk', psk: { preSharedKeyId } }
      }
      case 'extension': {
        const extensions = [{ extensionType: custom, extensionData: proposal.data }]
        return { proposalType: 'group_context_extensions', groupContextExtensions: { extensions } }
      }
      case 'reInit': {
        const cipherSuite = tsMlsSuites.get(proposal.cipherSuite) ?? assert.fail('ts-mls does not have that suite')
        const { groupId } = proposal
        return { proposalType: 'reinit', reinit: { groupId, version: 'mls10', cipherSuite, extensions: [] } }
      }
    }
  }

  /** RFC 9420 §12.1.2: an Update of the own leaf, for which ts-mls has no function. */
  async #update(): Promise<Proposal> {
    const { publicKey, privateKey } = await this.#suite.hpke.generateKeyPair()
    const hpkePublicKey = await this.#suite.hpke.exportPublicKey(publicKey)
    const { signaturePublicKey, credential, capabilities, extensions } = getOwnLeafNode(this.#state)
    const leafNode = {
      leafNodeSource: 'update', hpkePublicKey, signaturePublicKey, credential, capabilities, extensions,
    } as const
    const place = { groupId: this.#state.groupContext.groupId, leafIndex: this.leaf }
    const signed = encodeLeafNodeTBS({ ...leafNode, ...place })
    const { signaturePrivateKey } = this.#state
    const signature = await signWithLabel(signaturePrivateKey, 'LeafNodeTBS', signed, this.#suite.signature)
    this.#updates.set(toHex(hpkePublicKey), await this.#suite.hpke.exportPrivateKey(privateKey))
    return { proposalType: 'update', update: { leafNode: { ...leafNode, signature } } }
  }

  async receive(message: Uint8Array): Promise<'active' | 'removed'> {
    const before = this.epoch
    this.#state = await this.#process(await this.#withUpdatedKey(message), message)
    if (this.epoch !== before) this.#updates.clear()
    return this.#state.groupActiveState.kind === 'removedFromGroup' ? 'removed' : 'active'
  }

  async #process(state: ClientState, message: Uint8Array, callback?: IncomingMessageCallback): Promise<ClientState> {
    const decodedMessage = decoded(message, 'mls_public_message', 'mls_private_message')
    const psks = pskIndexOf(state)
    const { newState } = decodedMessage.wireformat === 'mls_public_message'
      ? await processPublicMessage(state, decodedMessage.publicMessage, psks, this.#suite, callback)
      // `processMessage` would look a private commit's PSKs up nowhere (RFC 9420 §12.4.2).
      : await processPrivateMessage(state, decodedMessage.privateMessage, psks, this.#suite, callback)
    return newState
  }

  /**
   * RFC 9420 §12.1.2, §7.5: a commit that covers an Update encrypts its path to the new key of that leaf. ts-mls never
   * learns the private key of its own Update; a dry run tells which one to give it.
   */
  async #withUpdatedKey(message: Uint8Array): Promise<ClientState> {
    if (this.#updates.size === 0) return this.#state
    let key: Uint8Array | undefined
    await this.#process(this.#state, message, (incoming) => {
      for (const { proposal } of incoming.kind === 'commit' ? incoming.proposals : []) {
        if (proposal.proposalType !== 'update') continue
        key ??= this.#updates.get(toHex(proposal.update.leafNode.hpkePublicKey))
      }
      return 'reject'
    })
    if (key === undefined) return this.#state
    return { ...this.#state, privatePath: updateLeafKey(this.#state.privatePath, key) }
  }

  async prepare({ proposals = [], wireFormat = 'publicMessage', treeInside = true }: Committing = {}): Promise<Made> {
    const byValue = proposals.map((proposal) => this.#own(proposal))
    const state = { ...this.#state, unappliedProposals: Object.fromEntries(this.#coverable(byValue)) }
    const wireAsPublicMessage = wireFormat === 'publicMessage'
    const { newState, commit, welcome } = await createCommit(
      { state, pskIndex: pskIndexOf(state), cipherSuite: this.#suite },
      { extraProposals: byValue, wireAsPublicMessage, ratchetTreeExtension: treeInside })
    return {
      message: encodeMlsMessage(commit),
      welcome: welcome && encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome }),
      ratchetTree: encodeRatchetTree(newState.ratchetTree),
      accept: () => {
        this.#state = newState
        this.#updates.clear()
      },
      drop: () => { /* The state that it was made from was never changed. */ },
    }
  }

  /** ts-mls covers whatever waits. RFC 9420 §12.2: nothing that changes the own leaf, and each thing once. */
  #coverable(byValue: readonly Proposal[]): readonly Pending[] {
    const taken = new Set(byValue.map((proposal) => subjectOf({ proposal, senderLeafIndex: this.leaf })))
    const chosen = new Map<string, Pending>()
    for (const [reference, pending] of Object.entries(this.#state.unappliedProposals)) {
      const subject = subjectOf(pending)
      if (subject === `leaf ${this.leaf}` || taken.has(subject)) continue
      // ts-mls encrypts the path of such a commit under the extensions of the old epoch (RFC 9420 §12.4.1 wants the
      // provisional GroupContext), and omits a path that §12.4 demands if nothing else needs one.
      const { proposalType } = pending.proposal
      if (proposalType === 'group_context_extensions') continue
      if (proposalType === 'update' && chosen.get(subject)?.[1].proposal.proposalType === 'remove') continue
      chosen.set(subject, [reference, pending])
    }
    return [...chosen.values()]
  }

  async groupInfo({ treeInside }: { readonly treeInside: boolean }): Promise<Uint8Array> {
    const { groupContext, confirmationTag, ratchetTree, keySchedule } = this.#state
    const { publicKey } = await this.#suite.hpke.deriveKeyPair(keySchedule.externalSecret)
    const externalPub = encode(ExternalPub, await this.#suite.hpke.exportPublicKey(publicKey))
    const extensions = [
      { extensionType: 'external_pub', extensionData: externalPub } as const,
      ...treeInside ? [{ extensionType: 'ratchet_tree', extensionData: encodeRatchetTree(ratchetTree) } as const] : [],
    ]
    const groupInfo = await createGroupInfo(groupContext, confirmationTag, this.#state, extensions, this.#suite)
    return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_group_info', groupInfo })
  }

  async again(): Promise<Guest> {
    return guestOf(this.#suite, this.#person)
  }
}

/** Proposals of one subject exclude each other. */
function subjectOf({ proposal, senderLeafIndex }: ProposalWithSender): string {
  switch (proposal.proposalType) {
    case 'update': return `leaf ${String(senderLeafIndex)}`
    case 'remove': return `leaf ${proposal.remove.removed}`
    case 'add': return `client ${toHex(proposal.add.keyPackage.leafNode.signaturePublicKey)}`
    case 'psk': return `psk ${toHex(proposal.psk.preSharedKeyId.pskNonce)}`
    default: return String(proposal.proposalType)
  }
}

/**
 * Whether ts-mls refuses to join by this tree, which RFC 9420 allows: §12.4.3.1 wants every non-blank node between an
 * unmerged leaf and a parent that lists it to list that leaf too; ts-mls wants all nodes above the leaf, up to the
 * root, to have equal lists.
 */
export function isRefusedByTsMls(ratchetTree: Uint8Array): boolean {
  const tree = treeOf(decode(RatchetTreeNodes, ratchetTree))
  const listAt = (index: NodeIndex): string | undefined => {
    const node = nodeAt(tree, index)
    return node?.type === 'parent' ? node.parentNode.unmergedLeaves.join() : undefined
  }
  return [...positionsOf(tree)].some(({ index, node }) => {
    const unmerged = node?.type === 'parent' ? node.parentNode.unmergedLeaves : []
    return unmerged.some((leaf) => directPath(nodeOf(leaf), tree.leafCount).map(listAt)
      .some((list) => list !== undefined && list !== listAt(index)))
  })
}
