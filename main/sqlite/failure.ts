import Database from 'better-sqlite3'
import { statfsSync } from 'node:fs'
import path from 'node:path'
import { PortError } from '../ports.ts'

/** Below this many free bytes, a failed write is taken for a full disk: quotas and late allocation say "I/O error". */
const scarceBytes = 64 * 1024

/**
 * What an error of SQLite means to the app. `detail` is SQLite's own name for it; whatever is no failure of the world
 * comes back unchanged, because it is a bug.
 */
export function asPortError(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return asFileError(error)
  const { code } = error
  if (code === 'SQLITE_FULL') return new PortError('store-full')
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return new PortError('profile-busy')
  if (isReadOnly(code)) return new PortError('store-read-only', code)
  if (code.startsWith('SQLITE_IOERR')) return new PortError(isScarce(file) ? 'store-full' : 'store-damaged', code)
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return new PortError('store-damaged', code)
  return error
}

/** Where a file or its folder may not be written, SQLite can open neither it nor its WAL, or cannot lock it. */
const isReadOnly = (code: string): boolean => code.startsWith('SQLITE_READONLY') ||
  code.startsWith('SQLITE_CANTOPEN') || code === 'SQLITE_PERM' || code === 'SQLITE_IOERR_LOCK'

/** The same for what Node says while it makes the file. */
function asFileError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ENOSPC': case 'EDQUOT': return new PortError('store-full', error.code)
    case 'EACCES': case 'EPERM': case 'EROFS': return new PortError('store-read-only', error.code)
  }
  return error
}

function isScarce(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path.dirname(file))
    return bavail * bsize < scarceBytes
  } catch {
    return false
  }
}

/** Runs `task` and turns what SQLite throws into a PortError. */
export function translated<T>(file: string, task: () => T): T {
  try {
    return task()
  } catch (error) {
    throw asPortError(error, file)
  }
}
