import {
  decode, encode, leavesOf, struct, toHex, uint64, vector, fromHex,
  type AppliedCommit, type Extensions, type Group,
} from '../mls/index.ts'
import { accountOf } from './account-of.ts'
import { extensionTypes, incarnationIn } from './extensions.ts'
import { refined, versioned } from '../identity/fields.ts'
import { AccountId } from '../identity/genesis.ts'

/**
 * Accounts whose last leaf was removed because its device was silent for long, or was taken back (revocations.ts). They
 * belong to the group still: a signed request of a device of theirs brings them back, whoever commits it (readmit.ts).
 */

const accountLimit = 1_024
const entryBytes = 40

const Absent = versioned(1, struct({
  accounts: refined(
    vector(struct({ accountId: AccountId, incarnation: uint64 }), accountLimit * entryBytes),
    (accounts) => new Set(accounts.map(({ accountId }) => toHex(accountId))).size === accounts.length,
    'a list of different accounts',
  ),
}))

export type AbsentAccount = {
  /** Lower-case hexadecimal. */
  readonly accountId: string
  /** The last one of its leaves (extensions.ts): older requests are worth nothing. */
  readonly incarnation: bigint
}

/** Throws `MlsError('unsupported')` for a newer version, `('malformed')` for other bytes. */
export function absentIn(extensions: Extensions): readonly AbsentAccount[] {
  const extension = extensions.find((one) => one.extensionType === extensionTypes.absent)
  if (extension === undefined) return []
  return decode(Absent, extension.extensionData).accounts
    .map(({ accountId, incarnation }) => ({ accountId: toHex(accountId), incarnation }))
}

/** The same extensions with these accounts as the absent ones; without any, there is no list. */
export const withAbsent = (extensions: Extensions, absent: readonly AbsentAccount[]): Extensions => [
  ...extensions.filter((one) => one.extensionType !== extensionTypes.absent),
  ...absent.length === 0 ? [] : [{
    extensionType: extensionTypes.absent,
    extensionData: encode(Absent, { accounts: absent.map(({ accountId, incarnation }) =>
      ({ accountId: fromHex(accountId), incarnation })) }),
  }],
]

/** At most so many are listed; whoever is removed beyond it is removed for good. */
export const hasRoom = (absent: readonly unknown[]): boolean => absent.length < accountLimit

/** The greatest incarnation among an account's leaves; `undefined` without any. */
export function incarnationOf(group: Group, accountId: string): bigint | undefined {
  const leaves = leavesOf(group.tree).filter(({ leafNode }) => accountOf(leafNode) === accountId)
  return leaves.map(({ leafNode }) => incarnationIn(leafNode.extensions))
    .reduce<bigint | undefined>((most, one) => most === undefined || one > most ? one : most, undefined)
}

/** The accounts that have a leaf when the commit has taken effect. */
function presentAfter(group: Group, applied: AppliedCommit): ReadonlySet<string> {
  const leaves = new Map(leavesOf(group.tree).map(({ index, leafNode }) => [index, accountOf(leafNode)]))
  for (const { index } of applied.removed) leaves.delete(index)
  for (const { index, leafNode } of applied.added) leaves.set(index, accountOf(leafNode))
  return new Set(leaves.values())
}

/**
 * Why a commit may not leave the list of absent accounts as it does, or `undefined`. Nobody is both here and absent; an
 * admin lists whom the commit removes, and strikes out whoever shall not come back. `lost`: accounts whose last leaf goes
 * because it was taken back; anybody lists them, and nobody puts them out of the group by it.
 */
export function absentRefusal(group: Group, applied: AppliedCommit, { admin, lost }: {
  readonly admin: boolean, readonly lost: ReadonlySet<string>
}): string | undefined {
  const was = absentIn(group.context.extensions)
  const is = absentIn(extensionsAfter(group, applied))
  if (was.length === 0 && is.length === 0 && lost.size === 0) return undefined
  const present = presentAfter(group, applied)
  for (const { accountId, incarnation } of is) {
    if (present.has(accountId)) return 'a member is not absent'
    const before = was.find((one) => one.accountId === accountId)
    if (before === undefined && !admin && !lost.has(accountId)) return 'only an admin lists somebody as absent'
    if (incarnation !== (before?.incarnation ?? incarnationOf(group, accountId))) return 'an absent account was a member'
  }
  const isGone = (accountId: string): boolean =>
    !present.has(accountId) && !is.some((one) => one.accountId === accountId)
  if (hasRoom(is) && [...lost].some(isGone)) return 'whose last device was taken back is absent'
  return was.some(({ accountId }) => isGone(accountId)) && !admin ? 'only an admin strikes out an absent account' : undefined
}

/** The GroupContext's extensions when the commit has taken effect. */
export function extensionsAfter({ context }: Group, { proposals }: AppliedCommit): Extensions {
  // RFC 9420 §12.2: a commit has at most one of them, and (§12.1.7) it replaces all.
  const change = proposals.map(({ proposal }) => proposal).find((one) => one.type === 'groupContextExtensions')
  return change?.extensions ?? context.extensions
}
