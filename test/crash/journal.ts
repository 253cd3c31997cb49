import { openSync, readFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { Point, Side } from './points.ts'

/**
 * What one person's processes did, line by line in a file beside the profile. A line is one write, so that no kill
 * leaves half of one; what a process is about to do stands there before it, so that nothing is done unrecorded.
 */
export type Line =
  /** A Call was answered: from now on it must last. `entry`: the id of the message that it stored. */
  | { readonly type: 'done', readonly operation: number, readonly kind: string, readonly entry?: string }
  /** These exact bytes are about to be stored, to be appended later. `record` is their hash. */
  | { readonly type: 'sealed', readonly record: string, readonly room: string, readonly epoch: string
      readonly entries: readonly string[] }
  /** The group as this person sees it begin. */
  | { readonly type: 'epoch', readonly room: string, readonly epoch: string, readonly code: string
      readonly members: readonly string[] }
  | { readonly type: 'killed', readonly point: Point, readonly side: Side }
  /** A Call was refused in a way that nobody expects. */
  | { readonly type: 'refused', readonly operation: number, readonly kind: string, readonly code: string }

const fileOf = (folder: string, name: string): string => path.join(folder, name, 'journal')

export function journalAt(folder: string, name: string): (line: Line) => void {
  const descriptor = openSync(fileOf(folder, name), 'a')
  return (line) => { writeSync(descriptor, `${JSON.stringify(line)}\n`) }
}

export function readJournal(folder: string, name: string): readonly Line[] {
  try {
    return readFileSync(fileOf(folder, name), 'utf8').split('\n').filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  } catch {
    return []
  }
}
