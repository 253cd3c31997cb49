import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { readTar, tarEnd, tarHeader, tarPadding } from '../../main/archive/tar.ts'
import { PortError } from '../../main/ports.ts'

const file = (name: string, bytes: Uint8Array): Buffer => Buffer.concat([tarHeader(name, bytes.length), bytes, tarPadding(bytes.length)])
const files: readonly (readonly [string, Uint8Array])[] = [
  ['about.json', Buffer.from('{}')], ['blobs/0a', new Uint8Array(512).fill(7)], ['blobs/0b', new Uint8Array(0)],
  ['entries/000001.jsonl', new Uint8Array(1_500).fill(9)],
]
const whole = Buffer.concat([...files.map(([name, bytes]) => file(name, bytes)), tarEnd()])

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

async function read(bytes: Uint8Array, size = 700): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>()
  let name = ''
  for await (const event of readTar(inPieces(bytes, size))) {
    if (event.type === 'file') found.set(name = event.name, Buffer.alloc(0))
    else if (event.type === 'data') found.set(name, Buffer.concat([found.get(name) ?? Buffer.alloc(0), event.bytes]))
  }
  return found
}

const refused = (bytes: Uint8Array, detail: string): Promise<void> => assert.rejects(read(bytes),
  (error) => error instanceof PortError && error.code === 'backup-malformed' && error.detail === detail)

test('What is written is read, in pieces of any size', async () => {
  for (const size of [1, 511, 512, 513, 4_096, whole.length]) {
    assert.deepEqual([...await read(whole, size)].map(([name, bytes]) => [name, [...bytes]]),
      files.map(([name, bytes]) => [name, [...bytes]]))
  }
})

test('The tar of the system reads it', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-tar-'))
  try {
    writeFileSync(path.join(folder, 'a.tar'), whole)
    execFileSync('tar', ['-xf', 'a.tar'], { cwd: folder })
    for (const [name, bytes] of files) assert.deepEqual(readFileSync(path.join(folder, name)), Buffer.from(bytes))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('A tar that is cut off anywhere is refused', async () => {
  for (let length = 0; length < whole.length; length += 97) await refused(whole.subarray(0, length), 'cut-off')
  await refused(whole.subarray(0, -512), 'cut-off')
  await refused(Buffer.concat([whole, Buffer.alloc(1)]), 'cut-off')
})

test('No name leads out of the place where a backup is read', () => {
  for (const name of ['../a', '/a', 'a/../b', './a', 'a//b', 'a/', '.hidden', 'a/.b', 'A', 'a\\b', '', 'a'.repeat(101)]) {
    assert.throws(() => tarHeader(name, 0), (error) => error instanceof PortError && error.code === 'backup-malformed', name)
  }
})

/** A header with other octets in it, and the right sum. */
function forged(change: (header: Buffer) => void): Buffer {
  const header = Buffer.from(tarHeader('about.json', 0))
  change(header)
  header.write('        ', 148)
  header.write(`${header.reduce((sum, octet) => sum + octet, 0).toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, tarEnd()])
}

test('Links, folders, devices, foreign names and owners are refused', async () => {
  for (const kind of ['1', '2', '3', '4', '5', '6', '7', 'x', 'g', 'L', 'S', '\0']) {
    await refused(forged((header) => { header.write(kind, 156) }), 'kind')
  }
  await refused(forged((header) => { header.write('../about.x', 0) }), 'name')
  await refused(forged((header) => { header.write('etc', 157) }), 'header')
  await refused(forged((header) => { header.write('abc', 345) }), 'header')
  await refused(forged((header) => { header.write('77777777777', 124) }), 'size')
  await refused(forged((header) => { header.write('-0000000001', 124) }), 'size')
})

test('A damaged header, a name twice, something in the padding or behind the end are refused', async () => {
  const damaged = Buffer.from(whole)
  damaged[150] = 0x39
  await refused(damaged, 'header')
  const one = file('about.json', Buffer.from('{}'))
  await refused(Buffer.concat([one, one, tarEnd()]), 'order')
  const padded = Buffer.from(one)
  padded[600] = 1
  await refused(Buffer.concat([padded, tarEnd()]), 'padding')
  await refused(Buffer.concat([one, tarEnd(), file('b', Buffer.from('x'))]), 'end')
})
