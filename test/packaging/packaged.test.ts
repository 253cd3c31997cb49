/** What people will install, packed for each system around a stand-in for Electron's binary, and looked into. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, before, describe, test } from 'node:test'
import { runCommand } from '../e2e/command-line.ts'
import type { Start } from '../e2e/harness.ts'
import {
  accept, built, launchWith, openConversation, say, seeMessage, setUp, showInvite, startChat, testPassphrase,
} from '../e2e/harness.ts'
import { extractAsar, readAsar, readFuses, stubElectron } from './asar.ts'
import { pack, systems } from './pack.ts'
import type { Packed, System } from './pack.ts'

const here = path.resolve(import.meta.dirname, '..', '..')
const folder = mkdtempSync(path.join(tmpdir(), 'coppice-packed-'))
after(() => { rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) })
const host: System = process.platform === 'darwin' ? 'mac' : process.platform === 'win32' ? 'win' : 'linux'
// dpkg-deb and the binaries of the natives are for this system; electron-builder packs the other two here as well.
const skip = process.platform === 'linux' && process.arch === 'x64' ? false : '!! packing is checked on Linux x64 only'

/** Every file that may be in the archive, for one system and architecture: nothing else may. */
const allowed = (native: string): readonly RegExp[] => [
  /^package\.json$/, /^dist\/(?:main|renderer)\/licences\.txt$/, /^dist\/main\/(?:index|(?:argon2|scrypt)\.worker|[\w.]+-[\w-]{8})\.js$/, /^dist\/main\/schema\/\d{4}\.sql$/,
  /^dist\/preload\/index\.cjs$/, /^dist\/renderer\/index\.html$/, /^dist\/renderer\/assets\/[\w.-]+\.(?:js|css|svg)$/,
  /^node_modules\/better-sqlite3\/(?:package\.json|LICENSE)$/,
  /^node_modules\/better-sqlite3\/lib\/(?:index|binding|database|util|sqlite-error|methods\/[a-z]+)\.js$/,
  /^node_modules\/keytar\/(?:package\.json|LICENSE\.md|lib\/keytar\.js)$/,
  /^node_modules\/sodium-native\/(?:package\.json|LICENSE|index\.js|binding\.js)$/,
  /^node_modules\/(?:bare-(?:addon|module)-resolve|which-runtime)\/(?:package\.json|LICENSE|index\.js|lib\/errors\.js)$/,
  /^node_modules\/bare-semver\/(?:package\.json|LICENSE|index\.js|lib\/[a-z]+\.js)$/,
  /^node_modules\/require-addon\/(?:package\.json|LICENSE|lib\/node\.js)$/,
  ...natives(native).map((file) => new RegExp(`^${file.replaceAll('.', '\\.')}$`)),
]
const natives = (native: string): readonly string[] => [
  `node_modules/better-sqlite3/prebuilds/${native}.node`, `node_modules/keytar/prebuilds/${native}/keytar.node`,
  `node_modules/sodium-native/prebuilds/${native}/sodium-native.node`,
]
const nativeOf: Readonly<Record<System, string>> = { linux: 'linux-x64', mac: 'darwin-x64', win: 'win32-x64' }

const filesOf = (place: string): readonly string[] => readdirSync(place, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() || entry.isSymbolicLink())
  .map((entry) => path.relative(place, path.join(entry.parentPath, entry.name)).split(path.sep).join('/')).sort()

