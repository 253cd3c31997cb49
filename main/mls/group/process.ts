import { encode, equal } from '../codec.ts'
import { impossible, MlsError } from '../error.ts'
import { hpkeExportReceiver } from '../hpke.ts'
import { check } from '../rules.ts'
import { externalKeyPair } from '../schedule/epoch.ts'
import type { Secret } from '../secret.ts'
import type { KeyPair } from '../suite.ts'
import { nodeOf } from '../tree/math.ts'
import { applyPath, openPath, type PrivateTree } from '../tree/path.ts'
import { leafAt, reserveLeaf, type RatchetTree } from '../tree/ratchet-tree.ts'
import { allSupportProposal } from '../tree/validate.ts'
import type { AuthenticatedContent, FramedContent } from '../wire/framing.ts'
import { GroupContext } from '../wire/group-context.ts'
import type { LeafIndex, UpdatePath } from '../wire/node.ts'
import { proposalType, type CustomProposals, type ProposalOrRef } from '../wire/proposal.ts'
import type { Authentication } from './authentication.ts'
import { advance, droppedSecrets, pastOfNext, provisionalContext } from './epoch.ts'
import {
  applyProposals, checkResult, referredTo, replacedLeaves, resolveProposals, type Effects, type Listed,
} from './proposal-list.ts'
import { checkNewcomer, checkReplacement } from './proposals.ts'
import { findPsks, withOwnEpochs } from './psk.ts'
import type { AppliedCommit, Group, PskLookup } from './state.ts'

/** By whose judgement a message is read, and with which PSKs. */
export type ProcessOptions = {
  readonly authentication: Authentication
  readonly psks?: PskLookup
  /** What the application states of its own proposal types: without it, a commit of one has a path (RFC 9420 §12.4). */
  readonly customProposals?: CustomProposals
}

export type Processed = {
  readonly group: Group
  readonly applied: AppliedCommit
  readonly wipe: readonly Secret[]
}

/**
 * The next epoch by another one's commit, whose framing is verified (RFC 9420 §12.4.2). `group` has the ratchet moved
 * on already if the commit was private.
 */
export function processCommit(group: Group, authenticated: AuthenticatedContent, options: ProcessOptions): Processed {
  const { authentication, customProposals } = options
  const { content: { sender, content }, auth } = authenticated
  if (content.type !== 'commit') throw new MlsError('misuse', 'this is not a commit')
  const { proposals, path } = content.commit
  if (sender.type === 'newMemberCommit') checkExternalReferences(group, proposals)

  const listed = resolveProposals(group, proposals, { sender, authentication })
  const member = sender.type === 'member' ? sender.leafIndex : undefined
  const effects = applyProposals(group, listed, { committer: member, authentication, customProposals })
  check('12.4.path-required', path !== undefined || !effects.pathRequired)

  const { committer, tree } = member === undefined
    ? joinByPath(group, effects, { listed, path: path ?? impossible('a newcomer without a path'), authentication })
    : { committer: member, tree: updateByPath(group, effects, { committer: member, path, authentication }) }
  checkResult(group, { effects, after: tree })
  const applied = describe(group, { listed, effects, committer, tree, content: authenticated.content })
  if (applied.selfRemoved) {
    // RFC 9420 §12.4.2: such a client "cannot send any more messages in the group"; nor can it derive the next epoch.
    const left: Group = { ...group, status: { type: 'removed' }, proposals: new Map() }
    return { group: left, applied, wipe: droppedSecrets(group, left) }
  }

  // RFC 9420 §12.4.2: "Verify that all PreSharedKey proposals in the `proposals` vector are available."
  const psks = findPsks(effects.psks, withOwnEpochs(group, options.psks))
  const own = ownKeysAfter(group, listed)
  const opened = path === undefined ? { keys: own.keys, commitSecret: undefined } : openPath(group.suite, {
    tree, sender: committer, path, own: group.ownLeaf, keys: own.keys,
    context: encode(GroupContext, provisionalContext(group, { tree, extensions: effects.extensions })),
    exclude: new Set(effects.added.map(({ index }) => index)),
  })
  const initSecret = effects.kemOutput === undefined ? undefined : externalInitSecret(group, effects.kemOutput)
  const { context, start, joinerSecret, welcomeSecret } = advance(group, {
    tree,
    extensions: effects.extensions,
    initSecret: initSecret ?? group.secrets.initSecret,
    commitSecret: opened.commitSecret,
    psks,
    commit: { wireFormat: authenticated.wireFormat, content: authenticated.content, signature: auth.signature },
  })
  for (const secret of [joinerSecret, welcomeSecret, opened.commitSecret, initSecret]) secret?.wipe()
  // RFC 9420 §12.4.2: "verify that it is the same as the `confirmation_tag` field in the FramedContentAuthData".
  const tag = auth.confirmationTag
  check('12.4.2.confirmation-tag', tag !== undefined && equal(tag, start.confirmationTag))
  const next: Group = {
    ...start,
    status: effects.status,
    suite: group.suite,
    context,
    tree,
    ownLeaf: group.ownLeaf,
    keys: opened.keys,
    signaturePrivateKey: own.signaturePrivateKey,
    proposals: new Map(),
    past: pastOfNext(group, tree),
  }
  return { group: next, applied, wipe: droppedSecrets(group, next) }
}

