import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openDatabase } from '../../main/sqlite/open.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { folderFor, freshKey, message } from './samples.ts'

/** Checks the code, and that neither message nor detail shows the key. */
const portError = (code: string, detail?: string) => (error: unknown): boolean => {
  assert.ok(error instanceof Error)
  assert.deepEqual([error.name, 'code' in error && error.code], ['PortError', code], error.message)
  if (detail !== undefined) assert.equal('detail' in error && error.detail, detail)
  return true
}

async function startHolder(t: TestContext, file: string, key: Uint8Array): Promise<ChildProcess> {
  const script = path.join(import.meta.dirname, 'holder.ts')
  const child = spawn(process.execPath, [script, file, Buffer.from(key).toString('hex')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => { child.kill('SIGKILL') })
  await once(child.stdout, 'data')
  return child
}

test('a second process on the same profile is told who holds it, and gets in when the holder was killed', async (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const key = freshKey()
  const child = await startHolder(t, file, key)
  assert.throws(() => openStore({ file, key }), portError('profile-busy', String(child.pid)))
  child.kill('SIGKILL')
  await once(child, 'exit')
  openStore({ file, key }).close()
})

test('a second opening in the same process is refused too, and closing lets the next one in', (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const key = freshKey()
  const first = openStore({ file, key })
  assert.throws(() => openStore({ file, key }), portError('profile-busy', String(process.pid)))
  first.commit({ entries: [message(1)] })
  first.close()
  assert.equal(existsSync(`${file}.pid`), false)
  const second = openStore({ file, key })
  assert.equal(second.lastOrder('oaks'), 1)
  second.close()
})

test('what a killed process had committed is there', async (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const key = freshKey()
  const script = `
    const { openStore } = await import(${JSON.stringify(path.join(import.meta.dirname, '../../main/sqlite/store.ts'))})
    const store = openStore({ file: ${JSON.stringify(file)}, key: Buffer.from(process.env.KEY, 'hex') })
    for (let seq = 1; ; seq += 1) {
      store.commit({ cursors: [{ log: 'a', seq }, { log: 'b', seq }] })
      process.stdout.write(seq + '\\n')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, KEY: Buffer.from(key).toString('hex') },
  })
  t.after(() => { child.kill('SIGKILL') })
  let told = 0
  for await (const chunk of child.stdout) {
    told = Number(String(chunk).trim().split('\n').at(-1))
    if (told >= 50) child.kill('SIGKILL')
  }
  const store = openStore({ file, key })
  t.after(() => { store.close() })
  assert.ok(store.cursor('a') >= told, `${store.cursor('a')} is less than ${told}, which was reported as committed`)
  assert.equal(store.cursor('a'), store.cursor('b'))
})

test('another key, a foreign file and a flipped bit are damage, never an empty store', (t) => {
  const folder = folderFor(t)
  const file = path.join(folder, 'profile.sqlite')
  const key = freshKey()
  const store = openStore({ file, key })
  store.commit({ entries: Array.from({ length: 200 }, (_, index) => message(index + 1)) })
  store.close()
  const before = readFileSync(file)
  assert.throws(() => openStore({ file, key: freshKey() }), portError('store-damaged'))
  assert.deepEqual(readFileSync(file), before, 'a wrong key changes nothing')

  const foreign = path.join(folder, 'foreign.sqlite')
  writeFileSync(foreign, 'these are the notes of somebody else\n'.repeat(300))
  assert.throws(() => openStore({ file: foreign, key }), portError('store-damaged'))

  const flipped = Buffer.from(before)
  const last = flipped.length - 2000
  flipped.writeUInt8(flipped.readUInt8(last) ^ 1, last)
  writeFileSync(file, flipped)
  assert.throws(() => {
    const damaged = openStore({ file, key })
    t.after(() => { damaged.close() })
    damaged.entriesBefore('oaks', 0, 1000)
    damaged.search({ text: 'message', limit: 1000 })
  }, portError('store-damaged'))
})

test('a store of a newer version of the app is left alone', (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const key = freshKey()
  const database = openDatabase(file, key)
  database.pragma('user_version = 9999')
  database.close()
  assert.throws(() => openStore({ file, key }), portError('store-newer', '9999'))
})

test('a store that cannot be used is closed again, because an open one holds the key', (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const key = freshKey()
  const opened: ReturnType<typeof openDatabase>[] = []
  const open = (...given: Parameters<typeof openDatabase>): ReturnType<typeof openDatabase> => {
    const database = openDatabase(...given)
    database.exec('DROP TABLE entries')
    opened.push(database)
    return database
  }
  assert.throws(() => openStore({ file, key, open }), /no such table/)
  assert.deepEqual(opened.map((database) => database.open), [false])
})

test('a full disk refuses the commit whole, and what fits is still taken afterwards', (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  const store = openStore({ file, key: freshKey(), maxPages: 100 })
  t.after(() => { store.close() })
  store.commit({ documents: [{ kind: 'setting', key: 'a', bytes: Uint8Array.of(1) }] })
  assert.throws(() => {
    store.commit({
      documents: [{ kind: 'setting', key: 'a', bytes: Uint8Array.of(2) }],
      entries: Array.from({ length: 2000 }, (_, index) => message(index + 1)),
    })
  }, portError('store-full'))
  assert.deepEqual(store.document('setting', 'a'), Uint8Array.of(1))
  assert.equal(store.lastOrder('oaks'), 0)
  store.commit({ entries: [message(1)] })
  assert.equal(store.lastOrder('oaks'), 1)
})

test('a file or a folder that may not be written is said to be read-only', (t) => {
  const folder = folderFor(t)
  const file = path.join(folder, 'profile.sqlite')
  const key = freshKey()
  openStore({ file, key }).close()
  // Root may write everywhere: give the right up for the length of the test.
  const { geteuid, seteuid } = process
  if (geteuid === undefined || seteuid === undefined) {
    t.skip('no permissions of this kind here')
    return
  }
  const asRoot = geteuid.call(process) === 0
  chmodSync(folder, 0o555)
  for (const name of [file, `${file}.lock`]) chmodSync(name, 0o444)
  if (asRoot) seteuid.call(process, 65_534)
  try {
    assert.throws(() => openStore({ file, key }), portError('store-read-only'))
    assert.throws(() => openStore({ file: path.join(folder, 'new.sqlite'), key }), portError('store-read-only'))
  } finally {
    if (asRoot) seteuid.call(process, 0)
    chmodSync(folder, 0o755)
  }
})

test('the file is closed to others, encrypted from its first page on, and needs a key of 32 bytes', (t) => {
  const file = path.join(folderFor(t), 'profile.sqlite')
  assert.throws(() => openStore({ file, key: new Uint8Array(16) }), RangeError)
  const store = openStore({ file, key: freshKey() })
  store.commit({ entries: [message(1)] })
  assert.equal(readFileSync(`${file}-wal`).includes('SQLite'), false)
  if (process.platform !== 'win32') {
    for (const name of [file, `${file}-wal`]) assert.equal(statSync(name).mode & 0o777, 0o600, name)
  }
  store.close()
  assert.equal(readFileSync(file).includes('CREATE TABLE'), false)
})
