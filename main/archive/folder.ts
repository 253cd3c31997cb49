import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { Secret } from '../mls/index.ts'
import {
  PortError, type Archive, type BackupFile, type BackupKey, type BackupSeal, type BackupWork, type FolderContent, type Place,
} from '../ports.ts'
import { identityOf, openStream, recipientOf, seedIn } from './age.ts'
import { atPlace, demandRoom, mib } from './disk.ts'
import { filesIn, piecesAt, tarred, wholeOf, writeSealed } from './file.ts'
import { decodeFolderManifest, encodeFolderManifest, type BlobPart, type EntriesPart, type FolderManifest } from './folder-manifest.ts'
import { aboutName, checkAbout, manifestName, type Listed } from './manifest.ts'
import {
  backupName, blobFile, entriesFile, folders, keyName, numberIn, readBackupName, writerIn, type BackupFound,
} from './names.ts'
import { tarEnd } from './tar.ts'

/**
 * A folder of backups that grows (docs/backup-format.md): files are only ever added, each written beside and renamed, and
 * a backup is there once its manifest is. So a writer that is killed, or another one at the same time, harms none.
 */

export const quiet: BackupWork = { cancelled: () => false, progress: () => undefined }
const subfolder = 'Coppice backups'

/** The folder itself where it is empty or one of backups; a folder in it where it holds anything else. */
export async function rootOf(place: Place): Promise<string> {
  const inside = path.join(place.path, subfolder)
  const names = await readdir(place.path)
  // Of a process that was killed while it made it one, there may be the beginning of a key.
  const isEmpty = names.every((name) => name === `${keyName}.part`)
  return names.includes(keyName) || isEmpty ? place.path : inside
}

export const keyOf = (secret: Secret): BackupKey => ({ type: 'words', secret })

// ---------------------------------------------------------------- the folder's own secret

export const beginFolder: Archive['begin'] = (place, { secret, seal }) => atPlace(async () => {
  const root = await rootOf(place)
  await mkdir(root, { recursive: true, mode: 0o700 })
  const text = new TextEncoder().encode(`${identityOf(secret)}\n`)
  await writeSealed(path.join(root, keyName), piecesOf([text]), { seal, work: quiet })
  text.fill(0)
})

export const joinFolder: Archive['join'] = (place, key) => atPlace(async () => {
  const file = path.join(await rootOf(place), keyName)
  const text = await all(await openStream(piecesAt(file, quiet), key))
  const seed = seedIn(new TextDecoder().decode(text).trim())
  text.fill(0)
  if (seed === undefined) throw new PortError('backup-malformed', 'key')
  return new Secret(seed)
})

async function all(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces) parts.push(piece)
  return Buffer.concat(parts)
}

async function* piecesOf(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield await Promise.resolve(piece)
}

/**
 * What says how it is opened: a backup in one file itself, of a folder the file with its secret. `undefined`: a folder
 * without backups.
 */
export const keyPlace = (place: Place): Promise<Place | undefined> => atPlace(async () => {
  if (!(await stat(place.path)).isDirectory()) return place
  const file = path.join(await rootOf(place), keyName)
  return existsSync(file) ? { ...place, path: file } : undefined
})

// ---------------------------------------------------------------- what is in it

/** The newest first. */
export async function backupsIn(root: string): Promise<readonly BackupFound[]> {
  const names = await namesIn(path.join(root, 'backups'))
  return names.flatMap((name) => readBackupName(name) ?? []).sort((a, b) => b.n - a.n || (a.backup < b.backup ? 1 : -1))
}

export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** A backup's lists and its manifest, all checked but what lies elsewhere. */
export async function readManifest(
  file: string, secret: Secret, work: BackupWork,
): Promise<{ readonly lists: readonly BackupFile[], readonly manifest: FolderManifest }> {
  const lists: BackupFile[] = []
  const found: Listed[] = []
  let manifest: FolderManifest | undefined
  for await (const { file: one, done } of filesIn(await openStream(piecesAt(file, work), keyOf(secret)))) {
    const { name, size } = one
    if (manifest !== undefined) throw new PortError('backup-malformed', 'order')
    const bytes = await wholeOf(one)
    if (lists.length === 0) checkAbout(name, bytes)
    if (name === manifestName) {
      manifest = decodeFolderManifest(bytes)
      continue
    }
    found.push({ name, size, sha256: await done() })
    lists.push({ name, size, bytes: [bytes] })
  }
  if (manifest === undefined || JSON.stringify(manifest.files) !== JSON.stringify(found)) {
    throw new PortError('backup-malformed', 'manifest')
  }
  return { lists, manifest }
}

