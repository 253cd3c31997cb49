import { decode, encode, equal } from '../codec.ts'
import { MlsError } from '../error.ts'
import { decryptWithLabel, keyPackageRef } from '../labelled.ts'
import { check } from '../rules.ts'
import { epochSecrets, welcomeKey, welcomeSecret } from '../schedule/epoch.ts'
import { pskSecret } from '../schedule/psk.ts'
import { Secret } from '../secret.ts'
import type { KeyPair, Suite, SuiteOf } from '../suite.ts'
import { nodeOf } from '../tree/math.ts'
import { keysFromPathSecret } from '../tree/path.ts'
import { leavesOf, type RatchetTree } from '../tree/ratchet-tree.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import { LeafNode, type LeafIndex, type Node, type NodeIndex } from '../wire/node.ts'
import { resumptionUsage, type PreSharedKeyID } from '../wire/proposal.ts'
import { GroupInfo, GroupSecrets, type Welcome } from '../wire/welcome.ts'
import type { Authentication } from './authentication.ts'
import { startEpoch } from './epoch.ts'
import { treeFor, verifyGroupInfo } from './group-info.ts'
import type { KeyPackagePrivate } from './key-package.ts'
import { findPsks } from './psk.ts'
import type { Group, PskLookup } from './state.ts'

export type Joined = {
  readonly group: Group
  /** Who made the Welcome (RFC 9420 §12.4.3). */
  readonly groupInfoSigner: LeafIndex
  /** The init key: a KeyPackage is used once, unless it is one of last resort (RFC 9420 §16.8). */
  readonly wipe: readonly Secret[]
}

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
  /** Whether this client is in a group of that id already (RFC 9420 §12.4.3.1 refuses a second one). */
  readonly isKnownGroup?: (groupId: Uint8Array) => boolean
}

/**
 * Joins by a Welcome (RFC 9420 §12.4.3.1). Throws `undecided` when a PSK or the ratchet tree is missing, `refused`
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
  check('12.4.3.1.one-special-psk', psks.filter(isSpecial).length <= 1)
  const psk = pskSecret(suite, findPsks(psks, options.psks))
  const info = openGroupInfo(suite, welcome, { joinerSecret, pskSecret: psk })
  const { groupContext: context, signer } = info
  const tree = treeFor(info, options.ratchetTree)
  verifyGroupInfo(suite, info, { tree, authentication })
  // RFC 9420 §12.4.3.1: "the `group_id` is unique among the groups that the client is currently participating in".
  check('12.4.3.1.group-id', options.isKnownGroup?.(context.groupId) !== true)
  const ownLeaf = findLeaf(tree, keyPackage.leafNode)
  if (psks.some(isSpecial)) {
    check('12.4.3.1.special-epoch', context.epoch === 1n)
    // RFC 9420 §12.4.3.1 wants the new group compared with the old one, which is not at hand here yet.
    throw new MlsError('unsupported', 'groups that continue another one are not joined yet')
  }

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
  for (const secret of [joinerSecret, pathSecret, psk]) secret?.wipe()
  const group: Group = {
    ...start,
    status: 'active',
    suite,
    context,
    tree,
    ownLeaf,
    keys: new Map<NodeIndex, KeyPair>([[nodeOf(ownLeaf), leafKey], ...above]),
    signaturePrivateKey,
    proposals: new Map(),
    past: [],
  }
  return { group, groupInfoSigner: signer, wipe: [privateKeys.initPrivateKey, privateKeys.encryptionPrivateKey] }
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

/** RFC 9420 §11.2, §11.3: the usages that link a group to the one it came from. */
const isSpecial = ({ psk }: PreSharedKeyID): boolean =>
  psk.type === 'resumption' && (psk.usage === resumptionUsage.reinit || psk.usage === resumptionUsage.branch)

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
