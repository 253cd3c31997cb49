import { decode, encode, equal, fromHex, MlsError, Secret, type Suite } from '../mls/index.ts'
import type { LinkFailure, LinkRole } from '../../preload/api.ts'
import type { LogRecord, Line, Rendezvous } from '../ports.ts'
import { endingOf, PairingRecord, rendezvousLog } from './records.ts'

/** How a pairing ends before its time: a word that outlives the channel's keys, so that a restart can say it. */

/** HKDF-Expand (RFC 5869) of the code's pre-shared key. */
export const endKeyOf = (suite: Suite, psk: Uint8Array): Secret =>
  new Secret(suite.expand(psk, new TextEncoder().encode('Coppice linking 1 end'), 32))

const macOf = (suite: Suite, { id, endKey }: Rendezvous, role: LinkRole, why: LinkFailure): Uint8Array =>
  suite.mac(endKey.unwrap(), endingOf({ rendezvous: fromHex(id), role, why }))

export async function writeEnd(suite: Suite, line: Line, rendezvous: Rendezvous, why: LinkFailure): Promise<void> {
  const { id, role } = rendezvous
  const record = encode(PairingRecord, { type: 'end', role, why, mac: macOf(suite, rendezvous, role, why) })
  await line.delivery.append(rendezvousLog(id), record)
}

/** Why this record ends it, if it does: the other's word, or that of a second reader, who is in either's role. */
export function endIn(suite: Suite, rendezvous: Rendezvous, record: PairingRecord): LinkFailure | undefined {
  if (record.type !== 'end') return undefined
  const { role, why, mac } = record
  if (!equal(mac, macOf(suite, rendezvous, role, why))) return 'tampered'
  return role === rendezvous.role && why !== 'used' ? undefined : why
}

/** Throws nothing: what is not a record of this version is `undefined`. */
export function readRecord({ bytes }: LogRecord): PairingRecord | undefined {
  try {
    return decode(PairingRecord, bytes)
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}
