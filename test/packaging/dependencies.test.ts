/** docs/dependencies.md against package.json, the lock file, what is installed, and what is built to be shipped. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { built, root } from '../e2e/harness.ts'

type Manifest = {
  readonly license?: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
}
type Locked = { readonly integrity?: string, readonly resolved?: string, readonly hasInstallScript?: boolean }
type Row = { readonly name: string, readonly cells: readonly string[] }

const json = <T>(file: string): T => JSON.parse(readFileSync(path.join(root, file), 'utf8')) as T
const manifest = json<Manifest>('package.json')
const lock = json<{ readonly packages: Readonly<Record<string, Locked>> }>('package-lock.json').packages
const page = readFileSync(path.join(root, 'docs', 'dependencies.md'), 'utf8')

/** The rows of the first table whose head has these columns. A row for several packages counts for each. */
function tableOf(head: string): readonly Row[] {
  const lines = page.split('\n')
  const at = lines.indexOf(head)
  assert.ok(at >= 0, `docs/dependencies.md has no table ${head}`)
  const end = lines.findIndex((line, index) => index > at && !line.startsWith('|'))
  return lines.slice(at + 2, end).flatMap((line) => {
    const cells = line.split('|').slice(1, -1).map((cell) => cell.trim())
    assert.ok(cells.every((cell) => cell !== ''), line)
    return (cells[0] ?? '').split(', ').map((name) => ({ name, cells }))
  })
}
const shipped = tableOf('| package | in | purpose | licence | MB | kept by | why not another |')
const along = tableOf('| package | in | with | licence |')
const development = tableOf('| package | purpose | licence | MB | kept by | why not another |')
const names = (rows: readonly Row[]): readonly string[] => rows.map(({ name }) => name).sort()

/** Where a package lies, also one that only another has. */
function placeOf(name: string): string | undefined {
  return Object.keys(lock).filter((place) => place.endsWith(`node_modules/${name}`))
    .sort((a, b) => a.length - b.length).find((place) => existsSync(path.join(root, place)))
}

function megabytes(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    // What electron fetches, and what comes along.
    if (entry.name === 'node_modules' || (entry.name === 'dist' && folder.endsWith('node_modules/electron'))) continue
    if (entry.isDirectory()) bytes += megabytes(file) * 1e6
    else if (entry.isFile()) bytes += statSync(file).size
  }
  return bytes / 1e6
}

/** '@noble/curves' of '…/node_modules/age-encryption/node_modules/@noble/curves/utils.js'. */
const packageOf = (file: string): string | undefined =>
  /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]

/** What of node_modules is in the bundles, by their source maps. */
function bundled(): ReadonlySet<string> {
  const maps = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.map'))
  assert.ok(maps.length >= 4, 'the build has no source maps to tell what is in it')
  return new Set(maps.flatMap((file) => json<{ readonly sources: readonly string[] }>(path.join('dist', file)).sources)
    .flatMap((source) => packageOf(source) ?? []))
}

