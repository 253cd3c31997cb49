import { struct, uint16, type Infer } from '../codec.ts'
import { Extensions } from './extension.ts'
import { LeafNode, PublicKey, Signature } from './node.ts'

/** RFC 9420 §6: `ProtocolVersion`; anything else than mls10 is refused where it is validated. */
export const mls10 = 1

const unsignedKeyPackage = {
  version: uint16,
  cipherSuite: uint16,
  initKey: PublicKey,
  leafNode: LeafNode,
  extensions: Extensions,
} as const

/** RFC 9420 §10: `KeyPackageTBS`. */
export const KeyPackageTBS = struct(unsignedKeyPackage)

/** RFC 9420 §10: `KeyPackage`. */
export const KeyPackage = struct({ ...unsignedKeyPackage, signature: Signature })
export type KeyPackage = Infer<typeof KeyPackage>
