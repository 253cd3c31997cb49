/** What the app costs as a program: its start, its memory at rest, and how large it is. Each start is a process of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { gzipSync } from 'node:zlib'
import { built, launch, setUp, temporaryData, unlock, wait } from '../e2e/harness.ts'
import { pack } from '../packaging/pack.ts'
import { Table } from './table.ts'

type Start = { readonly shownMs: number, readonly listMs: number, readonly residentMb: number }
const restMs = 3_000
const runs = 3

/** One start: until the window asks for the passphrase, and from the passphrase to the list; then rest. */
async function start(data: string): Promise<Start> {
  const begun = performance.now()
  const { page, quit } = await launch(data, 'anna')
  await page.getByLabel('Passphrase', { exact: true }).waitFor()
  const shown = performance.now()
  await unlock(page)
  const listed = performance.now()
  await wait(restMs)
  const { rss } = process.memoryUsage()
  await quit()
  return { shownMs: shown - begun, listMs: listed - shown, residentMb: rss / 1e6 }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const sizeOf = (folder: string): number => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0)

export async function shellTable(): Promise<string> {
  const { data, remove } = await temporaryData()
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-sizes-'))
  try {
    const first = await launch(data, 'anna')
    await setUp(first.page, 'Anna')
    await first.quit()
    const starts = Array.from({ length: runs }, () => {
      const { stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, data], { encoding: 'utf8' })
      if (stdout === '') throw new Error(stderr)
      return JSON.parse(stdout) as Start
    })
    const table = new Table('as a program', '', '')
    table.add('start of the process to its window (stand-in)', inMs(median(starts.map(({ shownMs }) => shownMs))), 'ms')
    table.add('passphrase to the list of chats', inMs(median(starts.map(({ listMs }) => listMs))), 'ms')
    table.add('main process at rest, with Node', inMb(median(starts.map(({ residentMb }) => residentMb))), 'MB')
    const assets = path.join(built, 'renderer', 'assets')
    const scripts = readdirSync(assets).filter((name) => /\.(?:js|css)$/.test(name))
    const bytes = scripts.map((name) => readFileSync(path.join(assets, name)))
    table.add('the window’s scripts and styles', inMb(bytes.reduce((sum, { length }) => sum + length, 0) / 1e6), 'MB')
    table.add('the same, compressed', inMb(bytes.reduce((sum, part) => sum + gzipSync(part).length, 0) / 1e6), 'MB')
    const { folder: unpacked } = await pack('linux', folder)
    table.add('installed, without Electron', inMb(sizeOf(unpacked) / 1e6), 'MB')
    const output = path.join(folder, 'linux')
    for (const name of readdirSync(output).filter((name) => /\.(?:deb|tar\.gz)$/.test(name))) {
      table.add(`${name.endsWith('.deb') ? '.deb' : '.tar.gz'}, without Electron`,
        inMb(statSync(path.join(output, name)).size / 1e6), 'MB')
    }
    return table.toString()
  } finally {
    await remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

const inMs = (value: number): string => value.toFixed(0)
const inMb = (value: number): string => value.toFixed(value < 10 ? 2 : 0)

const [data] = process.argv.slice(2)
if (import.meta.main && data !== undefined) process.stdout.write(JSON.stringify(await start(data)))
