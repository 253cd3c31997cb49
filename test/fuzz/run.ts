import { Worker } from 'node:worker_threads'
import { toHex } from '../../main/mls/codec.ts'
import { boardOf, newBoard, progress, read } from './board.ts'
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
  /** Exactly this, to see a finding again. */
  readonly input?: Uint8Array
  /** A target that is known to be defective, to test the fuzzer. */
  readonly broken?: keyof typeof sabotage
  /** How long one sample may take. */
  readonly hangMs?: number
  readonly onProgress?: (tallies: readonly Tally[]) => void
}

export type Job = Omit<Fuzzing, 'onProgress' | 'hangMs'> & { readonly board: SharedArrayBuffer }

/** How the samples of one target ended. */
export type Tally = {
  readonly name: string
  cases: number
  slowestMs: number
  /** In hexadecimal digits. */
  slowest: string
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

type Told = Report & { readonly done: boolean }

/** Feeds samples in a thread of its own, and watches that it neither hangs nor fills the memory. */
export function fuzz({ onProgress, hangMs = 20_000, ...job }: Fuzzing): Promise<Report> {
  const shared = newBoard()
  const board = boardOf(shared)
  const data: Job = { ...job, board: shared }
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: data, resourceLimits: { maxOldGenerationSizeMb: 512 },
  })
  let told: Told = { done: false, tallies: [], findings: [] }
  return new Promise((resolve) => {
    const conclude = (message: string | undefined): void => {
      clearInterval(watch)
      const { tallies, findings } = told
      if (message === undefined) {
        resolve({ tallies, findings })
        return
      }
      const { target, number, input } = read(board)
      const name = tallies[target]?.name ?? `target ${target}`
      resolve({ tallies, findings: [...findings, { target: name, number, hex: toHex(input), message }] })
      void worker.terminate()
    }
    let seen = -1
    let since = performance.now()
    const watch = setInterval(() => {
      const now = progress(board)
      if (now !== seen) [seen, since] = [now, performance.now()]
      else if (performance.now() - since > hangMs) conclude(`does not end within ${hangMs} ms`)
    }, 200)
    worker.on('message', (next: Told) => {
      told = next
      if (next.done) conclude(undefined)
      else onProgress?.(next.tallies)
    })
    worker.on('error', (error) => { conclude(String(error)) })
    worker.on('exit', () => { if (!told.done) conclude('the thread has ended') })
  })
}
