#!/usr/bin/env node
/**
 * Makes a Debian package with dpkg-deb. electron-builder calls it in place of fpm, with fpm's arguments: fpm is a Ruby
 * program that it would fetch, while dpkg-deb is on every Debian, and what is tested is what ships.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

const names = ['name', 'version', 'architecture', 'maintainer', 'vendor', 'url', 'license', 'category', 'description',
  'package', 'after-install', 'after-remove', 'deb-priority', 'deb-compression'] as const
const text = { type: 'string' } as const
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...Object.fromEntries(names.map((name) => [name, text])),
    from: { ...text, short: 's' }, to: { ...text, short: 't' }, force: { type: 'boolean' },
    depends: { ...text, short: 'd', multiple: true }, 'deb-recommends': { ...text, multiple: true },
  },
})
const options = values as Record<string, string | readonly string[] | undefined>

function given(name: typeof names[number] | 'from' | 'to'): string {
  const value = options[name]
  if (typeof value !== 'string' || value === '') throw new Error(`deb: --${name} is missing`)
  return value
}
const listed = (name: string): string => (options[name] as readonly string[] | undefined ?? []).join(', ')

if (given('from') !== 'dir' || given('to') !== 'deb') throw new Error('deb: only from a folder to a Debian package')
const root = mkdtempSync(path.join(tmpdir(), 'coppice-deb-'))
try {
  process.umask(0o022)
  chmodSync(root, 0o755)
  for (const positional of positionals) place(positional)
  placeLicence()
  const files = filesIn(root)
  writeControl(files)
  execFileSync('dpkg-deb', ['--root-owner-group', `-Z${given('deb-compression')}`, '--build', root, given('package')])
} finally {
  rmSync(root, { recursive: true, force: true })
}

/** `from=to`; of a folder that ends in "/" the content. */
function place(positional: string): void {
  const at = positional.indexOf('=')
  const target = path.join(root, positional.slice(at + 1))
  mkdirSync(path.dirname(target), { recursive: true })
  cpSync(positional.slice(0, at), target, { recursive: true, verbatimSymlinks: true })
  if (statSync(target).isFile()) chmodSync(target, 0o644)
}

/** Debian Policy 12.5. */
function placeLicence(): void {
  const folder = path.join(root, 'usr', 'share', 'doc', given('name'))
  mkdirSync(folder, { recursive: true })
  cpSync(path.join(import.meta.dirname, '..', '..', 'LICENSE'), path.join(folder, 'copyright'))
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).sort()
}

/** Lines of at most 79 characters, each behind a space (Debian Policy 5.6.13). */
function folded(text: string): string {
  return text.replace(/(\S.{0,76}\S|\S)(?:\s+|$)/g, ' $1\n').trimEnd()
}

/** Debian Policy 5.3; the sizes are in KiB, each file rounded up. */
function writeControl(files: readonly string[]): void {
  const control = path.join(root, 'DEBIAN')
  mkdirSync(control)
  const [synopsis = '', ...more] = given('description').split('\n').map((line) => line.trim()).filter(Boolean)
  const size = files.reduce((sum, file) => sum + Math.ceil(statSync(path.join(root, file)).size / 1024), 0)
  writeFileSync(path.join(control, 'control'), [
    `Package: ${given('name')}`, `Version: ${given('version')}`, `Section: ${given('category')}`,
    `Priority: ${given('deb-priority')}`, `Architecture: ${given('architecture')}`,
    `Maintainer: ${given('maintainer')}`,
    `Installed-Size: ${size}`, `Depends: ${listed('depends')}`, `Recommends: ${listed('deb-recommends')}`,
    `Homepage: ${given('url')}`, `Description: ${synopsis}`, folded(more.join(' ')), '',
  ].join('\n'))
  const md5 = (file: string): string => createHash('md5').update(readFileSync(path.join(root, file))).digest('hex')
  writeFileSync(path.join(control, 'md5sums'), files.map((file) => `${md5(file)}  ${file}\n`).join(''))
  for (const [option, script] of [['after-install', 'postinst'], ['after-remove', 'postrm']] as const) {
    cpSync(given(option), path.join(control, script))
    chmodSync(path.join(control, script), 0o755)
  }
}
