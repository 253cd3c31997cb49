/**
 * The vault on a real Secret Service: every case runs keyring.session.ts in a D-Bus session and a home of its own, so
 * that nobody's real keyring is touched. Needs Debian's packages dbus, gnome-keyring and libsecret-1-0.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { openKeychain } from '../../main/keychain/keytar.ts'

const isThere = (command: string): boolean => spawnSync(command, ['--version']).error === undefined

async function whatIsMissing(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'another kind of keychain, which is the person\'s own'
  for (const command of ['dbus-run-session', 'dbus-send', 'gnome-keyring-daemon']) {
    if (!isThere(command)) return `no ${command}`
  }
  return await openKeychain() === undefined ? 'no libsecret-1.so.0' : undefined
}

const missing = await whatIsMissing()
if (missing !== undefined) {
  process.stderr.write(`\n*** SKIPPED: the tests of the real keychain did not run: ${missing} ***\n\n`)
}

const stories = {
  'the key is kept in the keyring, and the store opens by itself': 'kept',
  'a locked keyring is locked, never a new user, and nothing is written': 'locked',
  'with a locked keyring the passphrase opens, and the key goes back later': 'locked, with a passphrase',
  'with a locked keyring the words open and set a passphrase': 'locked, with the words',
  'a keyring that lost the key is told from a locked one; the words open and the key goes back': 'lost',
  'a keyring that lost the key: the passphrase opens and the key goes back': 'lost, with a passphrase',
  'a key taken out of the keyring is not there, and comes back before the passphrase goes': 'taken out',
  'a keyring with another key does not open the store': 'another',
  'destroying the profile takes the key out of the keyring': 'destroyed',
  'a profile that cannot be made leaves no key in the keyring': 'unmade',
  'a session without a keyring has none, and an existing key is out of reach': 'absent',
}

for (const [title, story] of Object.entries(stories)) {
  test(title, { skip: missing ?? false }, (t) => {
    const home = mkdtempSync(path.join(tmpdir(), 'coppice-keyring-'))
    t.after(() => { rmSync(home, { recursive: true, force: true }) })
    mkdirSync(path.join(home, 'run'), { mode: 0o700 })
    const { DISPLAY: _x11, WAYLAND_DISPLAY: _wayland, NODE_TEST_CONTEXT: _runner, ...environment } = process.env
    const session = spawnSync('dbus-run-session', [
      '--', process.execPath, path.join(import.meta.dirname, 'keyring.session.ts'), story,
    ], {
      encoding: 'utf8', timeout: 60_000,
      env: { ...environment, HOME: home, XDG_RUNTIME_DIR: path.join(home, 'run'), XDG_DATA_HOME: home },
    })
    assert.equal(session.status, 0, session.stdout + session.stderr)
    assert.match(session.stdout, /the end of the story/)
  })
}
