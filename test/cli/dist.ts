/**
 * `npm run dist [-- TARGET…] [-- --electron-dist DIR --output DIR]`: packs dist/ for the system it runs on. Without a
 * target, those that need nothing but Electron: deb and tar.gz, or dmg and zip, or nsis. `dir` leaves out the installer.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { findElectron } from '../standin/browser.ts'
import { root } from '../e2e/harness.ts'

type Host = { readonly flags: readonly string[], readonly usual: readonly string[], readonly more: readonly string[] }
const hosts: Readonly<Partial<Record<NodeJS.Platform, Host>>> = {
  linux: { flags: ['--linux'], usual: ['deb', 'tar.gz'], more: ['dir', 'AppImage'] },
  darwin: { flags: ['--mac', '--x64', '--arm64'], usual: ['dmg', 'zip'], more: ['dir'] },
  win32: { flags: ['--win', '--x64', '--arm64'], usual: ['nsis'], more: ['dir'] },
}

const { values, positionals } = parseArgs({
  allowPositionals: true, options: { 'electron-dist': { type: 'string' }, output: { type: 'string' } },
})
const output = path.resolve(root, values.output ?? 'release')

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, {
    cwd: root, stdio: 'inherit',
    env: {
      ...process.env,
      CUSTOM_FPM_PATH: path.join(root, 'test', 'packaging', 'deb.ts'),
      // The first line of that script asks for node: it must be the one that runs this.
      PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}`,
    },
  })
  if (status !== 0) throw new Error(`${path.basename(args[0] ?? program)} failed (${error?.message ?? String(status)})`)
}

/** Electron as it lies here already; else electron-builder fetches it. On macOS its own way is the better one. */
function electronDist(): readonly string[] {
  const binary = process.platform === 'darwin' ? undefined : findElectron()
  const folder = values['electron-dist'] ?? (binary === undefined ? undefined : path.dirname(binary))
  return folder === undefined ? [] : [`-c.electronDist=${path.resolve(folder)}`]
}

/** electron-builder would fetch a 7-Zip for it. */
function tarGz(): void {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }
  const folder = process.arch === 'x64' ? 'linux-unpacked' : `linux-${process.arch}-unpacked`
  run('tar', [
    '--create', '--gzip', '--file', path.join(output, `coppice-${version}-linux-${process.arch}.tar.gz`),
    '--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--transform=s,^${folder},coppice-${version},`,
    '--directory', output, folder,
  ])
}

function pack(): void {
  const host = hosts[process.platform]
  const wanted = positionals.length > 0 ? positionals : host?.usual ?? []
  const known = [...host?.usual ?? [], ...host?.more ?? []]
  const unknown = wanted.filter((target) => !known.includes(target))
  if (host === undefined || unknown.length > 0) {
    throw new Error(`${unknown.join(', ')} cannot be made on ${process.platform}; ` +
      `this can: ${known.join(', ')}`)
  }
  if (!existsSync(path.join(root, 'dist', 'main', 'index.js'))) {
    throw new Error('there is no build; run npm run build first')
  }
  const targets = wanted.map((target) => target === 'tar.gz' ? 'dir' : target)
  run(process.execPath, [
    path.join(root, 'node_modules', 'electron-builder', 'cli.js'), ...host.flags, ...new Set(targets), '--publish', 'never',
    `-c.directories.output=${output}`, ...electronDist(),
  ])
  if (wanted.includes('tar.gz')) tarGz()
}

try {
  pack()
} catch (error) {
  process.stderr.write(`dist: ${error instanceof Error ? error.message : String(error)}\n` +
    'If Electron could not be fetched: unpack it anywhere, and name that folder by --electron-dist\n')
  process.exitCode = 1
}