/**
 * RFC 9420 §12.4.3.2: an outsider cannot judge what was proposed within the group. draft-ietf-mls-extensions: but a
 * SelfRemove, which may not have come here yet.
 */
function checkExternalReferences(group: Group, proposals: readonly ProposalOrRef[]): void {
  const references = proposals.flatMap((each) => each.type === 'reference' ? [each.reference] : [])
  const capable = allSupportProposal(group.tree, proposalType.selfRemove, new Set())
  check('12.4.3.2.reference', references.every((reference) =>
    capable && referredTo(group, reference).proposal.type === 'selfRemove'))
}

/** RFC 9420 §12.4.2: a member's path, if there is one, validated and merged. */
function updateByPath(group: Group, effects: Effects, { committer, path, authentication }: {
  readonly committer: LeafIndex
  readonly path: UpdatePath | undefined
  readonly authentication: Authentication
}): RatchetTree {
  if (path === undefined) return effects.tree
  const { leafNode } = path
  checkReplacement(group, { leafNode, source: 'commit', leafIndex: committer, authentication })
  return mergePath(group, effects, { tree: effects.tree, committer, path })
}

/** RFC 9420 §12.4.2, §12.4.3.2: the leaf and the path of a new member who commits its own addition. */
function joinByPath(group: Group, effects: Effects, { listed, path, authentication }: {
  readonly listed: readonly Listed[]
  readonly path: UpdatePath
  readonly authentication: Authentication
}): { readonly committer: LeafIndex, readonly tree: RatchetTree } {
  const { leafNode } = path
  // RFC 9420 §12.4.2: "assign the sender the leftmost blank leaf node in the new ratchet tree".
  const { tree, index: committer } = reserveLeaf(effects.tree)
  const replaced = replacedLeaves(listed, effects)
  checkNewcomer(group, { leafNode, leafIndex: committer, replaced, authentication })
  return { committer, tree: mergePath(group, effects, { tree, committer, path }) }
}

const mergePath = ({ suite }: Group, { added }: Effects, { tree, committer, path }: {
  readonly tree: RatchetTree
  readonly committer: LeafIndex
  readonly path: UpdatePath
}): RatchetTree =>
  applyPath(suite, { tree, sender: committer, path, exclude: new Set(added.map(({ index }) => index)) })

/** The own private keys after an Update of our own took effect (RFC 9420 §12.1.2). */
function ownKeysAfter(group: Group, listed: readonly Listed[]): {
  readonly keys: PrivateTree
  readonly signaturePrivateKey: Secret
} {
  const ownKeys = listed.flatMap(({ pending }) => pending?.ownKeys ?? [])[0]
  if (ownKeys === undefined) return group
  const keys = new Map<ReturnType<typeof nodeOf>, KeyPair>(group.keys).set(nodeOf(group.ownLeaf), ownKeys.encryption)
  return { keys, signaturePrivateKey: ownKeys.signature ?? group.signaturePrivateKey }
}

/** RFC 9420 §8.3: the init secret that the new member of an external commit sent to the whole group. */
function externalInitSecret(group: Group, kemOutput: Uint8Array): Secret {
  const key = externalKeyPair(group.suite, group.secrets)
  const secret = hpkeExportReceiver(group.suite, {
    key, kemOutput, info: new Uint8Array(0),
    exporterContext: new TextEncoder().encode('MLS 1.0 external init secret'),
    length: group.suite.hashLength,
  })
  key.privateKey.wipe()
  return secret
}

/** What a commit did, in the application's terms. */
export function describe(group: Group, { listed, effects, committer, tree, content }: {
  readonly listed: readonly Listed[]
  readonly effects: Effects
  readonly committer: LeafIndex
  readonly tree: RatchetTree
  readonly content: FramedContent
}): AppliedCommit {
  const external = content.sender.type !== 'member'
  const before = external ? undefined : leafAt(group.tree, committer)
  const committerLeaf = leafAt(tree, committer) ?? impossible('a committer without a leaf')
  const joined = external ? [{ index: committer, leafNode: committerLeaf }] : []
  const healed = before === undefined || before === committerLeaf ? []
    : [{ index: committer, before, after: committerLeaf }]
  return {
    committer,
    committerLeaf,
    external,
    authenticatedData: content.authenticatedData,
    proposals: listed.map(({ proposal, sender, pending }) =>
      ({ proposal, sender, byReference: pending !== undefined })),
    added: [...effects.added, ...joined],
    removed: effects.removed,
    updated: [...effects.updated, ...healed],
    extensionsChanged: effects.extensionsChanged,
    selfRemoved: effects.removed.some(({ index }) => index === group.ownLeaf),
  }
}
