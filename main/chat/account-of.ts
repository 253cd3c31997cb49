import type { LeafNode } from '../mls/index.ts'
import { accountIdOf, decodeCredential } from '../identity/credential.ts'

const accounts = new WeakMap<LeafNode, string>()
/** The account of a leaf, lower-case hexadecimal. Throws `MlsError` for a credential that is not ours. */
export const accountOf = (leafNode: LeafNode): string => {
  const known = accounts.get(leafNode)
  if (known !== undefined) return known
  const account = accountIdOf(leafNode.credential)
  accounts.set(leafNode, account)
  return account
}

/** The name under which a leaf's device was added, as the path in its credential says; the first device has none. */
export function deviceNameOf({ credential }: LeafNode): string {
  const added = decodeCredential(credential).path.map(({ entry }) => entry.operation).findLast(({ type }) => type === 'add')
  return added?.type === 'add' ? added.name : ''
}
