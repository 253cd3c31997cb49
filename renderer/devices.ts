/** The person's own devices, as views need them. */
import type { OwnDevice } from '../preload/api.ts'

/** The device that a line "You linked …" of that time is about, while it is there and may be taken back. */
export const linkedDevice = (devices: readonly OwnDevice[], name: string, at: number): OwnDevice | undefined => {
  const others = devices.filter((each) => !each.isThis && each.addedBy !== 'genesis' && each.addedAt <= at + 60_000)
  const named = others.filter((each) => each.name === name)
  // Renamed since then: the one that was linked last before this line.
  const newest = [...named.length > 0 ? named : others].sort((one, other) => other.addedAt - one.addedAt)[0]
  return newest?.revoked === false && newest.mayRevoke ? newest : undefined
}
