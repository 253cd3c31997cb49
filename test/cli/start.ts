/**
 * `npm start`: opens the app with the best that this machine has. Electron, if its binary is there or arrives within a
 * minute; else a Chromium with a window, through the stand-in; where no window can open, the tour.
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { findChromium, findElectron, hasDisplay } from '../standin/browser.ts'
import type { Browser } from '../standin/browser.ts'
import { createStandin } from '../standin/electron.ts'
import { builtStart, root } from '../e2e/harness.ts'

const fetchLimitMs = 60_000
const args = process.argv.slice(2)
const say = (line: string): void => { process.stdout.write(`${line}\n`) }

/** Runs a program to its end. Gives its exit code, and -1 when it was killed, did not start, or took too long. */
function run(program: string, values: readonly string[], quietForMs?: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, values, {
      cwd: root, stdio: quietForMs === undefined ? 'inherit' : 'ignore',
      ...quietForMs !== undefined && { timeout: quietForMs, killSignal: 'SIGKILL' as const },
    })
    child.once('error', () => { resolve(-1) })
    child.once('exit', (code) => { resolve(code ?? -1) })
    // Ctrl-C reaches the child too; this process waits for its end.
    process.on('SIGINT', () => undefined)
    process.on('SIGTERM', () => child.kill('SIGTERM'))
  })
}

/** Electron 42 and newer fetches its binary at the first run, not at install time. */
async function fetchElectron(): Promise<string | undefined> {
  say('fetching Electron (once; a minute at most)')
  const code = await run(process.execPath, [path.join(root, 'node_modules', 'electron', 'install.js')], fetchLimitMs)
  const binary = code === 0 ? findElectron() : undefined
  if (binary === undefined) say('Electron could not be fetched')
  return binary
}

function startElectron(binary: string): Promise<number> {
  say('starting in Electron')
  // Chromium refuses to run as root with its sandbox.
  return run(binary, [...process.getuid?.() === 0 ? ['--no-sandbox'] : [], root, ...args])
}

async function startInChromium(executable: string): Promise<number> {
  say(`starting in ${executable}, which stands in for Electron: for trying the app out, not for daily use`)
  const browser: Browser = { source: 'machine', executable, windowed: true, environment: {} }
  const standin = createStandin({ browser, windowed: true, appData: appDataFolder() })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { standin.electron.app.quit() })
  try {
    await (await builtStart())(standin.electron, { args })
  } catch (error) {
    standin.electron.app.quit()
    await standin.exited
    return startTour(`${executable} opened no window (${String(error).split('\n')[0] ?? ''})`)
  }
  return standin.exited
}

/** Where Electron's `app.getPath('appData')` is. */
function appDataFolder(): string {
  const { env } = process
  const home = env['HOME'] ?? env['USERPROFILE'] ?? root
  switch (process.platform) {
    case 'win32': return env['APPDATA'] ?? path.join(home, 'AppData', 'Roaming')
    case 'darwin': return path.join(home, 'Library', 'Application Support')
    default: return env['XDG_CONFIG_HOME'] ?? path.join(home, '.config')
  }
}

function startTour(reason: string): Promise<number> {
  say(`${reason}, so here is a tour of the app instead of its window (npm run tour shows more)`)
  return run(process.execPath, [path.join(import.meta.dirname, 'tour.ts'), '--short'])
}

async function start(): Promise<number> {
  if (!hasDisplay()) return startTour('there is no display here')
  const electron = findElectron() ?? await fetchElectron()
  if (electron !== undefined) return startElectron(electron)
  const chromium = findChromium()
  if (chromium !== undefined) return startInChromium(chromium)
  return startTour('there is neither Electron nor a Chromium that can open a window')
}

try {
  process.exitCode = await start()
} catch (error) {
  process.stderr.write(`the app did not start: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
process.exit()
