import { credentialTypeOf } from '../wire/credential.ts'
import { isGrease } from '../wire/grease.ts'
import type { Capabilities } from '../wire/node.ts'
import { blocksOf, positionsIn, type RatchetTree, type Subtree } from './ratchet-tree.ts'

/** What the rules about all members together look at (RFC 9420 §7.3); most members of a group are alike in it. */
export type Profile = { readonly capabilities: Capabilities, readonly credentialType: number }

/**
 * What a client can of what it lists. RFC 9420 §13.5: "representations of a client's own capabilities MUST NOT contain
 * GREASE values": each member refuses the use of one for itself, so that all come to the same.
 */
export const withoutGrease = ({ versions, ...listed }: Capabilities): Capabilities => ({
  versions,
  cipherSuites: listed.cipherSuites.filter(isGenuine),
  extensions: listed.extensions.filter(isGenuine),
  proposals: listed.proposals.filter(isGenuine),
  credentials: listed.credentials.filter(isGenuine),
})

const isGenuine = (value: number): boolean => !isGrease(value)

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
    const profile = { capabilities: withoutGrease(capabilities), credentialType: credentialTypeOf(credential) }
    found.set(JSON.stringify(profile), profile)
  }
  known.set(block, found)
  return found
}
