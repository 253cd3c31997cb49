/** What is kept for this computer rather than for the account, as the main process last told it. */
import type { Answer, ArgumentOf, ResultOf, ShellSettings, ShellState } from '../preload/api.ts'

type Name = 'shell.settings' | 'shell.change'
type Asker = { ask<N extends Name>(name: N, argument: ArgumentOf<N>): Promise<Answer<ResultOf<N>>> }

class Desk {
  state = $state.raw<ShellState>()

  async load(asker: Asker): Promise<void> {
    const answer = await asker.ask('shell.settings', {})
    if (answer.ok) this.state = answer.value
  }

  /** Changes some of the settings; the others stay as they are. */
  async change(asker: Asker, more: Partial<ShellSettings>): Promise<Answer<ShellState>> {
    if (this.state === undefined) return { ok: false, code: 'not-ready' }
    const answer = await asker.ask('shell.change', { settings: { ...this.state.settings, ...more } })
    if (answer.ok) this.state = answer.value
    return answer
  }
}

export const desk = new Desk()
