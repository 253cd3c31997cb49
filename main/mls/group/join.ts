import { decode, encode, equal } from '../codec.ts'
import { MlsError } from '../error.ts'
import { decryptWithLabel, keyPackageRef } from '../labelled.ts'
import { check } from '../rules.ts'
import { epochSecrets, welcomeKey, welcomeSecret } from '../schedule/epoch.ts'
import { pskSecret } from '../schedule/psk.ts'
import { Secret } from '../secret.ts'
import type { KeyPair, Suite, SuiteOf } from '../suite.ts'
import { directPath, nodeOf } from '../tree/math.ts'
import { keysFromPathSecret, type PrivateTree } from '../tree/path.ts'
import { leafCount, leavesOf, nodeAt, type RatchetTree } from '../tree/ratchet-tree.ts'
import type { Extensions } from '../wire/extension.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import { LeafNode, type LeafIndex, type Node, type NodeIndex } from '../wire/node.ts'
import type { PreSharedKeyID } from '../wire/proposal.ts'
import { GroupInfo, GroupSecrets, type Welcome } from '../wire/welcome.ts'
import type { Authentication } from './authentication.ts'
import { startEpoch } from './epoch.ts'
import { treeFor, verifyGroupInfo } from './group-info.ts'
import type { KeyPackagePrivate } from './key-package.ts'
import { isLastResort } from './last-resort.ts'
import { checkLink, linkOf } from './link.ts'
import { findPsks, withGroups } from './psk.ts'
import type { Group, PskLookup } from './state.ts'

/** A group that was entered. */
export type Joined = {
  readonly group: Group
  /** What the GroupInfo tells new members besides the tree: check for those that the application knows. */
  readonly groupInfoExtensions: Extensions
  /** Who made the Welcome (RFC 9420 §12.4.3). */
  readonly groupInfoSigner: LeafIndex
  /** The private keys: a KeyPackage is used once. None of one of last resort (RFC 9420 §16.8), which is kept. */
  readonly wipe: readonly Secret[]
}

/** A Welcome, and what it was made for. */
export type JoinOptions = {
  readonly suiteOf: SuiteOf
  readonly welcome: Welcome
  readonly keyPackage: KeyPackage
  readonly privateKeys: KeyPackagePrivate
  readonly signaturePrivateKey: Secret
  /** Where the GroupInfo carries none (RFC 9420 §12.4.3.3). */
  readonly ratchetTree?: readonly (Node | undefined)[]
  readonly psks?: PskLookup
  readonly authentication: Authentication
  /** In seconds since 1970, to demand that the lifetimes in the tree have begun and not ended (§7.3 recommends it). */
  readonly now?: bigint
  /**
   * This client's groups, past ones included: the client must not be active in the new one already, a group that
   * continues another one after its ReInit or as its branch is compared with that one, and their epochs have
   * resumption PSKs.
   */
  readonly groups?: (groupId: Uint8Array) => Group | undefined
}

/**
 * Joins by a Welcome (RFC 9420 §12.4.3.1), also of a group that continues another one (§11.2, §11.3). Throws
 * `undecided` when a PSK, the ratchet tree, or the group that this one continues is missing, `refused` or `malformed`
 * with the rule when the Welcome or the group's tree is invalid or not for this KeyPackage, `unsupported` for a cipher
 * suite that is not there.
 */
