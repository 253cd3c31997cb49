import {
  decode, encode, equal, mls10, MLSMessage, MlsError, newPskId, nodesOf, RatchetTreeNodes, validateKeyPackage,
  type ExternalProposal, type Group, type Infer, type KeyPackage, type LeafIndex, type Suite, type Valid,
} from '../../main/mls/index.ts'
import { authentication, seconds } from './book.ts'
import type { Extension, ProposalDescription } from './definition.ts'

// How the bytes of the interop interface are read and written. Messages, KeyPackages and GroupInfos are MLSMessages
// (RFC 9420 §6); a ratchet tree is the bare vector of §12.4.3.3, empty where it travels inside of the GroupInfo.

type Body = MLSMessage['body']
type BodyOf<T extends Body['type']> = Extract<Body, { readonly type: T }>
type Nodes = Infer<typeof RatchetTreeNodes>

/** What an MLSMessage of that type carries. */
export function read<T extends Body['type']>(type: T, bytes: Uint8Array): BodyOf<T> {
  const { body } = decode(MLSMessage, bytes)
  if (body.type !== type) throw new MlsError('misuse', `a ${body.type} where a ${type} is needed`)
  return body as BodyOf<T>
}

export const write = (body: Body): Uint8Array => encode(MLSMessage, { version: mls10, body })

/** The option `ratchetTree` of a join: absent where the tree travels inside. */
export const readTree = (bytes: Uint8Array): { readonly ratchetTree?: Nodes } =>
  bytes.length === 0 ? {} : { ratchetTree: decode(RatchetTreeNodes, bytes) }

export const writeTree = ({ tree }: Group, { externalTree }: { readonly externalTree: boolean }): Uint8Array =>
  externalTree ? encode(RatchetTreeNodes, nodesOf(tree)) : new Uint8Array(0)

/** A KeyPackage that may be added now. */
export const readKeyPackage = (suite: Suite, bytes: Uint8Array): Valid<KeyPackage> =>
  validateKeyPackage(suite, read('keyPackage', bytes).keyPackage, { authentication, now: seconds() })

/** The leaf of the member with that identity. */
export function leafOfIdentity(nodes: Nodes, identity: Uint8Array): LeafIndex {
  const at = nodes.findIndex((node) => {
    if (node?.type !== 'leaf') return false
    const { credential } = node.leafNode
    return credential.type === 'basic' && equal(credential.identity, identity)
  })
  if (at < 0) throw new MlsError('misuse', `no member is called ${new TextDecoder().decode(identity)}`)
  return at / 2 as LeafIndex
}

export const externalPsk = (suite: Suite, pskId: Uint8Array) =>
  ({ type: 'preSharedKey', psk: newPskId(suite, { type: 'external', pskId }) }) as const

export const resumptionPsk = (suite: Suite, pskGroupId: Uint8Array, pskEpoch: bigint) => ({
  type: 'preSharedKey', psk: newPskId(suite, { type: 'resumption', usage: 'application', pskGroupId, pskEpoch }),
}) as const

export const reInit = ({ groupId, cipherSuite, extensions }: {
  readonly groupId: Uint8Array
  readonly cipherSuite: number
  readonly extensions: readonly Extension[]
}) => ({ type: 'reInit', groupId, version: mls10, cipherSuite, extensions }) as const

/** The proposal of a description, to be made in or to that group. */
export function describedProposal(description: ProposalDescription, { suite, groupId, nodes }: {
  readonly suite: Suite
  readonly groupId: Uint8Array
  readonly nodes: Nodes
}): ExternalProposal {
  const type = new TextDecoder().decode(description.proposalType)
  switch (type) {
    case 'add': return { type, keyPackage: readKeyPackage(suite, description.keyPackage) }
    case 'remove': return { type, removed: leafOfIdentity(nodes, description.removedId) }
    case 'externalPSK': return externalPsk(suite, description.pskId)
    case 'resumptionPSK': return resumptionPsk(suite, groupId, description.epochId)
    case 'groupContextExtensions': return { type, extensions: description.extensions }
    case 'reinit': return reInit(description)
    default: throw new MlsError('misuse', `there are no proposals of the type ${type}`)
  }
}
