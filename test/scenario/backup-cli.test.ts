import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { keyOfWords, opened, textsIn, wordsOf } from './backup.ts'
import { Guarded, passphrase } from './guarded.ts'

const script = path.resolve(import.meta.dirname, '../cli/backup.ts')
const ofBackup = 'four words that nobody else'

test('The command line makes a backup of a closed profile and checks it; secrets are asked for, and shown nowhere', async (t) => {
  const data = mkdtempSync(path.join(tmpdir(), 'coppice-cli-'))
  t.after(() => { rmSync(data, { recursive: true, force: true }) })
  mkdirSync(path.join(data, 'profiles'))
  const anna = new Guarded('anna', path.join(data, 'profiles'))
  anna.options = { keychain: undefined }
  await anna.start()
  await anna.call('setup.create', { name: 'Anna', passphrase })
  const words = await wordsOf(anna)
  const { conversation } = await anna.call('conversation.group', { name: 'Alone', people: [], invites: [] })
  await anna.say(conversation, 'a note to myself')
  await anna.stop()
  const run = (args: readonly string[], ...typed: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
      input: typed.map((line) => `${line}\n`).join(''), encoding: 'utf8', env: { ...process.env, XDG_CONFIG_HOME: path.join(data, 'no') },
    })
    for (const secret of typed) assert.equal(`${stdout}${stderr}`.includes(secret), false)
    return { status, said: stderr }
  }
  const [file, other] = [path.join(data, '..', `${path.basename(data)}-a.age`), path.join(data, '..', `${path.basename(data)}-b.age`)]
  t.after(() => { for (const one of [file, other]) rmSync(one, { force: true }) })

  const made = run(['export', file, '--data', data], passphrase)
  assert.deepEqual([made.status, statSync(file).mode & 0o777], [0, 0o600], made.said)
  assert.match(made.said, /saved: \d+ bytes/)
  assert.deepEqual(textsIn(await opened(file, keyOfWords(words))), ['a note to myself'])
  const sealed = run(['export', other, '--passphrase', '--data', data, '--profile', 'anna'], passphrase, ofBackup, ofBackup)
  assert.equal(sealed.status, 0, sealed.said)
  const checked = run(['verify', other], ofBackup)
  assert.equal(checked.status, 0, checked.said)
  assert.match(checked.said, /whole: 1 messages in 1 chats/)
  assert.equal(run(['verify', file], words).status, 0)

  assert.match(run(['verify', other], 'another one of them').said, /refused: backup-key/)
  assert.match(run(['export', file, '--data', data], 'not the passphrase').said, /refused: passphrase-wrong/)
  assert.equal(run(['export', other, '--passphrase', '--data', data], passphrase, ofBackup, 'something else').status, 2)
  for (const args of [[], ['export'], ['export', file, 'more'], ['import', file], ['export', file, '--passphrase=x'],
    ['export', file, '--data', data, '--profile', 'nobody']]) {
    assert.equal(run(args).status, 2, args.join(' '))
  }
  writeFileSync(other, 'no backup')
  assert.match(run(['verify', other], ofBackup).said, /refused: backup-malformed/)
  assert.equal(existsSync(`${file}.part`), false)
})
