/** Where updates of the app stand, as the main process last told it, and what can be done next. */
import type { Answer, ArgumentOf, ErrorCode, ResultOf, UpdateMode, UpdateStage, UpdateState } from '../preload/api.ts'

type Act = 'update.check' | 'update.fetch' | 'update.stop' | 'update.install'
type Name = Act | 'update.state' | 'update.mode'
type Asker = {
  ask<N extends Name>(name: N, argument: ArgumentOf<N>): Promise<Answer<ResultOf<N>>>
  tellCode(code: ErrorCode): void
}

const acts: Readonly<Partial<Record<UpdateStage, Act>>> = {
  idle: 'update.check', offered: 'update.fetch', fetching: 'update.stop', ready: 'update.install',
}

class Updates {
  state = $state.raw<UpdateState>()

  /** What the person should see without looking for it: that there is one, and how it comes. */
  get news(): UpdateState | undefined {
    const { stage, mode } = this.state ?? {}
    return stage === 'ready' || (mode !== 'automatic' && (stage === 'offered' || stage === 'fetching')) ? this.state : undefined
  }

  load(asker: Asker): Promise<void> { return this.#take(asker, asker.ask('update.state', {})) }
  choose(asker: Asker, mode: UpdateMode): Promise<void> { return this.#take(asker, asker.ask('update.mode', { mode })) }

  /** What can be done now, as far as there is something. */
  actIn(asker: Asker, stage: UpdateStage): (() => Promise<void>) | undefined {
    const act = acts[stage]
    return act === undefined ? undefined : () => this.#take(asker, asker.ask(act, {}))
  }

  async #take(asker: Asker, asked: Promise<Answer<UpdateState>>): Promise<void> {
    const answer = await asked
    if (answer.ok) this.state = answer.value
    else asker.tellCode(answer.code)
  }
}

export const updates = new Updates()
