import Database from 'better-sqlite3'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { PortError } from '../ports.ts'
import { asPortError, translated } from './failure.ts'

/**
 * Makes this process the only one that may touch `file`, until the function that it gives is called or the process
 * dies in whatever way. The operating system holds the lock, through SQLite, on an empty file `<file>.lock`; the
 * holder's process id lies beside it in `<file>.pid`.
 *
 * Nothing else in this process may open `<file>.lock` or `file` itself: on POSIX, closing any descriptor of a file
 * drops the process's locks on it.
 *
 * @throws PortError 'profile-busy', with the holder's process id as detail where it is known; 'store-read-only'
 */
export function lockStore(file: string): () => void {
  const database = translated(file, () => new Database(`${file}.lock`, { timeout: 200 }))
  try {
    // No journal file: nothing is ever written, an exclusive transaction just stays open.
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    const isBusy = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')
    throw isBusy ? new PortError('profile-busy', holder(file)) : asPortError(error, file)
  }
  try {
    writeFileSync(`${file}.pid`, `${process.pid}\n`, { mode: 0o600 })
  } catch {
    // A full disk: the lock holds without its label.
  }
  return () => {
    if (!database.open) return
    rmSync(`${file}.pid`, { force: true })
    database.close()
  }
}

function holder(file: string): string | undefined {
  try {
    return /^\d+$/.exec(readFileSync(`${file}.pid`, 'utf8').trim())?.[0]
  } catch {
    return undefined
  }
}
