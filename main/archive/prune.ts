import { rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Secret } from '../mls/index.ts'
import type { Archive } from '../ports.ts'
import { atPlace } from './disk.ts'
import { backupsIn, namesIn, quiet, readManifest, rootOf } from './folder.ts'
import { blobFile, type BackupFound } from './names.ts'

/**
 * What goes out of a folder of backups. Other devices may be writing to it: so nothing goes that is new, and what goes is
 * put aside first, until it is certain that no backup has come meanwhile that needs it. Whoever adds a backup looks for
 * its files when it is there (folder.ts): one of the two sees the other.
 */

const dayMs = 24 * 60 * 60 * 1000
/** Files of a backup that is being added belong to none yet. */
const graceMs = 2 * dayMs
const keptDays = 7
const keptWeeks = 4
const aside = '.gone'

export const pruneFolder: Archive['prune'] = (place, secret, now) => atPlace(async () => {
  const root = await rootOf(place)
  const kept = new Set(keptOf(await backupsIn(root)).map(({ backup }) => backup))
  for (const { backup } of await backupsIn(root)) {
    if (!kept.has(backup)) await rm(path.join(root, 'backups', backup), { force: true })
  }
  const seen = await backupsIn(root)
  const needed = await neededBy(root, secret, seen)
  const put: string[] = []
  for (const file of await storedIn(root)) {
    const own = file.endsWith(aside) ? file.slice(0, -aside.length) : file
    if (needed.has(own)) {
      // Put aside by a run that was killed.
      if (own !== file) await rename(path.join(root, file), path.join(root, own))
      continue
    }
    if (now - await changedAt(path.join(root, file)) < graceMs) continue
    if (own === file) await rename(path.join(root, file), path.join(root, `${file}${aside}`))
    put.push(own)
  }
  const later = (await backupsIn(root)).filter(({ backup }) => !seen.some((one) => one.backup === backup))
  const neededNow = await neededBy(root, secret, later)
  for (const file of put) {
    const gone = path.join(root, `${file}${aside}`)
    if (neededNow.has(file)) await rename(gone, path.join(root, file))
    else await rm(gone, { force: true })
  }
})

/** Of each writer, by the order in which they were made, whatever the clock said. */
export function keptOf(newestFirst: readonly BackupFound[]): readonly BackupFound[] {
  const writers = new Map<string, { readonly days: Set<number>, readonly weeks: Set<number> }>()
  return newestFirst.filter(({ writer, madeAt }) => {
    const { days, weeks } = writers.get(writer) ?? { days: new Set<number>(), weeks: new Set<number>() }
    writers.set(writer, { days, weeks })
    const day = Math.floor(madeAt / dayMs)
    const week = Math.floor(day / 7)
    const isOfDay = !days.has(day) && days.size < keptDays
    const isOfWeek = !weeks.has(week) && weeks.size < keptWeeks
    if (isOfDay) days.add(day)
    if (isOfWeek) weeks.add(week)
    return isOfDay || isOfWeek
  })
}

/** Rejects where one cannot be read: then nobody can say what it needs, and nothing goes. */
async function neededBy(root: string, secret: Secret, backups: readonly BackupFound[]): Promise<ReadonlySet<string>> {
  const needed = new Set<string>()
  for (const { backup } of backups) {
    const { manifest } = await readManifest(path.join(root, 'backups', backup), secret, quiet)
    for (const { in: name } of manifest.entries) needed.add(`entries/${name}`)
    for (const { hash } of manifest.blobs) needed.add(`blobs/${blobFile(secret, hash)}`)
  }
  return needed
}

const storedIn = async (root: string): Promise<readonly string[]> => {
  const [entries, blobs] = await Promise.all(['entries', 'blobs'].map((folder) => namesIn(path.join(root, folder))))
  return [...entries?.map((name) => `entries/${name}`) ?? [], ...blobs?.map((name) => `blobs/${name}`) ?? []]
}

/** Of one that another device has taken meanwhile: as if it were new. */
const changedAt = (file: string): Promise<number> => stat(file).then(({ mtimeMs }) => mtimeMs, () => Infinity)
