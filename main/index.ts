/** Builds the ports, the app and the window; nothing else. The only file that sees everything. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import path from 'node:path'
import { createApp, type App } from './app.ts'
import { archive } from './archive/archive.ts'
import { productSuite } from './app/self.ts'
import { sha256Digest } from './crypto/digest.ts'
import { commandIn, openTerminal, runCli } from './cli.ts'
import { implementationsOf, nativePrimitives } from './crypto/native.ts'
import { openSqliteDelivery } from './delivery/sqlite.ts'
import type { Electron } from './electron.ts'
import { openKeychain } from './keychain/keytar.ts'
import { createVault } from './keychain/vault.ts'
import { describe } from './log/describe.ts'
import { openLog, type OpenLog } from './log/log.ts'
import { composeSuites, type Primitives } from './mls/index.ts'
import { hpkePairing } from './pairing/pairing.ts'
import { PortError } from './ports.ts'
import { runShell } from './shell/shell.ts'
import type { OpenApp, Seat } from './shell/shell.ts'
import { lockStore } from './sqlite/lock.ts'
import { openReading } from './sqlite/reading.ts'
import { clearScratch, openScratch } from './sqlite/scratch.ts'
import { openStore } from './sqlite/store.ts'
import { builtSource } from './updates/source.ts'

/** What the places of bugs are told from: this folder, or that of the bundle. */
const source = import.meta.dirname

/** Runs the app on Electron, or on the stand-in of the tests, until it quits. */
export function start(electron: Electron, options: { readonly args: readonly string[] }): Promise<void> {
  return runShell(electron, { args: options.args, built: path.join(import.meta.dirname, '..'), open: openProfile, updates: { source: builtSource() } })
}

/** Runs one command without a window, of which the first word was 'backup', and gives the exit code. */
export async function startCli(args: readonly string[], version: string): Promise<number> {
  process.umask(0o077)
  const terminal = openTerminal()
  const suiteOf = composeSuites(nativePrimitives(), (length) => new Uint8Array(randomBytes(length)))
  try {
    return await runCli({ args, version, terminal, archive, suiteOf, open: openProfile, demandFree })
  } finally {
    terminal.close()
  }
}

/** Takes the profile and gives it back at once. */
function demandFree(folder: string): void {
  try {
    lockStore(path.join(folder, 'profile.sqlite'))()
  } catch (error) {
    // Anything else is said better by opening it.
    if (error instanceof PortError && error.code === 'profile-busy') throw error
  }
}

/** Builds the ports of one profile and the app on them. A bug in that is in its log too. */
async function openProfile(seat: Seat): Promise<OpenApp> {
  const primitives = nativePrimitives()
  const log = openLog({
    folder: seat.folder, source, version: seat.version, now: () => Date.now(), ...implementationsOf(primitives),
  })
  process.on('uncaughtExceptionMonitor', log.bug)
  const end = (): void => {
    process.off('uncaughtExceptionMonitor', log.bug)
    log.close()
  }
  try {
    const app = await appOn(seat, primitives, log)
    return { handle: app.handle, close: () => app.close().finally(end) }
  } catch (error) {
    log.bug(error)
    end()
    throw error
  }
}

const platforms: Readonly<Partial<Record<string, string>>> = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' }

async function appOn(seat: Seat, primitives: Primitives, log: OpenLog): Promise<App> {
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
  const suiteOf = composeSuites(primitives, random)
  const suite = suiteOf(productSuite)
  if (suite === undefined) throw new Error('this computer lacks the cipher suite of the product')
  clearScratch(seat.folder)
  const vault = createVault({
    folder: seat.folder, keychain: await openKeychain(), suite, openStore, openReading, lockStore,
  })
  return createApp({
    profile: seat.profile, version: seat.version, deviceName: hostname(),
    platform: platforms[process.platform] ?? '', vault, random, digest: sha256Digest, saveFile: seat.saveFile, ui: seat.ui,
    delivery: openSqliteDelivery({ file: path.join(seat.data, 'delivery.sqlite') }),
    pairing: hpkePairing(suite), archive, places: seat.places, scratch: () => openScratch(seat.folder),
    suiteOf, idleMs: seat.idleMs,
    now: () => Date.now(),
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs)
      return () => { clearTimeout(timer) }
    },
    log,
    report: (error) => {
      log.bug(error)
      report(error)
    },
  })
}

/** A bug: told on the terminal by where it happened, never by what it was about. */
function report(error: unknown): void {
  const { of, place, ...codes } = describe(error, source)
  const carried = Object.values(codes).filter((code) => code !== undefined)
  process.stderr.write(`coppice: bug: ${[of, ...carried].join(' ')}${place.map((frame) => `\n  ${frame}`).join('')}\n`)
}

if ('electron' in process.versions) {
  const electron = await import('electron')
  // Not awaited: Electron becomes ready only after this module has been evaluated.
  const args = process.argv.slice(electron.app.isPackaged ? 1 : 2)
  const command = commandIn(args)
  if (command === undefined) void start(electron, { args })
  else {
    void startCli(command, electron.app.getVersion())
      .catch((error: unknown) => {
        report(error)
        return 1
      })
      .then((code) => { electron.app.exit(code) })
  }
}
