import type { Suite } from '../mls/index.ts'
import type { Pairing } from '../ports.ts'
import { meetAt, PairingChannel } from './channel.ts'
import { endIn, readRecord, writeEnd } from './end.ts'
import { makeKeys } from './hpke.ts'
import { rendezvousLog } from './records.ts'

/** The pairing port on HPKE. `suite`: the product's, for hashes and randomness. */
export const hpkePairing = (suite: Suite): Pairing => ({
  show: async (options) => {
    const keys = await makeKeys()
    const code = { ...options, publicKey: keys.publicKey, psk: suite.random(32) }
    return { code, rendezvous: meetAt(suite, code, code.role), open: (line) => PairingChannel.show(suite, line, code, keys) }
  },
  meet: (code) => meetAt(suite, code, code.role === 'elder' ? 'new' : 'elder'),
  join: (line, code) => PairingChannel.read(suite, line, code),
  end: (line, rendezvous, why) => writeEnd(suite, line, rendezvous, why),
  ended: async ({ delivery }, rendezvous) => {
    const records = await delivery.read(rendezvousLog(rendezvous.id), 0, 200)
    return records.flatMap((logged) => {
      const record = readRecord(logged)
      const why = record === undefined ? undefined : endIn(suite, rendezvous, record)
      // Nobody but who has read the code can end it; rubbish in the log is no reason any more.
      return why === undefined || why === 'tampered' ? [] : [why]
    })[0]
  },
})
