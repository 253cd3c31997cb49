/** The log as a file: what it takes, how it turns over, and that no disk, however bad, disturbs the app. */
import assert from 'node:assert/strict'
import {
  existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync, writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Alias, Event } from '../../main/events.ts'
import { encodeEvent, isLine } from '../../main/events.ts'
import { implementationsOf, nativePrimitives, nativeSuites, thisHost } from '../../main/crypto/native.ts'
import { describe } from '../../main/log/describe.ts'
import { logFiles, openLog, type LogOptions, type OpenLog } from '../../main/log/log.ts'
import { MlsError, composeSuites, portablePrimitives } from '../../main/mls/index.ts'
import { PortError } from '../../main/ports.ts'
import { mountDisk } from '../scenario/disk.ts'

const source = path.resolve(import.meta.dirname, '..', '..', 'main')
const [oldFile, newFile] = logFiles
const counts = { open: true, conversations: 2, entries: 9, outbox: 0, publishing: 0, recovering: 0 }

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-log-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

const open = (folder: string, more: Partial<LogOptions> = {}): OpenLog => openLog({
  folder, source, version: '1.2.3', native: ['ed25519'], portable: ['x448'], now: () => Date.now(), ...more,
})

const linesIn = (file: string): readonly string[] => readFileSync(file, 'utf8').split('\n').filter((line) => line !== '')
const eventsIn = (file: string): readonly string[] =>
  linesIn(file).map((line) => (JSON.parse(line) as { readonly event: string }).event)

const eventsOf = (log: OpenLog): readonly string[] =>
  log.report(counts).map((line) => (JSON.parse(line) as { readonly event: string }).event)

test('a run is written line by line, closed to others, and ends with the quit', (t) => {
  const folder = folderFor(t)
  const log = open(folder)
  log.note({ event: 'opened', way: 'keychain', ms: 12, conversations: 3 })
  log.note({ event: 'read', kind: 'messages', log: log.alias('m'), records: 7, ms: 3 })
  assert.ok(!existsSync(path.join(folder, newFile)), 'lines wait for each other')
  log.close()
  log.note({ event: 'locked' })
  assert.deepEqual(eventsIn(path.join(folder, newFile)), ['started', 'opened', 'read', 'quit'])
  assert.equal(statSync(path.join(folder, newFile)).mode & 0o777, 0o600)
  assert.ok(linesIn(path.join(folder, newFile)).every(isLine))
})

test('nothing but what the table has a kind for is written', () => {
  const forged: readonly object[] = [
    { event: 'locked', text: 'meet me' }, { event: 'meet me' }, { event: 'toString' }, { event: 'not-opened', code: 'meet me' },
    { event: 'commit-won', log: '0011223344556677' }, { event: 'commit-won', log: 'Anna' }, { event: 'quit', ms: '5' },
    { event: 'quit', ms: -1 }, { event: 'quit', ms: 0.5 }, { event: 'broke-rule', log: '00112233', rule: 'constructor' },
    { event: 'bug', of: 'Error', place: ['meet me at six'] }, { event: 'bug', of: 'Anna', place: [] },
    { event: 'bug', of: 'Error', place: ['say main/app/../../home/anna.ts:1'] },
    { event: 'bug', of: 'Error', place: ['Anna said main/app/sync.ts:1'] },
    { event: 'bug', of: 'Error', place: ['meet me: say main/app/sync.ts:1'] },
    { event: 'bug', of: 'Error', place: ['say main/app/sync.ts:1 meet me'] },
    { event: 'bug', of: 'Error', place: [], library: 'meet me' }, { event: 'started', version: 'Anna' },
  ]
  const lines = forged.map((event) => encodeEvent(0, event as Event))
  assert.deepEqual(lines, ['{"at":"1970-01-01T00:00:00.000Z","event":"locked"}', ...forged.slice(1).map(() => undefined)])
  assert.ok(isLine(lines[0] ?? ''))
  for (const line of ['', '{', '{"at":"1970-01-01T00:00:00.000Z","event":"locked","text":"meet me"}', 'null']) {
    assert.ok(!isLine(line), line)
  }
})

