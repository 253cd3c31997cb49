import type { Change } from '../../preload/api.ts'
import type { Ui } from '../ports.ts'

/** Numbers what the window is told, over everything that this process opens: a hole means that something was missed. */
export class Teller {
  readonly #ui: Ui
  #revision = 0

  constructor(ui: Ui) {
    this.#ui = ui
  }

  get revision(): number {
    return this.#revision
  }

  show(change: Omit<Change, 'revision'>): void {
    this.#revision += 1
    this.#ui.show({ revision: this.#revision, ...change })
  }
}
