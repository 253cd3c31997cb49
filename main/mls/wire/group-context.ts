import { opaque, struct, uint16, uint64, type Infer } from '../codec.ts'
import { Extensions } from './extension.ts'
import { limits } from './limits.ts'
import { Hash } from './node.ts'

/** RFC 9420 §8.1: `GroupContext`. */
export const GroupContext = struct({
  version: uint16,
  cipherSuite: uint16,
  groupId: opaque(limits.identifier),
  epoch: uint64,
  treeHash: Hash,
  confirmedTranscriptHash: Hash,
  extensions: Extensions,
})
export type GroupContext = Infer<typeof GroupContext>
