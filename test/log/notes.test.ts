/** What the log says of conversations and of the delivery service, from what changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notedDelivery, notesOn } from '../../main/app/notes.ts'
import { still, type RoomState, type RoomStep } from '../../main/chat/room.ts'
import type { Alias, Event } from '../../main/events.ts'
import { PortError, type Delivery, type Log, type LogRecord, type Ports, type StoredEntry } from '../../main/ports.ts'

const log = 'aabbccdd' as Alias
/** Keeps what it is told. */
function memoryLog(): Log & { readonly noted: Event[] } {
  const noted: Event[] = []
  return { noted, note: (event) => { noted.push(event) }, alias: () => log, report: () => [], forget: () => undefined }
}

const ours = new Uint8Array([1, 2, 3])
/** Only what notes look at. */
const roomWith = (more: object, room: object = {}): RoomState => ({
  group: { context: { epoch: 5n } }, pending: undefined, history: [], room: { id: 'r', log: 'l', attempt: 0, ...room }, ...more,
}) as unknown as RoomState

const notesFrom = (before: RoomState, after: RoomStep): readonly Event[] => notesOn([after],
  { rooms: new Map([['r', before]]), ports: { log: memoryLog(), now: () => 5_000 } as unknown as Ports })

test('a commit is made, and won or lost', () => {
  const pending = { bytes: ours }
  assert.deepEqual(notesFrom(roomWith({}), still(roomWith({ pending }))), [{ event: 'commit-made', log, attempt: 0 }])
  const next = { context: { epoch: 6n } }
  const won = still(roomWith({ group: next, history: [{ bytes: ours.slice() }] }))
  assert.deepEqual(notesFrom(roomWith({ pending }), won), [{ event: 'commit-won', log }])
  const lost = still(roomWith({ group: next, history: [{ bytes: new Uint8Array([9]) }] }))
  assert.deepEqual(notesFrom(roomWith({ pending }), lost), [{ event: 'commit-lost', log }])
  assert.deepEqual(notesFrom(roomWith({}), still(roomWith({ group: next }))), [])
  const spoilt = still(roomWith({ pending: undefined }, { attempt: 1 }))
  assert.deepEqual(notesFrom(roomWith({ pending }), spoilt),
    [{ event: 'slot-spoilt', log, attempt: 1 }, { event: 'commit-lost', log }])
})

test('a recovery begins with its reason, asks, and ends', () => {
  const recovery = { reason: 'forked', since: 2_000, attempts: 0 }
  const asked = { ...recovery, attempts: 1 }
  const well = roomWith({}, { recovery: undefined })
  assert.deepEqual(notesFrom(well, still(roomWith({}, { recovery }))), [{ event: 'recovery-begun', log, reason: 'forked' }])
  assert.deepEqual(notesFrom(roomWith({}, { recovery }), still(roomWith({}, { recovery: asked }))),
    [{ event: 'recovery-asked', log, times: 1 }])
  assert.deepEqual(notesFrom(roomWith({}, { recovery: asked }), still(well)),
    [{ event: 'recovery-ended', log, reason: 'forked', ms: 3_000 }])
})

test('what could not be read is told by its reason, and never what was said', () => {
  const entries = [
    { kind: 'message', text: 'meet me', from: 'Anna' }, { kind: 'gap', reason: 'lost', count: 2, from: 'Anna' },
    { kind: 'gap', reason: 'malformed', count: 1, rule: '5.1.3.open' },
  ] as unknown as readonly StoredEntry[]
  assert.deepEqual(notesFrom(roomWith({}), { ...still(roomWith({})), entries }), [
    { event: 'skipped', log, reason: 'lost', records: 2 }, { event: 'skipped', log, reason: 'malformed', records: 1 },
    { event: 'broke-rule', log, rule: '5.1.3.open' },
  ])
})

test('a log is told when it was read to its end; an outage by its first and its last moment', async () => {
  let now = 1_000
  const kept = memoryLog()
  const answers: (number | PortError)[] = [200, 3, 0, 0, new PortError('delivery-unreachable', 'Anna'),
    new PortError('delivery-unreachable'), 0]
  const delivery = notedDelivery({ log: kept, now: () => now, delivery: {
    address: 'local',
    read: () => {
      now += 10
      const answer = answers.shift() ?? 0
      return answer instanceof PortError ? Promise.reject(answer) : Promise.resolve(Array.from({ length: answer },
        (_, at): LogRecord => ({ seq: at + 1, slot: undefined, bytes: new Uint8Array(0) })))
    },
  } as unknown as Delivery })
  const wanted = answers.length
  for (let times = 0; times < wanted; times++) await delivery.read('m.0011', 0, 200).catch(() => undefined)
  assert.equal(delivery.usage, undefined)
  assert.deepEqual(kept.noted, [
    { event: 'read', kind: 'messages', log, records: 203, ms: 20 },
    { event: 'delivery-away', code: 'delivery-unreachable', doing: 'read' }, { event: 'delivery-back', ms: 20, failures: 2 },
  ])
})
