/** Updates, as the shell has them: by the window's session, so by the proxy that the person chose. */
import { randomInt } from 'node:crypto'
import path from 'node:path'
import type { Answer, ArgumentOf, CallName, ResultOf } from '../../preload/api.ts'
import type { UpdateState } from '../../preload/updates.ts'
import type { Electron } from '../electron.ts'
import { installerFor, type Installer } from '../updates/install.ts'
import { Updater, type UpdateSource } from '../updates/updater.ts'
import { windowSession } from '../window.ts'
import { writeWhole } from './settings.ts'

export type UpdateWishes = {
  /** Undefined: this build has nowhere to ask. */
  readonly source: UpdateSource | undefined
  /** Tests bring their own. */
  readonly installer?: Installer
}

export type UpdatesOptions = UpdateWishes & {
  readonly electron: Electron
  readonly platform: NodeJS.Platform
  readonly data: string
  readonly tell: (state: UpdateState) => void
  readonly report: (error: unknown) => void
}

export function openUpdates({ electron, platform, data, source, installer, tell, report }: UpdatesOptions): Updater {
  const { app, shell } = electron
  return new Updater({
    version: app.getVersion(), folder: path.join(data, 'updates'), source,
    installer: installer ?? installerFor({
      platform, arch: process.arch, packaged: app.isPackaged, environment: process.env, program: process.execPath,
      open: (place) => shell.openPath(place),
    }),
    load: (address, options) => windowSession(electron).fetch(address, options),
    now: () => Date.now(), random: (below) => randomInt(below), tell, report,
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs)
      return () => { clearTimeout(timer) }
    },
    quit: () => { app.quit() },
    write: (file, content) => { writeWhole(file, content, 0o600) },
  })
}

/** Answers the Calls about updates; undefined for any other. What is asked for is begun, and told of as it goes. */
export function answerUpdate<N extends CallName>(
  updater: Updater, name: N, argument: unknown,
): Promise<Answer<ResultOf<N>>> | undefined {
  return answer(updater, name, argument) as Promise<Answer<ResultOf<N>>> | undefined
}

async function after(act: Promise<void>, updater: Updater): Promise<Answer<UpdateState>> {
  await act
  return { ok: true, value: updater.state }
}

function answer(updater: Updater, name: CallName, argument: unknown): Promise<Answer<UpdateState>> | undefined {
  switch (name) {
    case 'update.state': return after(Promise.resolve(), updater)
    case 'update.mode':
      return updater.choose((argument as ArgumentOf<'update.mode'>).mode)
        ? after(Promise.resolve(), updater) : Promise.resolve({ ok: false, code: 'settings-not-kept' })
    case 'update.check': return after(updater.check(), updater)
    case 'update.fetch': return after(updater.download(), updater)
    case 'update.stop': return after(updater.stopFetching(), updater)
    case 'update.install': return after(updater.install(), updater)
    default: return undefined
  }
}
