import { sightingDocument } from '../chat/documents.ts'
import type { Sighting } from '../chat/room.ts'
import type { Store, StoreWrite } from '../ports.ts'

/** When each device was last heard of in a conversation, to the day: more would cost a write for every message. */

const dayMs = 24 * 60 * 60 * 1000
const keyOf = (room: string, deviceId: string): string => `${room}.${deviceId}`

/** When a device was heard of, and when its leaf got new keys; 0: never. */
export function lastOf(
  store: Pick<Store, 'document'>, room: string, deviceId: string,
): { readonly at: number, readonly healedAt: number } {
  const bytes = store.document('seen', keyOf(room, deviceId))
  return bytes === undefined ? { at: 0, healedAt: 0 } : sightingDocument.decode(bytes)
}

export function seenAt(store: Pick<Store, 'document'>, room: string, deviceId: string): number | undefined {
  return lastOf(store, room, deviceId).at || undefined
}

export function sightingDocuments(
  store: Store, room: string, sightings: readonly Sighting[],
): NonNullable<StoreWrite['documents']> {
  const latest = new Map<string, { readonly at: number, readonly healedAt: number }>()
  for (const { deviceId, at, healed } of sightings) {
    const known = latest.get(deviceId) ?? { at: 0, healedAt: 0 }
    latest.set(deviceId, { at: Math.max(at, known.at), healedAt: healed ? Math.max(at, known.healedAt) : known.healedAt })
  }
  return [...latest].flatMap(([deviceId, { at, healedAt }]) => {
    const before = lastOf(store, room, deviceId)
    if (at - before.at < dayMs && healedAt <= before.healedAt) return []
    const bytes = sightingDocument.encode({
      version: 1, at: Math.max(at, before.at), healedAt: Math.max(healedAt, before.healedAt),
    })
    return [{ kind: 'seen' as const, key: keyOf(room, deviceId), bytes }]
  })
}
