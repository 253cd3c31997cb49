import { watchful } from '../../main/app/watchful.ts'
import type { Delivery, Store } from '../../main/ports.ts'
import { appendPoint, readPoint, writePoint, type Plan, type Point, type Side } from './points.ts'

/** Kills this process as the plan says: nothing runs afterwards, no handler, no `finally`, no flush. */
export class Injector {
  readonly #plan: Plan | undefined
  readonly #reached: (plan: Plan) => void
  #times = 0

  /** `reached` is told just before the end. */
  constructor(plan: Plan | undefined, reached: (plan: Plan) => void) {
    this.#plan = plan
    this.#reached = reached
  }

  hit(point: Point, side: Side): void {
    const plan = this.#plan
    if (plan?.point !== point || plan.side !== side) return
    this.#times += 1
    if (this.#times !== plan.count) return
    this.#reached(plan)
    process.kill(process.pid, 'SIGKILL')
  }

  /** The store, with a point before and after each transaction; `written` is told in between. */
  store(inner: Store, told: { readonly writing: Writing, readonly written: Writing }): Store {
    return {
      ...watchful(inner, () => undefined),
      commit: (write) => {
        const point = writePoint(write)
        told.writing(inner, write)
        this.hit(point, 'before')
        inner.commit(write)
        told.written(inner, write)
        this.hit(point, 'after')
      },
    }
  }

  /** The delivery service, with a point before and after each append and each read. */
  delivery(inner: Delivery): Delivery {
    const around = async <T>(point: Point, work: () => Promise<T>): Promise<T> => {
      this.hit(point, 'before')
      const answer = await work()
      this.hit(point, 'after')
      return answer
    }
    return {
      address: inner.address,
      append: (log, bytes, slot) => around(appendPoint(log), () => inner.append(log, bytes, slot)),
      read: (log, after, limit) => around(readPoint(log), () => inner.read(log, after, limit)),
      slot: (log, slot) => around('read slot', () => inner.slot(log, slot)),
      watch: (logs, wake) => inner.watch(logs, wake),
      close: () => inner.close(),
    }
  }
}

type Writing = (store: Store, write: Parameters<Store['commit']>[0]) => void