describe('the packed app', { skip }, () => {
  const packed = new Map<System, Packed>()
  const of = (system: System): Packed => packed.get(system) as Packed
  before(async () => {
    for (const system of systems) packed.set(system, await pack(system, folder))
  })

  for (const system of systems) {
    test(`for ${system} has nothing but what it needs, and that whole`, () => {
      const files = readAsar(of(system).asar)
      const names = files.map(({ name }) => name)
      const patterns = allowed(nativeOf[system])
      assert.deepEqual(names.filter((name) => !patterns.some((pattern) => pattern.test(name))), [])
      assert.deepEqual(patterns.filter((pattern) => !names.some((name) => pattern.test(name))), [])
      const wanted = filesOf(built).filter((name) => !name.endsWith('.map')).map((name) => `dist/${name}`)
      assert.deepEqual(names.filter((name) => name.startsWith('dist/')), wanted)
      assert.deepEqual(files.filter(({ intact }) => !intact).map(({ name }) => name), [])
      // Beside the archive lies only what the system itself must load.
      assert.deepEqual(files.filter(({ unpacked }) => unpacked).map(({ name }) => name), natives(nativeOf[system]))
      assert.deepEqual(filesOf(`${of(system).asar}.unpacked`), natives(nativeOf[system]))
    })

    test(`for ${system} has the nine fuses as we want them`, () => {
      assert.deepEqual(readFuses(readFileSync(of(system).binary)), {
        runAsNode: false, enableCookieEncryption: true, enableNodeOptionsEnvironmentVariable: false,
        enableNodeCliInspectArguments: false, enableEmbeddedAsarIntegrityValidation: true, onlyLoadAppFromAsar: true,
        loadBrowserProcessSpecificV8Snapshot: false, grantFileProtocolExtraPrivileges: false, wasmTrapHandlers: true,
      })
      // What left the factory is otherwise: the test above would see it.
      assert.equal(readFuses(stubElectron).runAsNode, true)
    })
  }

  test('tells nothing about how it is developed', () => {
    const manifest = readAsar(of('linux').asar).find(({ name }) => name === 'package.json')?.bytes ?? new Uint8Array()
    const { main, scripts, devDependencies } = JSON.parse(Buffer.from(manifest).toString()) as Record<string, unknown>
    assert.deepEqual({ main, scripts, devDependencies },
      { main: 'dist/main/index.js', scripts: undefined, devDependencies: undefined })
    for (const { name, bytes } of readAsar(of('linux').asar)) {
      if (!name.endsWith('.node')) assert.ok(!Buffer.from(bytes).includes(here), `${name} names ${here}`)
    }
  })

  test('for mac asks for the camera, and knows the hash of its archive', () => {
    const plist = readFileSync(path.join(of('mac').folder, 'Info.plist'), 'utf8').replace(/\s+/g, '')
    assert.match(plist, /<key>NSCameraUsageDescription<\/key><string>.+?<\/string>/)
    const archive = readFileSync(of('mac').asar)
    const header = archive.subarray(16, 16 + archive.readUInt32LE(12))
    assert.ok(plist.includes(`<string>${createHash('sha256').update(header).digest('hex')}</string>`))
    assert.match(plist, /<key>CFBundleURLSchemes<\/key><array><string>coppice<\/string><\/array>/)
    assert.match(plist, /<key>CFBundleTypeExtensions<\/key><array><string>coppice-backup<\/string><\/array>/)
  })

  test('runs from its archive: set-up, an invite, a message and its answer', async () => {
    const place = path.join(folder, 'extracted')
    extractAsar(of(host).asar, place)
    const { start } = await import(pathToFileURL(path.join(place, 'dist', 'main', 'index.js')).href) as { start: Start }
    const data = path.join(folder, 'run', 'data')
    const anna = await launchWith(start, data, 'anna')
    const ben = await launchWith(start, data, 'ben')
    try {
      await setUp(anna.page, 'Anna')
      await setUp(ben.page, 'Ben')
      const invite = await showInvite(anna.page)
      await startChat(ben.page, invite)
      await say(ben.page, 'from the archive')
      await accept(anna.page, 'Ben')
      await seeMessage(anna.page, 'from the archive')
      await say(anna.page, 'read in the archive')
      await openConversation(ben.page, 'Anna')
      await seeMessage(ben.page, 'read in the archive')
      assert.deepEqual([...anna.standin.complaints, ...ben.standin.complaints], [])
    } finally {
      await Promise.all([anna.quit(), ben.quit()])
    }
  })

  test('makes and checks a backup by its command line, without a window', () => {
    const main = path.join(folder, 'extracted', 'dist', 'main', 'index.js')
    const data = path.join(folder, 'run', 'data')
    const file = path.join(folder, 'packed.coppice-backup')
    const typed = 'four words that nobody else'
    const made = runCommand(main, ['backup', 'export', file, '--passphrase', '--data', data, '--profile', 'anna'], testPassphrase, typed, typed)
    assert.equal(made.status, 0, made.said)
    const checked = runCommand(main, ['backup', 'verify', file], typed)
    assert.match(checked.said, /whole: 2 messages in 1 chats with 1 people/)
    assert.equal(checked.status, 0)
  })

  test('loads its native modules from beside the archive', () => {
    const place = path.join(folder, 'natives')
    extractAsar(of(host).asar, place)
    writeFileSync(path.join(place, 'load.cjs'), `
      new (require('better-sqlite3'))(':memory:')
      require('sodium-native')
      // keytar tells no reason, and lacks libsecret on some machines.
      try { require('keytar') } catch {
        try { process.dlopen({ exports: {} }, __dirname + '/node_modules/keytar/prebuilds/linux-x64/keytar.node') }
        catch (error) { console.error(error.message) }
      }
      console.log(Object.keys(require.cache).filter((file) => file.endsWith('.node')).sort().join('\\n'))
    `)
    const script = path.join(place, 'load.cjs')
    const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: '/', encoding: 'utf8' })
    const loaded = stdout.trim().split('\n').map((file) => path.relative(place, file))
    const lacking = /libsecret-1\.so\.0: cannot open shared object file/.test(stderr)
    if (lacking) process.stderr.write('!! libsecret is not here: keytar was not loaded\n')
    assert.deepEqual(loaded, natives(nativeOf[host]).filter((file) => !lacking || !file.includes('keytar')), stderr)
  })

  describe('as a Debian package', () => {
    let file = ''
    let root = ''
    before(() => {
      file = made('.deb')
      root = path.join(folder, 'deb')
      execFileSync('dpkg-deb', ['--raw-extract', file, root])
    })
    const made = (ending: string): string => {
      const output = path.join(folder, 'linux')
      return path.join(output, readdirSync(output).find((name) => name.endsWith(ending)) ?? '')
    }
    const read = (name: string): string => readFileSync(path.join(root, name), 'utf8')

    test('has a control file, sums of its files, and scripts that a shell understands', () => {
      const control = Object.fromEntries(read('DEBIAN/control').split('\n').filter((line) => /^\w/.test(line))
        .map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]))
      const { version } = JSON.parse(readFileSync(path.join(here, 'package.json'), 'utf8')) as { version: string }
      assert.equal(control['Package'], 'coppice')
      assert.equal(control['Version'], version)
      assert.equal(control['Architecture'], 'amd64')
      assert.match(control['Depends'] ?? '', /libgtk-3-0.*libnss3/)
      assert.match(control['Recommends'] ?? '', /libsecret-1-0/)
      assert.ok((control['Description'] ?? '').length < 80)
      const sums = read('DEBIAN/md5sums').trim().split('\n').map((line) => line.split('  '))
      assert.deepEqual(sums.map(([, name]) => name), filesOf(root).filter((name) => !name.startsWith('DEBIAN/')))
      for (const [sum, name = ''] of sums) {
        assert.equal(createHash('md5').update(readFileSync(path.join(root, name))).digest('hex'), sum, name)
      }
      for (const script of ['postinst', 'postrm']) {
        assert.equal(statSync(path.join(root, 'DEBIAN', script)).mode & 0o777, 0o755)
        execFileSync('bash', ['-n', path.join(root, 'DEBIAN', script)])
        assert.match(read(`DEBIAN/${script}`), /'\/opt\/Coppice\/coppice'/)
      }
    })

    test('brings the app, an entry of the menu, icons, and the type of backups', () => {
      for (const name of filesOf(of('linux').folder)) {
        const there = readFileSync(path.join(root, 'opt', 'Coppice', name))
        assert.ok(there.equals(readFileSync(path.join(of('linux').folder, name))), name)
      }
      const entry = Object.fromEntries(read('usr/share/applications/coppice.desktop').trim().split('\n').slice(1)
        .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]))
      assert.equal(entry['Exec'], '/opt/Coppice/coppice %U')
      assert.equal(entry['Icon'], 'coppice')
      assert.equal(entry['StartupWMClass'], 'coppice')
      assert.equal(entry['MimeType'], 'application/vnd.coppice.backup;x-scheme-handler/coppice;')
      assert.match(read('usr/share/mime/packages/coppice.xml'),
        /<mime-type type="application\/vnd\.coppice\.backup">\s*<glob pattern="\*\.coppice-backup"\/>/)
      for (const size of [16, 32, 48, 128, 256, 512]) {
        assert.ok(statSync(path.join(root, `usr/share/icons/hicolor/${size}x${size}/apps/coppice.png`)).size > 500)
      }
    })

    test('belongs to root, and opens nothing to others', () => {
      const lines = execFileSync('dpkg-deb', ['--contents', file], { encoding: 'utf8' }).trim().split('\n')
      assert.ok(lines.length > 20)
      for (const line of lines) assert.match(line, /^(?:drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) root\/root /)
    })

    test('and as an archive of one folder', () => {
      const names = execFileSync('tar', ['-tzf', made('.tar.gz')], { encoding: 'utf8' }).trim().split('\n')
      const inside = names.filter((line) => !line.endsWith('/')).map((line) => line.replace(/^coppice-[\d.]+\//, ''))
      assert.deepEqual(inside.sort(), filesOf(of('linux').folder))
    })
  })
})
