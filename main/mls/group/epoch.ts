import { equal } from '../codec.ts'
import { MlsError } from '../error.ts'
import { check } from '../rules.ts'
import { epochSecrets, exporter, joinerSecret, welcomeSecret, type EpochSecrets } from '../schedule/epoch.ts'
import { pskSecret, type PreSharedKey } from '../schedule/psk.ts'
import { secretsOfTree, secretTree, type SecretTree } from '../schedule/secret-tree.ts'
import {
  confirmationTag, confirmedTranscriptHash, interimTranscriptHash, type ConfirmedTranscriptHashInput,
} from '../schedule/transcript.ts'
import { Secret } from '../secret.ts'
import type { Suite } from '../suite.ts'
import { treeHash } from '../tree/hash.ts'
import { changedNodes, leafAt, leafCount, leavesOf, type RatchetTree } from '../tree/ratchet-tree.ts'
import type { Extensions } from '../wire/extension.ts'
import type { GroupContext } from '../wire/group-context.ts'
import type { LeafIndex, LeafNode } from '../wire/node.ts'
import { pastEpochLimit, type Group, type PastEpoch } from './state.ts'

/** What an epoch's secrets give at its start. */
export type EpochStart = Pick<Group, 'secrets' | 'secretTree' | 'confirmationTag' | 'interimTranscriptHash'>

/** Sets an epoch up from its secrets, and lets go of those that are not held (RFC 9420 §8, §9.2). */
export function startEpoch(suite: Suite, { secrets, context, tree }: {
  readonly secrets: EpochSecrets
  readonly context: GroupContext
  readonly tree: RatchetTree
}): EpochStart {
  const { encryptionSecret, confirmationKey, ...held } = secrets
  const tag = confirmationTag(suite, confirmationKey, context.confirmedTranscriptHash)
  confirmationKey.wipe()
  return {
    secrets: held,
    secretTree: secretTree(encryptionSecret, leafCount(tree)),
    confirmationTag: tag,
    interimTranscriptHash: interimTranscriptHash(suite, context.confirmedTranscriptHash, tag),
  }
}

/** What a commit gives to the epoch that it starts (RFC 9420 §12.4.1, §12.4.2). */
export type Transition = {
  /** With the proposals and the path applied. */
  readonly tree: RatchetTree
  readonly extensions: Extensions
  readonly initSecret: Secret
  /** `undefined`: the commit has no path. */
  readonly commitSecret: Secret | undefined
  readonly psks: readonly PreSharedKey[]
  readonly commit: ConfirmedTranscriptHashInput
}

/** What follows from a commit for everybody who processes it, its maker included. */
export type Advanced = {
  readonly context: GroupContext
  readonly start: EpochStart
  /** For the Welcome; the caller wipes both. */
  readonly joinerSecret: Secret
  readonly welcomeSecret: Secret
}

/** The provisional GroupContext (RFC 9420 §12.4.1): all of the new epoch but the confirmed transcript hash. */
export function provisionalContext(
  { suite, context }: Pick<Group, 'suite' | 'context'>,
  { tree, extensions }: { readonly tree: RatchetTree, readonly extensions: Extensions },
): GroupContext {
  const epoch = context.epoch + 1n
  // RFC 9420 §12: epochs are "identified ... by eight-octet epoch values".
  check('12.epoch', epoch < 1n << 64n)
  return { ...context, epoch, treeHash: treeHash(suite, tree), extensions }
}

/** The new epoch's context and secrets. Secrets among the arguments stay as they are. */
export function advance(
  group: Pick<Group, 'suite' | 'context' | 'interimTranscriptHash'>, transition: Transition,
): Advanced {
  const { suite } = group
  const context: GroupContext = {
    ...provisionalContext(group, transition),
    confirmedTranscriptHash: confirmedTranscriptHash(suite, group.interimTranscriptHash, transition.commit),
  }
  // RFC 9420 §12.4.2: without a path, "define `commit_secret` as the all-zero vector of length `KDF.Nh`".
  const commitSecret = transition.commitSecret ?? new Secret(new Uint8Array(suite.hashLength))
  const joiner = joinerSecret(suite, { initSecret: transition.initSecret, commitSecret, context })
  const psk = pskSecret(suite, transition.psks)
  const secrets = epochSecrets(suite, { joinerSecret: joiner, pskSecret: psk, context })
  const welcome = welcomeSecret(suite, { joinerSecret: joiner, pskSecret: psk })
  psk.wipe()
  const start = startEpoch(suite, { secrets, context, tree: transition.tree })
  return { context, start, joinerSecret: joiner, welcomeSecret: welcome }
}

