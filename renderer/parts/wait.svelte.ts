/** Counts down the seconds that a wrong passphrase costs. */
export class Wait {
  seconds = $state(0)
  #timer: ReturnType<typeof setTimeout> | undefined

  /** From the detail of 'passphrase-wrong' and 'passphrase-wait'; nothing, where there is none to wait. */
  start(detail: string | undefined): void {
    this.seconds = Number(detail ?? 0) || 0
    clearTimeout(this.#timer)
    const tick = (): void => {
      if (this.seconds === 0) return
      this.#timer = setTimeout(() => {
        this.seconds--
        tick()
      }, 1_000)
    }
    tick()
  }
}
