import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { identityOf } from '../../main/archive/age.ts'
import { keyOfWords, textsIn, wordsOf } from './backup.ts'
import { directBetween, hears, village } from './household.ts'

const passphrase = 'four words that nobody else'

/** Mara's chat with Jonas, and how to get at her backups. */
async function talked(t: TestContext) {
  const { all: [mara, jonas] } = await village(t, ['Mara', 'Jonas'])
  const key = keyOfWords(await wordsOf(mara))
  assert.ok(key.type === 'words')
  const direct = await directBetween(mara, jonas)
  await mara.say(direct, 'the gate code\u001b[2J changed')
  await jonas.say(direct, 'thank you')
  await hears(mara, direct, 'thank you')
  const [file, folder] = [path.join(mara.folder, 'a.age'), path.join(mara.folder, 'a folder')]
  mkdirSync(folder)
  mara.places.chosen = file
  await mara.call('backup.keep', { token: folder, by: 'words', key: '', rhythm: 'off' })
  return { mara, file, folder, identity: identityOf(key.secret) }
}

test('A reader of one file, with nothing of Coppice, prints the chats of a file and of a folder', async (t) => {
  const { mara, file, folder, identity } = await talked(t)
  const reader = path.resolve(import.meta.dirname, '../../docs/read-backup.mjs')
  const print = (place: string, key: string): string => execFileSync(process.execPath, [reader, place], { input: `${key}\n`, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
  const expected = /^\n# Jonas\n\S+ \S+ {2}Mara: the gate code \[2J changed\n\S+ \S+ {2}Jonas: thank you\n$/
  await mara.call('backup.export', { passphrase })
  assert.match(print(file, passphrase), expected)
  await mara.call('backup.export', { passphrase: '' })
  assert.match(print(file, identity), expected)
  await mara.call('backup.now', {})
  assert.match(print(folder, identity), expected)
  assert.throws(() => print(file, `${identity.slice(0, -2)}QQ`))
})

/** The version of the age tool on this computer, if there is one. */
function ageVersion(): readonly [number, number] | undefined {
  const { status, stdout } = spawnSync('age', ['--version'], { encoding: 'utf8' })
  const [, major, minor] = status === 0 ? /(\d+)\.(\d+)/.exec(stdout) ?? [] : []
  return major === undefined ? undefined : [Number(major), Number(minor)]
}

test('The age and tar tools open it', async (t) => {
  const version = ageVersion()
  if (version === undefined || version[0] < 1 || (version[0] === 1 && version[1] < 3)) {
    const found = version === undefined ? 'no age tool' : `age ${version.join('.')}`
    process.stderr.write(`NOT TESTED: ${found} here; the hybrid identity needs age 1.3 or newer\n`)
    t.skip(`${found} on this computer`)
    return
  }
  const { mara, file, identity } = await talked(t)
  await mara.call('backup.export', { passphrase: '' })
  const place = mkdtempSync(path.join(mara.folder, 'out-'))
  writeFileSync(path.join(place, 'identity.txt'), `${identity}\n`, { mode: 0o600 })
  const tar = execFileSync('age', ['-d', '-i', path.join(place, 'identity.txt'), file], { maxBuffer: 1e9 })
  execFileSync('tar', ['-xf', '-', '-C', place], { input: tar })
  const listed = execFileSync('find', [place, '-name', '*.jsonl', '-path', '*entries*'], { encoding: 'utf8' }).trim().split('\n')
  const entries = new Map(listed.map((name) => [path.relative(place, name), execFileSync('cat', [name])]))
  assert.deepEqual(textsIn(entries).length, 2)
})
