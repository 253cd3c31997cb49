import { choice, encode, fixed, names, opaque, struct, uint32, uint8, type Infer } from '../mls/index.ts'
import { versioned } from '../identity/fields.ts'
import { LinkRole } from '../identity/linking-code.ts'
import type { LinkFailure } from '../../preload/api.ts'

/** What lies in a rendezvous log `r.<id>`: two keys, frames, and maybe an end. */

const Why = names(uint8, {
  expired: 1, malformed: 2, newer: 3, invite: 4, used: 5, role: 6, tampered: 7, digits: 8, refused: 9, gone: 10,
  'no-right': 11, chain: 12, revoked: 13, elsewhere: 14,
} satisfies Record<LinkFailure, number>)

/** Version 1. */
export const PairingRecord = versioned(1, choice(uint8, {
  /** A side's first frame, with what the other needs to open its frames (RFC 9180 §5.1: `enc`). */
  key: [1, struct({ role: LinkRole, enc: fixed(32), sealed: opaque(1_024) })],
  frame: [2, struct({ role: LinkRole, counter: uint32, sealed: opaque(65_536) })],
  /** There is nothing more to wait for. `mac`: by a key that everybody has who has read the code. */
  end: [3, struct({ role: LinkRole, why: Why, mac: fixed(32) })],
}))
export type PairingRecord = Infer<typeof PairingRecord>

const Label = versioned(1, struct({ rendezvous: fixed(16), role: LinkRole, counter: uint32 }))

/** What every frame is sealed with as associated data: whose it is, which one, and where. */
export const frameLabel = (label: Infer<typeof Label>): Uint8Array => encode(Label, label)

const Ending = versioned(1, struct({ rendezvous: fixed(16), role: LinkRole, why: Why }))
export const endingOf = (ending: Infer<typeof Ending>): Uint8Array => encode(Ending, ending)

export const rendezvousLog = (id: string): string => `r.${id}`
/** The first reader of a code has it. */
export const readerSlot = 'reader'
