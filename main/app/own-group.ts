import { createRoom } from '../chat/membership.ts'
import { maySend } from '../chat/send.ts'
import { ownGroupOf, quietMs, registerBodies, registerDocuments } from './registers.ts'
import type { State } from './state.ts'

/** The group of the own devices: when it begins, and when what it is for is said in it. */

/**
 * A device that has others begins it: the one that added the first of them, or the eldest. Who comes in is brought in as
 * into any conversation (tend-devices.ts).
 */
export function beginOwnGroup(state: State): void {
  if ([...state.rooms.values()].some(({ room }) => room.kind === 'self' && room.state === 'active')) return
  const devices = state.devices.devices.filter(({ revoked }) => !revoked)
  const { deviceId } = state.self
  const isFirst = devices[0]?.deviceId === deviceId || devices.some(({ addedBy }) => addedBy === deviceId)
  if (devices.length < 2 || !isFirst || !devices.some((device) => device.deviceId === deviceId)) return
  state.transact({ steps: [createRoom(state.moment(), { kind: 'self', name: '', peer: '', intents: [] })] })
}

/** Says what has changed, as one message for all of it, once it was quiet or waited long enough. */
export function sayRegisters(state: State, id: string): void {
  const { registers, ports } = state
  const room = ownGroupOf(state.rooms.values())
  if (room?.room.id !== id || registers.unsent.size === 0) return
  const waitMs = registers.unsentSince + quietMs - ports.now()
  if (waitMs > 0 && waitMs <= quietMs) {
    registers.wake?.(id, waitMs)
    return
  }
  // As long as nothing can be sent they go on gathering; alone in the group there is nobody to tell.
  if (!maySend(room, ports.now()) || room.members.every(({ devices }) => devices < 2)) return
  const unsent = new Map([...registers.unsent].flatMap((key) => {
    const register = registers.values.get(key)
    return register === undefined ? [] : [[key, { ...register, sent: true }] as const]
  }))
  state.transact({
    say: registerBodies(unsent).map((body) => ({ room: id, body })), documents: registerDocuments(unsent),
    then: [() => {
      for (const [key, register] of unsent) registers.remember(key, register)
      registers.unsentSince = 0
    }],
  })
}
