import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { toHex } from '../../main/mls/codec.ts'
import { readBoard } from './board.ts'
import type { sabotage } from './sabotage.ts'

/** What to feed. */
export type Fuzzing = {
  /** The same seed and numbers give the same samples. */
  readonly seed: string
  /** Until the time is over, or ... */
  readonly seconds?: number
  /** ... so many samples for each target. */
  readonly cases?: number
  /** Cipher suites in which groups are made. */
  readonly suites: readonly number[]
  /** The name of the one target to feed. */
  readonly only?: string
  /** Exactly these bytes, in hexadecimal digits, to see a finding again. */
  readonly input?: string
  /** A target that is known to be defective, instead of the engine: to test the fuzzer. */
  readonly broken?: keyof typeof sabotage
  /** How long one sample may take. */
  readonly hangMs?: number
  /** How much JavaScript's heap may hold, in mebibytes. */
  readonly heapMb?: number
  readonly onProgress?: (tallies: readonly Tally[]) => void
}

export type Job = Omit<Fuzzing, 'onProgress' | 'hangMs' | 'heapMb'> & { readonly board: string }

/** How the samples of one target ended. */
export type Tally = {
  readonly name: string
  cases: number
  /** Of the processor, which does not depend on who else uses it. */
  slowestMs: number
  /** The most bytes of arrays that one sample took. */
  allocated: number
  readonly outcomes: Record<string, number>
}

/** A defect, and the sample that shows it. */
export type Found = {
  readonly target: string
  readonly number: number
  readonly hex: string
  readonly message: string
}

export type Report = { readonly tallies: readonly Tally[], readonly findings: readonly Found[] }

/** What the child tells now and then; the last time it is done. */
export type Told = Report & { readonly done: boolean }

/** Feeds samples in a process of its own, and watches that it neither hangs nor fills the memory. */
export async function fuzz({ onProgress, hangMs = 20_000, heapMb = 512, ...rest }: Fuzzing): Promise<Report> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-fuzz-'))
  const job: Job = { ...rest, board: path.join(folder, 'board') }
  const child = fork(path.join(import.meta.dirname, 'child.ts'), [JSON.stringify(job)], {
    execArgv: [`--max-old-space-size=${heapMb}`], stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  let last = ''
  child.stderr?.on('data', (text: Buffer) => { last = (last + text.toString()).slice(-10_000) })
  try {
    return await new Promise((resolve) => {
      let told: Told = { done: false, tallies: [], findings: [] }
      const fail = (message: string): void => {
        const { target = 0, number = 0, input = new Uint8Array(0) } = readBoard(job.board) ?? {}
        const name = told.tallies[target]?.name ?? `target ${target}`
        resolve({ ...told, findings: [...told.findings, { target: name, number, hex: toHex(input), message }] })
      }
      const watch = watchBoard(job.board, hangMs, () => {
        child.kill('SIGKILL')
        fail(`does not end within ${hangMs} ms`)
      })
      child.on('message', (next: Told) => {
        told = next
        onProgress?.(next.tallies)
      })
      child.on('close', (code, signal) => {
        clearInterval(watch)
        if (told.done) resolve(told)
        else fail(`the process ended with ${signal ?? code}: ${last}`)
      })
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Calls back when no sample was begun for a while. */
function watchBoard(file: string, hangMs: number, onHang: () => void): NodeJS.Timeout {
  let seen = 0
  let since = Infinity
  return setInterval(() => {
    const { progress } = readBoard(file) ?? { progress: 0 }
    if (progress !== seen) [seen, since] = [progress, performance.now()]
    else if (performance.now() - since > hangMs) onHang()
  }, 200)
}
