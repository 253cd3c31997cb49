import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import {
  PortError, type Archive, type BackupFile, type BackupKey, type BackupSeal, type BackupWork, type Place,
} from '../ports.ts'
import { openStream, sealStream } from './age.ts'
import { atPlace, demandRoom, mib, placeError, syncFolder } from './disk.ts'
import { aboutName, checkAbout, manifestName, Manifest, type Listed } from './manifest.ts'
import { readTar, tarEnd, tarHeader, tarPadding } from './tar.ts'

/** One backup is one file: age around a tar. Written beside its target and renamed, so that a half one never counts. */
export async function writeFile(
  place: Place, options: Parameters<Archive['write']>[1],
): Promise<{ readonly bytes: number }> {
  const { seal, files, expectedBytes, ...work } = options
  return atPlace(async () => {
    await demandRoom(place.path, expectedBytes)
    return { bytes: await writeSealed(place.path, tarOf(files), { seal, work }) }
  })
}

export async function writePlain(
  place: Place, { pieces, expectedBytes, ...work }: Parameters<Archive['writePlain']>[1],
): Promise<{ readonly bytes: number }> {
  return atPlace(async () => {
    await demandRoom(place.path, expectedBytes)
    return { bytes: await writeWhole(place.path, pieces, { work }) }
  })
}

/** As `writeWhole`, sealed. `part` is what it is called until then. */
export const writeSealed = async (
  target: string, plain: AsyncIterable<Uint8Array>,
  { seal, ...rest }: { readonly seal: BackupSeal, readonly work: BackupWork, readonly part?: string },
): Promise<number> => writeWhole(target, await sealStream(plain, seal), rest)

const partOf = (target: string): string => `${target}.part`

/** What a process that was killed has left beside its target. */
export const sweepFile = ({ path }: Place): Promise<void> => atPlace(() => rm(partOf(path), { force: true }))

/** Writes beside the target, and renames when all of it is on the disk. Nothing is left of what was not finished. */
async function writeWhole(
  target: string, bytes: AsyncIterable<Uint8Array>,
  { work, part = partOf(target) }: { readonly work: BackupWork, readonly part?: string },
): Promise<number> {
  await rm(part, { force: true })
  const handle = await open(part, 'wx', 0o600)
  try {
    const written = await pour(handle, bytes, work)
    await handle.sync()
    await handle.close()
    await rename(part, target)
    await syncFolder(path.dirname(target))
    return written
  } catch (error) {
    await handle.close().catch(() => undefined)
    await rm(part, { force: true })
    throw error
  }
}

async function pour(handle: FileHandle, sealed: AsyncIterable<Uint8Array>, work: BackupWork): Promise<number> {
  let bytes = 0
  for await (const piece of sealed) {
    if (work.cancelled()) throw new PortError('backup-cancelled')
    await writeAll(handle, piece)
    bytes += piece.length
    work.progress(bytes)
  }
  return bytes
}

/** A disk that is nearly full takes a part, and says so in a number alone: the next write is refused. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes.subarray(at))).bytesWritten
}

/** The files, then a manifest of them. */
async function* tarOf(files: AsyncIterable<BackupFile> | Iterable<BackupFile>): AsyncGenerator<Uint8Array> {
  const listed: Listed[] = []
  for await (const file of files) {
    // The manifest stands where its name stands among the others; nothing behind it is of the backup.
    if (file.name >= manifestName) throw new PortError('bug', 'backup order')
    const hash = createHash('sha256')
    yield* tarred(file, hash)
    listed.push({ name: file.name, size: file.size, sha256: hash.digest('hex') })
  }
  if (listed[0]?.name !== aboutName) throw new PortError('bug', 'backup order')
  const bytes = Manifest.encode(listed)
  yield* tarred({ name: manifestName, size: bytes.length, bytes: [bytes] }, createHash('sha256'))
  yield tarEnd()
}

