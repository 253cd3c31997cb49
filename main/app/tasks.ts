import type { Ports } from '../ports.ts'

type Task = { again: boolean, running: Promise<void> | undefined }

/** Work by name: one run of a kind at a time, and one clock for each. */
export class Tasks {
  readonly #after: Ports['after']
  readonly #failed: (error: unknown) => void
  readonly #tasks = new Map<string, Task>()
  readonly #clocks = new Map<string, () => void>()
  #stopped = false

  constructor({ after }: Pick<Ports, 'after'>, failed: (error: unknown) => void) {
    this.#after = after
    this.#failed = failed
  }

  get isStopped(): boolean {
    return this.#stopped
  }

  /** Starts it; where it runs already, it runs again afterwards. */
  run(name: string, work: () => Promise<void>): void {
    const task = this.#tasks.get(name) ?? { again: false, running: undefined }
    this.#tasks.set(name, task)
    if (task.running !== undefined) {
      task.again = true
      return
    }
    task.running = (async () => {
      for (let again = true; again; again = isWanted(task) && !this.#stopped) {
        task.again = false
        await work().catch(this.#failed)
      }
      task.running = undefined
    })()
  }

  /** After a while; the newest of a name counts. */
  wake(name: string, waitMs: number, run: () => void): void {
    this.#clocks.get(name)?.()
    if (this.#stopped) return
    this.#clocks.set(name, this.#after(waitMs, () => {
      this.#clocks.delete(name)
      if (!this.#stopped) run()
    }))
  }

  /** After a while, unless its clock runs already. */
  wakeOnce(name: string, waitMs: number, run: () => void): void {
    if (!this.#clocks.has(name)) this.wake(name, waitMs, run)
  }

  /** Resolves when what runs under this name is done. */
  async done(name: string): Promise<void> {
    await this.#tasks.get(name)?.running
  }

  /** Resolves when everything under way is done. Nothing starts again by itself. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const cancel of this.#clocks.values()) cancel()
    for (const task of this.#tasks.values()) await task.running
  }
}

/** Read anew: a kick may have set it while the work awaited. */
const isWanted = (task: Task): boolean => task.again

/** Whatever else waits has its turn. */
export const turn = ({ after }: Pick<Ports, 'after'>): Promise<void> => new Promise((resolve) => { after(0, resolve) })

/** Waits for the work, but no longer than that. */
export async function within({ after }: Pick<Ports, 'after'>, limitMs: number, work: Promise<void>): Promise<void> {
  if (limitMs === Infinity) return work
  let cancel: (() => void) | undefined
  await Promise.race([work, new Promise<void>((resolve) => { cancel = after(limitMs, resolve) })]).finally(() => cancel?.())
}

const chanceMs = 400

/** A moment of random length: who does first what several could do is left to chance. */
export const chance = ({ after, random }: Pick<Ports, 'after' | 'random'>): Promise<void> =>
  new Promise((resolve) => { after(((random(1)[0] ?? 0) / 256) * chanceMs, resolve) })
