/**
 * `npm run e2e [-- --electron]`: the specs of the built app's window. With --electron, those that know nothing of the
 * stand-in run on Electron's own development binary; without it there, this says so and fails.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { findElectron, hasDisplay } from '../standin/browser.ts'
import { root } from '../e2e/harness.ts'

const { values: { electron } } = parseArgs({ options: { electron: { type: 'boolean', default: false } } })
const real = ['test/e2e/link.test.ts', 'test/e2e/lock.test.ts', 'test/e2e/log.test.ts']

const missing = !electron ? undefined
  : findElectron() === undefined ? 'Electron\'s binary is not here; node node_modules/electron/install.js fetches it'
    : !hasDisplay() ? 'there is no display; xvfb-run gives one' : undefined
if (missing !== undefined) {
  process.stderr.write(`!! NOTHING RAN ON ELECTRON: ${missing}\n`)
  process.exitCode = 1
} else {
  const specs = electron ? real : globSync('test/e2e/*.test.ts', { cwd: root })
  const { status } = spawnSync(process.execPath, [
    '--test', '--test-concurrency=1', '--test-timeout=600000', '--test-reporter=spec', ...specs,
    // What a spec asks of the stand-in itself (what was opened in the file manager) is not for Electron.
    ...electron ? ['--test-skip-pattern=folder'] : [],
  ], { cwd: root, stdio: 'inherit', env: { ...process.env, ...electron && { COPPICE_E2E: 'electron' } } })
  process.exitCode = status ?? 1
}
