/** Making and checking the signature of a leaf (RFC 9420 §7.2), and fresh encryption keys. */
import { encode } from '../codec.ts'
import { MlsError } from '../error.ts'
import { signWithLabel, verifyWithLabel } from '../labelled.ts'
import type { Secret } from '../secret.ts'
import type { KeyPair, Suite } from '../suite.ts'
import type { Credential } from '../wire/credential.ts'
import { defaultExtensionTypes, type Extensions } from '../wire/extension.ts'
import {
  LeafNodeTBS, type Capabilities, type LeafNode, type LeafNodePlace, type Lifetime, type UnsignedLeafNode,
} from '../wire/node.ts'
import { defaultProposalTypes } from '../wire/proposal.ts'

const label = 'LeafNodeTBS'

/** RFC 9420 §7.2: what is signed; the place is covered for the sources `update` and `commit`, and only for them. */
function toBeSigned(leafNode: UnsignedLeafNode, place: LeafNodePlace | undefined): Uint8Array {
  if (leafNode.leafNodeSource.type === 'keyPackage') return encode(LeafNodeTBS, { leafNode, place: undefined })
  if (place === undefined) throw new MlsError('misuse', 'this leaf is signed for its place: give group and index')
  return encode(LeafNodeTBS, { leafNode, place })
}

/**
 * RFC 9420 §7.2: the leaf with its signature. `place` is needed unless its source is `keyPackage`. Throws `misuse` for
 * capabilities that list what every client has; of others they are taken as they come.
 */
export function signLeaf(suite: Suite, { leafNode, place, signaturePrivateKey }: {
  readonly leafNode: UnsignedLeafNode
  readonly place?: LeafNodePlace
  readonly signaturePrivateKey: Secret
}): LeafNode {
  const { capabilities: { extensions, proposals } } = leafNode
  // RFC 9420 §7.2: default types "MUST NOT be listed".
  if (extensions.some((type) => defaultExtensionTypes.has(type))
    || proposals.some((type) => defaultProposalTypes.has(type))) {
    throw new MlsError('misuse', 'the capabilities list a type that every client has: leave it out')
  }
  return { ...leafNode, signature: signWithLabel(suite, signaturePrivateKey, label, toBeSigned(leafNode, place)) }
}

/** What whoever is not a member yet says of itself. */
export type NewLeaf = {
  readonly credential: Credential
  readonly signatureKeyPair: KeyPair
  readonly capabilities: Capabilities
  readonly lifetime: Lifetime
  readonly leafExtensions?: Extensions
}

/** The leaf of a KeyPackage (RFC 9420 §10) or of a group's creator (§11), and its fresh keys. Throws as `signLeaf`. */
export function newLeaf(
  suite: Suite, { credential, signatureKeyPair, capabilities, lifetime, leafExtensions = [] }: NewLeaf,
): { readonly leafNode: LeafNode, readonly encryption: KeyPair } {
  const encryption = encryptionKeyPair(suite)
  const leafNode = signLeaf(suite, {
    leafNode: {
      encryptionKey: encryption.publicKey,
      signatureKey: signatureKeyPair.publicKey,
      credential,
      capabilities,
      leafNodeSource: { type: 'keyPackage', lifetime },
      extensions: leafExtensions,
    },
    signaturePrivateKey: signatureKeyPair.privateKey,
  })
  return { leafNode, encryption }
}

/** RFC 9420 §7.3: whether the signature is valid under the leaf's own key, for the place where the leaf stands. */
export const isLeafSigned = (suite: Suite, leafNode: LeafNode, place: LeafNodePlace | undefined): boolean =>
  verifyWithLabel(suite, leafNode.signatureKey, label, toBeSigned(leafNode, place), leafNode.signature)

/** RFC 9420 §7.4: a fresh HPKE key pair. */
export function encryptionKeyPair(suite: Suite): KeyPair {
  // Twice the hash is at least Nsk for every KEM of RFC 9420 §17.1 (P-521 has 66 bytes with a hash of 64).
  const seed = suite.random(2 * suite.hashLength)
  const keyPair = suite.deriveKeyPair(seed)
  seed.fill(0)
  return keyPair
}
