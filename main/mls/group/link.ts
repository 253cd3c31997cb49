import { encode, equal } from '../codec.ts'
import { check, missing } from '../rules.ts'
import { leavesOf, type RatchetTree } from '../tree/ratchet-tree.ts'
import { Extensions } from '../wire/extension.ts'
import type { GroupContext } from '../wire/group-context.ts'
import type { PreSharedKeyID, ReInit } from '../wire/proposal.ts'
import { ClientSet, type Authentication, type Client } from './authentication.ts'
import { membersAt } from './epoch.ts'
import type { Group } from './state.ts'

// A resumption PSK links a group to the one that it continues: after a ReInit, or as a branch (RFC 9420 §11.2, §11.3).

/** Which epoch of which group is continued, and how. */
export type Link = {
  readonly usage: 'reinit' | 'branch'
  readonly pskGroupId: Uint8Array
  readonly pskEpoch: bigint
}

/** The link that a PSK makes, if it makes one (RFC 9420 §8.4). */
export const linkOf = ({ psk }: PreSharedKeyID): Link | undefined =>
  psk.type === 'resumption' && psk.usage !== 'application' ? { ...psk, usage: psk.usage } : undefined

/**
 * RFC 9420 §12.4.3.1, §11.2, §11.3: refuses a group that is not what its Welcome says it continues. Throws `undecided`
 * when the old group is not here.
 */
export function checkLink(link: Link, { context, tree, groups, authentication }: {
  /** Of the new group. */
  readonly context: GroupContext
  readonly tree: RatchetTree
  readonly groups: ((groupId: Uint8Array) => Group | undefined) | undefined
  readonly authentication: Authentication
}): void {
  check('12.4.3.1.special-epoch', context.epoch === 1n)
  const old = groups?.(link.pskGroupId)
  if (old === undefined) missing('12.4.3.1.old-group')
  switch (link.usage) {
    case 'reinit':
      // "verify that the last Commit to the referenced group contains a ReInit proposal"
      check('12.4.3.1.reinit-commit', old.status.type === 'reinitialized' && link.pskEpoch === old.context.epoch)
      check('12.4.3.1.reinit-parameters', isAsProposed(context, old.status.reInit))
      break
    case 'branch': {
      const { version, cipherSuite } = old.context
      check('12.4.3.1.branch-parameters', context.version === version && context.cipherSuite === cipherSuite)
      break
    }
  }
  const members = leavesOf(tree).map(({ leafNode }) => leafNode)
  checkMembers(link, { old, members, authentication })
}

/** "the `group_id`, `version`, `cipher_suite`, and `group_context.extensions` fields of the GroupInfo match". */
const isAsProposed = (context: GroupContext, reInit: ReInit): boolean =>
  equal(context.groupId, reInit.groupId) && context.version === reInit.version
  && context.cipherSuite === reInit.cipherSuite
  && equal(encode(Extensions, context.extensions), encode(Extensions, reInit.extensions))

/** RFC 9420 §11.2: everybody comes along; §11.3: nobody comes in. `members`: those of the new group. */
export function checkMembers({ usage, pskEpoch }: Link, { old, members, authentication }: {
  readonly old: Group
  readonly members: readonly Client[]
  readonly authentication: Authentication
}): void {
  const before = membersAt(old, pskEpoch)
  switch (usage) {
    case 'reinit': check('12.4.3.1.reinit-members', areAmong(authentication, before, members)); break
    case 'branch': check('12.4.3.1.branch-members', areAmong(authentication, members, before)); break
  }
}

/** Whether each client is one of `all`. */
function areAmong(authentication: Authentication, clients: readonly Client[], all: readonly Client[]): boolean {
  const known = new ClientSet(authentication, all)
  return clients.every((client) => known.has(client))
}
