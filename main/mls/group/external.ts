import { decode, encode } from '../codec.ts'
import { impossible, MlsError } from '../error.ts'
import { hpkeExportSender } from '../hpke.ts'
import { check } from '../rules.ts'
import { interimTranscriptHash } from '../schedule/transcript.ts'
import type { Secret } from '../secret.ts'
import type { KeyPair, Suite } from '../suite.ts'
import { encryptPath, newPath, type NewPath } from '../tree/path.ts'
import { leafAt, leavesOf, reserveLeaf } from '../tree/ratchet-tree.ts'
import type { Credential } from '../wire/credential.ts'
import { ExternalPub, extensionType, type Extensions } from '../wire/extension.ts'
import type { FramedContent, MLSMessage } from '../wire/framing.ts'
import { GroupContext } from '../wire/group-context.ts'
import { mls10 } from '../wire/key-package.ts'
import type { Capabilities, LeafIndex, UpdatePath } from '../wire/node.ts'
import type { PreSharedKeyID, Proposal } from '../wire/proposal.ts'
import type { GroupInfo } from '../wire/welcome.ts'
import { ClientSet } from './authentication.ts'
import { advance, provisionalContext } from './epoch.ts'
import type { Signed } from './framing.ts'
import { observe, type ObserveOptions } from './group-info.ts'
import {
  applyProposals, checkResult, replacedLeaves, toProposalOrRef, type Effects, type Listed,
} from './proposal-list.ts'
import { checkNewcomer, checkProposal, type View } from './proposals.ts'
import { protectPublic, signContent } from './protect.ts'
import { findPsks, withGroups } from './psk.ts'
import { readSelfRemoves } from './self-remove.ts'
import type { Group, PskLookup } from './state.ts'

/** `groupInfo`: with the key for external commits, from a source that one trusts to be up to date. */
export type ExternalJoinOptions = ObserveOptions & {
  readonly credential: Credential
  readonly signatureKeyPair: KeyPair
  readonly capabilities: Capabilities
  readonly leafExtensions?: Extensions
  /** The leaf that this client had and lost, or 'own' to look for it: the commit removes it ("resync"). */
  readonly replaces?: LeafIndex | 'own'
  /** To show, in this order, that one holds them, for example the resumption PSK of an epoch that one was in. */
  readonly pskIds?: readonly PreSharedKeyID[]
  readonly psks?: PskLookup
  /** The messages by which members have said in this epoch that they leave: they come with the GroupInfo. */
  readonly selfRemoves?: readonly MLSMessage[]
  readonly authenticatedData?: Uint8Array
  /**
   * This client's groups, this one's old state included: their epochs have resumption PSKs, and the client must not be
   * active in this one, unless the commit replaces its leaf.
   */
  readonly groups?: (groupId: Uint8Array) => Group | undefined
}

/** A commit of one's own, and the group that it leads to. */
export type ExternalJoin = {
  /** The epoch that the commit starts; of use once the commit was accepted, to be wiped if another one was. */
  readonly group: Group
  readonly message: MLSMessage
}

/**
 * Joins by one's own commit (RFC 9420 §12.4.3.2). Throws as `observe` does, `refused` when the leaf may not replace the
 * old one, `undecided` for a PSK that is not held, `misuse` where there is no old leaf to replace.
 */
export function joinExternally(options: ExternalJoinOptions): ExternalJoin {
  const { groupInfo: info, authentication } = options
  const view = observe(options)
  const { suite, context } = view
  // RFC 9420 §12.4.3: "unique among the groups they are currently participating in"; a resync has lost its group.
  const known = options.replaces === undefined ? options.groups?.(context.groupId) : undefined
  check('12.4.3.group-id', known?.status.type !== 'active')
  const { kemOutput, exported: initSecret } = externalInit(suite, info)
  const listed = [...proposalsOf(view, options, kemOutput), ...readSelfRemoves(view, options.selfRemoves ?? [])]
  const effects = applyProposals(view, listed, { committer: undefined, authentication })
  const psks = findPsks(effects.psks, withGroups(options))
  const { path, updatePath } = makePath(view, { listed, effects }, options)
  const signed = signCommit(view, options, { listed, updatePath })
  const interim = interimTranscriptHash(suite, context.confirmedTranscriptHash, info.confirmationTag)
  const advanced = advance({ suite, context, interimTranscriptHash: interim }, {
    tree: path.tree,
    extensions: effects.extensions,
    initSecret,
    commitSecret: path.commitSecret,
    psks,
    commit: signed,
  })
  const spent: readonly Secret[] =
    [initSecret, path.commitSecret, ...path.pathSecrets.values(), advanced.joinerSecret, advanced.welcomeSecret]
  for (const secret of spent) secret.wipe()
  const { wireFormat, content, signature } = signed
  const auth = { signature, confirmationTag: advanced.start.confirmationTag }
  // RFC 9420 §6.2: a sender who is no member yet has no membership tag.
  const publicMessage = protectPublic(suite, {
    authenticated: { wireFormat, content, auth }, context, membershipKey: undefined,
  })
  const group: Group = {
    ...advanced.start,
    status: { type: 'active' },
    suite,
    context: advanced.context,
    tree: path.tree,
    ownLeaf: path.leaf,
    keys: path.keys,
    signaturePrivateKey: options.signatureKeyPair.privateKey,
    proposals: new Map(),
    past: [],
  }
  return { group, message: { version: mls10, body: { type: 'publicMessage', publicMessage } } }
}

