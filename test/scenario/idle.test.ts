/** When nobody is there: by input in the window, by input anywhere on the computer, over sleep and set clocks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Idle } from '../../main/app/idle.ts'
import type { Ports } from '../../main/ports.ts'
import type { LockMinutes } from '../../preload/api.ts'

/** A person and a clock: `pass` lets time go by in looks of five seconds. */
class Desk {
  now = 1_750_000_000_000
  /** When somebody last touched the computer; undefined where the system does not say. */
  touchedAt: number | undefined
  away = 0
  #timer: { at: number, run: () => void } | undefined
  readonly idle = new Idle({
    now: () => this.now,
    idleMs: () => this.touchedAt === undefined ? 0 : this.now - this.touchedAt,
    after: (delayMs: number, run: () => void) => {
      const timer = { at: this.now + delayMs, run }
      this.#timer = timer
      return () => { if (this.#timer === timer) this.#timer = undefined }
    },
  } as unknown as Ports, () => { this.away++ })

  constructor(minutes: LockMinutes) {
    this.idle.start(minutes)
  }

  pass(ms: number): void {
    const end = this.now + ms
    for (let timer = this.#timer; timer !== undefined && timer.at <= end; timer = this.#timer) {
      this.#timer = undefined
      this.now = Math.max(this.now, timer.at)
      timer.run()
    }
    this.now = end
  }

  /** The computer sleeps: no timer runs, and afterwards the one that is overdue does. */
  sleep(ms: number): void {
    this.now += ms
    this.pass(5_000)
  }

  /** The clock is set; timers run by another, which nobody sets. */
  set(ms: number): void {
    this.now += ms
    if (this.#timer !== undefined) this.#timer.at += ms
  }
}

const minuteMs = 60_000

test('after the time without input, once', () => {
  const desk = new Desk(5)
  desk.pass(5 * minuteMs - 5_000)
  assert.equal(desk.away, 0)
  desk.pass(5_000)
  assert.equal(desk.away, 1)
  desk.pass(60 * minuteMs)
  assert.equal(desk.away, 1)
})

test('never, where no time is set, and not after it was stopped', () => {
  const desk = new Desk(0)
  desk.pass(600 * minuteMs)
  desk.idle.start(1)
  desk.pass(50_000)
  desk.idle.stop()
  desk.pass(600 * minuteMs)
  assert.equal(desk.away, 0)
})

test('input in the window puts it off', () => {
  const desk = new Desk(1)
  for (let count = 0; count < 10; count++) {
    desk.pass(50_000)
    desk.idle.active()
  }
  assert.equal(desk.away, 0)
  desk.pass(65_000)
  assert.equal(desk.away, 1)
})

test('so does input elsewhere on the computer, where the system tells of it', () => {
  const desk = new Desk(1)
  desk.touchedAt = desk.now
  for (let count = 0; count < 20; count++) {
    desk.pass(31_000)
    desk.touchedAt = desk.now
  }
  assert.equal(desk.away, 0)
  desk.pass(65_000)
  assert.equal(desk.away, 1)
})

test('a system that always says "just now" is not believed', () => {
  const desk = new Desk(1)
  desk.pass(65_000)
  assert.equal(desk.away, 1)
})

test('whoever wakes a computer that slept for longer finds the app locked', () => {
  const desk = new Desk(15)
  desk.touchedAt = desk.now
  desk.pass(minuteMs)
  desk.touchedAt = desk.now + 480 * minuteMs
  desk.sleep(480 * minuteMs)
  assert.equal(desk.away, 1)
  const brief = new Desk(15)
  brief.sleep(5 * minuteMs)
  assert.equal(brief.away, 0)
})

test('a clock that was set back does not put it off', () => {
  const desk = new Desk(5)
  desk.pass(minuteMs)
  desk.set(-600 * minuteMs)
  desk.pass(5 * minuteMs + 5_000)
  assert.equal(desk.away, 1)
})
