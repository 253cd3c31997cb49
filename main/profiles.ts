/** Arguments of the command line, and the folders of the data: <data>/profiles/<profile>/, all closed to others. */
import {
  accessSync, chmodSync, constants, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

/** What the person who started the app got wrong; the message is for the terminal. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** `hidden`: started by the system at log-in, so nobody waits for the window. */
export type Wishes = { readonly profile?: string, readonly data?: string, readonly hidden?: true }

/** 1 to 40 characters that every file system takes, so that a profile's name is also its folder's. */
const profileName = /^[\p{L}\p{N}][\p{L}\p{N} _-]{0,39}$/u
const reservedOnWindows = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i

export const isProfileName = (name: string): boolean =>
  profileName.test(name) && !name.endsWith(' ') && !reservedOnWindows.test(name)

/**
 * Reads `--profile NAME`, `--data DIR` and `--hidden`. Other arguments belong to Chromium and are let through.
 *
 * @throws UsageError for a missing value or a name that cannot be a folder
 */
export function parseArguments(args: readonly string[]): Wishes {
  const { values } = parseArgs({
    args: [...args], strict: false,
    options: { profile: { type: 'string' }, data: { type: 'string' }, hidden: { type: 'boolean' } },
  })
  const { profile, data, hidden } = values
  if (profile !== undefined && (typeof profile !== 'string' || !isProfileName(profile))) {
    throw new UsageError('--profile needs a name of 1 to 40 letters, digits, spaces, "-" or "_"')
  }
  if (data !== undefined && (typeof data !== 'string' || data === '')) throw new UsageError('--data needs a folder')
  return {
    ...(profile !== undefined && { profile }), ...(data !== undefined && { data: path.resolve(data) }),
    ...(hidden === true && { hidden }),
  }
}

const folderOfProfiles = (data: string): string => path.join(data, 'profiles')
export const folderOf = (data: string, profile: string): string => path.join(folderOfProfiles(data), profile)

/**
 * Makes the data folder with mode 0700, or closes an existing one to others. A folder that holds anything else is
 * refused: nobody expects a messenger to change the permissions of their home.
 *
 * @throws UsageError when the folder is somebody else's or cannot be made
 */
export function prepareData(data: string): void {
  makeFolder(data)
  if (!existsSync(folderOfProfiles(data)) && readdirSync(data).length > 0) {
    throw new UsageError(`${data} is not empty and is no data folder of Coppice; choose another with --data`)
  }
  closeToOthers(data)
  makePrivate(folderOfProfiles(data))
}

/** Makes the folder of a profile (0700) and gives its path. */
export function prepareProfile(data: string, profile: string): string {
  return makePrivate(folderOf(data, profile))
}

function makePrivate(folder: string): string {
  makeFolder(folder)
  closeToOthers(folder)
  return folder
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'no reason given'
    throw new UsageError(`${folder} is not there and cannot be made (${why}); choose another place with --data`)
  }
}

/** Where nothing may be changed (a medium that is read-only) it stays as it is. */
function closeToOthers(folder: string): void {
  if ((statSync(folder).mode & 0o777) !== 0o700 && isWritable(folder)) chmodSync(folder, 0o700)
}

export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The profiles that hold something, in order of name. A folder without a store was never set up, unless its key slots
 * say that there was one: a store that is lost must not look like no profile at all. What was set aside is opened by its
 * name alone.
 */
export function profilesIn(data: string): readonly string[] {
  return readdirSync(folderOfProfiles(data), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isProfileName(entry.name))
    .map((entry) => entry.name)
    .filter((name) => ['profile.sqlite', 'slots.json']
      .some((file) => existsSync(path.join(folderOf(data, name), file))) && !existsSync(path.join(folderOf(data, name), asideMark)))
    .sort()
}

// ---------------------------------------------------------------- setting aside

/** Where files are gathered, in the profile's own folder, until all of them are there. */
const gathering = 'aside'
const asideMark = 'set-aside'
/** What the history and the way to it lie in; the window's own files belong to this computer. */
const ofTheHistory = [
  'profile.sqlite', 'profile.sqlite-wal', 'profile.sqlite-shm', 'profile.sqlite-journal', 'slots.json', 'slots.spare.json',
  'places.json', asideMark,
]

/**
 * Makes the profile a new one. What it held is kept as a profile of its own, whose name is given: nothing is deleted.
 * Nobody may have its files open. Throws what the file system throws; where it was cut off, `finishAside` goes on.
 */
export function setAside(data: string, profile: string): string {
  mkdirSync(path.join(folderOf(data, profile), gathering), { recursive: true, mode: 0o700 })
  return finishAside(data, profile) ?? profile
}

/** Goes on with what was begun. To be called before a profile is opened: a store that is half aside is no new one. */
export function finishAside(data: string, profile: string): string | undefined {
  const from = folderOf(data, profile)
  const to = path.join(from, gathering)
  if (!existsSync(to)) return undefined
  for (const file of ofTheHistory) {
    if (existsSync(path.join(from, file))) renameSync(path.join(from, file), path.join(to, file))
  }
  writeFileSync(path.join(to, asideMark), '', { mode: 0o600 })
  // It goes out by the proxy that was chosen, too.
  const settings = path.join(from, 'shell.json')
  if (existsSync(settings)) copyFileSync(settings, path.join(to, 'shell.json'))
  const name = asideName(data, profile)
  renameSync(to, folderOf(data, name))
  return name
}

function asideName(data: string, profile: string): string {
  const stem = `${Array.from(profile).slice(0, 24).join('').trimEnd()} set aside`
  for (let n = 1; ; n++) {
    const name = n === 1 ? stem : `${stem} ${String(n)}`
    if (!existsSync(folderOf(data, name))) return name
  }
}
