import { encode } from '../codec.ts'
import { epochSecretsOf } from '../schedule/epoch.ts'
import { Secret } from '../secret.ts'
import type { Suite } from '../suite.ts'
import { treeHash } from '../tree/hash.ts'
import { newLeaf, type NewLeaf } from '../tree/leaf.ts'
import { nodeOf } from '../tree/math.ts'
import { emptyTree } from '../tree/ratchet-tree.ts'
import { checkUniqueExtensions, validateTree } from '../tree/validate.ts'
import type { Extensions } from '../wire/extension.ts'
import { GroupContext } from '../wire/group-context.ts'
import { mls10 } from '../wire/key-package.ts'
import type { LeafIndex } from '../wire/node.ts'
import { startEpoch } from './epoch.ts'
import type { Group } from './state.ts'

/** The first member, and what the group begins with. */
export type CreateOptions = NewLeaf & {
  /** Random, `suite.hashLength` bytes by preference. */
  readonly groupId: Uint8Array
  /** Of the GroupContext (RFC 9420 §8.1). */
  readonly extensions?: Extensions
}

/**
 * A new group with one member at epoch 0 (RFC 9420 §11). Throws `refused` when its creator does not support what the
 * group demands of members, `misuse` for values that cannot be encoded.
 */
export function createGroup(suite: Suite, options: CreateOptions): Group {
  const { groupId, signatureKeyPair, extensions = [] } = options
  const { leafNode, encryption } = newLeaf(suite, options)
  const tree = emptyTree(leafNode)
  const ownLeaf = 0 as LeafIndex
  const context: GroupContext = {
    version: mls10,
    cipherSuite: suite.id,
    groupId,
    epoch: 0n,
    treeHash: treeHash(suite, tree),
    confirmedTranscriptHash: new Uint8Array(0),
    extensions,
  }
  // RFC 9420 §7.3: what is sent must be valid; the creator is the only member to judge.
  validateTree(suite, { tree, groupId, groupExtensions: extensions })
  checkUniqueExtensions(extensions)
  encode(GroupContext, context) // Nobody could be told of a group whose context cannot be encoded.
  // RFC 9420 §11: "Epoch secret: A fresh random value of size KDF.Nh".
  const epochSecret = new Secret(suite.random(suite.hashLength))
  const epoch = startEpoch(suite, { secrets: epochSecretsOf(suite, epochSecret), context, tree })
  epochSecret.wipe()
  return {
    status: { type: 'active' },
    suite,
    context,
    tree,
    ownLeaf,
    keys: new Map([[nodeOf(ownLeaf), encryption]]),
    signaturePrivateKey: signatureKeyPair.privateKey,
    ...epoch,
    proposals: new Map(),
    past: [],
  }
}
