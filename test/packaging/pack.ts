/** Packs the built app for a system as `npm run dist` does, around something that stands for Electron's binary. */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { root } from '../e2e/harness.ts'
import { stubElectron } from './asar.ts'

export const systems = ['linux', 'mac', 'win'] as const
export type System = typeof systems[number]

export type Packed = {
  readonly asar: string
  /** The file with the fuses. */
  readonly binary: string
  /** The folder that is put on the person's disk. */
  readonly folder: string
}

const run = promisify(execFile)
const emptyPlist = '<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict></dict></plist>'

/** Unpacked in `<folder>/<system>`; for Linux by the script of `npm run dist`, with a .deb and a .tar.gz beside it. */
export async function pack(system: System, folder: string): Promise<Packed> {
  const electron = path.join(folder, `${system}-electron`)
  const output = path.join(folder, system)
  const framework = writeElectron(system, electron)
  const args = system === 'linux'
    ? [path.join(root, 'test', 'cli', 'dist.ts'), 'deb', 'tar.gz', '--electron-dist', electron, '--output', output]
    : [
      path.join(root, 'node_modules', 'electron-builder', 'cli.js'), `--${system}`, 'dir', '--x64',
      '--publish', 'never', `-c.electronDist=${electron}`, `-c.directories.output=${output}`,
      // What only that system, or a binary of its kind, can do.
      ...system === 'mac'
        ? ['-c.electronFuses.resetAdHocDarwinSignature=false', '-c.mac.identity=null']
        : ['-c.win.signAndEditExecutable=false', '-c.disableAsarIntegrity=true'],
    ]
  await run(process.execPath, args, { cwd: root, maxBuffer: 2 ** 24 })
  if (system === 'mac') {
    const contents = path.join(output, 'mac', 'Coppice.app', 'Contents')
    const asar = path.join(contents, 'Resources', 'app.asar')
    return { folder: contents, asar, binary: path.join(contents, framework) }
  }
  const unpacked = path.join(output, `${system}-unpacked`)
  return {
    folder: unpacked, asar: path.join(unpacked, 'resources', 'app.asar'),
    binary: path.join(unpacked, system === 'win' ? 'Coppice.exe' : 'coppice'),
  }
}

/** Gives where in it the fuses are, from the bundle's Contents on. */
function writeElectron(system: System, folder: string): string {
  if (system !== 'mac') {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, system === 'win' ? 'electron.exe' : 'electron'), stubElectron, { mode: 0o755 })
    return ''
  }
  const contents = path.join(folder, 'Electron.app', 'Contents')
  const write = (name: string, bytes: string | Uint8Array): void => {
    mkdirSync(path.dirname(path.join(contents, name)), { recursive: true })
    writeFileSync(path.join(contents, name), bytes, { mode: 0o755 })
  }
  const framework = 'Frameworks/Electron Framework.framework/Electron Framework'
  write(framework, stubElectron)
  write('Info.plist', emptyPlist)
  write('MacOS/Electron', '')
  for (const helper of ['Helper', 'Helper (Renderer)', 'Helper (Plugin)', 'Helper (GPU)']) {
    write(`Frameworks/Electron ${helper}.app/Contents/Info.plist`, emptyPlist)
    write(`Frameworks/Electron ${helper}.app/Contents/MacOS/Electron ${helper}`, '')
  }
  return framework
}
