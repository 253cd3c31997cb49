import { sightingDocument } from '../chat/documents.ts'
import type { Sighting } from '../chat/room.ts'
import type { Store, StoreWrite } from '../ports.ts'

/** When each device was last heard of in a conversation, to the day: more would cost a write for every message. */

const dayMs = 24 * 60 * 60 * 1000
const keyOf = (room: string, deviceId: string): string => `${room}.${deviceId}`

export function seenAt(store: Store, room: string, deviceId: string): number | undefined {
  const bytes = store.document('seen', keyOf(room, deviceId))
  return bytes === undefined ? undefined : sightingDocument.decode(bytes).at
}

export function sightingDocuments(
  store: Store, room: string, sightings: readonly Sighting[],
): NonNullable<StoreWrite['documents']> {
  const latest = new Map<string, number>()
  for (const { deviceId, at } of sightings) latest.set(deviceId, Math.max(at, latest.get(deviceId) ?? 0))
  return [...latest].filter(([deviceId, at]) => at - (seenAt(store, room, deviceId) ?? 0) >= dayMs)
    .map(([deviceId, at]) => ({
      kind: 'seen', key: keyOf(room, deviceId), bytes: sightingDocument.encode({ version: 1, at }),
    }))
}