export async function* readFolder(
  place: Place, key: BackupKey, { backup, ...work }: BackupWork & { readonly backup?: string },
): AsyncGenerator<BackupFile> {
  const root = await atPlace(() => rootOf(place))
  const secret = await joinFolder(place, key)
  let before = 0
  /** Of all files together. */
  const through: BackupWork = { ...work, progress: (bytes) => { work.progress(before + bytes) } }
  const next = async (file: string): Promise<AsyncIterable<Uint8Array>> => {
    // A part is missing; or all of it, where a disk was taken away.
    if (!existsSync(file) && existsSync(root)) throw new PortError('backup-malformed', 'missing')
    const opened = await openStream(piecesAt(file, through), keyOf(secret))
    before += (await atPlace(() => stat(file))).size
    return opened
  }
  try {
    const found = (await atPlace(() => backupsIn(root))).find((one) => backup === undefined || one.backup === backup)
    if (found === undefined) throw new PortError('backup-malformed', 'empty')
    const { lists, manifest } = await readManifest(path.join(root, 'backups', found.backup), secret, work)
    yield* lists
    for (const name of [...new Set(manifest.entries.map((one) => one.in))].sort()) {
      const wanted = new Map(manifest.entries.filter((one) => one.in === name).map((one) => [one.name, one]))
      yield* entriesFrom(await next(path.join(root, 'entries', name)), wanted)
    }
    for (const { hash, size } of manifest.blobs) {
      const counted = createHash('sha256')
      let length = 0
      const opened = await next(path.join(root, 'blobs', blobFile(secret, hash)))
      const bytes = (async function* () {
        for await (const piece of opened) {
          counted.update(piece)
          length += piece.length
          yield piece
        }
      })()
      yield { name: `files/${hash}`, size, bytes }
      for await (const _ of bytes) continue
      if (length !== size || counted.digest('hex') !== hash) throw new PortError('backup-malformed', 'blob')
    }
  } finally {
    secret.wipe()
  }
}

/** Of a file in `entries/` what a backup needs; the rest is of others. */
async function* entriesFrom(
  tar: AsyncIterable<Uint8Array>, wanted: Map<string, EntriesPart>,
): AsyncGenerator<BackupFile> {
  for await (const { file, done } of filesIn(tar)) {
    const part = wanted.get(file.name)
    if (part === undefined) continue
    if (part.size !== file.size) throw new PortError('backup-malformed', 'manifest')
    yield file
    if (await done() !== part.sha256) throw new PortError('backup-malformed', 'manifest')
    wanted.delete(file.name)
  }
  if (wanted.size > 0) throw new PortError('backup-malformed', 'manifest')
}

// ---------------------------------------------------------------- adding to it

/** About how much of the entries goes into one file. */
const fileBytes = 16 * mib
/** What a sealed file has beside its content, about. */
const headerBytes = 8 * 1024
const manyFiles = 60
const smallBytes = mib

export const addBackup: Archive['add'] = (place, secret, content) => atPlace(async () => {
  const root = await rootOf(place)
  for (const folder of folders) await mkdir(path.join(root, folder), { recursive: true, mode: 0o700 })
  const seal: BackupSeal = { type: 'recipient', recipient: await recipientOf(secret) }
  const adding = new Adding(root, { secret, seal }, content)
  return adding.run()
})

/** One backup that is being added. */
class Adding {
  readonly #root: string
  readonly #secret: Secret
  readonly #content: FolderContent
  readonly #seal: BackupSeal
  /** Sealed bytes, and plain ones of what is done. */
  #written = 0
  #done = 0