export async function* tarred({ name, size, bytes }: BackupFile, hash: Hash): AsyncGenerator<Uint8Array> {
  yield tarHeader(name, size)
  let left = size
  for await (const piece of bytes) {
    hash.update(piece)
    left -= piece.length
    yield piece
  }
  if (left !== 0) throw new PortError('bug', 'backup size')
  yield tarPadding(size)
}

/** How many files a reader keeps in mind: a million messages are about 1,000, and each attachment is one. */
const countLimit = 250_000
/** What of a backup is held as a whole. */
export const listLimit = 64 * mib

export async function* readFile(place: Place, key: BackupKey, work: BackupWork): AsyncGenerator<BackupFile> {
  const found: Listed[] = []
  let manifest: readonly Listed[] | undefined
  for await (const { file, done } of filesIn(await openStream(piecesAt(place.path, work), key))) {
    const { name, size } = file
    if (manifest !== undefined) throw new PortError('backup-malformed', 'order')
    if (name === manifestName) {
      manifest = Manifest.decode(await wholeOf(file))
      continue
    }
    if (found.length >= countLimit) throw new PortError('backup-malformed', 'count')
    if (found.length === 0) {
      const bytes = await wholeOf(file)
      checkAbout(name, bytes)
      yield { ...file, bytes: [bytes] }
    } else yield file
    const sha256 = await done()
    // An attachment is called by its hash.
    if (name.startsWith('files/') && name !== `files/${sha256}`) throw new PortError('backup-malformed', 'hash')
    found.push({ name, size, sha256 })
  }
  if (manifest === undefined || !isSame(manifest, found)) throw new PortError('backup-malformed', 'manifest')
}

/**
 * The files of a tar, one after the other. `done` is the hash of one, and reads first what nobody has read of it.
 */
export async function* filesIn(
  tar: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly file: BackupFile, readonly done: () => Promise<string> }> {
  const events = readTar(tar)
  try {
    let event = (await events.next()).value
    while (event?.type === 'file') {
      const { name, size } = event
      const hash = createHash('sha256')
      let digest: string | undefined
      let left = size
      const next = async (): Promise<Uint8Array | undefined> => {
        const data = left === 0 ? undefined : (await events.next()).value
        if (data?.type !== 'data') return undefined
        hash.update(data.bytes)
        left -= data.bytes.length
        return data.bytes
      }
      const bytes = async function* (): AsyncGenerator<Uint8Array> {
        for (let piece = await next(); piece !== undefined; piece = await next()) yield piece
      }
      const done = async (): Promise<string> => {
        while (await next() !== undefined) continue
        return digest ??= hash.digest('hex')
      }
      yield { file: { name, size, bytes: bytes() }, done }
      await done()
      event = (await events.next()).value
    }
  } finally {
    // Not waited for: what is below may be in the middle of a piece.
    events.return(undefined).catch(() => undefined)
  }
}

/** The bytes of a list. Rejects with PortError('backup-malformed') for one that is larger than any. */
export async function wholeOf({ name, size, bytes }: BackupFile): Promise<Uint8Array> {
  if (size > listLimit) throw new PortError('backup-malformed', name)
  const whole = new Uint8Array(size)
  let at = 0
  for await (const piece of bytes) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const isSame = (manifest: readonly Listed[], found: readonly Listed[]): boolean =>
  manifest.length === found.length && manifest.every((one, at) => {
    const other = found[at]
    return one.name === other?.name && one.size === other.size && one.sha256 === other.sha256
  })

export async function* piecesAt(path: string, { cancelled, progress }: BackupWork): AsyncGenerator<Uint8Array> {
  let read = 0
  try {
    for await (const piece of createReadStream(path, { highWaterMark: mib })) {
      if (cancelled()) throw new PortError('backup-cancelled')
      const bytes = piece as Uint8Array
      read += bytes.length
      progress(read)
      yield bytes
    }
  } catch (error) {
    throw placeError(error)
  }
}
