import { fromHex, toHex } from '../mls/index.ts'
import { registerDocument } from '../chat/documents.ts'
import type { Body } from '../chat/content.ts'
import { isOpen, type RoomState } from '../chat/room.ts'
import { inWords, isLater, ownBody, type Register, type RegisterWord } from '../chat/self-group.ts'
import type { Store } from '../ports.ts'
import type { Documents } from './stored-rooms.ts'

/** What all own devices keep alike, by key, and what of it is still to be said to them. */

/** How long changes are gathered, so that a burst of them is one message. */
export const quietMs = 200
/** A draft that was typed here so recently is not replaced by another device's. */
export const typingMs = 5_000

/** That this person has deleted a message for themselves: it does not come back, from wherever. */
export const removedKey = (entry: string): string => `removed.${entry}`

export type Wish = { readonly key: string, readonly value: unknown }

export class Registers {
  readonly values = new Map<string, Register>()
  /** Marks of messages that are not here yet, by the id of their entry: the conversations. */
  readonly awaited = new Map<string, string>()
  /** When a draft was last changed on this device, by conversation; of this process alone. */
  readonly typedAt = new Map<string, number>()
  /** Conversations of which another own device has said another code (codes.ts); of this process alone. */
  readonly differing = new Set<string>()
  /** Keys that the others do not know yet. */
  readonly unsent = new Set<string>()
  /** Since when, or 0. */
  unsentSince = 0
  /** Set by whoever says them, in time. */
  wake: ((room: string, waitMs: number) => void) | undefined

  constructor(store: Pick<Store, 'documents' | 'entry'>) {
    for (const { key, bytes } of store.documents('register')) {
      this.remember(key, registerDocument.decode(bytes))
      const mark = key.startsWith('read.') ? this.value(key) : undefined
      if (typeof mark === 'string' && store.entry(mark) === undefined) this.awaited.set(mark, key.slice(5, 37))
    }
  }

  remember(key: string, register: Register): void {
    this.values.set(key, register)
    if (register.sent) this.unsent.delete(key)
    else this.unsent.add(key)
  }

  value(key: string): unknown {
    const register = this.values.get(key)
    return register === undefined ? undefined : parsed(register)
  }

  clear(): void {
    for (const kept of [this.values, this.awaited, this.typedAt, this.unsent, this.differing]) kept.clear()
    this.wake = undefined
  }
}

/** `undefined` for what is no JSON: of a later version. */
export function parsed({ value }: Pick<Register, 'value'>): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

/** The value is later than whatever this device knows, also where a clock was ahead. */
export const registerOf = (
  known: Register | undefined, value: string, { now, deviceId }: { readonly now: number, readonly deviceId: string },
): Register => ({ version: 1, value, time: Math.max(now, (known?.time ?? 0) + 1), deviceId, sent: false })

/** What another device says of a key, if it is later than what is known here. */
export function taken(known: Register | undefined, word: RegisterWord): Register | undefined {
  const { value, time } = word
  const register: Register = { version: 1, value, time, deviceId: toHex(word.deviceId), sent: true }
  return known === undefined || isLater(register, known) ? register : undefined
}

export const registerDocuments = (registers: ReadonlyMap<string, Register>): Documents =>
  [...registers].map(([key, register]) => ({ kind: 'register', key, bytes: registerDocument.encode(register) }))

/** As words, each of which fits into a message. */
export const registerBodies = (registers: Iterable<readonly [string, Register]>): readonly Body[] =>
  inWords([...registers], ([key, { value }]) => key.length + 3 * value.length + 30).map((some) => ownBody({
    type: 'registers', registers: some.map(([key, { value, time, deviceId }]) =>
      ({ key, value, time, deviceId: fromHex(deviceId) })),
  }))

/** The group of the own devices. Should there be several, all are read, and one is written to: the same for all. */
export const ownGroupOf = (rooms: Iterable<RoomState>): RoomState | undefined =>
  [...rooms].filter(({ room, group }) => room.kind === 'self' && isOpen(room) && group !== undefined)
    .sort((a, b) => a.room.id < b.room.id ? -1 : 1)[0]
