import { directPath, leafCount, nodeOf, nodesOf, type Group } from '../mls/index.ts'
import { groupCode } from '../chat/epochs.ts'
import { accountOf } from '../chat/account-of.ts'
import type { RoomState } from '../chat/room.ts'
import type { Details, TreeNode } from '../../preload/api.ts'

/** What the info panel shows beside the conversation itself. */
export function details(state: RoomState, idle: Details['idle'] = []): Details {
  const { room, group } = state
  const renewedBy = room.renewedBy === '' ? {} : { renewedBy: room.renewedBy }
  const base = { conversation: room.id, renewedAt: room.healedAt, idle, ...renewedBy }
  if (group === undefined) return { ...base, groupCode: '', tree: [], epoch: 0, cipherSuite: 0 }
  return {
    ...base, groupCode: groupCode(group), tree: pictureOf(group), epoch: Number(group.context.epoch),
    cipherSuite: group.context.cipherSuite,
  }
}

/** The ratchet tree as a picture: which nodes hold keys, and the own path to the root. */
function pictureOf(group: Group): readonly TreeNode[] {
  const leaf = nodeOf(group.ownLeaf)
  const lit = new Set<number>([leaf, ...directPath(leaf, leafCount(group.tree))])
  return nodesOf(group.tree).map((node, index): TreeNode => ({
    state: node === undefined ? 'blank' : 'filled', lit: lit.has(index),
    ...(node?.type === 'leaf' ? { accountId: accountOf(node.leafNode) } : {}),
  }))
}
