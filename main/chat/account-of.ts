import type { LeafNode } from '../mls/index.ts'
import { accountIdOf } from '../identity/credential.ts'

const accounts = new WeakMap<LeafNode, string>()
/** The account of a leaf, lower-case hexadecimal. Throws `MlsError` for a credential that is not ours. */
export const accountOf = (leafNode: LeafNode): string => {
  const known = accounts.get(leafNode)
  if (known !== undefined) return known
  const account = accountIdOf(leafNode.credential)
  accounts.set(leafNode, account)
  return account
}
