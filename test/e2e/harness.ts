/** Runs the app for tests: temporary data folders, app instances on the stand-in, and nothing that stays behind. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import type { Electron } from '../../main/electron.ts'
import { findBrowser } from '../standin/browser.ts'
import { createStandin } from '../standin/electron.ts'
import type { Standin } from '../standin/electron.ts'

export const root = path.resolve(import.meta.dirname, '..', '..')
export const built = path.join(root, 'dist')

/** The window of a running app, and its end. */
export type Running = {
  readonly page: Page
  readonly standin: Standin
  /** Quits as a person does, and waits until everything is saved. Gives the exit code. */
  readonly quit: () => Promise<number>
}

export type Start = (electron: Electron, options: { readonly args: readonly string[] }) => Promise<void>

/** A fresh data folder. Delete it with `remove` in the test's `after`. */
export async function temporaryData(): Promise<{ readonly data: string, readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'coppice-test-'))
  return {
    data: path.join(folder, 'data'),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}

/** A stand-in of its own: one app instance, without an app yet. */
export async function newStandin(appData: string): Promise<Standin> {
  return createStandin({ browser: await findBrowser(), appData })
}

/** Starts the built app (dist/main/index.js), unchanged, on the stand-in. */
export async function launch(data: string, profile?: string): Promise<Running> {
  const bundle = await import(pathToFileURL(path.join(built, 'main', 'index.js')).href) as { start: Start }
  return launchWith(bundle.start, data, profile)
}

/** The same with another `start`. */
export async function launchWith(start: Start, data: string, profile?: string): Promise<Running> {
  const standin = await newStandin(path.dirname(data))
  const args = ['--data', data, ...profile === undefined ? [] : ['--profile', profile]]
  // A failing start must fail the test at once, not only when the page does not come.
  const page = await Promise.race([standin.page(), start(standin.electron, { args }).then(() => standin.page())])
  return { page, standin, quit: () => { standin.electron.app.quit(); return standin.exited } }
}