test('two files of a fixed size; the older goes', (t) => {
  const folder = folderFor(t)
  const limit = 4_000
  const log = open(folder, { fileBytes: limit })
  for (let conversations = 0; conversations < 400; conversations++) {
    log.note({ event: 'opened', way: 'keychain', ms: 0, conversations })
    if (conversations % 10 === 0) log.bug(undefined)
  }
  log.close()
  assert.deepEqual(readdirSync(folder).sort(), [...logFiles].sort())
  for (const name of logFiles) {
    const { size } = statSync(path.join(folder, name))
    assert.ok(size > limit / 2 && size <= limit, `${name}: ${size}`)
  }
  const lines = [oldFile, newFile].flatMap((name) => linesIn(path.join(folder, name)))
  const kept = lines.flatMap((line) => {
    const { event, conversations } = JSON.parse(line) as { readonly event: string, readonly conversations: number }
    return event === 'opened' ? [conversations] : []
  })
  assert.deepEqual(kept, Array.from({ length: kept.length }, (_, index) => 400 - kept.length + index), 'the newest, without a hole')
})

test('an alias is the same in a run and another in the next', (t) => {
  const [one, other] = [open(folderFor(t)), open(folderFor(t))]
  assert.equal(one.alias('a'.repeat(64)), one.alias('a'.repeat(64)))
  assert.notEqual(one.alias('a'.repeat(64)), one.alias('b'.repeat(64)))
  assert.notEqual(one.alias('a'.repeat(64)), other.alias('a'.repeat(64)))
  assert.match(one.alias('x'), /^[0-9a-f]{8}$/)
})

test('a report begins with the program and has what runs before left, also after a restart', (t) => {
  const folder = folderFor(t)
  const first = open(folder)
  first.note({ event: 'locked' })
  first.close()
  writeFileSync(path.join(folder, newFile), 'Anna was here\n{"at":"Anna","event":"locked"}\n', { flag: 'a' })
  const log = open(folder)
  const lines = log.report(counts)
  const head = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  assert.equal(head['event'], 'report')
  assert.deepEqual([head['version'], head['conversations'], head['native'], head['portable']], ['1.2.3', 2, ['ed25519'], ['x448']])
  assert.deepEqual(lines.slice(1).map((line) => (JSON.parse(line) as { event: string }).event),
    ['started', 'locked', 'quit', 'started'])
  log.forget()
  assert.equal(log.report(counts).length, 1)
  assert.deepEqual(readdirSync(folder), [])
})

test('an error is its class, its code or rule, and its place in the app; never its message', () => {
  const secret = 'Anna said: meet me'
  const thrown = (work: () => unknown): unknown => {
    try {
      work()
    } catch (error) {
      return error
    }
    return undefined
  }
  const inside = describe(thrown(() => composeSuites(undefined as never, () => new Uint8Array(0))(1)), source)
  assert.equal(inside.of, 'TypeError')
  assert.match(inside.place[0] ?? '', /^[\w.]+ main\/mls\/suite\.ts:\d+$/)
  assert.deepEqual(describe(new PortError('store-full', secret), source).code, 'store-full')
  const { engine, rule } = describe(new MlsError('refused', secret, '5.1.3.open'), source)
  assert.deepEqual([engine, rule], ['refused', '5.1.3.open'])
  assert.equal(describe(new MlsError('refused', secret, secret), source).rule, undefined)
  class Anna extends Error { readonly code = secret }
  assert.deepEqual([describe(new Anna(), source).of, describe(new Anna(), source).library], ['other', undefined])
  assert.equal(describe(Object.assign(new Error(secret), { code: 'ENOSPC' }), source).library, 'ENOSPC')
  assert.equal(describe(Object.assign(new Error(secret), { code: 'EANNA' }), source).library, undefined)
  assert.deepEqual(describe(secret, source).of, 'none')
  const frame = `\n    at meetMe (${path.join(source, 'app', 'sync.ts')}:1:1)`
  assert.deepEqual(describe(new Error(frame), source).place, [], 'a message that looks like a frame')
  assert.deepEqual(describe(Object.assign(new Error(frame), { message: 'another' }), source).place, [])
  const real = new Error(secret)
  real.stack = `Error: ${secret}${frame}`
  assert.deepEqual(describe(real, source).place, ['meetMe main/app/sync.ts:1'], 'the same line is one where it is real')
})

