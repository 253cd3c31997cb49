import { deriveRecovery } from '../identity/recovery.ts'
import { encodeJob, type RestoreJob } from '../chat/restore-job.ts'
import type { ChosenBackup } from '../../preload/api.ts'
import { PortError, wipe, type BackupKey, type Place, type Ports, type Store } from '../ports.ts'
import { seedFrom } from './account.ts'
import { partsOf } from './backup-parts.ts'
import { suiteOfProduct } from './self.ts'
import type { Documents } from './stored-rooms.ts'

/** A backup that the person has chosen and opened. */

/** Lets the person choose one. */
export const chooseBackup = async (ports: Ports, kind: 'open' | 'folder'): Promise<ChosenBackup | undefined> =>
  chosenAt(ports, await ports.places.choose({ kind }))

/** The one that the system handed over. */
export const handedBackup = (ports: Ports): Promise<ChosenBackup | undefined> => chosenAt(ports, ports.places.handed())

async function chosenAt({ places, archive }: Ports, place: Place | undefined): Promise<ChosenBackup | undefined> {
  if (place === undefined) return undefined
  const sealed = await archive.look(place)
  if (sealed === 'nothing') throw new PortError('backup-malformed', 'empty')
  return { token: place.token, name: places.nameOf(place), bytes: await archive.measure(place), sealed }
}

/** A backup that what was typed opens, and whose it says it is. */
export type OpenedBackup = NonNullable<RestoreJob['going']> & { readonly accountId: string, readonly name: string }

export async function openBackup(ports: Ports, token: string, typed: string): Promise<OpenedBackup> {
  const place = placeAt(ports, token)
  const key = await keyTyped(ports, place, typed)
  if (key.type === 'passphrase') throw new PortError('bug', 'a passphrase is not kept')
  const quiet = { cancelled: () => false, progress: () => undefined }
  for await (const part of partsOf(ports.archive.read(place, key, quiet))) {
    if (part.type === 'account') return { token, key: key.secret, ...part.account }
  }
  throw new PortError('backup-malformed', 'account')
}

/** What opens the backup at a place, by what a person typed. The caller wipes its secret. */
export async function keyTyped(ports: Pick<Ports, 'archive' | 'suiteOf'>, place: Place, typed: string): Promise<BackupKey> {
  const sealed = await ports.archive.look(place)
  if (sealed === 'nothing') throw new PortError('backup-malformed', 'empty')
  if (sealed === 'passphrase') return ports.archive.unlock(place, { type: 'passphrase', passphrase: typed })
  const seed = seedFrom(typed)
  const secret = deriveRecovery(suiteOfProduct(ports), seed, 'backup')
  try {
    return await ports.archive.unlock(place, { type: 'words', secret })
  } finally {
    wipe([seed, secret])
  }
}

/** Throws PortError('backup-place') for a place that is not known any more. */
export function placeAt({ places }: Ports, token: string): Place {
  const place = places.at(token)
  if (place === undefined) throw new PortError('backup-place', 'unknown')
  return place
}

/** Of a backup that was not looked at yet. */
export const blankJob: RestoreJob = { id: '0'.repeat(64), startedAt: 0, added: 0, bases: new Map(), going: undefined }

/** What a new profile is to take in: kept before anything else is, so that it goes on whenever the program ends. */
export const keepJob = (store: Store, going: NonNullable<RestoreJob['going']>): void => {
  store.commit({ documents: jobDocuments({ ...blankJob, going }) })
}

export const jobDocuments = (job: RestoreJob): Documents =>
  [{ kind: 'restore', key: 'own', bytes: encodeJob(job) }]
