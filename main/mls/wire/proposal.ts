import {
  choice, empty, names, opaque, openChoice, struct, uint8, uint16, uint64, vector, type Infer,
} from '../codec.ts'
import { draftProposalType } from './drafts.ts'
import { Extensions } from './extension.ts'
import { KeyPackage } from './key-package.ts'
import { limits } from './limits.ts'
import { Hash, LeafIndex, LeafNode } from './node.ts'

/** RFC 9420 §7.2: the proposal types that every client has and nobody lists. */
const defaultProposalType = {
  add: 1,
  update: 2,
  remove: 3,
  preSharedKey: 4,
  reInit: 5,
  externalInit: 6,
  groupContextExtensions: 7,
} as const
export const defaultProposalTypes: ReadonlySet<number> = new Set(Object.values(defaultProposalType))

/** RFC 9420 §17.4: proposal types. */
export const proposalType = { ...defaultProposalType, ...draftProposalType } as const

/** RFC 9420 §8.4: `ResumptionPSKUsage`. */
export const ResumptionPSKUsage = names(uint8, { application: 1, reinit: 2, branch: 3 })
export type ResumptionPSKUsage = Infer<typeof ResumptionPSKUsage>

/** RFC 9420 §8.4: `PreSharedKeyID`. */
export const PreSharedKeyID = struct({
  psk: choice(uint8, {
    external: [1, struct({ pskId: opaque(limits.identifier) })],
    resumption: [2, struct({ usage: ResumptionPSKUsage, pskGroupId: opaque(limits.identifier), pskEpoch: uint64 })],
  }),
  pskNonce: opaque(limits.hash),
})
export type PreSharedKeyID = Infer<typeof PreSharedKeyID>

/** RFC 9420 §8.4: `PSKLabel`. */
export const PSKLabel = struct({ id: PreSharedKeyID, index: uint16, count: uint16 })

/** RFC 9420 §12.1.5: `ReInit`. */
export const ReInit = struct({
  groupId: opaque(limits.identifier),
  version: uint16,
  cipherSuite: uint16,
  extensions: Extensions,
})
export type ReInit = Infer<typeof ReInit>

/**
 * RFC 9420 §12.1: `Proposal`. A type that is not listed is carried through as opaque data (§13): what an application
 * defines is one `opaque data<V>`, for nobody can tell where another struct of an unknown type would end.
 */
export const Proposal = openChoice(uint16, {
  add: [proposalType.add, struct({ keyPackage: KeyPackage })],
  update: [proposalType.update, struct({ leafNode: LeafNode })],
  remove: [proposalType.remove, struct({ removed: LeafIndex })],
  preSharedKey: [proposalType.preSharedKey, struct({ psk: PreSharedKeyID })],
  reInit: [proposalType.reInit, ReInit],
  externalInit: [proposalType.externalInit, struct({ kemOutput: opaque(limits.key) })],
  groupContextExtensions: [proposalType.groupContextExtensions, struct({ extensions: Extensions })],
  /** draft-ietf-mls-extensions: its sender leaves. */
  selfRemove: [proposalType.selfRemove, empty],
}, limits.message)
export type Proposal = Infer<typeof Proposal>

/** The code point of a proposal's type (RFC 9420 §17.4). */
export const proposalTypeOf = (proposal: Proposal): number =>
  proposal.type === 'custom' ? proposal.tag : proposalType[proposal.type]

/** What a proposal type must state of itself (RFC 9420 §17.4). */
export type ProposalTraits = {
  /** An external sender may propose it (RFC 9420 §12.1.8). */
  readonly external: boolean
  /** A commit that covers it has a path (RFC 9420 §12.4). */
  readonly pathRequired: boolean
}

const traits: Readonly<Record<Exclude<Proposal['type'], 'custom'>, ProposalTraits>> = {
  add: { external: true, pathRequired: false },
  update: { external: false, pathRequired: true },
  remove: { external: true, pathRequired: true },
  preSharedKey: { external: true, pathRequired: false },
  reInit: { external: true, pathRequired: false },
  externalInit: { external: false, pathRequired: true },
  groupContextExtensions: { external: true, pathRequired: true },
  selfRemove: { external: false, pathRequired: true },
}

/** RFC 9420 §12.4: "By default, the `path` field of a Commit MUST be populated." */
const unstated: ProposalTraits = { external: false, pathRequired: true }

/** What an application states of its own proposal types, by code point; every member must state the same. */
export type CustomProposals = ReadonlyMap<number, ProposalTraits>

/** What is stated of a proposal's type. */
export const traitsOf = (proposal: Proposal, custom: CustomProposals | undefined): ProposalTraits =>
  proposal.type === 'custom' ? custom?.get(proposal.tag) ?? unstated : traits[proposal.type]

/** RFC 9420 §12.4: `ProposalOrRef`. */
export const ProposalOrRef = choice(uint8, {
  proposal: [1, struct({ proposal: Proposal })],
  reference: [2, struct({ reference: Hash })],
})
export type ProposalOrRef = Infer<typeof ProposalOrRef>

export const ProposalOrRefs = vector(ProposalOrRef, limits.group)
