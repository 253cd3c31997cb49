/** A small disk of its own, which can be full and read-only for everybody, root included. Needs Linux and root. */
import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'

export type Disk = { readonly remount: (options: string) => void }

/** Mounts a file system of so many KiB over a folder until the test ends; `undefined`, loudly, where it may not. */
export function mountDisk(t: TestContext, folder: string, sizeKiB: number): Disk | undefined {
  const mount = (...args: readonly string[]): string => {
    const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' })
    return status === 0 ? '' : error?.message ?? stderr
  }
  const wrong = process.platform === 'linux'
    ? mount('-t', 'tmpfs', '-o', `size=${sizeKiB}k,mode=700`, 'coppice-test', folder) : 'not Linux'
  if (wrong !== '') {
    process.stderr.write(`\n*** SKIPPED: no small disk could be mounted, so none was full: ${wrong.trim()} ***\n\n`)
    t.skip('no small disk could be mounted')
    return undefined
  }
  t.after(() => { spawnSync('umount', ['--lazy', folder]) })
  return {
    remount: (options) => {
      const failed = mount('-o', `remount,${options}`, folder)
      if (failed !== '') throw new Error(failed)
    },
  }
}
