/** One instance per folder, across processes: a lock file with the holder's number, and a watched file as doorbell. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, unwatchFile, watchFile, writeFileSync } from 'node:fs'
import path from 'node:path'

export type Lock = { readonly release: () => void }

/**
 * Takes the lock of a folder, or rings at its holder.
 *
 * @param rang called in the holder when another instance was started
 * @returns undefined when somebody else holds it
 */
export function takeLock(folder: string, rang: () => void): Lock | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lockFile = path.join(folder, 'standin.lock')
  const bell = path.join(folder, 'standin.bell')
  const own = `${String(process.pid)} ${randomUUID()}`
  for (;;) {
    try {
      writeFileSync(lockFile, own, { flag: 'wx' })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const holder = Number(readFileSync(lockFile, 'utf8').split(' ')[0])
      if (isAlive(holder)) {
        writeFileSync(bell, own)
        return undefined
      }
      // Its holder was killed.
      rmSync(lockFile, { force: true })
    }
  }
  rmSync(bell, { force: true })
  watchFile(bell, { interval: 100, persistent: false }, (now) => { if (now.mtimeMs > 0) rang() })
  return {
    release: () => {
      unwatchFile(bell)
      rmSync(bell, { force: true })
      rmSync(lockFile, { force: true })
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
