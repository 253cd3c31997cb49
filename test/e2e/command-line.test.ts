/** The commands of the built app, as somebody types them in a terminal: no window, no secret on the screen. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { commandIn } from '../../main/cli.ts'
import { fixture, passphrase } from '../archive/fixture.ts'
import { hasTerminal, inTerminal } from '../standin/terminal.ts'
import { commandLine, runCommand } from './command-line.ts'
import { built, invoke, launch, setUp, temporaryData, testPassphrase } from './harness.ts'

const main = path.join(built, 'main', 'index.js')
const asks = 'Passphrase of the profile'

test('a command is the first word; a profile may be called as it is', () => {
  assert.deepEqual(commandIn(['backup', 'export', '--data', 'x']), ['export', '--data', 'x'])
  assert.deepEqual(commandIn(['--no-sandbox', '--ozone-platform=headless', 'backup', 'verify', 'x']), ['verify', 'x'])
  for (const args of [[], ['--profile', 'backup'], ['--profile=a', 'backup'], ['--data', 'x', 'backup'], ['--hidden', 'backup'],
    ['--', 'backup'], ['coppice:backup'], ['/home/a/backup'], ['-x', 'backup'], ['--no-sandbox', 'x', 'backup']]) {
    assert.equal(commandIn(args), undefined, args.join(' '))
  }
})

test('a profile is backed up and the backup checked without a window; while the app has it open that is said, and nothing touched', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const anna = await launch(data, 'anna')
  t.after(() => anna.quit())
  await setUp(anna.page, 'Anna')
  await invoke(anna.page, 'conversation.group', { name: 'Alone', people: [], invites: [] })
  const file = path.join(path.dirname(data), 'mine.coppice-backup')
  const folder = path.join(data, 'profiles', 'anna')

  const before = readdirSync(folder).sort()
  const busy = runCommand(main, ['backup', 'export', file, '--data', data], testPassphrase)
  assert.equal(busy.status, 1, busy.said)
  assert.match(busy.said, /refused: profile-busy: the app is running with this profile; make the backup there/)
  assert.ok(!busy.said.includes(asks), 'before anything is asked')
  assert.deepEqual(readdirSync(folder).sort(), before)
  assert.equal(existsSync(file), false)
  assert.equal((await invoke(anna.page, 'backup.status', {}) as { ok: boolean }).ok, true)

  await anna.quit()
  const made = runCommand(main, ['--no-sandbox', 'backup', 'export', file, '--passphrase', '--data', data], testPassphrase, passphrase, passphrase)
  assert.equal(made.status, 0, made.said)
  assert.match(made.said, /saved: \d+ bytes/)
  const checked = runCommand(main, ['backup', 'verify', file], passphrase)
  assert.equal(checked.status, 0, checked.said)
  assert.match(checked.said, /whole: 0 messages in 1 chats/)
  for (const { said } of [made, checked]) {
    for (const secret of [testPassphrase, passphrase]) assert.ok(!said.includes(secret))
  }
  // Without a command it would be the app with its window, which there is none of here.
  assert.equal(runCommand(main, []).status, 99)
  assert.equal(runCommand(main, ['backup', 'verify', file, '--passphrase=x']).status, 2)
  assert.equal(runCommand(main, ['backup']).status, 2)
})

test('what is typed in a terminal is not shown', async (t: TestContext) => {
  if (!hasTerminal()) {
    process.stderr.write('!! NOT TESTED: no "script" here, which makes a terminal\n')
    t.skip('no "script" on this computer')
    return
  }
  const place = fixture('v1-passphrase.coppice-backup').path
  const found = await inTerminal([process.execPath, commandLine, main, 'backup', 'verify', place], passphrase)
  assert.equal(found.code, 0, found.shown)
  assert.match(found.shown, /Passphrase of the backup: [\s\S]*whole: 3 messages/)
  assert.ok(!found.shown.includes(passphrase.slice(0, 8)), found.shown)
})
