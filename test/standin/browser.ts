/**
 * Finds a browser engine for the stand-in: a Chromium on the machine, else the headless one that npm brought
 * (@sparticuz/chromium, unpacked into node_modules/.cache). Also says where Electron's own binary lies.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'

export type Browser = {
  readonly source: 'machine' | 'npm'
  readonly executable: string
  /** Can it show a window? npm's is a headless build. */
  readonly windowed: boolean
  /** Set over the environment of the process: libraries and fonts of the npm browser. */
  readonly environment: Readonly<Record<string, string>>
}

const root = path.resolve(import.meta.dirname, '..', '..')
const inflate = promisify(brotliDecompress)

/** Is there a screen that a window could open on? */
export function hasDisplay(environment = process.env): boolean {
  if (process.platform === 'darwin' || process.platform === 'win32') return true
  return Boolean(environment['DISPLAY']) || Boolean(environment['WAYLAND_DISPLAY'])
}

/** Electron's binary where it is unpacked. Never requires 'electron': in plain Node that starts a download. */
export function findElectron(): string | undefined {
  const folder = path.join(root, 'node_modules', 'electron')
  const pathFile = path.join(folder, 'path.txt')
  if (!existsSync(pathFile)) return undefined
  const dist = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? path.join(folder, 'dist')
  const binary = path.join(dist, readFileSync(pathFile, 'utf8').trim())
  return existsSync(binary) ? binary : undefined
}

/** A Chromium with a window: $CHROMIUM, else the usual names and places. */
export function findChromium(environment = process.env): string | undefined {
  const wanted = environment['CHROMIUM']
  if (wanted !== undefined && wanted !== '') {
    if (!existsSync(wanted)) throw new Error(`$CHROMIUM names ${wanted}, which does not exist`)
    return wanted
  }
  return usualPlaces(environment).find((file) => existsSync(file) && !isSnap(file))
}

/** A snap sees neither our temporary folders nor our pipe. */
const isSnap = (file: string): boolean => /^\/(?:snap\/|usr\/bin\/snap$)/.test(realpathSync(file))

function usualPlaces(environment: NodeJS.ProcessEnv): readonly string[] {
  switch (process.platform) {
    case 'darwin':
      return ['Chromium', 'Google Chrome', 'Microsoft Edge', 'Brave Browser']
        .map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`)
    case 'win32':
      return ['ProgramFiles', 'ProgramFiles(x86)', 'LocalAppData'].flatMap((name) => environment[name] ?? [])
        .flatMap((folder) => ['Google\\Chrome\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe',
          'Chromium\\Application\\chrome.exe'].map((file) => path.join(folder, file)))
    default: {
      const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge-stable',
        'brave-browser']
      const folders = [...(environment['PATH'] ?? '').split(path.delimiter).filter(Boolean), '/usr/bin', '/opt/bin']
      return names.flatMap((name) => folders.map((folder) => path.join(folder, name)))
    }
  }
}

/**
 * The browser for the stand-in.
 *
 * @throws Error with a sentence that says what to install, where there is none
 */
export async function findBrowser(): Promise<Browser> {
  const executable = findChromium()
  if (executable !== undefined) return { source: 'machine', executable, windowed: true, environment: {} }
  if (process.platform === 'linux' && process.arch === 'x64') return unpackNpmBrowser()
  throw new Error('no browser engine found: install Chromium or Chrome, or name one in $CHROMIUM ' +
    '(the headless one from npm is for Linux on x64 only)')
}

/**
 * Unpacks @sparticuz/chromium once. Its own code is not used: that unpacks to fixed names in the shared temporary
 * folder, trusts what already lies there, and launches with web security off.
 */
async function unpackNpmBrowser(): Promise<Browser> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const packageRoot = path.dirname(path.dirname(entry))
  const manifest = JSON.parse(await readFile(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  const cache = path.join(root, 'node_modules', '.cache')
  const folder = path.join(cache, `chromium-${manifest.version}`)
  if (!existsSync(folder)) {
    process.stderr.write('unpacking the headless browser that npm brought (once, some seconds)\n')
    await mkdir(cache, { recursive: true })
    // Under another name first: a kill half-way or a second process must not leave half a browser.
    const fresh = await mkdtemp(path.join(cache, 'chromium-'))
    await unpackInto(fresh, path.join(packageRoot, 'bin'))
    await rename(fresh, folder).catch(async (error: unknown) => {
      await rm(fresh, { recursive: true })
      if (!existsSync(folder)) throw error
    })
  }
  await writeFontConfiguration(folder)
  return {
    source: 'npm', executable: path.join(folder, 'chromium'), windowed: false,
    environment: {
      LD_LIBRARY_PATH: [path.join(folder, 'lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
      FONTCONFIG_FILE: path.join(folder, 'fonts.conf'),
    },
  }
}

async function unpackInto(folder: string, packed: string): Promise<void> {
  const unpacked = async (name: string): Promise<Buffer> => inflate(await readFile(path.join(packed, name)))
  await writeFile(path.join(folder, 'chromium'), await unpacked('chromium.br'))
  await chmod(path.join(folder, 'chromium'), 0o755)
  for (const name of ['al2023.tar.br', 'fonts.tar.br']) await untar(await unpacked(name), folder)
}

/** Fonts of the machine first, and Open Sans for a machine that has none. */
async function writeFontConfiguration(folder: string): Promise<void> {
  const file = path.join(folder, 'fonts.conf')
  const content = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>/usr/local/share/fonts</dir>
  <dir>${path.join(folder, 'fonts')}</dir>
  <cachedir>${path.join(folder, 'font-cache')}</cachedir>
  <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
  <match target="pattern"><edit name="family" mode="append_last"><string>Open Sans</string></edit></match>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
`
  if (existsSync(file) && await readFile(file, 'utf8') === content) return
  // One process may start several at once.
  const fresh = `${file}.${randomUUID()}`
  await writeFile(fresh, content)
  await rename(fresh, file)
}

/** Unpacks the regular files of a ustar archive: 512-byte headers, name at 0, size in octal at 124, type at 156. */
async function untar(archive: Buffer, folder: string): Promise<void> {
  const field = (from: number, length: number): string =>
    archive.toString('latin1', from, from + length).replace(/\0.*$/s, '')
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const name = [field(at + 345, 155), field(at, 100)].filter(Boolean).join('/')
    const size = Number.parseInt(field(at + 124, 12), 8)
    const target = path.join(folder, name)
    if (!target.startsWith(folder + path.sep)) throw new Error(`the archive names a file outside its folder: ${name}`)
    if (field(at + 156, 1) === '0' || field(at + 156, 1) === '') {
      await mkdir(path.dirname(target), { recursive: true })
      await writeFile(target, archive.subarray(at + 512, at + 512 + size))
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
}
