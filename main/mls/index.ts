/**
 * Coppice's engine: Messaging Layer Security, RFC 9420. This is its only door.
 *
 * Pure and synchronous: values in, values out. No function changes what it is given, reads a clock, or does I/O;
 * randomness comes from the `Suite`. The one error is `MlsError`; its `code` says whose fault, its `rule` which one.
 * A transition returns the next `Group`, the bytes to send, and the secrets to `wipe()` after the group was stored.
 */
export type { MlsErrorCode } from './error.ts'
export { MlsError } from './error.ts'
export type { Rule, RuleId } from './rules.ts'
export { rules } from './rules.ts'
export { Secret } from './secret.ts'

// Codecs: for the wire (RFC 9420 §2.1) and for the application's own formats.
export type { Codec, Infer } from './codec.ts'
export {
  choice, concat, decode, empty, encode, equal, fixed, fromHex, mapped, names, opaque, openChoice, optional, secret,
  struct, toHex, uint16, uint32, uint64, uint8, utf8, vector,
} from './codec.ts'

// Wire formats.
export { Credential, credentialType, credentialTypeOf } from './wire/credential.ts'
export {
  ApplicationId, Extension, Extensions, ExternalSender, ExternalSenders, extensionType, RequiredCapabilities,
} from './wire/extension.ts'
export { MLSMessage, PrivateMessage, PublicMessage, Sender } from './wire/framing.ts'
export { GroupContext } from './wire/group-context.ts'
export { KeyPackage, mls10 } from './wire/key-package.ts'
export { Capabilities, LeafIndex, LeafNode, Lifetime, Node, RatchetTreeNodes } from './wire/node.ts'
export type { NodeIndex } from './wire/node.ts'
export type { CustomProposals, ProposalTraits } from './wire/proposal.ts'
export { PreSharedKeyID, Proposal, proposalType, proposalTypeOf, ReInit } from './wire/proposal.ts'
export { GroupInfo, Welcome } from './wire/welcome.ts'

// Cipher suites.
export type {
  AeadPrimitive, AgreementPrimitive, HashPrimitive, Primitives, SignaturePrimitive,
} from './primitives.ts'
export type { KeyPair, Random, Suite, SuiteOf } from './suite.ts'
export { composeSuites } from './suite.ts'
export { portablePrimitives, portableSuites } from './portable.ts'
export {
  decryptWithLabel, encryptWithLabel, expandWithLabel, keyPackageRef, refHash, signWithLabel, verifyWithLabel,
} from './labelled.ts'

// The ratchet tree, to look at.
export { directPath, nodeOf } from './tree/math.ts'
export { leafAt, leafCount, leavesOf, nodesOf } from './tree/ratchet-tree.ts'

// Groups.
export type { Authentication, Valid } from './group/authentication.ts'
export { trusting } from './group/authentication.ts'
export { generateKeyPackage, KeyPackagePrivate, validateKeyPackage } from './group/key-package.ts'
export { isLastResort } from './group/last-resort.ts'
export { greaseExtensions, withGrease } from './group/grease.ts'
export type {
  AppliedCommit, AppliedProposal, Committed, FramingOptions, Group, GroupStatus, LeafChange, OwnProposal, PastEpoch,
  PendingProposal, PskLookup, Received,
} from './group/state.ts'
export { pastEpochLimit } from './group/state.ts'
export type { CreateOptions } from './group/create.ts'
export { createGroup } from './group/create.ts'
export type { Joined, JoinOptions } from './group/join.ts'
export { join } from './group/join.ts'
export type { Proposed } from './group/propose.ts'
export { propose, proposeUpdate } from './group/propose.ts'
export { proposeSelfRemove } from './group/self-remove.ts'
export type { CommitOptions } from './group/commit.ts'
export { commit } from './group/commit.ts'
export type { ProcessOptions } from './group/process.ts'
export { receive } from './group/receive.ts'
export { claimedSender, provenSender } from './group/framing.ts'
export { hasValidProposal, protect } from './group/application.ts'
export { newPskId, resumptionPsk, withOwnEpochs } from './group/psk.ts'
export type { BranchOptions, Successor, SuccessorOptions } from './group/successor.ts'
export { branch, reinitialize } from './group/successor.ts'
export type { GroupInfoOptions, ObserveOptions } from './group/group-info.ts'
export { groupInfo, observe } from './group/group-info.ts'
export type { ExternalProposal, Observed } from './group/outsider.ts'
export { proposeAsExternalSender, proposeAsNewMember } from './group/outsider.ts'
export type { ExternalJoin, ExternalJoinOptions } from './group/external.ts'
export { joinExternally } from './group/external.ts'
export { droppedSecrets, epochAuthenticator, exportSecret, forgetPast, merge } from './group/epoch.ts'
export type { GroupParts } from './group/storage.ts'
export { changedParts, decodePending, encodePending, groupFromParts } from './group/storage.ts'
