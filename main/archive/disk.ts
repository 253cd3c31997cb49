import { open, statfs } from 'node:fs/promises'
import path from 'node:path'
import { PortError } from '../ports.ts'

/** What the disk says of backups, in words that name no path. */

export const mib = 1024 * 1024
/** What stays free on the disk whatever is written. */
const spareBytes = 64 * mib

/** Rejects with PortError('backup-space') where so many bytes do not fit beside a file of that path. */
export async function demandRoom(target: string, expectedBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(path.dirname(target))
  if (bavail * bsize < expectedBytes + spareBytes) throw new PortError('backup-space', String(expectedBytes))
}

/** So that a file's name is on the disk before anything relies on it; where the system has no such thing, it does so itself. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => undefined)
  if (handle === undefined) return
  await handle.sync().catch(() => undefined)
  await handle.close()
}

/** What fails there, as a PortError. */
export async function atPlace<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw placeError(error)
  }
}

export function placeError(error: unknown): unknown {
  if (error instanceof PortError || !(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT': return new PortError('backup-space')
    default: return new PortError('backup-place', String(error.code))
  }
}