test('a bug is written at once', (t) => {
  const folder = folderFor(t)
  const log = open(folder)
  log.bug(Object.assign(new RangeError('Anna'), { stack: `RangeError: Anna\n    at Sync.kick (file://${source}/app/sync.ts:51:3)` }))
  const last = linesIn(path.join(folder, newFile)).at(-1) ?? ''
  assert.deepEqual({ ...JSON.parse(last) as object, at: 0 },
    { at: 0, event: 'bug', of: 'RangeError', place: ['Sync.kick main/app/sync.ts:51'] })
})

test('a folder that is gone or refuses: nothing is thrown, and the report has the lines all the same', (t) => {
  const folder = folderFor(t)
  const gone = open(path.join(folder, 'gone'))
  gone.bug(new Error('x'))
  assert.deepEqual(eventsOf(gone), ['report', 'started', 'bug'])
  gone.forget()
  gone.close()
  assert.ok(!existsSync(path.join(folder, 'gone')))
  // A folder stands where the file should be: that stops root too, who may write everywhere.
  mkdirSync(path.join(folder, newFile))
  const blocked = open(folder)
  blocked.bug(new Error('x'))
  blocked.forget()
  blocked.bug(new Error('x'))
  assert.deepEqual(eventsOf(blocked), ['report', 'bug'])
  rmdirSync(path.join(folder, newFile))
  blocked.close()
  assert.deepEqual(eventsIn(path.join(folder, newFile)), ['missing', 'quit'])
})

test('a disk that is full or read-only keeps its room; when there is some, the log says how many lines are missing', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-log-'))
  const disk = mountDisk(t, folder, 20 * 1024)
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  if (disk === undefined) return
  const file = path.join(folder, newFile)
  const log = open(folder)
  log.bug(new Error('x'))
  writeFileSync(path.join(folder, 'full'), Buffer.alloc(15 * 1024 * 1024))
  log.bug(new Error('x'))
  disk.remount('ro')
  log.bug(new Error('x'))
  assert.deepEqual(eventsIn(file), ['started', 'bug'])
  disk.remount('rw')
  rmSync(path.join(folder, 'full'))
  log.close()
  assert.deepEqual(eventsIn(file), ['started', 'bug', 'missing', 'quit'])
  assert.equal((JSON.parse(linesIn(file)[2] ?? '') as { readonly lines: number }).lines, 2)
})

test('every primitive is told, native or portable', () => {
  const own = implementationsOf(nativePrimitives())
  assert.equal(own.native.length + own.portable.length, 16)
  assert.ok(own.portable.includes('ed448') && own.portable.includes('x448'))
  assert.ok(nativeSuites(() => new Uint8Array(32))(1) !== undefined)
  assert.equal(implementationsOf(portablePrimitives).native.length, 0)
  const without = implementationsOf(nativePrimitives({ ...thisHost, sodium: undefined }))
  assert.deepEqual(without.portable.toSorted(), ['chacha20poly1305', 'ed25519', 'ed448', 'x25519', 'x448'])
  const line = encodeEvent(0, { event: 'commit-won', log: '00112233' as Alias })
  assert.ok(line !== undefined && isLine(line))
})
