import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { archive } from '../../main/archive/archive.ts'
import { encodeLines, entriesName, fileName, segmentOf, type BackupEntry } from '../../main/chat/backup.ts'
import { deriveRecovery, seedOf } from '../../main/identity/recovery.ts'
import { Secret } from '../../main/mls/index.ts'
import type { BackupFile, BackupSeal, Place } from '../../main/ports.ts'
import {
  account, attachment, attachmentHash, contacts, conversations, entries, fixture, fixturesFolder, madeAt, passphrase, words,
} from './fixture.ts'
import { product, quiet } from './samples.ts'

// `node test/archive/make-fixtures.ts`: backups of this version of the format, and of one to come, into fixtures/. They are
// made once for a version, before it is released, and never changed afterwards: what is there is not written again. Each
// making gives other bytes (age's keys are random), which hold the same.

const version = 1

const list = (name: string, values: readonly object[]): BackupFile => {
  const bytes = encodeLines(values)
  return { name, size: bytes.length, bytes: [bytes] }
}
const listsOf = (of: number): readonly BackupFile[] => [
  list('about.json', [{ format: 'coppice-backup', version: of, app: '0.1.0', madeAt }]), list('account.jsonl', [account]),
  list('contacts.jsonl', contacts), list('conversations.jsonl', conversations),
]

function segments(some: readonly BackupEntry[]): ReadonlyMap<string, BackupFile> {
  const named = Map.groupBy(some, ({ conversation, order }) => entriesName(conversation, segmentOf(order)))
  return new Map([...named].map(([name, of]) => [name, list(name, of)]))
}

async function* filesOf(of: number): AsyncGenerator<BackupFile> {
  yield* listsOf(of)
  yield* segments(entries).values()
  yield await Promise.resolve({ name: fileName(attachmentHash), size: attachment.length, bytes: [attachment] })
}

/** What is there stays. */
async function once(name: string, make: (place: Place) => Promise<unknown>): Promise<void> {
  const place = fixture(name)
  if (existsSync(place.path)) return
  await make(place).catch((error: unknown) => {
    rmSync(place.path, { recursive: true, force: true })
    throw error
  })
  process.stdout.write(`${name}\n`)
}

/** Before a message came that names an attachment. */
const earlier = entries.filter(({ order }) => order !== 3)

/** Backups in a folder, one for each state of the entries. */
async function folder(
  place: Place, of: number, { seal, states }: { readonly seal: BackupSeal, readonly states: readonly (readonly BackupEntry[])[] },
): Promise<void> {
  mkdirSync(place.path)
  const secret = new Secret(new Uint8Array(32).fill(7))
  await archive.begin(place, { secret, seal })
  for (const some of states) {
    const files = segments(some)
    await archive.add(place, secret, {
      ...quiet, writer: 'aaaaaaaaaaaaaaaa', madeAt: madeAt - (some === entries ? 0 : 86_400_000), lists: listsOf(of),
      entries: [...files].map(([name, { size }]) => ({ name, size, stamp: String(size) })),
      entry: (name) => {
        const file = files.get(name)
        const isNaming = some.some((one) => one.kind === 'message' && one.attachments !== undefined
          && entriesName(one.conversation, segmentOf(one.order)) === name)
        return Promise.resolve({
          bytes: file === undefined ? new Uint8Array() : Buffer.concat([...file.bytes as Iterable<Uint8Array>]),
          files: isNaming ? [attachmentHash, '9c'.repeat(32)] : [],
        })
      },
      attachment: (hash) => hash === attachmentHash ? { size: attachment.length, bytes: [attachment] } : undefined,
    })
  }
}

const entered = seedOf(words)
if (entered.type !== 'seed') throw new Error('these are no words')
const toWords: BackupSeal =
  { type: 'recipient', recipient: await archive.recipientOf(deriveRecovery(product, entered.seed, 'backup')) }
const toPassphrase: BackupSeal = { type: 'passphrase', passphrase }
const write = (of: number, seal: BackupSeal) => (place: Place): Promise<unknown> =>
  archive.write(place, { ...quiet, seal, files: filesOf(of), expectedBytes: 0 })

mkdirSync(fixturesFolder, { recursive: true })
await once(`v${version}-passphrase.coppice-backup`, write(version, toPassphrase))
await once(`v${version}-words.coppice-backup`, write(version, toWords))
await once(`v${version}-folder`, (place) => folder(place, version, { seal: toWords, states: [earlier, entries] }))
await once('newer.coppice-backup', write(version + 1, toPassphrase))
await once('newer-folder', (place) => folder(place, version + 1, { seal: toPassphrase, states: [entries] }))
