/** Arguments of the command line, and the folders of the data: <data>/profiles/<profile>/, all closed to others. */
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
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
 * say that there was one: a store that is lost must not look like no profile at all.
 */
export function profilesIn(data: string): readonly string[] {
  return readdirSync(folderOfProfiles(data), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isProfileName(entry.name))
    .map((entry) => entry.name)
    .filter((name) => ['profile.sqlite', 'slots.json']
      .some((file) => existsSync(path.join(folderOf(data, name), file))))
    .sort()
}
