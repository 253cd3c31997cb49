/** Backups of people, made by their apps and opened as anybody would who has the key. */
import { archive } from '../../main/archive/archive.ts'
import { wholeOf } from '../../main/archive/file.ts'
import { deriveRecovery, seedOf } from '../../main/identity/recovery.ts'
import type { BackupKey, Place } from '../../main/ports.ts'
import type { Change } from '../../preload/api.ts'
import { suite } from './devices.ts'
import type { Person } from './world.ts'

export const placeAt = (path: string): Place => ({ token: path, path })

export function keyOfWords(words: string): BackupKey {
  const entered = seedOf(words)
  if (entered.type !== 'seed') throw new Error('these are no words')
  return { type: 'words', secret: deriveRecovery(suite, entered.seed, 'backup') }
}

/** Everything in a backup, by name. */
export async function opened(path: string, key: BackupKey): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const work = { cancelled: () => false, progress: () => undefined }
  for await (const file of archive.read(placeAt(path), key, work)) found.set(file.name, Buffer.from(await wholeOf(file)))
  return found
}

/** The messages in one, in order. */
export const textsIn = (backup: ReadonlyMap<string, Buffer>): readonly string[] =>
  [...backup].filter(([name]) => name.startsWith('entries/')).flatMap(([, bytes]) => bytes.toString().split('\n'))
    .flatMap((line) => line === '' ? [] : [JSON.parse(line) as { kind: string, text?: string }])
    .flatMap(({ kind, text = '' }) => kind === 'message' ? [text] : [])

export const wordsOf = async (person: Person): Promise<string> => (await person.call('recovery.words', {})).join(' ')

/** What the window was told of backups. */
export const toldOf = (person: Person): readonly NonNullable<Change['backup']>[] => person.changes.flatMap(({ backup }) => backup ?? [])

