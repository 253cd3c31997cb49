/** The smallest app that the shell can run: answers some Calls, remembers what it was asked, and counts its closes. */
import type { Answer, Change, Phase } from '../../preload/api.ts'
import type { Handle } from '../../main/ipc.ts'
import { runShell } from '../../main/shell/shell.ts'
import type { OpenApp, Seat } from '../../main/shell/shell.ts'
import type { UpdateWishes } from '../../main/shell/updates.ts'
import type { Electron } from '../../main/electron.ts'
import { built } from './harness.ts'
import type { Start } from './harness.ts'

export const hexId = '00112233445566778899aabbccddeeff'

export type Fixture = {
  readonly start: Start
  readonly seats: Seat[]
  readonly asked: { readonly name: string, readonly argument: unknown }[]
  /** Pushes a Change to the window. */
  readonly show: (change: Change) => void
  /** How long `close` takes, in milliseconds. */
  closeMs: number
  closes: number
  /** Answers in place of the usual ones, by name of the Call. */
  readonly answers: Record<string, Answer<unknown>>
  /** The system that the shell takes this one for. */
  platform: NodeJS.Platform
  updates?: UpdateWishes
}

export function newFixture(): Fixture {
  const fixture: Fixture = {
    seats: [], asked: [], answers: {}, closeMs: 0, closes: 0, platform: 'linux',
    show: (change) => { fixture.seats.at(-1)?.ui.show(change) },
    start: (electron: Electron, { args }) =>
      runShell(electron, {
        args, built, open: (seat) => open(fixture, seat), platform: fixture.platform,
        ...fixture.updates !== undefined && { updates: fixture.updates },
      }),
  }
  return fixture
}

function open(fixture: Fixture, seat: Seat): Promise<OpenApp> {
  fixture.seats.push(seat)
  const phase: Phase = { at: 'new', keychain: 'absent' }
  const answer = (name: string, argument: unknown): Promise<Answer<unknown>> => {
    fixture.asked.push({ name, argument })
    const other = fixture.answers[name]
    if (other !== undefined) return Promise.resolve(other)
    switch (name) {
      case 'app.open': return Promise.resolve({ ok: true, value: {
        revision: 0, phase, profile: seat.profile, version: seat.version, conversations: [],
      } })
      // An app has bugs: this one's message carries what the person typed only by mistake of the app, not of the shell.
      case 'conversation.draft': throw new TypeError('cannot read properties of undefined')
      default: return Promise.resolve({ ok: true, value: undefined })
    }
  }
  return Promise.resolve({
    handle: answer as Handle,
    close: async () => {
      await new Promise((resolve) => setTimeout(resolve, fixture.closeMs))
      fixture.closes++
    },
  })
}
