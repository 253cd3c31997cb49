/** Backups that a person makes by the app, and what became of them. */
import path from 'node:path'
import type { BackupSeal } from '../../main/ports.ts'
import type { Restore } from '../../preload/api.ts'
import { until, type Person } from './world.ts'

/** One file, for a passphrase or for the words; gives where it lies. */
export async function backupOf(person: Person, seal: BackupSeal): Promise<string> {
  const file = path.join(person.folder, `${person.name}.age`)
  person.places.chosen = file
  await person.call('backup.export', { passphrase: seal.type === 'passphrase' ? seal.passphrase : '' })
  person.places.chosen = undefined
  return file
}

/** Waits until work on a backup has ended, and gives what it came to. */
export const ended = (person: Person, limitMs = 60_000): Promise<Restore> => until(`${person.name}'s work on a backup ends`, async () => {
  const { restore } = await person.call('app.open', {})
  return restore !== undefined && 'done' in restore ? undefined : restore
}, limitMs)
