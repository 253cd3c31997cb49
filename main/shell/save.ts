/** Files that the person takes out of the app: where, the system's dialogue asks; the path stays here. */
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Electron } from '../electron.ts'
import { PortError } from '../ports.ts'

/** As `Ports.saveFile` wants it. */
export async function saveFile(
  { dialog }: Pick<Electron, 'dialog'>, name: string, pieces: Iterable<Uint8Array>,
): Promise<boolean> {
  const { canceled, filePath } = await dialog.showSaveDialog({ defaultPath: name })
  if (canceled || filePath === '') return false
  await writeWhole(filePath, pieces)
  return true
}

/** All of it, or nothing: what was there is replaced at the very end. Rejects with PortError('save-full' | 'save-failed'). */
export async function writeWhole(target: string, pieces: Iterable<Uint8Array>): Promise<void> {
  const beside = path.join(path.dirname(target), `.${randomBytes(8).toString('hex')}.part`)
  try {
    const file = await open(beside, 'wx', 0o600)
    try {
      for (const bytes of pieces) await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, target)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    throw saveError(error)
  }
}

function saveError(error: unknown): unknown {
  if (error instanceof PortError || !(error instanceof Error) || !('code' in error)) return error
  return error.code === 'ENOSPC' || error.code === 'EDQUOT' ? new PortError('save-full')
    : new PortError('save-failed', String(error.code))
}
