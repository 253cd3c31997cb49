/** Whether leaves, members together, and whole trees are valid (RFC 9420 §7.3, §12.4.3.1). */
import { decode } from '../codec.ts'
import { check } from '../rules.ts'
import type { Suite } from '../suite.ts'
import { credentialTypeOf } from '../wire/credential.ts'
import { defaultExtensionTypes, extensionType, RequiredCapabilities, type Extensions } from '../wire/extension.ts'
import { mls10 } from '../wire/key-package.ts'
import type { Capabilities, LeafIndex, LeafNode, LeafNodePlace, LeafNodeSource, Node } from '../wire/node.ts'
import { defaultProposalTypes } from '../wire/proposal.ts'
import { distinctIn, hasKeyOf, type KeyKind } from './distinct-keys.ts'
import { isLeafSigned } from './leaf.ts'
import { levelOf, nodeOf } from './math.ts'
import { verifyParentHashes } from './parent-hash.ts'
import { profilesOf, withoutGrease } from './profiles.ts'
import { changedNodes, childTowards, leavesOf, positionsOf, type RatchetTree, type Subtree } from './ratchet-tree.ts'

/** RFC 9420 §13.4: refuses a list that has two extensions of the same type. */
export function checkUniqueExtensions(extensions: Extensions): void {
  const types = new Set(extensions.map((extension) => extension.extensionType))
  check('13.4.unique-extension', types.size === extensions.length)
}

const none: ReadonlySet<number> = new Set()

/** RFC 9420 §7.2: whether each extension is a default one or listed in the capabilities. */
export const listsExtensions = (capabilities: Capabilities, extensions: Extensions): boolean =>
  lists(capabilities.extensions, extensions.map((extension) => extension.extensionType), defaultExtensionTypes)

/** Whether all of these types are listed, or need not be. Strangers choose both lists: no look-up walks one. */
function lists(listed: readonly number[], types: readonly number[], defaults: ReadonlySet<number>): boolean {
  if (types.length === 0) return true
  const known = new Set(listed)
  return types.every((type) => defaults.has(type) || known.has(type))
}

/** RFC 9420 §7.2: whether a client with these capabilities takes proposals of this type. */
const supportsProposal = (capabilities: Capabilities, type: number): boolean =>
  defaultProposalTypes.has(type) || capabilities.proposals.includes(type)

/** RFC 9420 §12.2: whether all members take proposals of this type, but for those in `except`. */
export const allSupportProposal = (tree: RatchetTree, type: number, except: ReadonlySet<LeafIndex>): boolean =>
  except.size === 0
    ? profilesOf(tree).every(({ capabilities }) => supportsProposal(capabilities, type))
    : leavesOf(tree).every(({ index, leafNode }) =>
      except.has(index) || supportsProposal(withoutGrease(leafNode.capabilities), type))

/**
 * RFC 9420 §11.1: what the extensions of a GroupContext require of each member beyond supporting them. Throws
 * `malformed` for a `required_capabilities` extension that is not one.
 */
export function requiredBy(groupExtensions: Extensions): RequiredCapabilities {
  const required = groupExtensions.find((extension) => extension.extensionType === extensionType.requiredCapabilities)
  if (required === undefined) return { extensionTypes: [], proposalTypes: [], credentialTypes: [] }
  return decode(RequiredCapabilities, required.extensionData)
}

/** RFC 9420 §7.3, §11.1: whether the capabilities have all that is required; defaults need not be listed. */
const meets = (capabilities: Capabilities, required: RequiredCapabilities): boolean =>
  lists(capabilities.extensions, required.extensionTypes, defaultExtensionTypes)
  && lists(capabilities.proposals, required.proposalTypes, defaultProposalTypes)
  && lists(capabilities.credentials, required.credentialTypes, none)

/**
 * RFC 9420 §7.3: refuses a leaf that is invalid on its own. The credential is for the authentication service to
 * judge (§5.3.1), the rules about all members together are `validateMembers`.
 */
export function validateLeaf(suite: Suite, { leafNode, source, place, now }: {
  readonly leafNode: LeafNode
  /** The source that fits where the leaf appeared; left out for a leaf of a tree, which may have any. */
  readonly source?: LeafNodeSource['type']
  /** Where it stands or will stand; needed unless its source is `keyPackage`. */
  readonly place?: LeafNodePlace
  /** In seconds since 1970; left out where the lifetime does not matter (§7.3 recommends it for what is received). */
  readonly now?: bigint | undefined
}): void {
  const { capabilities, credential, extensions, leafNodeSource } = leafNode
  check('7.3.source', source === undefined || leafNodeSource.type === source)
  check('5.1.1.encryption-key', suite.isEncryptionKey(leafNode.encryptionKey))
  check('11.1.version', capabilities.versions.includes(mls10))
  check('11.1.cipher-suite', capabilities.cipherSuites.includes(suite.id))
  check('7.2.credential-listed', capabilities.credentials.includes(credentialTypeOf(credential)))
  checkUniqueExtensions(extensions)
  check('7.3.extensions-listed', listsExtensions(capabilities, extensions))
  if (now !== undefined && leafNodeSource.type === 'keyPackage') {
    const { notBefore, notAfter } = leafNodeSource.lifetime
    check('7.3.lifetime', notBefore <= now && now <= notAfter)
  }
  check('7.3.signature', isLeafSigned(suite, leafNode, place))
}

