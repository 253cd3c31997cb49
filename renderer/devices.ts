/** The person's own devices, as views need them. */
import type { Fact, OwnDevice } from '../preload/api.ts'

/** The device that a line "You linked …" is about, while it is there and may be taken back. */
export const linkedDevice = (
  devices: readonly OwnDevice[], { deviceId, device: name }: Extract<Fact, { fact: 'linked' }>, at: number,
): OwnDevice | undefined => {
  const mayGo = (device: OwnDevice | undefined): OwnDevice | undefined =>
    device?.revoked === false && device.mayRevoke && !device.isThis ? device : undefined
  if (deviceId !== undefined) return mayGo(devices.find((each) => each.deviceId === deviceId))
  // Of an earlier version, which did not say which: by name and time.
  const others = devices.filter((each) => !each.isThis && each.addedBy !== 'genesis' && each.addedAt <= at + 60_000)
  const named = others.filter((each) => each.name === name)
  // Renamed since then: the one that was linked last before this line.
  const newest = [...named.length > 0 ? named : others].sort((one, other) => other.addedAt - one.addedAt)[0]
  return mayGo(newest)
}
