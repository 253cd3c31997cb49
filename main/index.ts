/** Builds the ports, the app and the window; nothing else. The only file that sees everything. */
import path from 'node:path'
import type { Electron } from './electron.ts'
import { runShell } from './shell.ts'
import type { OpenApp, Seat } from './shell.ts'

/** Runs the app on Electron, or on the stand-in of the tests, until it quits. */
export function start(electron: Electron, options: { readonly args: readonly string[] }): Promise<void> {
  return runShell(electron, { args: options.args, built: path.join(import.meta.dirname, '..'), open: openProfile })
}

/** Builds the ports of one profile and the app on them. */
async function openProfile(seat: Seat): Promise<OpenApp> {
  void seat
  throw new Error('no app yet')
}

if ('electron' in process.versions) {
  const electron = await import('electron')
  // Not awaited: Electron becomes ready only after this module has been evaluated.
  void start(electron, { args: process.argv.slice(electron.app.isPackaged ? 1 : 2) })
}
