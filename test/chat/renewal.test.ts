import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { afterCommit, renewal, renewalAfter } from '../../main/chat/renewal.ts'
import { emptyRoom, type Room } from '../../main/chat/room.ts'
import { nativeSuites } from '../../main/crypto/native.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const suite = nativeSuites((length) => new Uint8Array(randomBytes(length)))(1)
assert.ok(suite !== undefined)

const room = (changes: Partial<Room>): Room => ({ ...emptyRoom('', 0), ...changes })

describe('Renewing the own leaf', () => {
  test('is due a week after the last time, and a little later at random, the more devices the more', () => {
    for (const [devices, latest] of [[2, 20 * minuteMs], [100, 1000 * minuteMs], [100_000, 21 * dayMs]] as const) {
      const times = Array.from({ length: 1000 }, () => renewalAfter(suite, 0, devices) - 7 * dayMs)
      assert.ok(Math.min(...times) >= 0 && Math.min(...times) < latest * 0.05, `${devices} devices`)
      assert.ok(Math.max(...times) < latest && Math.max(...times) > latest * 0.95, `${devices} devices`)
    }
  })

  test('does not storm: a thousand devices that came at once and never stop talking take turns', () => {
    const commits = new Map<number, number>()
    let due = Array.from({ length: 1000 }, () => renewalAfter(suite, 0, 1000))
    for (let week = 0; week < 4; week += 1) {
      for (const at of due) {
        const slot = Math.floor(at / (10 * minuteMs))
        commits.set(slot, (commits.get(slot) ?? 0) + 1)
      }
      due = due.map((at) => renewalAfter(suite, at, 1000))
    }
    // One in ten minutes is the mean.
    assert.ok(Math.max(...commits.values()) <= 10, `${Math.max(...commits.values())} in ten minutes`)
  })

  test('is over with any commit of this device, and gives way to one of another device', () => {
    const before = room({ intents: [renewal(), { type: 'rename', name: 'x' }] })
    const own = afterCommit(before, { suite, renewed: true, devices: 3 }, 1000)
    assert.deepEqual(own.intents, [{ type: 'rename', name: 'x' }])
    assert.ok((own.renewAt ?? 0) >= 1000 + 7 * dayMs)
    for (const [devices, latest] of [[3, 6_000], [10_000, 30 * minuteMs]] as const) {
      const [turn] = afterCommit(before, { suite, renewed: false, devices }, 1000).intents ?? []
      assert.ok(turn?.type === 'renew' && turn.notBefore > 1000 && turn.notBefore <= 1000 + latest)
    }
    // Whoever waits for a turn does not lose it to every commit that comes.
    const waiting = room({ intents: [renewal(5000)] })
    assert.deepEqual(afterCommit(waiting, { suite, renewed: false, devices: 3 }, 1000), {})
  })
})
