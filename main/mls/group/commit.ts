import { encode } from '../codec.ts'
import { check } from '../rules.ts'
import type { Secret } from '../secret.ts'
import { encryptPath, newPath, type NewPath } from '../tree/path.ts'
import type { Extensions } from '../wire/extension.ts'
import { GroupContext } from '../wire/group-context.ts'
import type { MLSMessage } from '../wire/framing.ts'
import type { UpdatePath } from '../wire/node.ts'
import type { CustomProposals } from '../wire/proposal.ts'
import { checkVerdict, type Authentication } from './authentication.ts'
import { choosePending } from './choose.ts'
import { advance, pastOfNext, provisionalContext } from './epoch.ts'
import { send, sign } from './framing.ts'
import { describe } from './process.ts'
import {
  applyProposals, checkResult, referredTo, toProposalOrRef, type Effects, type Listed,
} from './proposal-list.ts'
import { checkProposal } from './proposals.ts'
import { changedLeaf, ownLeafNode } from './propose.ts'
import { findPsks, withOwnEpochs } from './psk.ts'
import type { Committed, FramingOptions, Group, LeafChange, OwnProposal, PskLookup } from './state.ts'
import { welcomeFor } from './welcome.ts'

/** What to commit, how, and by whose judgement. */
export type CommitOptions = FramingOptions & LeafChange & {
  /** By value, in this order, behind those by reference. */
  readonly proposals?: readonly OwnProposal[]
  /**
   * Which pending proposals to cover: exactly these, or (the default) as many as are valid together. Of several for
   * one leaf, a SelfRemove goes first, then a Remove, then the latest Update (RFC 9420 §12.2).
   */
  readonly references?: 'all' | readonly Uint8Array[]
  /** A path even where RFC 9420 §12.4 lets it be omitted (Adds, PSKs and ReInit only). */
  readonly forcePath?: boolean
  /** Whether the Welcome carries the ratchet tree, the default; else it must come another way (RFC 9420 §12.4.3.3). */
  readonly ratchetTree?: boolean
  /** For the new members: of the GroupInfo inside the Welcome (RFC 9420 §12.4.1). A function may speak of the commit. */
  readonly groupInfoExtensions?: Extensions | ((commit: MLSMessage) => Extensions)
  readonly psks?: PskLookup
  /** What the application states of its own proposal types: without it, one of them makes a path (RFC 9420 §12.4). */
  readonly customProposals?: CustomProposals
  readonly authentication: Authentication
}

/**
 * Makes the commit that ends this epoch, and the Welcome for those whom it adds (RFC 9420 §12.4.1). Changes nothing:
 * see `Committed` for what to do when it is accepted and when another one wins. Throws `refused` for a list of
 * proposals that is invalid, `undecided` for a PSK that is not held or a reference that is not known, `misuse` where
 * the group is over for this member.
 */
export function commit(group: Group, options: CommitOptions): Committed {
  const { authentication, references = 'all' } = options
  const psks = withOwnEpochs(group, options.psks)
  const own = ownProposals(group, options)
  const listed = references === 'all'
    ? choosePending(group, { own, authentication, psks })
    : [...references.map((reference) => referredTo(group, reference)), ...own]
  return commitListed(group, listed, { ...options, psks })
}

