import { stat } from 'node:fs/promises'
import type { Archive } from '../ports.ts'
import { fileKeyOf, recipientOf, sealOf } from './age.ts'
import { atPlace } from './disk.ts'
import { readFile, sweepFile, writeFile, writePlain } from './file.ts'
import { addBackup, backupsIn, beginFolder, joinFolder, keyPlace, readFolder, rootOf, sizeOf } from './folder.ts'
import { pruneFolder } from './prune.ts'

/** Backups as the Archive port wants them: one file, or a folder that grows. */
export const archive: Archive = {
  recipientOf,
  write: writeFile,
  writePlain,
  sweep: sweepFile,
  read: async function* (place, key, options) {
    const isFolder = (await atPlace(() => stat(place.path))).isDirectory()
    yield* isFolder ? readFolder(place, key, options) : readFile(place, key, options)
  },
  measure: (place) => atPlace(async () => {
    const found = await stat(place.path)
    return found.isDirectory() ? sizeOf(await rootOf(place)) : found.size
  }),
  look: async (place) => {
    const key = await keyPlace(place)
    if (key === undefined) return 'nothing'
    return await sealOf(key) === 'recipient' ? 'words' : 'passphrase'
  },
  unlock: async (place, key) => fileKeyOf(await keyPlace(place) ?? place, key),
  list: (place) => atPlace(async () => backupsIn(await rootOf(place))),
  begin: beginFolder,
  join: joinFolder,
  add: addBackup,
  prune: pruneFolder,
}
