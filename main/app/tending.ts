import { differingCodes, tendCode, unsaidCodes } from './codes.ts'
import { renewInTime } from './health.ts'
import type { State } from './state.ts'
import { tendDevices } from './tend-devices.ts'

/**
 * What a conversation that is read to its end needs of this device from time to time. `waitMs`: until it is to be looked
 * at again, if something waits. `differing`: conversations in which an own device saw something else.
 */
export async function tendRoom(
  state: State, id: string,
): Promise<{ readonly waitMs: number | undefined, readonly differing: readonly string[] }> {
  renewInTime(state, id)
  for (const one of unsaidCodes(state, id)) tendCode(state, one)
  const waits = [tendCode(state, id), await tendDevices(state, id)].filter((one) => one !== undefined)
  return { waitMs: waits.length === 0 ? undefined : Math.min(...waits), differing: differingCodes(state) }
}