/** The past epochs of the epoch that follows `group` with `tree`, newest first. */
export function pastOfNext(group: Group, tree: RatchetTree): readonly PastEpoch[] {
  const replaced = new Map<LeafIndex, LeafNode | undefined>()
  for (const [index, node] of changedNodes(tree, group.tree)) {
    if (index % 2 === 0) replaced.set((index / 2) as LeafIndex, node?.type === 'leaf' ? node.leafNode : undefined)
  }
  const { context, secretTree } = group
  const { senderDataSecret, resumptionPsk } = group.secrets
  return [{ context, senderDataSecret, resumptionPsk, secretTree, replaced }, ...group.past].slice(0, pastEpochLimit)
}

/** The leaf of a past epoch: the first replacement since then tells, else the current tree. */
export function pastLeaf(group: Group, past: PastEpoch, leaf: LeafIndex): LeafNode | undefined {
  for (const { replaced } of group.past.slice(0, group.past.indexOf(past) + 1).reverse()) {
    if (replaced.has(leaf)) return replaced.get(leaf)
  }
  return leafAt(group.tree, leaf)
}

/** Who was a member in an epoch that is current or kept. Throws `gone` for another one. */
export function membersAt(group: Group, epoch: bigint): readonly LeafNode[] {
  if (epoch === group.context.epoch) return leavesOf(group.tree).map(({ leafNode }) => leafNode)
  const past = group.past.find(({ context }) => context.epoch === epoch)
  if (past === undefined) throw new MlsError('gone', `epoch ${epoch} is not kept any more`)
  const width = past.secretTree.leafCount
  return Array.from({ length: width }, (_, leaf) => pastLeaf(group, past, leaf as LeafIndex) ?? []).flat()
}

/**
 * The next epoch, once one's own commit was accepted. What was read in the current one meanwhile is carried over, so
 * that a used key stays used (RFC 9420 §9.2). `wipe`: what neither needs any more. Throws `misuse` when another commit
 * was accepted meanwhile.
 */
export function merge(group: Group, pending: Group): { readonly group: Group, readonly wipe: readonly Secret[] } {
  if (!equal(group.context.groupId, pending.context.groupId) || pending.context.epoch !== group.context.epoch + 1n) {
    throw new MlsError('misuse', 'this pending commit does not follow this epoch: another commit was accepted before')
  }
  const next: Group = { ...pending, past: pastOfNext(group, pending.tree) }
  return { group: next, wipe: droppedSecrets(group, next) }
}

/**
 * The secrets that `dropped` holds and `kept` does not: to wipe after a commit lost, or (`undefined`) after a group was
 * left (RFC 9420 §9.2). Values are told apart by identity: what was loaded twice from storage counts twice.
 */
export function droppedSecrets(dropped: Group, kept: Group | undefined): readonly Secret[] {
  const trees = new Set(secretTreesOf(dropped))
  const keptTrees = new Set(kept === undefined ? [] : secretTreesOf(kept))
  const all = (group: Group, others: ReadonlySet<SecretTree>): readonly Secret[] =>
    [...secretsOf(group), ...secretTreesOf(group).filter((tree) => !others.has(tree)).flatMap(secretsOfTree)]
  const keptSecrets = new Set(kept === undefined ? [] : all(kept, trees))
  return all(dropped, keptTrees).filter((secret) => !keptSecrets.has(secret))
}

const secretTreesOf = (group: Group): readonly SecretTree[] =>
  [group.secretTree, ...group.past.map((past) => past.secretTree)]

/** Every secret outside of the secret trees. Signature keys are the application's. */
function secretsOf(group: Group): readonly Secret[] {
  return [
    ...Object.values(group.secrets),
    ...Array.from(group.keys.values(), (key) => key.privateKey),
    ...Array.from(group.proposals.values()).flatMap(({ ownKeys }) => ownKeys?.encryption.privateKey ?? []),
    ...group.past.flatMap((past) => [past.senderDataSecret, past.resumptionPsk]),
  ]
}

/** `MLS-Exporter` of this epoch (RFC 9420 §8.5): `length` bytes, to be wiped. Throws `misuse` beyond 255 hashes. */
export function exportSecret(group: Group, label: string, context: Uint8Array, length: number): Secret {
  return exporter(group.suite, group.secrets, label, context, length)
}

/** RFC 9420 §8.7: equal for all members who agree on this epoch; `KDF.Nh` bytes, not secret among them. */
export function epochAuthenticator(group: Group): Uint8Array {
  return group.secrets.epochAuthenticator.unwrap().slice()
}

/** Forgets past epochs beyond the newest `keep`, and those below `olderThan` (RFC 9420 §15.3). */
export function forgetPast(group: Group, { keep, olderThan = 0n }: {
  readonly keep: number
  readonly olderThan?: bigint
}): { readonly group: Group, readonly wipe: readonly Secret[] } {
  const past = group.past.slice(0, keep).filter(({ context }) => context.epoch >= olderThan)
  if (past.length === group.past.length) return { group, wipe: [] }
  const shorter: Group = { ...group, past }
  return { group: shorter, wipe: droppedSecrets(group, shorter) }
}
