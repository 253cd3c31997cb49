import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { nativeSuites } from '../../main/crypto/native.ts'
import { generateKeyPackage, keyPackageRef, toHex } from '../../main/mls/index.ts'
import { leafCapabilities, leafLifetime } from '../../main/chat/extensions.ts'
import type { OwnKeyPackage } from '../../main/chat/mail.ts'
import { isDrained, offered, planStock, stockSize, unanswered } from '../../main/chat/stock.ts'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs
const start = Date.UTC(2026, 0, 1)
const suite = nativeSuites((length) => new Uint8Array(randomBytes(length)))(1)
assert.ok(suite !== undefined)
const signatureKeyPair = suite.signatureKeyPair()

function make(now: number, lastResort: boolean): OwnKeyPackage {
  assert.ok(suite !== undefined)
  const made = generateKeyPackage(suite, {
    credential: { type: 'basic', identity: new Uint8Array([1]) }, signatureKeyPair, capabilities: leafCapabilities(),
    lifetime: leafLifetime(now), lastResort,
  })
  return { ...made, reference: toHex(keyPackageRef(suite, made.keyPackage)), lastResort, claimed: false }
}

/** A device that looks after its stock whenever its plan says so. */
class Shelf {
  readonly held = new Map<string, OwnKeyPackage>()
  readonly forgotten = new Map<string, number>()
  now = start
  made = 0

  tend(): number {
    const plan = planStock(this.held.values(), this.now)
    for (const own of plan.forget) {
      this.held.delete(own.reference)
      this.forgotten.set(own.reference, this.now)
    }
    for (let number = 0; number < plan.make; number += 1) this.put(make(this.now, false))
    if (plan.lastResort) this.put(make(this.now, true))
    return plan.nextAt
  }

  put(own: OwnKeyPackage): void {
    this.held.set(own.reference, own)
    this.made += 1
  }

  until(end: number): void {
    for (;;) {
      const next = this.tend()
      assert.ok(next > this.now, 'a plan never asks for the same moment again')
      if (next > end) break
      this.now = next
    }
    this.now = end
    this.tend()
  }

  get ready(): readonly OwnKeyPackage[] { return offered(this.held.values(), this.now).ready }
  get lastResorts(): readonly OwnKeyPackage[] { return [...this.held.values()].filter((own) => own.lastResort) }
  claim(count: number): void {
    for (const own of this.ready.slice(0, count)) this.held.set(own.reference, { ...own, claimed: true })
  }
}

describe('The stock of KeyPackages', () => {
  test('is full at first, and is filled up when half of it is gone', () => {
    const shelf = new Shelf()
    shelf.tend()
    assert.equal(shelf.ready.length, stockSize)
    shelf.claim(25)
    shelf.tend()
    assert.equal(shelf.ready.length, 25)
    shelf.claim(1)
    shelf.tend()
    assert.equal(shelf.ready.length, stockSize)
  })

  test('is made anew before its lifetime and the memory of the log end, and the old keys go when they are of no use', () => {
    const shelf = new Shelf()
    shelf.tend()
    const first = [...shelf.ready]
    shelf.until(start + 59 * dayMs)
    assert.deepEqual(shelf.ready.map((own) => own.reference), first.map((own) => own.reference))
    shelf.until(start + 60 * dayMs)
    assert.equal(shelf.ready.length, stockSize)
    assert.ok(shelf.ready.every((own) => !first.includes(own)))
    // Somebody may have claimed an old one up to its last day, and what follows may be on its way.
    shelf.until(start + 103 * dayMs)
    assert.ok(first.every((own) => shelf.held.has(own.reference)))
    shelf.until(start + 105 * dayMs)
    assert.ok(first.every((own) => shelf.forgotten.has(own.reference)))
  })

  test('has one of last resort that changes every week; the old key still opens what is on its way, for two weeks', () => {
    const shelf = new Shelf()
    shelf.until(start + 100 * dayMs)
    const resorts = shelf.lastResorts.length
    // The newest one, and those that it replaced in the last two weeks.
    assert.ok(resorts === 3 || resorts === 4, `${resorts} of last resort`)
    const seen = shelf.made
    shelf.until(start + 107 * dayMs)
    assert.equal(shelf.made, seen + 1)
  })

  test('replaces the one of last resort soon after a use, and keeps the used one for two weeks', () => {
    const shelf = new Shelf()
    shelf.until(start + dayMs)
    const [used] = shelf.lastResorts
    assert.ok(used !== undefined)
    shelf.held.set(used.reference, { ...used, claimed: true })
    shelf.tend()
    assert.notEqual(offered(shelf.held.values(), shelf.now).lastResort?.reference, used.reference)
    // A flood of invitations does not make a flood of KeyPackages.
    const next = offered(shelf.held.values(), shelf.now).lastResort
    assert.ok(next !== undefined)
    shelf.held.set(next.reference, { ...next, claimed: true })
    shelf.tend()
    assert.equal(offered(shelf.held.values(), shelf.now).lastResort?.reference, next.reference)
    shelf.until(shelf.now + hourMs)
    assert.notEqual(offered(shelf.held.values(), shelf.now).lastResort?.reference, next.reference)
    shelf.until(start + 14 * dayMs)
    assert.ok(shelf.held.has(used.reference))
    shelf.until(start + 16 * dayMs)
    assert.ok(shelf.forgotten.has(used.reference))
  })

  test('is not emptied over and over by strangers: after three stocks in a day only the last resort is left', () => {
    const shelf = new Shelf()
    shelf.tend()
    for (let round = 0; round < 10; round += 1) {
      shelf.claim(stockSize)
      shelf.now += hourMs
      shelf.tend()
    }
    assert.equal(shelf.ready.length, 0)
    assert.equal([...shelf.held.values()].filter((own) => !own.lastResort).length, 3 * stockSize)
    assert.ok(offered(shelf.held.values(), shelf.now).lastResort !== undefined)
    shelf.until(shelf.now + dayMs)
    assert.equal(shelf.ready.length, stockSize)
  })

  test('is refilled without limit for those who do write', () => {
    const shelf = new Shelf()
    shelf.tend()
    for (let round = 0; round < 10; round += 1) {
      for (const own of shelf.ready) shelf.held.delete(own.reference)
      shelf.tend()
      assert.equal(shelf.ready.length, stockSize)
    }
  })

  test('says that it was taken for nothing, once for each whole stock', () => {
    const shelf = new Shelf()
    shelf.tend()
    shelf.claim(30)
    assert.equal(unanswered(shelf.held.values()), 30)
    assert.deepEqual([[0, 49], [30, 50], [50, 60], [60, 99], [99, 100], [0, 200]].map(([before = 0, after = 0]) =>
      isDrained(before, after)), [false, true, false, false, true, true])
  })

  test('made under a clock that ran years ahead, is made again when the clock is right', () => {
    const shelf = new Shelf()
    shelf.now = start + 2000 * dayMs
    shelf.tend()
    shelf.now = start
    shelf.tend()
    assert.equal(shelf.ready.length, stockSize)
    const resort = offered(shelf.held.values(), shelf.now).lastResort
    shelf.until(start + dayMs)
    assert.equal(offered(shelf.held.values(), shelf.now).lastResort?.reference, resort?.reference)
  })
})