  constructor(root: string, { secret, seal }: { readonly secret: Secret, readonly seal: BackupSeal }, content: FolderContent) {
    this.#root = root
    this.#secret = secret
    this.#seal = seal
    this.#content = content
  }

  async run(): Promise<{ readonly bytes: number, readonly total: number }> {
    const { writer, madeAt } = this.#content
    const backups = await backupsIn(this.#root)
    await this.#tidy(backups)
    const stored = await namesIn(this.#in('entries'))
    const n = 1 + Math.max(0, ...[...backups.map(({ backup }) => backup), ...stored].map(numberIn))
    const { kept, fresh } = await this.#compare(backups, new Set(stored))
    await demandRoom(this.#in('entries'), fresh.reduce((sum, { size }) => sum + size, 0))
    const entries = [...kept, ...await this.#writeEntries(n, fresh)].sort((a, b) => a.name < b.name ? -1 : 1)
    const blobs = await this.#writeBlobs(new Set(entries.flatMap(({ files }) => files)))
    const backup = backupName({ n, madeAt, writer })
    await this.#writeManifest(backup, { entries, blobs })
    await this.#check(backup, { entries, blobs })
    return { bytes: this.#written, total: await sizeOf(this.#root) }
  }

  #in(...names: readonly string[]): string {
    return path.join(this.#root, ...names)
  }

  /** What this writer has begun and not finished: nothing but its own next backup could have used it. */
  async #tidy(backups: readonly BackupFound[]): Promise<void> {
    const { writer } = this.#content
    const done = Math.max(0, ...backups.filter((one) => one.writer === writer).map(({ n }) => n))
    for (const folder of folders) {
      for (const name of await namesIn(this.#in(folder))) {
        const isUnnamed = writerIn(name) === writer && numberIn(name) > done
        if (isUnnamed || name.endsWith(`${writer}.part`)) await rm(this.#in(folder, name), { force: true })
      }
    }
  }

  /** What of the last backup still holds, and what has to be written. */
  async #compare(backups: readonly BackupFound[], stored: ReadonlySet<string>) {
    const last = backups.find(({ writer }) => writer === this.#content.writer)
    const before = last === undefined ? undefined : await readManifest(this.#in('backups', last.backup), this.#secret, quiet)
      .catch((error: unknown) => {
        // A damaged one is of no use to the next: everything is written again.
        if (error instanceof PortError && error.code === 'backup-malformed') return undefined
        throw error
      })
    const known = new Map((before?.manifest.entries ?? []).map((one) => [one.name, one]))
    const kept: EntriesPart[] = []
    const fresh: FolderContent['entries'][number][] = []
    for (const one of this.#content.entries) {
      const part = known.get(one.name)
      if (part?.stamp === one.stamp && stored.has(part.in)) kept.push(part)
      else fresh.push(one)
    }
    const thin = await this.#thin(kept)
    const stamps = new Map(this.#content.entries.map((one) => [one.name, one]))
    return {
      kept: kept.filter((one) => !thin.has(one.in)),
      fresh: [...fresh, ...kept.flatMap((one) => thin.has(one.in) ? stamps.get(one.name) ?? [] : [])]
        .sort((a, b) => a.name < b.name ? -1 : 1),
    }
  }

  /** Files of which less than half is still of use, and small ones of many: what they hold moves, so that they can go. */
  async #thin(kept: readonly EntriesPart[]): Promise<ReadonlySet<string>> {
    const used = new Map<string, number>()
    for (const { in: name, size } of kept) used.set(name, (used.get(name) ?? 0) + size)
    const thin = new Set<string>()
    for (const [name, bytes] of used) {
      const { size } = await stat(this.#in('entries', name))
      if (2 * bytes < size - headerBytes || (used.size > manyFiles && size < smallBytes)) thin.add(name)
    }
    return thin
  }

  async #writeEntries(n: number, fresh: FolderContent['entries']): Promise<readonly EntriesPart[]> {
    const parts: EntriesPart[] = []
    let at = 0
    for (let file = 0; at < fresh.length; file += 1) {
      const name = entriesFile(n, this.#content.writer, file)
      const some = (async function* (adding: Adding) {
        for (let bytes = 0; at < fresh.length && bytes < fileBytes; at += 1) {
          const one = fresh[at]
          if (one === undefined) break
          const entry = await adding.#content.entry(one.name)
          const hash = createHash('sha256')
          yield* tarred({ name: one.name, size: entry.bytes.length, bytes: [entry.bytes] }, hash)
          bytes += entry.bytes.length
          parts.push({
            name: one.name, size: entry.bytes.length, sha256: hash.digest('hex'), stamp: one.stamp, in: name, files: entry.files,
          })
          adding.#tell(one.size)
        }
        yield tarEnd()
      })(this)
      await this.#write(['entries', name], some)
    }
    return parts
  }

  async #writeBlobs(hashes: ReadonlySet<string>): Promise<readonly BlobPart[]> {
    const stored = new Set(await namesIn(this.#in('blobs')))
    const blobs: BlobPart[] = []
    for (const hash of [...hashes].sort()) {
      const attachment = this.#content.attachment(hash)
      if (attachment === undefined) continue
      const name = blobFile(this.#secret, hash)
      if (stored.has(name) && await this.#touch(name, attachment.size)) {
        blobs.push({ hash, size: attachment.size })
        continue
      }
      await demandRoom(this.#in('blobs', name), attachment.size)
      try {
        await this.#write(['blobs', name], piecesIn(attachment.bytes))
      } catch (error) {
        // It was deleted meanwhile.
        if (error instanceof PortError && error.code === 'backup-changed') continue
        throw error
      }
      blobs.push({ hash, size: attachment.size })
      this.#tell(attachment.size)
    }
    return blobs
  }

  /** Says that it is still of use, to whoever prunes; false for one that cannot be whole. */
  async #touch(name: string, size: number): Promise<boolean> {
    const file = this.#in('blobs', name)
    try {
      if ((await stat(file)).size < size) return false
      const now = new Date(this.#content.madeAt)
      await utimes(file, now, now)
      return true
    } catch {
      return false
    }
  }

  async #writeManifest(backup: string, rest: Pick<FolderManifest, 'entries' | 'blobs'>): Promise<void> {
    const { lists } = this.#content
    if (lists[0]?.name !== aboutName) throw new PortError('bug', 'backup order')
    const files: Listed[] = []
    const whole = (async function* () {
      for (const list of lists) {
        const hash = createHash('sha256')
        yield* tarred(list, hash)
        files.push({ name: list.name, size: list.size, sha256: hash.digest('hex') })
      }
      const bytes = encodeFolderManifest({ files, ...rest })
      yield* tarred({ name: manifestName, size: bytes.length, bytes: [bytes] }, createHash('sha256'))
      yield tarEnd()
    })()
    await this.#write(['backups', backup], whole)
  }

  async #write(names: readonly string[], plain: AsyncIterable<Uint8Array>): Promise<void> {
    const target = this.#in(...names)
    const { cancelled, writer } = this.#content
    this.#written += await writeSealed(target, plain, {
      seal: this.#seal, part: `${target}.${writer}.part`, work: { cancelled, progress: () => undefined },
    })
  }

  /** Whoever prunes at the same time has either seen this backup, or what it took is missed here. */
  async #check(backup: string, { entries, blobs }: Pick<FolderManifest, 'entries' | 'blobs'>): Promise<void> {
    const stored = new Set([...await namesIn(this.#in('entries')), ...await namesIn(this.#in('blobs'))])
    const needed = [...entries.map((one) => one.in), ...blobs.map(({ hash }) => blobFile(this.#secret, hash))]
    if (needed.every((name) => stored.has(name))) return
    await rm(this.#in('backups', backup), { force: true })
    throw new PortError('backup-place', 'gone')
  }

  #tell(bytes: number): void {
    this.#done += bytes
    this.#content.progress(this.#done)
  }
}

async function* piecesIn(bytes: BackupFile['bytes']): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) yield piece
}

export async function sizeOf(root: string): Promise<number> {
  let bytes = 0
  for (const folder of folders) {
    for (const name of await namesIn(path.join(root, folder))) {
      bytes += await stat(path.join(root, folder, name)).then(({ size }) => size, () => 0)
    }
  }
  return bytes
}
