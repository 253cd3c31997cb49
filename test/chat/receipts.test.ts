import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeContent } from '../../main/chat/content.ts'
import { emptyRoom, type Room, type RoomState } from '../../main/chat/room.ts'
import { deliveredBody, receiptBatch, receipts } from '../../main/chat/send.ts'

const stateOf = (room: Partial<Room>): RoomState => ({
  room: { ...emptyRoom('00'.repeat(16), 0), state: 'active', ...room }, group: undefined, members: [], seals: [],
  pending: undefined, waiting: [], history: [],
})
const ids = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => at.toString(16).padStart(32, '0'))

test('receipts for thousands of messages go out in parts, each of which can be sent; none is named twice or left out', () => {
  const receiptsDue = ids(5_001)
  const { state, say } = receipts(stateOf({ receiptsDue }))
  assert.deepEqual(state.room.receiptsDue, [])
  const parts = say.map((one) => one.type === 'delivered' ? one.messages : [])
  assert.deepEqual(parts.flat(), receiptsDue)
  assert.equal(parts.length, 11)
  for (const part of parts) {
    encodeContent({
      id: new Uint8Array(16), sentAt: 0n, numbering: 0n, joined: 0n, base: 0, counter: 0, body: deliveredBody(part),
    })
  }
})

test('receipts wait for more while catching up, and for the person to accept', () => {
  const few = stateOf({ receiptsDue: ids(receiptBatch - 1) })
  assert.equal(receipts(few, receiptBatch).state, few)
  assert.equal(receipts(few).say.length, 1)
  const request = stateOf({ state: 'request', receiptsDue: ids(5) })
  assert.equal(receipts(request).state, request)
  const none = stateOf({})
  assert.equal(receipts(none).state, none)
})
