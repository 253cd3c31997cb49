import { optional, struct, type Infer } from '../codec.ts'
import { UpdatePath } from './node.ts'
import { ProposalOrRefs } from './proposal.ts'

/** RFC 9420 §12.4: `Commit`. */
export const Commit = struct({ proposals: ProposalOrRefs, path: optional(UpdatePath) })
export type Commit = Infer<typeof Commit>
