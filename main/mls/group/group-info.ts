import { decode, encode, equal } from '../codec.ts'
import { MlsError } from '../error.ts'
import { signWithLabel, verifyWithLabel } from '../labelled.ts'
import { check, missing } from '../rules.ts'
import { externalKeyPair } from '../schedule/epoch.ts'
import type { Suite, SuiteOf } from '../suite.ts'
import { treeHash } from '../tree/hash.ts'
import { leafAt, leavesOf, nodesOf, treeOf, type RatchetTree } from '../tree/ratchet-tree.ts'
import { checkUniqueExtensions, validateTree } from '../tree/validate.ts'
import { ExternalPub, extensionType, type Extension, type Extensions } from '../wire/extension.ts'
import { mls10 } from '../wire/key-package.ts'
import { RatchetTreeNodes, type Node } from '../wire/node.ts'
import { GroupInfoTBS, type GroupInfo } from '../wire/welcome.ts'
import { checkLifetime, checkVerdict, type Authentication } from './authentication.ts'
import { demandActive } from './framing.ts'
import { checkExtensions, type View } from './proposals.ts'
import type { Group } from './state.ts'

const label = 'GroupInfoTBS'

/** What a GroupInfo carries. */
export type GroupInfoOptions = {
  /** The key for external commits (RFC 9420 §12.4.3.2). */
  readonly externalPub?: boolean
  /** The ratchet tree (RFC 9420 §12.4.3.3), the default. */
  readonly ratchetTree?: boolean
  /** The application's own ones, and GREASE (RFC 9420 §13.5): who does not know them ignores them. */
  readonly extensions?: Extensions
}

/**
 * This epoch as new members need it (RFC 9420 §12.4.3), signed by this member. Not public: whoever has it learns who
 * is in the group, and with `externalPub` may join by an external commit. Throws `refused` for an extension that is
 * there twice, `misuse` where the group is over for this member.
 */
export function groupInfo(group: Group, options: GroupInfoOptions = {}): GroupInfo {
  demandActive(group)
  const { suite, context, confirmationTag, ownLeaf, signaturePrivateKey } = group
  const { externalPub = false, ratchetTree = true } = options
  const extensions: Extension[] = [...options.extensions ?? []]
  if (ratchetTree) {
    const extensionData = encode(RatchetTreeNodes, nodesOf(group.tree))
    extensions.push({ extensionType: extensionType.ratchetTree, extensionData })
  }
  if (externalPub) {
    const { publicKey, privateKey } = externalKeyPair(suite, group.secrets)
    privateKey.wipe()
    const extensionData = encode(ExternalPub, { externalPub: publicKey })
    extensions.push({ extensionType: extensionType.externalPub, extensionData })
  }
  checkUniqueExtensions(extensions)
  const unsigned = { groupContext: context, extensions, confirmationTag, signer: ownLeaf }
  const signature = signWithLabel(suite, signaturePrivateKey, label, encode(GroupInfoTBS, unsigned))
  return { ...unsigned, signature }
}

/** A GroupInfo, and by whose judgement it is verified. */
export type ObserveOptions = {
  readonly suiteOf: SuiteOf
  readonly groupInfo: GroupInfo
  /** Where the GroupInfo carries none (RFC 9420 §12.4.3.3). */
  readonly ratchetTree?: readonly (Node | undefined)[]
  readonly authentication: Authentication
  /** In seconds since 1970, to demand that the lifetimes in the tree have begun and not ended (§7.3 recommends it). */
  readonly now?: bigint
}

/**
 * A group as its GroupInfo shows it to somebody who is no member (RFC 9420 §12.4.3), verified; to join it externally or
 * to propose something from outside. Throws `undecided` without the ratchet tree, `refused` for a GroupInfo or a tree
 * that is invalid, `unsupported` for a cipher suite that is not there.
 */
export function observe({ suiteOf, groupInfo: info, ratchetTree, authentication, now }: ObserveOptions): View {
  const { groupContext: context } = info
  const suite = suiteOf(context.cipherSuite)
  if (suite === undefined) throw new MlsError('unsupported', `cipher suite ${context.cipherSuite} is not there`)
  const tree = treeFor(info, ratchetTree)
  verifyGroupInfo(suite, info, { tree, authentication, now })
  return { suite, context, tree }
}

/** RFC 9420 §12.4.3.3: the tree of a GroupInfo, or the one that came another way. Throws `undecided` without either. */
export function treeFor({ extensions }: GroupInfo, ratchetTree: readonly (Node | undefined)[] | undefined): RatchetTree {
  const extension = extensions.find((each) => each.extensionType === extensionType.ratchetTree)
  if (extension !== undefined) return treeOf(decode(RatchetTreeNodes, extension.extensionData))
  if (ratchetTree === undefined) missing('12.4.3.1.ratchet-tree')
  return treeOf(ratchetTree)
}

/** RFC 9420 §12.4.3, §12.4.3.1: refuses a GroupInfo, or its tree, by which one must not join. */
export function verifyGroupInfo(suite: Suite, info: GroupInfo, { tree, authentication, now }: {
  readonly tree: RatchetTree
  readonly authentication: Authentication
  readonly now: bigint | undefined
}): void {
  const { groupContext: context, signer, signature } = info
  check('12.4.3.1.version', context.version === mls10)
  // RFC 9420 §12.4.3.1: "the `cipher_suite` in the GroupInfo matches the `cipher_suite` in the KeyPackage".
  check('12.4.3.1.cipher-suite', context.cipherSuite === suite.id)
  checkUniqueExtensions(info.extensions)
  const signerLeaf = leafAt(tree, signer)
  check('12.4.3.1.signer', signerLeaf !== undefined)
  const signed = encode(GroupInfoTBS, info)
  check('12.4.3.1.signature', verifyWithLabel(suite, signerLeaf.signatureKey, label, signed, signature))
  check('12.4.3.1.tree-hash', equal(treeHash(suite, tree), context.treeHash))
  checkExtensions(context.extensions, authentication) // Before every member is held to them.
  validateTree(suite, { tree, groupId: context.groupId, groupExtensions: context.extensions, now })
  // RFC 9420 §5.3.1: "When a member receives a GroupInfo object that it will use to join a group".
  for (const { leafNode } of leavesOf(tree)) {
    checkVerdict('5.3.1.credential', authentication.validate(leafNode.credential, leafNode.signatureKey))
    checkLifetime(leafNode, authentication)
  }
}
