/**
 * A process that writes backups and kills itself before one of the steps by which it changes the disk: `dying.ts file |
 * begin | add PLACE STEP`. Of what is written in that step, half is there. Without so many steps it comes to its end.
 */
import promises, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { archive } from '../../main/archive/archive.ts'
import { contentOf, earlier, folderSecret, later, now } from './shelf.ts'
import { filesOf, toWords, written } from './samples.ts'

const [role = '', place = '', limit = '0'] = process.argv.slice(2)
let steps = 0

/** True in the step that is the last. */
const isLast = (): boolean => {
  steps += 1
  return steps === Number(limit)
}
const die = (): void => { process.kill(process.pid, 'SIGKILL') }

function dyingHandle(handle: FileHandle): FileHandle {
  const write = handle.write.bind(handle) as (bytes: Uint8Array) => Promise<unknown>
  handle.write = (async (bytes: Uint8Array) => {
    const isDying = isLast()
    const wrote = await write(isDying ? bytes.subarray(0, bytes.length / 2) : bytes)
    if (isDying) die()
    return wrote
  }) as FileHandle['write']
  return handle
}

const { open } = promises
promises.open = async (...args) => {
  // Others are read, or folders that are put on the disk.
  if (args[1] === 'wx' && isLast()) die()
  return dyingHandle(await open(...args))
}
for (const name of ['mkdir', 'rename', 'rm', 'utimes'] as const) {
  const before = promises[name] as (...args: readonly unknown[]) => Promise<unknown>
  Object.assign(promises, { [name]: (...args: readonly unknown[]) => {
    if (isLast()) die()
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