describe('docs/dependencies.md', () => {
  test('has every package of package.json, and no other', () => {
    const wanted = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies].flatMap(Object.keys)
    assert.deepEqual([...names(shipped), ...names(development)].sort(), wanted.sort())
    for (const name of Object.keys(manifest.dependencies)) assert.ok(names(shipped).includes(name), `${name} is shipped`)
  })

  test('tells licences and sizes as they are', () => {
    const rows = [
      ...shipped.map(({ name, cells }) => ({ name, licence: cells[3], size: Number(cells[4]) })),
      ...development.map(({ name, cells }) => ({ name, licence: cells[2], size: Number(cells[3]) })),
      ...along.map(({ name, cells }) => ({ name, licence: cells[3], size: undefined })),
    ]
    let seen = 0
    for (const { name, licence, size } of rows) {
      const place = placeOf(name)
      // Node is installed for this system alone.
      if (place === undefined && name in manifest.optionalDependencies) continue
      assert.ok(place !== undefined, `${name} is not installed`)
      const told = json<Manifest>(path.join(place, 'package.json')).license ??
        (/^MIT License/.test(readFileSync(path.join(root, place, 'LICENSE'), 'utf8')) ? 'MIT' : undefined)
      assert.equal(licence, told, name)
      if (size === undefined) continue
      const real = megabytes(path.join(root, place))
      assert.ok(Math.abs(real - size) <= Math.max(0.06, real / 10), `${name} has ${real.toFixed(2)} MB`)
      seen++
    }
    assert.ok(seen > 30)
  })

  test('has every package that the packed app contains', () => {
    const known = new Set([...names(shipped), ...names(along)])
    assert.deepEqual([...bundled()].filter((name) => !known.has(name)), [])
    assert.ok(bundled().has('svelte') && bundled().has('@noble/curves'))
    const texts = ['main', 'renderer'].map((part) => readFileSync(path.join(built, part, 'licences.txt'), 'utf8')).join('\n')
    assert.deepEqual([...bundled()].filter((name) => !texts.split('\n').some((line) => line.startsWith(`${name} `))), [])
  })

  test('says rightly which of them are in the archive as packages', () => {
    const rules = readFileSync(path.join(root, 'electron-builder.yml'), 'utf8')
    const kept = /!node_modules\/!\(([^)]+)\)\/\*\*/.exec(rules)?.[1]?.replace(/\\\n\s*/g, '').split('|') ?? []
    const native = [...shipped, ...along].filter(({ cells }) => cells[1] === 'native').map(({ name }) => name)
    assert.deepEqual(kept.sort(), native.sort())
  })
})

describe('the workflows', () => {
  test('run no action but by its commit', () => {
    const folder = path.join(root, '.github', 'workflows')
    const uses = readdirSync(folder).flatMap((file) => readFileSync(path.join(folder, file), 'utf8').split('\n'))
      .filter((line) => /\buses:/.test(line))
    assert.ok(uses.length > 6)
    for (const line of uses) assert.match(line, /uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  test('pack for the three systems, and give every release its contents, its sums and where it was made', () => {
    const release = readFileSync(path.join(root, '.github', 'workflows', 'release.yml'), 'utf8')
    for (const [system, targets] of [['ubuntu-24.04', 'deb AppImage tar.gz'], ['windows-2025', 'nsis'], ['macos-15', 'dmg zip']]) {
      assert.ok(release.includes(`{ os: ${system}, targets: ${targets} }`), system)
    }
    // In this order: the sums are of all that is there, and what is attested is named by them.
    const steps = ['npm sbom --sbom-format cyclonedx', 'sign-update.ts release', 'sha256sum -- * > SHA256SUMS',
      'actions/attest-build-provenance@', 'subject-checksums: release/SHA256SUMS', 'gh release create'].map((step) => release.indexOf(step))
    assert.ok(steps.every((at, index) => at > (steps[index - 1] ?? 0)), String(steps))
  })
})

describe('the lock file', () => {
  test('pins every package by hash, and names no registry', () => {
    const packages = Object.entries(lock).filter(([place]) => place !== '')
    assert.ok(packages.length > 300)
    for (const [place, { integrity, resolved }] of packages) {
      assert.match(integrity ?? '', /^sha512-[\w+/]{86}==$/, place)
      assert.equal(resolved, undefined, place)
    }
    for (const versions of [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]) {
      for (const version of Object.values(versions)) assert.match(version, /^(?:npm:(?:@\w+\/)?[\w-]+@)?\d+\.\d+\.\d+$/)
    }
  })

  test('has no package that may run code when it is installed', () => {
    assert.match(readFileSync(path.join(root, '.npmrc'), 'utf8'), /^ignore-scripts=true$/m)
    const running = Object.entries(lock).filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([place]) => packageOf(`${place}/`) ?? place)
    assert.deepEqual(running.filter((name) => manifest.allowScripts[name] !== false), [])
    assert.deepEqual(Object.values(manifest.allowScripts).filter((allowed) => allowed), [])
  })
})
