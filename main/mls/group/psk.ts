import { equal } from '../codec.ts'
import { check, missing } from '../rules.ts'
import type { PreSharedKey } from '../schedule/psk.ts'
import { Secret } from '../secret.ts'
import type { Suite } from '../suite.ts'
import type { PreSharedKeyID } from '../wire/proposal.ts'
import type { Group, PskLookup } from './state.ts'

/**
 * A PSK under a name of its own for one use: RFC 9420 §8.4 wants "a fresh random value of length `KDF.Nh`" with each.
 * `suite`: of the group that it goes into.
 */
export const newPskId = (suite: Suite, psk: PreSharedKeyID['psk']): PreSharedKeyID =>
  ({ psk, pskNonce: suite.random(suite.hashLength) })

/**
 * The secrets of these PSKs in their order (RFC 9420 §8.4). Throws `undecided` for one that is not held: §12.4.2
 * wants all of them to be available, and this member may get it later.
 */
export function findPsks(ids: readonly PreSharedKeyID[], lookup: PskLookup | undefined): readonly PreSharedKey[] {
  // RFC 9420 §8.4: `uint16 count`.
  check('8.4.count', ids.length <= 0xffff)
  return ids.map((id) => {
    const psk = lookup?.(id)
    if (psk === undefined) missing('12.4.2.psk-held')
    return { id, psk }
  })
}

/**
 * A lookup that knows the resumption PSKs of this group's epochs, the current one and those that are kept (RFC 9420
 * §8.6), before it asks `others`. `commit` and `receive` do so by themselves for their own group.
 */
export const withOwnEpochs = (group: Group, others?: PskLookup): PskLookup => (id) => {
  const { psk } = id
  if (psk.type === 'resumption' && equal(psk.pskGroupId, group.context.groupId)) {
    const own = heldPsk(group, psk.pskEpoch)
    if (own !== undefined) return own
  }
  return others?.(id)
}

/** A lookup that asks this client's groups for resumption PSKs, and for the rest `psks`. */
export const withGroups = ({ psks, groups }: {
  readonly psks?: PskLookup
  readonly groups?: (groupId: Uint8Array) => Group | undefined
}): PskLookup => (id) => {
  const group = id.psk.type === 'resumption' ? groups?.(id.psk.pskGroupId) : undefined
  return (group === undefined ? psks : withOwnEpochs(group, psks))?.(id)
}

/** RFC 9420 §8.6: the resumption PSK of the current epoch or of a past one that is kept; a copy, the caller's to wipe. */
export function resumptionPsk(group: Group, epoch: bigint): Secret | undefined {
  const held = heldPsk(group, epoch)
  return held === undefined ? undefined : new Secret(held.unwrap().slice())
}

function heldPsk(group: Group, epoch: bigint): Secret | undefined {
  if (epoch === group.context.epoch) return group.secrets.resumptionPsk
  return group.past.find((past) => past.context.epoch === epoch)?.resumptionPsk
}