/**
 * RFC 9420 §7.3, §13.4: refuses a tree whose members do not go together. Keys are compared for what differs from
 * `before`, which was valid; without it for the whole tree.
 */
export function validateMembers({ before, after, groupExtensions }: {
  readonly before: RatchetTree | undefined
  readonly after: RatchetTree
  /** Those of the GroupContext that the tree belongs to. */
  readonly groupExtensions: Extensions
}): void {
  const profiles = profilesOf(after)
  const required = requiredBy(groupExtensions)
  check('7.3.required-capabilities', profiles.every(({ capabilities }) => meets(capabilities, required)))
  // RFC 9420 §13.4: "an extension in use by the group MUST be supported by all members of the group".
  check('13.4.group-extensions', profiles.every(({ capabilities }) => listsExtensions(capabilities, groupExtensions)))
  const types = new Set(profiles.map(({ credentialType }) => credentialType))
  check('7.3.credential-support', profiles.every(({ capabilities }) => {
    const supported = new Set(capabilities.credentials)
    return [...types].every((type) => supported.has(type))
  }))

  const changed = new Set(changedNodes(before, after).flatMap(([, node]) => node ?? []))
  // RFC 9420 §7.3 for leaves, §12.4.3.1 and §16.7 for parents.
  check('7.3.unique-encryption-key', areUnique(after, 'encryption', changed))
  check('7.3.unique-signature-key', areUnique(after, 'signature', changed))
}

/** Whether no changed node has a key that another node of the tree has too. */
function areUnique(tree: RatchetTree, kind: KeyKind, changed: ReadonlySet<Node>): boolean {
  const keys = distinctIn(kind, changed)
  return keys !== undefined && !hasKeyOf(tree, { kind, keys, except: changed })
}

/**
 * RFC 9420 §12.4.3.1: refuses a tree that one must not join, but for its hash, which the caller compares with the
 * GroupInfo's, and its credentials, which the authentication service judges.
 */
export function validateTree(suite: Suite, { tree, groupId, groupExtensions, now }: {
  readonly tree: RatchetTree
  readonly groupId: Uint8Array
  readonly groupExtensions: Extensions
  /** In seconds since 1970, to demand that lifetimes have begun and not ended (recommended by §7.3). */
  readonly now?: bigint | undefined
}): void {
  for (const { node } of positionsOf(tree)) {
    check('5.1.1.encryption-key', node?.type !== 'parent' || suite.isEncryptionKey(node.parentNode.encryptionKey))
  }
  checkUnmergedLeaves(tree)
  validateMembers({ before: undefined, after: tree, groupExtensions })
  verifyParentHashes(suite, tree)
  for (const { index, leafNode } of leavesOf(tree)) {
    const place = { groupId, leafIndex: index }
    validateLeaf(suite, { leafNode, place, now })
  }
}

/** RFC 9420 §7.1, §12.4.3.1: refuses unmerged leaves that are in disorder or that the nodes below contradict. */
export function checkUnmergedLeaves(tree: RatchetTree): void {
  const listed = new Map<Subtree, ReadonlySet<LeafIndex>>()
  for (const at of positionsOf(tree)) {
    if (at.node?.type !== 'parent') continue
    const { unmergedLeaves } = at.node.parentNode
    check('7.1.unmerged-order', unmergedLeaves.every((leaf, place) => leaf > (unmergedLeaves[place - 1] ?? -1)))
    listed.set(at, new Set(unmergedLeaves))
  }
  for (const [at, leaves] of listed) for (const leaf of leaves) checkUnmergedLeaf(listed, at, leaf)
}

function checkUnmergedLeaf(
  listed: ReadonlyMap<Subtree, ReadonlySet<LeafIndex>>, parent: Subtree, leaf: LeafIndex,
): void {
  const index = nodeOf(leaf)
  check('12.4.3.1.unmerged-below', Math.abs(index - parent.index) < 1 << levelOf(parent.index))
  let at = childTowards(parent, index)
  while (at.index !== index) {
    // The nearest parent below is enough: it is held to the same rule for what is below itself.
    const here = listed.get(at)
    if (here !== undefined) {
      check('12.4.3.1.unmerged-between', here.has(leaf))
      return
    }
    at = childTowards(at, index)
  }
  check('12.4.3.1.unmerged-below', at.node !== undefined)
}
