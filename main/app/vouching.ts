import { isOpen, isShown, still } from '../chat/room.ts'
import { onVeto } from '../chat/readmit.ts'
import { vetoBody } from '../chat/send.ts'
import { PortError } from '../ports.ts'
import { wantedEntry } from './device-log.ts'
import { ownDevices, revocationOf } from './devices.ts'
import { returnedKey, type Answer } from './returned.ts'
import type { State } from './state.ts'

/** Of every request that it could make: another one by the same device would be its thief's again. */
const forGood = String(2n ** 64n - 1n)

/**
 * What this person says about a device that came back by the 24 words. "It was me": it is brought in at once. "It was not
 * me": everybody is told not to let it in, and it is taken back where this device may do that, all in one transaction.
 * Throws PortError('bad-argument') where nobody is asked, ('not-allowed') for a "me" where this device has no right over it.
 */
export function answerReturned(state: State, deviceId: string, mine: boolean): void {
  const told = ownDevices(state).find((one) => one.deviceId === deviceId)
  const device = state.devices.devices.find((one) => one.deviceId === deviceId)
  if (told?.asked === undefined || device === undefined) throw new PortError('bad-argument', 'deviceId')
  if (mine && !told.mayRevoke) throw new PortError('not-allowed')
  const answer: Answer = mine ? 'mine' : 'refused'
  const registers = [{ key: returnedKey(deviceId), value: answer }]
  if (mine) {
    state.transact({ registers })
    return
  }
  const veto = { accountId: state.self.accountId, deviceId, incarnation: forGood }
  const rooms = [...state.rooms.values()].filter(({ room, group }) => group !== undefined && isOpen(room) && isShown(room))
  state.transact({
    registers, steps: rooms.map((room) => still(onVeto(room, veto))),
    // Whoever has asked this person and had no answer yet hears nothing of them.
    say: rooms.filter(({ room }) => room.state === 'active').map(({ room }) => ({ room: room.id, body: vetoBody(veto) })),
    wantedEntries: told.mayRevoke ? [wantedEntry(state, revocationOf(state.devices, device))] : [],
  })
}
