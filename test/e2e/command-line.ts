/** The command line of the installed app: a built main in a process of its own, without Electron's windows. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'

export const commandLine = path.resolve(import.meta.dirname, '../standin/command-line.ts')

/** `main`: the built index.js. `typed`: lines for what is asked, by a pipe. */
export function runCommand(main: string, args: readonly string[], ...typed: readonly string[]): {
  readonly status: number | null, readonly said: string
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [commandLine, main, ...args], {
    input: typed.map((line) => `${line}\n`).join(''), encoding: 'utf8',
  })
  return { status, said: `${stdout}${stderr}` }
}
