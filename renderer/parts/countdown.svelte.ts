/** The seconds that are left until a moment; it stops at 0. */
export class Countdown {
  seconds = $state(1)
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Counts to `at`, in place of whatever it counted to before. */
  start(at: number): void {
    clearTimeout(this.#timer)
    const tick = (): void => {
      const leftMs = at - Date.now()
      this.seconds = Math.max(0, Math.ceil(leftMs / 1_000))
      if (leftMs > 0) this.#timer = setTimeout(tick, leftMs % 1_000 || 1_000)
    }
    tick()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