/** The commit of exactly these proposals, each of which is known to be valid by itself. */
export function commitListed(group: Group, listed: readonly Listed[], options: CommitOptions): Committed {
  const { authentication, customProposals, ratchetTree = true, groupInfoExtensions = [] } = options
  const committer = group.ownLeaf
  const effects = applyProposals(group, listed, { committer, authentication, customProposals })
  const found = findPsks(effects.psks, options.psks)

  const path = needsPath(effects, options) ? makePath(group, effects, options) : undefined
  const tree = path?.fresh.tree ?? effects.tree
  checkResult(group, { effects, after: tree })

  const proposals = listed.map(toProposalOrRef)
  const signed = sign(group, { type: 'commit', commit: { proposals, path: path?.updatePath } }, options)
  const { context, start, joinerSecret, welcomeSecret } = advance(group, {
    tree,
    extensions: effects.extensions,
    initSecret: group.secrets.initSecret,
    commitSecret: path?.fresh.commitSecret,
    psks: found,
    commit: signed,
  })
  const sent = send(group, signed, { confirmationTag: start.confirmationTag, padding: options.padding })
  const pending: Group = {
    ...start,
    status: effects.status,
    suite: group.suite,
    context,
    tree,
    ownLeaf: committer,
    keys: path?.fresh.keys ?? group.keys,
    signaturePrivateKey: options.signatureKeyPair?.privateKey ?? group.signaturePrivateKey,
    proposals: new Map(),
    past: pastOfNext(sent.group, tree),
  }
  const extensionsFor = typeof groupInfoExtensions === 'function' ? groupInfoExtensions : () => groupInfoExtensions
  const welcome = effects.added.length === 0 ? undefined : welcomeFor(pending, {
    effects, path: path?.fresh, joinerSecret, welcomeSecret, info: { ratchetTree, extensions: extensionsFor(sent.message) },
  })
  for (const secret of [joinerSecret, welcomeSecret, ...spent(path?.fresh)]) secret.wipe()
  const applied = describe(group, { listed, effects, committer, tree, content: sent.authenticated.content })
  return { group: sent.group, pending, message: sent.message, welcome, applied, wipe: sent.wipe }
}

/** The proposals by value, which this member makes with the commit. */
export function ownProposals(
  group: Group, { proposals = [], authentication }: Pick<CommitOptions, 'proposals' | 'authentication'>,
): readonly Listed[] {
  const sender = { type: 'member', leafIndex: group.ownLeaf } as const
  return proposals.map((proposal) => {
    // A KeyPackage was validated for its suite; signatures are not verified again.
    if (proposal.type === 'add') check('10.1.cipher-suite', proposal.keyPackage.cipherSuite === group.suite.id)
    else checkProposal(group, { proposal, sender, authentication })
    return { proposal, sender, pending: undefined }
  })
}

function needsPath(effects: Effects, options: CommitOptions): boolean {
  const { credential, signatureKeyPair, capabilities, leafExtensions, forcePath = false } = options
  const changes = [credential, signatureKeyPair, capabilities, leafExtensions]
  return effects.pathRequired || forcePath || changes.some((change) => change !== undefined)
}

type Path = { readonly fresh: NewPath, readonly updatePath: UpdatePath }

/** RFC 9420 §12.4.1: a path for the tree to which the proposals have been applied. */
function makePath(group: Group, effects: Effects, options: CommitOptions): Path {
  const { suite, ownLeaf, context: { groupId } } = group
  const template = changedLeaf(ownLeafNode(group), options)
  checkVerdict('5.3.1.credential', options.authentication.validate(template.credential, template.signatureKey))
  const fresh = newPath(suite, {
    tree: effects.tree,
    leaf: ownLeaf,
    template,
    groupId,
    signaturePrivateKey: options.signatureKeyPair?.privateKey ?? group.signaturePrivateKey,
  })
  // RFC 9420 §12.4.1: "using the provisional group context as the context for HPKE encryption".
  const provisional = provisionalContext(group, { tree: fresh.tree, extensions: effects.extensions })
  const updatePath = encryptPath(suite, {
    path: fresh,
    context: encode(GroupContext, provisional),
    // RFC 9420 §7.5: not to "the leaf nodes of new members", who get theirs by the Welcome.
    exclude: new Set(effects.added.map(({ index }) => index)),
  })
  return { fresh, updatePath }
}

/** RFC 9420 §7.5: path secrets are deleted once they are encrypted; the private keys that they gave stay. */
const spent = (path: NewPath | undefined): readonly Secret[] =>
  path === undefined ? [] : [path.commitSecret, ...path.pathSecrets.values()]
