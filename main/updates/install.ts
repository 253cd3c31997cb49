/** Puts a new version in the place of the old one, by the way of each system. */
import { spawn } from 'node:child_process'
import {
  accessSync, chmodSync, closeSync, constants, copyFileSync, fsyncSync, openSync, realpathSync, renameSync, rmSync,
} from 'node:fs'
import path from 'node:path'
import { isIntact } from './fetch.ts'
import { UpdateError, type UpdateFile } from './manifest.ts'

export type Installer = {
  /** Which of the files is for here. */
  readonly target: string
  /**
   * Puts the file in its place. `installed`: the next start is the new version. `leaving`: a program was started that
   * needs this one to end. `shown`: the person was shown what to do with it.
   *
   * @throws UpdateError 'tampered', 'not-installed'
   */
  readonly install: (place: string, file: UpdateFile) => Promise<'installed' | 'leaving' | 'shown'>
}

export type Environment = Readonly<Record<string, string | undefined>>

export type Here = {
  readonly platform: NodeJS.Platform
  readonly arch: string
  readonly packaged: boolean
  readonly environment: Environment
  /** The running program's own file. */
  readonly program: string
  /** Opens a file by the system. Gives what went wrong, or an empty text. */
  readonly open: (place: string) => Promise<string>
}

/**
 * How this app is kept new by itself; undefined where somebody else does that: a package manager on Linux (a .deb, a
 * snap, a Flatpak), whoever unpacked an archive, and whoever runs the source.
 */
export function installerFor({ platform, arch, packaged, environment, program, open }: Here): Installer | undefined {
  const appImage = appImageOf(environment, program)
  if (!packaged) return undefined
  if (platform === 'linux' && appImage !== undefined && isReplaceable(appImage)) {
    return { target: `linux-${arch}-AppImage`, install: (place, file) => replaceAppImage(place, file, appImage) }
  }
  if (platform === 'win32') return { target: `win-${arch}-exe`, install: (place) => startInstaller(place) }
  if (platform !== 'darwin') return undefined
  return {
    target: `mac-${arch}-dmg`,
    install: async (place) => {
      if (await open(place) !== '') throw new UpdateError('not-installed')
      return 'shown'
    },
  }
}

/**
 * The AppImage that this program runs from. Whoever is started out of another AppImage inherits the name of that one:
 * ours is mounted where this program lies.
 */
export function appImageOf({ APPIMAGE: file, APPDIR: mounted }: Environment, program: string): string | undefined {
  if (file === undefined || mounted === undefined || !path.isAbsolute(file) || !path.isAbsolute(mounted)) return undefined
  try {
    return realpathSync(program).startsWith(realpathSync(mounted) + path.sep) ? file : undefined
  } catch {
    return undefined
  }
}

/** One that an administrator put there is theirs to replace. */
function isReplaceable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    accessSync(path.dirname(file), constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The running app goes on from the old file, which has no name any more. What is put in its place is hashed there, so
 * that nobody can change it between the check and the move.
 */
async function replaceAppImage(place: string, file: UpdateFile, appImage: string): Promise<'installed'> {
  const beside = path.join(path.dirname(appImage), `.${path.basename(appImage)}.new`)
  try {
    rmSync(beside, { force: true })
    copyFileSync(place, beside, constants.COPYFILE_EXCL)
    if (!await isIntact(beside, file)) throw new UpdateError('tampered')
    chmodSync(beside, 0o755)
    const descriptor = openSync(beside, 'r')
    fsyncSync(descriptor)
    closeSync(descriptor)
    renameSync(beside, appImage)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error instanceof UpdateError ? error : new UpdateError('not-installed')
  }
  return 'installed'
}

/** electron-builder's NSIS waits for this program to end, replaces it without questions, and starts it again. */
function startInstaller(place: string): Promise<'leaving'> {
  return new Promise((resolve, reject) => {
    const child = spawn(place, ['--updated', '/S', '--force-run'], { detached: true, stdio: 'ignore' })
    child.once('error', () => { reject(new UpdateError('not-installed')) })
    child.once('spawn', () => {
      child.unref()
      resolve('leaving')
    })
  })
}
