import {
  createGroup, generateKeyPackage, type Group, type LeafIndex, type Suite,
} from '../../main/mls/index.ts'
import { startEpoch } from '../../main/mls/group/epoch.ts'
import { epochSecretsOf } from '../../main/mls/schedule/epoch.ts'
import { Secret } from '../../main/mls/secret.ts'
import { treeHash } from '../../main/mls/tree/hash.ts'
import { newPath } from '../../main/mls/tree/path.ts'
import { addLeaves, leafAt, type RatchetTree } from '../../main/mls/tree/ratchet-tree.ts'
import { bytes, forever } from '../mls/group-world.ts'

// Large groups, quickly. All members but the first are a crowd: their leaves are right, nobody has their secrets.

/** What each client of a benchmark says of itself. */
export const clientOf = (suite: Suite, name: string) => ({
  credential: { type: 'basic', identity: bytes(name) },
  signatureKeyPair: suite.signatureKeyPair(),
  capabilities: { versions: [1], cipherSuites: [suite.id], extensions: [], proposals: [], credentials: [1] },
  lifetime: forever,
}) as const

/** `used`: every parent has keys, as after a long life of the group; `new`: none has, as after one commit added all. */
export type Shape = 'used' | 'new'

/** The first member's view of a group of `size`. */
export function crowd(suite: Suite, size: number, shape: Shape): Group {
  const founder = createGroup(suite, { groupId: suite.random(suite.hashLength), ...clientOf(suite, 'member 0') })
  const { groupId } = founder.context
  const clients = Array.from({ length: size - 1 }, (_, at) => clientOf(suite, `member ${at + 1}`))
  const added = clients.map((client) => generateKeyPackage(suite, client).keyPackage.leafNode)
  let { tree } = size === 1 ? founder : addLeaves(founder.tree, added)
  let { keys } = founder
  // From right to left, so that the founder's path is the last one.
  for (let leaf = shape === 'used' ? (size - 1) & ~1 : -1; leaf >= 0; leaf -= 2) {
    const signaturePrivateKey = clients[leaf - 1]?.signatureKeyPair.privateKey ?? founder.signaturePrivateKey
    const path = commitPath(suite, tree, { leaf: leaf as LeafIndex, groupId, signaturePrivateKey })
    ;({ tree, keys } = path)
  }
  const context = { ...founder.context, epoch: 1n, treeHash: treeHash(suite, tree) }
  const epochSecret = new Secret(suite.random(suite.hashLength))
  const start = startEpoch(suite, { secrets: epochSecretsOf(suite, epochSecret), context, tree })
  return { ...founder, ...start, tree, keys, context }
}

function commitPath(suite: Suite, tree: RatchetTree, { leaf, groupId, signaturePrivateKey }: {
  readonly leaf: LeafIndex
  readonly groupId: Uint8Array
  readonly signaturePrivateKey: Secret
}) {
  const template = leafAt(tree, leaf)
  if (template === undefined) throw new Error(`leaf ${leaf} is blank`)
  return newPath(suite, { tree, leaf, template, groupId, signaturePrivateKey })
}
