/**
 * Spelling is checked with dictionaries that lie on this computer, or not at all. Chromium takes a dictionary from its
 * own folder where it finds it under the name of the version that it knows, and would fetch it otherwise: from an address
 * of this app that does not exist.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { WindowSession } from '../electron.ts'
import { origin } from '../window.ts'

/** Where systems put dictionaries in Chromium's format. */
const systemFolders = [
  '/usr/share/hunspell-bdic', '/usr/share/qt6/qtwebengine_dictionaries', '/usr/share/qt5/qtwebengine_dictionaries',
]

/** Chromium's versions: most dictionaries are of the first. */
const usualVersion = '-3-0'
const versions: Readonly<Record<string, string>> = {
  'en-AU': '-10-1', 'en-CA': '-10-1', 'en-GB': '-10-1', 'en-US': '-10-1', 'fa-IR': '-9-0', 'sh': '-4-0', 'sr': '-4-0',
  'tr-TR': '-4-0', 'tg-TG': '-5-0', 'cy-GB': '-1-0', 'hy': '-1-0',
}
const fileName = /^([a-z]{2,3}(?:[_-][A-Z]{2})?)(?:-\d+-\d+)?\.bdic$/

type Dictionary = { readonly file: string, readonly region: string }

export type SpellingOptions = {
  readonly session: WindowSession
  readonly platform: NodeJS.Platform
  /** Chromium's own folder of this profile. */
  readonly folder: string
  readonly systemFolders?: readonly string[]
}

/** By language, as Chromium calls it. */
function dictionariesOf({ session, folder, systemFolders: places = systemFolders }: SpellingOptions): ReadonlyMap<string, Dictionary> {
  const found = new Map<string, Dictionary>()
  const known = new Set(session.availableSpellCheckerLanguages)
  for (const place of [folder, ...places]) {
    if (!existsSync(place)) continue
    for (const name of readdirSync(place)) {
      const region = fileName.exec(name)?.[1]?.replace('_', '-')
      if (region === undefined) continue
      const language = known.has(region) ? region : region.slice(0, region.indexOf('-'))
      if (known.has(language) && !found.has(language)) found.set(language, { file: path.join(place, name), region })
    }
  }
  return found
}

/** Languages that can be checked here; `undefined` where the system checks by itself. */
export function languagesOf(options: SpellingOptions): readonly string[] | undefined {
  return options.platform === 'darwin' ? undefined : [...dictionariesOf(options).keys()].sort()
}

/**
 * Before a window is made: switches the checker of its session on or off, and gives which it is. Nothing is ever
 * fetched.
 */
export function prepareSpelling(options: SpellingOptions, wanted: { readonly on: boolean, readonly languages: readonly string[] }): boolean {
  const { session, platform, folder } = options
  session.setSpellCheckerDictionaryDownloadURL(`${origin}no-dictionaries/`)
  const found = platform === 'darwin' ? undefined : dictionariesOf(options)
  const languages = wanted.languages.filter((language) => found?.has(language) === true)
  const on = wanted.on && (found === undefined || languages.length > 0)
  session.setSpellCheckerEnabled(on)
  if (found === undefined) return on
  for (const language of on ? languages : []) place(found.get(language), folder)
  session.setSpellCheckerLanguages(on ? languages : [])
  return on
}

/** Puts a dictionary where Chromium looks for it. */
function place(dictionary: Dictionary | undefined, folder: string): void {
  if (dictionary === undefined) return
  const { file, region } = dictionary
  const target = path.join(folder, `${region}${versions[region] ?? usualVersion}.bdic`)
  if (existsSync(target)) return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  copyFileSync(file, target)
}
