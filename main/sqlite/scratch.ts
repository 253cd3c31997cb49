import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Scratch } from '../ports.ts'
import { openStore } from './store.ts'

const prefix = 'scratch-'

/**
 * A store beside the profile's, under a key that is nowhere but in memory: what a killed process leaves of it nobody can
 * read, and `clearScratch` deletes it.
 */
export function openScratch(folder: string): Scratch {
  const file = path.join(folder, `${prefix}${randomBytes(8).toString('hex')}.sqlite`)
  const key = randomBytes(32)
  try {
    const store = openStore({ file, key })
    return { store, discard: () => { store.close(); remove(folder, path.basename(file)) } }
  } catch (error) {
    remove(folder, path.basename(file))
    throw error
  } finally {
    key.fill(0)
  }
}

/** Deletes what an earlier process left. Only where no other one has the profile open. */
export function clearScratch(folder: string): void {
  remove(folder, prefix)
}

/** Where nothing may be read or changed there is nothing of it either. */
function remove(folder: string, begins: string): void {
  try {
    for (const name of readdirSync(folder)) if (name.startsWith(begins)) rmSync(path.join(folder, name), { force: true })
  } catch {
    // Tried again at the next start.
  }
}
