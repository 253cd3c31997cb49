import {
  decode, encode, equal, leafAt, leavesOf, MlsError, opaque, struct, toHex, vector, fromHex,
  type AppliedCommit, type Extensions, type Group, type LeafIndex, type LeafNode, type Suite,
} from '../mls/index.ts'
import { decodeCredential } from '../identity/credential.ts'
import { DeviceLogRecord, foldDeviceLog, type DeviceLog } from '../identity/device-log.ts'
import type { Entry } from '../identity/entry.ts'
import { versioned } from '../identity/fields.ts'
import { AccountId } from '../identity/genesis.ts'
import { absentIn, extensionsAfter } from './absent.ts'
import { accountOf } from './account-of.ts'
import { extensionTypes, Revocations } from './extensions.ts'
import { attachmentTypes, noteIn } from './note.ts'

/**
 * Keys that were taken back, inside a group (DESIGN §4). The list in the GroupContext only grows, and only by what a
 * commit proves with the records of the account's device log: every member verifies the proof from these bytes alone,
 * so anybody may make such a commit, whatever the policy says. From then on no leaf stands on a key of the list.
 */

/** In hexadecimal digits. Entries that the key issued count up to number `lastHonoured`. */
export type Revocation = { readonly accountId: string, readonly revokedKey: string, readonly lastHonoured: number }

/** Throws `MlsError('unsupported')` for a newer version, `('malformed')` for other bytes. */
export function revocationsIn(extensions: Extensions): readonly Revocation[] {
  const extension = extensions.find((one) => one.extensionType === extensionTypes.revocations)
  if (extension === undefined) return []
  return decode(Revocations, extension.extensionData).revocations.map((one) =>
    ({ accountId: toHex(one.accountId), revokedKey: toHex(one.revokedKey), lastHonoured: one.lastHonoured }))
}

/** The same extensions with this list; an empty one is left out. */
export const withRevocations = (extensions: Extensions, revocations: readonly Revocation[]): Extensions => [
  ...extensions.filter((one) => one.extensionType !== extensionTypes.revocations),
  ...revocations.length === 0 ? [] : [{
    extensionType: extensionTypes.revocations,
    extensionData: encode(Revocations, { revocations: revocations.map((one) => ({
      accountId: fromHex(one.accountId), revokedKey: fromHex(one.revokedKey), lastHonoured: one.lastHonoured,
    })) }),
  }],
]

const nameOf = ({ accountId, revokedKey }: Revocation): string => `${accountId} ${revokedKey}`

/** Both lists as one, in one order: of what a key signed, only that counts which every revocation of it lets count. */
export function joinRevocations(one: readonly Revocation[], other: readonly Revocation[]): readonly Revocation[] {
  const joined = new Map<string, Revocation>()
  for (const each of [...one, ...other]) {
    const known = joined.get(nameOf(each))
    if (known === undefined || each.lastHonoured < known.lastHonoured) joined.set(nameOf(each), each)
  }
  return [...joined.values()].sort((a, b) => nameOf(a) < nameOf(b) ? -1 : 1)
}

export const areSame = (one: readonly Revocation[], other: readonly Revocation[]): boolean =>
  one.length === other.length && one.every((each, at) => {
    const there = other[at]
    return there !== undefined && nameOf(each) === nameOf(there) && each.lastHonoured === there.lastHonoured
  })

/**
 * Whether a leaf stands on a key that was taken back: its own, or one that issued an entry of its path which does not
 * count any more.
 */
export function isRevoked(revocations: readonly Revocation[], leafNode: LeafNode): boolean {
  if (revocations.length === 0) return false
  const accountId = accountOf(leafNode)
  const own = revocations.filter((one) => one.accountId === accountId)
  if (own.length === 0) return false
  const { path } = decodeCredential(leafNode.credential)
  return own.some(({ revokedKey, lastHonoured }) => {
    const key = fromHex(revokedKey)
    return equal(leafNode.signatureKey, key)
      || path.some(({ entry }) => entry.n > lastHonoured && equal(entry.issuer, key))
  })
}

/** The leaves of a group that stand on keys of the list. */
export const revokedLeaves = ({ tree }: Group, revocations: readonly Revocation[]) =>
  revocations.length === 0 ? [] : leavesOf(tree).filter(({ leafNode }) => isRevoked(revocations, leafNode))

/** Whether the group has taken the key back, and nobody stands on it. */
export const isRevokedIn = (group: Group, key: { readonly accountId: string, readonly publicKey: string }): boolean => {
  const revocations = revocationsIn(group.context.extensions)
  return revocations.some((one) => one.accountId === key.accountId && one.revokedKey === key.publicKey)
    && revokedLeaves(group, revocations).length === 0
}

/**
 * Everything that a device log takes back. With a device's key all go that it had before: its leaf may have one of them
 * still. Of what they signed the same counts. When the account is closed all keys go, the recovery key among them, and
 * nothing counts that they ever signed: so no path leads to a leaf any more, whatever number its entries claim.
 */
export const revocationsOf = (
  log: Pick<DeviceLog, 'accountId' | 'entries' | 'owners'>, counts: (entry: Entry) => boolean = () => true,
): readonly Revocation[] => joinRevocations([], log.entries.flatMap(({ entry }) => {
  const { operation } = entry
  if (operation.type === 'close' && counts(entry)) {
    return [...log.owners.keys()].map((revokedKey) => ({ accountId: log.accountId, revokedKey, lastHonoured: 0 }))
  }
  if (operation.type !== 'revoke' || !counts(entry)) return []
  return keysUpTo(log, toHex(operation.publicKey)).map((revokedKey) =>
    ({ accountId: log.accountId, revokedKey, lastHonoured: operation.lastHonoured }))
}))

