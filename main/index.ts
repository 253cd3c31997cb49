/** Builds the ports, the app and the window; nothing else. The only file that sees everything. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import path from 'node:path'
import { createApp } from './app.ts'
import { productSuite } from './app/account.ts'
import { nativeSuites } from './crypto/native.ts'
import { openSqliteDelivery } from './delivery/sqlite.ts'
import type { Electron } from './electron.ts'
import { openKeychain } from './keychain/keytar.ts'
import { createVault } from './keychain/vault.ts'
import { runShell } from './shell.ts'
import type { OpenApp, Seat } from './shell.ts'
import { lockStore } from './sqlite/lock.ts'
import { openReading } from './sqlite/reading.ts'
import { openStore } from './sqlite/store.ts'

/** Runs the app on Electron, or on the stand-in of the tests, until it quits. */
export function start(electron: Electron, options: { readonly args: readonly string[] }): Promise<void> {
  return runShell(electron, { args: options.args, built: path.join(import.meta.dirname, '..'), open: openProfile })
}

/** Builds the ports of one profile and the app on them. */
async function openProfile(seat: Seat): Promise<OpenApp> {
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
  const suiteOf = nativeSuites(random)
  const suite = suiteOf(productSuite)
  if (suite === undefined) throw new Error('this computer lacks the cipher suite of the product')
  const vault = createVault({
    folder: seat.folder, keychain: await openKeychain(), suite, openStore, openReading, lockStore,
  })
  return createApp({
    profile: seat.profile, version: seat.version, deviceName: hostname(), vault, random, ui: seat.ui,
    delivery: openSqliteDelivery({ file: path.join(seat.data, 'delivery.sqlite') }),
    suiteOf, idleMs: seat.idleMs,
    now: () => Date.now(),
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs)
      return () => { clearTimeout(timer) }
    },
    report,
  })
}

/** A bug: told on the terminal by where it happened, never by what it was about. */
function report(error: unknown): void {
  const where = error instanceof Error ? error.stack ?? error.name : typeof error
  process.stderr.write(`coppice: bug: ${where}\n`)
}

if ('electron' in process.versions) {
  const electron = await import('electron')
  // Not awaited: Electron becomes ready only after this module has been evaluated.
  void start(electron, { args: process.argv.slice(electron.app.isPackaged ? 1 : 2) })
}
