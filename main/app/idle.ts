import type { LockMinutes } from '../../preload/api.ts'
import type { Ports } from '../ports.ts'

const lookMs = 5_000

/**
 * Notices that nobody is there. Input in the window counts, and input anywhere on the computer where the system tells
 * of it: some systems say 0 for ever, so its word counts only once it has said something else.
 */
export class Idle {
  readonly #ports: Ports
  readonly #away: () => void
  #cancel: (() => void) | undefined
  #activeAt = 0
  #lookedAt = 0
  #systemTells = false

  /** Calls `away` once, when nobody was there for as long as `start` said. */
  constructor(ports: Ports, away: () => void) {
    this.#ports = ports
    this.#away = away
  }

  active(): void {
    this.#activeAt = this.#ports.now()
  }

  start(afterMinutes: LockMinutes): void {
    this.stop()
    if (afterMinutes === 0) return
    this.active()
    this.#lookedAt = this.#activeAt
    this.#look(afterMinutes * 60_000)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #look(limitMs: number): void {
    this.#cancel = this.#ports.after(lookMs, () => {
      if (this.#isOver(limitMs)) this.#away()
      else this.#look(limitMs)
    })
  }

  #isOver(limitMs: number): boolean {
    const now = this.#ports.now()
    // The computer slept: whoever wakes it may be somebody else.
    const slept = now - this.#lookedAt > limitMs
    this.#lookedAt = now
    const idleMs = this.#ports.idleMs()
    this.#systemTells ||= idleMs > 0
    const system = this.#systemTells ? now - idleMs : 0
    // A clock that was set back must not put the lock off.
    this.#activeAt = Math.min(Math.max(this.#activeAt, system), now)
    return slept || now - this.#activeAt >= limitMs
  }
}