export function join(options: JoinOptions): Joined {
  const { suiteOf, welcome, keyPackage, privateKeys, signaturePrivateKey, authentication } = options
  const suite = suiteOf(welcome.cipherSuite)
  if (suite === undefined) throw new MlsError('unsupported', `cipher suite ${welcome.cipherSuite} is not there`)
  const { joinerSecret, pathSecret, psks } = openSecrets(suite, options)
  // RFC 9420 §12.4.3.1: "If a PreSharedKeyID is part of the GroupSecrets and the client is not in possession of the
  // corresponding PSK, return an error."
  const [link, ...others] = psks.flatMap((id) => linkOf(id) ?? [])
  check('12.4.3.1.one-special-psk', others.length === 0)
  // RFC 9420 §8.4, §12.1.4: whoever made the commit had to sample it with this length.
  check('12.1.4.nonce', psks.every(({ pskNonce }) => pskNonce.length === suite.hashLength))
  const psk = pskSecret(suite, findPsks(psks, withGroups(options)))
  const info = openGroupInfo(suite, welcome, { joinerSecret, pskSecret: psk })
  const { groupContext: context, signer } = info
  const tree = treeFor(info, options.ratchetTree)
  verifyGroupInfo(suite, info, { tree, authentication, now: options.now })
  // RFC 9420 §12.4.3.1: "the `group_id` is unique among the groups that the client is currently participating in".
  check('12.4.3.group-id', options.groups?.(context.groupId)?.status.type !== 'active')
  const ownLeaf = findLeaf(tree, keyPackage.leafNode)
  if (link !== undefined) checkLink(link, { context, tree, groups: options.groups, authentication })

  const start = startEpoch(suite, {
    secrets: epochSecrets(suite, { joinerSecret, pskSecret: psk, context }), context, tree,
  })
  check('12.4.3.1.confirmation-tag', equal(start.confirmationTag, info.confirmationTag))
  const leafKey: KeyPair = {
    publicKey: keyPackage.leafNode.encryptionKey,
    privateKey: new Secret(privateKeys.encryptionPrivateKey.unwrap().slice()),
  }
  const above = pathSecret === undefined ? []
    : keysFromPathSecret(suite, { tree, own: ownLeaf, signer, pathSecret })
  checkAncestors(tree, ownLeaf, new Map(above))
  for (const secret of [joinerSecret, pathSecret, psk]) secret?.wipe()
  const group: Group = {
    ...start,
    status: { type: 'active' },
    suite,
    context,
    tree,
    ownLeaf,
    keys: new Map<NodeIndex, KeyPair>([[nodeOf(ownLeaf), leafKey], ...above]),
    signaturePrivateKey,
    proposals: new Map(),
    past: [],
  }
  const wipe = isLastResort(keyPackage) ? [] : [privateKeys.initPrivateKey, privateKeys.encryptionPrivateKey]
  return { group, groupInfoExtensions: info.extensions, groupInfoSigner: signer, wipe }
}

/** RFC 9420 §7.1, §4.2: refuses a tree that has others encrypt to a key above one's own leaf that one was not given. */
function checkAncestors(tree: RatchetTree, own: LeafIndex, keys: PrivateTree): void {
  for (const index of directPath(nodeOf(own), leafCount(tree))) {
    const node = nodeAt(tree, index)
    if (node?.type !== 'parent' || keys.has(index)) continue
    check('7.1.unmerged-own', node.parentNode.unmergedLeaves.includes(own))
  }
}

type OpenedSecrets = {
  readonly joinerSecret: Secret
  readonly pathSecret: Secret | undefined
  readonly psks: readonly PreSharedKeyID[]
}

/** RFC 9420 §12.4.3.1: the GroupSecrets that are encrypted to this KeyPackage. */
export function openSecrets(
  suite: Suite, { welcome, keyPackage, privateKeys }: Pick<JoinOptions, 'welcome' | 'keyPackage' | 'privateKeys'>,
): OpenedSecrets {
  // RFC 9420 §12.4.3.1: an error "if the cipher suite indicated in the KeyPackage does not match the one in the Welcome".
  check('12.4.3.1.cipher-suite', keyPackage.cipherSuite === welcome.cipherSuite)
  const reference = keyPackageRef(suite, keyPackage)
  const entry = welcome.secrets.find(({ newMember }) => equal(newMember, reference))
  check('12.4.3.1.new-member', entry !== undefined)
  const key: KeyPair = { publicKey: keyPackage.initKey, privateKey: privateKeys.initPrivateKey }
  const bytes = decryptWithLabel(suite, key, 'Welcome', welcome.encryptedGroupInfo, entry.encryptedGroupSecrets)
  const { joinerSecret, pathSecret, psks } = decode(GroupSecrets, bytes)
  bytes.fill(0)
  return {
    joinerSecret: new Secret(joinerSecret),
    pathSecret: pathSecret === undefined ? undefined : new Secret(pathSecret.pathSecret),
    psks,
  }
}

/** RFC 9420 §12.4.3.1: the GroupInfo that all new members share. */
export function openGroupInfo(suite: Suite, welcome: Welcome, secrets: {
  readonly joinerSecret: Secret
  readonly pskSecret: Secret
}): GroupInfo {
  const secret = welcomeSecret(suite, secrets)
  const { key, nonce } = welcomeKey(suite, secret)
  const bytes = suite.open(key.unwrap(), nonce, new Uint8Array(0), welcome.encryptedGroupInfo)
  for (const each of [secret, key]) each.wipe()
  check('12.4.3.1.group-info', bytes !== undefined)
  return decode(GroupInfo, bytes)
}

/** RFC 9420 §12.4.3.1: "a leaf whose LeafNode is identical to the one in the KeyPackage". */
function findLeaf(tree: RatchetTree, leafNode: LeafNode): LeafIndex {
  const own = encode(LeafNode, leafNode)
  const found = leavesOf(tree).find((each) =>
    equal(each.leafNode.encryptionKey, leafNode.encryptionKey) && equal(encode(LeafNode, each.leafNode), own))
  check('12.4.3.1.own-leaf', found !== undefined)
  return found.index
}
