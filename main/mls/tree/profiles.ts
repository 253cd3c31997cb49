import { credentialTypeOf } from '../wire/credential.ts'
import type { Capabilities } from '../wire/node.ts'
import { blocksOf, positionsIn, type RatchetTree, type Subtree } from './ratchet-tree.ts'

/** What the rules about all members together look at (RFC 9420 §7.3); most members of a group are alike in it. */
export type Profile = { readonly capabilities: Capabilities, readonly credentialType: number }

const known = new WeakMap<Subtree, ReadonlyMap<string, Profile>>()

/** Every profile that a member of the tree has, each once. */
export function profilesOf(tree: RatchetTree): readonly Profile[] {
  const profiles = new Map<string, Profile>()
  for (const block of blocksOf(tree)) for (const [name, profile] of profilesIn(block)) profiles.set(name, profile)
  return [...profiles.values()]
}

function profilesIn(block: Subtree): ReadonlyMap<string, Profile> {
  const cached = known.get(block)
  if (cached !== undefined) return cached
  const found = new Map<string, Profile>()
  for (const { node } of positionsIn(block)) {
    if (node?.type !== 'leaf') continue
    const { capabilities, credential } = node.leafNode
    const profile = { capabilities, credentialType: credentialTypeOf(credential) }
    found.set(JSON.stringify(profile), profile)
  }
  known.set(block, found)
  return found
}