/** A key, and those that its device had before it: they stand in the order in which they came. */
function keysUpTo({ owners }: Pick<DeviceLog, 'owners'>, key: string): readonly string[] {
  const owner = owners.get(key)
  if (owner === undefined || owner === 'recovery') return [key]
  const keys = [...owners].filter(([, other]) => other === owner).map(([own]) => own)
  return keys.slice(0, keys.indexOf(key) + 1)
}

// ---------------------------------------------------------------- proofs

/** Reading a log costs more than its length: a member shall not keep the others busy with it. */
export const proofLimit = 512

/** The records of an account's device log, from the genesis to the last revocation. */
const Proof = versioned(1, struct({ accountId: AccountId, records: vector(opaque(4_096), 1_048_576) }))

/** The proof of everything that a log takes back. Throws `MlsError('misuse')` for a log that is too long for one. */
export function proofOf({ accountId, genesis, entries }: DeviceLog): Uint8Array {
  const last = entries.findLastIndex(({ entry: { operation: { type } } }) => type === 'revoke' || type === 'close')
  const records = [
    encode(DeviceLogRecord, { type: 'genesis', signed: genesis }),
    ...entries.slice(0, last + 1).map((signed) => encode(DeviceLogRecord, { type: 'entry', signed })),
  ]
  if (records.length > proofLimit) throw new MlsError('misuse', 'a device log that is too long for a proof')
  return encode(Proof, { accountId: fromHex(accountId), records })
}

/** The log that a proof holds: whole, without gaps, and with nothing in it that does not count. */
export function provenLog(suite: Suite, proof: Uint8Array): DeviceLog | undefined {
  try {
    const { accountId, records } = decode(Proof, proof)
    if (records.length > proofLimit) return undefined
    const { log, ignored } = foldDeviceLog(suite, accountId, records)
    return ignored.length > 0 ? undefined : log
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

/**
 * What a log proves to a group that has taken back some keys already: who holds one of these cannot go on writing a
 * history of their own, in which they take back the keys of others.
 */
export const provenTo = (before: readonly Revocation[], log: DeviceLog): readonly Revocation[] =>
  revocationsOf(log, ({ issuer, n }) => !before.some((one) =>
    one.accountId === log.accountId && one.lastHonoured < n && one.revokedKey === toHex(issuer)))

// ---------------------------------------------------------------- commits

/** What a commit takes back, when it may: `leaves` are the ones that it has to remove, of these `accounts`. */
export type Revoking = {
  readonly leaves: ReadonlySet<LeafIndex>, readonly accounts: ReadonlySet<string>
  /** Those of them that were closed for ever. */
  readonly closed: ReadonlySet<string>
}

const nothing: Revoking = { leaves: new Set(), accounts: new Set(), closed: new Set() }

/** What the commit takes back by the proofs that it carries, or why it may not change the list as it does. */
export function revokedBy(group: Group, applied: AppliedCommit): Revoking | string {
  const { extensions } = group.context
  const was = revocationsIn(extensions)
  const is = revocationsIn(extensionsAfter(group, applied))
  const proofs = (noteIn(applied)?.attachments ?? []).filter(({ type }) => type === attachmentTypes.revocation)
  if (proofs.length === 0) return areSame(was, is) ? nothing : 'keys are taken back by proof'
  const belonging = new Set([
    ...leavesOf(group.tree).map(({ leafNode }) => accountOf(leafNode)),
    ...absentIn(extensions).map(({ accountId }) => accountId),
  ])
  const [accounts, closed] = [new Set<string>(), new Set<string>()]
  let proven = was
  for (const { data } of proofs) {
    const log = provenLog(group.suite, data)
    if (log === undefined) return 'a proof that does not hold'
    if (!belonging.has(log.accountId)) return 'a proof for an account that is not in the group'
    if (accounts.has(log.accountId)) return 'two proofs for one account'
    accounts.add(log.accountId)
    if (log.closed !== undefined) closed.add(log.accountId)
    proven = joinRevocations(proven, provenTo(was, log))
  }
  if (!areSame(is, proven)) return 'the list of keys that were taken back is not what is proven'
  const hit = revokedLeaves(group, proven)
  if (areSame(is, was) && hit.length === 0) return 'a proof of what is known'
  return { leaves: new Set(hit.map(({ index }) => index)), accounts, closed }
}

/** Why the leaves after a commit do not fit the list after it, or `undefined`. */
export function standingRefusal(group: Group, applied: AppliedCommit, revoking: Revoking): string | undefined {
  const removed = new Set(applied.removed.map(({ index }) => index))
  if ([...revoking.leaves].some((index) => !removed.has(index))) return 'a revoked leaf stays'
  const revocations = revocationsIn(extensionsAfter(group, applied))
  const entered = [...applied.added.map(({ leafNode }) => leafNode), ...applied.updated.map(({ after }) => after)]
  return entered.some((leafNode) => isRevoked(revocations, leafNode)) ? revokedPath : undefined
}

export const revokedPath = 'a revoked key is on the path of a leaf'

/**
 * Accounts that lose their last leaf because it was taken back. They belong to the group still (absent.ts); one that was
 * closed is gone.
 */
export function lostTo({ leaves, accounts, closed }: Revoking, group: Group): ReadonlySet<string> {
  const left = new Set(leavesOf(group.tree).filter(({ index }) => !leaves.has(index))
    .map(({ leafNode }) => accountOf(leafNode)))
  const hit = new Set([...leaves].map((index) => leafAt(group.tree, index))
    .flatMap((leaf) => leaf === undefined ? [] : [accountOf(leaf)]))
  return new Set([...accounts].filter((accountId) =>
    hit.has(accountId) && !left.has(accountId) && !closed.has(accountId)))
}
