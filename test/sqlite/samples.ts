import type Database from 'better-sqlite3'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { StoredEntry } from '../../main/ports.ts'

/** A folder that goes when the test ends. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-test-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

export const freshKey = (): Uint8Array => new Uint8Array(randomBytes(32))

type MessageOptions = {
  readonly conversation?: string, readonly own?: boolean, readonly text?: string
  /** Hashes and names of what goes with it. */
  readonly files?: Readonly<Record<string, string>>
}

/** A message whose id is made of its conversation and order. */
export function message(order: number, options: MessageOptions = {}): StoredEntry {
  const { conversation = 'oaks', own = false, text = `message ${order}`, files } = options
  const attachments = Object.entries(files ?? {}).map(([hash, name]) =>
    ({ hash, name, mediaType: 'text/plain', size: 1, state: 'here' as const }))
  return {
    id: `${conversation}-${order}`, conversation, order, at: 1_750_000_000_000 + order, kind: 'message',
    from: own ? 'anna' : 'ben', own, text, state: own ? 'sent' : 'received', deliveredTo: 0, people: 2, devices: 2,
    ...files === undefined ? {} : { attachments },
  }
}

/** A number below `bound`, the same row of numbers for the same seed. */
export function dice(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return Math.floor(state / 65_536) % bound
  }
}

/** Runs without the rights of root, who may write everywhere; `undefined` where there are no such rights. */
export async function asNobody<T>(task: () => Promise<T>): Promise<T | undefined> {
  const { geteuid, seteuid } = process
  if (geteuid === undefined || seteuid === undefined) return undefined
  const isRoot = geteuid.call(process) === 0
  if (isRoot) seteuid.call(process, 65_534)
  try {
    return await task()
  } finally {
    if (isRoot) seteuid.call(process, 0)
  }
}

/** Makes the tables those of an earlier version: everything that later migrations have made goes. */
export function backTo(version: number, database: Database.Database): void {
  const folder = new URL('../../main/sqlite/schema/', import.meta.url)
  const later = readdirSync(folder).filter((name) => Number.parseInt(name, 10) > version).sort()
  const made = later.flatMap((name) => [...readFileSync(new URL(name, folder), 'utf8')
    .matchAll(/^(?:CREATE (TABLE|INDEX|TRIGGER) (\w+)|ALTER TABLE (\w+) ADD COLUMN (\w+))/gm)])
  for (const [, kind = '', name = '', table = '', column = ''] of made.reverse()) {
    database.exec(table === '' ? `DROP ${kind} IF EXISTS ${name}` : `ALTER TABLE ${table} DROP COLUMN ${column}`)
  }
  database.pragma(`user_version = ${version}`)
}