/** RFC 9420 §12.4.1, §12.4.3.2: the new member's leaf, and a path from there. */
function makePath(view: View, { listed, effects }: {
  readonly listed: readonly Listed[]
  readonly effects: Effects
}, options: ExternalJoinOptions): {
  readonly path: NewPath
  readonly updatePath: UpdatePath
} {
  const { suite, context: { groupId } } = view
  const { credential, capabilities, signatureKeyPair, leafExtensions: extensions = [], authentication } = options
  // RFC 9420 §12.4.1: "assign the sender the leftmost blank leaf node in the new ratchet tree".
  const { tree, index: leaf } = reserveLeaf(effects.tree)
  const path = newPath(suite, {
    tree,
    leaf,
    template: { signatureKey: signatureKeyPair.publicKey, credential, capabilities, extensions },
    groupId,
    signaturePrivateKey: signatureKeyPair.privateKey,
  })
  const leafNode = leafAt(path.tree, leaf) ?? impossible('a path without a leaf')
  checkNewcomer(view, { leafNode, leafIndex: leaf, replaced: replacedLeaves(listed, effects), authentication })
  checkResult(view, { effects, after: path.tree })
  const provisional = provisionalContext(view, { tree: path.tree, extensions: effects.extensions })
  const updatePath = encryptPath(suite, { path, context: encode(GroupContext, provisional), exclude: new Set() })
  return { path, updatePath }
}

/** RFC 9420 §12.4.3.2: "External Commits MUST be signed by the new member." */
function signCommit({ suite, context }: View, options: ExternalJoinOptions, { listed, updatePath }: {
  readonly listed: readonly Listed[]
  readonly updatePath: UpdatePath
}): Signed {
  const proposals = listed.map(toProposalOrRef)
  const content: FramedContent = {
    groupId: context.groupId,
    epoch: context.epoch,
    sender: { type: 'newMemberCommit' },
    authenticatedData: options.authenticatedData ?? new Uint8Array(0),
    content: { type: 'commit', commit: { proposals, path: updatePath } },
  }
  const wireFormat = 'publicMessage'
  const { privateKey: signaturePrivateKey } = options.signatureKeyPair
  return { wireFormat, content, signature: signContent(suite, { wireFormat, content, context, signaturePrivateKey }) }
}

/** RFC 9420 §8.3: an init secret of one's own, sent to the whole group. */
function externalInit(suite: Suite, info: GroupInfo): { readonly kemOutput: Uint8Array, readonly exported: Secret } {
  const extension = info.extensions.find((each) => each.extensionType === extensionType.externalPub)
  check('12.4.3.2.external-pub', extension !== undefined)
  const { externalPub } = decode(ExternalPub, extension.extensionData)
  const context = new TextEncoder().encode('MLS 1.0 external init secret')
  return hpkeExportSender(suite, externalPub, new Uint8Array(0), context, suite.hashLength)
}

/** RFC 9420 §12.2: one ExternalInit, at most one Remove, and PSKs; these by value. */
function proposalsOf(view: View, options: ExternalJoinOptions, kemOutput: Uint8Array): readonly Listed[] {
  const { pskIds = [], authentication } = options
  const replaces = options.replaces === 'own' ? priorLeaf(view, options) : options.replaces
  const proposals: readonly Proposal[] = [
    { type: 'externalInit', kemOutput },
    ...replaces === undefined ? [] : [{ type: 'remove', removed: replaces } as const],
    ...pskIds.map((psk) => ({ type: 'preSharedKey', psk }) as const),
  ]
  const sender = { type: 'newMemberCommit' } as const
  return proposals.map((proposal) => {
    checkProposal(view, { proposal, sender, authentication })
    return { proposal, sender, pending: undefined }
  })
}

/** RFC 9420 §12.4.3.2: a "resync" replaces "a member's prior appearance": the leaf of the same client. */
function priorLeaf({ tree }: View, { authentication, credential, signatureKeyPair }: ExternalJoinOptions): LeafIndex {
  const own = new ClientSet(authentication, [{ credential, signatureKey: signatureKeyPair.publicKey }])
  const prior = leavesOf(tree).find(({ leafNode }) => own.has(leafNode))
  if (prior === undefined) throw new MlsError('misuse', 'this client has no leaf in the group: join without replacing')
  return prior.index
}
