import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { identityOf } from '../../main/archive/age.ts'
import { deriveRecovery, seedOf } from '../../main/identity/recovery.ts'
import { hasTerminal, inTerminal } from '../standin/terminal.ts'
import { attachment, attachmentHash, fixture, passphrase, words } from './fixture.ts'
import { filesOf, lists, placeIn, product, talk, written } from './samples.ts'

// The age tool opens backups of every released version, and those that are made now, without anything of Coppice.

/** Whether the tool is here, from version 1.`minor` on; loudly. */
function demandAge(t: TestContext, minor: number): boolean {
  const { status, stdout } = spawnSync('age', ['--version'], { encoding: 'utf8' })
  const [, one = '0', two = '0'] = status === 0 ? /(\d+)\.(\d+)/.exec(stdout) ?? [] : []
  if ((Number(one) > 1 || (one === '1' && Number(two) >= minor)) && hasTerminal()) return true
  process.stderr.write(`!! NOT TESTED: the age tool 1.${String(minor)} or newer, and "script", are not both here\n`)
  t.skip('no age tool for that on this computer')
  return false
}

/** Opens with a passphrase typed on a terminal, which the tool insists on, and unpacks. */
async function unpackTyped(t: TestContext, place: string, typed: string): Promise<string> {
  const { folder } = placeIn(t)
  const tar = path.join(folder, 'opened.tar')
  const { code, shown } = await inTerminal(['age', '-d', '-o', tar, place], typed)
  assert.equal(code, 0, shown)
  execFileSync('tar', ['-xf', tar, '-C', folder])
  return folder
}

const listIn = (folder: string, name: string): readonly unknown[] =>
  readFileSync(path.join(folder, name), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as unknown)

test('of a passphrase, in any version: one that was released, and one that is made now', async (t) => {
  if (!demandAge(t, 0)) return
  const released = await unpackTyped(t, fixture('v1-passphrase.coppice-backup').path, passphrase)
  assert.deepEqual(readdirSync(released).filter((name) => !name.startsWith('opened')).sort(),
    ['about.json', 'account.jsonl', 'contacts.jsonl', 'conversations.jsonl', 'entries', 'files', 'manifest.json'])
  assert.deepEqual(readFileSync(path.join(released, 'files', attachmentHash)), attachment)
  const place = placeIn(t)
  await written(place, filesOf(talk(3)), { type: 'passphrase', passphrase: 'correct horse 🦦' })
  const fresh = await unpackTyped(t, place.path, 'correct horse 🦦')
  assert.deepEqual(listIn(fresh, 'account.jsonl'), [lists.account])
  const wrong = await inTerminal(['age', '-d', '-o', path.join(fresh, 'no'), place.path], 'correct horse')
  assert.notEqual(wrong.code, 0)
})

test('of the words, from 1.3: a file, and a folder by its key', (t) => {
  if (!demandAge(t, 3)) return
  const { folder } = placeIn(t)
  const entered = seedOf(words)
  assert.ok(entered.type === 'seed')
  const identity = path.join(folder, 'identity.txt')
  writeFileSync(identity, `${identityOf(deriveRecovery(product, entered.seed, 'backup'))}\n`, { mode: 0o600 })
  const open = (key: string, file: string): Buffer => execFileSync('age', ['-d', '-i', key, file])
  const unpack = (key: string, file: string, into: string): string => {
    mkdirSync(path.join(folder, into))
    execFileSync('tar', ['-xf', '-', '-C', path.join(folder, into)], { input: open(key, file) })
    return path.join(folder, into)
  }
  const file = unpack(identity, fixture('v1-words.coppice-backup').path, 'file')
  assert.deepEqual(readFileSync(path.join(file, 'files', attachmentHash)), attachment)

  const shelf = fixture('v1-folder').path
  const key = path.join(folder, 'folder.txt')
  writeFileSync(key, open(identity, path.join(shelf, 'key.age')), { mode: 0o600 })
  const newest = readdirSync(path.join(shelf, 'backups')).sort().at(-1) ?? ''
  const lists = unpack(key, path.join(shelf, 'backups', newest), 'lists')
  assert.deepEqual(listIn(lists, 'contacts.jsonl'), listIn(file, 'contacts.jsonl'))
  const { entries } = JSON.parse(readFileSync(path.join(lists, 'manifest.json'), 'utf8')) as { entries: { name: string, in: string }[] }
  for (const [at, { name, in: stored }] of entries.entries()) {
    const unpacked = unpack(key, path.join(shelf, 'entries', stored), `entries ${String(at)}`)
    assert.deepEqual(listIn(unpacked, name), listIn(file, name))
  }
  const [blob = ''] = readdirSync(path.join(shelf, 'blobs'))
  assert.deepEqual(open(key, path.join(shelf, 'blobs', blob)), attachment)
})
