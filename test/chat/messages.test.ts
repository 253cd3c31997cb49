/** What people see of messages that are taken back or go by themselves, whatever comes first. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onMessage, onRemove, onTimer, type KnownMessages } from '../../main/chat/messages.ts'
import { emptyRoom, still, type RoomState, type RoomStep } from '../../main/chat/room.ts'
import type { Content } from '../../main/chat/content.ts'
import type { Self } from '../../main/chat/self.ts'

const now = 1_800_000_000_000
const [anna, ben, eve] = ['a', 'b', 'e'].map((digit) => digit.repeat(64)) as [string, string, string]
const me = { accountId: ben } as Self
const known: KnownMessages = { self: me, now, entry: () => undefined, holds: () => false, isRemoved: () => false }

const state: RoomState = {
  room: { ...emptyRoom('1'.repeat(32), now), kind: 'direct', state: 'active', peer: anna },
  members: [anna, ben].map((accountId) => ({ accountId, devices: 1, healedAt: 0 })),
  group: undefined, seals: [], pending: undefined, waiting: [], history: [],
}
const content = (id: number, sentAt = now): Content => ({
  version: 1, id: new Uint8Array(16).fill(id), sentAt: BigInt(sentAt), numbering: 0n, joined: 0n, base: 0, counter: id,
  body: { type: 'text', text: '' },
})
const idOf = (id: number): string => Buffer.alloc(16, id).toString('hex')

type From = { readonly from?: string, readonly at?: number }
const say = (step: RoomStep, id: number, { from = anna, at = now, after = 0 }: From & { readonly after?: number } = {}, than = known): RoomStep =>
  onMessage(step, { content: content(id, at), from, deviceId: 'd', said: { text: `text ${id}`, attachments: [], expiresAfter: after } }, than)
const remove = (step: RoomStep, ids: readonly number[], from = anna, than = known): RoomStep =>
  onRemove(step, { content: content(99), from, deviceId: 'd', messages: ids.map(idOf) }, than)

const shown = ({ entries }: RoomStep): readonly string[] =>
  [...new Map(entries.map((entry) => [entry.id, entry.kind === 'message' ? entry.text : entry.kind === 'fact' ? entry.fact.fact : entry.kind])).values()]

test('a message is taken back in its place, once', () => {
  const told = remove(say(say(still(state), 1), 2), [1])
  assert.deepEqual(shown(told), ['deleted', 'text 2'])
  assert.equal(told.entries.at(-1)?.order, 1)
  assert.deepEqual(shown(remove(told, [1])), ['deleted', 'text 2'])
})

test('a removal that comes first stands where it came, and the message comes to nothing', () => {
  const told = say(say(remove(still(state), [1]), 1), 2)
  assert.deepEqual(shown(told), ['deleted', 'text 2'])
})

test('nobody takes back what another account said, nor what stands in another conversation', () => {
  assert.deepEqual(shown(remove(say(still(state), 1), [1], eve)), ['text 1', 'deleted'])
  const [entry] = say(still(state), 1).entries
  assert.ok(entry !== undefined)
  const elsewhere = { ...entry, conversation: '2'.repeat(32) }
  assert.deepEqual(remove(still(state), [1], anna, { ...known, entry: () => elsewhere }).entries, [])
})

test('what this person has deleted for themselves stays away, and so does its removal', () => {
  const away = { ...known, isRemoved: () => true }
  assert.deepEqual(say(still(state), 1, {}, away).entries, [])
  assert.deepEqual(remove(still(state), [1], anna, away).entries, [])
})

test('what is over is not shown; the time of a sender whose clock is ahead counts from its arrival', () => {
  assert.deepEqual(shown(say(still(state), 1, { at: now - 60_000, after: 60 })), [])
  assert.deepEqual(shown(say(still(state), 1, { at: now - 59_000, after: 60 })), ['text 1'])
  const [ahead] = say(still(state), 1, { at: now + 10 ** 9, after: 60 }).entries
  assert.ok(ahead?.kind === 'message')
  assert.equal(ahead.expiresAt, now + 60_000)
})

test('the later timer counts, in whatever order two come; not one of a clock far ahead, nor of who may not', () => {
  const time = (step: RoomStep, seconds: number, at: number, from = anna): RoomStep =>
    onTimer(step, { content: content(9), from, deviceId: 'd', seconds, at }, known)
  const timer = ({ state: { room } }: RoomStep): readonly number[] => [room.timer, room.timerAt]
  assert.deepEqual(timer(time(time(still(state), 60, now), 3_600, now + 1)), [3_600, now + 1])
  assert.deepEqual(timer(time(time(still(state), 3_600, now + 1), 60, now)), [3_600, now + 1])
  assert.deepEqual(timer(time(still(state), 60, now + 25 * 3_600_000)), [0, 0])
  const group: RoomState = { ...state, room: { ...state.room, kind: 'group', admins: [ben] } }
  assert.deepEqual(timer(time(still(group), 60, now)), [0, 0])
  assert.deepEqual(timer(time(still(group), 60, now, ben)), [60, now])
  // The same again is no news.
  assert.deepEqual(shown(time(time(still(state), 60, now), 60, now + 1)), ['timer'])
})
