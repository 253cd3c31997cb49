/**
 * A process that writes backups and kills itself before one of the steps by which it changes the disk: `dying.ts file |
 * begin | add PLACE STEP`. Of what is written in that step, half is there. Without so many steps it comes to its end.
 * `dying.ts … PLACE copy COPIES` goes on instead, and leaves a copy of each state in which it could have been killed.
 */
import { cpSync } from 'node:fs'
import promises, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import { archive } from '../../main/archive/archive.ts'
import { contentOf, earlier, folderSecret, later, now } from './shelf.ts'
import { filesOf, toWords, written } from './samples.ts'

const [role = '', place = '', limit = '0', copies = ''] = process.argv.slice(2)
const root = role === 'file' ? path.dirname(place) : place
let steps = 0
/** What was written and may not be on the disk yet. */
const unsure = new Set<string>()

/** Before each step, or in the middle of it. */
function step(): void {
  if (steps === Number(limit)) process.kill(process.pid, 'SIGKILL')
  if (limit === 'copy') cpSync(root, path.join(copies, String(steps)), { recursive: true, preserveTimestamps: true })
}

function dyingHandle(handle: FileHandle, file: string): FileHandle {
  const write = handle.write.bind(handle) as (bytes: Uint8Array) => Promise<{ readonly bytesWritten: number }>
  const sync = handle.sync.bind(handle)
  handle.write = (async (bytes: Uint8Array) => {
    unsure.add(file)
    steps += 1
    if (steps !== Number(limit) && limit !== 'copy') return write(bytes)
    const half = Math.floor(bytes.length / 2)
    await write(bytes.subarray(0, half))
    step()
    return { bytesWritten: half + (await write(bytes.subarray(half))).bytesWritten }
  }) as FileHandle['write']
  handle.sync = async () => {
    await sync()
    unsure.delete(file)
  }
  return handle
}

const { open } = promises
promises.open = async (...args) => {
  // Others are read, or folders that are put on the disk.
  if (args[1] === 'wx') {
    steps += 1
    step()
  }
  return dyingHandle(await open(...args), String(args[0]))
}
for (const name of ['mkdir', 'rename', 'rm', 'utimes'] as const) {
  const before = promises[name] as (...args: readonly unknown[]) => Promise<unknown>
  Object.assign(promises, { [name]: (...args: readonly unknown[]) => {
    if (name === 'rename' && unsure.has(String(args[0]))) throw new Error('it gets its name before it is on the disk')
    steps += 1
    step()
    return before(...args)
  } })
}
syncBuiltinESMExports()

const at = { token: place, path: place }
if (role === 'file') await written(at, filesOf(later))
if (role === 'begin') {
  await archive.begin(at, { secret: folderSecret, seal: await toWords() })
  await archive.add(at, folderSecret, contentOf(earlier))
}
if (role === 'add') {
  await archive.add(at, folderSecret, contentOf(later))
  await archive.prune(at, folderSecret, now)
}
process.stdout.write(`${String(steps)}\n`)
