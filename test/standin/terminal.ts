/** A terminal for programs that ask for a passphrase on one. */
import { spawn, spawnSync } from 'node:child_process'

/** Whether this computer has a program that makes one. */
export const hasTerminal = (): boolean => spawnSync('script', ['--version']).status === 0

/** What it shows of a command while somebody types that line, once they are asked for it. */
export async function inTerminal(command: readonly string[], typed: string): Promise<{ readonly shown: string, readonly code: number }> {
  const quoted = command.map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', quoted, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let shown = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const asked = shown.includes(': ')
    shown += String(chunk)
    if (!asked && shown.includes(': ')) child.stdin.write(`${typed}\r`)
  })
  const code = await new Promise<number>((resolve) => { child.once('close', (status) => { resolve(status ?? -1) }) })
  return { shown, code }
}
